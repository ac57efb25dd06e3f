"""Compensation (BPMN 10.7, 13.5.5): what has completed is undone by its handlers, last first, one after another.

A scope notes each activity that completed and can be undone (`tokens.Completed`). A compensation throw event takes
the notes of its scope, runs the handlers as children of its own token and goes on when the last one is done. A
sub-process that completed is undone by its compensation event sub-process, else by undoing what is inside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from SpiffWorkflow.util.task import TaskState

from .tokens import Completed

if TYPE_CHECKING:
    from .tokens import Token


def note(token: Token) -> None:
    """Notes that the activity of `token` has completed, if anything could undo it."""
    spec, scope = token.task_spec, token.workflow
    own = scope.top_workflow.case.locals.get(token.scope) if token.scope == token.name else None
    inner = token.internal_data.pop("completed", [])
    if spec.node.compensation or inner or spec.undoing is not None:
        scope.done.append(Completed(spec.bpmn_id, spec, None if own is None else dict(own), inner))


def compensate(token: Token, activity: str) -> bool:
    """Runs the handlers of the scope's completed activities (of `activity` only, if given). Called again each time
    the token is run; True when all are done, False while it has to wait."""
    memo = token.internal_data
    if "undo" not in memo:
        scope = _scope(token, activity)
        chosen = [c for c in scope.done if not activity or c.element == activity]
        scope.done = [c for c in scope.done if c not in chosen]
        memo["undo"] = [(c, token.scope) for c in chosen]
        memo["scopes"] = []
    if _next(token):
        return False
    for name in memo["scopes"]:
        token.workflow.top_workflow.case.close_scope(name)
    return True


def _scope(token: Token, activity: str) -> Any:
    """Whose activities are meant: those of the throw event's own scope; from inside an event sub-process, those of
    the scope it belongs to, unless the activity is its own."""
    scope: Any = token.workflow
    while scope is not scope.top_workflow and scope.parent_token.task_spec.node.triggered:
        if activity and any(c.element == activity for c in scope.done):
            break
        scope = scope.parent_token.workflow
    return scope


def _next(token: Token) -> bool:
    """Starts the next handler. False when none is left."""
    undo: list[tuple[Completed, str]] = token.internal_data["undo"]
    while undo:
        last, scope = undo.pop()
        if last.spec.node.compensation:
            _start(token, last.spec.handler_spec, last, scope)
            return True
        if last.spec.undoing is not None:
            _start(token, last.spec, last, scope)
            return True
        inside = scope if last.data is None else _restored(token, last, scope)
        undo.extend((inner, inside) for inner in last.inner)
    return False


def _restored(token: Token, last: Completed, outer: str) -> str:
    """A data scope with the fields of an instance that has completed, for the handlers of what was inside it."""
    case = token.workflow.top_workflow.case
    scopes: list[str] = token.internal_data["scopes"]
    name = f"{token.name}~{len(scopes) + 1}"
    scopes.append(name)
    case.open_scope(name, outer, narrow=last.spec.node.loop is not None)
    case.write(last.data, name, last.element, own=True)
    return name


def _start(token: Token, spec: Any, last: Completed, outer: str) -> None:
    child = token._add_child(spec, TaskState.FUTURE)
    child.deadline = token.workflow.deadline
    child.scope = outer
    child.internal_data["undoes"] = True
    if last.data is not None:
        case = token.workflow.top_workflow.case
        child.name = child.scope = token.workflow.visit(spec.bpmn_id)
        case.open_scope(child.scope, outer, narrow=last.spec.node.loop is not None)
        case.write(last.data, child.scope, spec.bpmn_id, own=True)
    if not last.spec.node.compensation:
        child.internal_data["revived"] = last.inner
    spec._update(child)


def handler_done(child: Token) -> None:
    """A handler has ended: its throw event looks for the next one."""
    token = child.parent
    case = token.workflow.top_workflow.case
    if child.scope == child.name:
        case.close_scope(child.scope)
    token.workflow.remove(child)
    token._set_state(TaskState.READY)
