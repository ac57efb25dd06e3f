"""Whoever may write to the database changes the record: each change is found, and where it was made is named.

Every class of change is tried TRIALS times on fresh copies, drawn from a seed that stands in each failure.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable

import pytest

from engine.domain.codec import canonical
from engine.journal import tree
from engine.journal.checkpoint import key_id
from engine.journal.hashing import digest
from engine.service.verification import Fault, Report
from tests.tamper.office import Base, Forger, Trial, text_of

TRIALS = 200
LONG_TRIALS = 2_000
INSERT = "INSERT INTO entries (case_id, seq, at, actor, command_id, hash, body) VALUES (?, ?, ?, ?, ?, ?, ?)"
WHOLE = 2
"""Trials a class in which every part is verified, replays and read models too."""
SEED = 20261125

Where = Iterable[tuple[str, int]]
"""Acceptable places: beginning of `where`, and seq (0: any)."""
Attack = Callable[[Trial, random.Random], tuple[tuple[str, ...], Where]]
"""Changes something; returns the parts that must find it and the places that one of them must name."""


def flipped(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def other_digit(text: str, chance: random.Random) -> str:
    place = chance.randrange(len(text))
    digit = chance.choice([d for d in "0123456789abcdef" if d != text[place]])
    return text[:place] + digit + text[place + 1 :]


def body_flip(trial: Trial, chance: random.Random) -> tuple[tuple[str, ...], Where]:
    stream, seq = chance.choice(trial.entries())
    (body,) = trial.one("SELECT body FROM entries WHERE case_id = ? AND seq = ?", stream, seq)
    trial.run("UPDATE entries SET body = ? WHERE case_id = ? AND seq = ?", flipped(body, chance), stream, seq)
    return ("chains", "tree"), [(stream, seq)]


def hash_flip(trial: Trial, chance: random.Random) -> tuple[tuple[str, ...], Where]:
    stream, seq = chance.choice(trial.entries())
    (old,) = trial.one("SELECT hash FROM entries WHERE case_id = ? AND seq = ?", stream, seq)
    new = other_digit(old, chance)
    trial.run("UPDATE entries SET hash = ? WHERE case_id = ? AND seq = ?", new, stream, seq)
    return ("chains",), [(stream, seq)]


def column_changed(trial: Trial, chance: random.Random) -> tuple[tuple[str, ...], Where]:
    stream, seq = chance.choice(trial.entries())
    column, value = chance.choice(
        [("actor", "lisi"), ("command_id", f"x{chance.random()}"), ("at", "2026-03-02T01:00:00.000001Z")]
    )
    trial.run(f"UPDATE entries SET {column} = ? WHERE case_id = ? AND seq = ?", value, stream, seq)
    return ("chains",), [(stream, seq)]


def leaf_flip(trial: Trial, chance: random.Random) -> tuple[tuple[str, ...], Where]:
    stream, seq = chance.choice(trial.entries())
    (old,) = trial.one("SELECT hash FROM leaves WHERE case_id = ? AND seq = ?", stream, seq)
    trial.run("UPDATE leaves SET hash = ? WHERE case_id = ? AND seq = ?", flipped(old, chance), stream, seq)
    return ("tree", "checkpoints"), [(stream, seq)]


def subtree_flip(trial: Trial, chance: random.Random) -> tuple[tuple[str, ...], Where]:
    height, place, old = chance.choice(trial.all("SELECT height, position, hash FROM subtrees"))
    new = flipped(old, chance)
    trial.run("UPDATE subtrees SET hash = ? WHERE height = ? AND position = ?", new, height, place)
    return ("tree",), [(f"subtrees {height}", 0)]


def edge_flip(trial: Trial, chance: random.Random) -> tuple[tuple[str, ...], Where]:
    number, old = chance.choice(trial.all("SELECT number, edge FROM checkpoints"))
    trial.run("UPDATE checkpoints SET edge = ? WHERE number = ?", flipped(old, chance), number)
    return ("checkpoints",), [("checkpoints", number)]


def note_changed(trial: Trial, chance: random.Random) -> tuple[tuple[str, ...], Where]:
    number, note = chance.choice(trial.all("SELECT number, note FROM checkpoints"))
    place = chance.randrange(len(note))
    letter = chance.choice([c for c in "aA0+/=\n " if c != note[place]])
    trial.run("UPDATE checkpoints SET note = ? WHERE number = ?", note[:place] + letter + note[place + 1 :], number)
    return ("checkpoints",), [("checkpoints", number)]


def key_changed(trial: Trial, chance: random.Random) -> tuple[tuple[str, ...], Where]:
    number, public = chance.choice(trial.all("SELECT number, public FROM checkpoint_keys"))
    new = other_digit(public, chance)
    trial.run("UPDATE checkpoint_keys SET public = ? WHERE number = ?", new, number)
    return ("keys", "checkpoints"), [("_keys", number)]


def bundle_changed(trial: Trial, chance: random.Random) -> tuple[tuple[str, ...], Where]:
    sha256, content = chance.choice(trial.all("SELECT sha256, content FROM bundle_files"))
    trial.run("UPDATE bundle_files SET content = ? WHERE sha256 = ?", flipped(content, chance), sha256)
    return ("bundles",), [(f"bundle_files {sha256[:12]}", 0)]


def deployment_changed(trial: Trial, chance: random.Random) -> tuple[tuple[str, ...], Where]:
    column, value = chance.choice([("actor", "lisi"), ("reason", f"{chance.random()}"), ("version", "f" * 64)])
    trial.run(f"UPDATE deployments SET {column} = ? WHERE number = 1", value)
    return ("deployments",), [("_deployments", 1)]


def log_changed(trial: Trial, chance: random.Random) -> tuple[tuple[str, ...], Where]:
    if chance.random() < 0.5:
        (number,) = chance.choice(trial.all("SELECT number FROM access_log"))
        trial.run("UPDATE access_log SET user_id = ? WHERE number = ?", f"u{chance.random()}", number)
        return ("logs",), [("access_log", 0)]
    (number,) = chance.choice(trial.all("SELECT log_id FROM security_log"))
    trial.run("DELETE FROM security_log WHERE log_id = ?", number)
    return ("logs",), [("security_log", 0)]


def deleted(trial: Trial, chance: random.Random) -> tuple[tuple[str, ...], Where]:
    stream, seq = chance.choice(trial.entries())
    trial.run("DELETE FROM entries WHERE case_id = ? AND seq = ?", stream, seq)
    return ("chains", "tree"), [(stream, seq)]


def inserted(trial: Trial, chance: random.Random) -> tuple[tuple[str, ...], Where]:
    """A well-formed entry at the end of a stream, by somebody who does not go through the program."""
    stream, _ = chance.choice(trial.entries())
    seq, prev, body = trial.one(
        "SELECT seq, hash, body FROM entries WHERE case_id = ? ORDER BY seq DESC LIMIT 1", stream
    )
    ident = f"forged-{chance.random()}"
    fields = {**text_of(body), "seq": seq + 1, "prev_hash": prev, "command_id": ident, "actor": "liuwei"}
    new = canonical(fields)
    row = (stream, seq + 1, fields["at"], "liuwei", ident, digest(trial.algorithm, new).hex(), new)
    trial.run(INSERT, *row)
    return ("chains", "tree"), [(stream, seq + 1)]


def swapped(trial: Trial, chance: random.Random) -> tuple[tuple[str, ...], Where]:
    """Two entries of a stream change places, look-up columns and all."""
    stream = chance.choice(sorted({s for s, _ in trial.entries() if len(trial.entries(s)) > 1}))
    one, other = chance.sample([seq for _, seq in trial.entries(stream)], 2)
    for old, new in ((one, -1), (other, one), (-1, other)):
        trial.run("UPDATE entries SET seq = ? WHERE case_id = ? AND seq = ?", new, stream, old)
    return ("chains", "tree"), [(stream, one), (stream, other)]


def duplicated(trial: Trial, chance: random.Random) -> tuple[tuple[str, ...], Where]:
    stream, seq = chance.choice(trial.entries())
    (last,) = trial.one("SELECT max(seq) FROM entries WHERE case_id = ?", stream)
    trial.run(
        "INSERT INTO entries (case_id, seq, at, actor, command_id, hash, body) "
        "SELECT case_id, ?, at, actor, ?, hash, body FROM entries WHERE case_id = ? AND seq = ?",
        last + 1, f"again-{chance.random()}", stream, seq,
    )  # fmt: skip
    return ("chains", "tree"), [(stream, last + 1)]


def truncated(trial: Trial, chance: random.Random) -> tuple[tuple[str, ...], Where]:
    """The end of a stream, or of the whole log with its leaves."""
    if chance.random() < 0.5:
        stream, seq = chance.choice(trial.entries())
        trial.run("DELETE FROM entries WHERE case_id = ? AND seq >= ?", stream, seq)
        return ("tree",), [(stream, seq)]
    order = trial.entries()
    keep = chance.randrange(len(order))
    stream, seq = order[keep]
    number = trial.checkpoint_over(stream, seq)
    for stream, seq in order[keep:]:
        trial.run("DELETE FROM entries WHERE case_id = ? AND seq = ?", stream, seq)
    trial.run("DELETE FROM leaves WHERE position >= ?", keep)
    return ("tree", "checkpoints"), [("checkpoints", number)]


def case_removed(trial: Trial, chance: random.Random) -> tuple[tuple[str, ...], Where]:
    """A whole case with all about it; the tree is grown again without it, as far as that goes without the key."""
    stream = chance.choice(sorted({s for s, _ in trial.entries() if not s.startswith("_")}))
    number = trial.checkpoint_over(stream, 1)
    for (table,) in trial.all("SELECT name FROM sqlite_master WHERE type = 'table'"):
        columns = {row[1] for row in trial.all(f"PRAGMA table_info({table})")}
        if "case_id" in columns and table != "access_log":
            trial.db.execute(f"DELETE FROM {table} WHERE case_id = ?", (stream,))
    trial.regrow(notes=True)
    return ("numbers", "tree", "checkpoints"), [(stream, 0), ("checkpoints", number)]


def rewritten(trial: Trial, chance: random.Random) -> tuple[tuple[str, ...], Where]:
    """What somebody said is changed, and every hash after it made right again, up to the roots in the checkpoints."""
    stream, seq = chance.choice([(s, n) for s, n in trial.entries() if not s.startswith("_")])
    number = trial.checkpoint_over(stream, seq)
    (body,) = trial.one("SELECT body FROM entries WHERE case_id = ? AND seq = ?", stream, seq)
    fields = text_of(body)
    fields["actor"] = "liuwei" if fields["actor"] != "liuwei" else "zhangmin"
    new = canonical(fields)
    trial.run("UPDATE entries SET body = ?, actor = ? WHERE case_id = ? AND seq = ?", new, fields["actor"], stream, seq)
    trial.rechain(stream)
    trial.regrow(notes=chance.random() < 0.5)
    assert not trial.verify("chains", "tree").faults, "all that can be made right again is"
    return ("checkpoints",), [("checkpoints", number)]


def re_signed(trial: Trial, chance: random.Random) -> tuple[tuple[str, ...], Where]:
    """The same, and the checkpoints signed with a key of the attacker's."""
    rewritten(trial, chance)
    trial.regrow(notes=True, hand=Forger(trial.one("SELECT origin FROM journal_format")[0]))
    return ("checkpoints",), [("checkpoints", 1)]


