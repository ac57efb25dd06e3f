"""What-if over many closed cases, and the inbox of the same process meanwhile.

Ten cases are walked to their end, one of them seven hours with its unit, and multiplied (copies.py); each copy is
judged for itself. Three candidates: a limit drawn shorter, with which only cases near it are carried out again; a form
that few fill in; and one that all fill in. Copies never join their record again, since their state digests are the
original's: the third figure is that of a change at the very end of every case. The processor time of the children is
told too: on a busy machine only that says something, at their low priority.
"""

from __future__ import annotations

import importlib
import resource
import statistics
import threading
import time
from contextlib import ExitStack
from datetime import timedelta
from typing import Any, Final

from engine.definitions.bundle import version_of
from engine.domain.clock import FixedClock
from engine.service import whatif, whatif_sample
from engine.service.bootstrap import Services
from engine.service.bundle_folder import from_folder
from engine.service.demo import ROOT, Walker, walker
from engine.service.transactions import writing

from . import shipped, stores
from .copies import multiply
from .growth import TO_THE_END
from .inbox import sign_in

CASES: Final = 300
FULL: Final = 10_000
AIM_ENTRIES: Final = 15
LOOKS: Final = 100
LABEL: Final = (b'"label": "', b'"label": "*')
LIMIT: Final = (
    b'=delivered_at + duration("PT8H")</bpmn:timeDate>',
    b'=delivered_at + duration("PT6H")</bpmn:timeDate>',
)


def sources(walk: Walker) -> list[str]:
    """Ten cases walked to their end, the first of them seven hours with its unit."""
    found = []
    for number in range(10):
        (case_id,) = shipped.cases(walk, 1, shipped.TO_OPINION[:7])
        if number == 0:
            walk.wait(hours=7)
        for element in TO_THE_END[7:]:
            walk.fill(case_id, element)
        found.append(case_id)
    walk.wait(days=31)
    return found


def candidates() -> dict[str, dict[str, bytes]]:
    """What is tried out, by what changed in it."""
    files = from_folder(ROOT)

    def other(path: str, old: bytes, new: bytes) -> dict[str, bytes]:
        assert old in files[path], path
        return {**files, path: files[path].replace(old, new, 1)}

    return {
        "a limit drawn shorter": other("bpmn/unit_handling.bpmn", *LIMIT),
        "a form that few fill in": other("forms/regrade_decide.form", *LABEL),
        "a form that all fill in": other("forms/screen.form", *LABEL),
    }


def run(services: Services, version: str, most: str = "") -> tuple[dict[str, Any], float, float]:
    """The summary of a what-if over everything; seconds on the wall, and of the children on the processors."""
    with writing(services.engine) as conn:
        asked = whatif.start(services, conn, "sunli", version, "bench", {"most": most} if most else {})
    started, cores = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    whatif.work(services, {"run": asked}, lambda done, total: None)
    took, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    core = after.ru_utime + after.ru_stime - cores.ru_utime - cores.ru_stime
    with services.engine.connect() as conn:
        found = whatif.get(conn, asked)
    assert found is not None
    return dict(found.summary), took, core


def looking(client: Any, stop: threading.Event, times: list[float]) -> None:
    """Asks for the inbox again and again, with rests as between people."""
    while not stop.is_set():
        started = time.perf_counter()
        assert client.get("/inbox?view=role").status_code == 200
        times.append(time.perf_counter() - started)
        stop.wait(0.05)


def p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1] * 1e3 if len(times) > 1 else 0.0


def measure(cases: int) -> None:
    with ExitStack() as stack:
        place = stack.enter_context(stores.folder())
        clock = FixedClock(shipped.START)
        services = stores.office(stores.sqlite_url(place), place, clock)
        stack.callback(services.engine.dispose)
        walk = walker(services, shipped.START)
        found = sources(walk)
        with services.journal.reading() as tx:
            entries = sum(len(tx.read(one)) for one in found) / len(found)
        multiply(services, found, cases)
        clock.set(walk.clock.now() + timedelta(days=1))
        client = sign_in(importlib.import_module("webui").create_app(services), "wangfang")
        quiet: list[float] = []
        for _ in range(LOOKS):
            started = time.perf_counter()
            client.get("/inbox?view=role")
            quiet.append(time.perf_counter() - started)
        print(f"  the inbox without any what-if: p95 {p95(quiet):4.0f} ms", flush=True)
        for name, files in candidates().items():
            version = stored(services, files)
            stop = threading.Event()
            times: list[float] = []
            looker = threading.Thread(target=looking, args=(client, stop, times))
            looker.start()
            summary, took, core = run(services, version)
            stop.set()
            looker.join()
            few, _, start = run(services, version, str(whatif_sample.APART_FROM + 1))
            each = (core - start) / (summary["entries"] - few["entries"])
            scaled = start + each * FULL * AIM_ENTRIES
            print(
                f"  {name:<26} {summary['cases']:>7,} cases {summary['entries']:>8,} entries,"
                f" {summary['carried_out']:>6,} cases carried out: {took:6.1f} s, processors {core:6.1f} s,"
                f" to start {start:4.1f} s; 10,000 of 15 on {summary['processes']} free cores {scaled / 2:4.0f} s;"
                f" inbox p95 {p95(times):4.0f} ms",
                flush=True,
            )
        print(f"  {entries:.1f} entries a case, {whatif_sample.PROCESSES} processes")


def stored(services: Services, files: dict[str, bytes]) -> str:
    version = version_of(files)
    with services.journal.writing() as tx:
        services.deployments.store(tx, version, files)
    return version


def report(options: stores.Options = stores.SHORT) -> None:
    cases = FULL if options.full else CASES
    print(f"what-if over {cases:,} cases; aim: 10,000 of 15 entries under 60 s, inbox p95 under 200 ms")
    measure(cases)


if __name__ == "__main__":
    report(stores.Options.read())
