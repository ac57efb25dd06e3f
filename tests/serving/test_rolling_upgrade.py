"""Two releases at work on one database, the old one then stopped: nothing that was confirmed is lost."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import VERSION
from engine.service.bootstrap import build
from tests.serving import next_release
from tests.serving.program import Client, Office
from tests.support.world import ROOT

LOGINS = ("wangfang", "lina", "wangfang", "lina")
BOUND = 90.0


# With other loads on the machine each costs a minute; more than one machine, and so an upgrade that rolls, means
# PostgreSQL. SQLite's turn is the long run.
@pytest.fixture(params=["postgres", pytest.param("sqlite", marks=pytest.mark.long)])
def office(request, tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path, "" if request.param == "sqlite" else request.getfixturevalue("postgres_url"))
    yield made
    made.close()


def each_has(clients: list[Client], more: int) -> None:
    """Until every client has had so many more answers."""
    goals = [client.outcome.answered + more for client in clients]
    until = time.monotonic() + BOUND
    while any(client.outcome.answered < goal for client, goal in zip(clients, goals, strict=True)):
        assert time.monotonic() < until
        assert all(client.is_alive() for client in clients), [client.outcome for client in clients]
        threading.Event().wait(0.02)


def test_old_and_new_processes_work_side_by_side_and_the_old_ones_go(office: Office):
    old, old_worker = office.start("serve"), office.start("worker")
    old.await_live()
    told = threading.Event()
    clients = [Client([old.port], f"旧{n}", login, office.started_at, told) for n, login in enumerate(LOGINS[:2])]
    for client in clients:
        client.browser.sign_in()
        client.start()
    each_has(clients, 2)

    new, new_worker = (office.start(kind, module="tests.serving.next_release") for kind in ("serve", "worker"))
    new.await_live()
    fresh = [Client([new.port], f"新{n}", login, office.started_at, told) for n, login in enumerate(LOGINS[2:])]
    for client in fresh:
        client.browser.sign_in()
        client.start()
    each_has([*clients, *fresh], 2)  # both at once
    for client in clients:
        client.ports.append(new.port)
    told.set()
    old.tell()
    old_worker.tell()
    codes = [one.ended(BOUND) for one in (old, old_worker)]
    each_has([*clients, *fresh], 2)  # all with the new one

    for client in (*clients, *fresh):
        client.enough.set()
        client.join(BOUND)
    for one in (new, new_worker):
        one.tell()
    codes += [one.ended(BOUND) for one in (new, new_worker)]
    assert codes == [0, 0, 0, 0], "\n".join(one.words() for one in office.running)
    outcomes = [client.outcome for client in (*clients, *fresh)]
    assert [what for outcome in outcomes for what in outcome.unanswered] == []
    confirmed = Counter(title for outcome in outcomes for title in outcome.confirmed)
    assert len(confirmed) >= 12
    assert verified_by_the_new(office).returncode == 0
    there, versions = recorded(office)
    assert {title for title in confirmed if there[title] != 1} == set()
    assert versions >= {VERSION, next_release.VERSION}


def verified_by_the_new(office: Office) -> subprocess.CompletedProcess[str]:
    """Its `verify`: chains, tree, replays, read models as both releases left them."""
    environment = {"OPINION_DATABASE_URL": office.url, "OPINION_DATA_DIR": str(office.folder)}
    command = [sys.executable, "-m", "tests.serving.next_release", "verify", "--quiet"]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=BOUND, check=False
    )


def recorded(office: Office) -> tuple[Counter[str], set[str]]:
    """Titles of the cases that the journal has opened, and the releases that wrote it."""
    services = build(office.settings)
    titles: Counter[str] = Counter()
    versions = set()
    with services.journal.reading() as tx:
        for stream in tx.streams():
            for entry in tx.read(stream):
                versions.add(entry.engine_version)
                if entry.command["kind"] == "OpenCase":
                    titles[str(entry.command["values"]["title"])] += 1
    services.engine.dispose()
    return titles, versions
