"""What chain and tree cost an append: one entry a transaction, beside a plain insert of the same bytes, in turns.

All contenders serialise the same fields and commit to SQLite with journal_mode=WAL and synchronous=FULL on one disk,
through the same transaction wrapper. `plain` is a table with the columns and keys of `entries` and nothing else.
With `OPINION_BENCH_POSTGRES=postgresql://.../{}` PostgreSQL follows, in the empty databases `plain`, `chain`, `queue`
and `tree`.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, Text, UniqueConstraint, delete, insert, text

from engine.domain.clock import FixedClock
from engine.domain.codec import canonical, instant_text
from engine.journal.database import create_tables, open_database
from engine.journal.entry import GENESIS, make_entry
from engine.journal.schema import unsealed
from engine.journal.store import SqlJournal
from engine.readmodels import version
from engine.service.keys import KeyRing
from engine.service.sealing import Sealer

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
ROUNDS = 9
APPENDS = 100
"""Transactions of one entry each that a contender makes in a round; as many entries go into one checkpoint."""
FILLING = "根据现场核实情况，网帖反映的问题属实，已责成属地单位限期整改并回复网民。" * 12

plain = Table(
    "plain",
    MetaData(),
    Column("case_id", Text, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("command_id", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    UniqueConstraint("command_id", name="plain_command_once"),
)
CASE = "WQ-2026-000001"
COLUMNS = tuple(column.name for column in plain.columns)
_PLAIN = insert(plain)
_PLAIN_SQLITE = f"INSERT INTO plain ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"


def fields(case_id: str, seq: int) -> dict[str, Any]:
    """What an entry holds but for its instant and its link: some 1.5 kB, the size of an ordinary submission."""
    return {
        "case_id": case_id, "seq": seq, "actor": "wangfang", "on_behalf_of": "", "command_id": f"{case_id}-{seq}",
        "command": {"kind": "SubmitTask", "task": "Task_verify#1", "values": {"opinion": FILLING}}, "bundle": "b" * 64,
        "engine_version": "bench", "events": [{"kind": "TaskCompleted", "task": "Task_verify#1", "by": "wangfang"}],
        "state_digest": "d" * 64,
    }  # fmt: skip


class Store:
    """A database of its own with everything the program makes, and one stream that grows."""

    def __init__(self, url: str, folder: Path) -> None:
        self.engine = open_database(url)
        self.journal = SqlJournal(self.engine, create_tables(self.engine))
        version.bring_up(self.engine)
        plain.create(self.engine)
        clock = FixedClock(START)
        self.sealer = Sealer(self.journal, KeyRing(self.journal, folder / "keys", clock, "bench"), clock)
        self.sqlite = self.engine.dialect.name == "sqlite"
        self.seq = 0

    def plainly(self) -> None:
        """The same bytes into a table without links and triggers."""
        self.seq += 1
        at = instant_text(START)
        with self.journal.writing() as tx:
            given = fields(CASE, self.seq)
            body = canonical({**given, "at": at, "prev_hash": GENESIS})
            row = (CASE, self.seq, at, given["actor"], given["command_id"], GENESIS, body)
            if self.sqlite:
                driver: Any = tx.connection.connection.dbapi_connection
                driver.execute(_PLAIN_SQLITE, row)
            else:
                tx.connection.execute(_PLAIN, dict(zip(COLUMNS, row, strict=True)))

    def chained(self) -> None:
        """An entry of the journal: the head is looked up, it is linked to the one before and hashed; triggers guard."""
        self.seq += 1
        with self.journal.writing() as tx:
            head = tx.head(CASE)
            tx.append(make_entry(**fields(CASE, self.seq), at=START, prev_hash=GENESIS if head is None else head.hash))

    def without_queue(self) -> Store:
        """Takes away the trigger that queues entries for the tree: what remains is the chain and the guards."""
        with self.journal.writing() as tx:
            tx.connection.execute(text(f"DROP TRIGGER entries_to_be_sealed{'' if self.sqlite else ' ON entries'}"))
            tx.connection.execute(delete(unsealed))
        return self


LABELS = ("plain insert", "chain and guards", "and queued for the tree", "and sealed, a checkpoint every round")


@dataclass(slots=True)
class Spent:
    """Microseconds an append, one figure a round: by the clock on the wall, and of this process on a core."""

    wall: list[float] = field(default_factory=list)
    core: list[float] = field(default_factory=list)


def timed(work: Callable[[], object]) -> tuple[float, float]:
    wall, core = time.perf_counter(), time.process_time()
    work()
    return (time.perf_counter() - wall) / APPENDS * 1e6, (time.process_time() - core) / APPENDS * 1e6


def measure(new: Callable[[str], Store]) -> list[Spent]:
    """What LABELS spend, in their order. They take turns at every append, so that others' load falls on all alike."""
    bare, chain, queue, tree = (new(name) for name in ("plain", "chain", "queue", "tree"))
    chain.without_queue()
    works = (bare.plainly, chain.chained, queue.chained, tree.chained)
    figures = [Spent() for _ in works]
    for number in range(ROUNDS + 1):
        sums = [(0.0, 0.0) for _ in works]
        for turn in range(APPENDS):
            for place in range(len(works)):
                which = (place + turn) % len(works)
                wall, core = timed(works[which])
                sums[which] = sums[which][0] + wall, sums[which][1] + core
        wall, core = timed(tree.sealer.seal)
        sums[-1] = sums[-1][0] + wall, sums[-1][1] + core
        if number:  # the first round warms up
            for found, (wall, core) in zip(figures, sums, strict=True):
                found.wall.append(wall)
                found.core.append(core)
    for store in (bare, chain, queue, tree):
        store.engine.dispose()
    return figures


