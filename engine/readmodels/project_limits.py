"""Projects armed timers and the limits (时限) that some of them are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .project_case import let_read
from .schema import NO_DUE, limits, timers
from .statements import Statement, Writer, blank_row, insert_unless, remove, upsert
from .turn import Handler, Happened, Row, Turn, as_json

_BLANK_TIMER = blank_row(timers)
_BLANK_LIMIT = blank_row(limits)


@dataclass(frozen=True, slots=True)
class Running:
    """A limit still to be met, after this entry."""

    timer: str
    limit_id: str
    label: str
    host: str
    deadline: str


ARM = upsert(timers)
DISARM = remove(timers, "case_id", "timer")
# A withdrawal arms the clocks again that its submission had stopped. They run again already (RUN_AGAIN), with all
# that is on their record; nothing ever replaces a limit's row.
START = insert_unless(limits, "case_id = :case_id AND timer = :timer AND finished_at = ''")
WARN = Statement(
    "UPDATE limits SET warnings = CASE WHEN warnings = '[]' THEN '[' || :warning || ']' "
    "ELSE substr(warnings, 1, length(warnings) - 1) || ',' || :warning || ']' END, warned = warned + 1 "
    "WHERE case_id = :case_id AND timer = :timer AND finished_at = ''"
)
BREACH = Statement(
    "UPDATE limits SET state = 'breached', breached_at = :at, breached_seq = :seq, cause = :cause "
    "WHERE case_id = :case_id AND timer = :timer AND finished_at = ''"
)
MEET = Statement(
    "UPDATE limits SET state = CASE WHEN breached_at <> '' THEN 'met_late' ELSE :state END, met_at = :at, "
    "finished_at = :at, finished_seq = :seq, finished_by = :actor, finished_task = :task, late_seconds = :late "
    "WHERE case_id = :case_id AND timer = :timer AND finished_at = ''"
)
CANCEL = Statement(
    "UPDATE limits SET state = CASE WHEN state = 'running' THEN 'cancelled' ELSE state END, finished_at = :at, "
    "finished_seq = :seq, finished_by = :actor WHERE case_id = :case_id AND timer = :timer AND finished_at = ''"
)
CANCEL_ALL = Statement(
    "UPDATE limits SET state = CASE WHEN state = 'running' THEN 'cancelled' ELSE state END, finished_at = :at, "
    "finished_seq = :seq, finished_by = :actor WHERE case_id = :case_id AND finished_at = ''"
)
RUN_AGAIN = Statement(
    "UPDATE limits SET state = CASE WHEN breached_at <> '' THEN 'breached' ELSE 'running' END, met_at = '', "
    "finished_at = '', finished_seq = 0, finished_by = '', finished_task = '', late_seconds = 0 "
    "WHERE case_id = :case_id AND finished_seq = :undone"
)
STILL_RUNNING = Statement(
    "SELECT timer, limit_id, label, host, deadline FROM limits WHERE case_id = :case_id AND finished_at = '' "
    "ORDER BY deadline, timer"
)
COUNT_BREACHES = Statement(
    "UPDATE cases SET breaches = (SELECT count(*) FROM limits WHERE case_id = cases.case_id AND breached_at <> '') "
    "WHERE case_id = :case_id"
)
GRADE = Statement(
    "UPDATE limits SET grade = (SELECT grade FROM cases WHERE cases.case_id = limits.case_id) WHERE case_id = :case_id"
)
CHANGES = (WARN, BREACH, MEET, CANCEL)
"""In the order in which they can follow one another within an entry."""


def _armed(turn: Turn, event: Happened) -> None:
    timer, limit, warns_of = event["timer"], event.get("limit", ""), event.get("warns_of", "")
    turn.timers[timer] = {
        **_BLANK_TIMER,
        "case_id": turn.case_id,
        "timer": timer,
        "element": event["element"],
        "scope": event.get("scope", ""),
        "label": event.get("label", ""),
        "due": event["due"],
        "limit_id": limit,
        "warns_of": warns_of,
        "mark": event.get("mark", ""),
        "armed_at": turn.at,
    }
    deadline = event.get("deadline", "")
    if limit and deadline and not warns_of:
        for changes in turn.limit_changes.values():
            changes.pop(timer, None)
        responsible = event.get("responsible", ())
        let_read(turn, responsible)
        turn.limits[timer] = {
            **_BLANK_LIMIT,
            "case_id": turn.case_id,
            "timer": timer,
            "armed_seq": turn.seq,
            "limit_id": limit,
            "element": event["element"],
            "label": event.get("label", ""),
            "scope": event.get("scope", ""),
            "host": event.get("host", ""),
            "rule": event.get("rule", ""),
            "anchor": event.get("anchor", ""),
            "anchor_at": event.get("anchor_at", ""),
            "deadline": deadline,
            "explanation": as_json(event.get("explanation", ())),
            "clauses": as_json(event.get("clauses", ())),
            "unit": event.get("unit", ""),
            "responsible": as_json(responsible),
            "state": "running",
            "armed_at": turn.at,
            "bundle": turn.bundle,
        }


def _change(turn: Turn, statement: Statement, timer: str, **values: object) -> None:
    row = {"case_id": turn.case_id, "timer": timer, "at": turn.at, "seq": turn.seq, "actor": turn.actor, **values}
    turn.limit_changes.setdefault(statement, {})[timer] = row


def _fired(turn: Turn, event: Happened) -> None:
    turn.timers[event["timer"]] = None


def _cancelled(turn: Turn, event: Happened) -> None:
    timer = event["timer"]
    turn.timers[timer] = None
    if "!" not in timer:  # a warning's name; it has no limit row of its own
        _change(turn, CANCEL, timer)


def _warned(turn: Turn, event: Happened) -> None:
    to = list(event.get("responsible", ()))
    warning = as_json({"mark": event["mark"], "at": turn.at, "seq": turn.seq, "to": to})
    _change(turn, WARN, event["timer"], warning=warning)


def _breached(turn: Turn, event: Happened) -> None:
    _change(turn, BREACH, event["timer"], cause=event.get("cause", ""))
    turn.broken[event["limit"]] = event["timer"]
    turn.recounts[COUNT_BREACHES] = None


def _met(turn: Turn, event: Happened) -> None:
    late = float(event["late_seconds"])
    task = turn.done[-1] if turn.done else ""
    _change(turn, MEET, event["timer"], late=late, state="met_late" if late > 0 else "met", task=task)


def _case_closed(turn: Turn, event: Happened) -> None:
    row = {"case_id": turn.case_id, "at": turn.at, "seq": turn.seq, "actor": turn.actor}
    turn.limit_changes.setdefault(CANCEL_ALL, {})[""] = row


def _withdrawn(turn: Turn, event: Happened) -> None:
    turn.limit_changes[RUN_AGAIN] = {"": {"case_id": turn.case_id, "undone": event["seq"]}}


def _migrated(turn: Turn, event: Happened) -> None:
    turn.migrated = True


HANDLERS: dict[str, Handler] = {
    "TimerArmed": _armed,
    "TimerFired": _fired,
    "TimerCancelled": _cancelled,
    "LimitWarned": _warned,
    "LimitBreached": _breached,
    "LimitMet": _met,
}
ALSO: dict[str, Handler] = {
    "CaseClosed": _case_closed,
    "SubmissionWithdrawn": _withdrawn,
    "CaseMigrated": _migrated,
}
"""Events that another module handles too."""


def write_limits(writer: Writer, turn: Turn) -> Sequence[Running]:
    """Writes timers and limits. Returns the limits that run afterwards, earliest first; none when nothing asks."""
    writer.run(DISARM, [{"case_id": turn.case_id, "timer": timer} for timer, row in turn.timers.items() if row is None])
    writer.run(ARM, [row for row in turn.timers.values() if row is not None])
    changes = turn.limit_changes
    if RUN_AGAIN in changes:
        writer.run(RUN_AGAIN, list(changes[RUN_AGAIN].values()))
    if turn.migrated and turn.limits:
        # The limit of the other version stands in their place; what the old one had come to stays on record.
        writer.run(CANCEL, [_ended(turn, timer) for timer in turn.limits])
    writer.run(START, list(turn.limits.values()))
    for statement in (*CHANGES, CANCEL_ALL):
        if statement in changes:
            writer.run(statement, list(changes[statement].values()))
    if turn.limits or "grade" in turn.case:
        turn.recounts[GRADE] = None
    touched = bool(turn.limits or changes)
    if not (touched or turn.tasks or turn.cancelled):
        return ()
    running = [Running(*row) for row in writer.fetch(STILL_RUNNING, {"case_id": turn.case_id})]
    lost = [one for one in running if _host_cancelled(turn, one)]
    if lost:
        writer.run(CANCEL, [_ended(turn, one.timer) for one in lost])
        running = [one for one in running if one not in lost]
    if touched or lost:
        turn.case["next_due"] = running[0].deadline if running else NO_DUE
    return running


def _ended(turn: Turn, timer: str) -> Row:
    return {"case_id": turn.case_id, "timer": timer, "at": turn.at, "seq": turn.seq, "actor": turn.actor}


def _host_cancelled(turn: Turn, limit: Running) -> bool:
    """Whether the limit's activity was interrupted in this entry. A timer that has fired is not cancelled with it, so
    that only the trail tells; a limit armed in this entry belongs to a later visit."""
    if not turn.cancelled or limit.timer in turn.limits:
        return False
    scope, _, visit = limit.host.rpartition("/")
    return (scope, visit.partition("#")[0]) in turn.cancelled
