"""What people and clocks ask of a case: imperative, one dataclass each, stored in the journal as it came in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from .codec import JSON


@dataclass(frozen=True, slots=True)
class OpenCase:
    """Start a case of `process` with the values of its start form. `files`: file reference -> list of file facts.

    `start`: id of the start event where the process has several.
    `options`: what the lists that come from outside the case (units, people ...) offered of the values chosen, as
    `{list name: [{"label", "value"}]}`. Filled in by the service, so that a replay judges by the lists of that day.
    """

    kind: ClassVar[str] = "OpenCase"
    process: str
    values: Mapping[str, JSON]
    files: Mapping[str, JSON] = field(default_factory=dict)
    options: Mapping[str, JSON] = field(default_factory=dict)
    start: str = ""


@dataclass(frozen=True, slots=True)
class SubmitTask:
    """Complete a user task with the values of its form (raw; the kernel validates and coerces). `files`, `options`:
    see OpenCase."""

    kind: ClassVar[str] = "SubmitTask"
    task: str
    values: Mapping[str, JSON]
    files: Mapping[str, JSON] = field(default_factory=dict)
    options: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ClaimTask:
    """签收/领办: take a task that my group may do."""

    kind: ClassVar[str] = "ClaimTask"
    task: str


@dataclass(frozen=True, slots=True)
class ReleaseTask:
    """Give a claimed task back to its candidates."""

    kind: ClassVar[str] = "ReleaseTask"
    task: str


@dataclass(frozen=True, slots=True)
class TransferTask:
    """转办: hand the task to somebody else for good. `by_manager`: the sender does not hold the task but may hand it
    on as head of its unit or as the office; set by the service alone."""

    kind: ClassVar[str] = "TransferTask"
    task: str
    to: str
    reason: str
    by_manager: bool = False


@dataclass(frozen=True, slots=True)
class DelegateTask:
    """委派: somebody else fills it in, then it comes back to me to submit."""

    kind: ClassVar[str] = "DelegateTask"
    task: str
    to: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReturnTask:
    """退回: give a transferred or delegated task back to who handed it over, with the reason."""

    kind: ClassVar[str] = "ReturnTask"
    task: str
    reason: str


@dataclass(frozen=True, slots=True)
class RequestCosign:
    """会签: ask these people to sign before the task can be submitted."""

    kind: ClassVar[str] = "RequestCosign"
    task: str
    users: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Cosign:
    """A co-signer's answer. A 'no' needs a comment; it does not block, but is shown to who submits."""

    kind: ClassVar[str] = "Cosign"
    task: str
    agree: bool
    comment: str = ""


@dataclass(frozen=True, slots=True)
class CancelCosign:
    """Withdraw a request that has not been answered yet."""

    kind: ClassVar[str] = "CancelCosign"
    task: str
    user: str


@dataclass(frozen=True, slots=True)
class CopyCase:
    """抄送: let these groups (users, units, roles) read the case, and tell them."""

    kind: ClassVar[str] = "CopyCase"
    groups: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class AcknowledgeCopy:
    """已阅: the read receipt of a copy."""

    kind: ClassVar[str] = "AcknowledgeCopy"


@dataclass(frozen=True, slots=True)
class UrgeTask:
    """催办: remind who holds the task; kept as evidence."""

    kind: ClassVar[str] = "UrgeTask"
    task: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class WithdrawSubmission:
    """撤回: undo my own submission (entry `seq`) while nobody has acted on what followed from it."""

    kind: ClassVar[str] = "WithdrawSubmission"
    seq: int
    reason: str


@dataclass(frozen=True, slots=True)
class AddComment:
    kind: ClassVar[str] = "AddComment"
    text: str
    task: str = ""


@dataclass(frozen=True, slots=True)
class AttachFile:
    """Add a stored file to the case. `file`: id, name, size (bytes), sha256 (hex), media_type."""

    kind: ClassVar[str] = "AttachFile"
    file: Mapping[str, JSON]
    note: str = ""
    task: str = ""


@dataclass(frozen=True, slots=True)
class SendMessage:
    """Deliver a BPMN message (by name) to every event of the case that waits for it, e.g. `regrade`; with a `key` to
    those only whose correlation it is, and those without one."""

    kind: ClassVar[str] = "SendMessage"
    name: str
    values: Mapping[str, JSON] = field(default_factory=dict)
    files: Mapping[str, JSON] = field(default_factory=dict)
    options: Mapping[str, JSON] = field(default_factory=dict)
    key: str = ""


@dataclass(frozen=True, slots=True)
class SendSignal:
    """Deliver a BPMN signal (by name) to every event of the case that waits for it. Never a person's command."""

    kind: ClassVar[str] = "SendSignal"
    name: str


@dataclass(frozen=True, slots=True)
class FailTask:
    """A played service ends with a BPMN error or escalation `code` (trial runs only)."""

    kind: ClassVar[str] = "FailTask"
    task: str
    code: str
    escalation: bool = False


@dataclass(frozen=True, slots=True)
class FireTimer:
    """A due instant has come. Refused (`not_found`) when the timer is gone, (`conflict`) when it is early.

    `missed`: further rounds of a repeating timer that have passed too and are taken together with this one; refused
    (`conflict`) when they have not. `cause`: why it comes late: downtime, overload, clock_jump; "" in time.
    """

    kind: ClassVar[str] = "FireTimer"
    timer: str
    missed: int = 0
    cause: str = ""


@dataclass(frozen=True, slots=True)
class ResolveIncident:
    """An operator says why the case may go on after an incident."""

    kind: ClassVar[str] = "ResolveIncident"
    incident: int
    reason: str


@dataclass(frozen=True, slots=True)
class MigrateCase:
    """Let the case go on on another version of its bundle, as if it had been opened on it. `bundle`: the version.
    `mapping`: id of an element on the version it runs on -> its id on the other, for those that were renamed."""

    kind: ClassVar[str] = "MigrateCase"
    bundle: str
    reason: str
    mapping: Mapping[str, str] = field(default_factory=dict)


Command = (
    OpenCase
    | SubmitTask
    | ClaimTask
    | ReleaseTask
    | TransferTask
    | DelegateTask
    | ReturnTask
    | RequestCosign
    | Cosign
    | CancelCosign
    | CopyCase
    | AcknowledgeCopy
    | UrgeTask
    | WithdrawSubmission
    | AddComment
    | AttachFile
    | SendMessage
    | SendSignal
    | FailTask
    | FireTimer
    | ResolveIncident
    | MigrateCase
)
COMMANDS: dict[str, type[Command]] = {cls.kind: cls for cls in Command.__args__}
