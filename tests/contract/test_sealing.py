"""The sealed log on both databases: every entry once in the tree, checkpoints that hold, keys that take over."""

import contextlib
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError

from engine.domain.clock import FixedClock
from engine.journal import checkpoint, log, tree
from engine.journal.chain import verify_chain
from engine.journal.database import OtherAlgorithm, create_tables, open_database
from engine.journal.entry import GENESIS, make_entry
from engine.journal.schema import entries, leaves
from engine.journal.store import SqlJournal
from engine.readmodels import version
from engine.service.keys import KeyMissing, KeyRing, KeysLost
from engine.service.log_sealing import STREAM, stretch
from engine.service.log_tables import LOGS, access_log
from engine.service.people_log import security
from engine.service.sealing import Sealer
from tests.support.databases import with_tables

AT = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


class Office:
    """A journal with a sealer, and entries made up for it."""

    def __init__(self, url: str, folder, algorithm: str = "") -> None:
        self.engine = open_database(url if algorithm else with_tables(url))
        self.journal = SqlJournal(self.engine, create_tables(self.engine, algorithm))
        version.bring_up(self.engine)
        self.clock = FixedClock(AT)
        self.keys = KeyRing(self.journal, folder / "keys", self.clock, "opinion-cases/test")
        self.sealer = Sealer(self.journal, self.keys, self.clock)
        self.heads: dict[str, tuple[int, str]] = {}

    def write(self, stream: str, count: int = 1) -> None:
        with self.journal.writing() as tx:
            for _ in range(count):
                seq, prev = self.heads.get(stream, (0, GENESIS))
                entry = make_entry(
                    case_id=stream, seq=seq + 1, at=self.clock.now(), actor="wangfang", on_behalf_of="",
                    command_id=f"{stream}-{seq + 1}", command={"kind": "AddComment", "text": "已核实"}, bundle="b" * 64,
                    engine_version="test", events=[{"kind": "CommentAdded", "text": "x", "by": "w"}],
                    state_digest="d" * 64, prev_hash=prev, algorithm=self.journal.algorithm,
                )  # fmt: skip
                tx.append(entry)
                self.heads[stream] = entry.seq, entry.hash

    def hashes(self) -> list[bytes]:
        """Leaf hashes computed from the entries themselves, in the order of the leaves."""
        with self.engine.connect() as conn:
            bodies = conn.execute(
                select(entries.c.body)
                .join(leaves, (leaves.c.case_id == entries.c.case_id) & (leaves.c.seq == entries.c.seq))
                .order_by(leaves.c.position)
            )
            return [tree.leaf_hash(bytes(row.body), self.journal.algorithm) for row in bodies]

    def ids(self) -> dict[str, bytes]:
        return {key.key_id: bytes.fromhex(key.public) for key in self.sealer.public_keys()}


@pytest.fixture(params=["sqlite", "postgres"])
def url(request, tmp_path):
    return f"sqlite:///{tmp_path}/j.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")


@pytest.fixture
def office(url, tmp_path):
    made = Office(url, tmp_path)
    yield made
    made.engine.dispose()


def test_every_entry_becomes_one_leaf_and_every_checkpoint_is_the_tree_of_that_size(office):
    made = []
    for number in range(1, 40):
        office.write(f"WQ-{number % 7}", 1 + number % 13)
        made.append(office.sealer.seal())

    hashes = office.hashes()
    assert len(hashes) == sum(seq for seq, _ in office.heads.values()) + 1  # and the key's own entry
    for one in made:
        assert tree.root(hashes[: one.size]) == one.root
        note = checkpoint.read(one.note)
        assert checkpoint.signers(note, office.ids()) == tuple(office.ids())
    assert office.sealer.seal() is None, "nothing waits"
    with office.engine.connect() as conn:
        assert log.checkpoints(conn) == made
        assert (log.latest(conn), log.unsealed(conn)) == (made[-1], 0)


