"""Replay of recorded cases: entries and events a second, cases a second, beside parsing and hashing the same bytes."""

from __future__ import annotations

import hashlib
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from engine.journal.entry import StoredEntry, read_entry
from engine.kernel.record import Loader
from engine.kernel.replay import replay

from . import shipped

CASES = 60
ROUNDS = 5


def recorded(folder: Path) -> tuple[list[list[StoredEntry]], Loader]:
    """The journals of CASES cases of the shipped bundle."""
    services, walk = shipped.office(folder)
    opened = shipped.cases(walk, CASES, shipped.TO_OPINION)
    with services.journal.reading() as tx:
        streams = [tx.read(case_id) for case_id in opened]
        known = {e.bundle: services.deployments.load(tx, e.bundle) for stream in streams for e in stream[:1]}
    return streams, known.__getitem__


def rate(work: Callable[[], int]) -> float:
    started = time.perf_counter()
    done = work()
    return done / (time.perf_counter() - started)


def report() -> None:
    with tempfile.TemporaryDirectory() as name:
        streams, load = recorded(Path(name))
    entries = sum(map(len, streams))
    events = sum(len(entry.events) for stream in streams for entry in stream)
    bodies = [(entry.body, entry.hash) for stream in streams for entry in stream]

    def again() -> int:
        for stream in streams:
            assert all(step.divergence is None for step in replay(stream, load))
        return entries

    def parsed() -> int:
        for body, stored in bodies:
            read_entry(body, stored)
        return entries

    def hashed() -> int:
        for body, stored in bodies:
            assert hashlib.sha256(body).hexdigest() == stored and json.loads(body)
        return entries

    again()
    figures: list[list[float]] = [[], [], []]
    for _ in range(ROUNDS):
        for work, rates in zip((again, parsed, hashed), figures, strict=True):
            rates.append(rate(work))
    replayed, read, bare = (statistics.median(rates) for rates in figures)
    print(f"replay of {CASES} cases of the shipped bundle, {entries} entries, {events} events, one core")
    print(f"  entries re-executed and compared           {replayed:8.0f}/s")
    print(f"  events                                     {replayed * events / entries:8.0f}/s    aim: at least 5000")
    print(f"  cases                                      {replayed * len(streams) / entries:8.1f}/s")
    print(f"  reading the same entries from their bytes  {read:8.0f}/s    ratio {replayed / read:5.2f}")
    print(f"  hashing and parsing them, nothing else     {bare:8.0f}/s    ratio {replayed / bare:5.2f}")


if __name__ == "__main__":
    report()
