"""Random unstructured processes over every element that the checks know, from one seed; most of them are unsound."""

from __future__ import annotations

import random
from typing import Any

from engine.definitions.bundle import Bundle
from engine.definitions.checks.thrown import foreign_signals
from engine.definitions.model import EventText, MultiInstance, Process, StandardLoop
from engine.domain.commands import SendMessage, SendSignal, SubmitTask
from engine.kernel.faults import KernelFault
from engine.kernel.program import Program

from .diagrams import Run
from .nets import TIMER, bound, drawn

GROUPS: dict[str, Any] = {"groups": ("office",)}
STEPS = 40
"""Steps of one walk at most: a round may go on for ever."""

KINDS = ["user"] * 5 + ["task", "xor", "xor", "and", "and", "or", "race", "throw", "catch", "sub", "end", "end"]
INSIDE = [EventText("signal", "s"), EventText("signal", "t"), EventText("message", "m"), TIMER]
THROWN = [EventText("signal", "s"), EventText("escalation", "up"), EventText("message", "m"), EventText("none")]
ENDING = [EventText("none")] * 5 + [EventText("terminate"), EventText("error", "bad"), EventText("escalation", "up"),
                                   EventText("signal", "s")]  # fmt: skip
CAUGHT = [
    TIMER,
    EventText("signal", "s"),
    EventText("error", "bad"),
    EventText("escalation", ""),
    EventText("message", "m"),
]


class Nets:
    """`process()` makes one; `size`: elements of a scope at most, besides what its elements bring along."""

    def __init__(self, seed: int, size: int = 7) -> None:
        self.chance = random.Random(seed)
        self.size = size
        self.count = 0

    def name(self, kind: str) -> str:
        self.count += 1
        return f"{kind}{self.count}"

    def process(self, depth: int = 1) -> Process:
        start = self.name("start")
        names = [self.name(self.chance.choice(KINDS)) for _ in range(self.chance.randint(2, self.size))]
        names += [self.name("end")]
        names = [n if depth or not n.startswith("sub") else n.replace("sub", "user") for n in names]
        flows = [f"{start}>{names[0]}"]
        changes: dict[str, dict[str, Any]] = {}
        for number, name in enumerate(names):
            self.fill(name, depth, changes)
            if name.startswith("end"):
                continue
            if name.startswith("race"):
                for _ in range(2):
                    target = self.name("catch")
                    changes[target] = {"event": self.chance.choice(INSIDE)}
                    flows += [f"{name}>{target}", f"{target}>{self.target(names, number)}"]
                continue
            wide = name.startswith(("xor", "and", "or"))
            branches = self.chance.choice([1, 2, 2, 3]) if wide else self.chance.choice([1, 1, 1, 2])
            for branch in range(branches):
                choice = name.startswith(("xor", "or")) and branches > 1
                mark = "" if not choice else f"[c{self.count}{branch}]" if branch else "*"
                flows.append(f"{name}>{self.target(names, number)}{mark}")
            host = name.startswith(("user", "sub"))
            if host and self.chance.random() < (0.5 if name.startswith("sub") else 0.2):
                self.boundary(name, names, number, flows, changes)
        if self.chance.random() < 0.25:
            event = self.chance.choice(
                [TIMER, EventText("signal", "s"), EventText("error", "bad"), EventText("message", "m")]
            )
            inner = [self.name("start"), self.name("user"), self.name("end")]
            interrupting = event.kind == "error" or self.chance.random() < 0.5
            body = drawn(f"{inner[0]}>{inner[1]} {inner[1]}>{inner[2]}", "body",
                         **{inner[0]: {"event": event, "interrupting": interrupting},
                            inner[1]: GROUPS})  # fmt: skip
            changes[self.name("event")] = {"body": body}
        return drawn(" ".join(dict.fromkeys(flows)), "p", **changes)

    def fill(self, name: str, depth: int, changes: dict[str, dict[str, Any]]) -> None:
        """What an element holds."""
        if name.startswith("sub"):
            values: dict[str, Any] = {"body": self.process(depth - 1)}
            if self.chance.random() < 0.2:
                values["multi"] = MultiInstance(self.chance.random() < 0.5, "list", "", "item", "")
            elif self.chance.random() < 0.15:
                values["loop"] = StandardLoop("again", test_before=self.chance.random() < 0.5)
            changes[name] = values
        elif name.startswith("user"):
            changes[name] = GROUPS
        elif name.startswith("end"):
            changes[name] = {"event": self.chance.choice(ENDING)}
        elif name.startswith("throw"):
            changes[name] = {"event": self.chance.choice(THROWN)}
        elif name.startswith("catch"):
            changes[name] = {"event": self.chance.choice(INSIDE)}

    def boundary(
        self, host: str, names: list[str], number: int, flows: list[str], changes: dict[str, dict[str, Any]]
    ) -> None:
        caught = self.name("bound")
        event = self.chance.choice(CAUGHT)
        changes[caught] = bound(host, event, event.kind == "error" or self.chance.random() < 0.5)
        flows.append(f"{caught}>{self.target(names, number)}")

    def target(self, names: list[str], number: int) -> str:
        """Mostly an element further on, sometimes one behind."""
        ahead = names[number + 1 :] or names[-1:]
        return self.chance.choice(ahead if self.chance.random() < 0.85 else names)


def walked(program: Program, bundle: Bundle, chance: random.Random) -> str:
    """How one random case of the kernel goes: "ended", "stuck" (open, and nothing can ever move it), "fault" or
    "going" (too long). Signals that nobody in the bundle throws come from outside."""
    process = bundle.processes["p"]
    foreign = foreign_signals("p", bundle.processes)
    conditions = {flow.condition for scope, _ in process.walk() for flow in scope.flows.values() if flow.condition}
    data: dict[str, Any] = {name: chance.random() < 0.5 for name in sorted(conditions)}
    data |= {"list": ["a", "b"][: chance.randrange(3)], "again": False}
    try:
        run = Run(program, bundle, data)
        for _ in range(STEPS):
            if run.case.status != "open":
                return "ended"
            names = [token.task_spec.node.event.name for token in run.case.signals.values()]
            heard = [name for name in names if name in foreign]
            ways = ["signal"] * len(heard) + ["task"] * len(run.open) + ["message"] * len(run.case.messages)
            ways += ["timer"] * bool(run.case.timers)
            if not ways:
                return "stuck"
            way = chance.choice(ways)
            if way == "signal":
                run.do(SendSignal(chance.choice(heard)))
            elif way == "task":
                run.do(SubmitTask(chance.choice(run.open), {}))
            elif way == "message":
                run.do(SendMessage("m"))
            else:
                run.at = max(run.at, min(timer.due for timer in run.case.timers.values()))
                run.settle()
    except KernelFault:
        return "fault"
    return "going"
