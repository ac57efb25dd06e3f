"""What was taken out: the log of exports, newest first, and which export a file came from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Row, func, select

from engine.domain.codec import instant_text, parse_instant
from engine.readmodels.schema import files

from .exports import Watermark
from .log_tables import export_log, export_results

PAGE_SIZE: Final = 50
SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Export:
    """One export as shown. `made_at`, `sha256`, `size`: '' and 0 while nothing came out of it."""

    number: int
    at: str
    user_id: str
    name: str
    kind: str
    subject: str
    address: str
    made_at: str
    sha256: str
    size: int

    @property
    def watermark(self) -> str:
        """The text that the file carries."""
        return Watermark(self.number, self.user_id, self.name, parse_instant(self.at)).text


@dataclass(frozen=True, slots=True)
class ExportPage:
    """`older`, `newer`: number of the export to go on from, None at the end."""

    exports: tuple[Export, ...]
    older: int | None
    newer: int | None


_QUERY: Final = select(
    export_log, export_results.c.at.label("made_at"), export_results.c.sha256, export_results.c.size
).outerjoin(export_results, export_results.c.export == export_log.c.number)


def exports(conn: Connection, *, before: int | None = None, after: int | None = None, user_id: str = "") -> ExportPage:
    """The newest exports; those older than `before`, or the next newer than `after`. `user_id`: '' for everybody's."""
    query = _QUERY.where(export_log.c.user_id == user_id) if user_id else _QUERY
    if after is not None:
        query = query.where(export_log.c.number > after).order_by(export_log.c.number).limit(PAGE_SIZE + 1)
        rows = [_export(row) for row in conn.execute(query)]
        shown = tuple(rows[:PAGE_SIZE][::-1])
        return ExportPage(
            shown, shown[-1].number if shown else None, shown[0].number if len(rows) > PAGE_SIZE else None
        )
    if before is not None:
        query = query.where(export_log.c.number < before)
    rows = [_export(row) for row in conn.execute(query.order_by(export_log.c.number.desc()).limit(PAGE_SIZE + 1))]
    shown = tuple(rows[:PAGE_SIZE])
    more = shown[-1].number if len(rows) > PAGE_SIZE else None
    return ExportPage(shown, more, shown[0].number if before is not None and shown else None)


def numbered(conn: Connection, number: int) -> Export | None:
    row = conn.execute(_QUERY.where(export_log.c.number == number)).one_or_none()
    return None if row is None else _export(row)


def with_hash(conn: Connection, sha256: str) -> tuple[Export, ...]:
    """Exports whose file has this hash, newest first. Two exports never have: each carries its own number."""
    rows = conn.execute(_QUERY.where(export_results.c.sha256 == sha256).order_by(export_log.c.number.desc()))
    return tuple(_export(row) for row in rows)


def attached_with_hash(conn: Connection, sha256: str) -> tuple[tuple[str, str, str], ...]:
    """(case, id of the file, its name) of every file attached to a case whose content has this hash."""
    query = select(files.c.case_id, files.c.file_id, files.c.name).where(files.c.sha256 == sha256)
    return tuple((row.case_id, row.file_id, row.name) for row in conn.execute(query.order_by(files.c.case_id)))


def counted(conn: Connection, since: datetime) -> tuple[int, int]:
    """(exports begun, of them without a result) from `since` on."""
    query = (
        select(func.count(), func.count(export_results.c.number))
        .select_from(export_log.outerjoin(export_results, export_results.c.export == export_log.c.number))
        .where(export_log.c.at >= instant_text(since))
    )
    begun, done = conn.execute(query).one()
    return begun, begun - done


def _export(row: Row[tuple[object, ...]]) -> Export:
    return Export(
        row.number, row.at, row.user_id, row.name, row.kind, row.subject, row.address,
        row.made_at or "", row.sha256 or "", row.size or 0,
    )  # fmt: skip
