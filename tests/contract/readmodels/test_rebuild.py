"""A rebuild gives the same rows, after any history."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import Connection, Engine, Table, select

from engine.domain.codec import instant_text
from engine.readmodels import cases, clocks, dossier
from engine.readmodels.projector import project
from engine.readmodels.rebuild import rebuild
from engine.readmodels.schema import NO_DUE, READ_MODELS, task_groups
from tests.unit.readmodels.offices import many_stories
from tests.unit.readmodels.story import Story


def rows(conn: Connection, table: Table) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in conn.execute(select(table).order_by(*table.primary_key))]


def everything(conn: Connection) -> dict[str, list[tuple[Any, ...]]]:
    return {table.name: rows(conn, table) for table in READ_MODELS}


def test_streams_that_are_no_cases_are_passed_over(conn: Connection) -> None:
    story = Story("_deployments")
    story.opened()

    project(conn, story.entries[0])

    assert not any(everything(conn).values())


def test_an_event_of_a_later_release_is_refused_before_anything_is_written(conn: Connection) -> None:
    story = Story()
    entry = story.opened()
    object.__setattr__(entry, "events", ({"kind": "CaseTeleported"},))

    with pytest.raises(KeyError, match="CaseTeleported"):
        project(conn, entry)

    assert not any(everything(conn).values())


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(stories=many_stories())
def test_a_rebuild_gives_the_rows_that_live_projection_gave(engine: Engine, stories: list[Story]) -> None:
    with engine.connect().execution_options(writing=True) as conn:
        transaction = conn.begin()
        entries = sorted((entry for story in stories for entry in story.entries), key=lambda e: (e.at, e.case_id))
        for entry in entries:
            project(conn, entry)
        live = everything(conn)

        # Case by case, where live they came mixed.
        count = rebuild(conn, (entry for story in stories for entry in story.entries))

        assert count == len(entries)
        assert everything(conn) == live
        check_agreement(conn, stories)
        transaction.rollback()


def check_agreement(conn: Connection, stories: list[Story]) -> None:
    """What is kept in two places says the same in both."""
    for story in stories:
        case = cases.get(conn, story.case_id)
        assert case is not None and case.last_seq == len(story.entries)
        limits = clocks.for_case(conn, story.case_id)
        assert case.next_due == min((one.deadline for one in limits if one.running), default=None)
        assert case.breaches == sum(one.breached_at is not None for one in limits)
        expected = set()
        for one in dossier.tasks_of(conn, story.case_id, open_only=True):
            free = "taken" if one.assignee else "offered"
            expected |= {(one.task, group, free) for group in one.candidates if group != f"user:{one.assignee}"}
            expected |= {(one.task, f"user:{one.assignee}", "held")} if one.assignee else set()
            readers = dossier.groups_of(conn, story.case_id)
            assert readers >= {group for _, group, _ in expected}
        found = conn.execute(
            select(task_groups.c.task, task_groups.c.grp, task_groups.c.state).where(
                task_groups.c.case_id == story.case_id
            )
        )
        assert {tuple(row) for row in found} == expected


def test_every_table_and_column_says_what_it_is() -> None:
    for table in READ_MODELS:
        assert table.comment, table.name
        for column in table.c:
            assert column.comment, f"{table.name}.{column.name}"


def test_what_has_no_due_instant_sorts_after_all_that_have() -> None:
    assert instant_text(datetime.max.replace(tzinfo=UTC)) == NO_DUE
