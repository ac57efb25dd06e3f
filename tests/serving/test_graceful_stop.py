"""SIGTERM under load: every request that was accepted gets its answer, and the process is gone in time with code 0."""

from __future__ import annotations

import http.client
import json
import logging
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from engine.readmodels.schema import cases
from engine.service.bootstrap import build
from engine.service.people_tables import security_log
from engine.service.verify import Asked, verify
from tests.crash.clerks import Browser
from tests.serving.program import Client, Office, Running

CLIENTS = ("wangfang", "lina", "wangfang", "lina", "wangfang", "lina")
BOUND = 30.0
"""Seconds in which a process must be gone: its own bound, which it should never need."""

note = logging.getLogger("serving")


@pytest.fixture
def found(tmp_path: Path) -> Iterator[Callable[[str], Office]]:
    made: list[Office] = []

    def make(url: str = "") -> Office:
        made.append(Office(tmp_path, url))
        return made[-1]

    yield make
    for office in made:
        office.close()


def at_work(office: Office, ports: list[int], told: threading.Event) -> list[Client]:
    """Clients who have had their first answers."""
    clients = [Client(list(ports), f"客户{n}", login, office.started_at, told) for n, login in enumerate(CLIENTS)]
    for client in clients:
        client.browser.sign_in()
    for client in clients:
        client.start()
    until = time.monotonic() + BOUND
    while min(client.outcome.answered for client in clients) < 2:
        assert time.monotonic() < until
        assert all(client.is_alive() for client in clients)
        threading.Event().wait(0.02)
    return clients


def finished(clients: list[Client]) -> None:
    for client in clients:
        client.enough.set()
        client.join(BOUND)
    assert not [client.name for client in clients if client.is_alive()]


def unanswered(clients: list[Client]) -> list[str]:
    return [what for client in clients for what in client.outcome.unanswered]


def lost(office: Office, clients: list[Client]) -> list[str]:
    """Cases that a server said it had opened, and that are not there; the record must be whole too."""
    services = build(office.settings)
    try:
        with services.engine.connect() as conn:
            there = set(conn.scalars(select(cases.c.title)))
        report = verify(services, Asked(parts=("chains", "tree", "replays", "models", "numbers")))
        assert report.faults == 0, report.as_json()
    finally:
        services.engine.dispose()
    return [title for client in clients for title in client.outcome.confirmed if title not in there]


def messages(running: Running) -> list[str]:
    return [json.loads(line)["message"] for line in running.words().splitlines() if line.startswith("{")]


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgres", marks=pytest.mark.long)])
def test_every_request_accepted_before_the_stop_is_answered(found, database: str, request):
    office = found("" if database == "sqlite" else request.getfixturevalue("postgres_url"))
    server = office.start("serve").await_live()
    told = threading.Event()
    clients = at_work(office, [server.port], told)
    begun = time.monotonic()

    told.set()
    server.tell()
    notice = server.checks()
    code = server.ended(BOUND)

    seconds = time.monotonic() - begun
    finished(clients)
    assert notice.get("accepting") == "error", "not ready while it still answers: a load balancer can move on"
    assert unanswered(clients) == []
    assert code == 0, server.words()
    assert sum(client.outcome.after_the_signal for client in clients) >= len(CLIENTS), "nothing was under way"
    assert lost(office, clients) == []
    assert seconds < BOUND / 2
    assert messages(server)[-1] == "stopped"
    note.warning("%s: gone after %.1f s", database, seconds)


def test_a_server_that_is_killed_is_caught_by_the_same_check(found):
    office = found()
    server = office.start("serve").await_live()
    told = threading.Event()
    clients = at_work(office, [server.port], told)

    told.set()
    server.tell(signal.SIGKILL)
    server.ended(BOUND)

    finished(clients)
    assert unanswered(clients) != []
    assert lost(office, clients) == [], "what was confirmed is there all the same"


def half_a_request(server: Running) -> socket.socket:
    opened = socket.create_connection(("127.0.0.1", server.port), 10)
    opened.sendall(b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nuser_id=")
    assert server.ask("/health/live")[0] == 200  # what was sent before has been read by now
    return opened


def test_idle_connections_are_closed_and_a_request_that_never_ends_is_cut_off_at_the_bound(found):
    office = found()
    server = office.start("serve", OPINION_STOP_SECONDS="8").await_live()
    idle = socket.create_connection(("127.0.0.1", server.port), 10)
    endless = half_a_request(server)
    begun = time.monotonic()

    server.tell()
    closed = idle.recv(1)
    idle_seconds = time.monotonic() - begun
    code = server.ended(BOUND)

    assert closed == b""
    assert idle_seconds < 7, "an idle connection does not hold up a stop"
    assert 7.9 < time.monotonic() - begun < 20
    assert code == 1, "something was cut off, and the exit code says so"
    assert "requests cut off" in messages(server)
    idle.close()
    endless.close()


def test_a_second_signal_ends_at_once(found):
    office = found()
    server = office.start("serve").await_live()
    endless = half_a_request(server)

    server.tell()
    until = time.monotonic() + BOUND
    while server.checks().get("accepting") != "error":
        assert time.monotonic() < until
    begun = time.monotonic()
    server.tell()
    code = server.ended(BOUND)

    assert code == 1
    assert time.monotonic() - begun < 5
    endless.close()


def test_a_worker_signs_off_answers_monitoring_and_is_missed_when_it_was_killed(found):
    office = found()
    worker = office.start("worker").await_live()
    server = office.start("serve").await_live()

    seen = server.checks()
    figures = worker.ask("/metrics")
    behind_a_proxy = worker.ask("/metrics", **{"X-Forwarded-For": "10.0.0.7"})
    worker.tell()
    code = worker.ended(BOUND)

    assert seen["worker"] == "ok"
    assert figures[0] == 200
    assert "opinion_workers 1.0" in figures[1]
    assert behind_a_proxy[0] == 404
    assert code == 0, worker.words()
    assert server.checks()["worker"] == "warn"


class BehindProxy(Browser):
    """A browser whose requests come through a proxy."""

    def send(self, method: str, path: str, fields: dict[str, str] | None = None) -> None:
        self.hang_up()
        self.connection = http.client.HTTPConnection("127.0.0.1", self.office.port, timeout=30)
        body = None if fields is None else urlencode({**fields, "csrf_token": self.token})
        headers = {"X-Forwarded-For": "192.0.2.9", "Cookie": self.cookie}
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self.connection.request(method, path, body, headers)


def test_what_a_trusted_proxy_says_of_the_client_reaches_the_log_through_the_real_server(found):
    office = found()
    server = office.start("serve", OPINION_TRUSTED_PROXIES="1").await_live()
    browser = BehindProxy(server, "wangfang")

    browser.sign_in()

    browser.hang_up()
    services = build(office.settings)
    with services.engine.connect() as conn:
        assert set(conn.scalars(select(security_log.c.ip))) == {"192.0.2.9"}
    services.engine.dispose()
