"""A case step by step: each entry carried out again, and the state it left, as pages and the command line show it.

Everything here is taken from the re-executed case, not from read models: what a frame says was true is what the kernel
makes of the commands, and `divergence` says where the record claims something else.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from engine.definitions.bundle import Bundle
from engine.domain.codec import JSON, from_json
from engine.domain.commands import COMMANDS, OpenCase, SendMessage, SubmitTask
from engine.journal.entry import StoredEntry
from engine.kernel.case import Case
from engine.kernel.crossing import tokens
from engine.kernel.decide import form_of
from engine.kernel.faults import KernelFault
from engine.kernel.record import Loader
from engine.kernel.replay import UNREADABLE, Diverged, Divergence, advance, begin, impossible

Event = Mapping[str, JSON]
SAME_EVENTS: Final = frozenset({"digest", "bundle"})
"""Divergences that leave the entry's events proven."""


@dataclass(frozen=True, slots=True)
class TaskThen:
    """A user task that waited. `holder`: login or ""; `due`: instant or None; the names are those of a task row."""

    task: str
    element: str
    label: str
    scope: str
    unit: str
    assignee: str
    candidates: tuple[str, ...]
    due: datetime | None
    state: str = "open"


@dataclass(frozen=True, slots=True)
class TimerThen:
    """A timer that was armed. `limit`: its id where it is a limit or warns of one; `mark`: of a warning."""

    timer: str
    element: str
    label: str
    due: datetime
    limit: str
    mark: str


@dataclass(frozen=True, slots=True)
class LimitThen:
    """A limit that ran, or had run out and was not met yet (`breached`). `host`: element that had to end in time."""

    limit: str
    label: str
    unit: str
    scope: str
    host: str
    deadline: datetime
    breached: bool


@dataclass(frozen=True, slots=True)
class IncidentThen:
    """An incident that was open. `key`: what stopped the turn."""

    number: int
    element: str
    label: str
    key: str


@dataclass(frozen=True, slots=True)
class Change:
    """A field that the entry set. `scope`: "" for the case's own, else the instance whose field it is."""

    field: str
    scope: str
    before: JSON
    after: JSON


@dataclass(frozen=True, slots=True)
class Filled:
    """A form as its person had it: `data` is what it opened with, `values` what was sent. `label`: of the step."""

    form: str
    label: str
    schema: Mapping[str, JSON]
    data: Mapping[str, JSON]
    values: Mapping[str, JSON]


@dataclass(frozen=True, slots=True)
class Frame:
    """One entry and the case after it. `digest`: of the re-executed state, hex; `bundle`: version it then ran on.

    `events`: what the entry's command caused; empty where the record claims something that carrying it out does not
    give, so that a page never shows a claim as a fact. `as_recorded`: an incident, which is taken from the record.
    `tokens`: (scope, element) of each token that was somewhere; `steps`: (scope, element, action) of this entry.
    """

    entry: StoredEntry
    bundle: str
    events: tuple[Event, ...]
    steps: tuple[tuple[str, str, str], ...]
    tokens: tuple[tuple[str, str], ...]
    tasks: tuple[TaskThen, ...]
    timers: tuple[TimerThen, ...]
    limits: tuple[LimitThen, ...]
    messages: tuple[str, ...]
    incidents: tuple[IncidentThen, ...]
    changes: tuple[Change, ...]
    filled: Filled | None
    digest: str
    status: str
    stage: str
    divergence: Divergence | None

    @property
    def migrated(self) -> bool:
        return bool(self.entry.command["kind"] == "MigrateCase")

    @property
    def as_recorded(self) -> bool:
        return len(self.events) == 1 and self.events[0]["kind"] == "IncidentRaised"

    @property
    def claimed(self) -> bool:
        """Whether the record says something else of this step than what carrying it out gives."""
        return self.divergence is not None and self.divergence.what not in SAME_EVENTS

    @property
    def breaches(self) -> tuple[Event, ...]:
        return tuple(event for event in self.events if event["kind"] == "LimitBreached")

    @property
    def decisions(self) -> tuple[Event, ...]:
        return tuple(event for event in self.events if event["kind"] == "DecisionMade")

    @property
    def lateness(self) -> float:
        """Seconds by which this entry was late: a timer fired, a limit met, after its time; 0 when nothing was."""
        return max((float(e.get("late_seconds", 0)) for e in self.events if "late_seconds" in e), default=0.0)


