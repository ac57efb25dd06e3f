"""Process values written in one line, for checks that need no file: `start>fork fork>a fork>b a>join b>join join>end`.

The first letters of an id are its kind (see KINDS). `x1>a[grade = "major"]` has a condition, `x1>a*` is the default.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from engine.definitions.bundle import Bundle
from engine.definitions.model import EventText, Flow, Node, Process, TimerText

KINDS = {
    "start": "startEvent", "end": "endEvent", "catch": "intermediateCatchEvent", "throw": "intermediateThrowEvent",
    "bound": "boundaryEvent", "user": "userTask", "task": "task", "script": "scriptTask", "receive": "receiveTask",
    "sub": "subProcess", "event": "subProcess", "call": "callActivity", "trans": "transaction",
    "xor": "exclusiveGateway", "and": "parallelGateway", "or": "inclusiveGateway", "race": "eventBasedGateway",
    "complex": "complexGateway",
}  # fmt: skip
FLOW = re.compile(r"(\w+)>(\w+)(\*|\[[^\]]*\])?")
TIMER = EventText("timer", timer=TimerText("duration", "PT1H"))


def drawn(text: str, ident: str = "p", **changes: dict[str, Any]) -> Process:
    """A process. `changes`: fields of nodes by id; a node that no flow names is made by its entry here."""
    nodes: dict[str, Node] = {}
    flows: dict[str, Flow] = {}
    found = FLOW.findall(text)
    assert "".join(f"{a}>{b}{c}" for a, b, c in found) == re.sub(r"(?<=\S)\s+(?=\w+>)", "", text.strip())
    for name in dict.fromkeys([*(n for a, b, _ in found for n in (a, b)), *changes]):
        kind = KINDS[re.match(r"[a-z]+", name)[0]]  # type: ignore[index]
        nodes[name] = Node(name, kind, "", 1)
    for number, (source, target, mark) in enumerate(found, 1):
        flow = Flow(f"f{number}", "", source, target, mark[1:-1] if mark.startswith("[") else "", 1)
        flows[flow.id] = flow
        nodes[source] = replace(nodes[source], outgoing=(*nodes[source].outgoing, flow.id))
        nodes[target] = replace(nodes[target], incoming=(*nodes[target].incoming, flow.id))
        if mark == "*":
            nodes[source] = replace(nodes[source], default=flow.id)
    for name, values in changes.items():
        nodes[name] = replace(nodes[name], triggered=name.startswith("event"), **values)
        host = nodes[name].attached_to
        if host:
            nodes[host] = replace(nodes[host], boundary=(*nodes[host].boundary, name))
    return Process(ident, "", "bpmn/test.bpmn", 1, True, nodes, flows)


def bundle_with(*processes: Process) -> Bundle:
    return Bundle("test", {}, {process.id: process for process in processes})


def bound(host: str, event: EventText = TIMER, interrupting: bool = True) -> dict[str, Any]:
    """Fields of a boundary event."""
    return {"attached_to": host, "event": event, "interrupting": interrupting}


def triggered(event: EventText, text: str, interrupting: bool = True, **changes: dict[str, Any]) -> dict[str, Any]:
    """Fields of an event sub-process whose start event is `startE`."""
    body = drawn(text, "body", startE={"event": event, "interrupting": interrupting}, **changes)
    return {"body": body}
