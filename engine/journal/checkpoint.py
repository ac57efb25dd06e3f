"""Checkpoints: a signed statement of the tree's size and root, as a C2SP signed note (tlog-checkpoint) with Ed25519.

opinion-cases/3f9c2a
1042
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
time 2026-03-02T01:00:00.000000Z
hash sha256

— opinion-cases/3f9c2a <base64 of the key's id (4 bytes) and the signature (64)>
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from engine.domain.codec import instant_text, parse_instant

from .hashing import ALGORITHMS, SIZE

ED25519 = b"\x01"
"""Signature type of C2SP signed-note."""
DASH = "\u2014"
_SIGNATURE = re.compile(DASH + r" (\S+) (\S+)")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_ORIGIN = re.compile(r"[^\s+]{1,200}")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


class BadNote(ValueError):
    """The text is no checkpoint; `args[0]` says what is wrong with it."""


class Signer(Protocol):
    """Somebody who signs checkpoints: a key, or two of them while one takes over from the other."""

    @property
    def origin(self) -> str: ...

    def sign(self, message: bytes) -> Sequence[tuple[bytes, bytes]]:
        """(public key of 32 bytes, signature of 64 bytes) of each key."""
        ...


@dataclass(frozen=True, slots=True)
class Signature:
    name: str
    key_id: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """What a checkpoint's text says. `signed`: the bytes that the signatures are of; `at`: aware UTC."""

    origin: str
    size: int
    root: bytes
    at: datetime
    algorithm: str
    signed: bytes
    signatures: tuple[Signature, ...]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint of the log. `number` from 1; `note` is the signed text, the rest what it says."""

    number: int
    origin: str
    size: int
    root: bytes
    at: datetime
    algorithm: str
    note: str
    key_ids: tuple[str, ...]


def is_origin(text: str) -> bool:
    """Whether a note can carry this as a name: no blanks, no plus signs, 200 characters at most."""
    return _ORIGIN.fullmatch(text) is not None and not _CONTROL.search(text)


def key_id(origin: str, public: bytes) -> str:
    """Id of an Ed25519 key under a name: first four bytes of sha256(name, newline, type, key), hex."""
    return hashlib.sha256(origin.encode() + b"\n" + ED25519 + public).digest()[:4].hex()


def write(origin: str, size: int, root: bytes, at: datetime, algorithm: str, signer: Signer) -> str:
    """The signed text. Raises ValueError for an origin with blanks or plus signs."""
    if not is_origin(origin):
        raise ValueError(f"expected an origin without blanks and plus signs, got {origin!r}")
    lines = [origin, str(size), base64.b64encode(root).decode(), f"time {instant_text(at)}", f"hash {algorithm}"]
    text = "\n".join(lines) + "\n"
    signatures = [
        f"{DASH} {origin} {base64.b64encode(bytes.fromhex(key_id(origin, public)) + signature).decode()}\n"
        for public, signature in signer.sign(text.encode())
    ]
    return text + "\n" + "".join(signatures)


def read(text: str) -> Note:
    """What a checkpoint's text says; nothing is verified. Lines of others are left alone. Raises BadNote."""
    if _CONTROL.search(text):
        raise BadNote("expected no control characters but ends of lines")
    head, parted, tail = text.partition("\n\n")
    lines = head.split("\n")
    if not parted or len(lines) < 3:
        raise BadNote("no signed note: expected a text, an empty line and signature lines")
    if not _ORIGIN.fullmatch(lines[0]):
        raise BadNote(f"expected a name without blanks and plus signs in line 1, got {lines[0][:40]!r}")
    if not _SIZE.fullmatch(lines[1]):
        raise BadNote(f"expected the size in line 2, got {lines[1][:40]!r}")
    root = _decoded(lines[2], "the root in line 3")
    if len(root) != SIZE:
        raise BadNote(f"expected a root of {SIZE} bytes, got {len(root)}")
    algorithm = _once(lines[3:], "hash") or "sha256"
    if algorithm not in ALGORITHMS:
        raise BadNote(f"unknown hash {algorithm[:40]!r}")
    time = _once(lines[3:], "time")
    try:
        at = parse_instant(time)
    except ValueError as error:
        raise BadNote("expected a line `time` with an instant") from error
    if instant_text(at) != time:
        raise BadNote(f"expected the line `time` to be {instant_text(at)}, got {time[:40]!r}")
    signatures = tuple(_signatures(tail))
    if len({(one.name, one.key_id) for one in signatures}) < len(signatures):
        raise BadNote("two signatures of one key")
    return Note(lines[0], int(lines[1]), root, at, algorithm, (head + "\n").encode(), signatures)


def _once(lines: Sequence[str], name: str) -> str:
    """The text of the extension line of that name, "" where there is none."""
    found = [line.removeprefix(name + " ") for line in lines if line.startswith(name + " ")]
    if len(found) > 1:
        raise BadNote(f"two lines `{name}`")
    return found[0] if found else ""


def _signatures(tail: str) -> Iterable[Signature]:
    if not tail.endswith("\n"):
        raise BadNote("expected signature lines, each with its end of line")
    for line in tail[:-1].split("\n"):
        found = _SIGNATURE.fullmatch(line)
        if found is None:
            raise BadNote(f"not a signature line: {line[:60]!r}")
        raw = _decoded(found[2], "a signature")
        if len(raw) != 68:
            raise BadNote("expected an Ed25519 signature of 64 bytes behind the key's id")
        yield Signature(found[1], raw[:4].hex(), raw[4:])


def _decoded(text: str, what: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadNote(f"{what} is not base64") from error
    if base64.b64encode(raw).decode() != text:
        raise BadNote(f"{what} is not canonical base64")
    return raw


def signers(note: Note, keys: Mapping[str, bytes]) -> tuple[str, ...]:
    """Ids of those of `keys` (id -> public key) whose signature of the note holds."""
    found = []
    for one in note.signatures:
        public = keys.get(one.key_id)
        if public is None or one.name != note.origin or key_id(note.origin, public) != one.key_id:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(one.signature, note.signed)
        except InvalidSignature:
            continue
        found.append(one.key_id)
    return tuple(found)
