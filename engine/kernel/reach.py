"""What can reach what in a bundle: flows before an inclusive join, receivers of a message."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.definitions.model import Process


def upstream(process: Process, gateway: str, flow: str) -> frozenset[str]:
    """Elements from which `flow` can be reached without passing `gateway`; boundary events are reached from hosts."""
    seen: set[str] = set()
    todo = [process.flows[flow].source]
    while todo:
        ident = todo.pop()
        if ident in seen or ident == gateway or ident not in process.nodes:
            continue
        seen.add(ident)
        node = process.nodes[ident]
        todo.extend(process.flows[f].source for f in node.incoming)
        if node.attached_to:
            todo.append(node.attached_to)
    return frozenset(seen)


def called(processes: Mapping[str, Process], process: Process) -> list[Process]:
    """A process and all that it calls, directly or not, itself first."""
    found: dict[str, Process] = {}
    todo = [process]
    while todo:
        one = todo.pop(0)
        if one.id in found:
            continue
        found[one.id] = one
        todo.extend(processes[n.called] for _, n in one.walk() if n.called in processes)
    return list(found.values())


def pools(processes: Mapping[str, Process], process: Process) -> list[Process]:
    """Other processes of the same file that a message can start."""
    return [p for p in processes.values() if p.file == process.file and p.id != process.id]


def started_by(processes: Mapping[str, Process], process: Process, kind: str) -> dict[str, list[tuple[str, str]]]:
    """message or signal name -> (process, element) of the other pools of the file that begin with it."""
    found: dict[str, list[tuple[str, str]]] = {}
    for other in pools(processes, process):
        for name, node in beginnings(other, kind):
            found.setdefault(name, []).append((other.id, node))
    return found


def beginnings(process: Process, kind: str) -> Iterator[tuple[str, str]]:
    """(name, element) of the start events of a kind, and of instantiating receive tasks and event gateways."""
    for node in process.nodes.values():
        if node.kind == "startEvent" and node.event.kind == kind:
            yield node.event.name, node.id
        elif node.instantiate and not node.incoming:
            targets = [process.flows[f].target for f in node.outgoing]
            caught = [node] if node.kind == "receiveTask" else [process.nodes[t] for t in targets if t in process.nodes]
            yield from ((one.event.name, node.id) for one in caught if one.event.kind == kind)


def receivable(processes: Mapping[str, Process], process: Process) -> frozenset[str]:
    """Messages that an event of a case of `process` can wait for: in it, what it calls, and pools it may start."""
    scopes = called(processes, process)
    for other in pools(processes, process):
        if any(True for kind in ("message", "signal") for _ in beginnings(other, kind)):
            scopes.extend(called(processes, other))
    return frozenset(name for scope in scopes for name in _caught(scope))


def _caught(process: Process) -> Iterator[str]:
    for scope, node in process.walk():
        starts = node.kind == "startEvent" and scope is process
        if node.event.kind == "message" and not starts and node.kind in (
            "intermediateCatchEvent", "boundaryEvent", "receiveTask", "startEvent",
        ):  # fmt: skip
            yield node.event.name
