"""From notifications to deliveries: who is told what, by which ways, and when it may go.

A notification names a group; who speaks for it is asked when it is handed out. All that one entry tells one person
becomes one message in each of his channels, with the most pressing of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, select, text, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from engine.domain.codec import instant_text, parse_instant
from engine.journal.imports import is_imported
from engine.readmodels import outbox
from engine.readmodels.outbox import NotificationRow
from engine.readmodels.schema import NO_DUE, cases, tasks

from . import people
from .delivery_text import KIND_OF
from .outbox_tables import KINDS, contacts, deliveries, outbox_marks
from .quiet_hours import QuietHours

STALE: Final = timedelta(hours=72)
"""What could not go out for so long is no news any more; the work stands in the inbox all the same. It also keeps a
journal from before there was an outbox from telling its whole past."""
MAJOR: Final = "major_negative"
"""Cases of this grade are answered the same day (R49): nothing about them waits for the morning."""
MARGIN: Final = timedelta(hours=8)
"""An ordinary message may wait only where no limit of its case ends before quiet hours do, or in the shortest
statutory span after that (R50: 8 hours from delivery)."""
_STATUTORY: Final = frozenset({"breached", "warning"})
_LOCK: Final = 0x6F7574626F78  # "outbox"


@dataclass(slots=True)
class _Message:
    """To one person, out of one entry."""

    kind: str
    deadline: str


def hand_out(conn: Connection, now: datetime, quiet: QuietHours | None, limit: int) -> int:
    """Makes deliveries of notifications not handed out yet; returns how many rows of notifications were seen.

    Requires a writing transaction. One process at a time does it, the others go on without. Entries are taken whole,
    so that their messages are folded the same way whoever does it.
    """
    if conn.dialect.name == "postgresql" and not conn.scalar(
        text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": _LOCK}
    ):
        return 0
    rows = outbox.unsent(conn, limit)
    if not rows:
        return 0
    marks = _marks(conn, {row.case_id for row in rows})
    entries: dict[tuple[str, int], list[NotificationRow]] = {}
    for row in rows:
        if seq_of(row) > marks.get(row.case_id, 0) and row.created_at is not None and row.created_at > now - STALE:
            entries.setdefault((row.case_id, seq_of(row)), []).append(row)
    mine = {case for case, _ in entries if not is_imported(conn, case)}
    wanted = {key: told for key, told in entries.items() if key[0] in mine}
    if wanted:
        _queue(conn, wanted, now, quiet)
    reached: dict[str, int] = {}
    for row in rows:
        reached[row.case_id] = max(seq_of(row), reached.get(row.case_id, marks.get(row.case_id, 0)))
    _set_marks(conn, reached)
    outbox.mark_sent(conn, [row.id for row in rows], now)
    return len(rows)


def seq_of(row: NotificationRow) -> int:
    """The entry that told it: `<case>/<seq>.<n>.<group>`."""
    return int(row.id.rpartition("/")[2].partition(".")[0])


def not_before(now: datetime, quiet: QuietHours | None, urgent: bool) -> datetime:
    """The first instant from `now` on at which a message may go out."""
    return now if quiet is None or urgent else quiet.over(now)


def is_urgent(now: datetime, quiet: QuietHours | None, kind: str, grade: str, due: str) -> bool:
    """Whether quiet hours must not hold a message. `due`: the earliest limit of the case that runs, NO_DUE for none."""
    if kind in _STATUTORY or grade == MAJOR:
        return True
    return quiet is not None and due != NO_DUE and parse_instant(due) <= quiet.over(now) + MARGIN


def _queue(
    conn: Connection,
    entries: Mapping[tuple[str, int], Sequence[NotificationRow]],
    now: datetime,
    quiet: QuietHours | None,
) -> None:
    told = [row for rows in entries.values() for row in rows]
    speakers = people.speakers(conn, {row.grp for row in told}, now)
    ways = _ways(conn, {user for users in speakers.values() for user in users})
    dues = _dues(conn, told)
    standing = _standing(conn, {case for case, _ in entries})
    made: list[dict[str, Any]] = []
    for (case_id, seq), rows in sorted(entries.items()):
        grade, due = standing.get(case_id, ("", NO_DUE))
        for user, message in sorted(_messages(rows, speakers, dues).items()):
            urgent = is_urgent(now, quiet, message.kind, grade, due)
            made += [
                {
                    "delivery_id": f"{case_id}/{seq}/{channel}/{user}",
                    "case_id": case_id,
                    "user_id": user,
                    "channel": channel,
                    "kind": message.kind,
                    "deadline": message.deadline,
                    "urgent": int(urgent),
                    "state": "waiting",
                    "attempts": 0,
                    "next_at": instant_text(not_before(now, quiet, urgent)),
                    "since": instant_text(now),
                    "error": "",
                    "detail": "",
                    "sent_at": "",
                }
                for channel in ways.get(user, ())
            ]
    if made:
        conn.execute(_dialect(conn).insert(deliveries).on_conflict_do_nothing(index_elements=["delivery_id"]), made)


def _messages(
    rows: Iterable[NotificationRow], speakers: Mapping[str, Sequence[str]], dues: Mapping[tuple[str, str], str]
) -> dict[str, _Message]:
    """login -> the most pressing of what the rows of one entry tell him; of equal ones the earliest deadline."""
    found: dict[str, _Message] = {}
    for row in rows:
        kind = KIND_OF.get(row.message, "info")
        deadline = str(row.params.get("deadline", "")) or dues.get((row.case_id, row.task), "")
        for user in speakers.get(row.grp, ()):
            message = _Message(kind, deadline)
            held = found.get(user)
            if held is None or _pressing(message) < _pressing(held):
                found[user] = message
    return found


def _pressing(message: _Message) -> tuple[int, str]:
    return KINDS.index(message.kind), message.deadline or NO_DUE


def _ways(conn: Connection, users: Iterable[str]) -> dict[str, list[str]]:
    rows = conn.execute(
        select(contacts.c.user_id, contacts.c.channel)
        .where(contacts.c.user_id.in_(sorted(users)))
        .order_by(contacts.c.user_id, contacts.c.channel)
    )
    found: dict[str, list[str]] = {}
    for user, channel in rows:
        found.setdefault(user, []).append(channel)
    return found


def _dues(conn: Connection, rows: Iterable[NotificationRow]) -> dict[tuple[str, str], str]:
    """(case, task) -> when the task is due, for those that are."""
    keys = sorted({(row.case_id, row.task) for row in rows if row.task})
    if not keys:
        return {}
    due = select(tasks.c.case_id, tasks.c.task, tasks.c.next_due).where(
        tuple_(tasks.c.case_id, tasks.c.task).in_(keys), tasks.c.next_due != NO_DUE
    )
    return {(case, task): at for case, task, at in conn.execute(due)}


def _standing(conn: Connection, wanted: Iterable[str]) -> dict[str, tuple[str, str]]:
    """case -> (its grade, the earliest limit that runs)."""
    rows = select(cases.c.case_id, cases.c.grade, cases.c.next_due).where(cases.c.case_id.in_(sorted(wanted)))
    return {case: (grade, due) for case, grade, due in conn.execute(rows)}


def _marks(conn: Connection, wanted: Iterable[str]) -> dict[str, int]:
    rows = select(outbox_marks).where(outbox_marks.c.case_id.in_(sorted(wanted)))
    return {row.case_id: row.seq for row in conn.execute(rows)}


def _set_marks(conn: Connection, reached: Mapping[str, int]) -> None:
    statement = _dialect(conn).insert(outbox_marks)
    statement = statement.on_conflict_do_update(index_elements=["case_id"], set_={"seq": statement.excluded.seq})
    conn.execute(statement, [{"case_id": case, "seq": seq} for case, seq in sorted(reached.items())])


def _dialect(conn: Connection) -> Any:
    return postgresql if conn.dialect.name == "postgresql" else sqlite