def frames(entries: Sequence[StoredEntry], load: Loader) -> Iterator[Frame]:
    """A frame for each entry, in order, up to and with the first that differs from the record. One pass.

    Raises Diverged at an entry of which nothing can be shown: its command can't be read or could not be given.
    """
    case: Case | None = None
    labels: dict[str, Mapping[str, str]] = {}
    raised: dict[int, str] = {}
    for position, entry in enumerate(entries):
        if case is None:
            case = begin(entry, load)
        filled, unfilled = _tried_form(case, entry)
        before = dict(case.data), {scope: dict(fields) for scope, fields in case.locals.items()}
        case, divergence = advance(case, entry, entries[:position], load)
        if divergence is None and unfilled is not None:
            divergence = impossible(entry, unfilled)
        if divergence is not None and divergence.what == "impossible":
            raise Diverged(divergence)
        events = tuple(entry.events) if divergence is None or divergence.what in SAME_EVENTS else ()
        raised |= {event["incident"]: event["element"] for event in events if event["kind"] == "IncidentRaised"}
        version = case.bundle.version
        if version not in labels:
            labels[version] = labels_of(case.bundle)
        yield _frame(case, entry, events, filled, before, labels[version], raised, divergence)
        if divergence is not None:
            return


def _frame(
    case: Case,
    entry: StoredEntry,
    events: tuple[Event, ...],
    filled: Filled | None,
    before: tuple[Mapping[str, JSON], Mapping[str, Mapping[str, JSON]]],
    labels: Mapping[str, str],
    raised: Mapping[int, str],
    divergence: Divergence | None,
) -> Frame:
    moved = [step for event in events if event["kind"] == "TokensMoved" for step in event["steps"]]
    return Frame(
        entry=entry,
        bundle=case.bundle.version,
        events=events,
        steps=tuple((scope, element, action) for scope, element, action in moved),
        tokens=tuple(tokens(case).values()),
        tasks=tuple(task_then(one) for one in case.tasks.values()),
        timers=tuple(
            TimerThen(t.id, t.element, labels.get(t.element, t.element), t.due, t.plan.limit, t.mark)
            for t in sorted(case.timers.values(), key=lambda one: (one.due, one.id))
        ),
        limits=tuple(limit_then(one) for one in case.limits.values()),
        messages=tuple(sorted({waiting.node.event.name for waiting in case.messages.values()})),
        incidents=tuple(
            IncidentThen(number, raised.get(number, ""), labels.get(raised.get(number, ""), ""), key)
            for number, key in sorted(case.incidents.items())
        ),
        changes=tuple(_changes(events, *before)),
        filled=filled,
        # Without a divergence the replay has compared the two already.
        digest=entry.state_digest if divergence is None else case.digest(),
        status=case.status,
        stage=case.stage_label or case.stage,
        divergence=divergence,
    )


def task_then(task: Any) -> TaskThen:
    created = task.created
    due = created.due if created is not None else ""
    return TaskThen(
        task.name,
        task.node.id,
        task.node.label,
        created.scope if created is not None else "",
        created.unit if created is not None else "",
        task.assignee,
        tuple(task.groups),
        datetime.fromisoformat(due) if due else None,
    )


def limit_then(record: Any) -> LimitThen:
    host = record.armed.host if record.armed is not None else ""
    scope, _, visit = host.rpartition("/")
    return LimitThen(
        record.plan.limit,
        record.label or record.plan.limit,
        record.unit,
        scope,
        visit.partition("#")[0],
        record.deadline,
        record.breached,
    )


def labels_of(bundle: Bundle) -> Mapping[str, str]:
    """What people call the elements of a bundle: id, and id as drawn, -> label; the first of an id counts."""
    found: dict[str, str] = {}
    for process in bundle.processes.values():
        for _, node in process.walk():
            for element in (node.id, node.shown):
                found.setdefault(element, node.label or element)
    return found


def _changes(
    events: Sequence[Event], data: Mapping[str, JSON], scoped: Mapping[str, Mapping[str, JSON]]
) -> Iterator[Change]:
    """What the entry's events set, each field once, with what it was before the entry."""
    after: dict[tuple[str, str], JSON] = {}
    for event in events:
        if event["kind"] == "DataWritten":
            for name, value in event["values"].items():
                after[event.get("scope", ""), name] = value
    for (scope, name), value in after.items():
        before = (scoped.get(scope, {}) if scope else data).get(name)
        if before != value:
            yield Change(name, scope, before, value)


def _tried_form(case: Case, entry: StoredEntry) -> tuple[Filled | None, Exception | None]:
    try:
        return _filled(case, entry), None
    except (*UNREADABLE, KernelFault) as error:  # of a record that somebody changed; `advance` says what is wrong
        return None, error


def _filled(case: Case, entry: StoredEntry) -> Filled | None:
    """The form that the entry's command fills in, as it stood before the entry; None when there is none."""
    command = from_json(COMMANDS, entry.command)
    if not isinstance(command, OpenCase | SubmitTask | SendMessage):
        return None
    known: Mapping[str, JSON] = case.bundle.parameters
    label = ""
    if isinstance(command, OpenCase):
        ident = case.bundle.start_form(command.process)
    else:
        ident = form_of(case, command)
        known = case.data
        if isinstance(command, SubmitTask) and (task := case.tasks.get(command.task)) is not None:
            known, label = {**case.variables(task.token.scope), **(task.proposed or {})}, task.node.label
    form = case.bundle.forms.get(ident)
    if form is None:
        return None
    data = form.initial({**known, **command.options})
    return Filled(ident, label, form.schema, copy.deepcopy(data), dict(command.values))
