"""The schema of every table that is no read model comes from revisions, also over the data of an earlier release."""

from __future__ import annotations

import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, Engine, func, inspect, select, text

from engine.domain.clock import FixedClock
from engine.journal import migrations
from engine.journal.append_only import GUARDS
from engine.journal.database import create_tables, open_database
from engine.journal.schema import entries, leaves, metadata, unsealed
from engine.readmodels.schema import READ_MODELS
from engine.service.bootstrap import build
from engine.service.people_tables import people_log, persons
from engine.service.settings import Settings
from engine.service.verify import Asked, verify
from tests.support.revision import differences
from tests.support.world import MONDAY, World

KEPT = Path(__file__).parents[1] / "databases"
"""Databases as earlier releases left them. A file in it is never written again."""
Url = Callable[[], str]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    return f"sqlite:///{tmp_path}/m.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    made = open_database(url)
    yield made
    made.dispose()


@pytest.fixture
def old(url: str, tmp_path: Path) -> str:
    """The database that release 0.1.0 (commit 7cc9b24) made: two cases, people, a sealed part and an unsealed one."""
    if url.startswith("sqlite"):
        with zipfile.ZipFile(KEPT / "0.1.0.sqlite.zip") as kept:
            (tmp_path / "m.db").write_bytes(kept.read("0.1.0.sqlite"))
    else:
        with zipfile.ZipFile(KEPT / "0.1.0.postgresql.zip") as kept:
            statements = kept.read("0.1.0.postgresql.sql")
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(statements)
    return url


def shape(connection: Connection) -> dict[str, Any]:
    """What an inspector tells of the tables that are no read models; names that the database chose are left out."""
    seen = inspect(connection)
    ours = sorted(metadata.tables.keys() - {table.name for table in READ_MODELS} - {"readmodel_version"})
    told: dict[str, Any] = {}
    for name in ours:
        told[name] = {
            "columns": [(c["name"], str(c["type"]), c["nullable"], c["default"]) for c in seen.get_columns(name)],
            "comment": seen.get_table_comment(name) if connection.dialect.supports_comments else "",
            "key": seen.get_pk_constraint(name)["constrained_columns"],
            "unique": sorted(one["column_names"] for one in seen.get_unique_constraints(name)),
            "checks": sorted(one["sqltext"] for one in seen.get_check_constraints(name)),
            "foreign": sorted(
                (one["constrained_columns"], one["referred_table"], one["referred_columns"])
                for one in seen.get_foreign_keys(name)
            ),
            "indexes": sorted((one["name"], one["column_names"], one["unique"]) for one in seen.get_indexes(name)),
        }
    return told


def test_the_migrated_schema_is_what_the_program_declares(engine):
    create_tables(engine)

    with engine.connect() as connection:
        assert differences(connection) == []
        assert migrations.waiting(connection) == ()
        assert migrations.unguarded(connection) == set()


def test_a_column_without_a_revision_would_be_found(engine):
    """Negative control of the test above."""
    create_tables(engine)
    with engine.connect().execution_options(writing=True) as connection, connection.begin():
        connection.execute(text("ALTER TABLE drafts ADD COLUMN forgotten TEXT"))

        assert [one[0] for one in differences(connection)] == ["remove_column"]


def test_revisions_make_the_same_constraints_as_the_declarations_do(engine, request, tmp_path):
    """Alembic compares no check constraints; this does."""
    create_tables(engine)
    sqlite = engine.dialect.name == "sqlite"
    other = open_database(f"sqlite:///{tmp_path}/c.db" if sqlite else request.getfixturevalue("postgres_database")())
    with other.connect().execution_options(writing=True) as connection, connection.begin():
        metadata.create_all(connection)
        declared = shape(connection)
    other.dispose()

    with engine.connect() as connection:
        assert shape(connection) == declared


def test_there_is_one_newest_revision():
    assert len(migrations.scripts().get_heads()) == 1, "two were added at once: let the later one follow the other"


