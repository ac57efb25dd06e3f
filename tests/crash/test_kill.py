"""Killing programs and their database at any moment loses nothing that was confirmed, and does nothing twice."""

from __future__ import annotations

import logging
import os
import random
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.crash.checks import check_sound, entries_of, lost_or_doubled, unfired_or_doubled
from tests.crash.clerks import CONFIRMED, Browser, Clerk, Log, Sent, item
from tests.support.durable_postgres import DurablePostgres
from tests.support.servers import PATIENCE, Office, kill
from tests.support.world import World

CLERKS = ("wangfang", "lina", "wangfang", "lina")
SEED = int(os.environ.get("CRASH_SEED") or random.SystemRandom().randrange(10**6))
"""Of the moments of the kills; a failing test says it. The environment variable repeats a run."""

note = logging.getLogger("crash")
in_ci_and_long = pytest.mark.parametrize("kills", [50, pytest.param(500, marks=pytest.mark.long)])


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.close()


@pytest.fixture
def durable() -> Iterator[DurablePostgres]:
    with DurablePostgres() as server:
        server.make_database("opinion")
        yield server


@pytest.fixture
def postgres_office(durable: DurablePostgres, tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path, durable.sqlalchemy_url("opinion"), durable.look_url("opinion"))
    yield made
    made.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.services.engine.dispose()


class Trial:
    """Clerks at work, a chance, and what is asked of it all at the end."""

    def __init__(self, office: Office) -> None:
        note.warning("CRASH_SEED=%s", SEED)
        self.office = office
        self.chance = random.Random(SEED)
        self.log = Log()
        self.up = threading.Event()
        self.clerks: list[Clerk] = []

    def begin(self) -> None:
        self.office.await_answer()
        browsers = [Browser(self.office, login) for login in CLERKS]
        for browser in browsers:
            browser.sign_in()
        self.clerks = [
            Clerk(b, f"办事员{n}", self.log, self.office.started_at, self.up) for n, b in enumerate(browsers)
        ]
        self.up.set()
        for clerk in self.clerks:
            clerk.start()

    def some_moment(self) -> None:
        """Mostly after something was confirmed; else perhaps before the program has answered anything."""
        self.log.fresh.clear()
        if self.chance.random() < 0.8:
            assert self.log.fresh.wait(PATIENCE), self.office.last_words()
        threading.Event().wait(self.chance.uniform(0.0, 0.3))
        assert not [clerk.failure for clerk in self.clerks if clerk.failure], self.office.last_words()

    @contextmanager
    def no_server(self) -> Iterator[None]:
        """Clerks wait until there is one again."""
        self.up.clear()
        yield
        self.office.await_answer()
        self.up.set()

    def end(self, kills: int) -> None:
        self.up.set()
        for clerk in self.clerks:
            clerk.enough.set()
            clerk.join(PATIENCE)
        note.warning(
            "%s kills: %s confirmed, %s found done when repeated, %s unanswered, %s answered with 503",
            kills, len(self.log.confirmed), len(self.log.settled), self.log.unanswered, len(self.log.away),
        )  # fmt: skip
        assert self.log.strange == [], self.office.last_words()
        assert [clerk.failure for clerk in self.clerks] == [None] * len(self.clerks)
        assert not [clerk.name for clerk in self.clerks if clerk.is_alive()]
        assert len(self.log.confirmed) + len(self.log.settled) > kills, "too little was going on to say anything"
        assert [s for s in self.log.confirmed if s.tries > 1] != [], "no submission was ever repeated"

    def check(self, kills: int) -> None:
        services = self.office.look()
        assert lost_or_doubled(services, self.log) == []
        fired = check_sound(services)
        note.warning("%s timers fired, each once", fired)
        assert fired > kills // 2, "too few timers to say anything"
        services.engine.dispose()


@in_ci_and_long
def test_killing_the_one_process_on_sqlite_loses_nothing_that_was_confirmed(office, kills):
    trial = Trial(office)
    with office.launcher() as start:
        server = start("run")
        trial.begin()

        for _ in range(kills):
            trial.some_moment()
            with trial.no_server():
                kill(server)
                server = start("run")
        trial.end(kills)
        kill(server)

    assert trial.log.unanswered > kills // 2, "hardly any kill met a request under way"
    trial.check(kills)


