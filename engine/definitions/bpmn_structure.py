"""How the elements of one scope hang together: what of it can't be run, by element (BPMN 2.0 7.6, 10.4, 13)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from .model import ACTIVITIES, Finding, Flow, Node


def attach(path: str, nodes: dict[str, Node]) -> Iterator[Finding]:
    """Notes each boundary event at its host, in `nodes`; a finding for one that has none."""
    for node in list(nodes.values()):
        if node.kind != "boundaryEvent":
            continue
        host = nodes.get(node.attached_to)
        if host is None or host.kind not in ACTIVITIES:
            yield _finding(path, node, "bpmn.boundary_host", host=node.attached_to)
            continue
        nodes[host.id] = replace(host, boundary=(*host.boundary, node.id))


def structure(path: str, scope: str, line: int, nodes: dict[str, Node], flows: dict[str, Flow]) -> Iterator[Finding]:
    """Findings of a process or sub-process `scope`: flows to nowhere, starts, dead ends, gateways, islands."""
    for flow in flows.values():
        for end in (flow.source, flow.target):
            if end not in nodes:
                yield Finding("error", path, flow.id, flow.name, flow.line, "bpmn.flow_end", {"end": end or "-"})
    starts = [node for node in nodes.values() if node.kind == "startEvent"]
    if nodes and len(starts) != 1:
        yield Finding("error", path, scope, "", line, "bpmn.one_start", {"count": len(starts)})
    for node in nodes.values():
        yield from _ends(path, node)
        yield from _gateway(path, node, nodes, flows)
    reached = _reached(starts, nodes, flows)
    for node in nodes.values():
        if node.id not in reached and node.incoming:
            yield _finding(path, node, "bpmn.unreachable")


def _finding(
    path: str, node: Node, key: str, severity: Literal["error", "warning"] = "error", **details: object
) -> Finding:
    return Finding(severity, path, node.id, node.name, node.line, key, details)


def _ends(path: str, node: Node) -> Iterator[Finding]:
    begins = node.kind in ("startEvent", "boundaryEvent")
    if begins and node.incoming:
        yield _finding(path, node, "bpmn.no_incoming_allowed")
    if node.kind == "endEvent" and node.outgoing:
        yield _finding(path, node, "bpmn.no_outgoing_allowed")
    if not begins and not node.incoming:
        yield _finding(path, node, "bpmn.unreachable")
    if node.kind != "endEvent" and not node.outgoing:
        soft = node.kind in ACTIVITIES or node.kind == "boundaryEvent"
        yield _finding(path, node, "bpmn.dead_end", "warning" if soft else "error")
    if node.default and node.default not in node.outgoing:
        yield _finding(path, node, "bpmn.default_flow", flow=node.default)


def _gateway(path: str, node: Node, nodes: dict[str, Node], flows: dict[str, Flow]) -> Iterator[Finding]:
    if node.kind in ("exclusiveGateway", "inclusiveGateway") and len(node.outgoing) > 1:
        for ident in node.outgoing:
            if ident != node.default and not flows[ident].condition:
                yield _finding(path, node, "bpmn.condition_missing", flow=ident)
        if not node.default:
            yield _finding(path, node, "bpmn.no_default", "warning")
    if node.kind == "eventBasedGateway":
        for ident in node.outgoing:
            target = nodes.get(flows[ident].target)
            catching = target is not None and target.kind in ("intermediateCatchEvent", "receiveTask")
            if not catching or target is None or len(target.incoming) != 1:
                yield _finding(path, node, "bpmn.event_gateway_target", flow=ident)


def _reached(starts: list[Node], nodes: dict[str, Node], flows: dict[str, Flow]) -> set[str]:
    """Elements that a token from a start event can come to; boundary events are reached with their host."""
    seen: set[str] = set()
    todo = [node.id for node in starts]
    while todo:
        ident = todo.pop()
        if ident in seen or ident not in nodes:
            continue
        seen.add(ident)
        todo.extend(flows[flow].target for flow in nodes[ident].outgoing)
        todo.extend(nodes[ident].boundary)
    return seen
