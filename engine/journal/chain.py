"""Checks that a stream is whole: each body hashes to its hash, each hash is the next one's prev_hash, no gap in seq."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from json.encoder import encode_basestring
from typing import Final

from engine.domain.codec import instant_text

from .entry import GENESIS, StoredEntry
from .hashing import digest

# A body is one canonical JSON object: keys sorted, no spaces, every quote inside a string escaped. So its last three
# members are prev_hash, seq and state_digest, and these bytes are they, not part of some text: the closing `"}` ends
# the object, hex digits need no escape, so the quote before them opens that string, and going on to the left every
# quote is without a backslash, which inside a string it could not be. The same holds for the first members from the
# left: actor's text ends at the first quote without a backslash before it.
_TAIL: Final = re.compile(rb',"prev_hash":"([0-9a-f]{64})","seq":([1-9][0-9]*),"state_digest":"[0-9a-f]{64}"\}\Z')
_TAIL_LENGTH: Final = 260
"""Bytes that the last three members have at most: 64 digits twice, a number, and their names."""
_TEXT: Final = rb'("(?:[^"\\]|\\.)*")'
_HEAD: Final = re.compile(
    rb'\{"actor":' + _TEXT + rb',"at":"([0-9TZ:.-]{20,40})","bundle":"[0-9a-f]*","case_id":' + _TEXT + rb',"command":'
)


@dataclass(frozen=True, slots=True)
class Break:
    """Where a chain is broken: `what` is seq, prev_hash, hash, time, stream, body or a look-up column."""

    case_id: str
    seq: int
    what: str
    expected: str
    got: str


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A row of `entries` as it lies in the database: `body` and `hash`, and what is there for look-up."""

    case_id: str
    seq: int
    at: str
    actor: str
    command_id: str
    hash: str
    body: bytes


def verify_rows(rows: Iterable[StoredRow], algorithm: str = "sha256") -> list[Break]:
    """Every break of one stream's rows, in order; empty when it is whole. Requires rows ordered by seq.

    Reads only the fixed parts of each body, which is what makes it fast; replaying the stream reads the rest.
    """
    breaks: list[Break] = []
    prev, seq, at, stream = GENESIS, 0, "", ""
    for row in rows:
        seq += 1
        stream = stream or row.case_id
        body = row.body
        head, tail = _HEAD.match(body), _TAIL.search(body[-_TAIL_LENGTH:])
        got_hash = digest(algorithm, body).hex()
        if (
            head is not None
            and tail is not None
            and got_hash == row.hash
            and tail.groups() == (prev.encode(), b"%d" % seq)
            and row.seq == seq
            and row.case_id == stream
            and row.at >= at
            and head.groups() == (_text(row.actor), row.at.encode(), _text(stream))
            and b',"command_id":%b,"engine_version":"' % _text(row.command_id) in body
        ):
            prev, at = row.hash, row.at
            continue
        found = _breaks(row, seq, prev, at, stream, got_hash)
        breaks += found or [Break(row.case_id, row.seq, "body", "canonical JSON", "something else")]
        prev, at, seq = row.hash, row.at, row.seq
    return breaks


def _text(value: str) -> bytes:
    """A text as canonical JSON has it."""
    return encode_basestring(value).encode()


def _breaks(row: StoredRow, seq: int, prev: str, at: str, stream: str, got_hash: str) -> list[Break]:
    """What exactly is wrong with a row that did not pass, read in full."""
    found: list[Break] = []

    def check(what: str, expected: object, got: object) -> None:
        if expected != got:
            found.append(Break(row.case_id, row.seq, what, str(expected)[:200], str(got)[:200]))

    check("seq", seq, row.seq)
    check("stream", stream, row.case_id)
    check("hash", got_hash, row.hash)
    try:
        fields = json.loads(row.body)
        check("prev_hash", prev, fields["prev_hash"])
        for name in ("case_id", "seq", "actor", "command_id", "at"):
            check(name if name != "seq" else "seq column", fields[name], getattr(row, name))
    except (ValueError, KeyError, TypeError) as error:
        found.append(Break(row.case_id, row.seq, "body", "JSON of an entry", repr(error)[:200]))
    if at and row.at < at:
        found.append(Break(row.case_id, row.seq, "time", f">= {at}", row.at))
    return found


def verify_chain(entries: Iterable[StoredEntry], algorithm: str = "sha256") -> list[Break]:
    """Every break of one stream's entries, in order; empty when it is whole. Requires entries ordered by seq."""
    breaks: list[Break] = []
    prev, seq, stream, at = GENESIS, 0, "", ""
    for entry in entries:
        seq += 1
        stream = stream or entry.case_id

        def check(what: str, expected: object, got: object, entry: StoredEntry = entry) -> None:
            if expected != got:
                breaks.append(Break(entry.case_id, entry.seq, what, str(expected), str(got)))

        check("seq", seq, entry.seq)
        check("stream", stream, entry.case_id)
        check("prev_hash", prev, entry.prev_hash)
        check("hash", digest(algorithm, entry.body).hex(), entry.hash)
        if at and instant_text(entry.at) < at:
            breaks.append(Break(entry.case_id, entry.seq, "time", f">= {at}", instant_text(entry.at)))
        prev, seq, at = entry.hash, entry.seq, instant_text(entry.at)
    return breaks
