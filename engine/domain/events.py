"""What has happened to a case: past tense, one dataclass each, the only input of the read models.

Instants are `codec.instant_text` strings (UTC). `task`, `timer` are names (see ids). `scope` is the task name of
the enclosing sub-process or call-activity visit, "" at the top.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from .codec import JSON


@dataclass(frozen=True, slots=True)
class CaseOpened:
    kind: ClassVar[str] = "CaseOpened"
    process: str
    bundle: str
    title: str
    opened_by: str


@dataclass(frozen=True, slots=True)
class DataWritten:
    """Fields set by a form, script, decision or message. `scope` is "" for the case itself, else the name of the
    multi-instance instance whose own fields they are (`Call_units#1[0]`). `by`: task or element that wrote."""

    kind: ClassVar[str] = "DataWritten"
    values: Mapping[str, JSON]
    scope: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class TokensMoved:
    """The trail of one turn: `[scope, element, action]` in order, action being entered, left, cancelled or taken
    (for a sequence flow)."""

    kind: ClassVar[str] = "TokensMoved"
    steps: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class TaskCreated:
    """A user task waits. `groups`: GroupIds that may take it; `assignee`: "" when unclaimed. `unit`: the unit whose
    work it is, "" if none. `clauses`: R-numbers. `due`: the earliest of its own due date and the limits that cover it,
    instant or ""; `form`: form id, "" if none."""

    kind: ClassVar[str] = "TaskCreated"
    task: str
    element: str
    label: str
    process: str
    scope: str = ""
    form: str = ""
    groups: tuple[str, ...] = ()
    assignee: str = ""
    unit: str = ""
    due: str = ""
    priority: int = 50
    clauses: tuple[str, ...] = ()
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TaskClaimed:
    kind: ClassVar[str] = "TaskClaimed"
    task: str
    assignee: str


@dataclass(frozen=True, slots=True)
class TaskReleased:
    kind: ClassVar[str] = "TaskReleased"
    task: str


@dataclass(frozen=True, slots=True)
class TaskTransferred:
    kind: ClassVar[str] = "TaskTransferred"
    task: str
    from_user: str
    assignee: str
    reason: str


@dataclass(frozen=True, slots=True)
class TaskDelegated:
    kind: ClassVar[str] = "TaskDelegated"
    task: str
    owner: str
    assignee: str
    reason: str


@dataclass(frozen=True, slots=True)
class TaskResolved:
    """The delegate has filled the form in; the task is with its owner again, with these values proposed."""

    kind: ClassVar[str] = "TaskResolved"
    task: str
    owner: str
    by: str
    values: Mapping[str, JSON]


@dataclass(frozen=True, slots=True)
class TaskReturned:
    """`assignee` is who has it again, "" for its candidates."""

    kind: ClassVar[str] = "TaskReturned"
    task: str
    by: str
    assignee: str
    reason: str


@dataclass(frozen=True, slots=True)
class CosignRequested:
    kind: ClassVar[str] = "CosignRequested"
    task: str
    users: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Cosigned:
    kind: ClassVar[str] = "Cosigned"
    task: str
    user: str
    agree: bool
    comment: str = ""


@dataclass(frozen=True, slots=True)
class CosignCancelled:
    kind: ClassVar[str] = "CosignCancelled"
    task: str
    user: str


@dataclass(frozen=True, slots=True)
class TaskCompleted:
    kind: ClassVar[str] = "TaskCompleted"
    task: str
    by: str
    element: str
    form: str = ""


@dataclass(frozen=True, slots=True)
class TaskCancelled:
    """The token left without the person: interrupted by `cause` (element id) or its scope ended."""

    kind: ClassVar[str] = "TaskCancelled"
    task: str
    cause: str = ""


@dataclass(frozen=True, slots=True)
class TimerArmed:
    """A timer event waits until `due`. A limit (时限) has `limit` set: its id, and the evidence to explain it:
    `anchor` (field), `anchor_at`, `rule` (Chinese sentence), `explanation` (lines, each `{key, params}` for the
    catalogue), `clauses`, `unit`, `deadline` (for a warning: the due instant of the limit it warns of; `mark`: "75%",
    "18:00"). `host`: task name of the activity whose end meets the limit; tasks below it are under this limit."""

    kind: ClassVar[str] = "TimerArmed"
    timer: str
    element: str
    due: str
    scope: str = ""
    label: str = ""
    limit: str = ""
    anchor: str = ""
    anchor_at: str = ""
    rule: str = ""
    explanation: tuple[Mapping[str, JSON], ...] = ()
    clauses: tuple[str, ...] = ()
    unit: str = ""
    responsible: tuple[str, ...] = ()
    warns_of: str = ""
    mark: str = ""
    deadline: str = ""
    cycle: int = 0
    host: str = ""


@dataclass(frozen=True, slots=True)
class TimerFired:
    """`late_seconds`: recorded instant minus due, >= 0. `missed`: rounds after `due` that were let pass with it.
    `cause`: why it was late: downtime, overload, clock_jump; "" in time or not known."""

    kind: ClassVar[str] = "TimerFired"
    timer: str
    element: str
    due: str
    late_seconds: float
    missed: int = 0
    cause: str = ""


@dataclass(frozen=True, slots=True)
class TimerCancelled:
    """The activity ended first. For a limit this is the instant at which it was met."""

    kind: ClassVar[str] = "TimerCancelled"
    timer: str
    element: str


@dataclass(frozen=True, slots=True)
class LimitWarned:
    kind: ClassVar[str] = "LimitWarned"
    limit: str
    timer: str
    mark: str
    deadline: str
    responsible: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LimitBreached:
    """`cause`: message key of a cause the clock itself knows (`limit.cause.discovered_late`),
    or ""."""

    kind: ClassVar[str] = "LimitBreached"
    limit: str
    timer: str
    element: str
    deadline: str
    clauses: tuple[str, ...] = ()
    unit: str = ""
    responsible: tuple[str, ...] = ()
    cause: str = ""


@dataclass(frozen=True, slots=True)
class LimitMet:
    """The limit's activity ended. `late_seconds` > 0: after the deadline; the breach stays on record."""

    kind: ClassVar[str] = "LimitMet"
    limit: str
    timer: str
    element: str
    deadline: str
    late_seconds: float
    unit: str = ""


