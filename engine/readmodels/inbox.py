"""The inbox: what waits for a person, his units and his roles, the most pressing first.

Each list is one statement whatever its length.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import Connection, Row, and_, select

from engine.domain.codec import instant_text

from .inbox_views import VIEWS, Lines, Reader, View, counting, lines
from .page import Page, instant, matches, paged, texts, with_total
from .schema import cases, tasks

__all__ = ["VIEWS", "Counts", "InboxRow", "View", "counts", "list_tasks"]


@dataclass(frozen=True, slots=True)
class InboxRow:
    """One line of the inbox.

    `kind` copy: the case itself, `task` is "", `note` the copier's words, `came_from` the copier, `created_at` when.
    `kind` cosign: a task that I am asked to sign, `note` what was asked, `came_from` by whom.
    `due`: earlier of the task's due date and the deadline of the earliest limit that covers it; `limit_id` and
    `limit_label` name that limit, "" if none. `remaining_seconds`: due minus now, negative when overdue, None
    without due. `claimable`: unclaimed, so that 签收 is offered. `candidates`: its groups.
    """

    kind: Literal["task", "cosign", "copy"]
    case_id: str
    title: str
    grade: str
    district: str
    stage: str
    stage_label: str
    breaches: int
    task: str = ""
    element: str = ""
    label: str = ""
    form: str = ""
    unit: str = ""
    assignee: str = ""
    owner: str = ""
    candidates: tuple[str, ...] = ()
    clauses: tuple[str, ...] = ()
    priority: int = 50
    state: str = ""
    created_at: datetime | None = None
    due: datetime | None = None
    limit_id: str = ""
    limit_label: str = ""
    remaining_seconds: float | None = None
    overdue: bool = False
    completed_at: datetime | None = None
    completed_by: str = ""
    completed_seq: int = 0
    came_from: str = ""
    came_how: str = ""
    came_reason: str = ""
    urged: int = 0
    note: str = ""
    read_at: datetime | None = None

    @property
    def claimable(self) -> bool:
        return self.kind == "task" and self.state == "open" and not self.assignee


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows per view for the badges. `copies` counts the unread ones only; `overdue` the overdue tasks in `mine`."""

    mine: int
    unit: int
    role: int
    cosign: int
    copies: int
    overdue: int


MOST_DONE: Final = 1000
"""Of the tasks somebody submitted. Older ones are found by words, or through their cases."""
_CASE_COLUMNS = (
    cases.c.title, cases.c.grade, cases.c.district, cases.c.stage, cases.c.stage_label, cases.c.breaches,
)  # fmt: skip
_TASK_COLUMNS = (
    tasks.c.element, tasks.c.label, tasks.c.form, tasks.c.unit, tasks.c.assignee, tasks.c.owner, tasks.c.candidates,
    tasks.c.clauses, tasks.c.priority, tasks.c.state, tasks.c.created_at, tasks.c.next_due, tasks.c.limit_id,
    tasks.c.limit_label, tasks.c.completed_at, tasks.c.completed_by, tasks.c.completed_seq, tasks.c.came_from,
    tasks.c.came_how, tasks.c.came_reason, tasks.c.urged,
)  # fmt: skip


