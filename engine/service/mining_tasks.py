"""Tells the life of user tasks and of signatures asked for, in the transitions of the XES lifecycle extension.

schedule: it waits. assign, reassign: it is somebody's now. start: somebody took it. suspend: it went back to its
candidates. resume: somebody took it again. complete: it was submitted. withdraw, ate_abort: it was interrupted before,
after somebody had it. Nothing is made up: who submits without taking the task first has no start.
"""

from __future__ import annotations

from typing import Any, Final

from .mining_model import MinedObject
from .mining_walk import Happened, Teller, Walk, instant, role_of

COSIGN: Final = "/cosign/"
"""Between the task's instance and who is asked to sign it."""


def _held(walk: Walk, event: Happened) -> MinedObject:
    return walk.objects[walk.tasks[event["task"]]]


def _tell(walk: Walk, event: Happened, transition: str, *, assignee: str = "", text: str = "") -> None:
    """One step in the life of a task that was made before."""
    task = _held(walk, event)
    made = walk.made[task.id]
    about = [(task.id, "task")]
    if assignee:
        about.append((walk.person(assignee), "to"))
    walk.tell(
        event,
        "",
        label=made["label"] or made["element"],
        element=made["element"],
        transition=transition,
        instance=task.id,
        role=role_of(made.get("groups", ())),
        objects=about,
        unit=made.get("unit", ""),
        assignee=walk.people.person(assignee),
        text=walk.people.text(text),
        **_as_made(walk, made, transition),
    )


def _as_made(walk: Walk, made: Happened, transition: str) -> dict[str, Any]:
    if transition != "schedule":
        return {}
    return {
        "due": instant(made.get("due")),
        "candidates": walk.people.groups(made.get("groups", ())),
        "clauses": " ".join(made.get("clauses", ())),
    }


def _hold(walk: Walk, event: Happened, login: str) -> None:
    _held(walk, event).set("assignee", walk.people.person(login), walk.at)


def _created(walk: Walk, event: Happened) -> None:
    name, visits = event["task"], sum(one.partition("~")[0] == f"{walk.case_id}/{event['task']}" for one in walk.made)
    ident = f"{walk.case_id}/{name}" + (f"~{visits + 1}" if visits else "")
    task = walk.part(ident, "task", "has")
    walk.tasks[name], walk.made[ident] = ident, event
    walk.labels[name] = event["label"] or event["element"]
    for field in ("element", "label", "process", "form"):
        task.set(field, event.get(field, ""), walk.at)
    task.set("due", instant(event.get("due")), walk.at)
    task.set("priority", int(event.get("priority", 50)), walk.at)
    task.set("state", "open", walk.at)
    if event.get("unit"):
        task.related.append((walk.unit(event["unit"]), "held by"))
    _tell(walk, event, "schedule")
    if event.get("assignee"):
        _hold(walk, event, event["assignee"])
        _tell(walk, event, "assign", assignee=event["assignee"])


def _claimed(walk: Walk, event: Happened) -> None:
    ident = walk.tasks[event["task"]]
    resumed = walk.begun.get(ident) == "suspended"
    walk.begun[ident] = "running"
    _hold(walk, event, event["assignee"])
    _tell(walk, event, "resume" if resumed else "start", assignee=event["assignee"])


def _released(walk: Walk, event: Happened) -> None:
    walk.begun[walk.tasks[event["task"]]] = "suspended"
    _hold(walk, event, "")
    _tell(walk, event, "suspend")


def _given(receiver: str) -> Teller:
    def tell(walk: Walk, event: Happened) -> None:
        to = event[receiver]
        if not to:
            _released(walk, event)
            return
        walk.begun[walk.tasks[event["task"]]] = "running"
        _hold(walk, event, to)
        _tell(walk, event, "reassign", assignee=to, text=event.get("reason", ""))

    return tell


def _completed(walk: Walk, event: Happened) -> None:
    _held(walk, event).set("state", "done", walk.at)
    _tell(walk, event, "complete")


def _cancelled(walk: Walk, event: Happened) -> None:
    task = _held(walk, event)
    task.set("state", "cancelled", walk.at)
    _tell(walk, event, "ate_abort" if task.id in walk.begun else "withdraw")


def _sign(walk: Walk, event: Happened, login: str, transition: str, **more: Any) -> None:
    task = _held(walk, event)
    made = walk.made[task.id]
    who = walk.people.person(login)
    instance = f"{task.id}{COSIGN}{who}"
    if transition == "schedule":
        walk.signing[instance] = walk.signing.get(instance, 0) + 1
    number = walk.signing.get(instance, 1)
    walk.tell(
        event,
        "mining.event.cosign",
        {"task": made["label"] or made["element"]},
        element=made["element"],
        transition=transition,
        instance=instance + (f"~{number}" if number > 1 else ""),
        objects=[(task.id, "task"), (walk.person(login), "signer")],
        assignee=who,
        **more,
    )


def _asked(walk: Walk, event: Happened) -> None:
    for login in event["users"]:
        _sign(walk, event, login, "schedule", text=walk.people.text(event.get("note", "")))


def _signed(walk: Walk, event: Happened) -> None:
    text = walk.people.text(event.get("comment", ""))
    _sign(walk, event, event["user"], "complete", agree=bool(event["agree"]), text=text)


def _not_signed(walk: Walk, event: Happened) -> None:
    _sign(walk, event, event["user"], "withdraw")


TASK_TELLERS: Final[dict[str, Teller]] = {
    "TaskCreated": _created,
    "TaskClaimed": _claimed,
    "TaskReleased": _released,
    "TaskTransferred": _given("assignee"),
    "TaskDelegated": _given("assignee"),
    "TaskResolved": _given("owner"),
    "TaskReturned": _given("assignee"),
    "TaskCompleted": _completed,
    "TaskCancelled": _cancelled,
    "CosignRequested": _asked,
    "Cosigned": _signed,
    "CosignCancelled": _not_signed,
}
