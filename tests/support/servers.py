"""Real processes of the program on a database of the shipped bundle: started, killed, looked at afterwards."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from engine.definitions.bundle import version_of
from engine.domain.clock import FixedClock
from engine.service import passwords
from engine.service.bootstrap import Services, build
from engine.service.deployments import Checked, check
from engine.service.settings import Settings
from tests.support.durable_postgres import Inside, free_port
from tests.support.world import ROOT, found_office, shipped_files

PATIENCE = 60.0
"""Seconds in which a server must have come up, on a machine that has other things to do."""

Start = Callable[[str], int]
"""Starts a command of the program and returns its process id."""
Sockets = Callable[[tuple[str, int], float], socket.socket]
"""Connects to an address within so many seconds."""


def hasty_files() -> dict[str, bytes]:
    """The shipped bundle, triage limited to two seconds and leaders reminded after one: so the worker writes while the
    clerks do."""
    files = dict(shipped_files())
    profile = files["bpmn/regulation.toml"].decode()
    for name, hasty in (("leader_reminder", "PT1S"), ("triage_limit", "PT2S")):
        assert profile.count(f'\n{name} = "PT30M"') == 1
        profile = profile.replace(f'\n{name} = "PT30M"', f'\n{name} = "{hasty}"')
    files["bpmn/regulation.toml"] = profile.encode()
    return files


@cache
def _checked() -> Checked:
    return check(hasty_files())


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


class Office:
    """One machine with the program on it, and the database that it works on. The first one founds the database."""

    def __init__(self, folder: Path, url: str = "", look_url: str = "", *, found: bool = True) -> None:
        """`url`: for the program (a SQLite file in `folder` if left out), `look_url`: for the test, if it differs."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        url = url or f"sqlite:///{folder}/opinion.db"
        self.settings = Settings(database_url=look_url or url, data_dir=folder)
        self.started_at = datetime.now(UTC)
        if found:
            self._found()
        self.port = free_port()
        self.connect: Sockets = socket.create_connection
        self.inside: Inside = nullcontext
        """Where its programs run: the namespace of a machine."""
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("OPINION_")},
            "OPINION_ENV": "development",
            "OPINION_DATABASE_URL": url,
            "OPINION_DATA_DIR": str(folder),
            "OPINION_PORT": str(self.port),
            "OPINION_WRITES_PER_MINUTE": "0",
        }
        self.output = (folder / "server.log").open("ab")
        self.processes: list[subprocess.Popen[bytes]] = []

    def _found(self) -> None:
        """Cast and bundle, with hashes that cost little and a bundle that is checked once a run."""
        services = build(self.settings, FixedClock(self.started_at))
        files = hasty_files()
        services.deployments._checked[version_of(files)] = _checked()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
            found_office(services, self.started_at, files)
        services.engine.dispose()

    def popen(self, *command: str, **more: Any) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stderr=self.output, **more)
        self.processes.append(process)
        return process

    @contextmanager
    def launcher(self) -> Iterator[Start]:
        command = (sys.executable, "-m", "tests.crash.launcher")
        with self.inside():
            process = self.popen(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdin is not None
        assert process.stdout is not None
        source, answers = process.stdin, process.stdout

        def start(command: str) -> int:
            source.write(f"{command}\n".encode())
            source.flush()
            for line in answers:
                if line.strip().isdigit():
                    return int(line)
            raise AssertionError(self.last_words())

        try:
            yield start
        finally:
            source.close()
            process.wait(PATIENCE)
            answers.close()

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
                self.connect(("127.0.0.1", self.port), 5).close()
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