def test_a_database_of_an_earlier_release_is_upgraded_with_its_data(old, tmp_path):
    before = counted(old)

    services = build(Settings(database_url=old, data_dir=tmp_path), FixedClock(MONDAY))

    with services.engine.connect() as connection:
        assert differences(connection) == []
        assert migrations.waiting(connection) == ()
        assert migrations.unguarded(connection) == set()
    services.engine.dispose()
    assert counted(old) == before
    assert before["entries"] > 10 and before["people_log"] > 0 and before["unsealed"] > 0 and before["leaves"] > 0


def test_cases_of_an_earlier_release_go_on_after_the_upgrade_and_everything_verifies(old, tmp_path):
    world = continued(old, tmp_path)
    case = world.case("WQ-2026-000001")

    case.fill("Task_sign")
    world.services.sealer.keys.rotate("qianjin", "密钥不在本机", lost=True)
    world.services.sealer.seal()

    report = verify(world.services, Asked(parts=("chains", "tree", "replays", "models", "numbers", "logs", "bundles")))
    world.services.engine.dispose()
    assert report.faults == 0, report.as_json()


def continued(url: str, folder: Path) -> World:
    """The office in an old database, two and a half hours after it was founded."""
    world = object.__new__(World)
    world.settings = Settings(database_url=url, data_dir=folder)
    world.clock = FixedClock(MONDAY)
    world.clock.advance(hours=3)
    world.numbers = iter(range(10_000, 99_999))
    world.services = world.start()
    return world


def counted(url: str) -> dict[str, int]:
    engine = open_database(url)
    with engine.connect() as connection:
        counts = {
            table.name: connection.scalar(select(func.count()).select_from(table)) or 0
            for table in (entries, leaves, unsealed, persons, people_log)
        }
    engine.dispose()
    return counts


def test_eight_programs_that_start_at_once_upgrade_once(url):
    engines = [open_database(url) for _ in range(8)]
    faults: list[BaseException] = []

    def start(engine: Engine) -> None:
        try:
            create_tables(engine)
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=start, args=(engine,)) for engine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with engines[0].connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM alembic_version")) == 1
        assert connection.scalar(text("SELECT count(*) FROM journal_format")) == 1
    for engine in engines:
        engine.dispose()
    assert faults == []


def test_a_database_with_revisions_of_a_later_release_is_left_as_it_is(engine):
    """Revisions only add, so the older program goes on while the upgrade rolls."""
    create_tables(engine)
    with engine.connect().execution_options(writing=True) as connection, connection.begin():
        connection.execute(text("UPDATE alembic_version SET version_num = 'of a later release'"))

    assert create_tables(engine) == "sha256"

    with engine.connect() as connection:
        assert connection.scalars(text("SELECT version_num FROM alembic_version")).all() == ["of a later release"]


def test_an_upgrade_that_fails_leaves_nothing_behind(engine, monkeypatch):
    kind = engine.dialect.name
    monkeypatch.setitem(GUARDS, kind, [*GUARDS[kind], "CREATE TRIGGER nonsense"])

    with pytest.raises(Exception, match="(?i)syntax|incomplete"):
        create_tables(engine)

    with engine.connect() as connection:
        assert inspect(connection).get_table_names() == []


def test_a_trigger_that_was_dropped_or_disabled_is_back_after_the_next_start(engine):
    create_tables(engine)
    postgres = engine.dialect.name == "postgresql"
    with engine.connect().execution_options(writing=True) as connection, connection.begin():
        if postgres:
            connection.execute(text("ALTER TABLE entries DISABLE TRIGGER entries_append_only"))
            connection.execute(text("DROP TRIGGER people_log_append_only ON people_log"))
        else:
            connection.execute(text("DROP TRIGGER entries_no_delete"))

    create_tables(engine)

    with engine.connect() as connection:
        assert migrations.unguarded(connection) == set()
