"""Records of registers on both databases: the last one, all of them, two writers at once, and what verify finds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, text, update

from engine.domain.rejection import Rejection
from engine.service import phrases, promises, register_records, verify_registers
from engine.service.register_records import Record
from engine.service.register_tables import register_records as table
from engine.service.transactions import writing
from engine.service.verify import Asked, verify
from tests.support.world import World, xuchang

START = xuchang("2026-03-02 15:00")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], scope="module")
def world(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    url = "" if request.param == "sqlite" else request.getfixturevalue("postgres_database")()
    made = World(tmp_path_factory.mktemp("registers"), url)
    yield made
    made.services.engine.dispose()


def add(world: World, outlet: str, subject: int = 0) -> Record:
    typed = {"outlet": outlet, "person": "记者甲"}
    made = register_records.add(world.services, world.actor("wangfang"), "media_contact", typed, subject=subject)
    assert isinstance(made, Record), made
    return made


def faults(world: World) -> set[tuple[str, int]]:
    report = verify(world.services, Asked(parts=("registers",)))
    return {(fault.what, fault.seq) for part in report.parts for fault in part.faults}


def test_a_list_is_changed_by_who_saw_the_last_one(world: World):
    services, office = world.services, world.actor("wangfang")

    first = phrases.keep(services, office, "同意。\n照办。", 0)
    stale = phrases.keep(services, office, "不同意。", 0)
    assert isinstance(first, Record)
    second = phrases.keep(services, office, "请办。", first.number)

    assert isinstance(stale, Rejection) and stale.code == "conflict"
    with services.engine.connect() as conn:
        assert register_records.latest(conn, phrases.REGISTER) == second
        assert phrases.offered(conn, services.deployments.bundle()) == ["请办。"]


def test_all_records_that_stand_are_given_newest_first_and_no_more_than_asked(world: World):
    one, other = add(world, "中原观察(虚构)"), add(world, "许都晚报(虚构)")
    later = add(world, "中原观察(虚构)", one.subject)

    with world.services.engine.connect() as conn:
        every = register_records.every(conn, "media_contact", 10)
        cut = register_records.every(conn, "media_contact", 1)
        none = register_records.every(conn, "media_contact", 10, unit="yuzhou")

    assert every == [later, other] and cut == [later] and none == []


def test_open_promises_after_their_day_are_found_by_the_record_that_stands(world: World):
    case, office = world.open(), world.actor("wangfang")
    words = '他说：{"state":"open"}，100% 兑现'
    made = []
    for due, state in (("2026-03-01", "open"), ("2026-03-02", "open"), ("2026-02-01", "kept"), ("2026-01-01", "open")):
        typed = {"promise": words, "due_date": due, "state": state}
        made.append(register_records.add(world.services, office, "promise", typed, case_id=case.id))
    first, _, _, last = made
    assert isinstance(first, Record) and isinstance(last, Record)
    kept = {"promise": words, "due_date": "2026-01-01", "state": "kept"}
    register_records.add(world.services, office, "promise", kept, case_id=case.id, subject=last.subject)

    with world.services.engine.connect() as conn:
        where = promises.conditions(conn, date(2026, 3, 2))
        found, pages = register_records.listed(conn, "promise", where=where)
        counted = [promises.count_overdue(conn, date(2026, 3, day)) for day in (1, 2, 3)]

    assert (found, pages) == ([first], 1)
    assert counted == [0, 1, 2]
    assert [promises.overdue(first, date(2026, 3, day)) for day in (1, 2)] == [False, True]


def test_verify_finds_what_somebody_changed_in_the_registers_and_nothing_else(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """A clock that was put back, as before the fourth record, and windows of two entries are no fault."""
    monkeypatch.setattr(verify_registers, "AT_ONCE", 2)
    numbers = []
    for number, seconds in enumerate((1, 2, 3, -300, 4)):
        world.clock.set(START + timedelta(seconds=seconds))
        numbers.append(add(world, f"报社{number}(虚构)").number)
    changed, gone, moved, set_back, last = numbers
    clean = faults(world)

    with writing(world.services.engine) as conn:
        if conn.dialect.name == "sqlite":
            for trigger in ("no_update", "no_delete"):
                conn.execute(text(f"DROP TRIGGER register_records_{trigger}"))
        else:
            conn.execute(text("ALTER TABLE register_records DISABLE TRIGGER USER"))
        row = dict(conn.execute(table.select().where(table.c.number == gone)).one()._mapping)
        conn.execute(update(table).where(table.c.number == changed).values(body='{"outlet":"别的报社"}'))
        conn.execute(delete(table).where(table.c.number == gone))
        conn.execute(update(table).where(table.c.number == moved).values(at="2026-01-01T00:00:00.000000Z"))
        conn.execute(update(table).where(table.c.number == set_back).values(at="2026-12-01T00:00:00.000000Z"))
    found = faults(world)
    with writing(world.services.engine) as conn:
        conn.execute(insert(table).values(**{**row, "number": last + 1, "subject": last + 1}))

    assert clean == set()
    assert found == {
        ("register_differs", changed), ("register_unmatched", gone), ("register_differs", moved),
        ("register_differs", set_back),
    }  # fmt: skip
    assert ("register_unmatched", last + 1) in faults(world)