@dataclass(frozen=True, slots=True)
class DecisionMade:
    """Rules that fired: `[{"decision", "rule" (number from 1), "rule_id", "annotation"}]`."""

    kind: ClassVar[str] = "DecisionMade"
    element: str
    decision: str
    rules: tuple[Mapping[str, JSON], ...]
    inputs: Mapping[str, JSON]
    result: JSON


@dataclass(frozen=True, slots=True)
class NotificationQueued:
    """To be sent by the outbox. `message`: catalogue key; content-free outside the house (R71)."""

    kind: ClassVar[str] = "NotificationQueued"
    to: tuple[str, ...]
    message: str
    task: str = ""
    params: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DocumentDrafted:
    """A paper the process made: `document` (kind, e.g. `late_report`), its fields in `content`."""

    kind: ClassVar[str] = "DocumentDrafted"
    document: str
    name: str
    element: str
    title: str
    content: Mapping[str, JSON]


@dataclass(frozen=True, slots=True)
class CaseCopied:
    kind: ClassVar[str] = "CaseCopied"
    groups: tuple[str, ...]
    by: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class CopyAcknowledged:
    kind: ClassVar[str] = "CopyAcknowledged"
    by: str


@dataclass(frozen=True, slots=True)
class TaskUrged:
    kind: ClassVar[str] = "TaskUrged"
    task: str
    by: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class SubmissionWithdrawn:
    """State is as before entry `seq`; `reopened`/`removed`/timers follow as their own events."""

    kind: ClassVar[str] = "SubmissionWithdrawn"
    seq: int
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class CaseMigrated:
    """The case goes on on `bundle` instead of `from_bundle`. What differs on it follows as events of its own: fields,
    tokens, tasks, timers and limits as they would stand had the case been opened on it."""

    kind: ClassVar[str] = "CaseMigrated"
    bundle: str
    from_bundle: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class CommentAdded:
    kind: ClassVar[str] = "CommentAdded"
    text: str
    by: str
    task: str = ""


