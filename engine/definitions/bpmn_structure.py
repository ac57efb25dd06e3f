"""How the elements of one scope hang together: what of it can't be run, by element (BPMN 2.0 7.6, 10.3 to 10.7, 13)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from lxml import etree

from . import xml
from .model import ACTIVITIES, Finding, Flow, Node

UNCONDITIONAL = frozenset(["parallelGateway", "eventBasedGateway", "startEvent", "intermediateCatchEvent",
                           "intermediateThrowEvent", "boundaryEvent"])  # fmt: skip
"""Flows out of these can't have conditions (BPMN 8.3.13, 10.6)."""


def attach(path: str, nodes: dict[str, Node]) -> Iterator[Finding]:
    """Notes each boundary event at its host, in `nodes`; a finding for one that has none."""
    for node in list(nodes.values()):
        if node.kind != "boundaryEvent":
            continue
        host = nodes.get(node.attached_to)
        if host is None or host.kind not in ACTIVITIES or host.triggered:
            yield _finding(path, node, "bpmn.boundary_host", host=node.attached_to)
            continue
        nodes[host.id] = replace(host, boundary=(*host.boundary, node.id))


def structure(
    path: str,
    scope: etree._Element,
    nodes: dict[str, Node],
    flows: dict[str, Flow],
    nested: bool,
    event_driven: bool,
) -> Iterator[Finding]:
    """Findings of a process or sub-process: flows to nowhere, starts, dead ends, gateways, islands.

    `nested`: an embedded sub-process; `event_driven`: an event sub-process.
    """
    for flow in flows.values():
        for end in (flow.source, flow.target):
            if end not in nodes:
                yield Finding("error", path, flow.id, flow.name, flow.line, "bpmn.flow_end", {"end": end or "-"})
    yield from _starts(path, scope, nodes, nested, event_driven)
    for node in nodes.values():
        yield from _ends(path, node)
        yield from _gateway(path, node, nodes, flows)
        yield from _events(path, node, nodes)
    if xml.local(scope)[1] != "transaction":
        for node in nodes.values():
            if node.event.kind == "cancel" and node.kind == "endEvent":
                yield _finding(path, node, "bpmn.cancel")
    yield from _unreached(path, nodes, flows)


def _finding(
    path: str, node: Node, key: str, severity: Literal["error", "warning", "info"] = "error", **details: object
) -> Finding:
    return Finding(severity, path, node.shown, node.name, node.line, key, details)


def _starts(
    path: str, scope: etree._Element, nodes: dict[str, Node], nested: bool, event_driven: bool
) -> Iterator[Finding]:
    """Which start events a scope may have (BPMN 10.5.2): a process several, one of them plain; an embedded sub-process
    one plain one or none at all; an event sub-process exactly one, with a trigger."""
    starts = [node for node in nodes.values() if node.kind == "startEvent"]
    plain = [node for node in starts if node.event.kind == "none"]
    if event_driven:
        if len(starts) != 1 or plain:
            yield Finding(
                "error", path, scope.get("id") or "", scope.get("name") or "", xml.line_of(scope), "bpmn.event_start"
            )
        elif starts[0].event.kind in ("error", "compensate") and not starts[0].interrupting:
            yield _finding(path, starts[0], "bpmn.event_start_interrupts", event=starts[0].event.kind)
        return
    for node in plain[1:]:
        yield _finding(path, node, "bpmn.one_start", count=len(plain), first=plain[0].id)
    if nested:
        for node in starts:
            if node.event.kind != "none":
                yield _finding(path, node, "bpmn.nested_start", event=node.event.kind)
    elif any(node.event.kind == "timer" for node in starts):
        for node in starts:
            if node.event.kind == "timer":
                yield _finding(path, node, "bpmn.start_timer")
    if nodes and not starts and not _entries(nodes):
        yield Finding(
            "error", path, scope.get("id") or "", scope.get("name") or "", xml.line_of(scope), "bpmn.no_start"
        )


def _entries(nodes: dict[str, Node]) -> list[Node]:
    """Where a scope without start events begins."""
    return [n for n in nodes.values() if not n.incoming and _reachable_by_flow(n)]


