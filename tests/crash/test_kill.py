"""Killing the server with SIGKILL at any moment loses nothing that it has confirmed, and does nothing twice."""

from __future__ import annotations

import logging
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from engine.readmodels.schema import READ_MODELS
from engine.service.bootstrap import Services, build
from engine.service.settings import Settings
from engine.service.verify import Asked, rebuild_read_models, verify
from tests.crash.clerks import CONFIRMED, Browser, Clerk, Log, Sent, item
from tests.support.world import ROOT, World, shipped_files

KILLS = 50
CLERKS = ("wangfang", "lina", "wangfang", "lina")
SEED = int(os.environ.get("CRASH_SEED") or random.SystemRandom().randrange(10**6))
"""Of the moments of the kills; a failing test says it. The environment variable repeats a run."""
PATIENCE = 60.0
"""Seconds in which a server must have come up, on a machine that has other things to do."""

note = logging.getLogger("crash")

Start = Callable[[], int]


def hasty_files() -> dict[str, bytes]:
    """The shipped bundle, its leaders reminded after a second: so the worker writes while the clerks do."""
    files = dict(shipped_files())
    profile = files["bpmn/regulation.toml"].decode()
    assert profile.count('leader_reminder = "PT30M"') == 1
    files["bpmn/regulation.toml"] = profile.replace('leader_reminder = "PT30M"', 'leader_reminder = "PT1S"').encode()
    return files


class Office:
    """A database with cast and bundle on disk, and the server processes that were started on it."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(database_url=f"sqlite:///{folder}/opinion.db", data_dir=folder)
        self.started_at = datetime.now(UTC)
        World(folder, at=self.started_at, files=hasty_files()).services.engine.dispose()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("OPINION_")},
            "OPINION_ENV": "development",
            "OPINION_DATABASE_URL": self.settings.database_url,
            "OPINION_DATA_DIR": str(folder),
            "OPINION_PORT": str(self.port),
            "OPINION_WRITES_PER_MINUTE": "0",
        }
        self.output = (folder / "server.log").open("ab")
        self.processes: list[subprocess.Popen[bytes]] = []

    def popen(self, *arguments: str, **more: Any) -> subprocess.Popen[bytes]:
        command = [sys.executable, *arguments]
        process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stderr=self.output, **more)
        self.processes.append(process)
        return process

    def close(self) -> None:
        """Leaves no process behind, whatever the test came to."""
        for process in self.processes:
            process.kill()
            process.wait(PATIENCE)
        self.output.close()

    def await_answer(self) -> None:
        """Until the server accepts connections."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 5).close()
                return
            except OSError:
                assert time.monotonic() < until, self.last_words()
                threading.Event().wait(0.01)

    def last_words(self) -> str:
        """The end of what the servers wrote, for a failing test."""
        return Path(self.output.name).read_text(errors="replace")[-3000:]

    def look(self) -> Services:
        """The database opened by this process, once no server has it."""
        return build(self.settings)


def kill(pid: int) -> None:
    """Kills one process and waits until it is gone, its port with it."""
    os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        threading.Event().wait(0.005)
    raise AssertionError(f"process {pid} outlives SIGKILL")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.services.engine.dispose()


