"""Statements that go straight to the driver keep what a connection of SQLAlchemy promises."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from engine.journal.database import open_database
from engine.journal.driver import Driver

ADD = "INSERT INTO counted (id, name) VALUES (?, ?)"
NAMES = "SELECT name FROM counted WHERE id >= ? ORDER BY id"


@pytest.fixture(params=["sqlite", "postgres"])
def connection(request, tmp_path) -> Iterator[Connection]:
    url = f"sqlite:///{tmp_path}/d.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    engine = open_database(url)
    with engine.begin() as made:
        made.execute(text("CREATE TABLE counted (id INTEGER PRIMARY KEY, name TEXT NOT NULL)"))
    with engine.connect() as found:
        yield found
    engine.dispose()


def test_a_query_inside_a_batch_sees_all_that_was_written_before_it(connection: Connection) -> None:
    driver = Driver(connection)

    with driver.batch():
        for number in range(20):
            driver.run(ADD, [(number, f"n{number}")])
            seen = driver.fetch(NAMES, (number,))
            assert seen == [(f"n{number}",)]
        driver.run(ADD, [(number, "many") for number in range(20, 23)])
        seen = driver.fetch(NAMES, (19,))

    assert seen == [("n19",), ("many",), ("many",), ("many",)]


def test_a_fault_in_a_batch_is_an_error_of_sqlalchemy_at_the_latest_at_its_end(connection: Connection) -> None:
    driver = Driver(connection)

    with pytest.raises(IntegrityError), driver.batch():
        driver.run(ADD, [(1, "first")])
        driver.run(ADD, [(1, "second")])

    connection.rollback()
    assert Driver(connection).fetch(NAMES, (0,)) == []


def test_what_a_batch_wrote_goes_with_its_transaction(connection: Connection) -> None:
    driver = Driver(connection)
    with driver.batch():
        driver.run(ADD, [(1, "first"), (2, "second")])

    connection.rollback()

    assert Driver(connection).fetch(NAMES, (0,)) == []


@pytest.mark.parametrize("batched", [False, True])
def test_a_connection_that_was_ended_is_told_as_lost_and_not_used_again(postgres_url: str, batched: bool) -> None:
    engine = open_database(postgres_url)
    with engine.connect() as connection:
        pid = connection.scalar(text("SELECT pg_backend_pid()"))
        with engine.begin() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})

        with pytest.raises(DBAPIError) as raised:
            driver = Driver(connection)
            if batched:
                with driver.batch():
                    driver.run("SELECT ?", [(1,)])
            else:
                driver.fetch("SELECT ?", (1,))

        assert raised.value.connection_invalidated
        assert connection.invalidated
    with engine.connect() as fresh:
        assert fresh.scalar(text("SELECT 1")) == 1
    engine.dispose()
