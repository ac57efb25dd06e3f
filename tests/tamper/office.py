"""A sealed office to be tampered with: made once, copied into memory for each trial, changed as a DBA could."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from engine.domain.codec import canonical, parse_instant
from engine.domain.commands import AddComment
from engine.journal import checkpoint, log, tree
from engine.journal.hashing import digest
from engine.journal.store import SqlJournal
from engine.service.access_log import looked
from engine.service.bootstrap import Services
from engine.service.files import as_stream
from engine.service.keys import KeyRing
from engine.service.people_log import security
from engine.service.sealing import Sealer
from engine.service.transactions import writing
from engine.service.verification import Report
from engine.service.verify import Asked, verify
from tests.support import world as worlds
from tests.support.walks import assign, graded, publish, until_composing
from tests.support.world import World

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


@dataclass(frozen=True, slots=True)
class Base:
    """A sealed office on disk. `witness`: a witness file from before its last entries were written."""

    folder: Path
    services: Services
    image: sqlite3.Connection
    older: sqlite3.Connection
    witness: str


def build(folder: Path, comments: int = 260) -> Base:
    """Some cases of the shipped bundle, files, looks, five checkpoints, one change of keys, everything sealed."""
    made = World(folder)
    services = made.services
    facts = services.files.save(as_stream(PNG), "发布截图.png")
    assert isinstance(facts, dict)
    paper, worlds.PAPER = worlds.PAPER, facts  # type: ignore[assignment]
    try:
        first = until_composing(made)
        publish(first)
    finally:
        worlds.PAPER = paper
    services.sealer.seal()
    second = graded(made)
    look(made, first.id)
    services.sealer.seal()
    services.sealer.keys.rotate("qianjin", "每年更换")
    services.sealer.seal()
    older = copied(made.settings.data_dir / "opinion.db")
    with services.journal.reading() as tx:
        newest = log.latest(tx.connection)
    assert newest is not None
    keys = [{"key_id": k.key_id, "public": k.public, "since": k.since} for k in services.sealer.public_keys()]
    witness = json.dumps({"format": "opinion-witness-1", "note": newest.note, "keys": keys})
    assign(second)
    third = graded(made)
    for number in range(comments):
        made.do("wangfang", AddComment(f"第{number}次查看"), third.id)
    look(made, second.id)
    services.sealer.seal()
    made.wait(hours=9)
    services.sealer.seal()
    services.engine.dispose()
    return Base(folder, services, copied(made.settings.data_dir / "opinion.db"), older, witness)


def look(made: World, case_id: str) -> None:
    for number in range(5):
        looked(made.services, made.actor("zhaoming"), case_id, "cases.show", f"10.0.0.{number}", f"/cases/{case_id}")
    with writing(made.services.engine) as conn:
        security(conn, made.clock.now(), "sign_in", "zhaoming", "10.0.0.1", {})


def copied(path: Path) -> sqlite3.Connection:
    """The database in memory."""
    made = sqlite3.connect(":memory:", check_same_thread=False)
    with closing(sqlite3.connect(path)) as disk:
        disk.backup(made)
    return made


class Trial:
    """One copy, in the attacker's hands: every trigger is gone."""

    def __init__(self, base: Base, *, older: bool = False, honest: bool = False) -> None:
        self.base = base
        self.db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        (base.older if older else base.image).backup(self.db)
        if not honest:
            for (name,) in self.db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                self.db.execute(f"DROP TRIGGER {name}")
        engine = create_engine("sqlite://", creator=lambda: self.db, poolclass=StaticPool)
        journal = SqlJournal(engine, base.services.journal.algorithm)
        clock = base.services.clock
        ring = KeyRing(journal, base.services.settings.keys_folder, clock)
        self.services = replace(base.services, engine=engine, journal=journal, sealer=Sealer(journal, ring, clock))
        self.algorithm = journal.algorithm

    def __enter__(self) -> Trial:
        return self

    def __exit__(self, *_: object) -> None:
        self.services.engine.dispose()
        self.db.close()

    def verify(self, *parts: str, cases: Sequence[str] = (), witness: str = "") -> Report:
        return verify(self.services, Asked(cases, parts, witness))

    # -- what an attacker reads and writes ---------------------------------------------------------------------------
    def all(self, statement: str, *values: Any) -> list[Any]:
        return self.db.execute(statement, values).fetchall()

    def one(self, statement: str, *values: Any) -> Any:
        return self.db.execute(statement, values).fetchone()

    def run(self, statement: str, *values: Any) -> None:
        changed = self.db.execute(statement, values).rowcount
        assert changed >= 1, statement

    def entries(self, stream: str = "") -> list[tuple[str, int]]:
        """Sealed entries as (stream, seq), in order of the leaves."""
        found = self.all("SELECT case_id, seq FROM leaves ORDER BY position")
        return [(case, seq) for case, seq in found if not stream or case == stream]

    def rechain(self, stream: str) -> None:
        """Gives every entry of the stream its right prev_hash and hash again."""
        prev = "0" * 64
        for seq, body in self.all("SELECT seq, body FROM entries WHERE case_id = ? ORDER BY seq", stream):
            fields = {**json.loads(body), "prev_hash": prev}
            new = canonical(fields)
            prev = digest(self.algorithm, new).hex()
            self.run("UPDATE entries SET body = ?, hash = ? WHERE case_id = ? AND seq = ?", new, prev, stream, seq)

    def regrow(self, *, notes: bool = False, hand: Any = None) -> None:
        """Makes leaves, subtrees and edges anew from the entries that stand in the leaves' order; with `notes` writes
        the new roots into the checkpoints, signed by `hand`, or with the signatures that stood there."""
        order = self.all(
            "SELECT l.position, e.case_id, e.seq, e.body FROM leaves l JOIN entries e "
            "ON e.case_id = l.case_id AND e.seq = l.seq ORDER BY l.position"
        )
        self.db.execute("DELETE FROM leaves")
        self.db.execute("DELETE FROM subtrees")
        marks = {size: (number, note) for number, size, note in self.all("SELECT number, size, note FROM checkpoints")}
        edge = tree.Edge(algorithm=self.algorithm)
        for _, case, seq, body in order:
            leaf = tree.leaf_hash(body, self.algorithm)
            self.db.execute("INSERT INTO leaves VALUES (?, ?, ?, ?)", (edge.size, case, seq, leaf))
            edge.add(leaf)
            for height, place, found in edge.finished:
                self.db.execute("INSERT INTO subtrees VALUES (?, ?, ?)", (height, place, found))
            edge.finished.clear()
            if edge.size in marks:
                number, note = marks[edge.size]
                self._mark(edge, number, note if notes else "", hand)

    def _mark(self, edge: tree.Edge, number: int, note: str, hand: Any) -> None:
        self.run("UPDATE checkpoints SET edge = ? WHERE number = ?", b"".join(edge.hashes), number)
        if not note:
            return
        old = checkpoint.read(note)
        if hand is None:
            head, _, tail = note.partition("\n\n")
            lines = head.split("\n")
            fresh = checkpoint.write(old.origin, edge.size, edge.root(), old.at, self.algorithm, Forger(old.origin))
            lines[2] = fresh.split("\n")[2]
            new = "\n".join(lines) + "\n\n" + tail
        else:
            new = checkpoint.write(old.origin, edge.size, edge.root(), old.at, self.algorithm, hand)
        ids = " ".join(one.key_id for one in checkpoint.read(new).signatures)
        self.run("UPDATE checkpoints SET note = ?, key_ids = ? WHERE number = ?", new, ids, number)

    def checkpoint_over(self, stream: str, seq: int) -> int:
        """Number of the first checkpoint that covers an entry."""
        (place,) = self.one("SELECT position FROM leaves WHERE case_id = ? AND seq = ?", stream, seq)
        (number,) = self.one("SELECT min(number) FROM checkpoints WHERE size > ?", place)
        return int(number)


@dataclass(frozen=True, slots=True)
class Forger:
    """Signs with a key of its own."""

    origin: str

    @property
    def key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)

    @property
    def public(self) -> bytes:
        return self.key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> Sequence[tuple[bytes, bytes]]:
        return [(self.public, self.key.sign(message))]


def text_of(body: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(body)
    assert parse_instant(found["at"])
    return found
