"""Projects what the ledgers and the compliance page ask: registrations, late reports, how each clause fared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from engine.domain.codec import JSON, parse_instant

from .fields import as_instant, as_text
from .schema import case_marks, late_answers, late_reports, mark_patterns, registrations
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
MARK = upsert(case_marks)
NAME_PATTERN = insert_missing(mark_patterns)
MARKED = Statement(
    "SELECT fared, reached, text FROM case_marks LEFT JOIN mark_patterns ON digest = reached WHERE case_id = :case_id"
)
CAME_TO = Statement("SELECT DISTINCT element FROM trail WHERE case_id = :case_id AND action = 'entered'")
OPENED = Statement("SELECT opened_at FROM cases WHERE case_id = :case_id")
TASKS = Statement("SELECT clauses, state FROM tasks WHERE case_id = :case_id")
LIMITS = Statement("SELECT clauses, state, breached_seq, finished_seq FROM limits WHERE case_id = :case_id")


@lru_cache(maxsize=1024)
def _clauses(text: str) -> tuple[str, ...]:
    """A JSON list of R-numbers; the same few lists come again and again."""
    return tuple(json.loads(text))


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


@dataclass(slots=True)
class _Fared:
    """What one clause had to do with in the case."""

    tasks: int = 0
    tasks_done: int = 0
    tasks_open: int = 0
    limits: int = 0
    limits_met: int = 0
    limits_broken: int = 0
    limits_running: int = 0

    @property
    def verdict(self) -> str:
        if self.limits_broken:
            return "broken"
        if self.tasks_open or self.limits_running:
            return "open"
        return "held" if self.tasks_done or self.limits_met else "dropped"

    @property
    def numbers(self) -> list[JSON]:
        return [self.verdict, self.tasks, self.tasks_done, self.limits, self.limits_met, self.limits_broken]


def _write_marks(writer: Writer, turn: Turn) -> None:
    """Counts anew the clauses of the case's tasks and limits when this entry touched any, and adds the elements it came
    to; after a withdrawal, which takes steps away, these are read from the trail again."""
    touched = turn.tasks or turn.ended or turn.limits or turn.limit_changes or turn.cancelled or turn.migrated
    if not (touched or turn.entered or turn.withdraws or turn.opened):
        return
    key = {"case_id": turn.case_id}
    known = writer.fetch(MARKED, key)
    fared, reached, text = known[0] if known else ("", "", None)
    patterns: list[Row] = []
    if touched or not fared:
        fared = _pattern(patterns, _count(writer.fetch(TASKS, key), writer.fetch(LIMITS, key)))
    before = frozenset(json.loads(text)) if text else frozenset()
    if turn.withdraws or not turn.entered <= before or not reached:
        elements = {element for (element,) in writer.fetch(CAME_TO, key)} if turn.withdraws else before | turn.entered
        reached = _pattern(patterns, sorted(elements))
    if known and (fared, reached) == known[0][:2]:
        return
    opened_at = writer.fetch(OPENED, key)[0][0]
    writer.run(NAME_PATTERN, patterns)
    writer.run(MARK, [{**key, "opened_at": opened_at, "fared": fared, "reached": reached}])


def _pattern(patterns: list[Row], value: JSON) -> str:
    """The digest of the value, which is added to `patterns`."""
    text = as_json(value)
    digest = hashlib.sha256(text.encode()).hexdigest()[:32]
    patterns.append({"digest": digest, "text": text})
    return digest


def _count(tasks: Iterable[tuple[str, ...]], limits: Iterable[tuple[Any, ...]]) -> dict[str, JSON]:
    found: dict[str, _Fared] = {}
    for clauses, state in tasks:
        for clause in _clauses(clauses):
            one = found.setdefault(clause, _Fared())
            one.tasks += 1
            one.tasks_done += state == "done"
            one.tasks_open += state == "open"
    for clauses, state, breached_seq, finished_seq in limits:
        for clause in _clauses(clauses):
            one = found.setdefault(clause, _Fared())
            one.limits += 1
            one.limits_met += state == "met"
            one.limits_broken += bool(breached_seq)
            one.limits_running += not finished_seq
    return {clause: one.numbers for clause, one in found.items()}