ATTACKS: dict[str, Attack] = {
    attack.__name__: attack
    for attack in (
        body_flip, hash_flip, column_changed, leaf_flip, subtree_flip, edge_flip, note_changed, key_changed,
        bundle_changed, deployment_changed, log_changed, deleted, inserted, swapped, duplicated, truncated,
        case_removed, rewritten, re_signed,
    )
}  # fmt: skip


def located(report: Report, places: Where) -> bool:
    found: list[Fault] = [fault for part in report.parts for fault in part.faults]
    return any(
        fault.where.startswith(where) and (seq == 0 or fault.seq == seq) for fault in found for where, seq in places
    )


def attempt(base: Base, name: str, number: int, *, whole: bool) -> None:
    chance = random.Random(f"{SEED} {name} {number}")
    told = f"{name}, seed {SEED}, trial {number}"
    with Trial(base) as trial:
        parts, places = ATTACKS[name](trial, chance)
        report = trial.verify(*(() if whole else parts))
        assert report.faults, f"{told}: not found"
        assert located(report, places), f"{told}: {[f for p in report.parts for f in p.faults][:5]} not {places}"
        assert json.loads(report.as_json())["whole"] is False


@pytest.mark.parametrize("name", ATTACKS)
def test_every_change_is_found_and_its_place_named(base: Base, name: str):
    for number in range(TRIALS):
        attempt(base, name, number, whole=number < WHOLE)


