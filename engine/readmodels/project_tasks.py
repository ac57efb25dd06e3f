"""Projects the life of user tasks, who may take them, and signatures asked for."""

from __future__ import annotations

from collections.abc import Sequence

from .clocks import covers
from .project_case import let_read
from .project_limits import Running
from .schema import NO_DUE, cosigns, task_groups, tasks
from .statements import Patch, Statement, Writer, blank_row, remove, upsert
from .turn import Handler, Happened, Row, Turn, as_json

_BLANK_TASK = blank_row(tasks)
_BLANK_COSIGN = blank_row(cosigns)

# A submission withdrawn brings its task back under the same name, as it was: it has waited since it was made, with the
# same history. A task of the same name after a cancelled one is another visit, the first having been taken away.
_AS_IT_WAS = "CASE WHEN tasks.state = 'cancelled' THEN excluded.{0} ELSE tasks.{0} END"
_HISTORY = ("created_at", "claimed_at", "owner", "came_from", "came_reason", "came_how", "proposed", "urged")
MAKE_TASK = upsert(tasks, **{name: _AS_IT_WAS.format(name) for name in _HISTORY})
CHANGE_TASK = Patch(tasks)
OFFER = upsert(task_groups)
NO_LONGER_OFFER = remove(task_groups, "case_id", "task")
ASK_COSIGN = upsert(cosigns)
ANSWER_COSIGN = Statement(
    "UPDATE cosigns SET state = :state, comment = :comment, answered_at = :at "
    "WHERE case_id = :case_id AND task = :task AND user_id = :user_id"
)
# Three steps for a task that has gone to another person, or back to its groups.
LET_GO = Statement("DELETE FROM task_groups WHERE case_id = :case_id AND task = :task AND candidate = 0")
TAKE_OR_OFFER = Statement(
    "UPDATE task_groups SET state = CASE WHEN grp = :holder THEN 'held' ELSE :otherwise END "
    "WHERE case_id = :case_id AND task = :task"
)
HOLD = Statement(
    "INSERT INTO task_groups (case_id, task, grp, state, candidate, next_due) "
    "SELECT case_id, task, :holder, 'held', 0, next_due FROM tasks WHERE case_id = :case_id AND task = :task "
    "ON CONFLICT (case_id, task, grp) DO NOTHING"
)
COUNT_URGE = Statement("UPDATE tasks SET urged = urged + 1 WHERE case_id = :case_id AND task = :task")


def _created(turn: Turn, event: Happened) -> None:
    task, groups, assignee = event["task"], tuple(event.get("groups", ())), event.get("assignee", "")
    unit = event.get("unit", "")
    turn.tasks[task] = {
        **_BLANK_TASK,
        "case_id": turn.case_id,
        "task": task,
        "element": event["element"],
        "label": event["label"],
        "process": event["process"],
        "scope": event.get("scope", ""),
        "form": event.get("form", ""),
        "candidates": as_json(groups),
        "unit": unit,
        "assignee": assignee,
        "state": "open",
        "due": event.get("due", ""),
        "priority": event.get("priority", 50),
        "clauses": as_json(event.get("clauses", ())),
        "properties": as_json(event.get("properties", {})),
        "created_at": turn.at,
        "claimed_at": turn.at if assignee else "",
    }
    turn.offers[task] = groups
    let_read(turn, groups)
    let_read(turn, [f"user:{assignee}"] if assignee else [])
    let_read(turn, [f"unit:{unit}"] if unit else [])


def _change(turn: Turn, task: str, **columns: object) -> None:
    made = turn.tasks.get(task)
    if made is not None:
        made.update(columns)
    else:
        turn.task_changes.setdefault(task, {"case_id": turn.case_id, "task": task}).update(columns)
        if "assignee" in columns:
            turn.holders[task] = str(columns["assignee"])


def _given(turn: Turn, event: Happened, how: str, by: str, owner: str) -> None:
    """The task has gone from one person to another, or back to its candidates."""
    assignee = event["assignee"]
    _change(
        turn,
        event["task"],
        assignee=assignee,
        claimed_at=turn.at if assignee else "",
        owner=owner,
        came_from=by,
        came_reason=event["reason"],
        came_how=how,
    )
    let_read(turn, [f"user:{assignee}"] if assignee else [])


def _claimed(turn: Turn, event: Happened) -> None:
    _change(turn, event["task"], assignee=event["assignee"], claimed_at=turn.at)
    let_read(turn, [f"user:{event['assignee']}"])


def _released(turn: Turn, event: Happened) -> None:
    _change(turn, event["task"], assignee="", claimed_at="")


def _transferred(turn: Turn, event: Happened) -> None:
    _given(turn, event, "transferred", event["from_user"], "")


def _delegated(turn: Turn, event: Happened) -> None:
    _given(turn, event, "delegated", event["owner"], event["owner"])


