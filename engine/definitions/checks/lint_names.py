"""Signals, messages and codes that have only one end: thrown and never caught, awaited and never thrown, unused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.definitions import xml
from engine.definitions.bundle import Bundle
from engine.definitions.model import Finding, Node, Process

from .thrown import escapes

THROWING = ("endEvent", "intermediateThrowEvent")
DECLARED = ("message", "signal", "error", "escalation")


def senders(processes: Mapping[str, Process]) -> Iterator[Finding]:
    """Signals with one end only, and errors and escalations that leave a process that nobody calls."""
    thrown: dict[str, tuple[str, Node]] = {}
    caught: dict[str, tuple[str, Node]] = {}
    for process in processes.values():
        for _, node in process.walk():
            if node.event.kind == "signal" and node.kind != "startEvent":
                side = thrown if node.kind in THROWING else caught
                side.setdefault(node.event.name, (process.file, node))
    starts = {
        node.event.name
        for process in processes.values()
        for _, node in process.walk()
        if node.kind == "startEvent" and node.event.kind == "signal"
    }
    for name in sorted(thrown.keys() - caught.keys() - starts):
        yield _finding("warning", *thrown[name], "check.signal_unheard", signal=name)
    for name in sorted(caught.keys() - thrown.keys()):
        yield _finding("warning", *caught[name], "check.signal_unsent", signal=name)
    called = {node.called for process in processes.values() for _, node in process.walk()}
    for process in processes.values():
        if process.id in called:
            continue
        # An error thrown at the top of a case ends it; one that comes out of something inside is a fault.
        left = escapes(process, processes, own=False)
        for kind, codes in (("error", left.errors), ("escalation", left.escalations)):
            for code in codes:
                where = next(
                    (
                        (other.file, node)
                        for other in processes.values()
                        for _, node in other.walk()
                        if node.kind in THROWING and node.event.kind == kind and node.event.name == code
                    ),
                    None,
                )
                if where is not None:
                    key = "check.error_uncaught" if kind == "error" else "check.escalation_uncaught"
                    yield _finding("warning" if kind == "error" else "info", *where, key, code=code or "-")


def declarations(bundle: Bundle) -> Iterator[Finding]:
    """Messages, signals, errors and escalations that a file declares and no event of it uses."""
    for path in sorted(bundle.files):
        if not path.endswith(".bpmn"):
            continue
        try:
            root = xml.parse(bundle.files[path])
        except xml.XmlRefused:
            continue
        # References are QNames: some tools write the prefix of the file's own namespace.
        used = {
            str(value).rpartition(":")[2].strip()
            for element in root.iter(f"{{{xml.BPMN}}}*")
            for name, value in element.attrib.items()
            if str(name).endswith("Ref")
        }
        for kind in DECLARED:
            for element in root.iterfind(f"{{{xml.BPMN}}}{kind}"):
                ident = element.get("id") or ""
                if ident not in used:
                    name = element.get("name") or ""
                    line = xml.line_of(element)
                    yield Finding("info", path, ident, name, line, "check.unused", {"kind": kind})


def _finding(severity: str, file: str, node: Node, key: str, **details: object) -> Finding:
    return Finding(severity, file, node.shown, node.name, node.line, key, details)  # type: ignore[arg-type]
