"""The waker on both databases: who claims, who is woken, what a broken case costs the others, why a firing was late."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select

from engine.domain.commands import OpenCase
from engine.readmodels import timers
from engine.service import delays, wakers
from engine.service.application import Done
from engine.service.bootstrap import build
from engine.service.verify import Asked, verify
from engine.worker.listener import Listener
from engine.worker.loop import Loop
from engine.worker.timers import Config, TimerRunner
from engine.worker.watchdog import watch
from tests.clocks.office import WAIT, add_waiting_rows, firings, office, one_timer, open_many
from tests.support.world import World

PATIENCE = 20.0


@pytest.fixture(params=["sqlite", "postgres"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    made = office(tmp_path, "" if request.param == "sqlite" else request.getfixturevalue("postgres_url"))
    yield made
    report = verify(made.services, Asked(parts=("chains", "replays", "models")))
    assert report.faults == 0, report.as_json()
    made.services.engine.dispose()


@pytest.fixture
def hourly(tmp_path: Path) -> Iterator[World]:
    """Cases that are reminded every half hour for ever."""
    made = office(tmp_path, files=one_timer("cycle", "R/PT30M", interrupting=False))
    yield made
    report = verify(made.services, Asked(parts=("chains", "replays", "models")))
    assert report.faults == 0, report.as_json()
    made.services.engine.dispose()


def fired(world: World, case_id: str) -> list[dict[str, Any]]:
    with world.services.journal.reading() as tx:
        return [e for entry in tx.read(case_id) for e in entry.events if e["kind"] == "TimerFired"]


def drain(runner: TimerRunner) -> int:
    total = 0
    for _ in range(100):
        counts = runner.run_once()
        if not (counts.fired or counts.failed):
            return total
        total += counts.fired
    raise AssertionError("never comes to rest")


def test_what_one_worker_has_claimed_another_passes_over(world):
    cases = open_many(world, 4)
    world.clock.advance(seconds=WAIT.total_seconds())
    with world.services.journal.writing() as tx:
        first = timers.claim(tx.connection, world.clock.now(), 2)
        if tx.connection.dialect.name == "postgresql":
            with world.services.journal.writing() as other:
                second = timers.claim(other.connection, world.clock.now(), 10)
            assert sorted([*first, *second]) == sorted(cases)

    assert list(first) == cases[:2]
    assert drain(TimerRunner(world.services)) == 4


def test_several_cases_are_settled_in_one_transaction_of_bounded_size(world):
    open_many(world, 7)
    world.clock.advance(seconds=WAIT.total_seconds())
    runner = TimerRunner(world.services, Config(batch=5))

    counts = [runner.run_once().fired for _ in range(3)]

    assert counts == [5, 2, 0]


def test_a_case_that_can_not_be_fired_holds_nobody_up_and_is_tried_again_later_and_later(world, monkeypatch):
    cases = open_many(world, 6)
    world.clock.advance(seconds=WAIT.total_seconds())
    application = world.services.application
    whole, steady, reported = application._load, [0.0], []

    def load(tx: Any, case_id: str) -> Any:
        if case_id == cases[2]:
            raise ValueError("unreadable")
        return whole(tx, case_id)

    monkeypatch.setattr(application, "_load", load)
    runner = TimerRunner(
        world.services, on_error=lambda case_id, error: reported.append(case_id), steady_clock=lambda: steady[0]
    )

    first = runner.run_once()
    pauses = []
    for _ in range(4):
        assert runner.run_once().failed == 0, "it is held off"
        pauses.append(runner.seconds_to_next())
        steady[0] += pauses[-1]
        assert runner.run_once().failed == 1, "its turn has come"
    monkeypatch.undo()
    steady[0] += 400.0

    assert (first.fired, first.failed) == (5, 1)
    assert pauses == [1.0, 2.0, 4.0, 8.0]
    assert reported == [cases[2]] * 5
    assert drain(runner) == 1


def test_a_database_that_is_away_is_no_case_s_fault(world, monkeypatch):
    from sqlalchemy.exc import OperationalError

    cases = open_many(world, 3)
    world.clock.advance(seconds=WAIT.total_seconds())
    runner = TimerRunner(world.services)

    def gone(*_: Any) -> Any:
        raise OperationalError("SELECT", {}, Exception("server closed the connection"))

    monkeypatch.setattr(world.services.application, "_load", gone)
    with pytest.raises(OperationalError):
        runner.run_once()
    monkeypatch.undo()

    assert runner.backoff.held() == frozenset()
    assert drain(runner) == len(cases)


def test_a_row_that_its_case_knows_nothing_of_is_put_off_and_keeps_nobody_busy(world):
    cases = open_many(world, 2)
    runner = TimerRunner(world.services)
    world.clock.advance(seconds=WAIT.total_seconds())
    drain(runner)
    with world.services.engine.connect().execution_options(writing=True) as conn, conn.begin():
        row = {"case_id": cases[0], "timer": "ghost#1", "element": "t", "due": "2026-03-02T01:00:00.000000Z"}
        conn.execute(timers.timers.insert().values(**row))

    assert runner.run_once().failed == 1
    assert runner.run_once() == type(runner.run_once())()
    assert runner.seconds_to_next() > 0.5
    with world.services.engine.connect().execution_options(writing=True) as conn, conn.begin():
        conn.execute(timers.timers.delete())


def test_only_a_commit_that_arms_an_earlier_timer_wakes_the_sleepers(tmp_path):
    calls: list[int] = []
    world = office(tmp_path)
    services = build(world.settings, world.clock, wake=lambda: calls.append(1))
    actor = world.actor("wangfang")

    for number in range(3):
        done = services.application.handle(OpenCase("p", {}), actor, command_id=f"c{number}")
        assert isinstance(done, Done)
        world.clock.advance(minutes=1)

    assert len(calls) == 1, "the second and third are due after the first"
    services.engine.dispose()
    world.services.engine.dispose()


def test_a_worker_of_another_process_is_woken_by_an_earlier_timer(world):
    """On PostgreSQL by LISTEN; on SQLite by the file's version, a tick later."""
    second = build(world.settings, world.clock)
    woken = threading.Event()
    runner = TimerRunner(second)
    runner.run_once()
    if second.engine.dialect.name == "postgresql":
        listening = threading.Event()

        def hear() -> None:
            (woken if listening.is_set() else listening).set()

        listener = Listener(second.engine, hear)
        listener.start()
        assert listening.wait(PATIENCE)
        open_many(world, 1)
        assert woken.wait(PATIENCE)
        listener.stop()
    else:
        runner.disturbed()
        runner.run_once()
        assert not runner.disturbed()
        open_many(world, 1)
        assert runner.disturbed()
    runner.run_once()
    assert runner.seconds_to_next() == 30.0  # an hour away: looks again before
    runner.close()
    second.engine.dispose()


