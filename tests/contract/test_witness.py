"""What a witness kept against what there is today, on both databases: whatever was done in between is told apart."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from types import SimpleNamespace

import pytest
from sqlalchemy import text

from engine import cli
from engine.domain.organisation import Actor
from engine.domain.rejection import Rejection
from engine.journal import checkpoint, log
from engine.service import exports
from engine.service import witness_comparison as witness
from engine.service.export_lookup import numbered
from engine.service.keys import KeyRing
from engine.service.transactions import writing
from engine.service.witness import Witness
from tests.contract.test_sealing import Office
from tests.support.world import World

AUDITOR = Actor("zhaoming", "赵明", frozenset({"auditor"}), frozenset({"auditor"}), "leadership")
SEED = 20260302


@pytest.fixture(params=["sqlite", "postgres"])
def office(request, tmp_path):
    url = f"sqlite:///{tmp_path}/j.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    made = Office(url, tmp_path)
    yield made
    made.engine.dispose()


def services(office: Office) -> SimpleNamespace:
    return SimpleNamespace(journal=office.journal, engine=office.engine, clock=office.clock, sealer=office.sealer)


def kept(office: Office) -> bytes:
    """A witness file of the newest checkpoint."""
    office.sealer.seal()
    found = witness.witness_bytes(services(office), AUDITOR, "10.0.0.7")
    assert found is not None
    return found


def compared(office: Office, data: bytes) -> witness.Comparison:
    read = witness.read_witness(data)
    assert isinstance(read, Witness), read
    with office.engine.connect() as conn:
        return witness.compare(conn, read)


def touched(office: Office, statement: str) -> None:
    """A change that somebody makes who can drop the triggers."""
    table = statement.split()[1] if statement.startswith("UPDATE") else statement.split()[2]
    with writing(office.engine) as conn:
        if conn.dialect.name == "postgresql":
            conn.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))
        else:
            names = conn.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all()
            for name in names:
                conn.execute(text(f"DROP TRIGGER {name}"))
        conn.execute(text(statement))


def test_what_only_grew_agrees_with_every_earlier_state(office):
    files = []
    for number in range(1, 6):
        office.write(f"WQ-{number}", number)
        files.append(kept(office))

    answers = [compared(office, data) for data in files]

    assert {answer.verdict for answer in answers} == {"consistent"}
    sizes = [answer.size for answer in answers]
    assert sizes == sorted(set(sizes))
    assert all(answer.here == sizes[-1] and answer.signed_by and not answer.missing_keys for answer in answers)


def test_a_note_alone_is_a_witness_also_as_a_browser_sends_it(office):
    office.write("WQ-1", 3)
    note = json.loads(kept(office))["note"]

    for sent in (note, note.replace("\n", "\r\n"), f"\n  {note}  \n", "\ufeff" + note):
        assert compared(office, sent.encode()).verdict == "consistent"


def test_the_file_carries_its_watermark_and_is_in_the_log_of_exports(office):
    office.write("WQ-1", 3)
    found = json.loads(kept(office))

    assert found["watermark"] == "赵明（zhaoming） 2026-03-02 09:00 导出 第1号"
    assert [key["key_id"] for key in found["keys"]] == list(office.ids())
    with office.engine.connect() as conn:
        export = numbered(conn, 1)
    assert export is not None
    assert (export.kind, export.subject, export.size > 500) == ("witness", "1", True)


def test_a_changed_leaf_is_a_rewritten_record(office):
    office.write("WQ-1", 5)
    data = kept(office)
    other = "decode(repeat('ab', 32), 'hex')" if office.engine.dialect.name == "postgresql" else f"x'{'ab' * 32}'"

    touched(office, f"UPDATE leaves SET hash = {other} WHERE position = 2")

    assert compared(office, data).verdict == "rewritten"


def test_a_leaf_that_is_gone_is_damage(office):
    office.write("WQ-1", 5)
    data = kept(office)

    touched(office, "DELETE FROM leaves WHERE position = 2")

    assert compared(office, data).verdict == "damaged"


def test_less_than_was_kept_is_an_older_backup_or_a_cut(office):
    office.write("WQ-1", 3)
    office.sealer.seal()
    with office.engine.connect() as conn:
        older = log.latest(conn)
    office.write("WQ-2", 3)
    data = kept(office)

    touched(office, f"DELETE FROM checkpoints WHERE number > {older.number}")

    answer = compared(office, data)
    assert (answer.verdict, answer.here) == ("cut_off", older.size)


def test_a_log_written_anew_with_a_key_of_its_own_is_told_by_the_key(tmp_path):
    true, forged = (
        Office(f"sqlite:///{tmp_path}/a.db", tmp_path / "a"),
        Office(f"sqlite:///{tmp_path}/b.db", tmp_path / "b"),
    )
    for one in (true, forged):
        one.write("WQ-1", 3)
    data = kept(true)
    forged.sealer.seal()

    answer = compared(forged, data)

    assert answer.verdict == "unknown_key"
    assert answer.missing_keys == tuple(true.ids())
    for one in (true, forged):
        one.engine.dispose()


def test_another_installation_is_told_by_its_name(tmp_path):
    one, other = (
        Office(f"sqlite:///{tmp_path}/a.db", tmp_path / "a"),
        Office(f"sqlite:///{tmp_path}/b.db", tmp_path / "b"),
    )
    other.keys = KeyRing(other.journal, tmp_path / "b" / "keys", other.clock, "opinion-cases/elsewhere")
    other.sealer.keys = other.keys
    for office in (one, other):
        office.write("WQ-1", 1)
    data = kept(one)
    other.sealer.seal()

    assert compared(other, data).verdict == "other_log"
    for office in (one, other):
        office.engine.dispose()


def test_after_a_key_has_taken_over_earlier_files_still_agree(office):
    office.write("WQ-1", 2)
    before = kept(office)
    office.keys.rotate("qianjin", "到期更换")
    between = kept(office)
    office.write("WQ-1", 2)
    after = kept(office)

    answers = [compared(office, data) for data in (before, between, after)]

    assert [answer.verdict for answer in answers] == ["consistent"] * 3
    assert [len(answer.signed_by) for answer in answers] == [1, 2, 1]


def test_every_change_of_a_notes_text_is_refused_or_seen(office):
    """500 random single-character changes: none is ever called consistent."""
    office.write("WQ-1", 4)
    note = json.loads(kept(office))["note"]
    chance = random.Random(SEED)
    seen = set()
    for trial in range(500):
        place = chance.randrange(len(note))
        letter = chance.choice([c for c in "ABCabc0189+/= \n" if c != note[place]])
        changed = note[:place] + letter + note[place + 1 :]
        if changed.strip() == note.strip():
            continue
        read = witness.read_witness(changed.encode())
        if isinstance(read, Rejection):
            seen.add("unreadable")
            continue
        with office.engine.connect() as conn:
            verdict = witness.compare(conn, read).verdict
        assert verdict != "consistent", f"seed {SEED}, trial {trial}, place {place}, letter {letter!r}"
        seen.add(verdict)

    assert {"unreadable", "unsigned"} <= seen


@pytest.mark.parametrize(
    "data",
    [
        b"hello", b"\xff\xfe", b"{", b"{}", b'{"format": "other"}', b"[]", b'{"format": "opinion-witness-1"}',
        b'{"format": "opinion-witness-1", "keys": [{"key_id": "x", "public": "zz"}], "note": "x"}',
        b'{"format": "opinion-witness-1", "keys": [{"key_id": "x", "public": "00"}], "note": "x"}',
        b'{"format": "opinion-witness-1", "keys": [], "note": 7}',
        b'{"format": "opinion-witness-1", "keys": 7, "note": ""}',
        b"{" + b'"a":[' * 100_000, b"x" * (witness.MOST_BYTES + 1),
    ],
)  # fmt: skip
def test_what_is_no_witness_is_refused_with_what_is_wrong(data):
    refused = witness.read_witness(data)

    assert isinstance(refused, Rejection)
    assert (refused.code, refused.key) == ("invalid", "witness.unreadable")
    assert len(str(refused.details["what"])) < 200


def test_a_signature_by_a_key_beside_the_note_does_not_make_it_known(office):
    """Who forges a note puts his own key into the file."""
    office.write("WQ-1", 2)
    found = json.loads(kept(office))
    read = checkpoint.read(found["note"])
    forged = replace(read, signatures=tuple(replace(one, key_id="00000000") for one in read.signatures))

    with office.engine.connect() as conn:
        answer = witness.compare(conn, Witness(forged, {"00000000": bytes(32)}))

    assert answer.verdict == "unknown_key"


def test_the_command_prints_the_checkpoint_and_writes_a_witness_file_once(tmp_path, monkeypatch, capsys):
    world = World(tmp_path / "data")
    monkeypatch.setenv("OPINION_DATA_DIR", str(tmp_path / "data"))
    for name in ("OPINION_DATABASE_URL", "OPINION_ENV"):
        monkeypatch.delenv(name, raising=False)
    out = tmp_path / "witness.json"
    world.services.sealer.seal()

    codes = [cli.main(["checkpoint"]), cli.main(["checkpoint", "--out", str(out)])]
    again = cli.main(["checkpoint", "--out", str(out)])

    told = capsys.readouterr()
    with world.services.engine.connect() as conn:
        newest, export = log.latest(conn), numbered(conn, 1)
    assert newest is not None and export is not None
    assert (codes, again) == ([0, 0], 2)
    assert newest.note.strip() in told.out
    assert json.loads(out.read_bytes())["note"] == newest.note
    assert (export.user_id, export.kind) == (exports.COMMAND_LINE.user_id, "witness")
    world.services.engine.dispose()


def test_the_command_says_when_there_is_nothing_to_print(tmp_path, monkeypatch, capsys):
    World(tmp_path).services.engine.dispose()
    monkeypatch.setenv("OPINION_DATA_DIR", str(tmp_path))

    code = cli.main(["checkpoint"])

    assert code == 1
    assert "还没有校验点" in capsys.readouterr().out
