"""One suite for every store of the journal: memory, SQLite, PostgreSQL."""

import sqlite3
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from engine.journal.chain import verify_chain
from engine.journal.database import FormatTooNew, create_tables, open_database
from engine.journal.entry import GENESIS, StoredEntry, make_entry, read_entry
from engine.journal.memory import MemoryJournal
from engine.journal.schema import FORMAT_VERSION
from engine.journal.store import CommandSeen, SequenceTaken, SqlJournal
from tests.support.databases import with_tables

AT = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


def entry(case_id: str, seq: int, prev: str = GENESIS, command_id: str = "") -> StoredEntry:
    return make_entry(
        case_id=case_id,
        seq=seq,
        at=AT + timedelta(seconds=seq),
        actor="wangfang",
        on_behalf_of="",
        command_id=command_id or f"{case_id}-{seq}",
        command={"kind": "AddComment", "text": "已核实 “现场”\n"},
        bundle="b" * 64,
        engine_version="test",
        events=[{"kind": "CommentAdded", "text": "x", "by": "wangfang"}],
        state_digest="d" * 64,
        prev_hash=prev,
    )


def chain(case_id: str, length: int) -> list[StoredEntry]:
    entries: list[StoredEntry] = []
    for seq in range(1, length + 1):
        entries.append(entry(case_id, seq, entries[-1].hash if entries else GENESIS))
    return entries


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def journal(request, tmp_path):
    if request.param == "memory":
        yield MemoryJournal()
        return
    url = f"sqlite:///{tmp_path}/j.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    engine = open_database(with_tables(url))
    create_tables(engine)
    yield SqlJournal(engine)
    engine.dispose()


def add(journal, *entries: StoredEntry) -> None:
    with journal.writing() as tx:
        for one in entries:
            tx.append(one)


def test_entries_come_back_byte_for_byte_and_in_order(journal):
    entries = chain("A", 3)
    add(journal, *entries)

    with journal.reading() as tx:
        assert tx.read("A") == entries
        assert tx.read("A", after=2) == entries[2:]
        assert tx.read("A", after=1, upto=2) == entries[1:2]
        assert tx.read("B") == []


def test_the_head_is_the_last_entry(journal):
    entries = chain("A", 3)
    add(journal, *entries)

    with journal.reading() as tx:
        head = tx.head("A")
        assert (head.seq, head.hash) == (3, entries[-1].hash)
        assert tx.head("B") is None


def test_a_taken_sequence_number_is_refused_and_the_transaction_leaves_nothing(journal):
    add(journal, *chain("A", 1))

    with pytest.raises(SequenceTaken), journal.writing() as tx:
        tx.append(entry("C", 1))
        tx.append(entry("A", 1, command_id="other"))

    with journal.reading() as tx:
        assert tx.streams() == ["A"]


def test_a_command_is_kept_once(journal):
    add(journal, entry("A", 1, command_id="once"))

    with pytest.raises(CommandSeen), journal.writing() as tx:
        tx.append(entry("B", 1, command_id="once"))

    with journal.reading() as tx:
        assert tx.find_command("once").case_id == "A"
        assert tx.find_command("never") is None


def test_an_exception_in_the_block_undoes_everything(journal):
    with pytest.raises(ValueError, match="power cut"), journal.writing() as tx:
        tx.append(entry("A", 1))
        raise ValueError("power cut")

    with journal.reading() as tx:
        assert tx.streams() == []


def test_a_transaction_sees_its_own_entries(journal):
    with journal.writing() as tx:
        tx.append(entry("A", 1))
        assert tx.head("A").seq == 1
        assert len(tx.read("A")) == 1


@pytest.fixture(params=["sqlite", "postgres"])
def database(request, tmp_path):
    url = f"sqlite:///{tmp_path}/j.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    engine = open_database(with_tables(url))
    create_tables(engine)
    yield engine
    engine.dispose()


@pytest.mark.parametrize(
    "statement", ["UPDATE entries SET actor = 'x'", "DELETE FROM entries", "DELETE FROM deployments"]
)
def test_the_database_refuses_to_change_or_delete_entries(database, statement):
    add(SqlJournal(database), *chain("A", 2))
    if "deployments" in statement:
        with database.connect().execution_options(writing=True) as conn, conn.begin():
            conn.execute(text("INSERT INTO deployments VALUES (1, 'v', 'at', 'a', 'r', '[]')"))

    with pytest.raises(DBAPIError, match="append-only"), database.connect() as conn, conn.begin():
        conn.execute(text(statement))


def test_eight_writers_racing_for_the_same_numbers_leave_one_whole_chain(database):
    journal = SqlJournal(database)
    wins: list[int] = []

    def write() -> None:
        while True:
            try:
                with journal.writing() as tx:
                    head = tx.head("A")
                    seq = head.seq + 1 if head else 1
                    if seq > 40:
                        return
                    tx.append(entry("A", seq, head.hash if head else GENESIS, f"{threading.get_ident()}-{seq}"))
                wins.append(seq)
            except SequenceTaken:
                continue

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with journal.reading() as tx:
        entries = tx.read("A")
    assert sorted(wins) == list(range(1, 41))
    assert verify_chain(entries) == []


def test_a_database_of_a_later_format_is_not_opened(database):
    with database.connect().execution_options(writing=True) as conn, conn.begin():
        conn.execute(text(f"UPDATE journal_format SET version = {FORMAT_VERSION + 1}"))

    with pytest.raises(FormatTooNew):
        create_tables(database)


def test_sqlite_commits_are_durable(tmp_path):
    engine = open_database(f"sqlite:///{tmp_path}/j.db")
    create_tables(engine)

    with engine.connect() as conn:
        assert conn.exec_driver_sql("PRAGMA synchronous").scalar() == 2, "FULL"
        assert conn.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    engine.dispose()
    assert sqlite3.connect(tmp_path / "j.db").execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize("change", ["body", "hash", "prev_hash", "gap", "swap", "first", "time"])
def test_verify_names_where_a_chain_is_broken(change):
    entries = chain("A", 5)
    if change == "body":
        entries[2] = replace(entries[2], body=entries[2].body.replace(b"wangfang", b"wangfong", 1))
    elif change == "hash":
        entries[2] = replace(entries[2], hash="0" * 64)
    elif change == "prev_hash":
        entries[2] = entry("A", 3, "1" * 64)
    elif change == "gap":
        del entries[2]
    elif change == "swap":
        entries[1], entries[2] = entries[2], entries[1]
    elif change == "first":
        del entries[0]
    else:
        entries[2] = replace(entries[2], at=AT)

    breaks = verify_chain(entries)

    assert breaks
    assert breaks[0].seq in (2, 3, 4)
    assert verify_chain(chain("A", 5)) == [], "and a whole chain has none"


def test_an_entry_read_from_its_bytes_equals_the_one_written():
    made = entry("A", 1)

    assert read_entry(made.body, made.hash) == made


def test_numbers_that_json_can_not_hold_are_refused():
    with pytest.raises(ValueError, match="Out of range"):
        replace_events = [{"kind": "X", "v": float("nan")}]
        make_entry(
            case_id="A", seq=1, at=AT, actor="", on_behalf_of="", command_id="", command={}, bundle="",
            engine_version="", events=replace_events, state_digest="", prev_hash=GENESIS,
        )  # fmt: skip
