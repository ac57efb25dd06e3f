"""Databases that begin with what many tests need, copied instead of made: making all tables takes a second of
processor time, a copy of the same a fiftieth of it."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Hashable
from pathlib import Path

import psycopg
from sqlalchemy.engine import URL, make_url

from engine.journal.database import create_tables, open_database
from engine.readmodels import version

Fill = Callable[[str], None]
"""Writes what the copies begin with into the empty database of this SQLAlchemy URL."""

templates: dict[tuple[str, Hashable], str] = {}
"""PostgreSQL: server and content -> name of the database that is copied. Made once for each worker."""
_files: dict[Hashable, bytes] = {}
_numbers = itertools.count(1)


def with_tables(url: str) -> str:
    """`url`, whose empty database now has every table of this release and nothing in them."""
    copied(url, "tables", _tables)
    return url


def _tables(url: str) -> None:
    engine = open_database(url)
    create_tables(engine)
    version.bring_up(engine)
    engine.dispose()


def copied(url: str, content: Hashable, fill: Fill) -> bool:
    """Makes the empty database at `url` (SQLite file or PostgreSQL) a copy of one that `fill` filled before.

    `content`: what `fill` writes; the same content is written once. False, and nothing is done, where the database
    holds something already.
    """
    parsed = make_url(url)
    return (
        _file(Path(parsed.database or ""), content, fill)
        if parsed.drivername == "sqlite"
        else _copied(parsed, content, fill)
    )


def _file(path: Path, content: Hashable, fill: Fill) -> bool:
    if path.exists():
        return False
    if content not in _files:
        with tempfile.TemporaryDirectory() as folder:
            made = Path(folder) / "template.db"
            fill(f"sqlite:///{made}")
            _files[content] = made.read_bytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_files[content])
    return True


def _copied(url: URL, content: Hashable, fill: Fill) -> bool:
    if url.database == "postgres":  # the server's own, which can not be made anew
        return False
    with psycopg.connect(plain(url)) as connection:
        found = connection.execute(
            "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        ).fetchone()
    if found != (0,):
        return False
    server = url.set(database="postgres")
    key = plain(server), content
    if key not in templates:
        name = f"{url.database}_template_{next(_numbers)}"
        execute(server, f'CREATE DATABASE "{name}" TEMPLATE template0')
        fill(url.set(database=name).render_as_string(hide_password=False))
        templates[key] = name
    execute(server, f'DROP DATABASE "{url.database}"', f'CREATE DATABASE "{url.database}" TEMPLATE "{templates[key]}"')
    return True


def execute(server: URL, *statements: str) -> None:
    """Runs statements that can stand in no transaction."""
    with psycopg.connect(plain(server), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def plain(url: URL) -> str:
    """The URL as PostgreSQL's own programs know it: they read no blanks, as a password may have them."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False).replace(" ", "%20")
