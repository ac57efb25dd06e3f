"""Memory of a live case and of a process, and how long a start takes.

A case: bytes that tracemalloc counts for cases put into LiveCases, divided by their number. A process: its resident
set. A start: a new process opens a database that is there, until its first submission is in the journal.
"""

from __future__ import annotations

import gc
import os
import statistics
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path
from typing import Final

from engine.service.demo import ROOT, walker
from engine.service.live_cases import LiveCases

from . import shipped, stores
from .shipped import START

SHAPES: Final = {"just opened": (), "opinion of a unit": shipped.TO_OPINION}
PAGE: Final = os.sysconf("SC_PAGE_SIZE")
COLD: Final = """
import sys, time
began = time.perf_counter()
from pathlib import Path
from bench import shipped, stores
from bench.memory import resident
from engine.service.demo import walker
services = stores.office(sys.argv[1], Path(sys.argv[2]))
opened = time.perf_counter() - began
walk = walker(services, shipped.START)
walk.numbers = (f"cold-{sys.argv[3]}-{n}" for n in range(9))
shipped.cases(walk, 1, ("Task_screen",))
print(opened, time.perf_counter() - began, resident())
"""


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def of_a_case(count: int) -> dict[str, float]:
    """Bytes of one live case, by how far it has gone."""
    found = {}
    for shape, elements in SHAPES.items():
        with stores.folder() as place:
            services = stores.office(stores.sqlite_url(place), place)
            walk = walker(services, START)
            opened = shipped.cases(walk, count, elements)
            live = LiveCases(services.deployments.load, services.deployments.current_version)
            with services.journal.reading() as tx:
                heads = {case_id: tx.head(case_id) for case_id in opened}
                first = live.get(tx, opened[0], heads[opened[0]].seq)  # type: ignore[union-attr]
                live.put(opened[0], first)  # what all cases share is there now
                gc.collect()
                tracemalloc.start()
                for case_id in opened[1:]:
                    live.put(case_id, live.get(tx, case_id, heads[case_id].seq))  # type: ignore[union-attr]
                gc.collect()
                found[shape] = tracemalloc.get_traced_memory()[0] / (count - 1)
                tracemalloc.stop()
            services.engine.dispose()
    return found


def cold(store: stores.Store, times: int) -> list[tuple[float, float, float]]:
    """Of several starts: seconds until the database is open, until the first submission, and bytes resident."""
    with stores.folder() as place:
        url = store.fresh(place)
        stores.office(url, place).engine.dispose()
        starts = []
        for number in range(times):
            told = subprocess.run(
                [sys.executable, "-c", COLD, url, str(place), str(number)],
                cwd=ROOT, capture_output=True, text=True, check=True,
            )  # fmt: skip
            opened, submitted, size = map(float, told.stdout.split())
            starts.append((opened, submitted, size))
        return starts


def report(options: stores.Options = stores.SHORT) -> None:
    began = time.perf_counter()
    count, times = (200, 9) if options.full else (20, 3)
    for shape, size in of_a_case(count).items():
        print(f"memory of a live case, {shape:<18} {size / 1024:7.0f} kB   (mean of {count - 1})")
    with stores.stores(options.kinds) as every:
        for store in every:
            opened, submitted, size = (statistics.median(values) for values in zip(*cold(store, times), strict=True))
            print(
                f"  {store.kind:<11} a process opens the database after {opened:5.2f} s, has submitted after"
                f" {submitted:5.2f} s, {size / 2**20:5.0f} MB resident   (median of {times})"
            )
    print(f"  took {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    report(stores.Options.read())
