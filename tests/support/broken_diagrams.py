"""Random diagrams with a fault drawn into them, and random walks of the real kernel that show whether a case sticks."""

from __future__ import annotations

import random
import re

from engine.definitions.bundle import Bundle, read_bundle
from engine.domain.rejection import Rejection
from engine.kernel.compile import compile_bundle
from engine.kernel.faults import KernelFault
from engine.kernel.program import Program

from .diagrams import Run, document
from .random_diagrams import Generator, random_step

FLOW = re.compile(r'<bpmn:sequenceFlow id="(\w+)" sourceRef="(\w+)" targetRef="(\w+)">')
GATEWAY = re.compile(r'<bpmn:(exclusive|parallel|inclusive)Gateway id="(\w+)"')
STEPS = 60
"""Steps of one walk at most: a round may go on for ever."""


def broken(seed: int, depth: int = 2) -> tuple[Program, Bundle] | None:
    """A random diagram with one or two gateways of another kind or flows to another target; None when the reader or the
    compiler refuses it."""
    chance = random.Random(seed)
    text = document(p=Generator(seed, depth).process()).decode()
    for _ in range(chance.randint(1, 2)):
        text = _swapped(text, chance) if chance.random() < 0.6 else _bent(text, chance)
    bundle = read_bundle({"bpmn/test.bpmn": text.encode()})
    program = compile_bundle(bundle)
    refused = any(f.severity == "error" for f in (*bundle.findings, *program.findings))
    return None if refused else (program, bundle)


def _swapped(text: str, chance: random.Random) -> str:
    """One gateway of another kind."""
    found = GATEWAY.findall(text)
    if not found:
        return text
    kind, ident = chance.choice(found)
    other = chance.choice([k for k in ("exclusive", "parallel", "inclusive") if k != kind])
    text = re.sub(rf'<bpmn:{kind}Gateway id="{ident}"(.*?)</bpmn:{kind}Gateway>',
                  rf'<bpmn:{other}Gateway id="{ident}"\1</bpmn:{other}Gateway>', text, flags=re.DOTALL)  # fmt: skip
    if other == "parallel":
        text = re.sub(rf'(Gateway id="{ident}") default="\w+"', r"\1", text)
        text = re.sub(
            rf'(sourceRef="{ident}" targetRef="\w+">)<bpmn:condition.*?</bpmn:conditionExpression>', r"\1", text
        )
    elif kind == "parallel":
        flows = [flow for flow, source, _ in FLOW.findall(text) if source == ident]
        if len(flows) > 1:
            text = text.replace(f'Gateway id="{ident}"', f'Gateway id="{ident}" default="{flows[0]}"')
            for number, flow in enumerate(flows[1:]):
                text = re.sub(rf'(sequenceFlow id="{flow}"[^>]*>)',
                              rf"\1<bpmn:conditionExpression>modulo(pick + {number}, 2) = 0</bpmn:conditionExpression>",
                              text)  # fmt: skip
    return text


def _bent(text: str, chance: random.Random) -> str:
    """One flow to the target of another one."""
    flows = FLOW.findall(text)
    flow, source, target = chance.choice(flows)
    other = chance.choice(flows)[2]
    begin = f'id="{flow}" sourceRef="{source}" targetRef='
    return text.replace(f'{begin}"{target}"', f'{begin}"{other}"')


def walk(program: Program, bundle: Bundle, chance: random.Random) -> str:
    """How one random case goes: "ended", "stuck" (open, nothing can ever move it), "fault" or "going" (too long)."""
    data = {"pick": chance.randrange(6), "units": ["a", "b", "c"][: chance.randrange(4)]}
    try:
        run = Run(program, bundle, data)
        for _ in range(STEPS):
            if run.case.status != "open":
                return "ended"
            if not (run.open or run.case.messages or run.case.timers):
                return "stuck"
            random_step(run, chance)
    except (KernelFault, AssertionError) as fault:
        if isinstance(fault, AssertionError) and not isinstance(fault.args[0] if fault.args else None, Rejection):
            raise
        return "fault"
    return "going"
