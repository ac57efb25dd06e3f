"""Connections to PostgreSQL give up on a silent server, and let work that takes long take long."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from engine.journal import connections
from engine.journal.connections import LIFTED, SESSION, patient
from engine.journal.database import open_database
from engine.service.outages import connection_lost, is_outage
from tests.support.durable_postgres import DurablePostgres
from tests.support.networks import Proxy

pytestmark = pytest.mark.postgres


@pytest.fixture
def database(postgres_url: str) -> Iterator[Engine]:
    engine = open_database(postgres_url)
    yield engine
    engine.dispose()


@pytest.fixture
def silent() -> Iterator[tuple[Engine, Proxy]]:
    """An engine whose connections pass through a proxy that can fall silent."""
    with DurablePostgres() as server:
        proxy = Proxy((server.address, server.port))
        engine = open_database(server.sqlalchemy_url("postgres", "127.0.0.1", proxy.port))
        yield engine, proxy
        engine.dispose()
        proxy.close()


def shown(conn, name: str) -> int:
    return int(conn.execute(text("SELECT setting FROM pg_settings WHERE name = :name"), {"name": name}).scalar_one())


def test_every_session_has_the_limits_and_the_url_may_say_otherwise(database, postgres_url):
    mark = "&" if "?" in postgres_url else "?"
    own = open_database(f"{postgres_url}{mark}options=-c%20lock_timeout=7s")

    with database.connect() as conn:
        limits = {name: shown(conn, name) for name in LIFTED}
    with own.connect() as conn:
        shorter = shown(conn, "lock_timeout")
    own.dispose()

    assert limits == {name: SESSION[name] for name in LIFTED}
    assert shorter == 7000


def test_a_long_piece_of_work_lifts_the_limits_for_its_own_transaction_only(database):
    with database.connect() as conn:
        with conn.begin():
            patient(conn)
            within = {name: shown(conn, name) for name in LIFTED}
            silence = conn.connection.dbapi_connection.silence
        after = {name: shown(conn, name) for name in LIFTED}
    with database.connect() as conn:
        silence_of_the_next = conn.connection.dbapi_connection.silence

    assert within == dict.fromkeys(LIFTED, 0)
    assert silence == 0
    assert after == {name: SESSION[name] for name in LIFTED}
    assert silence_of_the_next == connections.SILENCE_SECONDS


def test_a_server_that_falls_silent_in_a_statement_is_given_up_and_asked_again_once_it_speaks(silent, monkeypatch):
    engine, proxy = silent
    monkeypatch.setattr(connections, "SILENCE_SECONDS", 0.5)
    with engine.connect() as conn:
        conn.execute(text("SELECT 1"))
        proxy.dead.set()

        begun = time.monotonic()
        with pytest.raises(OperationalError) as caught:
            conn.execute(text("SELECT 2"))
        took = time.monotonic() - begun
    proxy.dead.clear()

    assert 0.4 < took < 10
    assert is_outage(caught.value)
    assert connection_lost(caught.value)
    with engine.connect() as conn:
        assert conn.execute(text("SELECT 3")).scalar_one() == 3


def test_a_statement_that_takes_longer_than_the_silence_is_waited_for_where_patience_was_asked_for(silent, monkeypatch):
    engine, _ = silent
    monkeypatch.setattr(connections, "SILENCE_SECONDS", 0.3)

    with engine.connect() as conn:
        patient(conn)
        conn.execute(text("SELECT pg_sleep(0.8)"))
    with engine.connect() as conn, pytest.raises(OperationalError, match="has not answered"):
        conn.execute(text("SELECT pg_sleep(0.8)"))


def test_nobody_at_the_port_is_an_outage_and_a_wrong_statement_is_none(database):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        nobody = open_database(f"postgresql://x@127.0.0.1:{listener.getsockname()[1]}/x")
    with pytest.raises(OperationalError) as away:
        nobody.connect()
    with database.connect() as conn, pytest.raises(Exception, match="no_such_table") as wrong:
        conn.execute(text("SELECT * FROM no_such_table"))

    assert is_outage(away.value)
    assert not is_outage(wrong.value)
