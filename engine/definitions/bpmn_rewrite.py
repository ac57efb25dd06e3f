"""Drawings that mean the same as a simpler one: links, several triggers on one event, compensation associations.

The kernel then knows one way to say each thing. Elements made here carry `~` in their ids, which no XML id may hold,
and `drawn`, the element they were made of.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from .model import ACTIVITIES, EventText, Finding, Flow, Node

LAST = ("error", "cancel", "terminate")
"""Throws after which the path is over: in an end event with several, they come last."""


def finding(path: str, node: Node, key: str, **details: object) -> Finding:
    return Finding("error", path, node.id, node.name, node.line, key, details)


def links(path: str, nodes: dict[str, Node], flows: dict[str, Flow]) -> Iterator[Finding]:
    """A link is a flow that is not drawn (BPMN 10.5.5): one catch event of the name in the same scope."""
    catches = {n.event.name: n for n in nodes.values() if n.event.kind == "link" and n.kind == "intermediateCatchEvent"}
    seen: set[str] = set()
    for node in list(nodes.values()):
        if node.event.kind != "link":
            continue
        name = node.event.name
        if node.kind == "intermediateThrowEvent":
            target = catches.get(name)
            if target is None:
                yield finding(path, node, "bpmn.link_alone", link=name or "-")
                continue
            seen.add(name)
            ident = f"{node.id}~link"
            flows[ident] = Flow(ident, name, node.id, target.id, "", node.line)
        elif catches[name] is not node:
            yield finding(path, node, "bpmn.link_twice", link=name or "-", other=catches[name].id)
    for name, node in catches.items():
        if name not in seen:
            yield finding(path, node, "bpmn.link_alone", link=name or "-")


def several_triggers(
    path: str, nodes: dict[str, Node], flows: dict[str, Flow], triggers: dict[str, list[EventText]], parallel: set[str]
) -> Iterator[Finding]:
    """An event with several triggers becomes several events: any of them (BPMN 10.5.5, multiple), or all of them
    (parallel multiple)."""
    for ident, events in triggers.items():
        node = nodes.get(ident)
        if node is None:
            continue  # refused for having no id
        if node.kind == "boundaryEvent" and ident not in parallel:
            _boundaries(node, events, nodes, flows)
        elif node.kind == "intermediateCatchEvent":
            _catches(node, events, nodes, flows, all_of_them=ident in parallel)
        elif node.kind in ("intermediateThrowEvent", "endEvent"):
            _throws(node, events, nodes, flows)
        else:
            yield finding(path, node, "bpmn.event_multiple")


def _part(node: Node, number: int, event: EventText) -> Node:
    return replace(node, id=f"{node.id}~{number}", event=event, drawn=node.id, properties={})


def _flow(flows: dict[str, Flow], source: str, target: str, line: int) -> None:
    ident = f"{source}~to~{target}"
    flows[ident] = Flow(ident, "", source, target, "", line)


def _leave_from(flows: dict[str, Flow], old: str, new: str) -> None:
    for ident, flow in list(flows.items()):
        if flow.source == old:
            flows[ident] = replace(flow, source=new)


def _boundaries(node: Node, events: list[EventText], nodes: dict[str, Node], flows: dict[str, Flow]) -> None:
    merge = Node(f"{node.id}~merge", "exclusiveGateway", node.name, node.line, drawn=node.id)
    _leave_from(flows, node.id, merge.id)
    for number, event in enumerate(events, 1):
        part = _part(node, number, event)
        nodes[part.id] = part
        _flow(flows, part.id, merge.id, node.line)
    del nodes[node.id]
    nodes[merge.id] = merge


def _catches(
    node: Node, events: list[EventText], nodes: dict[str, Node], flows: dict[str, Flow], all_of_them: bool
) -> None:
    join = "parallelGateway" if all_of_them else "exclusiveGateway"
    merge = Node(f"{node.id}~merge", join, node.name, node.line, drawn=node.id)
    fork = replace(node, kind="eventBasedGateway", event=EventText("none"))
    _leave_from(flows, node.id, merge.id)
    nodes[merge.id] = merge
    if all_of_them:
        # Each token that comes waits for all of the events, so what forks must not be where several flows come in.
        nodes[node.id] = replace(fork, kind="exclusiveGateway")
        fork = replace(fork, id=f"{node.id}~fork", kind="parallelGateway", drawn=node.id)
        _flow(flows, node.id, fork.id, node.line)
    nodes[fork.id] = fork
    for number, event in enumerate(events, 1):
        part = _part(node, number, event)
        nodes[part.id] = part
        _flow(flows, fork.id, part.id, node.line)
        _flow(flows, part.id, merge.id, node.line)


def _throws(node: Node, events: list[EventText], nodes: dict[str, Node], flows: dict[str, Flow]) -> None:
    ordered = sorted(events, key=lambda e: e.kind in LAST)
    nodes[node.id] = replace(node, event=ordered[-1])
    first = f"{node.id}~1"
    for ident, flow in list(flows.items()):
        if flow.target == node.id:
            flows[ident] = replace(flow, target=first)
    for number, event in enumerate(ordered[:-1], 1):
        part = replace(_part(node, number, event), kind="intermediateThrowEvent")
        nodes[part.id] = part
        following = f"{node.id}~{number + 1}" if number < len(ordered) - 1 else node.id
        _flow(flows, part.id, following, node.line)


def compensations(path: str, nodes: dict[str, Node], associations: Iterable[tuple[str, str]]) -> Iterator[Finding]:
    """A compensation boundary event and its association say which activity undoes its host (BPMN 10.7.1)."""
    ends = [pair for a, b in associations for pair in ((a, b), (b, a))]
    handlers: set[str] = set()
    for node in list(nodes.values()):
        if node.kind != "boundaryEvent" or node.event.kind != "compensate":
            continue
        del nodes[node.id]
        host = nodes.get(node.attached_to)
        found = [b for a, b in ends if a == node.id and b in nodes and nodes[b].for_compensation]
        if host is None or host.kind not in ACTIVITIES:
            yield finding(path, node, "bpmn.boundary_host", host=node.attached_to)
        elif len(found) != 1:
            yield finding(path, node, "bpmn.compensation_handler", count=len(found))
        elif host.compensation:
            yield finding(path, node, "bpmn.compensation_twice", host=host.id)
        else:
            nodes[host.id] = replace(host, compensation=found[0])
            handlers.add(found[0])
    for node in nodes.values():
        if node.for_compensation and not node.triggered and node.id not in handlers:
            yield finding(path, node, "bpmn.handler_alone")
