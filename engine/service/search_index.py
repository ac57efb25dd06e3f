"""Keeps the full-text search up with cases, items and documents. A job calls it; nothing is lost if it is late."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Final

from docx import Document as open_docx
from sqlalchemy import Connection, delete, insert, select, text, update

from engine.domain.codec import JSON, instant_text, parse_instant, texts
from engine.journal.store import SqlTransaction
from engine.readmodels.schema import cases

from .documents_tables import made_documents
from .items_tables import items
from .search_tables import search_grams, search_marks, search_texts
from .search_words import grams, plain
from .transactions import writing

AT_ONCE: Final = 50
"""Texts indexed in one transaction."""
MOST_CHARACTERS: Final = 60_000
"""Of one text; longer ones are searched up to here."""
LOCK: Final = 7_000_010
"""Key of PostgreSQL's advisory lock of who writes the search: two at once would add the same text twice."""
OVERLAP: Final = timedelta(minutes=2)
"""What was committed late may carry an earlier instant: so much is looked at again."""


@dataclass(frozen=True, slots=True)
class Source:
    """One text as it is now. `stamp`: changes when the text may have changed; `mark`: where reading goes on.
    `body`: read only where the stamp is new."""

    kind: str
    ref: str
    case_id: str
    title: str
    body: Callable[[], str]
    at: str
    stamp: str
    mark: str


def catch_up(services: Any, most: int = 100_000) -> int:
    """Indexes what is new or changed since the last time; how many texts. Bounded by `most`."""
    done = 0
    for kind in ("case", "item", "document"):
        while done < most:
            with writing(services.engine) as conn:
                written, end = _step(services, conn, kind)
            done += written
            if end:
                break
    return done


def alone(conn: Connection) -> None:
    """Waits until nobody else writes the search, to the end of this transaction. On SQLite a writing one is alone."""
    if conn.dialect.name == "postgresql":
        conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})


def _step(services: Any, conn: Connection, kind: str) -> tuple[int, bool]:
    """One batch: (texts written, whether there is no more)."""
    alone(conn)
    mark = conn.scalar(select(search_marks.c.mark).where(search_marks.c.kind == kind)) or ""
    found = list(READERS[kind](services, conn, mark))
    written = sum(write(conn, one) for one in found)
    last = found[-1].mark if found else mark
    if last != mark:
        keep_mark(conn, kind, last)
    return written, len(found) < AT_ONCE or last == mark


def keep_mark(conn: Connection, kind: str, mark: str) -> None:
    conn.execute(delete(search_marks).where(search_marks.c.kind == kind))
    conn.execute(insert(search_marks).values(kind=kind, mark=mark))


def write(conn: Connection, one: Source, *, anew: bool = False) -> int:
    """Indexes a text that is new or changed; 0 when it is as it was. `anew`: whatever lies there is not believed."""
    old = conn.execute(
        select(search_texts.c.number, search_texts.c.stamp, search_texts.c.plain).where(
            search_texts.c.kind == one.kind, search_texts.c.ref == one.ref
        )
    ).one_or_none()
    if old is not None and old.stamp == one.stamp and not anew:
        return 0
    body = one.body()[:MOST_CHARACTERS]
    words = plain(f"{one.title} {one.ref} {body}")
    values = {
        "kind": one.kind, "ref": one.ref, "case_id": one.case_id, "title": one.title, "body": body, "plain": words,
        "at": one.at, "stamp": one.stamp,
    }  # fmt: skip
    if old is None:
        number = conn.execute(insert(search_texts).values(**values).returning(search_texts.c.number)).scalar_one()
        before: set[str] = set()
    else:
        number, before = old.number, grams(old.plain)
        conn.execute(update(search_texts).where(search_texts.c.number == number).values(**values))
        if anew:
            conn.execute(delete(search_grams).where(search_grams.c.number == number))
            before = set()
    now = grams(words)
    if gone := before - now:
        conn.execute(delete(search_grams).where(search_grams.c.number == number, search_grams.c.gram.in_(gone)))
    if new := now - before:
        conn.execute(insert(search_grams), [{"gram": gram, "number": number} for gram in sorted(new)])
    return 1


