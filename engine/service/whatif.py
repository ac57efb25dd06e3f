"""试算: recorded cases run over another bundle, in the background; the results are kept with the bundle's version."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, update

from engine.definitions.bundle import read_bundle
from engine.domain.codec import JSON, canonical, instant_text, parse_instant
from engine.domain.rejection import Rejection
from engine.journal.store import SqlTransaction
from engine.kernel.compile import compile_bundle
from engine.kernel.whatif import VERDICTS as VERDICTS
from engine.readmodels.schema import cases, limits

from . import bundle_names, long_jobs, whatif_sample
from .bootstrap import Services
from .migrations import choice_of
from .system import new_id
from .transactions import writing
from .whatif_tables import whatif_cases, whatif_runs

KIND: Final = "whatif"
RECORDED: Final = "recorded"
OF: Final = "of"
"""Among the filters of a run: what was tried out, as it was chosen, for the way back to a draft."""
PAGE_SIZE: Final = 50
MOST: Final = 100_000
"""Cases of one run at most; the newest of a larger sample."""

Tick = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Run:
    """`summary`: {} until it has ended. `job`: None once it is forgotten (90 days)."""

    run_id: str
    kind: str
    at: datetime
    actor: str
    version: str
    label: str
    live: str
    filters: Mapping[str, Any]
    ended: str
    summary: Mapping[str, Any]
    job: long_jobs.LongJob | None

    @property
    def under_way(self) -> bool:
        return not self.ended and self.job is not None and self.job.under_way


@dataclass(frozen=True, slots=True)
class RunCase:
    """One case of a run. `outcome`: see engine.kernel.whatif.as_json."""

    case_id: str
    verdict: str
    step: int
    grade: str
    units: tuple[str, ...]
    entries: int
    outcome: Mapping[str, Any]


def candidate(services: Services, name: str) -> tuple[str, str] | Rejection:
    """(version, label) of the bundle that `name` means (bundle_names.resolve), kept so that it can be looked at later.

    Rejections: not_found; unsound where it can't be run at all. What the checks of a deployment say is not asked: a
    limit that the regulation forbids can be tried out too.
    """
    found = bundle_names.resolve(services, name)
    if found is None:
        return Rejection("not_found", "whatif.unknown", {"name": name[:80]})
    label, files = found
    bundle = read_bundle(files)
    findings = [*bundle.findings, *compile_bundle(bundle).findings] if bundle.processes else list(bundle.findings)
    errors = [one for one in findings if one.severity == "error"]
    if errors or not bundle.processes:
        return Rejection("unsound", "whatif.unreadable", {"count": len(errors)})
    with services.journal.writing() as tx:
        services.deployments.store(tx, bundle.version, files)
    return bundle.version, label


def start(
    services: Services, conn: Connection, actor: str, version: str, label: str, filters: Mapping[str, str]
) -> str:
    """Asks for a run over the cases chosen; returns its id. `filters`: keys of migrations.choice_of, and `status`,
    `limit` (cases in which it ran), `most` (only the newest so many). Requires a stored version (`candidate`)."""
    return begin(services, conn, KIND, RECORDED, actor, version, label, filters)


def begin(
    services: Services,
    conn: Connection,
    job_kind: str,
    kind: str,
    actor: str,
    version: str,
    label: str,
    filters: Mapping[str, Any],
) -> str:
    """Writes the row of a run and asks for its job; returns the run's id."""
    run = new_id()
    job = long_jobs.start(services, conn, job_kind, {"run": run}, actor)
    conn.execute(
        insert(whatif_runs).values(
            run_id=run,
            job_id=job,
            kind=kind,
            at=instant_text(services.clock.now()),
            actor=actor,
            version=version,
            label=label[:200],
            live=_live(services, conn),
            filters=canonical(dict(filters)).decode(),
            ended="",
            summary="{}",
        )
    )
    return run


def _live(services: Services, conn: Connection) -> str:
    try:
        return services.deployments.current_version(SqlTransaction(conn))
    except KeyError:
        return ""


def work(services: Services, args: Mapping[str, JSON], progress: Tick) -> JSON:
    """The long job. Begun anew it throws away what it had found. Returns the summary."""
    with services.engine.connect() as conn:
        run = get(conn, str(args["run"]))
        if run is None:
            raise LookupError("no such run")
        numbers = chosen(conn, run.filters)
    with writing(services.engine) as conn:
        conn.execute(delete(whatif_cases).where(whatif_cases.c.run_id == run.run_id))
    counted = Counted()
    began = time.monotonic()
    progress(0, len(numbers))

    def keep(rows: list[JSON]) -> None:
        for row in rows:
            counted.add(row)
        texts = [{**row, "outcome": json.dumps(row["outcome"], ensure_ascii=False)} for row in rows]
        with writing(services.engine) as conn:
            conn.execute(insert(whatif_cases), [{"run_id": run.run_id, **row} for row in texts])
        progress(counted.cases, len(numbers))

    task = whatif_sample.Task(
        services.settings.database_url, services.journal.algorithm, run.version, services.clock.now()
    )
    processes = whatif_sample.over(task, numbers, services.engine, keep) if numbers else 0
    summary = counted.summary(time.monotonic() - began, processes)
    finish(services, run.run_id, summary)
    return {"cases": counted.cases}