@pytest.mark.postgres
@in_ci_and_long
def test_killing_web_and_worker_by_turns_on_postgresql_loses_nothing_that_was_confirmed(postgres_office, kills):
    trial = Trial(postgres_office)
    with postgres_office.launcher() as start:
        web, worker = start("serve"), start("worker")
        trial.begin()

        for number in range(kills):
            trial.some_moment()
            if number % 2:
                kill(worker)
                worker = start("worker")
                continue
            with trial.no_server():
                kill(web)
                web = start("serve")
        trial.end(kills)
        kill(web)
        kill(worker)

    assert trial.log.unanswered > kills // 4, "hardly any kill met a request under way"
    trial.check(kills)


@pytest.mark.postgres
@pytest.mark.parametrize("stops", [5, pytest.param(100, marks=pytest.mark.long)])
def test_a_postgresql_that_stops_immediately_loses_nothing_and_both_programs_go_on(postgres_office, durable, stops):
    trial = Trial(postgres_office)
    with postgres_office.launcher() as start:
        web, worker = start("serve"), start("worker")
        trial.begin()

        for _ in range(stops):
            trial.some_moment()
            durable.stop_immediately()
            threading.Event().wait(trial.chance.uniform(0.0, 0.3))
            durable.start()
        trial.end(stops)
        still_there(web, worker)
        kill(web)
        kill(worker)

    assert len(trial.log.away) >= stops // 2, "hardly a stop met a request under way"
    trial.check(stops)


def still_there(*pids: int) -> None:
    for pid in pids:
        os.kill(pid, 0)


# --- the checks themselves --------------------------------------------------------------------------------------------


def test_a_clerk_who_takes_a_submission_for_confirmed_when_it_is_sent_is_caught_by_the_same_check(office):
    with office.launcher() as start:
        server = start("run")
        office.await_answer()
        browser, now = Browser(office, "wangfang"), office.started_at.isoformat(timespec="minutes")
        browser.sign_in()
        log = Log()
        first, second = (Sent(f"wangfang:{digit * 32}", f"第 {digit} 件", "OpenCase", 1) for digit in "12")

        for _ in range(2):  # the same page twice is one submission
            status, _, _ = browser.post("/register", {**item(first.mark, now), "command_id": "1" * 32})
            assert status == CONFIRMED
        log.confirmed.append(first)
        os.kill(server, signal.SIGSTOP)  # the machine takes the bytes, the program never sees them
        browser.send("POST", "/register", {**item(second.mark, now), "command_id": "2" * 32})
        log.confirmed.append(second)
        kill(server)
        browser.hang_up()

    services = office.look()
    assert lost_or_doubled(services, log) == [f"{second.mark} lost"]
    check_sound(services)
    services.engine.dispose()


def test_a_server_that_did_the_same_submission_twice_is_caught_too(world):
    for _ in range(2):
        world.open(title="第 1 件")

    assert lost_or_doubled(world.services, Log()) == ["第 1 件 twice"]


def test_a_timer_that_never_fires_is_caught_and_so_is_one_that_fires_twice_or_early(world):
    case = world.open()
    world.clock.advance(minutes=31)
    nobody_worked = entries_of(world.services)
    world.work()
    right = entries_of(world.services)
    firing = next(entry for entry in right if entry.command["kind"] == "FireTimer")

    assert unfired_or_doubled(right, world.clock.now())[1] == []
    assert unfired_or_doubled(right, world.clock.now())[0] == len(case.kinds("TimerFired")) > 1
    assert all(said.endswith("never fired") for said in unfired_or_doubled(nobody_worked, world.clock.now())[1])
    assert len(unfired_or_doubled(nobody_worked, world.clock.now())[1]) == len(case.kinds("TimerFired"))
    assert any(said.endswith("fired 2 times") for said in unfired_or_doubled([*right, firing], world.clock.now())[1])
    early = world.clock.now() - timedelta(days=1)
    assert any(said.endswith("fired early") for said in unfired_or_doubled(moved(right, early), world.clock.now())[1])


def moved(entries, at: datetime):
    """The same entries, as if recorded at another instant."""
    return [replace(entry, at=at) for entry in entries]
