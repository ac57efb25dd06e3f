"""Replay of recorded cases: entries and events a second, cases a second, beside parsing and hashing the same bytes."""

from __future__ import annotations

import hashlib
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from engine.domain.clock import FixedClock
from engine.journal.entry import StoredEntry, read_entry
from engine.kernel.record import Loader
from engine.kernel.replay import replay
from engine.service import cast
from engine.service.bootstrap import build
from engine.service.bundle_folder import from_folder
from engine.service.demo import ROOT, walker
from engine.service.settings import Settings
from engine.service.transactions import writing

from .submissions import START

CASES = 60
ROUNDS = 5
ELEMENTS = (
    "Task_screen", "Task_grade", "Task_contact", "Task_instruct_vice", "Task_confirm_subject", "Task_assign",
    "Task_sign", "Task_verify", "Task_opinion", "Task_confirm",
)  # fmt: skip
"""The way of an ordinary case up to the unit's opinion."""


def recorded(folder: Path) -> tuple[list[list[StoredEntry]], Loader]:
    """The journals of CASES cases of the shipped bundle."""
    services = build(Settings(database_url=f"sqlite:///{folder}/replay.db", data_dir=folder), FixedClock(START))
    with writing(services.engine) as conn:
        cast.found(conn, START)
    services.deployments.deploy(from_folder(ROOT), "sunli", "bench", "bench-deploy")
    walk = walker(services, START)
    item = {"title": "耕地被占用", "body": "网帖称耕地被硬化", "source_type": "论坛", "source_name": "某论坛",
            "url": "https://d.example/1", "district": "市本级"}  # fmt: skip
    streams = []
    for _ in range(CASES):
        case_id = walk.open(item, START - START)
        for element in ELEMENTS:
            walk.fill(case_id, element)
        with services.journal.reading() as tx:
            streams.append(tx.read(case_id))
    loaded = {entry.bundle for stream in streams for entry in stream}
    with services.journal.reading() as tx:
        known = {version: services.deployments.load(tx, version) for version in loaded}
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
