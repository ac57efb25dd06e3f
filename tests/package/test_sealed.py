"""What only the sealed log shows: rewritten histories, forged proofs, other keys, another log shown to a witness.

The log here is the reference of tests/support/reference_log.py, so that the verifier is not judged by the program that
it judges.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from engine.domain.codec import canonical
from engine.service.offline_verifier import leaf_hash
from tests.package.conftest import Office
from tests.support.forger import Unpacked, run_verifier
from tests.support.reference_log import ReferenceLog

SEED = 20260303
SECOND = Ed25519PrivateKey.from_private_bytes(b"2" * 32)


@pytest.fixture
def log() -> ReferenceLog:
    return ReferenceLog()


@pytest.fixture
def sealed(unpack: Callable[[], Unpacked], log: ReferenceLog) -> Unpacked:
    made = unpack()
    log.seal(made)
    return made


def test_a_sealed_package_with_key_and_witness_leaves_little_unchecked(
    sealed: Unpacked, log: ReferenceLog, tmp_path: Path
):
    (tmp_path / "printed.txt").write_text(log.notes[0][1], encoding="utf-8")

    done = run_verifier(sealed.root, "--json", "--key", log.verifier_key(), "--checkpoint", tmp_path / "printed.txt")

    found = json.loads(done.stdout)
    assert done.returncode == 0, found["faults"]
    checked = {check["name"]: check["number"] for check in found["checks"]}
    assert checked["tree"] == checked["chain"] > 20
    assert {"key", "witness", "log"} <= checked.keys()
    unchecked = " ".join(one["en"] for one in found["not_checked"])
    assert "not sealed" not in unchecked and "--key" not in unchecked and "--checkpoint" not in unchecked


def test_a_history_rewritten_with_all_hashes_and_lists_is_not_in_the_signed_tree(sealed: Unpacked, office: Office):
    stream = office.closed.id
    entries = [json.loads(line) for line in sealed.lines(f"data/entries/{stream}.jsonl")]
    entries[4]["actor"] = "zhaogang"
    sealed.chain_again(stream, entries, canonical)
    sealed.list_again()

    faults = sealed.report().faults

    assert {fault.check for fault in faults} == {"tree"}
    assert faults[0].where == f"{stream} #5"


def test_an_entry_left_out_of_a_rewritten_history_is_noticed(sealed: Unpacked, office: Office):
    stream = office.closed.id
    entries = [json.loads(line) for line in sealed.lines(f"data/entries/{stream}.jsonl")]
    del entries[6]
    sealed.chain_again(stream, entries, canonical)

    def shorten(index: dict) -> None:
        for one in index["streams"]:
            if one["name"] == stream:
                one["entries"] = one["sealed"] = len(entries)

    sealed.edit_json("data/package.json", shorten)
    sealed.list_again()

    assert any(fault.check == "tree" and fault.where == f"{stream} #7" for fault in sealed.report().faults)


def test_every_forged_proof_is_refused(sealed: Unpacked, office: Office):
    chance = random.Random(SEED)
    path = f"data/proofs/{office.late.id}.jsonl"
    whole = sealed.lines(path)
    for kind in ("leaf", "hash", "shorter", "longer", "other") * 6:
        lines = list(whole)
        at = chance.randrange(len(lines) - 1)
        proof = json.loads(lines[at])
        if kind == "leaf":
            proof["leaf"] += 1
        elif kind == "hash":
            part = bytearray.fromhex(proof["proof"][0])
            part[chance.randrange(32)] ^= 1 << chance.randrange(8)
            proof["proof"][0] = part.hex()
        elif kind == "shorter":
            proof["proof"].pop()
        elif kind == "longer":
            proof["proof"].append("00" * 32)
        else:
            proof.update({name: json.loads(lines[at + 1])[name] for name in ("leaf", "proof")})
        lines[at] = json.dumps(proof).encode() + b"\n"
        sealed.write(path, b"".join(lines))
        sealed.list_again()

        where = [fault.where for fault in sealed.report().faults if fault.check == "tree"]

        assert f"{office.late.id} #{at + 1}" in where, (SEED, kind, at)


def test_a_tree_signed_anew_by_another_key_is_refused_by_who_knows_the_right_one(
    unpack: Callable[[], Unpacked], log: ReferenceLog
):
    forged = unpack()
    forger = ReferenceLog(key=SECOND)
    forger.seal(forged)

    alone, knowing = forged.report(), forged.report(trusted=log.verifier_key())

    assert alone.faults == []
    assert any("--key" in zh for zh, _ in alone.unchecked)
    assert [fault.check for fault in knowing.faults] == ["key"]


def test_an_old_key_vouches_for_the_one_it_handed_over_to(unpack: Callable[[], Unpacked], log: ReferenceLog):
    rotated = unpack()
    old = log.key
    log.others(3)
    log.checkpoint()
    log.others(1)
    log.checkpoint(SECOND)
    log.key = SECOND
    log.seal(rotated)

    assert rotated.report(trusted=log.verifier_key(old)).faults == []
    assert rotated.report(trusted=log.verifier_key(SECOND)).faults == []
    stranger = Ed25519PrivateKey.from_private_bytes(b"3" * 32)
    assert [f.check for f in rotated.report(trusted=log.verifier_key(stranger)).faults] == ["key"]


def test_a_key_that_nobody_handed_over_to_is_not_trusted(unpack: Callable[[], Unpacked], log: ReferenceLog):
    replaced = unpack()
    old = log.key
    log.others(3)
    log.checkpoint()
    log.key = SECOND
    log.seal(replaced)

    assert [fault.check for fault in replaced.report(trusted=log.verifier_key(old)).faults] == ["key"]


def test_two_logs_shown_to_two_people_are_found_by_the_printed_checkpoint(
    unpack: Callable[[], Unpacked], log: ReferenceLog
):
    shown, printed = unpack(), log
    printed.others(9)
    split = ReferenceLog()
    split.leaves = [leaf_hash(b"another %d" % number, "sha256") for number in range(9)]
    split.checkpoint()
    split.seal(shown)

    faults = shown.report(witness=printed.checkpoint(), trusted=log.verifier_key()).faults

    assert [fault.check for fault in faults] == ["witness"]
    assert "root" in faults[0].en


def test_a_checkpoint_of_a_size_that_the_package_does_not_know_is_said_to_be_not_compared(
    sealed: Unpacked, log: ReferenceLog
):
    log.others(5)

    report = sealed.report(witness=log.checkpoint(), trusted=log.verifier_key())

    assert report.faults == []
    assert any("export --checkpoint" in en for _, en in report.unchecked)


def test_a_witness_that_is_forged_or_of_another_log_is_a_fault(sealed: Unpacked, log: ReferenceLog):
    note = log.notes[0][1]
    other = ReferenceLog(origin="other.example")
    other.others(2)

    assert [fault.check for fault in sealed.report(witness=note.replace("\n", "\n1", 1)).faults] == ["witness"]
    assert [fault.check for fault in sealed.report(witness="no note").faults] == ["witness"]
    assert {fault.check for fault in sealed.report(witness=other.checkpoint()).faults} == {"witness"}


def test_an_earlier_checkpoint_that_the_newest_does_not_continue_is_a_fault(sealed: Unpacked, log: ReferenceLog):
    split = ReferenceLog()
    split.others(4)
    lines = sealed.lines("data/log/checkpoints.jsonl")
    lines.insert(0, json.dumps({"note": split.checkpoint(), "proof": json.loads(lines[0])["proof"]}).encode() + b"\n")
    sealed.write("data/log/checkpoints.jsonl", b"".join(lines))
    sealed.list_again()

    assert [(fault.check, fault.where) for fault in sealed.report().faults] == [("log", "line 1")]


def test_entries_that_are_not_sealed_yet_are_counted_and_said(unpack: Callable[[], Unpacked], log: ReferenceLog):
    open_end = unpack()
    log.seal(open_end, leave=1)

    report = open_end.report()

    assert report.faults == []
    assert any(zh.startswith("3 条记录尚未封存") for zh, _ in report.unchecked)


def test_a_package_stripped_of_its_log_does_not_pass_for_who_brings_a_key_or_a_checkpoint(
    sealed: Unpacked, unpack: Callable[[], Unpacked], log: ReferenceLog
):
    stripped = unpack()
    stripped.edit_json("data/package.json", lambda index: index["log"].update(sealed=False))
    stripped.list_again()

    by_key, by_note = stripped.report(trusted=log.verifier_key()), stripped.report(witness=log.notes[-1][1])
    assert "key" in {fault.check for fault in by_key.faults}
    assert "witness" in {fault.check for fault in by_note.faults}
