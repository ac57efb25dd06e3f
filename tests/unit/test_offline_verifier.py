"""The pieces of the offline verifier by themselves: hashes, tree proofs, signatures, notes; and what it runs on."""

from __future__ import annotations

import ast
import base64
import hashlib
import random
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from engine.service import offline_verifier as verifier
from tests.support.reference_log import continued, path_to, signed, tree_root

SOURCE = Path(verifier.__file__)
SEED = 20260302

# RFC 8032, 7.1: public key, message, signature.
VECTORS = (
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe2465"
        "5141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb0"
        "0d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc0"
        "27beceea1ec40a",
    ),
)


@pytest.mark.parametrize(("public", "message", "signature"), VECTORS)
def test_the_signatures_of_rfc_8032_hold_and_no_changed_one_does(public: str, message: str, signature: str):
    key, text, good = bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(signature)

    flipped = [bytes([*good[:at], good[at] ^ 1, *good[at + 1 :]]) for at in range(0, 64, 7)]

    assert verifier.signature_holds(key, text, good)
    assert not any(verifier.signature_holds(key, text, bad) for bad in flipped)
    assert not verifier.signature_holds(key, text + b"x", good)


def test_signatures_are_judged_as_the_cryptography_library_judges_them():
    chance = random.Random(SEED)
    for _ in range(30):
        private = Ed25519PrivateKey.from_private_bytes(chance.randbytes(32))
        public, message = private.public_key().public_bytes_raw(), chance.randbytes(chance.randrange(200))
        signature = private.sign(message)

        assert verifier.signature_holds(public, message, signature)
        assert not verifier.signature_holds(chance.randbytes(32), message, signature)


def test_a_signature_with_a_scalar_beyond_the_order_is_refused():
    public, message, signature = (bytes.fromhex(text) for text in VECTORS[1])
    larger = int.from_bytes(signature[32:], "little") + verifier._L

    assert not verifier.signature_holds(public, message, signature[:32] + larger.to_bytes(32, "little"))


def test_sm3_gives_the_values_of_its_standard_with_and_without_a_hashlib_that_knows_it():
    abc = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    long = "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"

    assert verifier.Sm3(b"abc").hexdigest() == abc
    assert verifier.Sm3(b"abcd" * 16).hexdigest() == long
    assert verifier.digest("sm3", b"abc").hex() == abc


def test_sm3_in_pieces_is_sm3_of_the_whole():
    chance = random.Random(SEED)
    data = chance.randbytes(1000)
    pieces = verifier.Sm3()
    at = 0
    while at < len(data):
        step = chance.randrange(1, 130)
        pieces.update(data[at : at + step])
        at += step

    assert pieces.hexdigest() == verifier.Sm3(data).hexdigest()


def test_an_unknown_hash_is_refused():
    with pytest.raises(ValueError, match="md5"):
        verifier.hasher("md5")


# --- the tree, against the definitions of RFC 6962 2.1 ---

LEAVES = [verifier.leaf_hash(b"%d" % number, "sha256") for number in range(33)]


def test_every_leaf_is_found_in_every_tree_and_in_no_other_place():
    for size in range(1, len(LEAVES) + 1):
        root = tree_root(LEAVES[:size])
        for index in range(size):
            proof = path_to(LEAVES[:size], index)

            assert verifier.inclusion_holds(LEAVES[index], index, size, proof, root, "sha256")
            assert not verifier.inclusion_holds(LEAVES[index - 1 if index else 32], index, size, proof, root, "sha256")
            assert not verifier.inclusion_holds(LEAVES[index], size, size, proof, root, "sha256")
            assert not verifier.inclusion_holds(LEAVES[index], index, size, [*proof, root], root, "sha256")
            if proof:
                assert not verifier.inclusion_holds(LEAVES[index], index, size, proof[:-1], root, "sha256")


