"""Projects what gathers around a case: comments, files, papers, copies, reminders, messages, buttons, the trail."""

from __future__ import annotations

from .project_case import let_read
from .project_tasks import COUNT_URGE
from .schema import (
    comments,
    copies,
    copy_reads,
    documents,
    files,
    messages_awaited,
    notifications,
    trail,
    urges,
)
from .statements import Writer, insert, remove, upsert
from .turn import Handler, Happened, Turn, as_json

COMMENT = insert(comments)
ATTACH = insert(files)
DRAFT = upsert(documents)
COPY = upsert(copies)
READ = upsert(copy_reads)
URGE = insert(urges)
NOTIFY = insert(notifications)
STEP = insert(trail)
UNDO_STEPS = remove(trail, "case_id", "seq")
AWAIT = upsert(messages_awaited)
NO_LONGER_AWAIT = remove(messages_awaited, "case_id", "task")


def _commented(turn: Turn, event: Happened) -> None:
    turn.numbered(COMMENT, task=event.get("task", ""), author=event["by"], text=event["text"])


def _attached(turn: Turn, event: Happened) -> None:
    file = event["file"]
    turn.numbered(
        ATTACH,
        file_id=file["id"],
        name=file["name"],
        size=file["size"],
        sha256=file["sha256"],
        media_type=file["media_type"],
        task=event.get("task", ""),
        path=event.get("path", ""),
        note=event.get("note", ""),
        author=event["by"],
    )


def _drafted(turn: Turn, event: Happened) -> None:
    turn.numbered(
        DRAFT,
        name=event["name"],
        document=event["document"],
        element=event["element"],
        title=event["title"],
        content=as_json(event["content"]),
    )


def _copied(turn: Turn, event: Happened) -> None:
    for group in event["groups"]:
        turn.add(COPY, grp=group, author=event["by"], note=event.get("note", ""), at=turn.at)
    let_read(turn, event["groups"])


def _acknowledged(turn: Turn, event: Happened) -> None:
    turn.add(READ, user_id=event["by"], read_at=turn.at)


def _urged(turn: Turn, event: Happened) -> None:
    turn.numbered(URGE, task=event["task"], author=event["by"], note=event.get("note", ""))
    turn.add(COUNT_URGE, task=event["task"])


def _notification_queued(turn: Turn, event: Happened) -> None:
    for number, group in enumerate(event["to"], 1):
        turn.add(
            NOTIFY,
            id=f"{turn.case_id}/{turn.seq}.{turn.n}.{number}",
            grp=group,
            message=event["message"],
            task=event.get("task", ""),
            params=as_json(event.get("params", {})),
            created_at=turn.at,
            sent_at="",
        )


def _message_awaited(turn: Turn, event: Happened) -> None:
    groups = event.get("groups", ())
    turn.messages[event["task"]] = {
        "case_id": turn.case_id,
        "task": event["task"],
        "message": event["message"],
        "element": event["element"],
        "label": event.get("label", ""),
        "form": event.get("form", ""),
        "candidates": as_json(groups),
        "since": turn.at,
    }
    # Who may press a button of the case page must be able to open the page.
    let_read(turn, groups)


def _message_no_longer_awaited(turn: Turn, event: Happened) -> None:
    turn.messages[event["task"]] = None


def _moved(turn: Turn, event: Happened) -> None:
    if turn.withdraws:
        return  # the steps back: those they undo are gone
    first = len(turn.queue.get(STEP, ()))
    for n, (scope, element, action) in enumerate(event["steps"], first):
        turn.add(STEP, seq=turn.seq, n=n, scope=scope, element=element, action=action)
        if action == "cancelled":
            turn.cancelled.add((scope, element))
        elif action == "entered":
            turn.entered.add(element)


def _withdrawn(turn: Turn, event: Happened) -> None:
    turn.withdraws = True
    turn.add(UNDO_STEPS, seq=event["seq"])


HANDLERS: dict[str, Handler] = {
    "CommentAdded": _commented,
    "FileAttached": _attached,
    "DocumentDrafted": _drafted,
    "CaseCopied": _copied,
    "CopyAcknowledged": _acknowledged,
    "TaskUrged": _urged,
    "NotificationQueued": _notification_queued,
    "MessageAwaited": _message_awaited,
    "MessageNoLongerAwaited": _message_no_longer_awaited,
    "TokensMoved": _moved,
}
ALSO: dict[str, Handler] = {"SubmissionWithdrawn": _withdrawn}
"""Events that another module handles too."""


def write_papers(writer: Writer, turn: Turn) -> None:
    """Writes the buttons; everything else waits in the turn's queue."""
    messages = turn.messages
    gone = [{"case_id": turn.case_id, "task": task} for task, row in messages.items() if row is None]
    writer.run(NO_LONGER_AWAIT, gone)
    writer.run(AWAIT, [row for row in messages.values() if row is not None])
