"""撤回: undo one's own submission by going back to the state before it, while nobody has acted on what followed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from engine.domain import events as ev
from engine.domain.codec import instant_text
from engine.domain.commands import WithdrawSubmission
from engine.domain.events import Event
from engine.domain.rejection import FieldFault, Rejection

from .case import Case
from .crossing import crossing

if TYPE_CHECKING:
    from .decide import Turn

WINDOW = timedelta(minutes=30)
"""Later than this, a correction is a step of its own, not an undo."""
HARMLESS = frozenset({"AddComment", "CopyCase", "AcknowledgeCopy", "UrgeTask"})
"""Entries after the submission that don't stand in the way; they stay in the journal and in the read models."""


def withdraw(
    case: Case, prior: Case, entries: Sequence[Any], command: WithdrawSubmission, turn: Turn
) -> tuple[Event, ...] | Rejection:
    """The events that lead from `case` back to `prior`, its state before entry `command.seq`; `prior` then goes on.

    Refused (`conflict`) when something has happened since, the window is over, or it was not one's own submission.
    """
    target = next((e for e in entries if e.seq == command.seq), None)
    if target is None or target.command["kind"] != "SubmitTask":
        return Rejection("not_found", "withdraw.no_submission", {"seq": command.seq})
    if turn.actor not in (target.actor, target.on_behalf_of):
        return Rejection("forbidden", "withdraw.not_yours", {"by": target.actor})
    if not command.reason.strip():
        return Rejection("invalid", "form.refused", {}, (FieldFault("reason", "form.required"),))
    if turn.at - target.at > WINDOW:
        return Rejection("conflict", "withdraw.too_late", {"minutes": int(WINDOW.total_seconds() // 60)})
    since = next((e for e in entries if e.seq > command.seq and e.command["kind"] not in HARMLESS), None)
    if since is not None:
        return Rejection("conflict", "withdraw.acted_on", {"by": since.actor, "at": instant_text(since.at)})
    if case.status == "closed":
        return Rejection("conflict", "case.closed", {"case": case.case_id})
    if any(t.due <= turn.at for t in prior.timers.values()):
        return Rejection("conflict", "withdraw.limit_passed", {})
    events: list[Event] = [ev.SubmissionWithdrawn(command.seq, turn.actor, command.reason)]
    events.extend(crossing(case, prior, f"withdraw:{command.seq}", "withdrawn"))
    prior.seq, prior.at, prior.last_at = case.seq, turn.at, turn.at
    prior.copies |= case.copies
    return tuple(events)
