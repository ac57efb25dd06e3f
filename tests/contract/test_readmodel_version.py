"""Read models of another release are rebuilt at start, on both databases."""

import pytest
from sqlalchemy import delete, insert, select, text

from engine.journal.database import create_tables, open_database
from engine.journal.entry import GENESIS, make_entry
from engine.journal.store import SqlJournal, SqlTransaction
from engine.readmodels import version
from engine.readmodels.schema import cases
from tests.support.diagrams import T0


@pytest.fixture(params=["sqlite", "postgres"])
def journal(request, tmp_path):
    url = f"sqlite:///{tmp_path}/r.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    engine = open_database(url)
    create_tables(engine)
    yield SqlJournal(engine)
    engine.dispose()


def entry():
    opened = {"kind": "CaseOpened", "process": "p", "bundle": "b", "title": "题目", "opened_by": "wangfang"}
    return make_entry(
        case_id="WQ-1", seq=1, at=T0, actor="wangfang", on_behalf_of="", command_id="c1",
        command={"kind": "OpenCase", "process": "p", "values": {}}, bundle="b", engine_version="t", events=[opened],
        state_digest="", prev_hash=GENESIS,
    )  # fmt: skip


def bring_up(journal) -> int:
    return version.bring_up(journal.engine, lambda conn: SqlTransaction(conn).read("WQ-1"))


@pytest.mark.parametrize("journal", ["sqlite"], indirect=True)
def test_a_table_of_another_shape_is_dropped_and_filled_from_the_journal(journal):
    """On PostgreSQL it stays, for the program that uses it: test_rolling_upgrade."""
    assert bring_up(journal) == 0
    with journal.writing() as tx:
        tx.append(entry())
        tx.connection.execute(text("DROP TABLE cases"))
        tx.connection.execute(text("CREATE TABLE cases (case_id TEXT, old_column TEXT)"))
        tx.connection.execute(delete(version.readmodel_version))
        tx.connection.execute(insert(version.readmodel_version).values(digest="an older release"))

    assert bring_up(journal) == 1

    with journal.reading() as tx:
        assert tx.connection.scalars(select(cases.c.title)).all() == ["题目"]


def test_fitting_read_models_are_left_alone(journal):
    bring_up(journal)
    with journal.writing() as tx:
        tx.append(entry())

    assert bring_up(journal) == 0
