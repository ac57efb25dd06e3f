"""What people do around a user task without moving the flow: claim, transfer, delegate, co-sign, copy, urge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from engine.domain import commands as cmd
from engine.domain import events as ev
from engine.domain.codec import JSON
from engine.domain.rejection import FieldFault, Rejection

from .case import Case, OpenTask

if TYPE_CHECKING:
    from .decide import Turn

MAX_TEXT = 5_000


def may_act(task: OpenTask, turn: Turn) -> Rejection | None:
    """A task that somebody holds is theirs, or their substitute's."""
    if task.assignee and task.assignee not in (turn.actor, turn.on_behalf_of):
        return Rejection("conflict", "task.held", {"by": task.assignee})
    return None


def recused_units(case: Case, task: OpenTask) -> frozenset[str]:
    """Units whose people keep off the task: what its property `recuse` says of the case as it stands now (R38: who
    handles a case does not supervise it). Empty for a task without one.

    Raises KernelFault where the property can't be evaluated.
    """
    return frozenset(case.groups(task.token, task.token.task_spec.recuse))


def _task(case: Case, name: str) -> OpenTask | Rejection:
    task = case.tasks.get(name)
    return task if task is not None else Rejection("conflict", "task.gone", {"task": name})


def _needs(**texts: str) -> Rejection | None:
    faults = [FieldFault(name, "form.required") for name, text in texts.items() if not text.strip()]
    faults += [
        FieldFault(name, "form.max_length", {"value": MAX_TEXT}) for name, text in texts.items() if len(text) > MAX_TEXT
    ]
    return Rejection("invalid", "form.refused", {}, tuple(faults)) if faults else None


def _claim(case: Case, command: cmd.ClaimTask, turn: Turn) -> Rejection | None:
    task = _task(case, command.task)
    if isinstance(task, Rejection):
        return task
    if task.assignee:
        return Rejection("conflict", "task.held", {"by": task.assignee})
    task.assignee = turn.actor
    case.emit(ev.TaskClaimed(task.name, turn.actor))
    return None


def _release(case: Case, command: cmd.ReleaseTask, turn: Turn) -> Rejection | None:
    task = _task(case, command.task)
    if isinstance(task, Rejection):
        return task
    refusal = may_act(task, turn)
    if refusal is not None or not task.assignee:
        return refusal or Rejection("conflict", "task.not_claimed", {"task": task.name})
    if task.owner:
        return Rejection("conflict", "task.delegated", {"owner": task.owner})
    if not task.groups:
        return Rejection("conflict", "task.nobody_else", {"task": task.name})
    task.assignee = task.came_from = ""
    case.emit(ev.TaskReleased(task.name))
    return None


def _held(case: Case, name: str, turn: Turn, manages: bool = False, **texts: str) -> OpenTask | Rejection:
    """The open task, if the actor may act on it and the texts that go with the command are given."""
    task = _task(case, name)
    if isinstance(task, Rejection):
        return task
    return (None if manages else may_act(task, turn)) or _needs(**texts) or task


def _handed_on(case: Case, command: cmd.TransferTask | cmd.DelegateTask, turn: Turn) -> OpenTask | Rejection:
    """The task that may be handed to `command.to`."""
    by_manager = isinstance(command, cmd.TransferTask) and command.by_manager
    task = _held(case, command.task, turn, by_manager, to=command.to, reason=command.reason)
    if isinstance(task, Rejection):
        return task
    if command.to == (task.assignee if by_manager else turn.actor):
        return Rejection("invalid", "form.refused", {}, (FieldFault("to", "task.to_self"),))
    if task.owner:
        return Rejection("conflict", "task.delegated", {"owner": task.owner})
    return task


def _transfer(case: Case, command: cmd.TransferTask, turn: Turn) -> Rejection | None:
    task = _handed_on(case, command, turn)
    if isinstance(task, Rejection):
        return task
    task.came_from, task.assignee = task.assignee or turn.actor, command.to
    case.emit(ev.TaskTransferred(task.name, task.came_from, command.to, command.reason))
    _tell(case, task, command.to, "notice.transferred")
    return None


def _delegate(case: Case, command: cmd.DelegateTask, turn: Turn) -> Rejection | None:
    task = _handed_on(case, command, turn)
    if isinstance(task, Rejection):
        return task
    task.owner, task.assignee = task.assignee or turn.actor, command.to
    case.emit(ev.TaskDelegated(task.name, task.owner, command.to, command.reason))
    _tell(case, task, command.to, "notice.delegated")
    return None


def resolve(case: Case, task: OpenTask, values: Mapping[str, JSON], turn: Turn) -> None:
    """The delegate is done: the owner has the task again and sees the values as a proposal."""
    owner, task.owner = task.owner, ""
    task.assignee = owner
    task.proposed = dict(values)
    case.emit(ev.TaskResolved(task.name, owner, turn.actor, dict(values)))
    _tell(case, task, owner, "notice.resolved")


