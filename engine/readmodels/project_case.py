"""Projects what happens to a case as a whole: opening, fields, stage, incidents, closing; and who may read it."""

from __future__ import annotations

from collections.abc import Iterable

from .fields import lift
from .schema import case_access, cases, incidents, timers
from .statements import Patch, Statement, Writer, blank_row, insert_missing, upsert
from .turn import Handler, Happened, Turn, as_json

_BLANK_CASE = blank_row(cases)
_BLANK_INCIDENT = blank_row(incidents)

OPEN_CASE = upsert(cases)
CHANGE_CASE = Patch(cases)
LET_READ = insert_missing(case_access)
RAISE_INCIDENT = upsert(incidents)
RESOLVE_INCIDENT = Statement(
    "UPDATE incidents SET state = 'resolved', resolved_at = :at, resolved_by = :author, reason = :reason "
    "WHERE case_id = :case_id AND incident = :incident"
)
COUNT_INCIDENTS = Statement(
    "UPDATE cases SET open_incidents = "
    "(SELECT count(*) FROM incidents WHERE case_id = cases.case_id AND state = 'open') WHERE case_id = :case_id"
)
STOP_TIMER = Statement(f"UPDATE {timers.name} SET stuck = :incident WHERE case_id = :case_id AND timer = :timer")
FREE_TIMERS = Statement(f"UPDATE {timers.name} SET stuck = 0 WHERE case_id = :case_id AND stuck = :incident")


def let_read(turn: Turn, groups: Iterable[str]) -> None:
    """These groups may read the case from now on."""
    for group in groups:
        turn.add(LET_READ, grp=group)


def _opened(turn: Turn, event: Happened) -> None:
    opened_by = event["opened_by"]
    turn.opened = {
        **_BLANK_CASE,
        "case_id": turn.case_id,
        "title": event["title"],
        "process": event["process"],
        "bundle": event["bundle"],
        "status": "open",
        "opened_at": turn.at,
        "opened_by": opened_by,
    }
    let_read(turn, [f"user:{opened_by}"])


def _data_written(turn: Turn, event: Happened) -> None:
    if not event.get("scope"):
        turn.case.update(lift(event["values"]))


def _stage_changed(turn: Turn, event: Happened) -> None:
    turn.case.update(stage=event["stage"], stage_label=event["label"])


def _closed(turn: Turn, event: Happened) -> None:
    turn.case.update(status="closed", outcome=event["outcome"], closed_at=turn.at)


def _withdrawn(turn: Turn, event: Happened) -> None:
    # Only a case that is open again can have its last submission withdrawn; there is no event of its own for that.
    turn.case.update(status="open", outcome="", closed_at="")


def _migrated(turn: Turn, event: Happened) -> None:
    turn.case.update(bundle=event["bundle"])


def _incident_raised(turn: Turn, event: Happened) -> None:
    timer = event.get("timer", "")
    # Who mends the diagram must be able to look at the case that it stopped.
    turn.add(LET_READ, grp="process_owner")
    turn.add(
        RAISE_INCIDENT,
        **{
            **_BLANK_INCIDENT,
            "incident": event["incident"],
            "element": event["element"],
            "message": event["key"],
            "details": as_json(event.get("details", {})),
            "timer": timer,
            "state": "open",
            "raised_at": turn.at,
        },
    )
    if timer:
        turn.add(STOP_TIMER, incident=event["incident"], timer=timer)
    turn.recounts[COUNT_INCIDENTS] = None


def _incident_resolved(turn: Turn, event: Happened) -> None:
    turn.add(RESOLVE_INCIDENT, incident=event["incident"], author=event["by"], reason=event["reason"], at=turn.at)
    turn.add(FREE_TIMERS, incident=event["incident"])
    turn.recounts[COUNT_INCIDENTS] = None


HANDLERS: dict[str, Handler] = {
    "CaseOpened": _opened,
    "DataWritten": _data_written,
    "CaseStageChanged": _stage_changed,
    "CaseClosed": _closed,
    "SubmissionWithdrawn": _withdrawn,
    "CaseMigrated": _migrated,
    "IncidentRaised": _incident_raised,
    "IncidentResolved": _incident_resolved,
}


def write_case(writer: Writer, turn: Turn) -> None:
    """The case's own row, in one statement."""
    changes = {**turn.case, "updated_at": turn.at, "last_seq": turn.seq}
    if turn.opened is not None:
        writer.run(OPEN_CASE, [{**turn.opened, **changes}])
    else:
        writer.run(CHANGE_CASE, [{"case_id": turn.case_id, **changes}])