def batch(store: Store, count: int) -> float:
    """Seconds that one transaction takes to seal `count` entries: so long SQLite has no other writer."""
    with store.journal.writing() as tx:
        head = tx.head(CASE)
        prev = GENESIS if head is None else head.hash
        for _ in range(count):
            store.seq += 1
            entry = make_entry(**fields(CASE, store.seq), at=START, prev_hash=prev)
            tx.append(entry)
            prev = entry.hash
    started = time.perf_counter()
    store.sealer.seal()
    return time.perf_counter() - started


def _shown(where: str, figures: list[Spent]) -> None:
    print(f"append of one entry of {len(canonical(fields(CASE, 1)))} bytes a transaction, {where}, median of {ROUNDS}")
    base = figures[0]
    for label, spent in zip(LABELS, figures, strict=True):
        wall = statistics.median(a / b for a, b in zip(spent.wall, base.wall, strict=True))
        core = statistics.median(spent.core) - statistics.median(base.core)
        print(
            f"  {label:<37} {statistics.median(spent.wall):6.0f} us ({min(spent.wall):.0f}..{max(spent.wall):.0f})"
            f"  ratio {wall:5.3f}  on the core {statistics.median(spent.core):5.0f} us, {core:+4.0f}"
        )
    print("  aim: the last ratio at most 1.10")


def report() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        figures = measure(lambda one: Store(f"sqlite:///{folder}/{one}.db", folder / one))
        _shown("SQLite synchronous=FULL", figures)
        store = Store(f"sqlite:///{folder}/batch.db", folder / "batch")
        for count in (60, 1_000, 4_000):
            spent = statistics.median(batch(store, count) for _ in range(3))
            each = spent / count * 1e6
            print(f"  sealing {count:5d} entries in one transaction  {spent * 1e3:7.1f} ms, {each:4.0f} us each")
        store.engine.dispose()
        server = os.environ.get("OPINION_BENCH_POSTGRES")
        if server:
            _shown("PostgreSQL", measure(lambda one: Store(server.format(one), folder / f"pg-{one}")))


if __name__ == "__main__":
    report()
