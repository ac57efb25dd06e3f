"""Verification: chains of stored rows, the tree, everything, in entries a second on one core, beside bare hashing."""

from __future__ import annotations

import hashlib
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from engine.journal.chain import verify_rows
from engine.service.verify import Asked, verify
from engine.service.verify_records import rows_of

from . import shipped
from .replay import CASES

ROUNDS = 5
TIMES = 10
"""Passes over the same rows in one measurement."""


def report() -> None:
    with tempfile.TemporaryDirectory() as name:
        services, walk = shipped.office(Path(name))
        shipped.cases(walk, CASES, shipped.TO_OPINION)
        services.sealer.seal()
        with services.engine.connect() as conn, services.journal.reading() as tx:
            streams = [rows_of(conn, stream) for stream in tx.streams()]
        entries = sum(map(len, streams))
        size = sum(len(row.body) for rows in streams for row in rows) / entries

        def chains() -> int:
            for _ in range(TIMES):
                for rows in streams:
                    assert not verify_rows(rows)
            return TIMES * entries

        def hashed() -> int:
            for _ in range(TIMES):
                for rows in streams:
                    for row in rows:
                        assert hashlib.sha256(row.body).hexdigest() == row.hash
            return TIMES * entries

        def parts(*names: str) -> Callable[[], int]:
            def run() -> int:
                assert verify(services, Asked(parts=names)).faults == 0
                return entries

            return run

        works = [chains, hashed, parts("tree", "checkpoints"), parts("replays"), parts()]
        figures: list[list[float]] = [[] for _ in works]
        for _ in range(ROUNDS):
            for work, rates in zip(works, figures, strict=True):
                started = time.perf_counter()
                done = work()
                rates.append(done / (time.perf_counter() - started))
        services.engine.dispose()
    chain, bare, tree, replays, everything = (statistics.median(rates) for rates in figures)
    print(f"verification of {entries} entries of {size:.0f} bytes, SQLite, one core, median of {ROUNDS} rounds")
    print(f"  chains and look-up columns of stored rows  {chain:8.0f}/s    aim: at least 100000")
    print(f"  sha256 over the same rows, nothing else    {bare:8.0f}/s    ratio {chain / bare:5.2f}")
    print(f"  tree, checkpoints, signatures              {tree:8.0f}/s")
    print(f"  replays                                    {replays:8.0f}/s")
    print(f"  everything                                 {everything:8.0f}/s")


if __name__ == "__main__":
    report()
