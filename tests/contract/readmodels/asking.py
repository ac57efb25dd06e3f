"""Who asks, and how the tests of this folder ask."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from engine.readmodels import inbox
from engine.readmodels.projector import project
from engine.readmodels.schema import cases as case_table
from tests.unit.readmodels.story import Story, limit, task, warning

UNIT = frozenset({"staff", "unit:gengbao", "user:liqiang"})
HEAD = UNIT | {"head:gengbao"}
OFFICE = frozenset({"staff", "office", "user:wangfang"})
STRANGER = frozenset({"staff", "unit:guihua", "user:zhouwei"})


def tell(conn: Connection, story: Story) -> None:
    """Projects what of the story has not been."""
    done = conn.execute(select(case_table.c.last_seq).where(case_table.c.case_id == story.case_id)).scalar() or 0
    for entry in story.entries[done:]:
        project(conn, entry)


def names(page: Any) -> list[str]:
    return [row.task or row.case_id for row in page.rows]


def listed(conn: Connection, view: inbox.View, groups: frozenset[str], story: Story, **more: Any) -> Any:
    user = next(group.removeprefix("user:") for group in groups if group.startswith("user:"))
    return inbox.list_tasks(conn, groups=groups, user_id=user, view=view, now=story.at, **more)


def with_limit(story: Story) -> str:
    """A running limit of eight hours with two warnings over a task; returns its deadline."""
    deadline = story.text(hours=8)
    story.opened(
        limit("Timer#1", deadline, "Task_verify#1"),
        warning("Timer#1", "50%", story.text(hours=4), deadline),
        warning("Timer#1", "90%", story.text(hours=7.2), deadline),
        task(due=deadline),
    )
    return deadline
