"""Tells a case's entries as events and objects of an event log: what becomes of each kind of event."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from engine.journal.entry import StoredEntry
from engine.readmodels.cases import CaseRow
from engine.readmodels.clocks import covers

from .mining_model import MinedCase, Value
from .mining_people import People
from .mining_tasks import TASK_TELLERS
from .mining_walk import CASE, Happened, Teller, Walk, instant


def told(row: CaseRow, entries: Iterable[StoredEntry], people: People) -> MinedCase:
    """The case as events and objects. Requires its entries from the first, in order."""
    walk = Walk(row, people)
    _begin(walk)
    for entry in entries:
        walk.entry = entry
        for n, event in enumerate(entry.events):
            walk.n = n
            tell = TELLERS.get(event["kind"])
            if tell is not None:
                tell(walk, event)
    return MinedCase(row.case_id, _fields(walk), tuple(walk.events), tuple(walk.objects.values()))


def _begin(walk: Walk) -> None:
    row, people = walk.row, walk.people
    case = walk.thing(row.case_id, "case")
    item = walk.part(f"{row.case_id}/item", "item", "is about")
    if row.opened_at is None:
        return
    for name, value in (("process", row.process), ("bundle", row.bundle), ("title", people.text(row.title))):
        case.set(name, value, row.opened_at)
    for name in ("source_type", "published_at", "discovered_at"):
        item.set(name, getattr(row, name), row.opened_at)
    for name in ("source_name", "url"):
        item.set(name, people.text(getattr(row, name)), row.opened_at)


def _fields(walk: Walk) -> dict[str, Value]:
    row, people = walk.row, walk.people
    units = sorted(ident[5:] for ident, one in walk.objects.items() if one.type == "unit")
    found: dict[str, Value | None] = {
        name: getattr(row, name)
        for name in ("status", "outcome", "grade", "district", "business_line", "source_type", "process", "bundle",
                     "opened_at", "closed_at", "published_at", "discovered_at", "breaches")
    }  # fmt: skip
    found |= {"lead_unit": walk.lead_unit, "units": " ".join(units), "entries": row.last_seq}
    found |= {name: people.text(getattr(row, name)) for name in ("title", "source_name", "url")}
    return {name: value for name, value in found.items() if value is not None and value != ""}


def _opened(walk: Walk, event: Happened) -> None:
    walk.objects[walk.case_id].set("status", "open", walk.at)
    walk.tell(event, "mining.event.case_opened", objects=[(f"{walk.case_id}/item", "item")])


def _written(walk: Walk, event: Happened) -> None:
    if event.get("scope"):
        return
    case, values = walk.objects[walk.case_id], event["values"]
    for name in ("grade", "district", "business_line", "lead_unit"):
        if isinstance(values.get(name), str):
            case.set(name, values[name], walk.at)
    walk.grade = values["grade"] if isinstance(values.get("grade"), str) else walk.grade
    walk.lead_unit = values["lead_unit"] if isinstance(values.get("lead_unit"), str) else walk.lead_unit


def _stage(walk: Walk, event: Happened) -> None:
    walk.objects[walk.case_id].set("stage", event["stage"], walk.at)
    walk.tell(event, "mining.event.stage", {"stage": event["label"] or event["stage"]}, stage=event["stage"])


def _migrated(walk: Walk, event: Happened) -> None:
    walk.objects[walk.case_id].set("bundle", event["bundle"], walk.at)
    walk.tell(event, "mining.event.migrated", text=walk.people.text(event["reason"]))


def _closed(walk: Walk, event: Happened) -> None:
    case = walk.objects[walk.case_id]
    case.set("status", "closed", walk.at)
    case.set("outcome", event["outcome"], walk.at)
    walk.tell(event, "mining.event.case_closed", outcome=event["outcome"])


def _armed(walk: Walk, event: Happened) -> None:
    timer = event["timer"]
    walk.labels[timer] = event.get("label") or walk.labels.get(timer) or event["element"]
    if not event.get("limit") or event.get("warns_of") or not event.get("deadline"):
        return
    if timer in walk.limits and walk.objects[walk.limits[timer]].changes[-1][1] == "running":
        return  # armed again by a withdrawal: it has not stopped
    ident = f"{walk.case_id}/{timer}@{walk.entry.seq}"
    one = walk.part(ident, "limit", "runs under")
    walk.limits[timer] = ident
    for name in ("limit", "element"):
        one.set(name, event[name], walk.at)
    one.set("clauses", " ".join(event.get("clauses", ())), walk.at)
    one.set("deadline", instant(event["deadline"]), walk.at)
    one.set("state", "running", walk.at)
    if event.get("unit"):
        one.related.append((walk.unit(event["unit"]), "binds"))
    one.related += [(task, "covers") for name, task in walk.tasks.items() if covers(event.get("host", ""), name)]


def _fired(walk: Walk, event: Happened) -> None:
    timer = event["timer"]
    if "!" in timer or timer in walk.limits:
        return  # the warning or the breach tells it
    words = {"timer": walk.labels.get(timer, event["element"])}
    due, late = instant(event["due"]), float(event["late_seconds"])
    walk.tell(event, "mining.event.timer_fired", words, element=event["element"], due=due, late_seconds=late)


def _of_limit(key: str, state: str, late_key: str = "") -> Teller:
    def tell(walk: Walk, event: Happened) -> None:
        ident = walk.limits.get(event["timer"])
        late = event.get("late_seconds")
        name, became = (late_key or key, f"{state}_late") if late else (key, state)
        if ident is not None:
            one = walk.objects[ident]
            one.set("state", became, walk.at)
            one.set("late_seconds", float(late) if late is not None else None, walk.at)
        element = event.get("element", "") or event["timer"].rpartition("/")[2].partition("#")[0]
        walk.tell(
            event,
            name,
            {"limit": walk.labels.get(event["timer"], event["limit"])},
            element=element,
            objects=[(ident, "limit")] if ident else [],
            limit=event["limit"],
            deadline=instant(event["deadline"]),
            mark=event.get("mark", ""),
            late_seconds=float(late) if late is not None else None,
            cause=event.get("cause", ""),
            unit=event.get("unit", ""),
        )

    return tell


def _limit_cancelled(walk: Walk, event: Happened) -> None:
    one = walk.objects.get(walk.limits.get(event["timer"], ""))
    if one is not None and one.changes[-1][:2] == ("state", "running"):
        one.set("state", "cancelled", walk.at)


def _decided(walk: Walk, event: Happened) -> None:
    rules = " ".join(f"{rule.get('decision', event['decision'])}:{rule.get('rule', 0)}" for rule in event["rules"])
    walk.tell(
        event,
        "mining.event.decision",
        {"decision": event["decision"]},
        element=event["element"],
        decision=event["decision"],
        rules=rules,
    )


def _drafted(walk: Walk, event: Happened) -> None:
    one = walk.part(f"{walk.case_id}/document/{event['name']}", "document", "has")
    one.set("document", event["document"], walk.at)
    one.set("element", event["element"], walk.at)
    about = [(one.id, "document")]
    words = {"document": event["document"]}
    walk.tell(
        event, "mining.event.document", words, element=event["element"], objects=about, document=event["document"]
    )


def _attached(walk: Walk, event: Happened) -> None:
    file, task = event["file"], walk.tasks.get(event.get("task", ""))
    one = walk.part(f"{walk.case_id}/file/{walk.entry.seq}.{walk.n}", "file", "has")
    one.set("media_type", file.get("media_type", ""), walk.at)
    one.set("size", int(file.get("size", 0)), walk.at)
    one.set("name", walk.people.text(file.get("name", "")), walk.at)
    about = [(one.id, "file"), *([(task, "task")] if task else [])]
    walk.tell(
        event,
        "mining.event.file",
        objects=about,
        media_type=file.get("media_type", ""),
        size=int(file.get("size", 0)),
        text=walk.people.text(event.get("note", "")),
    )


def _of_case(key: str, *, text: str = "", **numbers: str) -> Teller:
    """An event of the case as a whole: `text` names the field with words, `numbers` own fields -> fields."""

    def tell(walk: Walk, event: Happened) -> None:
        task = walk.tasks.get(event.get("task", ""))
        words = {"task": walk.labels.get(event.get("task", ""), "")}
        fields: dict[str, Any] = {name: event.get(field) for name, field in numbers.items()}
        written = walk.people.text(event.get(text, "")) if text else ""
        walk.tell(event, key, words, objects=[(task, "task")] if task else [], text=written, **fields)

    return tell


def _copied(walk: Walk, event: Happened) -> None:
    text = walk.people.text(event.get("note", ""))
    walk.tell(event, "mining.event.copied", candidates=walk.people.groups(event["groups"]), text=text)


def _awaited(walk: Walk, event: Happened) -> None:
    walk.messages[event["message"]] = event.get("label") or event["message"]


def _received(walk: Walk, event: Happened) -> None:
    message = event["message"]
    walk.tell(event, "mining.event.message", {"message": walk.messages.get(message, message)})


def _raised(walk: Walk, event: Happened) -> None:
    walk.tell(
        event,
        "mining.event.incident_raised",
        element=event["element"] or CASE,
        incident=event["incident"],
        cause=event["key"],
    )


TELLERS: Final[dict[str, Teller]] = {
    **TASK_TELLERS,
    "CaseOpened": _opened,
    "DataWritten": _written,
    "CaseStageChanged": _stage,
    "CaseMigrated": _migrated,
    "CaseClosed": _closed,
    "TimerArmed": _armed,
    "TimerFired": _fired,
    "TimerCancelled": _limit_cancelled,
    "LimitWarned": _of_limit("mining.event.limit_warned", "running"),
    "LimitBreached": _of_limit("mining.event.limit_breached", "breached"),
    "LimitMet": _of_limit("mining.event.limit_met", "met", "mining.event.limit_met_late"),
    "DecisionMade": _decided,
    "DocumentDrafted": _drafted,
    "FileAttached": _attached,
    "CaseCopied": _copied,
    "CopyAcknowledged": _of_case("mining.event.copy_read"),
    "TaskUrged": _of_case("mining.event.urged", text="note"),
    "CommentAdded": _of_case("mining.event.commented", text="text"),
    "SubmissionWithdrawn": _of_case("mining.event.withdrawn", text="reason", withdraws="seq"),
    "IncidentRaised": _raised,
    "IncidentResolved": _of_case("mining.event.incident_resolved", text="reason", incident="incident"),
    "MessageAwaited": _awaited,
    "MessageReceived": _received,
}
"""Event kind -> what it says; some only change what later ones say."""
UNTOLD: Final = frozenset(
    {"TokensMoved", "NotificationQueued", "MessageNoLongerAwaited", "MessageThrown", "SignalThrown"}
)
"""Events that an export leaves out: steps of the engine, of which the performance view counts the first."""