@pytest.mark.long
@pytest.mark.parametrize("name", ATTACKS)
def test_every_one_of_thousands_of_changes_is_found(base: Base, name: str):
    for number in range(TRIALS, TRIALS + LONG_TRIALS):
        attempt(base, name, number, whole=number % 100 == 0)


# --- files and read models: on the disk, and slow to project ----------------------------------------------------------


def test_every_change_of_an_attachment_is_found_and_names_the_entry_that_speaks_of_it(base: Base):
    files = base.services.files
    (sha256,) = list(files.stored())
    path = base.folder / "files" / sha256[:2] / sha256[2:4] / sha256
    content = path.read_bytes()
    path.chmod(0o640)
    try:
        with Trial(base) as trial:
            assert not trial.verify("files").faults
            for number in range(TRIALS):
                chance = random.Random(f"{SEED} file {number}")
                path.write_bytes(flipped(content, chance))
                (fault,) = trial.verify("files").parts[-1].faults
                assert (fault.what, fault.expected) == ("file_differs", sha256)
            path.unlink()
            (fault,) = trial.verify("files").parts[-1].faults
            assert fault.what == "file_missing" and fault.where.startswith("WQ-")
    finally:
        path.write_bytes(content)


def test_every_change_of_a_read_model_is_found_and_names_its_row(base: Base):
    changes = [
        ("cases", "UPDATE cases SET grade = ? WHERE case_id = ?"),
        ("tasks", "UPDATE tasks SET assignee = ? WHERE case_id = ?"),
        ("limits", "UPDATE limits SET state = ? WHERE case_id = ?"),
        ("case_access", "UPDATE case_access SET grp = grp || ? WHERE case_id = ?"),
    ]
    with Trial(base) as trial:
        cases = sorted({s for s, _ in trial.entries() if not s.startswith("_")}, key=lambda s: len(trial.entries(s)))
    for number in range(60):
        chance = random.Random(f"{SEED} model {number}")
        table, statement = chance.choice(changes)
        case = cases[number % 2]
        with Trial(base) as trial:
            if number % 5 == 4:
                trial.run(f"DELETE FROM {table} WHERE case_id = ?", case)
            else:
                trial.run(statement, f"x{chance.random()}", case)
            report = trial.verify("models", cases=[case])
            assert located(report, [(f"{table} {case}", 0)]), f"model, seed {SEED}, trial {number}"