def test_every_tree_continues_every_smaller_one_and_no_other():
    for new in range(1, len(LEAVES) + 1):
        for old in range(1, new + 1):
            before, after = tree_root(LEAVES[:old]), tree_root(LEAVES[:new])
            proof = continued(LEAVES[:new], old)

            assert verifier.consistency_holds(old, new, before, after, proof, "sha256")
            assert not verifier.consistency_holds(old, new, LEAVES[0][::-1], after, proof, "sha256")
            assert not verifier.consistency_holds(old, new, before, LEAVES[0][::-1], proof, "sha256")
            assert not verifier.consistency_holds(old, new, before, after, [*proof, before], "sha256")


# --- notes and keys ---


def a_note(*keys: tuple[str, Ed25519PrivateKey]) -> str:
    root = base64.b64encode(hashlib.sha256(b"").digest()).decode()
    return signed(f"log.example\n7\n{root}\ntime 2026-03-02T01:00:00.000000Z\nhash sha256\n", *keys)


def test_a_note_is_read_and_its_signers_are_found():
    one, two = Ed25519PrivateKey.from_private_bytes(b"1" * 32), Ed25519PrivateKey.from_private_bytes(b"2" * 32)
    known = [verifier.make_key("log.example", key.public_key().public_bytes_raw()) for key in (one, two)]

    note = verifier.read_note(a_note(("log.example", one), ("log.example", two)))

    assert (note.origin, note.size, note.algorithm) == ("log.example", 7, "sha256")
    assert note.time == "2026-03-02T01:00:00.000000Z"
    assert verifier.signers(note, known) == known
    assert verifier.signers(note, [verifier.make_key("other.example", known[0].public)]) == []


def test_no_changed_byte_of_a_note_leaves_it_signed():
    private = Ed25519PrivateKey.from_private_bytes(b"1" * 32)
    known = [verifier.make_key("log.example", private.public_key().public_bytes_raw())]
    good = a_note(("log.example", private)).encode()
    unnoticed = []
    for at in range(len(good)):
        bad = bytes([*good[:at], good[at] ^ 1, *good[at + 1 :]])
        try:
            if verifier.signers(verifier.read_note(bad.decode()), known):
                unnoticed.append(at)
        except ValueError:
            continue

    assert unnoticed == []


def test_a_key_is_read_in_each_form_and_a_wrong_id_is_refused():
    public = Ed25519PrivateKey.from_private_bytes(b"1" * 32).public_key().public_bytes_raw()
    key = verifier.make_key("log.example", public)
    spelled = f"log.example+{key.id}+{base64.b64encode(bytes([1]) + public).decode()}"

    assert verifier.read_key(spelled, "") == key
    assert verifier.read_key(public.hex(), "log.example") == key
    assert verifier.read_key(base64.b64encode(public).decode() + "\n", "log.example") == key
    with pytest.raises(ValueError, match="key id"):
        verifier.read_key(spelled.replace("log.example", "log2.example"), "")
    with pytest.raises(ValueError, match="32 bytes"):
        verifier.read_key("aGVsbG8=", "")


# --- what it runs on ---


def test_it_is_written_in_the_python_of_2019():
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"), feature_version=(3, 8))
    newer = {"removeprefix", "removesuffix", "bit_count", "file_digest"}
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    strict = [node for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "strict"]

    assert used & newer == set()
    assert strict == []


def test_it_imports_nothing_but_the_standard_library():
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"))
    named = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    named |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}

    assert {name.partition(".")[0] for name in named} <= sys.stdlib_module_names


def test_what_is_no_package_is_said_to_be_unreadable(tmp_path: Path):
    (tmp_path / "no.zip").write_bytes(b"PK\x03\x04 cut off")
    for path in (tmp_path / "no.zip", tmp_path, tmp_path / "missing.zip"):
        done = subprocess.run(
            [sys.executable, "-I", "-S", str(SOURCE), str(path)], capture_output=True, text=True, encoding="utf-8"
        )

        assert done.returncode == 2
        assert "无法读取" in done.stderr
