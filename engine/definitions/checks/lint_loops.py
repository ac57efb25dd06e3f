"""Rounds in which nothing waits, within a scope and over calls: they run until the guards stop the case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.definitions.forms import Form
from engine.definitions.model import Finding, Node, Process

from .net import WAITING, called_process
from .writes import CLOCK, names_in, written_by, written_inside


def loops(file: str, scope: Process, processes: Mapping[str, Process], forms: Mapping[str, Form]) -> Iterator[Finding]:
    """Rounds without a wait that have a way out: an error when nothing in the round changes what the way out asks for.

    A round without any way out is the soundness check's.
    """
    ahead = {
        ident: [scope.flows[f].target for f in node.outgoing if f in scope.flows] if _instant(node, processes) else []
        for ident, node in scope.nodes.items()
    }
    for group in cycles(ahead):
        ways = [
            (node, scope.flows[f])
            for node in (scope.nodes[i] for i in group)
            for f in node.outgoing
            if f in scope.flows
        ]
        if all(flow.target in group for _, flow in ways):
            continue
        splits = {node.id for node, flow in ways if flow.target not in group}
        asked: set[str] = set()
        moving = False
        for node, flow in ways:
            if node.id in splits and flow.condition:
                names = names_in(flow.condition)
                moving = moving or names is None or any(clock in flow.condition for clock in CLOCK)
                asked |= names or set()
        written: set[str] = set()
        for ident in group:
            written |= written_by(scope.nodes[ident], forms)
            body = called_process(scope.nodes[ident], processes)
            written |= written_inside(body, processes, forms) if body is not None else set()
            # Service tasks write what their topic says, which is not to be seen here.
            moving = moving or scope.nodes[ident].kind in ("serviceTask", "sendTask")
        first = next(node for node in scope.nodes.values() if node.id in group)
        names_text = ", ".join(scope.nodes[i].label for i in scope.nodes if i in group and scope.nodes[i].name)
        stuck = not moving and not asked & written
        key = "check.loop_unchanged" if stuck else "check.loop_no_wait"
        details = {"round": names_text or ", ".join(sorted(group)), "fields": ", ".join(sorted(asked))}
        yield Finding("error" if stuck else "info", file, first.shown, first.name, first.line, key, details)


def call_cycles(processes: Mapping[str, Process]) -> Iterator[Finding]:
    """Processes that call each other in a ring: an error when the ring is closed without any wait."""
    every: dict[str, list[str]] = {}
    at_once: dict[str, list[str]] = {}
    for process in processes.values():
        called = [node.called for _, node in process.walk() if node.called in processes]
        every[process.id] = called
        at_once[process.id] = sorted(_called_at_once(process, processes))
    hasty = [set(group) for group in cycles(at_once)]
    for group in cycles(every):
        first = next(process for process in processes.values() if process.id in group)
        site = next(node for _, node in first.walk() if node.called in group)
        never_waits = any(set(group) & other for other in hasty)
        key = "check.call_cycle_no_wait" if never_waits else "check.call_cycle"
        ring = ", ".join(sorted(group))
        severity = "error" if never_waits else "warning"
        yield Finding(severity, first.file, site.shown, site.name, site.line, key, {"ring": ring})  # type: ignore[arg-type]


def _called_at_once(process: Process, processes: Mapping[str, Process]) -> set[str]:
    """Processes that a fresh case of `process` is sure to be able to call before it waits for anything."""
    found: set[str] = set()
    seen: set[str] = set()
    todo = [(process, node.id) for node in process.entries]
    while todo:
        scope, ident = todo.pop()
        if ident in seen or ident not in scope.nodes:
            continue
        seen.add(ident)
        node = scope.nodes[ident]
        if node.called in processes:
            found.add(node.called)
        elif node.body is not None:
            todo.extend((node.body, inner.id) for inner in node.body.entries)
        if _instant(node, processes):
            todo.extend((scope, scope.flows[f].target) for f in node.outgoing if f in scope.flows)
    return found


def _instant(node: Node, processes: Mapping[str, Process]) -> bool:
    """Whether a token passes the node without waiting. A composite waits if anything in it may."""
    if node.kind in WAITING or node.kind == "eventBasedGateway":
        return False
    body = called_process(node, processes)
    return body is None and not node.called


def cycles(ahead: Mapping[str, list[str]]) -> list[list[str]]:
    """Groups of nodes that reach each other (strongly connected components with a cycle), in the order of `ahead`."""
    reach = {ident: _reached(ahead, ident) for ident in ahead}
    found: list[list[str]] = []
    seen: set[str] = set()
    for ident in ahead:
        if ident in seen or ident not in reach[ident]:
            continue
        group = [other for other in ahead if other in reach[ident] and ident in reach[other]]
        seen |= set(group)
        found.append(group)
    return found


def _reached(ahead: Mapping[str, list[str]], start: str) -> set[str]:
    seen: set[str] = set()
    todo = list(ahead[start])
    while todo:
        ident = todo.pop()
        if ident not in seen and ident in ahead:
            seen.add(ident)
            todo.extend(ahead[ident])
    return seen
