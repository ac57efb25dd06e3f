"""The PostgreSQL that the tests are given: real, empty, one server a run, and gone when the run is."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url

from tests.support.postgres import URL_VARIABLE

REPOSITORY = Path(__file__).parents[1]
SECONDS = 30


def tables(url: str) -> list[str]:
    engine = create_engine(url)
    with engine.begin() as connection:
        found = connection.execute(text("select tablename from pg_tables where schemaname = 'public'")).scalars().all()
        connection.execute(text("create table left_behind (a int)"))
    engine.dispose()
    return list(found)


def test_every_test_starts_with_an_empty_database(postgres_url: str):
    assert tables(postgres_url) == []


def test_whatever_the_test_before_has_left_behind(postgres_url: str):
    assert tables(postgres_url) == []


def test_databases_of_one_server_are_apart(postgres_server: URL, postgres_database: Callable[[], str]):
    one, other = postgres_database(), postgres_database()

    assert tables(one) == tables(other) == []
    assert make_url(one).query == make_url(other).query == postgres_server.query


def test_the_server_is_not_run_by_root_and_ends_with_a_killed_run(tmp_path: Path):
    (tmp_path / "test_hangs.py").write_text(
        textwrap.dedent("""
            import pathlib, signal, psycopg

            def test_hangs(postgres_server):
                root = pathlib.Path(postgres_server.query["host"])
                pid = (root / "data" / "postmaster.pid").read_text().split()[0]
                pathlib.Path("found").write_text(f"{pid} {root}")
                signal.pause()
        """)
    )
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    environment.pop(URL_VARIABLE, None)
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "tests.support.postgres", "--rootdir", tmp_path, tmp_path],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for(lambda: (tmp_path / "found").exists() and bool((tmp_path / "found").read_text()))
    pid, root = (tmp_path / "found").read_text().split(" ", 1)
    assert running(int(pid))
    assert Path(root, "data").owner() != "root"

    run.send_signal(signal.SIGKILL)
    run.wait()

    wait_for(lambda: not running(int(pid)) and not Path(root).exists())


def running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