# -- what there is to read ----------------------------------------------------------------------------------------
def _cases(services: Any, conn: Connection, mark: str) -> Iterator[Source]:
    """`mark`: instant of the last change read, then the case."""
    at, _, case_id = mark.partition(" ")
    columns = (cases.c.case_id, cases.c.title, cases.c.updated_at)
    later = (cases.c.updated_at > at) | ((cases.c.updated_at == at) & (cases.c.case_id > case_id))
    query = select(*columns).where(later).order_by(cases.c.updated_at, cases.c.case_id).limit(AT_ONCE)
    rows = conn.execute(query).all()
    if len(rows) < AT_ONCE and at:
        since = instant_text(parse_instant(at) - OVERLAP)
        again = select(*columns).where(cases.c.updated_at >= since, cases.c.updated_at <= at).limit(AT_ONCE)
        rows = [*conn.execute(again).all(), *rows]
    reader = SqlTransaction(conn)
    for row in rows:
        head = reader.head(row.case_id)
        # Rows that are looked at again never move the mark back.
        place = max(f"{row.updated_at} {row.case_id}", mark)
        yield Source(
            "case",
            row.case_id,
            row.case_id,
            row.title,
            partial(_texts, reader, row.case_id),
            row.updated_at,
            "" if head is None else str(head.seq),
            place,
        )


def _texts(reader: SqlTransaction, case_id: str) -> str:
    """Every text that was written into the case, each once, in order."""
    found: dict[str, None] = {}
    for entry in reader.read(case_id):
        for event in entry.events:
            if event["kind"] == "DataWritten":
                found.update(dict.fromkeys(_shown(event["values"])))
            elif event["kind"] == "Commented":
                found.update(dict.fromkeys(_shown(event.get("text"))))
    return "\n".join(found)


def _shown(value: JSON) -> Iterator[str]:
    """What is worth finding: neither single letters nor references to files."""
    return (text for text in texts(value) if len(text) > 1 and not text.startswith("files::"))


def _items(_services: Any, conn: Connection, mark: str) -> Iterator[Source]:
    """`mark`: number of the last item; what an item says never changes."""
    query = select(items).where(items.c.item_id > int(mark or 0)).order_by(items.c.item_id).limit(AT_ONCE)
    for row in conn.execute(query):
        body = "\n".join((row.body, row.source_name, row.url))
        number = str(row.item_id)
        yield Source(
            "item", number, row.case_id, row.title, partial(str, body), row.received_at, row.received_at, number
        )


def _documents(services: Any, conn: Connection, mark: str) -> Iterator[Source]:
    """`mark`: number of the last document; a document never changes."""
    columns = made_documents.c
    query = select(made_documents).where(columns.number > int(mark or 0)).order_by(columns.number).limit(AT_ONCE)
    for row in conn.execute(query):
        number, title = str(row.number), f"{row.mark} {row.title}"
        body = partial(_paragraphs, services, row.docx_sha256)
        yield Source("document", number, row.case_id, title, body, row.at, row.docx_sha256, number)


def _paragraphs(services: Any, sha256: str) -> str:
    """The text of a stored .docx; nothing when the file is not here (a database without its files is searched too)."""
    with contextlib.suppress(FileNotFoundError), services.files.open(sha256) as stream:
        document = open_docx(stream)
        cells = (cell.text for table in document.tables for row in table.rows for cell in row.cells)
        return "\n".join(dict.fromkeys((*(one.text for one in document.paragraphs), *cells)))
    return ""


READERS: Final[Mapping[str, Callable[[Any, Connection, str], Iterator[Source]]]] = {
    "case": _cases,
    "item": _items,
    "document": _documents,
}
