"""迁移: many running cases looked at together, moved to another version in the background, and moved back.

A batch remembers what each case would come to and what came of it. The cases themselves move by `MigrateCase` like any
other command; nothing here changes one in another way, so a batch that is lost loses no case.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from engine.domain.codec import JSON, canonical, instant_text, parse_instant
from engine.domain.rejection import FieldFault, Rejection
from engine.readmodels.chosen import Choice

from . import long_jobs
from .bootstrap import Services
from .migration_tables import migration_batches, migration_cases
from .system import new_id

LOOK: Final = "migration_look"
MOVE: Final = "migration_move"
BACK: Final = "migration_back"
"""Kinds of long jobs: the dry run, moving, moving back."""
PAGE_SIZE: Final = 50
MAX_REASON: Final = 2000


@dataclass(frozen=True, slots=True)
class Batch:
    """`filters`: keys of `choice_of`, and `from_version`, "" for any. `job`: None once it is forgotten (90 days)."""

    batch_id: str
    at: datetime
    actor: str
    version: str
    filters: Mapping[str, str]
    mapping: Mapping[str, str]
    reason: str
    job: long_jobs.LongJob | None

    @property
    def under_way(self) -> bool:
        return self.job is not None and self.job.under_way


@dataclass(frozen=True, slots=True)
class BatchCase:
    """A case of a batch. `judgement`: see migration_judge.Judgement.as_json; `note`: {} or why it failed."""

    case_id: str
    from_version: str
    seq: int
    verdict: str
    overdue: int
    judgement: Mapping[str, Any]
    state: str
    note: Mapping[str, Any]


def choice_of(filters: Mapping[str, str], status: str = "open") -> Choice:
    """Cases by the keys since, until (instants as text), grade, unit; missing or "" asks for nothing."""

    def at(name: str) -> datetime | None:
        return parse_instant(filters[name]) if filters.get(name) else None

    return Choice(at("since"), at("until"), filters.get("grade", ""), filters.get("unit", ""), status)


def look(
    services: Services,
    conn: Connection,
    actor: str,
    version: str,
    filters: Mapping[str, str],
    mapping: Mapping[str, str] = {},
) -> str:
    """Begins a dry run over the running cases chosen that are not on `version`; returns the batch's id. Requires a
    deployed version and that the caller checked the right to migrate."""
    batch = new_id()
    job = long_jobs.start(services, conn, LOOK, {"batch": batch}, actor)
    conn.execute(
        insert(migration_batches).values(
            batch_id=batch,
            at=instant_text(services.clock.now()),
            actor=actor,
            version=version,
            filters=canonical(dict(filters)).decode(),
            mapping=canonical(dict(mapping)).decode(),
            reason="",
            job_id=job,
        )
    )
    return batch


def move(
    services: Services, conn: Connection, batch_id: str, actor: str, reason: str, cases: Sequence[str] | None = None
) -> str | Rejection:
    """Begins moving the cases that move cleanly (`cases`: only these of them); returns the job.

    Rejections: not_found; invalid without a reason or with no such case; conflict while the batch is worked on.
    """
    if not reason.strip():
        return Rejection("invalid", "form.refused", {}, (FieldFault("reason", "form.required"),))
    wanted = (migration_cases.c.verdict == "moves", migration_cases.c.state.in_(("judged", "failed", "back")))
    return _order(services, conn, MOVE, batch_id, actor, reason.strip()[:MAX_REASON], cases, wanted)


def back(
    services: Services, conn: Connection, batch_id: str, actor: str, cases: Sequence[str] | None = None
) -> str | Rejection:
    """Begins moving back onto their old versions what the batch has moved; returns the job. Rejections as of `move`."""
    wanted = (migration_cases.c.state.in_(("moved", "not_back")),)
    return _order(services, conn, BACK, batch_id, actor, "", cases, wanted)


def _order(
    services: Services,
    conn: Connection,
    kind: str,
    batch_id: str,
    actor: str,
    reason: str,
    cases: Sequence[str] | None,
    wanted: Sequence[Any],
) -> str | Rejection:
    found = get(conn, batch_id)
    if found is None:
        return Rejection("not_found", "migrations.unknown")
    if found.under_way:
        return Rejection("conflict", "migrations.under_way")
    where = [migration_cases.c.batch_id == batch_id, *wanted]
    if cases is not None:
        where.append(migration_cases.c.case_id.in_(list(cases)))
    chosen = list(conn.scalars(select(migration_cases.c.case_id).where(*where).order_by(migration_cases.c.case_id)))
    if not chosen:
        return Rejection("invalid", "migrations.none_chosen")
    args: dict[str, JSON] = {"batch": batch_id, "cases": chosen, "actor": actor, "order": new_id()}
    job = long_jobs.start(services, conn, kind, args, actor)
    values = {"job_id": job, **({"reason": reason} if reason else {})}
    conn.execute(update(migration_batches).where(migration_batches.c.batch_id == batch_id).values(**values))
    return job


# -- reading ----------------------------------------------------------------------------------------------------------
def get(conn: Connection, batch_id: str) -> Batch | None:
    row = conn.execute(select(migration_batches).where(migration_batches.c.batch_id == batch_id)).one_or_none()
    return None if row is None else _batch(conn, row)


def newest(conn: Connection, limit: int = 20) -> list[tuple[Batch, Mapping[str, int]]]:
    """The last batches, newest first, with how many cases are in each state."""
    order = (migration_batches.c.at.desc(), migration_batches.c.batch_id)
    rows = conn.execute(select(migration_batches).order_by(*order).limit(limit)).all()
    states = _counts(conn, migration_cases.c.state, [row.batch_id for row in rows])
    return [(_batch(conn, row, job=False), states.get(row.batch_id, {})) for row in rows]


def counts(conn: Connection, batch_id: str) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """How many cases by verdict, and by state."""
    found = [_counts(conn, column, [batch_id]) for column in (migration_cases.c.verdict, migration_cases.c.state)]
    return found[0].get(batch_id, {}), found[1].get(batch_id, {})


def overdue(conn: Connection, batch_id: str) -> int:
    """How many cases that move would have a limit overdue at once."""
    table = migration_cases.c
    where = (table.batch_id == batch_id, table.verdict == "moves", table.overdue > 0, table.state == "judged")
    return conn.execute(select(func.count()).select_from(migration_cases).where(*where)).scalar_one()


def listed(
    conn: Connection, batch_id: str, verdict: str = "", state: str = "", page: int = 1
) -> tuple[list[BatchCase], int]:
    """One page of a batch's cases by number, and how many pages there are."""
    where = [migration_cases.c.batch_id == batch_id]
    where += [migration_cases.c.verdict == verdict] if verdict else []
    where += [migration_cases.c.state == state] if state else []
    total = conn.execute(select(func.count()).select_from(migration_cases).where(*where)).scalar_one()
    pages = max(1, -(-total // PAGE_SIZE))
    query = select(migration_cases).where(*where).order_by(migration_cases.c.case_id)
    rows = conn.execute(query.limit(PAGE_SIZE).offset((min(max(page, 1), pages) - 1) * PAGE_SIZE))
    return [case_of(row) for row in rows], pages


def missing_elements(conn: Connection, batch_id: str) -> list[Mapping[str, Any]]:
    """What needs a mapping in this batch, each element once: its judgement, with `cases`, how many wait for it."""
    where = (migration_cases.c.batch_id == batch_id, migration_cases.c.verdict == "mapping")
    found: dict[str, dict[str, Any]] = {}
    for text in conn.scalars(select(migration_cases.c.judgement).where(*where)):
        judgement = json.loads(text)
        one = found.setdefault(judgement["element"], {**judgement, "cases": 0})
        one["cases"] += 1
    return list(found.values())


def keep_judgement(conn: Connection, batch_id: str, case_id: str, values: Mapping[str, Any]) -> None:
    """Writes the row of a case anew."""
    mine = (migration_cases.c.batch_id == batch_id, migration_cases.c.case_id == case_id)
    conn.execute(delete(migration_cases).where(*mine))
    conn.execute(insert(migration_cases).values(batch_id=batch_id, case_id=case_id, **values))


def _counts(conn: Connection, column: Any, batches: Sequence[str]) -> dict[str, dict[str, int]]:
    table = migration_cases.c
    query = select(table.batch_id, column, func.count()).where(table.batch_id.in_(list(batches)))
    found: dict[str, dict[str, int]] = {}
    for batch_id, value, count in conn.execute(query.group_by(table.batch_id, column)):
        found.setdefault(batch_id, {})[value] = count
    return found


def _batch(conn: Connection, row: Row[Any], job: bool = True) -> Batch:
    return Batch(
        row.batch_id,
        parse_instant(row.at),
        row.actor,
        row.version,
        json.loads(row.filters),
        json.loads(row.mapping),
        row.reason,
        long_jobs.get(conn, row.job_id) if job else None,
    )


def case_of(row: Row[Any]) -> BatchCase:
    return BatchCase(
        row.case_id,
        row.from_version,
        row.seq,
        row.verdict,
        row.overdue,
        json.loads(row.judgement),
        row.state,
        json.loads(row.note) if row.note else {},
    )
