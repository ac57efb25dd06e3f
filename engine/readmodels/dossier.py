"""What the case page shows beside the case itself: tasks, people, papers, copies, comments, incidents, buttons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    literal,
    literal_column,
    select,
    union_all,
)

from engine.domain.codec import JSON

from .page import instant, texts, value
from .schema import (
    case_access,
    cases,
    comments,
    copies,
    copy_reads,
    cosigns,
    documents,
    files,
    incidents,
    messages_awaited,
    tasks,
    urges,
)


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A user task, open or past. `state`: open, done or cancelled.

    `owner`: who gets it back from the delegate, "" if not delegated. `proposed`: the delegate's values or None.
    `due`: earlier of its due date and the deadline of the earliest limit that covers it (`limit_timer`, `limit_id`).
    `came_how`: transferred, delegated, resolved, returned or ""; then `came_from` and `came_reason` say by whom, why.
    `completed_seq`: the entry to name in WithdrawSubmission.
    """

    case_id: str
    task: str
    element: str
    label: str
    process: str
    scope: str
    form: str
    candidates: tuple[str, ...]
    unit: str
    assignee: str
    owner: str
    state: str
    limit_timer: str
    limit_id: str
    limit_label: str
    due: datetime | None
    priority: int
    clauses: tuple[str, ...]
    properties: Mapping[str, str]
    created_at: datetime | None
    claimed_at: datetime | None
    completed_at: datetime | None
    completed_by: str
    completed_seq: int
    cancelled_by: str
    came_from: str
    came_reason: str
    came_how: str
    proposed: Mapping[str, JSON] | None
    urged: int


@dataclass(frozen=True, slots=True)
class CosignRow:
    """`state`: asked, agreed, disagreed or cancelled."""

    task: str
    user_id: str
    note: str
    asked_by: str
    asked_at: datetime | None
    state: str
    comment: str
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class UrgeRow:
    task: str
    author: str
    note: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class CopyRow:
    """A copy to one group."""

    grp: str
    author: str
    note: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class ReadRow:
    """Somebody's read receipt."""

    user_id: str
    read_at: datetime | None


@dataclass(frozen=True, slots=True)
class CommentRow:
    seq: int
    task: str
    author: str
    text: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class FileRow:
    """`size` in bytes, `path`: data path of its form field, "" if it was attached to the case."""

    case_id: str
    seq: int
    file_id: str
    name: str
    size: int
    sha256: str
    media_type: str
    task: str
    path: str
    note: str
    author: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """`document`: its kind, e.g. late_report; `name`: unique within the case."""

    name: str
    document: str
    element: str
    title: str
    content: Mapping[str, JSON]
    at: datetime | None
    seq: int


@dataclass(frozen=True, slots=True)
class IncidentRow:
    """`message`: catalogue key, `details`: its blanks. `timer`: cannot fire until it is resolved, "" if a
    person's command failed. `state`: open or resolved."""

    incident: int
    element: str
    message: str
    details: Mapping[str, JSON]
    timer: str
    state: str
    raised_at: datetime | None
    resolved_at: datetime | None
    resolved_by: str
    reason: str


@dataclass(frozen=True, slots=True)
class MessageRow:
    """A message event that waits. `label`: words on the button, "" when there is none."""

    task: str
    message: str
    element: str
    label: str
    form: str
    candidates: tuple[str, ...]
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Participant:
    """Somebody who acted in the case, or has an open task of it.

    `did`: of opened, completed, holds, owns, cosigned, asked_to_cosign, copied, urged, commented, attached: each
    with how often. `last_at`: his last act, None if he has only been asked.
    """

    user_id: str
    did: Mapping[str, int]
    last_at: datetime | None


_R = TypeVar("_R")
_NOT_YET: ColumnElement[str] = literal_column("''")
_LISTS = frozenset({"candidates", "clauses"})
_OBJECTS = frozenset({"properties", "content", "details"})
_INSTANTS = frozenset(
    {"at", "asked_at", "answered_at", "read_at", "raised_at", "resolved_at", "since", "created_at", "claimed_at",
     "completed_at"}
)  # fmt: skip


def _read(row_type: type[_R], row: Row[Any]) -> _R:
    found: dict[str, Any] = {}
    for field in fields(row_type):  # type: ignore[arg-type]
        name, column = field.name, getattr(row, field.name, "")
        if name in _INSTANTS:
            column = instant(column)
        elif name in _LISTS:
            column = texts(column)
        elif name in _OBJECTS:
            column = value(column)
        found[name] = column
    if row_type is TaskRow:
        found["due"] = instant(row.next_due)
        found["proposed"] = value(row.proposed) if row.proposed else None
    return row_type(**found)


def _all(conn: Connection, row_type: type[_R], statement: Select[Any]) -> tuple[_R, ...]:
    return tuple(_read(row_type, row) for row in conn.execute(statement))


def tasks_of(conn: Connection, case_id: str, *, open_only: bool = False) -> tuple[TaskRow, ...]:
    """The case's tasks: open ones first by due, then past ones, newest first."""
    statement = select(tasks).where(tasks.c.case_id == case_id)
    if open_only:
        statement = statement.where(tasks.c.state == "open")
    found = _all(conn, TaskRow, statement.order_by(tasks.c.completed_at.desc(), tasks.c.next_due, tasks.c.task))
    return tuple(sorted(found, key=lambda task: task.state != "open"))