def _returned(turn: Turn, event: Happened) -> None:
    _given(turn, event, "returned", event["by"], "")


def _resolved(turn: Turn, event: Happened) -> None:
    proposed = as_json(event["values"])
    let_read(turn, [f"user:{event['owner']}"])
    back = {"assignee": event["owner"], "claimed_at": turn.at, "owner": "", "proposed": proposed}
    _change(turn, event["task"], **back, came_from=event["by"], came_reason="", came_how="resolved")


def _completed(turn: Turn, event: Happened) -> None:
    task, done = event["task"], {"completed_at": turn.at, "completed_by": event["by"], "completed_seq": turn.seq}
    _change(turn, task, state="done", **done)
    turn.offers.pop(task, None)
    turn.ended.add(task)
    turn.done.append(task)


def _cancelled(turn: Turn, event: Happened) -> None:
    task = event["task"]
    _change(turn, task, state="cancelled", completed_at=turn.at, cancelled_by=event.get("cause", ""))
    turn.offers.pop(task, None)
    turn.ended.add(task)


def _cosign_requested(turn: Turn, event: Happened) -> None:
    asked = {"task": event["task"], "note": event.get("note", ""), "asked_by": turn.actor, "asked_at": turn.at}
    for user in event["users"]:
        turn.add(ASK_COSIGN, **{**_BLANK_COSIGN, **asked, "user_id": user, "state": "asked"})
    let_read(turn, [f"user:{user}" for user in event["users"]])


def _cosigned(turn: Turn, event: Happened) -> None:
    state = "agreed" if event["agree"] else "disagreed"
    turn.add(
        ANSWER_COSIGN,
        task=event["task"],
        user_id=event["user"],
        state=state,
        comment=event.get("comment", ""),
        at=turn.at,
    )


def _cosign_cancelled(turn: Turn, event: Happened) -> None:
    turn.add(ANSWER_COSIGN, task=event["task"], user_id=event["user"], state="cancelled", at="", comment="")


HANDLERS: dict[str, Handler] = {
    "TaskCreated": _created,
    "TaskClaimed": _claimed,
    "TaskReleased": _released,
    "TaskTransferred": _transferred,
    "TaskDelegated": _delegated,
    "TaskResolved": _resolved,
    "TaskReturned": _returned,
    "TaskCompleted": _completed,
    "TaskCancelled": _cancelled,
    "CosignRequested": _cosign_requested,
    "Cosigned": _cosigned,
    "CosignCancelled": _cosign_cancelled,
}


def write_tasks(writer: Writer, turn: Turn, running: Sequence[Running]) -> None:
    """`running`: the case's limits that run after this entry, earliest deadline first."""
    for row in turn.tasks.values():
        _under_limit(row, running)
    writer.run(CHANGE_TASK, [row for task, row in turn.task_changes.items() if task not in turn.tasks])
    writer.run(MAKE_TASK, list(turn.tasks.values()))
    _write_inboxes(writer, turn)


def _write_inboxes(writer: Writer, turn: Turn) -> None:
    writer.run(NO_LONGER_OFFER, [{"case_id": turn.case_id, "task": task} for task in sorted(turn.ended)])
    offers = turn.offers.items()
    writer.run(OFFER, [row for task, groups in offers for row in _inboxes(turn.tasks[task], groups)])
    given = [
        {
            "case_id": turn.case_id,
            "task": task,
            "holder": f"user:{assignee}",
            "otherwise": "taken" if assignee else "offered",
        }
        for task, assignee in turn.holders.items()
        if task not in turn.ended
    ]
    writer.run(LET_GO, given)
    writer.run(TAKE_OR_OFFER, given)
    writer.run(HOLD, [row for row in given if row["otherwise"] == "taken"])


def _inboxes(row: Row, groups: Sequence[str]) -> list[Row]:
    """The task's rows for each of its groups and, first, for who has it."""
    common = {"case_id": row["case_id"], "task": row["task"], "next_due": row["next_due"]}
    assignee = row["assignee"]
    holder = f"user:{assignee}" if assignee else ""
    found = [{**common, "grp": holder, "state": "held", "candidate": int(holder in groups)}] if holder else []
    state = "taken" if assignee else "offered"
    return found + [{**common, "grp": group, "state": state, "candidate": 1} for group in groups if group != holder]


def _under_limit(row: Row, running: Sequence[Running]) -> None:
    """Names the earliest limit over the task. It need never be looked up again: a limit is armed when its activity
    begins and runs until it ends, so none begins or ends over a task that waits."""
    for limit in running:
        if covers(limit.host, row["task"]):
            row.update(limit_timer=limit.timer, limit_id=limit.limit_id, limit_label=limit.label)
            row["next_due"] = min(limit.deadline, row["due"] or NO_DUE)
            return
    row["next_due"] = row["due"] or NO_DUE