# --- what only somebody outside can find ------------------------------------------------------------------------------


def test_an_older_backup_is_whole_in_itself_and_found_by_the_witness_alone(base: Base):
    with Trial(base, older=True) as trial:
        newest = trial.one("SELECT note FROM checkpoints ORDER BY number DESC LIMIT 1")[0]
        assert not trial.verify().faults
        assert not trial.verify(witness=newest).faults
    with Trial(base) as trial:
        later = trial.one("SELECT note FROM checkpoints ORDER BY number DESC LIMIT 1")[0]
        assert not trial.verify("witness", witness=base.witness).faults
    with Trial(base, older=True) as trial:
        report = trial.verify("witness", witness=later)

    assert [fault.what for fault in report.parts[-1].faults] == ["witness_longer"]


def forged(trial: Trial, chance: random.Random) -> None:
    """Everything is made anew with a key of the attacker's: entries, announcement of the key, table, checkpoints."""
    stream, seq = chance.choice([(s, n) for s, n in trial.entries() if not s.startswith("_")])
    (body,) = trial.one("SELECT body FROM entries WHERE case_id = ? AND seq = ?", stream, seq)
    new = canonical({**text_of(body), "actor": "liuwei"})
    trial.run("UPDATE entries SET body = ?, actor = 'liuwei' WHERE case_id = ? AND seq = ?", new, stream, seq)
    trial.rechain(stream)
    (origin,) = trial.one("SELECT origin FROM journal_format")
    hand = Forger(origin)
    ident = key_id(origin, hand.public)
    (first,) = trial.one("SELECT body FROM entries WHERE case_id = '_keys' AND seq = 1")
    fields = text_of(first)
    fields["events"][0].update(key_id=ident, public=hand.public.hex())
    fields["state_digest"] = digest("sha256", canonical(fields["events"][0])).hex()
    trial.run("UPDATE entries SET body = ? WHERE case_id = '_keys' AND seq = 1", canonical(fields))
    trial.run("DELETE FROM entries WHERE case_id = '_keys' AND seq > 1")
    trial.run("DELETE FROM leaves WHERE case_id = '_keys' AND seq > 1")
    trial.run("DELETE FROM checkpoint_keys WHERE number > 1")
    trial.run("UPDATE checkpoint_keys SET key_id = ?, public = ?", ident, hand.public.hex())
    trial.rechain("_keys")
    trial.run("DELETE FROM checkpoints WHERE number < (SELECT max(number) FROM checkpoints)")
    size = trial.one("SELECT count(*) FROM leaves")[0]
    trial.run("UPDATE checkpoints SET number = 1, size = ?", size)
    trial.regrow(notes=True, hand=hand)