@dataclass(frozen=True, slots=True)
class FileAttached:
    kind: ClassVar[str] = "FileAttached"
    file: Mapping[str, JSON]
    by: str
    note: str = ""
    task: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class MessageAwaited:
    """A message event waits: offered on the case page as an action when it has a `label`. `key`: the correlation that
    a message must have to be meant for it, "" for any."""

    kind: ClassVar[str] = "MessageAwaited"
    task: str
    message: str
    element: str
    label: str = ""
    form: str = ""
    groups: tuple[str, ...] = ()
    key: str = ""


@dataclass(frozen=True, slots=True)
class MessageNoLongerAwaited:
    kind: ClassVar[str] = "MessageNoLongerAwaited"
    task: str
    message: str


@dataclass(frozen=True, slots=True)
class MessageReceived:
    kind: ClassVar[str] = "MessageReceived"
    message: str
    by: str
    count: int


@dataclass(frozen=True, slots=True)
class MessageThrown:
    """The process sent a message. `outcome`: `received` by an event of the case, `started` another pool, `kept` until
    somebody in the case waits for it, or `left` the case. `key`: its correlation, "" for none."""

    kind: ClassVar[str] = "MessageThrown"
    message: str
    element: str
    outcome: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class SignalThrown:
    kind: ClassVar[str] = "SignalThrown"
    signal: str
    element: str
    count: int


@dataclass(frozen=True, slots=True)
class IncidentRaised:
    """The turn was undone; the case stands as before. `element`: where, `key`: catalogue sentence. `timer`: the timer
    that can't fire until the incident is resolved, "" if a person's command failed."""

    kind: ClassVar[str] = "IncidentRaised"
    incident: int
    element: str
    key: str
    details: Mapping[str, JSON] = field(default_factory=dict)
    timer: str = ""


@dataclass(frozen=True, slots=True)
class IncidentResolved:
    kind: ClassVar[str] = "IncidentResolved"
    incident: int
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class CaseStageChanged:
    """The case entered a stage (property `stage` of an element), e.g. `triage`, `handling`, `archived`."""

    kind: ClassVar[str] = "CaseStageChanged"
    stage: str
    label: str


@dataclass(frozen=True, slots=True)
class CaseClosed:
    """No token is left. `outcome`: property `outcome` of the last end event, or its id."""

    kind: ClassVar[str] = "CaseClosed"
    outcome: str


Event = (
    CaseOpened
    | DataWritten
    | TokensMoved
    | TaskCreated
    | TaskClaimed
    | TaskReleased
    | TaskTransferred
    | TaskDelegated
    | TaskResolved
    | TaskReturned
    | CosignRequested
    | Cosigned
    | CosignCancelled
    | TaskCompleted
    | TaskCancelled
    | TimerArmed
    | TimerFired
    | TimerCancelled
    | LimitWarned
    | LimitBreached
    | LimitMet
    | DecisionMade
    | NotificationQueued
    | DocumentDrafted
    | CaseCopied
    | CopyAcknowledged
    | TaskUrged
    | SubmissionWithdrawn
    | CaseMigrated
    | CommentAdded
    | FileAttached
    | MessageAwaited
    | MessageNoLongerAwaited
    | MessageReceived
    | MessageThrown
    | SignalThrown
    | IncidentRaised
    | IncidentResolved
    | CaseStageChanged
    | CaseClosed
)
EVENTS: dict[str, type[Event]] = {cls.kind: cls for cls in Event.__args__}
