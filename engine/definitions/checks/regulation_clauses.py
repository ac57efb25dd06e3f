"""The table of clauses: every element that a clause names is there, and a case can come to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.definitions.bundle import Bundle
from engine.definitions.model import Node, Process

from .regulation_places import Places

Named = tuple[str, str, str, Process | None, Node | None]
"""(finding key, clause, `process/element`, and where the element is if it is)."""


def unfulfilled(bundle: Bundle, places: Places) -> Iterator[Named]:
    """Elements of clauses with how = "diagram" that are gone or that no case comes to."""
    reached = {places[index].node.id for index in places.reach(list(places.scopes[0].entries))}
    clauses = bundle.regulation.get("clauses")
    for clause, entry in clauses.items() if isinstance(clauses, Mapping) else ():
        if not isinstance(entry, Mapping) or entry.get("how") != "diagram":
            continue
        elements = entry.get("elements")
        if not isinstance(elements, list) or not elements:
            yield "regulation.clause_empty", str(clause), "-", None, None
            continue
        for name in map(str, elements):
            process_id, _, element = name.partition("/")
            process = bundle.processes.get(process_id)
            found = next(((s, n) for s, n in process.walk() if n.id == element), None) if process is not None else None
            if found is None:
                yield "regulation.element_gone", str(clause), name, process, None
            elif element not in reached:
                yield "regulation.element_unreached", str(clause), name, found[0], found[1]