def test_a_log_forged_from_the_ground_under_another_key_is_found_by_the_witness_alone(base: Base):
    for number in range(TRIALS):
        chance = random.Random(f"{SEED} forged {number}")
        with Trial(base) as trial:
            forged(trial, chance)
            report = trial.verify("chains", "tree", "keys", "checkpoints", "witness", witness=base.witness)
            inside = [fault for part in report.parts[:-1] for fault in part.faults]
            assert inside == [], f"seed {SEED}, trial {number}"
            assert {fault.what for fault in report.parts[-1].faults} >= {"witness_key"}, f"seed {SEED}, trial {number}"


# --- the window -----------------------------------------------------------------------------------------------------


def test_in_the_unsealed_window_the_last_entries_of_a_stream_can_be_removed_unseen_and_nothing_else(base: Base):
    with Trial(base) as trial:
        last = trial.all("SELECT case_id, max(seq) FROM entries WHERE case_id LIKE 'WQ-%' GROUP BY case_id")
        stream, sealed = last[0]
        for extra in (1, 2, 3):
            unsealed_entry(trial, stream, sealed + extra)
        report = trial.verify("chains", "tree", "keys", "checkpoints", "numbers")
        assert (report.faults, report.waiting) == (0, 3), "the window is stated, not hidden"

        trial.run("DELETE FROM entries WHERE case_id = ? AND seq = ?", stream, sealed + 3)
        trial.run("DELETE FROM unsealed WHERE case_id = ? AND seq = ?", stream, sealed + 3)
        assert trial.verify("chains", "tree", "keys", "checkpoints", "numbers").faults == 0, "its end goes unseen"

        trial.run("DELETE FROM entries WHERE case_id = ? AND seq = ?", stream, sealed + 1)
        trial.run("DELETE FROM unsealed WHERE case_id = ? AND seq = ?", stream, sealed + 1)
        assert located(trial.verify("chains"), [(stream, sealed + 2)]), "its middle does not"

        trial.run("DELETE FROM entries WHERE case_id = ? AND seq = ?", stream, sealed + 2)
        trial.run("DELETE FROM unsealed WHERE case_id = ? AND seq = ?", stream, sealed + 2)
        assert trial.verify("chains", "tree").faults == 0
        trial.run("DELETE FROM entries WHERE case_id = ? AND seq = ?", stream, sealed)
        assert located(trial.verify("tree"), [(stream, sealed)]), "and nothing that is sealed"


