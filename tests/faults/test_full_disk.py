"""A database that has no room left: who writes is told, nothing is half-written, and work goes on once there is room.

SQLite's own limit of pages stands for the disk: it fails with the same code at the same places (SQLITE_FULL).
PostgreSQL gets a small disk for the tables, which root alone can mount; its own files (WAL) lie elsewhere: where those
have no room either the server stops, which tests/crash looks at.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError

from engine.domain.commands import AddComment
from engine.service.outages import is_outage
from engine.service.verify import Asked, verify
from tests.support.durable_postgres import DurablePostgres
from tests.support.small_disk import HERE, small_disk
from tests.support.walks import assign, graded
from tests.support.world import CaseView, World

NO_LIMIT = 4_294_967_294


def limited(engine: Engine, spare_pages: int) -> Callable[[], None]:
    """Lets the database file grow by so many pages only; returns what lifts the limit."""
    limit = [engine.connect().exec_driver_sql("PRAGMA page_count").scalar_one() + spare_pages]

    @event.listens_for(engine, "checkout")
    def _on_checkout(connection: sqlite3.Connection, _record: object, _proxy: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {limit[0]}")

    def lift() -> None:
        limit[0] = NO_LIMIT

    return lift


@pytest.mark.parametrize("spare_pages", [0, 1, 3, 13])
def test_a_full_disk_is_told_and_leaves_nothing_half_written_and_work_goes_on_when_there_is_room(
    tmp_path: Path, spare_pages
):
    world = World(tmp_path)
    case = graded(world)
    lift = limited(world.services.engine, spare_pages)
    error = told_and_nothing_half_written(world, case, 200, lift)

    assert error is not None and error.sqlite_errorcode == sqlite3.SQLITE_FULL  # type: ignore[attr-defined]
    world.services.engine.dispose()


if HERE:

    @pytest.mark.parametrize("spare", [0, 2, 9])
    def test_a_full_disk_of_postgresql_is_told_and_leaves_nothing_half_written(tmp_path: Path, spare: int):
        with DurablePostgres() as server:
            server.make_database("full")
            world = World(tmp_path, server.sqlalchemy_url("full"))
            case = graded(world)
            world.services.engine.dispose()
            with small_disk(server, "full") as disk:
                disk.fill(spare)

                error = told_and_nothing_half_written(world, case, 400, disk.clear)

                assert isinstance(error, psycopg.errors.DiskFull)
                world.services.engine.dispose()


def told_and_nothing_half_written(
    world: World, case: CaseView, tries: int, make_room: Callable[[], object]
) -> BaseException | None:
    """Comments on the case until the disk is full, makes room and goes on; returns the driver's own error."""
    actor, handle = world.actor("wangfang"), world.services.application.handle

    done = 0
    with pytest.raises(OperationalError) as told:
        for number in range(tries):
            handle(AddComment(f"第{number}条" + "长" * 400), actor, case_id=case.id, command_id=f"full-{number}")
            done += 1
    assert is_outage(told.value), "the web layer answers 503 with it"
    assert len(case.kinds("CommentAdded")) == done
    assert_sound(world)

    make_room()
    again = handle(AddComment("有空间了"), actor, case_id=case.id, command_id=f"full-{done}")

    assert again.events[0]["text"] == "有空间了"  # type: ignore[union-attr]
    assign(case)
    assert len(case.kinds("CommentAdded")) == done + 1
    assert_sound(world)
    return told.value.orig


def assert_sound(world: World) -> None:
    report = verify(world.services, Asked(parts=("chains", "tree", "replays", "models", "numbers")))
    assert report.faults == 0, report.as_json()
    with world.services.engine.connect() as conn:
        if conn.dialect.name == "sqlite":
            assert conn.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
