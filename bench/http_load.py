"""50 staff at their browsers: submissions a second and page times of the real `serve`, with 100,000 timers waiting.

The server is `python -m engine.cli serve`, the clocks run in `python -m engine.cli worker`, the staff are threads in
processes of their own with one kept connection each: inbox, task page, submission, and again. First they think between
two submissions, as people do: that gives page times. Then nobody thinks: that gives submissions a second.

The waiting timers are rows without cases, due in the coming weeks: they are there to be passed over. Those whose
lateness is measured are real: the reminder of the leader, which the bundle of this bench arms five seconds after a
case is graded.
"""

from __future__ import annotations

import http.client
import json
import multiprocessing
import random
import re
import socket
import statistics
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

from sqlalchemy import insert, select

from engine.domain.clock import FixedClock
from engine.domain.codec import instant_text, parse_instant
from engine.journal.schema import entries
from engine.readmodels import schema
from engine.readmodels.statements import blank_row
from engine.service import cast
from engine.service.bootstrap import Services, build
from engine.service.bundle_folder import from_folder
from engine.service.demo import ROOT, walker
from engine.service.demo_answers import ANSWERS, filled
from engine.service.load_forms import stamp
from engine.service.passwords import DEMO_PASSWORD
from engine.service.settings import Settings
from engine.service.transactions import writing

from . import shipped, stores
from .burst import processes

STAFF: Final = 50
CLIENTS: Final = 2
"""Processes that the staff's threads are divided among."""
TRIAGE: Final = "Call_case_round#1/Call_triage#1"
STEPS: Final = (
    ("Task_screen", f"{TRIAGE}/Task_screen#1"),
    ("Task_grade", f"{TRIAGE}/Task_grade#1"),
    ("Task_contact", "Call_case_round#1/Call_collect_verify#1/Task_contact#1"),
)
LOGINS: Final = ("wangfang", "lina")
"""The office's clerks: each is signed in many times."""
WAITING: Final = 100_000


TOKEN: Final = re.compile(r'name="csrf-token" content="([^"]+)"')
CONFIRMED: Final = 303
ONE_BY_ONE: Final = threading.Lock()
"""Of a client process: several of the staff share a login here, and attempts in flight at once count as failed ones."""


class Browser:
    """One signed-in person's kept connection: cookie, CSRF token, no redirects followed."""

    def __init__(self, port: int, login: str) -> None:
        self.login = login
        self.cookie = self.token = ""
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def sign_in(self) -> None:
        self._learn("/login")
        status, _ = self.request("POST", "/login", {"user_id": self.login, "password": DEMO_PASSWORD})
        assert status == CONFIRMED, status
        self._learn("/register")

    def _learn(self, path: str) -> None:
        status, body = self.request("GET", path)
        found = TOKEN.search(body)
        assert status == 200, (path, status)
        assert found, path
        self.token = found[1]

    def request(self, method: str, path: str, fields: dict[str, str] | None = None) -> tuple[int, str]:
        """Status and body."""
        body = None if fields is None else urlencode({**fields, "csrf_token": self.token})
        headers = {"Cookie": self.cookie} if self.cookie else {}
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        text = answer.read().decode()
        set_cookie = answer.getheader("Set-Cookie") or ""
        if set_cookie.startswith("session="):
            self.cookie = set_cookie.split(";")[0]
        return answer.status, text


@dataclass(slots=True)
class Done:
    """Of one phase: seconds of each request by kind, and how long the phase took."""

    times: dict[str, list[float]] = field(default_factory=lambda: {"inbox": [], "task": [], "submit": []})
    took: float = 0.0

    def add(self, other: Done) -> None:
        for kind, times in other.times.items():
            self.times[kind] += times
        self.took = max(self.took, other.took)

    def p95(self, kind: str) -> float:
        return statistics.quantiles(self.times[kind], n=20)[-1]


class Clerk(threading.Thread):
    """One of the staff. Works through his cases, `think` seconds on average between two submissions."""

    def __init__(self, port: int, number: int, cases: list[str], think: float, start: threading.Barrier) -> None:
        super().__init__(daemon=True)
        self.browser = Browser(port, LOGINS[number % len(LOGINS)])
        self.cases, self.think, self.start_line = cases, think, start
        self.chance = random.Random(number)
        self.done = Done()
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            with ONE_BY_ONE:
                self.browser.sign_in()
            self.start_line.wait(300)
            began = time.perf_counter()
            for case_id in self.cases:
                for element, task in STEPS:
                    if self.think:
                        time.sleep(self.chance.expovariate(1 / self.think))
                    self.step(case_id, element, task)
            self.done.took = time.perf_counter() - began
        except BaseException as error:
            self.failure = error
            self.start_line.abort()

    def step(self, case_id: str, element: str, task: str) -> None:
        path = f"/tasks/{case_id}/{quote(task)}"
        self.ask("inbox", 200, "GET", "/inbox?view=role")
        self.ask("task", 200, "GET", path)
        values = filled(ANSWERS[element][1], stamp(datetime.now(UTC)))
        sent = {"submission": json.dumps(values), "command_id": f"{self.chance.getrandbits(128):032x}"}
        self.ask("submit", CONFIRMED, "POST", path, sent)

    def ask(self, kind: str, expected: int, method: str, path: str, fields: dict[str, str] | None = None) -> None:
        began = time.perf_counter()
        status, body = self.browser.request(method, path, fields)
        self.done.times[kind].append(time.perf_counter() - began)
        assert status == expected, (kind, status, body[:500])


