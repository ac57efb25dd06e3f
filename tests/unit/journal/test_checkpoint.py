"""The text of a checkpoint: a golden one for ever, the key's id by its definition, and nothing else accepted."""

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from engine.journal import checkpoint
from engine.journal.checkpoint import BadNote
from engine.journal.tree import leaf_hash, root

AT = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
GOLDEN = """opinion-cases/test
3
NmQuc8JUCrEh46a/lUWwokmCzYMOsT080Z3jzmwCHsE=
time 2026-03-02T01:00:00.000000Z
hash sha256

— opinion-cases/test 2F72yxcxCaoLnXuf46tIx8peJIZzDBHOlTXG8TMyzDsgXFDqnxumnb44GUHsn2wxd4UuiQ6EekF0WXgHY38lY1OpoQo=
"""


@dataclass(frozen=True)
class Hand:
    origin: str
    seeds: tuple[int, ...] = (1,)

    @property
    def keys(self) -> list[Ed25519PrivateKey]:
        return [Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32) for seed in self.seeds]

    def sign(self, message: bytes) -> list[tuple[bytes, bytes]]:
        return [(key.public_key().public_bytes_raw(), key.sign(message)) for key in self.keys]

    @property
    def public(self) -> dict[str, bytes]:
        found = [key.public_key().public_bytes_raw() for key in self.keys]
        return {checkpoint.key_id(self.origin, public): public for public in found}


def written(hand: Hand = Hand("opinion-cases/test")) -> str:
    return checkpoint.write(hand.origin, 3, root([leaf_hash(b) for b in (b"a", b"b", b"c")]), AT, "sha256", hand)


def test_the_text_of_a_checkpoint_is_what_it_has_always_been():
    assert written() == GOLDEN


def test_a_checkpoint_says_what_was_written():
    note = checkpoint.read(written())

    assert (note.origin, note.size, note.at, note.algorithm) == ("opinion-cases/test", 3, AT, "sha256")
    assert note.root == root([leaf_hash(b) for b in (b"a", b"b", b"c")])
    assert note.signed.decode() == written().partition("\n\n")[0] + "\n"


def test_the_id_of_a_key_is_that_of_c2sp_signed_note():
    public = next(iter(Hand("x").public.values()))

    assert checkpoint.key_id("x", public) == hashlib.sha256(b"x\n\x01" + public).hexdigest()[:8]


def test_signatures_hold_for_their_keys_only():
    both = Hand("opinion-cases/test", (1, 2))
    note = checkpoint.read(written(both))

    assert checkpoint.signers(note, both.public) == tuple(both.public)
    assert checkpoint.signers(note, Hand("opinion-cases/test", (2,)).public) == tuple(both.public)[1:]
    assert checkpoint.signers(note, Hand("opinion-cases/test", (3,)).public) == ()
    assert checkpoint.signers(note, Hand("other", (1,)).public) == ()


@pytest.mark.parametrize("line", [0, 1, 2, 3, 4])
def test_a_line_changed_after_signing_is_found(line):
    lines = written().split("\n")
    lines[line] = {
        0: "opinion-cases/best", 1: "4", 2: base64.b64encode(bytes(32)).decode(),
        3: "time 2026-03-02T01:00:01.000000Z", 4: "hash sm3",
    }[line]  # fmt: skip

    note = checkpoint.read("\n".join(lines))

    assert checkpoint.signers(note, Hand("opinion-cases/test").public) == ()


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("\n\n", "\n", "no signed note"),
        ("\n3\n", "\n03\n", "the size"),
        ("\n3\n", "\n-3\n", "the size"),
        ("NmQu", "Nm%u", "not base64"),
        ("CHsE=", "CHsF=", "canonical base64"),
        ("time 2026", "tide 2026", "line `time`"),
        ("hash sha256", "hash md5", "unknown hash"),
        ("— opinion", "- opinion", "not a signature line"),
        ("opinion-cases/test\n3", "two words\n3", "in line 1"),
        ("opinion-cases/test\n3", "\n3", "in line 1"),
        ("\n3\n", "\n3\r\n", "control characters"),
        ("hash sha256", "hash sha256\x00", "control characters"),
        ("hash sha256", "hash sha256\nhash sm3", "two lines `hash`"),
        ("hash sha256", "hash sha256\ntime 2026-03-03T01:00:00.000000Z", "two lines `time`"),
        ("00.000000Z", "00Z", "the line `time` to be"),
    ],
)
def test_what_is_no_checkpoint_is_refused_with_what_is_wrong(old, new, what):
    text = written()
    assert old in text

    with pytest.raises(BadNote, match=what):
        checkpoint.read(text.replace(old, new, 1))


def test_a_key_signs_once():
    text = written()

    with pytest.raises(BadNote, match="two signatures"):
        checkpoint.read(text + text.rpartition("\n\n")[2])


def test_lines_of_other_logs_are_left_alone_but_are_signed():
    text = written().replace("hash sha256", "hash sha256\nweather fine")

    note = checkpoint.read(text)

    assert note.algorithm == "sha256" and b"weather fine\n" in note.signed
    assert checkpoint.signers(note, Hand("opinion-cases/test").public) == ()


def test_the_page_about_the_journal_shows_the_text_as_it_is():
    page = (Path(__file__).parents[3] / "docs" / "journal.md").read_text(encoding="utf-8")

    assert GOLDEN in page


def test_a_checkpoint_cut_off_is_refused():
    for length in range(len(written()) - 1):
        with pytest.raises(BadNote):
            checkpoint.read(written()[:length])


@pytest.mark.parametrize("origin", ["", "two words", "a+b", "a\x00b", "x" * 201])
def test_an_origin_that_a_note_can_not_carry_is_refused(origin):
    with pytest.raises(ValueError, match="origin"):
        written(Hand(origin))