@pytest.fixture
def launcher(office: Office) -> Iterator[Start]:
    """Starts a server and returns its process id."""
    process = office.popen("-m", "tests.crash.launcher", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    source, answers = process.stdin, process.stdout

    def start() -> int:
        source.write(b"start\n")
        source.flush()
        for line in answers:
            if line.strip().isdigit():
                return int(line)
        raise AssertionError(office.last_words())

    yield start
    source.close()
    process.wait(PATIENCE)
    answers.close()


# --- the check ------------------------------------------------------------------------------------------------------


def words_of(command: dict[str, Any]) -> str:
    """The words by which a clerk knows a submission again."""
    values = command.get("values", {})
    return str(command.get("text") or values.get("grade_reason") or values.get("screen_note") or values.get("title"))


def lost_or_doubled(services: Services, log: Log) -> list[str]:
    """Every confirmed submission that is not in the journal exactly once, and every other one that is there twice."""
    with services.journal.reading() as tx:
        entries = [entry for stream in tx.streams() if not stream.startswith("_") for entry in tx.read(stream)]
    by_id = Counter(entry.command_id for entry in entries)
    by_words = Counter(words_of(entry.command) for entry in entries if entry.command["kind"] != "FireTimer")
    wrong = [f"{what} twice" for what, number in (by_id + by_words).items() if number > 1]
    known = [*log.confirmed, *log.settled]
    wrong += [f"{sent.mark} lost" for sent in known if not (by_id[sent.command_id] and by_words[sent.mark])]
    return wrong


def read_model_rows(services: Services) -> dict[str, Sequence[Any]]:
    with services.engine.connect() as conn:
        return {t.name: conn.execute(select(t).order_by(*t.primary_key)).all() for t in READ_MODELS}


def check_sound(services: Services) -> None:
    """The file is whole, the chains are, every case replays, each reminder came once, read models equal a rebuild."""
    with services.engine.connect() as conn:
        assert conn.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
    parts = ("chains", "tree", "keys", "checkpoints", "logs", "numbers", "replays", "models")
    report = verify(services, Asked(parts=parts))
    assert report.faults == 0, report.as_json()
    with services.journal.reading() as tx:
        for stream in tx.streams():
            fired = [e["timer"] for entry in tx.read(stream) for e in entry.events if e["kind"] == "TimerFired"]
            assert len(fired) == len(set(fired)), stream
    before = read_model_rows(services)
    rebuild_read_models(services)
    assert read_model_rows(services) == before


# --- the tests ------------------------------------------------------------------------------------------------------


def test_fifty_kills_under_load_lose_nothing_that_was_confirmed(office, launcher):
    note.warning("CRASH_SEED=%s", SEED)
    chance = random.Random(SEED)
    log, up = Log(), threading.Event()
    server = launcher()
    office.await_answer()
    browsers = [Browser(office.port, login) for login in CLERKS]
    for browser in browsers:
        browser.sign_in()
    clerks = [Clerk(b, f"办事员{n}", log, office.started_at, up) for n, b in enumerate(browsers)]
    up.set()
    for clerk in clerks:
        clerk.start()

    starts: list[float] = []
    for _ in range(KILLS):
        log.fresh.clear()
        if chance.random() < 0.8:  # the others are killed before they may have answered anything
            log.fresh.wait(PATIENCE)
        threading.Event().wait(chance.uniform(0.0, 0.5))
        up.clear()
        kill(server)
        begun = time.monotonic()
        server = launcher()
        office.await_answer()
        starts.append(time.monotonic() - begun)
        up.set()
        assert not [clerk.failure for clerk in clerks if clerk.failure], office.last_words()
    office.await_answer()
    up.set()
    for clerk in clerks:
        clerk.enough.set()
        clerk.join(PATIENCE)
    kill(server)

    note.warning(
        "%s kills: %s confirmed, %s found done when repeated, %s unanswered; a start takes %.2f s (median)",
        KILLS, len(log.confirmed), len(log.settled), log.unanswered, sorted(starts)[len(starts) // 2],
    )  # fmt: skip
    assert log.strange == [], office.last_words()
    assert [clerk.failure for clerk in clerks] == [None] * len(clerks)
    assert not [clerk.name for clerk in clerks if clerk.is_alive()]
    assert len(log.confirmed) > 2 * KILLS, "too little was going on to say anything"
    assert log.unanswered > KILLS // 2, "hardly any kill met a request under way"
    assert [s for s in log.confirmed if s.tries > 1] != [], "no submission was ever repeated"
    services = office.look()
    assert lost_or_doubled(services, log) == []
    check_sound(services)
    services.engine.dispose()


def test_a_clerk_who_takes_a_submission_for_confirmed_when_it_is_sent_is_caught_by_the_same_check(office):
    process = office.popen("-m", "engine.cli", "run", stdout=office.output)
    office.await_answer()
    browser, now = Browser(office.port, "wangfang"), office.started_at.isoformat(timespec="minutes")
    browser.sign_in()
    log = Log()
    first, second = (Sent(f"wangfang:{digit * 32}", f"第 {digit} 件", "OpenCase", 1) for digit in "12")

    for _ in range(2):  # the same page twice is one submission
        status, _, _ = browser.post("/register", {**item(first.mark, now), "command_id": "1" * 32})
        assert status == CONFIRMED
    log.confirmed.append(first)
    process.send_signal(signal.SIGSTOP)  # the machine takes the bytes, the program never sees them
    browser.send("POST", "/register", {**item(second.mark, now), "command_id": "2" * 32})
    log.confirmed.append(second)
    process.kill()
    process.wait(PATIENCE)
    browser.hang_up()

    services = office.look()
    assert lost_or_doubled(services, log) == [f"{second.mark} lost"]
    check_sound(services)
    services.engine.dispose()


def test_a_server_that_did_the_same_submission_twice_is_caught_too(world):
    for _ in range(2):
        world.open(title="第 1 件")

    assert lost_or_doubled(world.services, Log()) == ["第 1 件 twice"]
