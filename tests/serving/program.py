"""Real processes of the program on one database: started, asked over HTTP, told to stop, and never left behind."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from engine.domain.calendar import ZONE
from tests.crash.clerks import Browser, item
from tests.support.world import ROOT, World

PATIENCE = 60.0
"""Seconds in which a process must have come up, on a machine that has other things to do."""


def free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        port: int = opened.getsockname()[1]
        return port


@dataclass(slots=True)
class Running:
    """A process, and the port it answers on."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def ask(self, path: str, **headers: str) -> tuple[int, str]:
        """Status and body; (0, "") when nobody listens or answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException):
            return 0, ""
        finally:
            connection.close()

    def checks(self) -> dict[str, str]:
        _, body = self.ask("/health/ready")
        found: dict[str, str] = json.loads(body)["checks"] if body else {}
        return found

    def await_live(self) -> Running:
        until = time.monotonic() + PATIENCE
        while self.ask("/health/live")[0] != 200:
            assert self.process.poll() is None, self.words()
            assert time.monotonic() < until, self.words()
            threading.Event().wait(0.05)
        return self

    def tell(self, number: int = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    def ended(self, seconds: float) -> int:
        """Its exit code. Raises subprocess.TimeoutExpired when it is still there after so many seconds."""
        return self.process.wait(seconds)

    def words(self) -> str:
        return self.log.read_text(errors="replace")[-4000:]


class Office:
    """A founded office on a database; its processes."""

    def __init__(self, folder: Path, url: str = "") -> None:
        self.folder = folder
        self.url = url or f"sqlite:///{folder}/opinion.db"
        self.started_at = datetime.now(UTC)
        self.running: list[Running] = []
        world = World(folder, url, at=self.started_at)
        world.services.engine.dispose()
        self.settings = world.settings

    def start(self, kind: str, *, module: str = "engine.cli", **settings: str) -> Running:
        port = free_port()
        log = self.folder / f"{kind}-{len(self.running)}.log"
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("OPINION_")},
            "OPINION_DATABASE_URL": self.url,
            "OPINION_DATA_DIR": str(self.folder),
            "OPINION_WRITES_PER_MINUTE": "0",
            "OPINION_STOP_NOTICE_SECONDS": "1",
            "OPINION_LOG_FORMAT": "json",
            "OPINION_MONITOR_PORT" if kind == "worker" else "OPINION_PORT": str(port),
            **settings,
        }
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", module, kind], cwd=ROOT, env=environment, stdout=output, stderr=output
            )
        self.running.append(Running(process, port, log))
        return self.running[-1]

    def close(self) -> None:
        for one in self.running:
            one.process.kill()
            one.process.wait(PATIENCE)


@dataclass(slots=True)
class At:
    """Where a browser asks; may change while it is at work."""

    port: int

    def connect(self, address: tuple[str, int], seconds: float) -> socket.socket:
        return socket.create_connection(address, seconds)


@dataclass(slots=True)
class Outcome:
    """What one client met with. `confirmed`: titles of cases that the server said it had opened."""

    confirmed: list[str] = field(default_factory=list)
    answered: int = 0
    unanswered: list[str] = field(default_factory=list)
    after_the_signal: int = 0


class Client(threading.Thread):
    """Registers one case after another on a kept connection. Where a server closes the connection after an answer, it
    asks for another server (`others`), as a load balancer would; without one it is done."""

    def __init__(self, ports: list[int], name: str, login: str, at: datetime, told: threading.Event) -> None:
        super().__init__(name=name, daemon=True)
        self.ports = ports
        self.at = At(ports[0])
        self.browser = Browser(self.at, login)
        self.now = (at - timedelta(minutes=2)).astimezone(ZONE).isoformat(timespec="minutes")
        self.told = told
        self.enough = threading.Event()
        self.outcome = Outcome()

    def run(self) -> None:
        try:
            self.work()
        finally:
            self.browser.hang_up()

    def work(self) -> None:
        number = 0
        while not self.enough.is_set():
            number += 1
            title = f"{self.name} 第 {number} 件"
            fields = {**item(title, self.now), "command_id": hashlib.sha256(title.encode()).hexdigest()[:32]}
            late = self.told.is_set()
            try:
                status, _, _ = self.browser.post("/register", fields)
            except (OSError, http.client.HTTPException) as error:
                if self.browser.sent:
                    self.outcome.unanswered.append(f"{title}: {error!r}")
                return
            self.outcome.answered += 1
            self.outcome.after_the_signal += late or self.told.is_set()
            if status == 303:
                self.outcome.confirmed.append(title)
            if self.closed() and not self.move_on():
                return

    def closed(self) -> bool:
        """Whether the server has closed the connection with its last answer."""
        connection: Any = self.browser.connection
        return connection is None or connection.sock is None

    def move_on(self) -> bool:
        self.ports.remove(self.at.port)
        if self.ports:
            self.at.port = self.ports[0]
        self.browser.hang_up()
        return bool(self.ports)
