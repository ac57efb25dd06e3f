"""A PostgreSQL of one test's own that keeps what it has committed: the test may kill it and start it again.

The shared server (tests/support/postgres.py) is fast because it promises nothing. This one runs with fsync and
synchronous commit, listens where the test wants it to, and may live in a network namespace.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import psycopg

from tests.support.postgres import START_SECONDS, NoPostgres, Runner, server_directories

SETTINGS = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "max_connections": "120",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "shared_buffers": "32MB",
    "checkpoint_timeout": "30s",
}
PR_SET_PDEATHSIG = 1
Inside = Callable[[], AbstractContextManager[None]]
_libc = ctypes.CDLL(None, use_errno=True)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listened on a moment ago."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


class DurablePostgres:
    """`start`, `stop_immediately` (what is not on disk is gone), `start` again. Use as a context manager."""

    def __init__(self, listen: Sequence[str] = ("127.0.0.1",), inside: Inside = nullcontext) -> None:
        """`listen`: addresses beside the Unix socket in `root`. `inside`: where the server's process is started."""
        self.root = Path(tempfile.mkdtemp(prefix="opinion-durable-"))
        self.port = free_port()
        self.address = listen[0]
        self.inside = inside
        self.process: subprocess.Popen[bytes] | None = None
        self.log = (self.root / "log").open("w")
        self.runner = Runner.in_directory(self.root)
        found = list(server_directories())
        if not found:
            raise NoPostgres("no PostgreSQL found: `make test` installs one")
        self.programs = self.runner.reachable(found[0], self.log)
        initdb = (self.programs / "initdb", "-D", self.root / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8")
        if self.runner.popen(*initdb, "--locale=C", "--no-sync", log=self.log).wait() != 0:
            raise NoPostgres(self.last_words())
        network = "host all all 0.0.0.0/0 trust\n"  # namespaces and loopback only; see `listen`
        with (self.root / "data" / "pg_hba.conf").open("a") as rules:
            rules.write(network)
        self.listen = listen

    def start(self) -> None:
        """Until it answers; raises NoPostgres if it does not."""
        settings = {**SETTINGS, "listen_addresses": ",".join(self.listen), "port": str(self.port)}
        arguments = [f"-c{name}={value}" for name, value in settings.items()]
        program: list[str | Path] = [self.programs / "postgres", "-D", self.root / "data", "-k", self.root]
        with self.inside():
            self.process = self.runner.popen(*program, *arguments, log=self.log, before=self._before)
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                psycopg.connect(self.local_url("postgres")).close()
                return
            except psycopg.OperationalError:
                if self.process.poll() is not None or time.monotonic() > until:
                    raise NoPostgres(self.last_words()) from None
                time.sleep(0.05)

    def _before(self) -> None:
        """In the server's process: it dies with this one, however this one dies."""
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGQUIT, 0, 0, 0)

    def stop_immediately(self) -> None:
        """As `pg_ctl stop -m immediate` does: every process of the server quits without writing anything more."""
        assert self.process is not None
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(START_SECONDS)

    def local_url(self, database: str) -> str:
        """For psycopg, through the Unix socket: also where the server's network can't be reached from here."""
        return f"postgresql://postgres@/{database}?host={self.root}&port={self.port}"

    def make_database(self, name: str) -> None:
        with psycopg.connect(self.local_url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0'.encode())

    def sqlalchemy_url(self, name: str, address: str = "", port: int = 0) -> str:
        """`address` and `port`: of a proxy before it, or the address by which a namespace reaches it."""
        return f"postgresql+psycopg://postgres@{address or self.address}:{port or self.port}/{name}"

    def look_url(self, name: str) -> str:
        return self.local_url(name).replace("postgresql:", "postgresql+psycopg:", 1)

    def last_words(self) -> str:
        return (self.root / "log").read_text(errors="replace")[-3000:]

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGQUIT)
            self.process.wait(START_SECONDS)
        self.log.close()
        shutil.rmtree(self.root, ignore_errors=True)

    def __enter__(self) -> DurablePostgres:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