def test_a_case_that_is_wholly_unsealed_is_gone_unseen_only_when_its_number_is_taken_back_too(base: Base):
    with Trial(base) as trial:
        (last,) = trial.one("SELECT last FROM case_numbers")
        trial.run("UPDATE case_numbers SET last = ?", last + 1)  # as after a case was opened and its rows removed

        assert located(trial.verify("numbers"), [(f"WQ-2026-{last + 1:06d}", 0)])
        trial.run("UPDATE case_numbers SET last = ?", last)
        assert trial.verify("chains", "tree", "keys", "checkpoints", "numbers").faults == 0


def unsealed_entry(trial: Trial, stream: str, seq: int) -> None:
    """The next entry, as the program writes it, not sealed yet."""
    prev, body = trial.one("SELECT hash, body FROM entries WHERE case_id = ? AND seq = ?", stream, seq - 1)
    ident = f"late-{stream}-{seq}"
    fields = {**text_of(body), "seq": seq, "prev_hash": prev, "command_id": ident}
    new = canonical(fields)
    row = (stream, seq, fields["at"], fields["actor"], ident, digest(trial.algorithm, new).hex(), new)
    trial.run(INSERT, *row)
    trial.run("INSERT INTO unsealed (case_id, seq, at) VALUES (?, ?, ?)", stream, seq, fields["at"])


# --- no false alarm ---------------------------------------------------------------------------------------------------

CLEAN = 500


def test_an_honest_record_never_raises_an_alarm(base: Base):
    """Histories of many sizes: entries written and sealed in any order, keys changed, some left unsealed."""
    with Trial(base, honest=True) as trial:
        assert trial.verify().faults == 0, "every part, once"
    for number in range(CLEAN):
        chance = random.Random(f"{SEED} clean {number}")
        with Trial(base, honest=True, older=chance.random() < 0.3) as trial:
            streams = sorted({stream for stream, _ in trial.entries()})
            for _ in range(chance.randrange(4)):
                for _ in range(chance.randrange(1, 9)):
                    honest_entry(trial, chance.choice(streams))
                if chance.random() < 0.2:
                    trial.services.sealer.keys.rotate("qianjin", "更换", lost=chance.random() < 0.3)
                if chance.random() < 0.7:
                    trial.services.sealer.seal()
            report = trial.verify("chains", "tree", "keys", "checkpoints", "logs", "numbers", "deployments")
            faults = [fault for part in report.parts for fault in part.faults]
            assert faults == [], f"seed {SEED}, run {number}"


def honest_entry(trial: Trial, stream: str) -> None:
    if stream.startswith("_"):
        return
    (seq,) = trial.one("SELECT max(seq) FROM entries WHERE case_id = ?", stream)
    prev, body = trial.one("SELECT hash, body FROM entries WHERE case_id = ? AND seq = ?", stream, seq)
    fields = {**text_of(body), "seq": seq + 1, "prev_hash": prev, "command_id": f"{stream}+{seq + 1}"}
    new = canonical(fields)
    row = (stream, seq + 1, fields["at"], fields["actor"], fields["command_id"], digest("sha256", new).hex(), new)
    trial.run(INSERT, *row)
    assert tree.leaf_hash(new) != digest("sha256", new)
