"""Local rules: what is probably a mistake although it runs, element by element (rules of bpmnlint and of our own).

Says nothing that the reader, the compiler of the kernel or the soundness check already say. Severity: `error` where the
case is sure to stop at an incident; `warning` where it hardly does what the drawing means; `info` for tidiness.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from engine.definitions.bundle import Bundle
from engine.definitions.forms import Form
from engine.definitions.model import ACTIVITIES, GATEWAYS, Finding, Node, Process

from .lint_loops import call_cycles, loops
from .lint_names import declarations, senders
from .lint_timers import timers
from .net import WAITING, called_process
from .writes import written_by, written_inside

MOST = 5
"""Fields named in one finding."""


def lint(bundle: Bundle) -> list[Finding]:
    """Findings of the local rules, process by process. Requires a bundle without findings of severity error."""
    found: list[Finding] = []
    for process in bundle.processes.values():
        for scope in _scopes(process):
            found += gateways(process.file, scope)
            found += activities(process.file, scope)
            found += parallel_writes(process.file, scope, bundle.processes, bundle.forms)
            found += timers(process.file, scope)
            found += loops(process.file, scope, bundle.processes, bundle.forms)
    found += call_cycles(bundle.processes)
    found += senders(bundle.processes)
    found += declarations(bundle)
    return found


def finding(
    severity: Literal["error", "warning", "info"], file: str, node: Node, key: str, **details: object
) -> Finding:
    """A finding on a node, at the element that people see."""
    return Finding(severity, file, node.shown, node.name, node.line, key, details)


def _scopes(process: Process) -> list[Process]:
    """The process and every body inside it."""
    found = [process]
    for _, node in process.walk():
        if node.body is not None:
            found.append(node.body)
    return found


def gateways(file: str, scope: Process) -> Iterator[Finding]:
    """Gateways that join and split at once, that do nothing, or that race with clocks only."""
    for node in scope.nodes.values():
        if node.kind not in GATEWAYS or node.drawn:
            continue
        ins, outs = len(node.incoming), len(node.outgoing)
        if ins > 1 and outs > 1 and node.kind != "eventBasedGateway":
            yield finding("info", file, node, "check.gateway_both")
        elif ins == 1 and outs == 1 and not scope.flows[node.outgoing[0]].condition:
            yield finding("info", file, node, "check.gateway_idle")
        if node.kind == "eventBasedGateway":
            targets = [scope.nodes[scope.flows[f].target] for f in node.outgoing]
            if targets and all(t.event.kind == "timer" for t in targets):
                yield finding("warning", file, node, "check.race_of_timers")
            if len(targets) == 1:
                yield finding("info", file, node, "check.gateway_idle")
        if node.kind in ("exclusiveGateway", "inclusiveGateway"):
            texts = [scope.flows[f].condition for f in node.outgoing if scope.flows[f].condition]
            for text in sorted({t for t in texts if texts.count(t) > 1} if node.kind == "exclusiveGateway" else set()):
                yield finding("warning", file, node, "check.condition_twice", condition=text)


def activities(file: str, scope: Process) -> Iterator[Finding]:
    """Tasks without a name, and events on elements that take no time."""
    for node in scope.nodes.values():
        if node.kind == "userTask" and not node.name.strip():
            yield finding("warning", file, node, "check.no_name")
        instant = node.kind in ACTIVITIES and node.kind not in WAITING and node.body is None and not node.called
        if not instant or node.multi is not None:
            continue
        for ident in node.boundary:
            event = scope.nodes[ident]
            if event.event.kind in ("timer", "message", "signal", "conditional"):
                yield finding("warning", file, event, "check.event_on_instant", host=node.label)


def parallel_writes(
    file: str, scope: Process, processes: Mapping[str, Process], forms: Mapping[str, Form]
) -> Iterator[Finding]:
    """Branches of one parallel split that write the same field: who comes last wins."""
    for split in scope.nodes.values():
        parallel = split.kind == "parallelGateway" or (
            split.kind not in GATEWAYS and not any(scope.flows[f].condition for f in split.outgoing)
        )
        if not parallel or len(split.outgoing) < 2:
            continue
        branches = [_ahead(scope, split.id, scope.flows[f].target) for f in split.outgoing]
        writers: list[dict[str, Node]] = []
        for number, branch in enumerate(branches):
            others = set().union(*(b for n, b in enumerate(branches) if n != number))
            mine: dict[str, Node] = {}
            for ident in sorted(branch - others):
                for name in _written(scope.nodes[ident], processes, forms):
                    mine.setdefault(name, scope.nodes[ident])
            writers.append(mine)
        pairs: dict[tuple[str, str], list[str]] = {}
        for number, mine in enumerate(writers):
            for other in writers[number + 1 :]:
                for name in sorted(mine.keys() & other.keys()):
                    pairs.setdefault((mine[name].label, other[name].label), []).append(name)
        for (one, two), names in pairs.items():
            fields = ", ".join(names[:MOST]) + (" …" if len(names) > MOST else "")
            yield finding("info", file, split, "check.parallel_write", fields=fields, one=one, other=two)


def _written(node: Node, processes: Mapping[str, Process], forms: Mapping[str, Form]) -> frozenset[str]:
    """Fields of the scope around that an activity writes. Instances of a multi-instance have fields of their own."""
    if node.multi is not None or node.isolated:
        return frozenset(a.target for a in node.outputs) | ({node.multi.output} if node.multi else set()) - {""}
    body = called_process(node, processes)
    return written_by(node, forms) | (written_inside(body, processes, forms) if body is not None else frozenset())


def _ahead(scope: Process, split: str, start: str) -> frozenset[str]:
    """Elements that a token at `start` can come to without passing the split again; handlers of events included."""
    seen: set[str] = set()
    todo = [start]
    while todo:
        ident = todo.pop()
        if ident in seen or ident == split or ident not in scope.nodes:
            continue
        seen.add(ident)
        node = scope.nodes[ident]
        todo.extend(scope.flows[f].target for f in node.outgoing if f in scope.flows)
        todo.extend(node.boundary)
    return frozenset(seen)
