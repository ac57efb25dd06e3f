"""Server time of the evidence, ledger and compliance pages with 10,000 cases, and the SQL statements they take.

Three cases are really walked: one archived in time, one broken and accounted for, one major. Their rows are then
multiplied under other numbers, spread over the days of a year, so that the tables hold what real cases leave.
"""

from __future__ import annotations

import importlib
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Table, bindparam, event, func, insert, select, update

from engine.domain.codec import instant_text, parse_instant
from engine.readmodels import schema
from engine.service.transactions import writing
from tests.support import walks
from tests.support.world import World

from .inbox import sign_in

CASES: Final = 10_000
REQUESTS: Final = 40
PATTERNS: Final = 2_000
"""Different ways in which the clauses fared; each is a case's count of tasks and limits by clause."""
STEP: Final = timedelta(minutes=50)
"""Between one registration and the next: 10,000 of them fill 347 days."""
TABLES: Final = (
    schema.cases, schema.tasks, schema.limits, schema.registrations, schema.late_reports, schema.late_answers,
    schema.case_marks,
)  # fmt: skip
INSTANTS: Final = frozenset({"at", "opened_at", "updated_at", "armed_at", "breached_at", "met_at", "finished_at"})
YEAR: Final = "from=2026-01-01&to=2027-12-31"
PATHS: Final = (
    f"/evidence?{YEAR}",
    f"/evidence?{YEAR}&page=500",
    f"/evidence?{YEAR}&state=broken&limit=eight_hours&grade=ordinary_negative&unit=gengbao",
    f"/ledger?{YEAR}",
    f"/ledger?{YEAR}&sheet=reports",
    f"/compliance?{YEAR}",
    "/compliance?from=2026-04-01&to=2026-04-30",
    f"/compliance/R50?{YEAR}&verdict=broken",
    f"/compliance/R04?{YEAR}&page=100",
)


def walked(world: World) -> None:
    """One case in time, one whose unit was late and that was accounted for, one major."""
    walks.archived(world)
    late = walks.graded(world)
    walks.assign(late)
    world.wait(hours=9)
    walks.account_for(late)
    walks.publish(walks.major_until_composing(world))


def multiply(conn: Connection, number: int) -> int:
    """Makes `number` cases of those that are there; returns the rows written."""
    written = 0
    for table in TABLES:
        rows: dict[str, list[dict[str, Any]]] = {}
        for row in conn.execute(select(table)).mappings():
            rows.setdefault(row["case_id"], []).append(dict(row))
        sources = sorted(rows)
        batch: list[dict[str, Any]] = []
        known = sorted(conn.execute(select(schema.cases.c.case_id)).scalars())[:3]
        for copy in range(number - len(known)):
            source = known[copy % len(known)]
            if source in sources:
                batch += list(_copies(table, rows[source], f"WQ-2026-1{copy:05}", STEP * copy))
            if len(batch) > 20_000:
                conn.execute(insert(table), batch)
                written, batch = written + len(batch), []
        if batch:
            conn.execute(insert(table), batch)
            written += len(batch)
    return written


def vary(conn: Connection, patterns: int) -> None:
    """Gives the cases `patterns` different ways to have gone, instead of the three that were walked."""
    marked = update(schema.case_marks).where(schema.case_marks.c.case_id == bindparam("which"))
    changed = []
    for number, row in enumerate(conn.execute(select(schema.case_marks)).mappings().all()):
        way = number // 3 % (patterns // 3)  # three were walked
        more = f'task done {1 + way} ["R24"]'
        fared = f"{way:05}{row['fared'][:8]}"
        changed.append({"which": row["case_id"], "digest": fared, "text": f"{row['fared_text']}\n{more}"})
    conn.execute(marked.values(fared=bindparam("digest"), fared_text=bindparam("text")), changed)


def _copies(table: Table, rows: list[dict[str, Any]], case_id: str, later: timedelta) -> Iterator[dict[str, Any]]:
    moved = [column.name for column in table.c if column.name in INSTANTS]
    for row in rows:
        shifted = {name: instant_text(_at(row[name]) + later) for name in moved if row[name]}
        yield {**row, **shifted, "case_id": case_id}


def _at(text: str) -> datetime:
    return parse_instant(text)


def measure(cases: int = CASES, requests: int = REQUESTS) -> dict[str, tuple[list[float], list[float], int]]:
    """Address -> (seconds of each request, seconds of the processor of each, SQL statements of one request)."""
    with tempfile.TemporaryDirectory() as name:
        world = World(Path(name) / "office")
        walked(world)
        with writing(world.services.engine) as conn:
            multiply(conn, cases)
            vary(conn, PATTERNS)
            ways = conn.scalar(select(func.count(schema.case_marks.c.fared.distinct())))
            assert ways is not None and abs(ways - PATTERNS) < 10, ways
        app = importlib.import_module("webui").create_app(world.services)
        client = sign_in(app, "wangfang")
        statements: list[str] = []
        event.listen(world.services.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
        found = {}
        for path in PATHS:
            assert client.get(path).status_code == 200, path
            statements.clear()
            client.get(path)
            count = len(statements)
            times, worked = [], []
            for _ in range(requests):
                started, began = time.perf_counter(), time.process_time()
                client.get(path)
                times.append(time.perf_counter() - started)
                worked.append(time.process_time() - began)
            found[path] = (times, worked, count)
        world.services.engine.dispose()
        return found


def report() -> None:
    """Both times: on a machine that others use, the processor's is what the pages themselves take."""
    print(f"evidence pages, {CASES} cases, server time of {REQUESTS} requests each; aim: p95 under 300 ms")
    for path, (times, worked, count) in measure().items():
        p95, processor = (statistics.quantiles(some, n=20)[-1] * 1e3 for some in (times, worked))
        median = statistics.median(times) * 1e3
        line = f"median {median:6.1f} ms  p95 {p95:6.1f} ms  processor p95 {processor:6.1f} ms  {count} statements"
        print(f"  {path:<60.60} {line}")


if __name__ == "__main__":
    report()
