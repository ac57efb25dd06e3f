"""Projects what the ledgers and the compliance page ask: registrations, late reports, how each clause fared."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

from engine.domain.codec import JSON, parse_instant

from .fields import as_instant, as_text
from .schema import late_answers, late_reports, registrations
from .statements import Statement, Writer, blank_row, insert, insert_missing, remove, upsert
from .turn import Handler, Happened, Row, Turn, as_json

OTHER_ROUTES: Final = frozenset({"hotline", "superior", "leader", "media"})
"""Values of `discovered_by` that say: somebody outside the monitoring told us (R20)."""
NOT_MONITORED: Final = frozenset({"", "hotline", "superior", "other"})
"""Values of `source_type` that no patrol or tool could have watched; all others are monitored kinds (R16)."""
REGISTERED: Final[Mapping[str, Callable[[JSON], str]]] = {
    "discovered_at": as_instant,
    "published_at": as_instant,
    "captured_at": as_instant,
    "discovered_by": as_text,
    "source_type": as_text,
    "source_name": as_text,
    "reporter": as_text,
}
"""Fields of the registration form -> how they are read."""
LATE_FIELDS: Final = frozenset(
    {
        "escalation_action", "escalation_text", "late_reason", "late_explanation", "late_cause", "late_impact",
        "late_kind", "late_impact_note", "late_proposal", "disposal_decision", "disposal_text", "followup_text",
        "followup_at",
    }
)  # fmt: skip
"""Fields of the forms of the process `late_report`; they are the only record of what was said about a breach."""

_BLANK_REGISTRATION = blank_row(registrations)
_BLANK_REPORT = blank_row(late_reports)
REGISTER = insert_missing(registrations)
REPORT = upsert(late_reports)
ANSWER = insert(late_answers)
UNDO_ANSWERS = remove(late_answers, "case_id", "seq")
MARKED = Statement("SELECT fared_text, reached_text FROM case_marks WHERE case_id = :case_id")
MARK = Statement(
    "INSERT INTO case_marks (case_id, opened_at, fared, reached, fared_text, reached_text) "
    "SELECT case_id, opened_at, :fared, :reached, :fared_text, :reached_text FROM cases WHERE case_id = :case_id"
)
MARK_AGAIN = Statement(
    "UPDATE case_marks SET fared = :fared, reached = :reached, fared_text = :fared_text, reached_text = :reached_text "
    "WHERE case_id = :case_id"
)
STANDING = Statement(
    "SELECT 'task', state, clauses FROM tasks WHERE case_id = :case_id UNION ALL "
    "SELECT 'limit', CASE WHEN breached_seq > 0 THEN 'broken' WHEN finished_seq = 0 THEN 'running' "
    "WHEN state = 'met' THEN 'met' ELSE 'over' END, clauses FROM limits WHERE case_id = :case_id"
)
"""A task is open, done or cancelled; a limit broken (met late or not), running, met in time, or over (called off)."""
CAME_TO = Statement("SELECT DISTINCT element FROM trail WHERE case_id = :case_id AND action = 'entered'")


def _opened(turn: Turn, event: Happened) -> None:
    turn.registration = {**_BLANK_REGISTRATION, "case_id": turn.case_id, "at": turn.at, "author": event["opened_by"]}


def _written(turn: Turn, event: Happened) -> None:
    values = event["values"]
    if turn.registration is not None and not event.get("scope"):
        turn.registration.update({name: read(values[name]) for name, read in REGISTERED.items() if name in values})
        if isinstance(values.get("register_late"), bool):
            turn.registration.update(judged=1, late=int(values["register_late"]))
    task = event.get("by", "")
    said = LATE_FIELDS.intersection(values)
    if said and task in turn.done:
        fields = as_json({name: values[name] for name in sorted(said)})
        turn.numbered(ANSWER, scope=task.rpartition("/")[0], task=task, author=turn.actor, fields=fields)


def _drafted(turn: Turn, event: Happened) -> None:
    if event["document"] != "late_report":
        return
    content = event["content"]
    limit = str(content.get("limit") or "")
    turn.report = {
        **_BLANK_REPORT,
        "case_id": turn.case_id,
        "name": event["name"],
        "at": turn.at,
        "seq": turn.seq,
        "limit_id": limit,
        "timer": turn.broken.get(limit, ""),
        "unit": str(content.get("unit") or ""),
        "deadline": str(content.get("deadline") or ""),
        "cause": str(content.get("cause") or ""),
    }
    turn.queue.setdefault(REPORT, []).append(turn.report)


def _task_created(turn: Turn, event: Happened) -> None:
    # The call that follows a report up begins in the turn that drafts it: its first tasks name it.
    if turn.report is not None and not turn.report["scope"]:
        turn.report["scope"] = event.get("scope", "")


def _withdrawn(turn: Turn, event: Happened) -> None:
    turn.add(UNDO_ANSWERS, seq=event["seq"])


ALSO: dict[str, Handler] = {
    "CaseOpened": _opened,
    "DataWritten": _written,
    "DocumentDrafted": _drafted,
    "TaskCreated": _task_created,
    "SubmissionWithdrawn": _withdrawn,
}
"""Events that another module handles too."""


def write_evidence(writer: Writer, turn: Turn) -> None:
    """Writes the registration and the marks of the case. Requires that all else of the entry is written."""
    if turn.registration is not None:
        writer.run(REGISTER, [_judged(turn.registration)])
    _write_marks(writer, turn)


def _judged(row: Row) -> Row:
    """The registration with its lag, and whether a monitored source had had it before another route brought it."""
    discovered = parse_instant(row["discovered_at"]) if row["discovered_at"] else None
    if discovered is None:
        return row
    row["lag_seconds"] = (parse_instant(row["at"]) - discovered).total_seconds()
    earlier = row["captured_at"] or (row["published_at"] if row["source_type"] not in NOT_MONITORED else "")
    if row["discovered_by"] in OTHER_ROUTES and earlier and earlier < row["discovered_at"]:
        row["missed"] = "captured" if row["captured_at"] else "published"
        row["earlier_at"] = earlier
        row["ahead_seconds"] = (discovered - parse_instant(earlier)).total_seconds()
    return row


def _write_marks(writer: Writer, turn: Turn) -> None:
    """Tells anew how the case's tasks and limits stand when this entry touched any, and adds the elements it came to;
    after a withdrawal, which takes steps away, these are read from the trail again."""
    touched = turn.tasks or turn.ended or turn.limits or turn.limit_changes or turn.cancelled or turn.migrated
    if not (touched or turn.entered or turn.withdraws or turn.opened):
        return
    key = {"case_id": turn.case_id}
    before = writer.fetch(MARKED, key)
    fared, reached = before[0] if before else ("", "")
    if touched:
        counted = Counter(writer.fetch(STANDING, key))
        fared = "\n".join(sorted(f"{kind} {state} {number} {on}" for (kind, state, on), number in counted.items()))
    been = set(reached.split("\n")) if reached else set()
    if turn.withdraws:
        reached = "\n".join(sorted(element for (element,) in writer.fetch(CAME_TO, key)))
    elif not turn.entered <= been:
        reached = "\n".join(sorted(been | turn.entered))
    if before and before[0] == (fared, reached):
        return
    row = {**key, "fared": _digest(fared), "reached": _digest(reached), "fared_text": fared, "reached_text": reached}
    writer.run(MARK_AGAIN if before else MARK, [row])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
