"""The databases that benches run on: SQLite in a folder, PostgreSQL with durable commits. Each figure is made on both.

SQLite is opened as the program opens it (WAL, synchronous=FULL); PostgreSQL runs on this machine with fsync, full page
writes and synchronous commits on: what is slower than a disk is what is measured, and nothing is lost to be fast.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import psycopg
from sqlalchemy.engine import URL

from engine.domain.clock import Clock, FixedClock
from engine.service import cast
from engine.service.bootstrap import Services, build
from engine.service.bundle_folder import from_folder
from engine.service.demo import ROOT
from engine.service.deployments import Checked, check
from engine.service.settings import Settings
from engine.service.transactions import writing
from tests.support.postgres import own_server

from .shipped import START

KINDS: Final = ("sqlite", "postgresql")
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked for on the command line. `full`: the long figures, not those of `make bench`."""

    full: bool = False
    kinds: tuple[str, ...] = KINDS

    @staticmethod
    def read(arguments: Sequence[str] | None = None) -> Options:
        parser = argparse.ArgumentParser()
        parser.add_argument("--full", action="store_true", help="the long figures")
        parser.add_argument("--database", choices=KINDS, action="append", help="this one only; may be repeated")
        chosen = parser.parse_args(arguments)
        return Options(chosen.full, tuple(chosen.database or KINDS))


SHORT: Final = Options()
"""What `make bench` runs."""


@dataclass(frozen=True, slots=True)
class Store:
    """A kind of database. `fresh(folder)`: URL of a new, empty database."""

    kind: str
    fresh: Callable[[Path], str]


@contextmanager
def stores(kinds: Sequence[str] = KINDS) -> Iterator[Iterator[Store]]:
    """The databases of these kinds, one after the other. A PostgreSQL server runs while the block lasts."""
    if "postgresql" not in kinds:
        yield (Store("sqlite", sqlite_url) for _ in kinds)
        return
    with own_server() as server:
        made: list[str] = []

        def fresh(_folder: Path) -> str:
            made.append(f"bench_{next(_numbers)}")
            _execute(server, f'CREATE DATABASE "{made[-1]}" TEMPLATE template0')
            return server.set(database=made[-1]).render_as_string(hide_password=False)

        every = {"sqlite": Store("sqlite", sqlite_url), "postgresql": Store("postgresql", fresh)}
        try:
            yield (every[kind] for kind in kinds)
        finally:
            for name in made:
                _execute(server, f'DROP DATABASE "{name}" WITH (FORCE)')


def sqlite_url(folder: Path) -> str:
    return f"sqlite:///{folder}/bench{next(_numbers)}.db"


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="opinion-bench-") as name:
        yield Path(name)


def office(url: str, place: Path, clock: Clock | None = None) -> Services:
    """The cast and the shipped bundle in a database that may have them already; at START unless told otherwise."""
    services = build(Settings(database_url=url, data_dir=place), clock or FixedClock(START))
    with writing(services.engine) as conn:
        cast.found(conn, services.clock.now())
    try:
        services.deployments.bundle()
    except KeyError:
        services.deployments._checked[_shipped().bundle.version] = _shipped()
        services.deployments.deploy(from_folder(ROOT), "sunli", "bench", "bench-deploy")
    return services


@cache
def _shipped() -> Checked:
    """The proofs of the shipped bundle: seconds, and the same for every database."""
    return check(from_folder(ROOT))


def analyse(services: Services) -> None:
    """On PostgreSQL the statistics for its planner, which autovacuum would have made within a minute. SQLite has none
    in operation, so it has none here."""
    if services.engine.dialect.name == "postgresql":
        with services.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            conn.exec_driver_sql("ANALYZE")


def _execute(server: URL, statement: str) -> None:
    plain = server.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(statement.encode())
