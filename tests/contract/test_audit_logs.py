"""The logs of looks and of exports, on each database: numbered without gaps, never changed, never deleted."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest
from sqlalchemy import func, insert, inspect, select, text
from sqlalchemy.exc import DBAPIError

from engine.domain.clock import FixedClock
from engine.domain.organisation import Actor
from engine.journal.database import create_tables, open_database
from engine.service import access_log, exports, people_log
from engine.service.log_tables import AUDIT_LOGS, LOGS, export_log, export_results
from engine.service.transactions import writing
from tests.support.databases import with_tables
from tests.support.world import MONDAY, World

AUDITOR = Actor("zhaoming", "赵明", frozenset({"auditor"}), frozenset({"auditor", "user:zhaoming"}), "leadership")
SHA256 = "5e" * 32


@pytest.fixture(params=["sqlite", "postgres"])
def services(request, tmp_path):
    """An engine on an empty database of each kind, and a clock."""
    url = f"sqlite:///{tmp_path / 'logs.db'}" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    engine = open_database(with_tables(url))
    create_tables(engine)
    yield SimpleNamespace(engine=engine, clock=FixedClock(MONDAY))
    engine.dispose()


def rows(services, table):
    with services.engine.connect() as conn:
        return conn.execute(select(table).order_by(table.c.number)).all()


def fill(services) -> None:
    """One row in each log."""
    access_log.looked(services, AUDITOR, "WQ-2026-000001", "cases.show", "10.0.0.7")
    watermark = exports.begin(services, AUDITOR, "case_package", "WQ-2026-000001", "10.0.0.7")
    exports.made(services, watermark.number, SHA256, 1234)


def test_a_look_is_a_row_with_who_what_when_where_and_by_which_right(services):
    access_log.looked(services, AUDITOR, "WQ-2026-000001", "cases.show", "10.0.0.7", "/cases/WQ-2026-000001?x=1")

    (row,) = rows(services, access_log.access_log)
    assert row._asdict() == {
        "number": 1, "at": "2026-03-02T01:00:00.000000Z", "user_id": "zhaoming", "case_id": "WQ-2026-000001",
        "page": "cases.show", "address": "10.0.0.7", "by_right": "role:auditor", "on_behalf_of": "",
        "target": "/cases/WQ-2026-000001?x=1",
    }  # fmt: skip


def test_an_export_is_numbered_when_it_begins_and_its_hash_follows_when_it_is_made(services):
    first = exports.begin(services, AUDITOR, "xes", "2026-02", "10.0.0.7")
    second = exports.begin(services, AUDITOR, "csv", "2026-02", "10.0.0.7")
    services.clock.advance(minutes=1)
    exports.made(services, second.number, SHA256, 5_000_000_000)

    assert (first.number, second.number) == (1, 2)
    assert [(row.number, row.user_id, row.name, row.kind) for row in rows(services, export_log)] == [
        (1, "zhaoming", "赵明", "xes"),
        (2, "zhaoming", "赵明", "csv"),
    ]
    (result,) = rows(services, export_results)
    assert (result.export, result.at, result.sha256, result.size) == (
        2, "2026-03-02T01:01:00.000000Z", SHA256, 5_000_000_000,
    )  # fmt: skip


def test_the_watermark_says_who_and_when_in_local_time(services):
    services.clock.advance(hours=1, minutes=5)

    watermark = exports.begin(services, AUDITOR, "csv", "2026-02", "")

    assert watermark.text == "赵明（zhaoming） 2026-03-02 10:05 导出 第1号"


def test_an_export_has_one_result(services):
    watermark = exports.begin(services, AUDITOR, "csv", "2026-02", "")
    exports.made(services, watermark.number, SHA256, 1)

    with pytest.raises(DBAPIError):
        exports.made(services, watermark.number, "00" * 32, 1)

    assert len(rows(services, export_results)) == 1


def test_there_is_no_result_of_an_export_that_was_not_begun(services):
    with pytest.raises(DBAPIError):
        exports.made(services, 7, SHA256, 1)


@pytest.mark.parametrize("table", [table.name for table in AUDIT_LOGS])
@pytest.mark.parametrize("statement", ["UPDATE {} SET at = 'x'", "DELETE FROM {}", "DELETE FROM {} WHERE number = 1"])
def test_the_database_refuses_to_change_or_delete_a_row(services, table, statement):
    fill(services)

    with pytest.raises(DBAPIError, match=f"{table} is only ever added to"), writing(services.engine) as conn:
        conn.execute(text(statement.format(table)))

    with services.engine.connect() as conn:
        assert conn.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() == 1


@pytest.mark.parametrize("number", [1, 3, 0, -1])
def test_the_database_takes_only_the_next_number(services, number):
    fill(services)
    row = rows(services, access_log.access_log)[0]._asdict() | {"number": number}

    with pytest.raises(DBAPIError, match="access_log is numbered without gaps"), writing(services.engine) as conn:
        conn.execute(insert(access_log.access_log).values(**row))


def test_a_row_cannot_be_replaced_by_inserting_over_it(tmp_path):
    """SQLite's INSERT OR REPLACE deletes without asking the triggers on DELETE."""
    engine = open_database(f"sqlite:///{tmp_path / 'logs.db'}")
    create_tables(engine)
    services = SimpleNamespace(engine=engine, clock=FixedClock(MONDAY))
    fill(services)

    with pytest.raises(DBAPIError, match="numbered without gaps"), writing(engine) as conn:
        conn.execute(
            text("INSERT OR REPLACE INTO access_log SELECT number, at, 'nobody', case_id, page, address, by_right,"
                 " on_behalf_of, target FROM access_log")
        )  # fmt: skip

    assert rows(services, access_log.access_log)[0].user_id == "zhaoming"
    engine.dispose()