def test_a_waker_that_sleeps_asks_the_rows_only_every_half_minute(world):
    """The idle cost: statements of an hour with 1,000 timers waiting."""
    add_waiting_rows(world, 1_000, world.clock.now() + timedelta(days=3))
    steady = [0.0]
    runner = TimerRunner(world.services, steady_clock=lambda: steady[0])
    runner.run_once()
    runner.disturbed()
    statements: list[str] = []

    def count(conn: Any, cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(world.services.engine, "before_cursor_execute", count)
    slept = 0.0
    while slept < 3_600:
        runner.run_once()
        left = runner.seconds_to_next()
        while left > 0:
            steady[0] += 1.0
            world.clock.advance(seconds=1)
            slept, left = slept + 1, left - 1
            if runner.disturbed():
                break
    event.remove(world.services.engine, "before_cursor_execute", count)
    runner.close()

    asked = [one for one in statements if "FROM timers" in one]
    print(len(statements), len(asked))
    assert len(asked) <= 250
    assert len(statements) <= 500
    with world.services.engine.connect().execution_options(writing=True) as conn, conn.begin():
        conn.execute(timers.timers.delete())


def test_rounds_missed_in_a_night_come_as_one_that_says_how_many(hourly):
    world = hourly
    (case_id,) = open_many(world, 1)
    world.clock.advance(minutes=30)
    drain(TimerRunner(world.services))
    world.clock.advance(minutes=10 * 60 + 10)

    assert drain(TimerRunner(world.services)) == 1

    first, second = fired(world, case_id)
    assert "missed" not in first
    assert (second["missed"], second["late_seconds"], second["cause"]) == (19, 34_800.0, "downtime")
    with world.services.engine.connect() as conn:
        due = timers.next_due(conn)
    assert due == world.clock.now() + timedelta(minutes=20), "the rhythm is kept"


def test_a_firing_that_was_late_says_whether_nobody_was_there_or_too_much_was_to_do(world):
    first, second = open_many(world, 2, moment=lambda number: timedelta(minutes=number * 30))
    runner = TimerRunner(world.services)
    world.clock.advance(minutes=61)
    drain(runner)  # nobody had looked since before the first was due
    assert [(e["late_seconds"], e["cause"]) for e in fired(world, first)] == [(60.0, "downtime")]

    with world.services.engine.connect().execution_options(writing=True) as conn, conn.begin():
        runner.presence.beat(conn, world.clock.now() + timedelta(minutes=29, seconds=30))
    world.clock.advance(minutes=30)
    drain(runner)  # somebody gave a sign of life after it was due

    assert [(e["late_seconds"], e["cause"]) for e in fired(world, second)] == [(60.0, "overload")]


def test_the_watchdog_records_a_spell_of_delay_from_its_first_timer_to_the_last_one_fired(world):
    open_many(world, 3)
    world.clock.advance(seconds=WAIT.total_seconds() + 30)
    watch(world.services)
    with world.services.engine.connect() as conn:
        assert delays.latest(conn) == ()

    world.clock.advance(minutes=11)
    watch(world.services)
    watch(world.services)
    with world.services.engine.connect() as conn:
        (lasting,) = delays.latest(conn)
        buckets = delays.overdue(conn, world.clock.now())
    drain(TimerRunner(world.services))
    watch(world.services)
    watch(world.services)
    with world.services.engine.connect() as conn:
        (over,) = delays.latest(conn)

    assert (lasting.until, lasting.most, lasting.longest_seconds, lasting.cause) == (None, 3, 690.0, "downtime")
    assert buckets == {"2s": 3, "1m": 3, "10m": 3, "1h": 0}
    assert (over.number, over.until) == (1, world.clock.now())


def test_a_real_loop_fires_a_timer_that_another_thread_has_armed_meanwhile(tmp_path):
    """The whole path on the machine's own clock: sleep, wake-up, firing within two seconds."""
    from engine.service.system import SystemClock

    world = office(tmp_path, files=one_timer("duration", "PT1S"))
    loops: list[Loop] = []
    services = build(world.settings, SystemClock(), wake=lambda: [loop.wake() for loop in loops] and None)
    loops.append(Loop(TimerRunner(services)))
    loops[0].start()
    done = services.application.handle(OpenCase("p", {}), world.actor("wangfang"), command_id="now")
    assert isinstance(done, Done)

    for _ in range(200):
        if firings(services):
            break
        threading.Event().wait(0.05)
    loops[0].stop()

    (one,) = fired(world, done.case_id)
    assert one["late_seconds"] < 2.0
    with services.engine.connect() as conn:
        assert len(conn.execute(select(wakers.wakers)).all()) == 1
    services.engine.dispose()
    world.services.engine.dispose()
