"""The full-text search made anew, text by text in its place: what is being searched meanwhile stays found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, delete, func, select

from engine.readmodels.schema import cases

from .documents_tables import made_documents
from .items_tables import items
from .search_index import AT_ONCE, READERS, alone, keep_mark, write
from .search_tables import search_grams, search_texts
from .transactions import writing

SOURCES: Final = {"case": cases, "item": items, "document": made_documents}
Tell = Callable[[str, int, int], None]
"""Told after each batch: kind, texts done, how many there are."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """`texts`: kind -> made anew. `removed`: texts of what is not there any more."""

    texts: dict[str, int]
    removed: int


def rebuild(services: Any, tell: Tell) -> Rebuilt:
    """Makes the search anew. Safe while the program serves: each batch is a transaction of its own, a text is replaced
    within one, and what is written meanwhile is indexed as always. Broken off it leaves a search that works; begun
    again it begins at the beginning."""
    with services.engine.connect() as conn:
        newest = conn.scalar(select(func.max(search_texts.c.number))) or 0
    texts, removed = {}, 0
    for kind in READERS:
        done = _kind(services, kind, tell)
        removed += _sweep(services, kind, done, newest)
        texts[kind] = len(done)
    return Rebuilt(texts, removed)


def _kind(services: Any, kind: str, tell: Tell) -> set[str]:
    """Makes all texts of a kind anew; their refs."""
    done: set[str] = set()
    mark = ""
    while True:
        with writing(services.engine) as conn:
            alone(conn)
            found = list(READERS[kind](services, conn, mark))
            for one in found:
                if one.ref not in done:
                    write(conn, one, anew=True)
            done.update(one.ref for one in found)
            last = found[-1].mark if found else mark
            end = len(found) < AT_ONCE or last == mark
            if end:
                # A wrong mark may be why somebody asked for this: reading goes on from what was really read.
                keep_mark(conn, kind, last)
            total = conn.scalar(select(func.count()).select_from(SOURCES[kind])) or 0
        mark = last
        tell(kind, len(done), max(total, len(done)))
        if end:
            return done


def _sweep(services: Any, kind: str, done: set[str], newest: int) -> int:
    """Removes texts, of those that were there before, whose source was not met; how many."""
    with services.engine.connect() as conn:
        gone = [number for number, ref in _before(conn, kind, newest) if ref not in done]
    for start in range(0, len(gone), AT_ONCE):
        with writing(services.engine) as conn:
            alone(conn)
            numbers = gone[start : start + AT_ONCE]
            conn.execute(delete(search_grams).where(search_grams.c.number.in_(numbers)))
            conn.execute(delete(search_texts).where(search_texts.c.number.in_(numbers)))
    return len(gone)


def _before(conn: Connection, kind: str, newest: int) -> Iterator[tuple[int, str]]:
    columns = search_texts.c
    wanted = select(columns.number, columns.ref).where(columns.kind == kind, columns.number <= newest)
    for row in conn.execute(wanted):
        yield row.number, row.ref
