"""What may leave a body: errors and escalations that nobody inside catches, signals that something inside throws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.definitions.model import Node, Process

COMPOSITE = frozenset(("subProcess", "transaction", "callActivity", "adHocSubProcess"))


@dataclass(frozen=True, slots=True)
class Escapes:
    """Codes that may come out of a body, sorted; `cancel`: whether a transaction may be cancelled from inside."""

    errors: tuple[str, ...] = ()
    escalations: tuple[str, ...] = ()
    cancel: bool = False


def escapes(
    process: Process, processes: Mapping[str, Process], known: dict[str, Escapes] | None = None, own: bool = True
) -> Escapes:
    """Codes that can leave the body, by structure alone: more than can really happen, never fewer, but for what only a
    ring of calls would bring out. `own`: also those that are thrown in the body itself, not only those out of the
    bodies in it; `known`: called processes looked at already."""
    known = {} if known is None else known
    found: dict[str, set[str]] = {"error": set(), "escalation": set()}
    beside: dict[str, set[str]] = {"error": set(), "escalation": set()}
    cancel = False
    for node in process.nodes.values():
        if node.kind in ("endEvent", "intermediateThrowEvent") and own:
            cancel = cancel or node.event.kind == "cancel"
            if node.event.kind in found:
                found[node.event.kind].add(node.event.name)
        body = node.body if node.body is not None else processes.get(node.called)
        if node.kind in COMPOSITE and body is not None:
            inner = known.get(node.called) if node.body is None else None
            if inner is None:
                if node.body is None:
                    known[node.called] = Escapes()
                inner = escapes(body, processes, known)
                if node.body is None:
                    known[node.called] = inner
            for kind, codes in (("error", inner.errors), ("escalation", inner.escalations)):
                # What an event sub-process throws passes its neighbours by and leaves the body.
                into = beside if node.triggered else found
                into[kind] |= {code for code in codes if not _caught(process, node, kind, code)}
    starts = [
        start.event
        for event in process.event_subprocesses
        if event.body is not None
        for start in event.body.nodes.values()
        if start.kind == "startEvent"
    ]
    for event in starts:
        if event.kind in found:
            found[event.kind] -= {c for c in found[event.kind] if event.name in ("", c)}
    errors, escalations = (tuple(sorted(found[kind] | beside[kind])) for kind in ("error", "escalation"))
    return Escapes(errors, escalations, cancel)


def _caught(process: Process, host: Node, kind: str, code: str) -> bool:
    events = [process.nodes[b].event for b in host.boundary if b in process.nodes]
    return any(event.kind == kind and event.name in ("", code) for event in events)


def signals_of(process: Process, processes: Mapping[str, Process]) -> frozenset[str]:
    """Names of the signals thrown by anything that runs inside the body."""
    found: set[str] = set()
    seen: set[str] = set()
    todo = [process]
    while todo:
        for _, node in todo.pop().walk():
            if node.event.kind == "signal" and node.kind in ("endEvent", "intermediateThrowEvent"):
                found.add(node.event.name)
            if node.called in processes and node.called not in seen:
                seen.add(node.called)
                todo.append(processes[node.called])
    return frozenset(found)


def foreign_signals(process: str, processes: Mapping[str, Process]) -> frozenset[str]:
    """Names of the signals that may reach a process from outside: thrown by a process that it doesn't call, by another
    run of itself, or by nobody in the bundle."""
    mine = signals_of(processes[process], processes)
    family = {process, *calls_of(processes[process], processes)}
    others: set[str] = set()
    caught: set[str] = set()
    for other in processes.values():
        for _, node in other.walk():
            if node.event.kind == "signal" and node.kind in ("endEvent", "intermediateThrowEvent"):
                others |= {node.event.name} if other.id not in family else set()
            elif node.event.kind == "signal":
                caught.add(node.event.name)
    return frozenset(others | (caught - mine) | (mine if may_run_twice(process, processes) else frozenset()))


def calls_of(process: Process, processes: Mapping[str, Process]) -> frozenset[str]:
    """Ids of the processes that a process calls, directly or not."""
    found: set[str] = set()
    todo = [process]
    while todo:
        for _, node in todo.pop().walk():
            if node.called in processes and node.called not in found:
                found.add(node.called)
                todo.append(processes[node.called])
    return frozenset(found)


def may_run_twice(process: str, processes: Mapping[str, Process], seen: frozenset[str] = frozenset()) -> bool:
    """Whether two runs of a process may be under way in one case: called from two places, by parallel instances, or
    after an event that doesn't interrupt; or by a process of which that is true."""
    sites = [
        (root, scope, node) for root in processes.values() for scope, node in root.walk() if node.called == process
    ]
    if len(sites) > 1:
        return True
    for root, scope, node in sites:
        if node.multi is not None or beside(scope).intersection((node.id,)) or scope is not root:
            return True
        if root.id not in seen and may_run_twice(root.id, processes, seen | {process}):
            return True
    return False


def beside(process: Process) -> frozenset[str]:
    """Ids of the elements of a body that only a non-interrupting event leads to: its handlers, not the way itself."""
    reached: set[str] = set()
    todo = [n.id for n in process.nodes.values() if n.kind == "startEvent"] + [n.id for n in process.entries]
    while todo:
        ident = todo.pop()
        if ident in reached or ident not in process.nodes:
            continue
        reached.add(ident)
        node = process.nodes[ident]
        todo.extend(process.flows[flow].target for flow in node.outgoing if flow in process.flows)
        todo.extend(b for b in node.boundary if b in process.nodes and process.nodes[b].interrupting)
    return frozenset(process.nodes.keys() - reached)
