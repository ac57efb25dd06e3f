"""Tampering on PostgreSQL by the owner of the tables, who switches the triggers off: each kind is found and placed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from engine.domain.commands import AddComment
from engine.service.people_log import security
from engine.service.transactions import writing
from engine.service.verify import Asked, verify
from tests.support.walks import graded
from tests.support.world import World

pytestmark = pytest.mark.postgres
EVERYTHING = Asked()
CASE = "WQ-2026-000001"
FORGERIES = {
    "a byte of an entry": "UPDATE entries SET body = set_byte(body, 40, get_byte(body, 40) # 1) WHERE {third}",
    "the hash of an entry": "UPDATE entries SET hash = reverse(hash) WHERE {third}",
    "an entry taken out": "DELETE FROM entries WHERE {third}",
    "the end of a case": "DELETE FROM entries WHERE case_id = '{case}' AND seq > 3",
    "a whole case": "DELETE FROM entries WHERE case_id = '{case}'",
    "two entries exchanged": "UPDATE entries SET seq = CASE seq WHEN 2 THEN -3 ELSE -2 END"
    " WHERE case_id = '{case}' AND seq IN (2, 3)",
    "a leaf of the tree": "UPDATE leaves SET hash = set_byte(hash, 0, get_byte(hash, 0) # 1) WHERE {third}",
    "a signed checkpoint": "UPDATE checkpoints SET note = replace(note, 'time 2026', 'time 2025') WHERE number = 1",
    "a row of the log of people": "UPDATE security_log SET ip = '10.9.9.9' WHERE log_id = 1",
    "a row of the read models": "UPDATE cases SET title = '别的题目' WHERE case_id = '{case}'",
}


@pytest.fixture(scope="module")
def office(postgres_database, tmp_path_factory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("forged"), postgres_database())
    case = graded(made)
    for number in range(3):
        made.do("wangfang", AddComment(f"第{number}次查看"), case.id)
    with writing(made.services.engine) as conn:
        security(conn, made.clock.now(), "sign_in", "wangfang", "10.0.0.1", {})
    made.services.sealer.seal()
    yield made
    made.services.engine.dispose()


def test_an_untouched_office_has_no_faults(office, monkeypatch):
    """Control: read in the same way as below, inside a transaction."""
    with office.services.engine.connect() as conn, conn.begin():
        monkeypatch.setattr(office.services.engine, "connect", lambda: _Same(conn))

        report = verify(office.services, EVERYTHING)

        monkeypatch.undo()

    assert report.faults == 0, report.as_json()


@pytest.mark.parametrize("what", FORGERIES)
def test_it_is_found(office, what, monkeypatch):
    statement = FORGERIES[what].format(case=CASE, third=f"case_id = '{CASE}' AND seq = 3")
    engine = office.services.engine
    with engine.connect() as conn, conn.begin() as forged:
        conn.execute(text("SET LOCAL session_replication_role = replica"))
        assert conn.execute(text(statement)).rowcount >= 1
        if what == "two entries exchanged":
            conn.execute(text(f"UPDATE entries SET seq = -seq WHERE case_id = '{CASE}' AND seq < 0"))
        # Verified inside the forger's transaction, so that the next forgery finds the office whole.
        monkeypatch.setattr(engine, "connect", lambda: _Same(conn))

        report = verify(office.services, EVERYTHING)

        monkeypatch.undo()
        forged.rollback()

    assert report.faults > 0
    told = report.as_json()
    assert CASE in told or what in ("a signed checkpoint", "a row of the log of people")


class _Same:
    """Stands for a new connection: the forger's own, whose transaction is neither begun nor ended."""

    def __init__(self, conn) -> None:
        self.conn = conn

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def begin(self):
        return self

    def __getattr__(self, name: str):
        return getattr(self.conn, name)