def _return(case: Case, command: cmd.ReturnTask, turn: Turn) -> Rejection | None:
    task = _held(case, command.task, turn, reason=command.reason)
    if isinstance(task, Rejection):
        return task
    back = task.owner or task.came_from
    if not back:
        return Rejection("conflict", "task.nobody_to_return", {"task": task.name})
    task.assignee, task.owner, task.came_from = back, "", ""
    case.emit(ev.TaskReturned(task.name, turn.actor, back, command.reason))
    _tell(case, task, back, "notice.returned")
    return None


def _request_cosign(case: Case, command: cmd.RequestCosign, turn: Turn) -> Rejection | None:
    task = _task(case, command.task)
    if isinstance(task, Rejection):
        return task
    refusal = may_act(task, turn)
    if refusal is not None:
        return refusal
    users = tuple(dict.fromkeys(u for u in command.users if u and u != turn.actor and u not in task.cosigns))
    if not users:
        return Rejection("invalid", "form.refused", {}, (FieldFault("users", "form.required"),))
    task.cosigns.update(dict.fromkeys(users, ""))
    case.emit(ev.CosignRequested(task.name, users, command.note))
    for user in users:
        _tell(case, task, user, "notice.cosign")
    return None


def _cosign(case: Case, command: cmd.Cosign, turn: Turn) -> Rejection | None:
    task = _task(case, command.task)
    if isinstance(task, Rejection):
        return task
    user = next((u for u in (turn.actor, turn.on_behalf_of) if u in task.cosigns), "")
    if not user:
        return Rejection("forbidden", "task.not_asked", {"task": task.name})
    if task.cosigns[user]:
        return Rejection("conflict", "task.already_signed", {"task": task.name})
    if not command.agree:
        refusal = _needs(comment=command.comment)
        if refusal is not None:
            return refusal
    task.cosigns[user] = "yes" if command.agree else "no"
    case.emit(ev.Cosigned(task.name, user, command.agree, command.comment))
    if task.assignee:
        _tell(case, task, task.assignee, "notice.cosigned")
    return None


def _cancel_cosign(case: Case, command: cmd.CancelCosign, turn: Turn) -> Rejection | None:
    task = _task(case, command.task)
    if isinstance(task, Rejection):
        return task
    refusal = may_act(task, turn)
    if refusal is not None:
        return refusal
    if task.cosigns.get(command.user) != "":
        return Rejection("conflict", "task.already_signed", {"task": task.name})
    del task.cosigns[command.user]
    case.emit(ev.CosignCancelled(task.name, command.user))
    return None


def _copy(case: Case, command: cmd.CopyCase, turn: Turn) -> Rejection | None:
    groups = tuple(dict.fromkeys(g for g in command.groups if g))
    if not groups:
        return Rejection("invalid", "form.refused", {}, (FieldFault("groups", "form.required"),))
    case.copies.update(groups)
    case.emit(ev.CaseCopied(groups, turn.actor, command.note))
    case.emit(ev.NotificationQueued(groups, "notice.copied"))
    return None


def _acknowledge(case: Case, command: cmd.AcknowledgeCopy, turn: Turn) -> Rejection | None:
    case.emit(ev.CopyAcknowledged(turn.actor))
    return None


def _urge(case: Case, command: cmd.UrgeTask, turn: Turn) -> Rejection | None:
    task = _task(case, command.task)
    if isinstance(task, Rejection):
        return task
    case.emit(ev.TaskUrged(task.name, turn.actor, command.note))
    to = (f"user:{task.assignee}",) if task.assignee else task.groups
    case.emit(ev.NotificationQueued(to, "notice.urged", task.name, {"label": task.node.label}))
    return None


def _comment(case: Case, command: cmd.AddComment, turn: Turn) -> Rejection | None:
    refusal = _needs(text=command.text)
    if refusal is None:
        case.emit(ev.CommentAdded(command.text, turn.actor, command.task))
    return refusal


def _attach(case: Case, command: cmd.AttachFile, turn: Turn) -> Rejection | None:
    case.emit(ev.FileAttached(dict(command.file), turn.actor, command.note, command.task))
    return None


def _tell(case: Case, task: OpenTask, user: str, message: str) -> None:
    case.emit(ev.NotificationQueued((f"user:{user}",), message, task.name, {"label": task.node.label}))


HANDLERS: dict[type[Any], Callable[[Case, Any, Turn], Rejection | None]] = {
    cmd.ClaimTask: _claim,
    cmd.ReleaseTask: _release,
    cmd.TransferTask: _transfer,
    cmd.DelegateTask: _delegate,
    cmd.ReturnTask: _return,
    cmd.RequestCosign: _request_cosign,
    cmd.Cosign: _cosign,
    cmd.CancelCosign: _cancel_cosign,
    cmd.CopyCase: _copy,
    cmd.AcknowledgeCopy: _acknowledge,
    cmd.UrgeTask: _urge,
    cmd.AddComment: _comment,
    cmd.AttachFile: _attach,
}
