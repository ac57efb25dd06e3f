"""Many workers and many due timers on one database: each fires exactly once, whoever is killed or stands still."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import text

from engine.domain.codec import instant_text
from engine.readmodels import timers
from engine.service.verify import Asked, verify
from tests.clocks.office import WAIT, firings, office, open_many
from tests.support.world import ROOT, World

PATIENCE = 300.0
SIZES = [pytest.param((4, 400, 1.5), id="short"), pytest.param((8, 10_000, 30.0), id="long", marks=pytest.mark.long)]
"""Workers, timers, seconds for which a worker is stopped."""


@dataclass(slots=True)
class Race:
    """Workers on one database, as real processes."""

    world: World
    folder: Path
    process: subprocess.Popen[str] | None = None
    pids: list[int] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def line_up(self, workers: int, mode: str = "honest") -> None:
        (self.folder / "clock").write_text(instant_text(self.world.clock.now()))
        url = self.world.settings.database_url
        command = [sys.executable, "-m", "tests.clocks.racer", url, str(self.folder), str(workers), mode]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)
        assert self.process.stdout is not None
        while len(self.pids) < workers:
            line = self.process.stdout.readline()
            assert line.startswith("ready="), line
            self.pids.append(int(line.partition("=")[2]))

    def go(self) -> None:
        (self.folder / "go").touch()

    def wait_until_fired(self, number: int) -> None:
        until = time.monotonic() + PATIENCE
        while sum(firings(self.world.services).values()) < number:
            assert time.monotonic() < until
            threading.Event().wait(0.02)

    def finish(self) -> None:
        assert self.process is not None
        out, _ = self.process.communicate(timeout=PATIENCE)
        self.told = out.splitlines()
        assert not [line for line in self.told if line.startswith(("broken", "failure"))], self.told


@pytest.fixture(params=["sqlite", "postgres"])
def race(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Race]:
    url = "" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    made = Race(office(tmp_path / "office", url), tmp_path)
    yield made
    if made.process is not None:
        end_all(made.process.pid)
        made.process.wait(PATIENCE)
        assert made.process.stdout is not None
        made.process.stdout.close()
    made.world.services.engine.dispose()


def end(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def end_all(group: int) -> None:
    """Kills whatever is left of a race, whatever the test came to."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


def check(race: Race, cases: list[str]) -> None:
    """Every case's timer fired once, nothing waits any more, and the record is whole."""
    fired = firings(race.world.services)
    assert (len(fired), sum(fired.values())) == (len(cases), len(cases)), race.told
    assert set(fired) == set(cases)
    with race.world.services.engine.connect() as conn:
        assert timers.next_due(conn) is None
    report = verify(race.world.services, Asked(parts=("chains", "numbers")))
    assert report.faults == 0, report.as_json()


@pytest.mark.parametrize("size", SIZES)
def test_workers_that_race_for_due_timers_fire_each_exactly_once(race, size):
    workers, count, _ = size
    cases = open_many(race.world, count)
    race.world.clock.advance(seconds=WAIT.total_seconds() + 1)

    race.line_up(workers)
    race.go()
    race.finish()

    check(race, cases)
    shares = [int(line.split("fired=")[1].split()[0]) for line in race.told if "fired=" in line]
    assert sum(shares) == count


@pytest.mark.parametrize("size", SIZES)
def test_workers_killed_or_stopped_in_mid_work_leave_nothing_undone_and_nothing_done_twice(race, size):
    workers, count, stopped_seconds = size
    cases = open_many(race.world, count)
    race.world.clock.advance(seconds=WAIT.total_seconds() + 1)

    race.line_up(workers)
    race.go()
    race.wait_until_fired(count // 10)
    os.kill(race.pids[0], signal.SIGSTOP)
    end(race.pids[1])
    threading.Event().wait(stopped_seconds)
    os.kill(race.pids[0], signal.SIGCONT)
    race.finish()

    check(race, cases)


def test_workers_without_claim_and_key_fire_more_often_than_there_are_timers(race):
    """The negative control: were nothing contended here, the tests above would prove nothing."""
    cases = open_many(race.world, 200)
    with race.world.services.engine.connect().execution_options(writing=True) as conn, conn.begin():
        conn.execute(text("CREATE TABLE naive_firings (case_id TEXT NOT NULL)"))
    race.world.clock.advance(seconds=WAIT.total_seconds() + 1)

    race.line_up(4, "naive")
    race.go()
    race.finish()

    with race.world.services.engine.connect() as conn:
        fired = conn.execute(text("SELECT count(*), count(DISTINCT case_id) FROM naive_firings")).one()
    assert fired[1] == len(cases)
    assert fired[0] > len(cases)
