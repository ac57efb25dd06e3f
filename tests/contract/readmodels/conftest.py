"""Every test of this folder runs on each database; what it writes is undone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine

from engine.journal.database import create_tables, open_database
from engine.readmodels import version
from tests.support.databases import with_tables


@pytest.fixture(
    scope="session", params=["sqlite-file", "sqlite-memory", pytest.param("postgres", marks=pytest.mark.postgres)]
)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_database")()
    elif request.param == "sqlite-file":
        url = f"sqlite:///{tmp_path_factory.mktemp('readmodels') / 'cases.db'}"
    else:
        url = "sqlite:///:memory:"
    engine = open_database(url if request.param == "sqlite-memory" else with_tables(url))
    create_tables(engine)
    version.bring_up(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def conn(engine: Engine) -> Iterator[Connection]:
    with engine.connect().execution_options(writing=True) as conn:
        transaction = conn.begin()
        yield conn
        transaction.rollback()