def _reachable_by_flow(node: Node) -> bool:
    return node.kind not in ("startEvent", "boundaryEvent") and not node.triggered and not node.for_compensation


def _ends(path: str, node: Node) -> Iterator[Finding]:
    if not _reachable_by_flow(node):
        if node.incoming:
            yield _finding(path, node, "bpmn.no_incoming_allowed")
        if node.outgoing and node.kind in ACTIVITIES:
            yield _finding(path, node, "bpmn.no_outgoing_allowed")
    if node.kind == "endEvent" and node.outgoing:
        yield _finding(path, node, "bpmn.no_outgoing_allowed")
    if node.kind == "eventBasedGateway" and not node.outgoing:
        yield _finding(path, node, "bpmn.dead_end")
    elif node.kind != "endEvent" and not node.outgoing and not node.triggered and not node.for_compensation:
        yield _finding(path, node, "bpmn.dead_end", "warning")
    if node.default and node.default not in node.outgoing:
        yield _finding(path, node, "bpmn.default_flow", flow=node.default)


def _gateway(path: str, node: Node, nodes: dict[str, Node], flows: dict[str, Flow]) -> Iterator[Finding]:
    if node.kind in ("exclusiveGateway", "inclusiveGateway") and len(node.outgoing) > 1:
        for ident in node.outgoing:
            if ident != node.default and not flows[ident].condition:
                yield _finding(path, node, "bpmn.condition_missing", flow=ident)
        if not node.default:
            yield _finding(path, node, "bpmn.no_default", "warning")
    if node.kind in UNCONDITIONAL:
        for ident in node.outgoing:
            if flows[ident].condition:
                flow = flows[ident]
                yield Finding("error", path, flow.id, flow.name, flow.line, "bpmn.condition_here", {"tag": node.kind})
        if node.default:
            yield _finding(path, node, "bpmn.default_here", tag=node.kind)
    if node.kind == "eventBasedGateway":
        for ident in node.outgoing:
            target = nodes.get(flows[ident].target)
            catching = target is not None and (
                target.kind == "receiveTask"
                or (target.kind == "intermediateCatchEvent" and target.event.kind != "link")
            )
            if not catching or target is None or len(target.incoming) != 1 or target.boundary:
                yield _finding(path, node, "bpmn.event_gateway_target", flow=ident)


def _events(path: str, node: Node, nodes: dict[str, Node]) -> Iterator[Finding]:
    """Compensation and cancellation: where they may stand and what they need (BPMN 10.5.1, 10.7)."""
    event = node.event
    if event.kind == "cancel" and node.kind == "boundaryEvent":
        host = nodes.get(node.attached_to)
        if host is not None and host.kind != "transaction":
            yield _finding(path, node, "bpmn.cancel_host")
    if event.kind in ("cancel", "error") and node.kind == "boundaryEvent" and not node.interrupting:
        yield _finding(path, node, "bpmn.event_start_interrupts", event=event.kind)
    if node.body is None or node.kind != "transaction":
        return
    cancels = [n for n in node.body.nodes.values() if n.kind == "endEvent" and n.event.kind == "cancel"]
    caught = any(nodes[b].event.kind == "cancel" for b in node.boundary if b in nodes)
    for inner in cancels:
        if not caught:
            yield _finding(path, inner, "bpmn.cancel")


def _unreached(path: str, nodes: dict[str, Node], flows: dict[str, Flow]) -> Iterator[Finding]:
    """Elements that no token can come to, boundary events being reached with their host."""
    begins = [n for n in nodes.values() if n.kind == "startEvent" or n.triggered or n.for_compensation]
    if not any(n.kind == "startEvent" for n in nodes.values()):
        begins += _entries(nodes)
    seen: set[str] = set()
    todo = [node.id for node in begins]
    while todo:
        ident = todo.pop()
        if ident in seen or ident not in nodes:
            continue
        seen.add(ident)
        todo.extend(flows[flow].target for flow in nodes[ident].outgoing)
        todo.extend(nodes[ident].boundary)
    for node in nodes.values():
        if node.id not in seen and node.kind != "boundaryEvent":
            yield _finding(path, node, "bpmn.unreachable")
