"""Simulation: the load model's office at work on new cases, once on the live version and once on the candidate.

Both begin empty, at the same instant, with the same seed: the same items arrive at the same minutes, and people are as
quick. Each runs in a database of its own that is thrown away.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, func, insert, select

from engine.definitions.bundle import version_of
from engine.domain.calendar import midnight
from engine.domain.clock import FixedClock
from engine.domain.codec import JSON, instant_text
from engine.journal.schema import deployments
from engine.readmodels.schema import cases, limits, tasks

from . import cast, whatif
from .bootstrap import Services, build
from .demo import Stuck, walker
from .load_model import Arrival, days, local_day
from .load_office import Office
from .load_parameters import USUAL, Parameters
from .settings import Settings
from .transactions import writing

KIND: Final = "whatif_simulation"
SIMULATED: Final = "simulated"
DAYS: Final[dict[str, int]] = {"3": 3, "7": 7, "14": 14}
SIZES: Final = {"low": 0.5, "usual": 1.0, "double": 2.0}
"""How busy: times the items of a middling month."""
SEED: Final = 20260726
"""Any number would do; one for all makes two simulations comparable."""

Tick = Callable[[int, int], None]


def start(
    services: Services, conn: Connection, actor: str, version: str, label: str, filters: Mapping[str, str]
) -> str:
    """Asks for a simulation; returns the run's id. `filters`: days (a key of DAYS), size (a key of SIZES)."""
    return whatif.begin(services, conn, KIND, SIMULATED, actor, version, label, filters)


def work(services: Services, args: Mapping[str, JSON], progress: Tick) -> JSON:
    """The long job. The summary has `live` and `candidate`, each as of `simulate`, and `seconds`."""
    with services.engine.connect() as conn:
        run = whatif.get(conn, str(args["run"]))
    if run is None:
        raise LookupError("no such run")
    began = time.monotonic()
    count, size = DAYS[run.filters["days"]], SIZES[run.filters["size"]]
    calendar = services.deployments.bundle(run.version).calendar
    parameters = USUAL if calendar is None else replace(USUAL, holidays=calendar.holidays)
    parameters = parameters.at_rate(parameters.expected_in(30) * size)
    first = midnight(local_day(services.clock.now()))
    arrivals = list(days(SEED, local_day(first), count, parameters))
    total = 2 * max(len(arrivals), 1)
    found: dict[str, JSON] = {}
    for number, (side, version) in enumerate((("live", run.live), ("candidate", run.version))):
        if side == "candidate" and run.version == run.live:
            found[side] = found["live"]
            continue
        files = services.deployments.files(version)
        done = number * len(arrivals)
        found[side] = simulate(files, arrivals, first, count, parameters, _ticker(progress, done, total))
    summary = {**found, "days": count, "items": len(arrivals), "seconds": round(time.monotonic() - began, 2)}
    whatif.finish(services, run.run_id, summary)
    return {"items": len(arrivals)}


def _ticker(progress: Tick, done: int, total: int) -> Callable[[int], None]:
    return lambda arrived: progress(min(done + arrived, total), total)


def simulate(
    files: Mapping[str, bytes],
    arrivals: list[Arrival],
    first: datetime,
    count: int,
    parameters: Parameters,
    tick: Callable[[int], None],
) -> dict[str, JSON]:
    """Loads and breaches of `count` days from `first` on the bundle `files`. `stuck`: why the office could not go on
    (the bundle refuses what the model does), "" where it could; the figures are those up to there."""
    with tempfile.TemporaryDirectory(prefix="opinion-simulation-") as folder:
        clock = FixedClock(first)
        services = build(Settings(database_url=f"sqlite:///{folder}/office.db", data_dir=Path(folder)), clock)
        try:
            with writing(services.engine) as conn:
                cast.found(conn, first)
            _lay(services, files, first)
            stuck = _played(services, arrivals, first + timedelta(days=count), parameters, tick)
            with services.engine.connect() as conn:
                return {**_figures(conn), "stuck": stuck}
        finally:
            services.engine.dispose()


def _lay(services: Services, files: Mapping[str, bytes], at: datetime) -> None:
    """Makes a bundle the live one of a database that is thrown away: what the checks of a deployment would say is not
    the question here."""
    version = version_of(files)
    with services.journal.writing() as tx:
        services.deployments.store(tx, version, files)
        row = {"number": 1, "version": version, "at": instant_text(at), "actor": "", "reason": "", "findings": "[]"}
        tx.connection.execute(insert(deployments).values(**row))


def _played(
    services: Services, arrivals: list[Arrival], until: datetime, parameters: Parameters, tick: Callable[[int], None]
) -> str:
    def told() -> Any:
        for number, arrival in enumerate(arrivals, start=1):
            tick(number)
            yield arrival

    office = Office(walker(services, services.clock.now()), SEED, parameters)
    try:
        office.run(told(), until)
    except Stuck as stuck:
        return str(stuck)[:300]
    return ""


def _figures(conn: Connection) -> dict[str, JSON]:
    counted = conn.execute(select(cases.c.status, func.count()).group_by(cases.c.status))
    state: dict[str, int] = {row[0]: row[1] for row in counted}
    ran = conn.execute(
        select(limits.c.limit_id, func.max(limits.c.label), func.count(), func.sum((limits.c.breached_at != "").cast(
            limits.c.breached_seq.type))).group_by(limits.c.limit_id)
    )  # fmt: skip
    return {
        "cases": sum(state.values()),
        "closed": state.get("closed", 0),
        "limits": {row[0]: {"label": row[1] or row[0], "ran": row[2], "broken": int(row[3] or 0)} for row in ran},
        "units": _load(conn, tasks.c.unit),
        "roles": _roles(conn),
    }


def _load(conn: Connection, column: Any) -> dict[str, JSON]:
    """Tasks made and done, by unit."""
    query = select(column, tasks.c.state, func.count()).where(column != "").group_by(column, tasks.c.state)
    found: dict[str, dict[str, int]] = {}
    for name, state, number in conn.execute(query):
        mine = found.setdefault(name, {"tasks": 0, "done": 0})
        mine["tasks"] += number
        mine["done"] += number if state == "done" else 0
    return dict(found)


def _roles(conn: Connection) -> dict[str, JSON]:
    """Tasks offered to a role, a line or a head first of all; those of units are counted there."""
    found: Counter[str] = Counter()
    done: Counter[str] = Counter()
    for groups, state in conn.execute(select(tasks.c.candidates, tasks.c.state).where(tasks.c.unit == "")):
        name = next(iter(json.loads(groups)), "")
        found[name] += 1
        done[name] += state == "done"
    return {name: {"tasks": found[name], "done": done[name]} for name in sorted(found) if name}