def has_done(conn: Connection, case_id: str, form: str) -> bool:
    """Whether somebody has submitted this form in the case."""
    done = select(tasks.c.task).where(tasks.c.case_id == case_id, tasks.c.form == form, tasks.c.state == "done")
    return conn.execute(done.limit(1)).first() is not None


def task(conn: Connection, case_id: str, name: str) -> TaskRow | None:
    """The task of that name, open or past; None if there is none."""
    row = conn.execute(select(tasks).where(tasks.c.case_id == case_id, tasks.c.task == name)).one_or_none()
    return None if row is None else _read(TaskRow, row)


def cosigns_of(conn: Connection, case_id: str, name: str = "") -> tuple[CosignRow, ...]:
    """Who was asked to sign, first asked first; of one task when `name` is given."""
    statement = select(cosigns).where(cosigns.c.case_id == case_id)
    if name:
        statement = statement.where(cosigns.c.task == name)
    return _all(conn, CosignRow, statement.order_by(cosigns.c.asked_at, cosigns.c.task, cosigns.c.user_id))


def urges_of(conn: Connection, case_id: str) -> tuple[UrgeRow, ...]:
    return _all(conn, UrgeRow, select(urges).where(urges.c.case_id == case_id).order_by(urges.c.seq, urges.c.n))


def copies_of(conn: Connection, case_id: str) -> tuple[CopyRow, ...]:
    return _all(conn, CopyRow, select(copies).where(copies.c.case_id == case_id).order_by(copies.c.at, copies.c.grp))


def reads_of(conn: Connection, case_id: str) -> tuple[ReadRow, ...]:
    """Read receipts, first reader first."""
    statement = select(copy_reads).where(copy_reads.c.case_id == case_id)
    return _all(conn, ReadRow, statement.order_by(copy_reads.c.read_at, copy_reads.c.user_id))


def comments_of(conn: Connection, case_id: str) -> tuple[CommentRow, ...]:
    statement = select(comments).where(comments.c.case_id == case_id)
    return _all(conn, CommentRow, statement.order_by(comments.c.seq, comments.c.n))


def files_of(conn: Connection, case_id: str) -> tuple[FileRow, ...]:
    return _all(conn, FileRow, select(files).where(files.c.case_id == case_id).order_by(files.c.seq, files.c.n))


def file(conn: Connection, file_id: str) -> tuple[FileRow, ...]:
    """Every place a stored file was attached at: may be read by who may read one of these cases."""
    return _all(conn, FileRow, select(files).where(files.c.file_id == file_id).order_by(files.c.case_id, files.c.seq))


def documents_of(conn: Connection, case_id: str) -> tuple[DocumentRow, ...]:
    statement = select(documents).where(documents.c.case_id == case_id)
    return _all(conn, DocumentRow, statement.order_by(documents.c.seq, documents.c.name))


def incidents_of(conn: Connection, case_id: str, *, open_only: bool = False) -> tuple[IncidentRow, ...]:
    statement = select(incidents).where(incidents.c.case_id == case_id)
    if open_only:
        statement = statement.where(incidents.c.state == "open")
    return _all(conn, IncidentRow, statement.order_by(incidents.c.incident))


def messages_awaited_of(conn: Connection, case_id: str, groups: frozenset[str] | None = None) -> tuple[MessageRow, ...]:
    """Message events that wait; with `groups` only the buttons one of them may press."""
    statement = select(messages_awaited).where(messages_awaited.c.case_id == case_id)
    found = _all(conn, MessageRow, statement.order_by(messages_awaited.c.since, messages_awaited.c.task))
    if groups is None:
        return found
    return tuple(row for row in found if row.label and not groups.isdisjoint(row.candidates))


def groups_of(conn: Connection, case_id: str) -> frozenset[str]:
    """Every group that may read the case."""
    statement = select(case_access.c.grp).where(case_access.c.case_id == case_id)
    return frozenset(conn.execute(statement).scalars())


def participants_of(conn: Connection, case_id: str) -> tuple[Participant, ...]:
    """Who took part, last to act first; those who have yet to act come last. One statement."""

    def acts(table: Table, what: str, who: Column[Any], at: ColumnElement[str] = _NOT_YET) -> Select[Any]:
        return select(literal(what), who, at).where(table.c.case_id == case_id, who != "")

    is_open, is_done = tasks.c.state == "open", tasks.c.state == "done"
    every = union_all(
        acts(cases, "opened", cases.c.opened_by, cases.c.opened_at),
        acts(tasks, "completed", tasks.c.completed_by, tasks.c.completed_at).where(is_done),
        acts(tasks, "holds", tasks.c.assignee).where(is_open),
        acts(tasks, "owns", tasks.c.owner).where(is_open),
        acts(cosigns, "cosigned", cosigns.c.user_id, cosigns.c.answered_at).where(cosigns.c.answered_at != ""),
        acts(cosigns, "asked_to_cosign", cosigns.c.user_id).where(cosigns.c.state == "asked"),
        acts(copies, "copied", copies.c.author, copies.c.at),
        acts(urges, "urged", urges.c.author, urges.c.at),
        acts(comments, "commented", comments.c.author, comments.c.at),
        acts(files, "attached", files.c.author, files.c.at),
    )
    did: dict[str, Counter[str]] = {}
    last: dict[str, str] = {}
    for what, who, at in conn.execute(every):
        if who.startswith("system:"):
            continue
        did.setdefault(who, Counter())[what] += 1
        last[who] = max(last.get(who, ""), at)
    order = sorted(sorted(did), key=lambda who: last[who], reverse=True)
    return tuple(Participant(who, dict(did[who]), instant(last[who])) for who in order)
