"""The long jobs of a migration: looking at the chosen cases, moving them, moving them back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy import delete, func, select, update

from engine.domain.codec import JSON
from engine.domain.commands import MigrateCase
from engine.domain.organisation import Actor
from engine.domain.rejection import Rejection
from engine.journal.imports import is_imported
from engine.kernel.renaming import inverse
from engine.kernel.replay import Diverged
from engine.readmodels.schema import cases

from . import migrations, people
from .bootstrap import Services
from .migration_judge import Judgement, judge
from .migration_tables import migration_cases
from .migrations import Batch, BatchCase
from .transactions import writing

Tick = Callable[[int, int], None]
NEWLY_OVERDUE: Final = "migrations.newly_overdue"
BACK_BECAUSE: Final = "撤销迁移: "
"""Begins the reason of a migration back; the reason of the migration follows."""


def look(services: Services, args: Mapping[str, JSON], progress: Tick) -> JSON:
    """The dry run: judges every case chosen, anew when it is begun anew. Returns how many."""
    with services.engine.connect() as conn:
        batch = _batch(conn, args)
        where = [*migrations.choice_of(batch.filters).where(), cases.c.bundle != batch.version]
        if batch.filters.get("from_version"):
            where.append(cases.c.bundle == batch.filters["from_version"])
        numbers = list(conn.scalars(select(cases.c.case_id).where(*where).order_by(cases.c.case_id)))
    with writing(services.engine) as conn:
        conn.execute(delete(migration_cases).where(migration_cases.c.batch_id == batch.batch_id))
    progress(0, len(numbers))
    for done, case_id in enumerate(numbers, start=1):
        judgement = judged(services, case_id, batch)
        if judgement is not None:
            with writing(services.engine) as conn:
                migrations.keep_judgement(conn, batch.batch_id, case_id, row_of(judgement))
        progress(done, len(numbers))
    return {"cases": len(numbers)}


def judged(services: Services, case_id: str, batch: Batch) -> Judgement | None:
    """What would become of the case now; None where it is only here to be read."""
    with services.journal.reading() as tx:
        if is_imported(tx.connection, case_id):
            return None
        entries = tx.read(case_id)
        load = services.application.live.loader(tx)
        try:
            return judge(entries, load, batch.version, batch.mapping, services.clock.now())
        except Diverged as error:
            at = error.divergence
            return Judgement("stays", entries[-1].bundle, entries[-1].seq, "migrations.broken", {"seq": at.seq})


def row_of(judgement: Judgement, state: str = "judged", note: Mapping[str, JSON] | None = None) -> dict[str, Any]:
    """The columns of a case's row."""
    return {
        "from_version": judgement.from_version,
        "seq": judgement.seq,
        "verdict": judgement.verdict,
        "overdue": len(judgement.overdue),
        "judgement": json.dumps(judgement.as_json(), ensure_ascii=False),
        "state": state,
        "note": json.dumps(note, ensure_ascii=False) if note else "",
    }


def move(services: Services, args: Mapping[str, JSON], progress: Tick) -> JSON:
    """Moves the cases of `args`, each by a command of its own; what fails stays as it was, with the reason in its row.
    Begun anew it repeats nothing: the command ids are those of the order. Returns counts."""
    return _each(services, args, progress, _move_one)


def back(services: Services, args: Mapping[str, JSON], progress: Tick) -> JSON:
    """Moves the cases of `args` back onto the versions they came from. Otherwise as `move`."""
    return _each(services, args, progress, _back_one)


def _each(
    services: Services,
    args: Mapping[str, JSON],
    progress: Tick,
    one: Callable[[Services, Batch, BatchCase, Actor, str], dict[str, Any]],
) -> JSON:
    chosen = [str(case_id) for case_id in args["cases"]]
    counted: dict[str, int] = {}
    with services.engine.connect() as conn:
        batch = _batch(conn, args)
        actor = people.actor(conn, str(args["actor"]), services.clock.now())
    if actor is None:
        raise LookupError("the account is not active any more")
    progress(0, len(chosen))
    for done, case_id in enumerate(chosen, start=1):
        mine = (migration_cases.c.batch_id == batch.batch_id, migration_cases.c.case_id == case_id)
        with services.engine.connect() as conn:
            row = migrations.case_of(conn.execute(select(migration_cases).where(*mine)).one())
        values = one(services, batch, row, actor, f"migrate-{args['order']}-{case_id}")
        with writing(services.engine) as conn:
            conn.execute(update(migration_cases).where(*mine).values(**values))
        counted[values["state"]] = counted.get(values["state"], 0) + 1
        progress(done, len(chosen))
    return counted


def _move_one(services: Services, batch: Batch, row: BatchCase, actor: Actor, command_id: str) -> dict[str, Any]:
    """Judges the case again, since it or the time has gone on, and moves it if that says nothing worse."""
    if services.application.recorded(command_id) is not None:
        return {"state": "moved", "note": ""}
    now = judged(services, row.case_id, batch)
    if now is None or now.verdict != "moves":
        key, params = ("migrations.broken", {}) if now is None else (now.key, dict(now.params))
        return {**(row_of(now) if now is not None else {}), **_failed("failed", key, params)}
    told = {one["timer"] for one in row.judgement["limits"] if one["overdue"]}
    if worse := [one["label"] for one in now.limits if one["overdue"] and one["timer"] not in told]:
        return {**row_of(now), **_failed("failed", NEWLY_OVERDUE, {"limits": "、".join(dict.fromkeys(worse))})}
    refused = _command(services, MigrateCase(batch.version, batch.reason, batch.mapping), actor, row, command_id)
    if refused is not None:
        return _failed("failed", refused.key, dict(refused.details))
    return row_of(now, "moved")


def _back_one(services: Services, batch: Batch, row: BatchCase, actor: Actor, command_id: str) -> dict[str, Any]:
    command = MigrateCase(row.from_version, f"{BACK_BECAUSE}{batch.reason}", inverse(batch.mapping))
    refused = _command(services, command, actor, row, command_id)
    if refused is not None:
        return _failed("not_back", refused.key, dict(refused.details))
    return {"state": "back", "note": ""}


def _command(
    services: Services, command: MigrateCase, actor: Actor, row: BatchCase, command_id: str
) -> Rejection | None:
    answer = services.application.handle(command, actor, case_id=row.case_id, command_id=command_id)
    return answer if isinstance(answer, Rejection) else None


def _failed(state: str, key: str, params: Mapping[str, JSON]) -> dict[str, Any]:
    note = {"key": key, "params": {name: _plain(value) for name, value in params.items()}}
    return {"state": state, "note": json.dumps(note, ensure_ascii=False)}


def _plain(value: JSON) -> JSON:
    return value if isinstance(value, str | int | float | bool | list | type(None)) else str(value)


def _batch(conn: Any, args: Mapping[str, JSON]) -> Batch:
    found = migrations.get(conn, str(args["batch"]))
    if found is None:
        raise LookupError("no such batch")
    return found


def waiting(conn: Any, version: str) -> int:
    """How many running cases are not on `version`."""
    query = select(func.count()).select_from(cases).where(cases.c.status == "open", cases.c.bundle != version)
    return int(conn.execute(query).scalar_one())