def test_every_leaf_is_proved_under_every_later_checkpoint_and_each_begins_with_those_before(office):
    for number in range(5):
        office.write("WQ-1", 130)
        office.write(f"WQ-{number}", 1) if number > 1 else None
        office.sealer.seal()

    hashes = office.hashes()
    with office.engine.connect() as conn:
        made = log.checkpoints(conn)
        for one in made:
            for index in range(0, one.size, 17):
                proof = log.inclusion(conn, index, one.size)
                assert tree.verify_inclusion(hashes[index], index, one.size, proof, one.root)
        for old in made:
            for new in made:
                if old.size <= new.size:
                    proof = log.consistency(conn, old.size, new.size)
                    assert tree.verify_consistency(old.size, new.size, old.root, new.root, proof)
        assert log.root_at(conn, made[2].size) == made[2].root
        assert log.positions(conn, "WQ-1")[7] == log.position(conn, "WQ-1", 7)
        assert log.position(conn, "WQ-1", 9_999) is None


def test_two_sealers_at_once_and_writers_between_them_lose_nothing_and_seal_nothing_twice(office):
    office.write("WQ-0")
    office.sealer.seal()
    failures: list[BaseException] = []

    def work(act) -> None:
        try:
            for number in range(15):
                act(number)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(lambda n: office.sealer.seal(),)) for _ in range(2)]
    threads += [
        threading.Thread(target=work, args=(lambda n, s=stream: office.write(s, 3),)) for stream in ("WQ-1", "WQ-2")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    last = office.sealer.seal()

    assert failures == []
    with office.engine.connect() as conn:
        newest = last or log.latest(conn)
        sealed = conn.execute(select(leaves.c.case_id, leaves.c.seq)).all()
        assert newest is not None and newest.size == len(sealed) == len(set(sealed)) == 92
    assert tree.root(office.hashes()) == newest.root


def test_sealers_that_start_at_the_same_instant_wait_for_each_other_from_the_first_key_on(office):
    together = threading.Barrier(3)
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(12):
                together.wait(20)
                office.sealer.seal()
                together.wait(20)
        except BaseException as error:
            failures.append(error)
            together.abort()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    with contextlib.suppress(threading.BrokenBarrierError):
        for number in range(1, 13):
            office.write("WQ-1", 2)
            look(office, number)
            together.wait(20)
            together.wait(20)
    for thread in threads:
        thread.join()

    assert failures == []
    assert len(office.sealer.public_keys()) == 1
    with office.journal.reading() as tx:
        told = [one for entry in tx.read(STREAM) for one in entry.events[0]["logs"]]
        newest = log.latest(tx.connection)
    assert sum(one["rows"] for one in told) == 12
    assert newest is not None and newest.root == tree.root(office.hashes())


def test_what_comes_while_a_sealing_is_at_work_waits_for_the_next(office, monkeypatch):
    monkeypatch.setattr(log, "BATCH", 10)
    office.write("WQ-1", 24)
    sealed, calls = log.seal, []

    def and_somebody_writes(conn, *rest):
        made = sealed(conn, *rest)
        calls.append(made)
        return made

    monkeypatch.setattr(log, "seal", and_somebody_writes)
    batch = office.sealer._batch

    def followed_by_a_write():
        found = batch()
        if len(calls) < 40:
            office.write("WQ-2", 1)
            look(office, len(calls))
        return found

    monkeypatch.setattr(office.sealer, "_batch", followed_by_a_write)

    made = office.sealer.seal()

    assert [one.size for one in calls] == [10, 20, 27]  # 24, the key, and two that came between batches
    assert made == calls[-1]
    with office.engine.connect() as conn:
        assert log.unsealed(conn) == 1


def test_without_the_key_the_logs_are_not_covered_either(office, tmp_path):
    office.write("WQ-1")
    office.sealer.seal()
    for file in (tmp_path / "keys").iterdir():
        file.unlink()
    look(office, 1)

    with pytest.raises(KeyMissing):
        office.sealer.seal()

    with office.journal.reading() as tx:
        assert tx.head(STREAM) is None


def test_a_sealing_that_fails_changes_nothing(office):
    office.write("WQ-1", 3)
    office.sealer.seal()
    office.write("WQ-1", 3)

    with pytest.raises(RuntimeError), office.journal.writing() as tx:
        log.seal(tx.connection, office.keys.hand(tx), AT)
        raise RuntimeError("power cut")

    with office.engine.connect() as conn:
        assert (log.unsealed(conn), len(log.checkpoints(conn))) == (3, 1)
    assert office.sealer.seal().size == 7


@pytest.mark.parametrize("table", ["entries", "leaves", "subtrees", "checkpoints", "checkpoint_keys"])
def test_the_database_refuses_to_change_delete_or_replace_what_is_sealed(office, url, table):
    office.write("WQ-1", 300)
    office.sealer.seal()

    statements = [f"DELETE FROM {table}", f"UPDATE {table} SET {_column(table)} = {_column(table)}"]
    if url.startswith("sqlite"):
        statements.append(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table} LIMIT 1")
    for statement in statements:
        with pytest.raises(DBAPIError), office.journal.writing() as tx:
            tx.connection.execute(text(statement))


def _column(table: str) -> str:
    return {"entries": "seq", "checkpoints": "number", "checkpoint_keys": "number"}.get(table, "position")


def test_it_is_time_after_a_minute_at_a_thousand_entries_and_never_when_nothing_waits(office):
    assert not office.sealer.due(office.clock.now())
    office.write("WQ-1")
    assert not office.sealer.due(office.clock.now())
    assert office.sealer.due(office.clock.now() + timedelta(seconds=60))
    office.write("WQ-2", 999)
    assert office.sealer.due(office.clock.now())
    office.sealer.seal()
    assert not office.sealer.due(office.clock.now() + timedelta(days=1))


# --- keys ------------------------------------------------------------------------------------------------------------


def test_a_key_is_made_once_for_its_owner_only_and_announced_in_the_log(office, tmp_path):
    office.write("WQ-1")
    office.sealer.seal()

    (key,) = office.sealer.public_keys()
    file = tmp_path / "keys" / f"{key.key_id}.pem"
    assert file.stat().st_mode & 0o777 == 0o600
    with office.journal.reading() as tx:
        (announced,) = tx.read("_keys")
        assert log.position(tx.connection, "_keys", 1) is not None
    assert announced.events[0]["public"] == key.public


def test_after_a_rotation_both_keys_sign_once_and_then_the_new_one_alone(office):
    office.write("WQ-1")
    office.sealer.seal()
    old = office.sealer.public_keys()[0]

    new = office.keys.rotate("qianjin", "每年更换")
    both = office.sealer.seal()
    office.write("WQ-1")
    after = office.sealer.seal()

    assert both.key_ids == (new.key_id, old.key_id)
    assert after.key_ids == (new.key_id,)
    assert checkpoint.signers(checkpoint.read(both.note), office.ids()) == both.key_ids
    assert [key.until for key in office.sealer.public_keys()] == [new.since, ""]
    with office.journal.reading() as tx:
        assert verify_chain(tx.read("_keys")) == []


def test_after_two_rotations_in_a_row_the_key_that_others_know_signs_once_more(office):
    office.write("WQ-1")
    office.sealer.seal()
    known = office.sealer.public_keys()[0]
    office.keys.rotate("qianjin", "每年更换")
    new = office.keys.rotate("qianjin", "误操作，再换一次")

    made = office.sealer.seal()

    assert made.key_ids == (new.key_id, known.key_id)
    assert checkpoint.signers(checkpoint.read(made.note), {known.key_id: bytes.fromhex(known.public)}) != ()


def test_a_log_whose_table_of_keys_was_emptied_is_not_signed_with_a_new_key(office, url):
    office.write("WQ-1")
    office.sealer.seal()
    before = office.sealer.public_keys()
    with office.journal.writing() as tx:
        trigger = "checkpoint_keys_append_only ON checkpoint_keys"
        trigger = "checkpoint_keys_no_delete" if url.startswith("sqlite") else trigger
        tx.connection.execute(text(f"DROP TRIGGER {trigger}"))
        tx.connection.execute(text("DELETE FROM checkpoint_keys"))
    office.write("WQ-1")

    for act in (office.sealer.seal, lambda: office.keys.rotate("qianjin", "更换", lost=True)):
        with pytest.raises(KeysLost):
            act()

    assert len(before) == 1 and office.sealer.public_keys() == []


def test_without_its_key_nothing_is_signed_and_a_lost_key_is_said_to_be_lost(office, tmp_path):
    office.write("WQ-1")
    office.sealer.seal()
    (key,) = office.sealer.public_keys()
    (tmp_path / "keys" / f"{key.key_id}.pem").unlink()
    office.write("WQ-1")

    with pytest.raises(KeyMissing, match=key.key_id):
        office.sealer.seal()
    with pytest.raises(KeyMissing):
        office.keys.rotate("qianjin", "更换")
    new = office.keys.rotate("qianjin", "磁盘损坏", lost=True)

    assert office.sealer.seal().key_ids == (new.key_id,)
    with office.journal.reading() as tx:
        assert tx.read("_keys")[-1].command == {"kind": "AddKey", "reason": "磁盘损坏", "lost": True}


# --- logs outside the journal ----------------------------------------------------------------------------------------


def look(office: Office, number: int) -> None:
    with office.journal.writing() as tx:
        values = dict.fromkeys((c.name for c in access_log.c if c.name != "number"), "x")
        tx.connection.execute(insert(access_log).values(number=number, **values))


def test_rows_of_the_logs_are_covered_once_by_entries_that_name_them(office):
    look(office, 1)
    look(office, 2)
    office.sealer.seal()
    office.write("WQ-1")
    office.sealer.seal()
    look(office, 3)
    with office.journal.writing() as tx:
        security(tx.connection, AT, "sign_in", "wangfang", "127.0.0.1", {})
    office.sealer.seal()

    with office.journal.reading() as tx:
        told = [one for entry in tx.read(STREAM) for one in entry.events[0]["logs"]]
        assert [(one["table"], one["after"], one["upto"], one["rows"]) for one in told] == [
            ("access_log", 0, 2, 2),
            ("security_log", 0, 1, 1),
            ("access_log", 2, 3, 1),
        ]
        tables = {table.name: (table, number) for table, number in LOGS}
        for one in told:
            again = stretch(tx.connection, *tables[one["table"]], one["after"], one["upto"], "sha256")
            assert again.digest == one["digest"]
        assert not office.sealer.due(AT + timedelta(days=1))


# --- hashes and older journals ----------------------------------------------------------------------------------------


def test_a_journal_kept_with_sm3_uses_it_for_chain_tree_and_checkpoint_and_keeps_it(url, tmp_path):
    office = Office(url, tmp_path, "sm3")
    office.write("WQ-1", 5)
    made = office.sealer.seal()

    with office.journal.reading() as tx:
        assert verify_chain(tx.read("WQ-1"), "sm3") == []
        assert {one.what for one in verify_chain(tx.read("WQ-1"))} == {"hash"}
    assert tree.root(office.hashes(), "sm3") == made.root
    assert "\nhash sm3\n" in made.note
    assert create_tables(office.engine) == "sm3"
    with pytest.raises(OtherAlgorithm, match="kept with sm3"):
        create_tables(office.engine, "sha256")
    with pytest.raises(ValueError, match="md5"):
        create_tables(office.engine, "md5")
    office.engine.dispose()


def test_a_journal_from_before_the_tree_is_sealed_whole_at_its_upgrade(office):
    office.write("WQ-2", 2)
    office.clock.advance(seconds=1)
    office.write("WQ-1", 3)
    with office.journal.writing() as tx:
        conn = tx.connection
        if conn.dialect.name == "postgresql":
            conn.execute(text("DROP TRIGGER entries_to_be_sealed ON entries"))
        else:
            conn.execute(text("DROP TRIGGER entries_to_be_sealed"))
        for table in ("unsealed", "leaves", "subtrees", "checkpoints", "checkpoint_keys", "alembic_version"):
            conn.execute(text(f"DROP TABLE {table}"))
        for column in ("algorithm", "origin"):
            conn.execute(text(f"ALTER TABLE journal_format DROP COLUMN {column}"))

    assert create_tables(office.engine) == "sha256"
    made = office.sealer.seal()

    assert made.size == 6
    with office.engine.connect() as conn:
        order = conn.execute(select(leaves.c.case_id, leaves.c.seq).order_by(leaves.c.position)).all()
    assert [tuple(row) for row in order] == [
        ("WQ-2", 1),
        ("WQ-2", 2),
        ("WQ-1", 1),
        ("WQ-1", 2),
        ("WQ-1", 3),
        ("_keys", 1),
    ]
    office.write("WQ-1")
    assert office.sealer.seal().size == 7


def test_a_tree_of_many_batches_is_the_tree(office, monkeypatch):
    office.write("WQ-1", 1_000)
    monkeypatch.setattr(log, "BATCH", 64)

    with office.journal.writing() as tx:
        hand = office.keys.hand(tx)
        while log.seal(tx.connection, hand, AT, limit=64) is not None:
            continue

    with office.engine.connect() as conn:
        newest = log.latest(conn)
    assert newest is not None and newest.size == 1_001
    assert tree.root(office.hashes()) == newest.root
    assert replace(newest).number == 16
