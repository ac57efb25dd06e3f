"""Clerks who work on the real server over HTTP and write down what it has confirmed to them."""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

from engine.domain.calendar import ZONE
from engine.service import passwords
from engine.service.demo_answers import ANSWERS, filled
from tests.support.servers import Office

TOKEN = re.compile(r'name="csrf-token" content="([^"]+)"')
TRIAGE = "Call_case_round#1/Call_triage#1"
CONFIRMED, KNOWN_ALREADY, AWAY = 303, 409, 503
GONE = (ConnectionError, http.client.HTTPException, TimeoutError)
"""What a client sees of a server that is killed."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One submission. `mark`: words of it that stand nowhere else. `tries`: how often it was sent."""

    command_id: str
    mark: str
    kind: str
    tries: int


@dataclass(slots=True)
class Log:
    """What the clerks know. `confirmed`: the server answered with its redirect. `settled`: it answered a repetition
    with "done already". `strange`: any other answer, which none of them should ever see. `unanswered`: requests whose
    server went away after they were sent."""

    confirmed: list[Sent] = field(default_factory=list)
    settled: list[Sent] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)
    unanswered: int = 0
    away: list[float] = field(default_factory=list)
    """Seconds after which the server answered that its database is away."""
    slowest: float = 0.0
    """Seconds that the slowest answer of all took, whatever it was."""
    gap: float = 0.0
    """Seconds, the longest, in which nobody got a confirmation."""
    last: float = 0.0
    fresh: threading.Event = field(default_factory=threading.Event)
    """Set by each confirmation, and when a clerk stops."""

    def confirm(self, sent: Sent) -> None:
        now = time.monotonic()
        self.gap = max(self.gap, now - (self.last or now))
        self.last = now
        self.confirmed.append(sent)


class Browser:
    """One signed-in person's connection: cookie, CSRF token, one request at a time, no redirects followed."""

    def __init__(self, office: Office, login: str) -> None:
        self.office = office
        self.login = login
        self.cookie = ""
        self.token = ""
        self.sent = False
        self.connection: http.client.HTTPConnection | None = None

    def sign_in(self) -> None:
        self._learn("/login")
        status, _, _ = self.post("/login", {"user_id": self.login, "password": passwords.DEMO_PASSWORD})
        assert status == CONFIRMED, status
        self._learn("/register")

    def _learn(self, path: str) -> None:
        status, _, body = self.request("GET", path)
        found = TOKEN.search(body)
        assert status == 200, (path, status)
        assert found, path
        self.token = found[1]

    def post(self, path: str, fields: dict[str, str]) -> tuple[int, str, str]:
        return self.request("POST", path, fields)

    def request(self, method: str, path: str, fields: dict[str, str] | None = None) -> tuple[int, str, str]:
        """Status, where it redirects to, body. Raises one of GONE when the server goes away."""
        self.sent = False
        try:
            self.send(method, path, fields)
            self.sent = True
            assert self.connection is not None
            answer = self.connection.getresponse()
            body = answer.read().decode()
        except GONE:
            self.hang_up()
            raise
        set_cookie = answer.getheader("Set-Cookie") or ""
        if set_cookie.startswith("session="):
            self.cookie = set_cookie.split(";")[0]
        return answer.status, answer.getheader("Location") or "", body

    def send(self, method: str, path: str, fields: dict[str, str] | None = None) -> None:
        """Sends a request and does not wait for its answer."""
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.office.port, timeout=60)
            self.connection.sock = self.office.connect(("127.0.0.1", self.office.port), 60)
        body = None if fields is None else urlencode({**fields, "csrf_token": self.token})
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
        if self.cookie:
            headers["Cookie"] = self.cookie
        self.connection.request(method, path, body, headers)

    def hang_up(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None


class Clerk(threading.Thread):
    """Registers items, triages them and comments on them until told to stop. A submission that got no answer is sent
    again, the same page with the same command id, until the server has answered it."""

    def __init__(self, browser: Browser, name: str, log: Log, start: datetime, up: threading.Event) -> None:
        super().__init__(name=name, daemon=True)
        self.browser = browser
        self.log = log
        self.now = (start - timedelta(minutes=2)).astimezone(ZONE).isoformat(timespec="minutes")
        self.up = up
        self.enough = threading.Event()
        self.number = 0
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            while not self.enough.is_set():
                self.one_case()
        except BaseException as error:  # shown by the test, which waits for this thread
            self.failure = error
        finally:
            self.log.fresh.set()
            self.browser.hang_up()

    def one_case(self) -> None:
        mark = self.mark()
        case = self.submit("OpenCase", "/register", mark, item(mark, self.now)).rsplit("/", 1)[-1]
        for element, field_ in (("Task_screen", "screen_note"), ("Task_grade", "grade_reason")):
            mark = self.mark()
            values = {**filled(ANSWERS[element][1], self.now), field_: mark}
            path = f"/tasks/{case}/{quote(f'{TRIAGE}/{element}#1')}"
            self.submit("SubmitTask", path, mark, {"submission": json.dumps(values)})
            mark = self.mark()
            self.submit("AddComment", f"/cases/{case}/comment", mark, {"text": mark})
            if self.enough.is_set():
                return

    def mark(self) -> str:
        self.number += 1
        return f"{self.name} 的第 {self.number} 件"

    def submit(self, kind: str, path: str, mark: str, fields: dict[str, str]) -> str:
        """Where the confirmed submission redirected to."""
        number = hashlib.sha256(mark.encode()).hexdigest()[:32]
        tries = 0
        while True:
            tries += 1
            begun = time.monotonic()
            sent = Sent(f"{self.browser.login}:{number}", mark, kind, tries)
            try:
                status, target, body = self.browser.post(path, {**fields, "command_id": number})
            except GONE:
                self.log.unanswered += self.browser.sent
                self.up.wait(60)
                continue
            took = time.monotonic() - begun
            self.log.slowest = max(self.log.slowest, took)
            if status == AWAY:
                self.log.away.append(took)
                self.enough.wait(0.02)
                continue
            if status == CONFIRMED:
                self.log.confirm(sent)
                self.log.fresh.set()
                return target
            if status == KNOWN_ALREADY and tries > 1:
                self.log.settled.append(sent)
                return target
            self.log.strange.append(f"{kind} {path}: {status} {body[:300]}")
            raise AssertionError(self.log.strange[-1])


def item(mark: str, now: str) -> dict[str, str]:
    values = {
        "title": mark, "body": "网帖称某村耕地被硬化, 已停工。", "source_type": "forum", "source_name": "许都论坛",
        "discovered_at": now, "district": "市本级", "item_kind": "appeal", "discovered_by": "patrol",
        "reporter": "王芳", "no_state_secret": True,
    }  # fmt: skip
    return {"submission": json.dumps(values)}