def finish(services: Services, run_id: str, summary: JSON) -> None:
    """Keeps what came of a run."""
    ended = {"ended": instant_text(services.clock.now()), "summary": json.dumps(summary, ensure_ascii=False)}
    with writing(services.engine) as conn:
        conn.execute(update(whatif_runs).where(whatif_runs.c.run_id == run_id).values(**ended))


def chosen(conn: Connection, filters: Mapping[str, Any]) -> list[str]:
    """Numbers of the cases of a sample, ascending; see `start`."""
    where = choice_of(filters, str(filters.get("status", ""))).where()
    if filters.get("limit"):
        where.append(cases.c.case_id.in_(select(limits.c.case_id).where(limits.c.limit_id == filters["limit"])))
    most = min(int(filters.get("most") or MOST), MOST)
    found = list(conn.scalars(select(cases.c.case_id).where(*where).order_by(cases.c.case_id.desc()).limit(most)))
    return found[::-1]


class Counted:
    """The sums of a run."""

    def __init__(self) -> None:
        self.cases = self.entries = self.carried_out = 0
        self.verdicts: dict[str, int] = {}
        self.grades: dict[str, dict[str, int]] = {}
        self.units: dict[str, dict[str, int]] = {}
        self.limits: dict[str, dict[str, int]] = {}

    def add(self, row: JSON) -> None:
        """Counts a row of whatif_cases."""
        verdict, outcome = row["verdict"], row["outcome"]
        self.cases += 1
        self.entries += row["entries"]
        self.carried_out += outcome["carried_out"]
        self.verdicts[verdict] = self.verdicts.get(verdict, 0) + 1
        _count(self.grades, row["grade"], verdict)
        for unit in row["units"].split():
            _count(self.units, unit, verdict)
        for side in ("would", "spared"):
            for limit in {one["limit"] for one in outcome[side]}:
                _count(self.limits, limit, side)

    def summary(self, seconds: float, processes: int) -> JSON:
        """All of it, with what it cost."""
        return {
            "cases": self.cases,
            "entries": self.entries,
            "carried_out": self.carried_out,
            "seconds": round(seconds, 2),
            "processes": processes,
            "verdicts": {name: self.verdicts.get(name, 0) for name in VERDICTS},
            "grades": self.grades,
            "units": self.units,
            "limits": self.limits,
        }


def _count(counts: dict[str, dict[str, int]], name: str, what: str) -> None:
    mine = counts.setdefault(name, {})
    mine[what] = mine.get(what, 0) + 1


# -- reading ----------------------------------------------------------------------------------------------------------
def get(conn: Connection, run_id: str) -> Run | None:
    row = conn.execute(select(whatif_runs).where(whatif_runs.c.run_id == run_id)).one_or_none()
    return None if row is None else _run(row, long_jobs.get(conn, row.job_id))


def of_draft(conn: Connection, draft_id: str, limit: int) -> list[Run]:
    """The last runs of a draft that have ended, newest first, whatever it was like at that time."""
    named = canonical({OF: f"draft:{draft_id}"}).decode().strip("{}")
    query = select(whatif_runs).where(whatif_runs.c.ended != "", whatif_runs.c.filters.contains(named, autoescape=True))
    rows = conn.execute(query.order_by(whatif_runs.c.at.desc(), whatif_runs.c.run_id).limit(limit))
    return [_run(row, None) for row in rows]


def newest(conn: Connection, version: str = "", limit: int = 20) -> list[Run]:
    """The last runs, newest first; with a `version` those of it alone, to be cited at its deployment."""
    query = select(whatif_runs).order_by(whatif_runs.c.at.desc(), whatif_runs.c.run_id).limit(limit)
    rows = conn.execute(query.where(whatif_runs.c.version == version) if version else query).all()
    return [_run(row, None) for row in rows]


def listed(
    conn: Connection, run_id: str, verdict: str = "", grade: str = "", unit: str = "", page: int = 1
) -> tuple[list[RunCase], int]:
    """One page of a run's cases by number, and how many pages there are. `grade`: "-" for cases without one."""
    table = whatif_cases.c
    where: list[ColumnElement[bool]] = [table.run_id == run_id]
    where += [table.verdict == verdict] if verdict else []
    where += [table.grade == grade.replace("-", "")] if grade else []
    where += [table.units.contains(f" {unit} ", autoescape=True)] if unit else []
    total = conn.execute(select(func.count()).select_from(whatif_cases).where(*where)).scalar_one()
    pages = max(1, -(-total // PAGE_SIZE))
    query = select(whatif_cases).where(*where).order_by(table.case_id).limit(PAGE_SIZE)
    rows = conn.execute(query.offset((min(max(page, 1), pages) - 1) * PAGE_SIZE))
    return [_case(row) for row in rows], pages


def case(conn: Connection, run_id: str, case_id: str) -> RunCase | None:
    mine = (whatif_cases.c.run_id == run_id, whatif_cases.c.case_id == case_id)
    row = conn.execute(select(whatif_cases).where(*mine)).one_or_none()
    return None if row is None else _case(row)


def _run(row: Row[Any], job: long_jobs.LongJob | None) -> Run:
    return Run(
        row.run_id, row.kind, parse_instant(row.at), row.actor, row.version, row.label, row.live,
        json.loads(row.filters), row.ended, json.loads(row.summary), job,
    )  # fmt: skip


def _case(row: Row[Any]) -> RunCase:
    return RunCase(
        row.case_id, row.verdict, row.step, row.grade, tuple(row.units.split()), row.entries, json.loads(row.outcome)
    )
