"""Event logs of many cases: time and memory of each format; and the performance view's figures over as many.

The cases are copies of one that the cast walked through: their entries for the exports, their rows for the figures.
"""

from __future__ import annotations

import os
import resource
import statistics
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Table, insert, select

from engine.journal.schema import entries
from engine.readmodels.chosen import Choice
from engine.readmodels.schema import cases, limits, passages, task_times, tasks
from engine.service import exports, mining, performance_view
from engine.service.bootstrap import Services
from tests.support import walks
from tests.support.world import World

CASES = 200
FIGURES_OF = 10_000
ENTRIES = 15
REQUESTS = 20
GRADES = ("ordinary_negative", "ordinary_negative", "major_negative", "positive")
UNITS = ("gengbao", "guihua", "shengtai", "dengji")


def copies(services: Services, original: str, number: int) -> None:
    """Adds `number` cases with the first ENTRIES entries of `original`, straight into journal and list of cases."""
    with services.journal.writing() as tx:
        conn = tx.connection
        found = conn.execute(select(entries).where(entries.c.case_id == original).order_by(entries.c.seq)).all()
        row = dict(conn.execute(select(cases).where(cases.c.case_id == original)).one()._mapping)
        for n in range(number):
            case_id = f"WQ-2027-{n:06}"
            old, new = original.encode(), case_id.encode()
            conn.execute(
                insert(entries),
                [
                    {
                        **one._mapping,
                        "case_id": case_id,
                        "command_id": f"{case_id}/{one.seq}",
                        "body": one.body.replace(old, new),
                    }
                    for one in found[:ENTRIES]
                ],
            )
            conn.execute(insert(cases).values({**row, "case_id": case_id, "last_seq": ENTRIES}))


def rows(services: Services, original: str, number: int) -> None:
    """Makes the read models of the figures as they are after `number` cases like `original`, a month a thousand."""
    with services.journal.writing() as tx:
        conn = tx.connection

        def of(table: Table, *keys: Any) -> list[dict[str, Any]]:
            return [dict(one._mapping) for one in conn.execute(select(table).where(*keys))]

        case = of(cases, cases.c.case_id == original)[0]
        times = of(task_times, task_times.c.case_id == original)
        ran = of(limits, limits.c.case_id == original)
        done = of(tasks, tasks.c.case_id == original)
        counted = of(passages)
        opened = case["opened_at"]
        for month in range(12):
            for grade in set(GRADES):
                made = [{**one, "grade": grade, "month": f"2028-{month + 1:02}", "times": 70} for one in counted]
                conn.execute(insert(passages), made)
        for n in range(number):
            new = {"case_id": f"WQ-2028-{n:06}"}
            unit = UNITS[n % len(UNITS)]
            conn.execute(insert(cases).values({**case, **new, "grade": GRADES[n % 4], "opened_at": opened}))
            spread = [
                {**one, **new, "unit": unit, "waited": (n * 7919 + k * 131) % 90000, "worked": (n * 104729 + k) % 40000}
                for k, one in enumerate(times)
            ]
            conn.execute(insert(task_times), spread)
            conn.execute(insert(limits), [{**one, **new, "unit": unit} for one in ran])
            conn.execute(insert(tasks), [{**one, **new, "unit": unit} for one in done])


def megabytes() -> float:
    """Peak memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def report(exported: int = CASES, figures_of: int = FIGURES_OF) -> None:
    with tempfile.TemporaryDirectory() as name:
        world = World(Path(name))
        original = walks.archived(world).id
        world.clock.set(world.clock.now() + timedelta(minutes=1))
        copies(world.services, original, exported)
        before = megabytes()
        print(f"event logs of {exported} cases with {ENTRIES} entries each; memory before: {before:.0f} MB")
        for form in mining.FORMATS:
            path = Path(name) / "log"
            started = time.process_time()
            with path.open("wb") as file:
                made = mining.export(world.services, exports.COMMAND_LINE, form, Choice(), file)
            assert isinstance(made, mining.Made)
            took = time.process_time() - started
            size = os.path.getsize(path) / 2**20
            print(
                f"  {form:<9} {made.events:8} events {size:7.1f} MB  {took:6.2f} s of CPU "
                f"({made.events / took:7.0f} events/s)  peak {megabytes():.0f} MB"
            )
        rows(world.services, original, figures_of)
        print(f"performance view, {figures_of} cases, {REQUESTS} requests each; aim: p95 under 500 ms")
        for label, choice in (
            ("all", Choice()),
            ("a grade", Choice(grade="major_negative")),
            ("a unit", Choice(unit="gengbao")),
        ):
            times = []
            for _ in range(REQUESTS):
                started = time.perf_counter()
                performance_view.view(world.services, choice, process="unit_handling")
                times.append(time.perf_counter() - started)
            p95 = statistics.quantiles(times, n=20)[-1]
            print(f"  {label:<9} median {statistics.median(times) * 1e3:6.1f} ms  p95 {p95 * 1e3:6.1f} ms")
        world.services.engine.dispose()


if __name__ == "__main__":
    report()
