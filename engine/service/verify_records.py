"""Verification of the journal itself: chains of the stored rows, replays of every case, the files they speak of."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sqlalchemy import Connection, select

from engine.journal.chain import StoredRow, verify_rows
from engine.journal.schema import entries
from engine.journal.store import SqlTransaction
from engine.kernel.replay import Diverged, replay

from .bootstrap import Services
from .verification import Part, Report, Tick

WHAT = {
    "seq": "seq", "stream": "stream", "prev_hash": "prev_hash", "hash": "hash", "time": "time", "body": "body",
}  # fmt: skip
"""Kinds of breaks that have a sentence of their own; the others are look-up columns."""


def rows_of(conn: Connection, stream: str) -> list[StoredRow]:
    """A stream's rows as they lie in the database, by seq."""
    columns = entries.c
    wanted = select(
        columns.case_id, columns.seq, columns.at, columns.actor, columns.command_id, columns.hash, columns.body
    )
    found = conn.execute(wanted.where(columns.case_id == stream).order_by(columns.seq))
    return [StoredRow(r[0], r[1], r[2], r[3], r[4], r[5], bytes(r[6])) for r in found]


SPEAK_OF_FILES = (b'"kind":"FileAttached"', b'"kind":"DocumentMade"', b'"kind":"TemplateReplaced"')
"""Events that name contents of the file store by their sha256."""
Spoken = dict[str, tuple[str, int]]
"""sha256 of a file -> stream and seq of the first entry that speaks of it."""


def check_chains(
    conn: Connection, streams: Collection[str], part: Part, report: Report, files: Spoken, tick: Tick
) -> None:
    """Every stream's chain. Notes on the way which files the entries speak of: sha256 -> stream, seq."""
    for stream in streams:
        rows = rows_of(conn, stream)
        for broken in verify_rows(rows, report.algorithm):
            what = f"chain_{broken.what}" if broken.what in WHAT else "chain_column"
            part.fault(broken.case_id, broken.seq, what, broken.expected, broken.got)
        part.checked += len(rows)
        report.entries += len(rows)
        report.cases += not stream.startswith("_")
        tick(len(rows))
        _note_files(rows, files)


def _note_files(rows: list[StoredRow], files: Spoken) -> None:
    for row in rows:
        if any(kind in row.body for kind in SPEAK_OF_FILES):
            for sha256 in _hashes(row.body):
                files.setdefault(sha256, (row.case_id, row.seq))


def _hashes(body: bytes) -> Iterator[str]:
    mark = b'"sha256":"'
    start = body.find(mark)
    while start >= 0:
        text = body[start + len(mark) : start + len(mark) + 64].decode("ascii", "replace")
        yield text
        start = body.find(mark, start + 1)


def check_files(services: Services, part: Part, files: Spoken, whole: bool, tick: Tick) -> None:
    """Every file that an entry speaks of is there and has its hash. `whole`: all streams were read, so that contents
    that no entry speaks of can be told (uploads that were never submitted; no fault)."""
    for sha256 in sorted(files):
        stream, seq = files[sha256]
        part.checked += 1
        tick(1)
        if not services.files.intact(sha256):
            try:
                services.files.open(sha256).close()
                part.fault(stream, seq, "file_differs", sha256, "other content")
            except FileNotFoundError:
                part.fault(stream, seq, "file_missing", sha256, "")
    if whole:
        strangers = sum(sha256 not in files for sha256 in services.files.stored())
        if strangers:
            part.note("verify.note.strange_files", count=strangers)


def check_replays(services: Services, tx: SqlTransaction, streams: Collection[str], part: Part, tick: Tick) -> None:
    """Every case is carried out again from its commands: the same events, the same state after each entry."""
    load = services.application.live.loader(tx)
    for stream in streams:
        if stream.startswith("_"):
            continue
        seq = 0
        try:
            for step in replay(tx.read(stream), load):
                seq = step.entry.seq
                part.checked += 1
                tick(1)
                if (found := step.divergence) is not None:
                    part.fault(stream, seq, f"replay_{found.what}", found.expected, found.got)
        except Diverged as error:
            part.fault(stream, error.divergence.seq, "replay_impossible", "", error.divergence.got)
        except (KeyError, ValueError, TypeError) as error:  # bytes that are no entry
            part.fault(stream, seq + 1, "replay_impossible", "", repr(error))