@pytest.mark.parametrize("table", ["people_log", "security_log"])
def test_a_line_of_the_older_logs_cannot_be_replaced_either(tmp_path, table):
    engine = open_database(f"sqlite:///{tmp_path / 'logs.db'}")
    create_tables(engine)
    with writing(engine) as conn:
        people_log.record(conn, MONDAY, "qianjin", "person_created", "person:x", None, {})
        people_log.security(conn, MONDAY, "signed_in", "wangfang", "10.0.0.7")
        people_log.security(conn, MONDAY, "signed_in", "wangfang", "10.0.0.7")
        people_log.record(conn, MONDAY, "qianjin", "person_created", "person:y", None, {})

    with pytest.raises(DBAPIError, match=f"{table} is only ever added to"), writing(engine) as conn:
        conn.execute(text(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table} WHERE log_id = 1"))

    with engine.connect() as conn:
        assert conn.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() == 2
    engine.dispose()


def test_postgresql_refuses_to_empty_a_log(postgres_url):
    engine = open_database(with_tables(postgres_url))

    for table, _ in LOGS:
        with pytest.raises(DBAPIError, match="only ever added to"), writing(engine) as conn:
            conn.execute(text(f"TRUNCATE {table.name} CASCADE"))
    engine.dispose()


def test_eight_people_at_once_get_numbers_without_gaps_in_the_order_of_their_commits(services):
    looks, faults = 10, []

    def look(person: int) -> None:
        try:
            actor = Actor(f"p{person}", "某", frozenset({"office"}), frozenset({"office"}), "office")
            for number in range(looks):
                access_log.looked(services, actor, f"WQ-{number}", "cases.show", "")
                exports.begin(services, actor, "csv", "", "")
        except Exception as fault:  # shown by the main thread
            faults.append(fault)

    threads = [threading.Thread(target=look, args=(person,)) for person in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert faults == []
    for table in (access_log.access_log, export_log):
        assert [row.number for row in rows(services, table)] == list(range(1, 8 * looks + 1))


def test_a_look_that_is_undone_leaves_its_number_to_the_next(services):
    with pytest.raises(ZeroDivisionError), writing(services.engine) as conn:
        conn.execute(insert(export_log).values(
            number=1, at="", user_id="x", name="x", kind="csv", subject="", address="",
        ))  # fmt: skip
        1 / 0  # noqa: B018

    assert exports.begin(services, AUDITOR, "csv", "", "").number == 1


def test_every_log_has_a_comment_on_every_column_and_a_running_number(services):
    for table, number in LOGS:
        assert [column.name for column in table.columns if not column.comment] == []
        assert [column.name for column in table.primary_key] == [number]
    with services.engine.connect() as conn:
        assert {table.name for table, _ in LOGS} <= set(inspect(conn).get_table_names())


def test_the_right_names_the_group_that_the_case_concerns_and_the_absent_person_it_comes_from(tmp_path):
    world = World(tmp_path)
    case = world.open()
    own = world.actor("wangfang")
    stand_in = Actor(
        "yangyang", "杨洋", frozenset({"staff"}), frozenset({"staff", "user:yangyang", "office"}), "gengbao",
        ("wangfang",), {"office": "wangfang"},
    )  # fmt: skip
    opener = Actor("x", "x", frozenset({"staff"}), frozenset({"staff", "user:wangfang"}), "gengbao")
    nobody = Actor("zhouwei", "周伟", frozenset({"staff"}), frozenset({"staff", "user:zhouwei"}), "other")

    for actor in (own, stand_in, opener, nobody):
        access_log.looked(world.services, actor, case.id, "cases.show", "")

    with world.services.engine.connect() as conn:
        count = conn.execute(select(func.count()).select_from(access_log.access_log)).scalar_one()
    found = [(row.by_right, row.on_behalf_of) for row in rows(world.services, access_log.access_log)]
    assert count == 4
    assert found == [
        ("role:office", ""),
        ("role:office", "wangfang"),
        ("group:user:wangfang", ""),
        ("", ""),
    ]
    world.services.engine.dispose()