def list_tasks(
    conn: Connection,
    *,
    groups: frozenset[str],
    user_id: str,
    view: View,
    now: datetime,
    q: str = "",
    grade: str = "",
    district: str = "",
    overdue_only: bool = False,
    page: int = 1,
    per_page: int = 20,
) -> Page[InboxRow]:
    """One page of a view, overdue first, then by due instant, what has none last.

    - mine: open tasks held by him or by whom he substitutes (`user:` groups), and unclaimed ones offered by name
    - unit: unclaimed tasks offered to a unit of his (`unit:`, `head:`)
    - role: unclaimed tasks offered to any other group of his
    - all: every open task he holds or could take, also those a colleague has claimed
    - cosign: tasks that wait for his signature
    - copies: cases copied to him, unread first, then newest first
    - done: tasks he submitted, newest first

    The last list only grows: of what he submitted, the newest MOST_DONE are counted and shown (`cut`).

    `q`: words looked for in title, case number and body. `grade`, `district`: exact. `now`: aware.
    """
    found = lines(Reader.of(groups, user_id), view)
    found = _narrowed(conn, found, q, grade, district, instant_text(now) if overdue_only else "")
    most = MOST_DONE if view == "done" else None
    line = with_total(found.select, found.order(found.select.selected_columns), page, per_page, most)
    joined = line.join(cases, cases.c.case_id == line.c.case_id)
    columns = (*line.c, *_CASE_COLUMNS)
    if view != "copies":
        joined = joined.join(tasks, and_(tasks.c.case_id == line.c.case_id, tasks.c.task == line.c.task))
        columns = (*columns, *_TASK_COLUMNS)
    read = {"copies": _copy_row, "cosign": _cosign_row}.get(view, _task_row)
    rows = conn.execute(select(*columns).select_from(joined).order_by(*found.order(line.c))).all()
    return paged(conn, rows, (read(row, now) for row in rows), found.select, page, per_page, most)


def counts(conn: Connection, *, groups: frozenset[str], user_id: str, now: datetime) -> Counts:
    """The badge numbers of the views, in one statement."""
    statement, values = counting(Reader.of(groups, user_id), instant_text(now))
    return Counts(*conn.execute(statement, values).one())


def _narrowed(conn: Connection, found: Lines, q: str, grade: str, district: str, due_by: str) -> Lines:
    """Looks rows up in `cases` only when a field of the case is asked for."""
    where = [column == wanted for column, wanted in ((cases.c.grade, grade), (cases.c.district, district)) if wanted]
    words = matches(conn, q, (cases.c.title, cases.c.case_id, cases.c.body))
    if words is not None:
        where.append(words)
    if where:
        found = found.of_cases(*where)
    return found.due_by(due_by) if due_by else found


def _task_row(row: Row[Any], now: datetime) -> InboxRow:
    due = instant(row.next_due)
    remaining = None if due is None else (due - now).total_seconds()
    is_open = row.state == "open"
    return InboxRow(
        kind="task",
        case_id=row.case_id,
        title=row.title,
        grade=row.grade,
        district=row.district,
        stage=row.stage,
        stage_label=row.stage_label,
        breaches=row.breaches,
        task=row.task,
        element=row.element,
        label=row.label,
        form=row.form,
        unit=row.unit,
        assignee=row.assignee,
        owner=row.owner,
        candidates=texts(row.candidates),
        clauses=texts(row.clauses),
        priority=row.priority,
        state=row.state,
        created_at=instant(row.created_at),
        due=due,
        limit_id=row.limit_id,
        limit_label=row.limit_label,
        remaining_seconds=remaining if is_open else None,
        overdue=is_open and remaining is not None and remaining <= 0,
        completed_at=instant(row.completed_at),
        completed_by=row.completed_by,
        completed_seq=row.completed_seq,
        came_from=row.came_from,
        came_how=row.came_how,
        came_reason=row.came_reason,
        urged=row.urged,
    )


def _cosign_row(row: Row[Any], now: datetime) -> InboxRow:
    return replace(_task_row(row, now), kind="cosign", note=row.note, came_from=row.author, came_how="", came_reason="")


def _copy_row(row: Row[Any], now: datetime) -> InboxRow:
    read_at = instant(row.read_at)
    return InboxRow(
        kind="copy",
        case_id=row.case_id,
        title=row.title,
        grade=row.grade,
        district=row.district,
        stage=row.stage,
        stage_label=row.stage_label,
        breaches=row.breaches,
        created_at=instant(row.at),
        came_from=row.author,
        note=row.note,
        read_at=read_at if row.read_at >= row.at else None,
    )