def staff(port: int, shares: list[tuple[int, list[str]]], think: float, result: Any) -> None:
    """One client process: a thread for each of its staff."""
    start = threading.Barrier(len(shares))
    clerks = [Clerk(port, number, cases, think, start) for number, cases in shares]
    for clerk in clerks:
        clerk.start()
    for clerk in clerks:
        clerk.join()
    result.put([clerk.done if clerk.failure is None else repr(clerk.failure) for clerk in clerks])


def phase(port: int, cases: list[str], think: float, people: int) -> Done:
    """All staff on their shares of the cases."""
    context = multiprocessing.get_context("spawn")
    result = context.Queue()
    shares = [(number, cases[number::people]) for number in range(people)]
    clients = [
        context.Process(target=staff, args=(port, shares[client::CLIENTS], think, result), daemon=True)
        for client in range(CLIENTS)
    ]
    for client in clients:
        client.start()
    total = Done()
    failed = []
    for done in [one for _ in clients for one in result.get(timeout=1800)]:
        if isinstance(done, Done):
            total.add(done)
        else:
            failed.append(done)
    # Who waits at the start is sent away when another fails: the cause is the one that is not that.
    assert not failed, sorted(failed, key=lambda one: "BrokenBarrier" in one)[0]
    for client in clients:
        client.join(20)
    return total


def hasty() -> dict[str, bytes]:
    """The shipped bundle, its leaders reminded five seconds after a case is graded."""
    files = dict(from_folder(ROOT))
    profile = files["bpmn/regulation.toml"].decode()
    assert profile.count('leader_reminder = "PT30M"') == 1
    files["bpmn/regulation.toml"] = profile.replace('leader_reminder = "PT30M"', 'leader_reminder = "PT5S"').encode()
    return files


def prepared(store: stores.Store, place: Path, count: int, waiting: int) -> tuple[str, Services, list[str]]:
    """A database with `count` cases just registered and so many rows of timers that wait."""
    url, now = store.fresh(place), datetime.now(UTC)
    services = build(Settings(database_url=url, data_dir=place), FixedClock(now))
    with writing(services.engine) as conn:
        cast.found(conn, now)
    services.deployments.deploy(hasty(), "sunli", "bench", "bench-deploy")
    cases = shipped.cases(walker(services, now), count)
    for first in range(0, waiting, 10_000):
        rows = [
            {
                **blank_row(schema.timers), "case_id": f"WQ-2020-{n:06}", "timer": "waits",
                "due": instant_text(now + timedelta(days=1, seconds=20 * n)),
            }
            for n in range(first, min(first + 10_000, waiting))
        ]  # fmt: skip
        with writing(services.engine) as conn:
            conn.execute(insert(schema.timers), rows)
    stores.analyse(services)
    return url, services, cases


def lateness(services: Services) -> list[float]:
    """Seconds from due to the instant recorded, of every timer that fired."""
    with services.engine.connect() as conn:
        bodies = conn.scalars(select(entries.c.body).where(entries.c.actor == "system:timer")).all()
    fired = [json.loads(bytes(body)) for body in bodies]
    return sorted(
        (parse_instant(entry["at"]) - parse_instant(event["due"])).total_seconds()
        for entry in fired
        for event in entry["events"]
        if event["kind"] == "TimerFired"
    )


def wait_for(port: int, seconds: float = 120.0) -> None:
    until = time.perf_counter() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            assert time.perf_counter() < until, "the server did not start"
            time.sleep(0.1)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def measure(
    store: stores.Store, *, people: int, each: int, think: float, waiting: int
) -> tuple[Done, Done, list[float]]:
    """Thinking staff, staff that never thinks, and the lateness of timers in both."""
    with stores.folder() as place:
        url, services, cases = prepared(store, place, 2 * people * each, waiting)
        port = free_port()
        with processes("serve", url, place, [port]), processes("worker", url, place, [0]):
            wait_for(port)
            thinking = phase(port, cases[: people * each], think, people)
            hurried = phase(port, cases[people * each :], 0.0, people)
            time.sleep(6.0)  # the last reminders are due five seconds after their grading
        late = lateness(services)
        services.engine.dispose()
    return thinking, hurried, late


def report(options: stores.Options = stores.SHORT) -> None:
    each, think, waiting = (10, 5.0, WAITING) if options.full else (1, 5.0, WAITING)
    print(f"{STAFF} staff, one `serve`, one `worker`, {waiting:,} timers waiting; think {think:.0f} s, then none")
    with stores.stores(options.kinds) as every:
        for store in every:
            thinking, hurried, late = measure(store, people=STAFF, each=each, think=think, waiting=waiting)
            for name, done in (("thinking", thinking), ("hurried", hurried)):
                rate = len(done.times["submit"]) / done.took
                shown = "  ".join(
                    f"{kind} p50 {statistics.median(done.times[kind]) * 1e3:5.0f} p95 {done.p95(kind) * 1e3:5.0f} ms"
                    for kind in done.times
                )
                print(f"  {store.kind:<11} {name:<9} {rate:6.1f} submissions/s  {shown}")
            p50, p99 = (late[min(len(late) - 1, int(share * len(late)))] for share in (0.5, 0.99))
            print(
                f"  {store.kind:<11} {len(late)} timers fired, late by p50 {p50:.2f} s, p99 {p99:.2f} s; aim: p99 < 2 s"
            )


if __name__ == "__main__":
    report(stores.Options.read())
