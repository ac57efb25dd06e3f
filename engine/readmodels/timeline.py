"""The timeline of a case: who did what, in sentences for the catalogue, one group of lines for each entry."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from engine.domain.codec import JSON
from engine.journal.entry import StoredEntry

from .turn import Happened

Names = Callable[[str], str]
"""What people call somebody: of a login (`wangfang`) or a group (`unit:gengbao`, `office`). Gives back what it does
not know."""


@dataclass(frozen=True, slots=True)
class TimelineItem:
    """One sentence: `key` names it in the catalogue, `params` fills its blanks.

    Blanks that are people or groups are already names; `*_at` and `deadline` are instants as text; `late_seconds` is a
    number; `key`s inside params (`cause`, `message`) are catalogue keys. `minor`: to be shown only when asked for.
    """

    key: str
    params: Mapping[str, JSON]
    minor: bool = False


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """What one entry says. `actor`, `on_behalf_of`: logins, with their names; `on_behalf_of` "" when for himself.

    `command`: kind of the command. `by_clock`: nobody did it, an instant came. `withdrawn`: a later entry took it back.
    """

    seq: int
    at: datetime
    actor: str
    actor_name: str
    on_behalf_of: str
    on_behalf_of_name: str
    command: str
    by_clock: bool
    items: tuple[TimelineItem, ...]
    withdrawn: bool = False


@dataclass(slots=True)
class _Told:
    """What earlier events said that later ones only name."""

    names: Names
    tasks: dict[str, str] = field(default_factory=dict)
    """task name -> label"""
    limits: dict[str, str] = field(default_factory=dict)
    """timer name -> label of the limit"""
    timers: dict[str, str] = field(default_factory=dict)
    """timer name -> label of its event"""
    messages: dict[str, str] = field(default_factory=dict)
    """message -> label of its button"""

    def task(self, event: Happened) -> str:
        name: str = event.get("task", "")
        return self.tasks.get(name, name)

    def people(self, ids: Iterable[str]) -> str:
        return "、".join(self.names(one) for one in ids)


def build(entries: Iterable[StoredEntry], names: Names) -> tuple[TimelineEntry, ...]:
    """The timeline of one case, oldest first; `reversed` it for the page. Requires the case's entries from its first.

    Entries that say nothing to people (a warning armed, a step recorded) are left out.
    """
    told = _Told(names)
    found: list[TimelineEntry] = []
    undone: set[int] = set()
    for entry in entries:
        items: list[TimelineItem] = []
        for event in entry.events:
            _remember(told, event)
            tell = _TELLERS.get(event["kind"])
            item = None if tell is None else tell(told, event)
            if item is not None:
                items.append(item)
            if event["kind"] == "SubmissionWithdrawn":
                undone.add(event["seq"])
        if items:
            found.append(_entry(entry, items, names))
    return tuple(replace(one, withdrawn=True) if one.seq in undone else one for one in found)


def _entry(entry: StoredEntry, items: list[TimelineItem], names: Names) -> TimelineEntry:
    return TimelineEntry(
        seq=entry.seq,
        at=entry.at,
        actor=entry.actor,
        actor_name=names(entry.actor),
        on_behalf_of=entry.on_behalf_of,
        on_behalf_of_name=names(entry.on_behalf_of) if entry.on_behalf_of else "",
        command=str(entry.command.get("kind", "")),
        by_clock=entry.actor.startswith("system:"),
        items=tuple(items),
    )


def _remember(told: _Told, event: Happened) -> None:
    kind = event["kind"]
    if kind == "TaskCreated":
        told.tasks[event["task"]] = event["label"] or event["element"]
    elif kind == "TimerArmed":
        label: str = event.get("label") or told.timers.get(event["timer"]) or event["element"]
        told.timers[event["timer"]] = label
        if event.get("limit") and not event.get("warns_of"):
            told.limits[event["timer"]] = event.get("label") or event["limit"]
    elif kind == "MessageAwaited":
        told.messages[event["message"]] = event.get("label") or event["message"]


_Teller = Callable[[_Told, Happened], TimelineItem | None]


def _opened(told: _Told, event: Happened) -> TimelineItem:
    return TimelineItem("timeline.case_opened", {"title": event["title"]})


def _written(told: _Told, event: Happened) -> TimelineItem:
    by = event.get("by", "")
    params = {"fields": sorted(event["values"]), "by": told.tasks.get(by, by), "scope": event.get("scope", "")}
    return TimelineItem("timeline.data_written", params, minor=True)


def _task_created(told: _Told, event: Happened) -> TimelineItem:
    assignee = event.get("assignee", "")
    to = [assignee] if assignee else event.get("groups", [])
    return TimelineItem(
        "timeline.task_created", {"task": told.task(event), "to": told.people(to), "due_at": event.get("due", "")}
    )


def _task_given(key: str, giver: str, receiver: str) -> _Teller:
    def tell(told: _Told, event: Happened) -> TimelineItem:
        to = event[receiver]
        params = {"task": told.task(event), "from": told.names(event[giver]), "to": told.names(to) if to else ""}
        return TimelineItem(key, {**params, "reason": event.get("reason", "")})

    return tell


def _of_task(key: str, minor: bool = False) -> _Teller:
    def tell(told: _Told, event: Happened) -> TimelineItem:
        return TimelineItem(key, {"task": told.task(event)}, minor)

    return tell


def _cosign_requested(told: _Told, event: Happened) -> TimelineItem:
    params = {"task": told.task(event), "users": told.people(event["users"]), "note": event.get("note", "")}
    return TimelineItem("timeline.cosign_requested", params)


def _cosigned(told: _Told, event: Happened) -> TimelineItem:
    key = "timeline.cosign_agreed" if event["agree"] else "timeline.cosign_disagreed"
    params = {"task": told.task(event), "user": told.names(event["user"]), "comment": event.get("comment", "")}
    return TimelineItem(key, params)


def _cosign_cancelled(told: _Told, event: Happened) -> TimelineItem:
    return TimelineItem(
        "timeline.cosign_cancelled", {"task": told.task(event), "user": told.names(event["user"])}, minor=True
    )


def _timer_armed(told: _Told, event: Happened) -> TimelineItem | None:
    if not event.get("limit") or event.get("warns_of") or not event.get("deadline"):
        return None
    return TimelineItem("timeline.limit_started", {"limit": told.limits[event["timer"]], "deadline": event["deadline"]})


def _timer_fired(told: _Told, event: Happened) -> TimelineItem | None:
    timer = event["timer"]
    if "!" in timer or timer in told.limits:
        return None  # the warning or the breach tells it
    params = {"timer": told.timers.get(timer, event["element"])}
    if missed := event.get("missed", 0):
        return TimelineItem("timeline.timer_caught_up", {**params, "missed": missed})
    return TimelineItem("timeline.timer_fired", params)


def _limit(told: _Told, event: Happened) -> str:
    limit: str = event["limit"]
    return told.limits.get(event["timer"], limit)


def _limit_warned(told: _Told, event: Happened) -> TimelineItem:
    params = {"limit": _limit(told, event), "mark": event["mark"], "deadline": event["deadline"]}
    return TimelineItem("timeline.limit_warned", {**params, "to": told.people(event.get("responsible", ()))})


def _limit_breached(told: _Told, event: Happened) -> TimelineItem:
    params = {"limit": _limit(told, event), "deadline": event["deadline"], "cause": event.get("cause", "")}
    unit = event.get("unit", "")
    return TimelineItem("timeline.limit_breached", {**params, "unit": told.names(f"unit:{unit}") if unit else ""})


def _limit_met(told: _Told, event: Happened) -> TimelineItem:
    late = event["late_seconds"]
    key = "timeline.limit_met_late" if late > 0 else "timeline.limit_met"
    return TimelineItem(key, {"limit": _limit(told, event), "deadline": event["deadline"], "late_seconds": late})


def _decided(told: _Told, event: Happened) -> TimelineItem:
    rules = [rule.get("rule", 0) for rule in event["rules"]]
    notes = [rule["annotation"] for rule in event["rules"] if rule.get("annotation")]
    params = {"decision": event["decision"], "rules": rules, "notes": notes, "result": event["result"]}
    return TimelineItem("timeline.decision_made", params)


def _notified(told: _Told, event: Happened) -> TimelineItem:
    params = {"to": told.people(event["to"]), "message": event["message"], "params": event.get("params", {})}
    return TimelineItem("timeline.notified", params, minor=True)


def _drafted(told: _Told, event: Happened) -> TimelineItem:
    return TimelineItem("timeline.document_drafted", {"title": event["title"], "document": event["document"]})


def _copied(told: _Told, event: Happened) -> TimelineItem:
    return TimelineItem("timeline.copied", {"groups": told.people(event["groups"]), "note": event.get("note", "")})


def _acknowledged(told: _Told, event: Happened) -> TimelineItem:
    return TimelineItem("timeline.copy_read", {"by": told.names(event["by"])})


def _urged(told: _Told, event: Happened) -> TimelineItem:
    return TimelineItem("timeline.urged", {"task": told.task(event), "note": event.get("note", "")})


def _withdrawn(told: _Told, event: Happened) -> TimelineItem:
    return TimelineItem("timeline.withdrawn", {"seq": event["seq"], "reason": event["reason"]})


def _migrated(told: _Told, event: Happened) -> TimelineItem:
    versions = {"from": event["from_bundle"][:12], "to": event["bundle"][:12]}
    return TimelineItem("timeline.migrated", {**versions, "reason": event["reason"]})


def _commented(told: _Told, event: Happened) -> TimelineItem:
    return TimelineItem("timeline.commented", {"text": event["text"], "task": told.task(event)})


def _attached(told: _Told, event: Happened) -> TimelineItem:
    file = event["file"]
    params = {"name": file["name"], "size": file["size"], "sha256": file["sha256"], "file_id": file["id"]}
    return TimelineItem("timeline.file_attached", {**params, "note": event.get("note", "")})


def _message_received(told: _Told, event: Happened) -> TimelineItem:
    message = event["message"]
    return TimelineItem("timeline.message_received", {"message": told.messages.get(message, message)})


def _message_thrown(told: _Told, event: Happened) -> TimelineItem:
    return TimelineItem("timeline.message_thrown", {"message": event["message"]}, minor=True)


def _signal_thrown(told: _Told, event: Happened) -> TimelineItem:
    return TimelineItem("timeline.signal_thrown", {"signal": event["signal"], "count": event["count"]}, minor=True)


def _incident_raised(told: _Told, event: Happened) -> TimelineItem:
    params = {"incident": event["incident"], "element": event["element"], "message": event["key"]}
    return TimelineItem("timeline.incident_raised", {**params, "details": event.get("details", {})})


def _incident_resolved(told: _Told, event: Happened) -> TimelineItem:
    return TimelineItem("timeline.incident_resolved", {"incident": event["incident"], "reason": event["reason"]})


def _stage_changed(told: _Told, event: Happened) -> TimelineItem:
    return TimelineItem("timeline.stage_changed", {"stage": event["stage"], "label": event["label"]})


def _closed(told: _Told, event: Happened) -> TimelineItem:
    return TimelineItem("timeline.case_closed", {"outcome": event["outcome"]})


_TELLERS: Final[Mapping[str, _Teller]] = {
    "CaseOpened": _opened,
    "DataWritten": _written,
    "TaskCreated": _task_created,
    "TaskClaimed": _of_task("timeline.task_claimed"),
    "TaskReleased": _of_task("timeline.task_released"),
    "TaskTransferred": _task_given("timeline.task_transferred", "from_user", "assignee"),
    "TaskDelegated": _task_given("timeline.task_delegated", "owner", "assignee"),
    "TaskResolved": _task_given("timeline.task_resolved", "by", "owner"),
    "TaskReturned": _task_given("timeline.task_returned", "by", "assignee"),
    "CosignRequested": _cosign_requested,
    "Cosigned": _cosigned,
    "CosignCancelled": _cosign_cancelled,
    "TaskCompleted": _of_task("timeline.task_completed"),
    "TaskCancelled": _of_task("timeline.task_cancelled", minor=True),
    "TimerArmed": _timer_armed,
    "TimerFired": _timer_fired,
    "LimitWarned": _limit_warned,
    "LimitBreached": _limit_breached,
    "LimitMet": _limit_met,
    "DecisionMade": _decided,
    "NotificationQueued": _notified,
    "DocumentDrafted": _drafted,
    "CaseCopied": _copied,
    "CopyAcknowledged": _acknowledged,
    "TaskUrged": _urged,
    "SubmissionWithdrawn": _withdrawn,
    "CaseMigrated": _migrated,
    "CommentAdded": _commented,
    "FileAttached": _attached,
    "MessageReceived": _message_received,
    "MessageThrown": _message_thrown,
    "SignalThrown": _signal_thrown,
    "IncidentRaised": _incident_raised,
    "IncidentResolved": _incident_resolved,
    "CaseStageChanged": _stage_changed,
    "CaseClosed": _closed,
}
UNTOLD: Final = frozenset({"TokensMoved", "TimerCancelled", "MessageAwaited", "MessageNoLongerAwaited"})
"""Events that say nothing to people."""
KEYS: Final = frozenset(
    f"timeline.{key}"
    for key in (
        "case_closed", "case_opened", "commented", "copied", "copy_read", "cosign_agreed", "cosign_cancelled",
        "cosign_disagreed", "cosign_requested", "data_written", "decision_made", "document_drafted", "file_attached",
        "incident_raised", "incident_resolved", "limit_breached", "limit_met", "limit_met_late", "limit_started",
        "limit_warned", "message_received", "migrated", "message_thrown", "notified", "signal_thrown", "stage_changed",
        "task_cancelled", "task_claimed", "task_completed", "task_created", "task_delegated", "task_released",
        "task_resolved", "task_returned", "task_transferred", "timer_caught_up", "timer_fired", "urged", "withdrawn",
    )
)  # fmt: skip
"""Every key an item can have: what the catalogue must hold."""
