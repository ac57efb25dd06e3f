"""Wiring: the only place that builds the real things."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from engine.domain.calendar import ZONE
from engine.domain.clock import Clock
from engine.domain.organisation import ROLES, SEPARATED_ROLES, Actor
from engine.journal.database import create_tables, open_database
from engine.journal.entry import StoredEntry
from engine.journal.imports import is_imported
from engine.journal.schema import case_numbers
from engine.journal.store import SqlJournal, SqlTransaction
from engine.readmodels import cases, projector, sets, timers, version

from . import bundle_draft_tables as _bundle_draft_tables  # noqa: F401 its tables belong to the database
from . import documents_tables as _documents_tables  # noqa: F401 likewise
from . import item_triage, metrics, people, wakers
from . import items_tables as _items_tables  # noqa: F401 likewise
from . import log_tables as _log_tables  # noqa: F401 likewise
from . import metrics_database as _metrics_database  # noqa: F401 its figures are told
from . import metrics_jobs as _metrics_jobs  # noqa: F401 its figures are told
from . import metrics_outbox as _metrics_outbox  # noqa: F401 its figures are told
from . import metrics_timers as _metrics_timers  # noqa: F401 its figures are told, and its tables belong there too
from . import migration_tables as _migration_tables  # noqa: F401 likewise
from . import outbox_tables as _outbox_tables  # noqa: F401 likewise
from . import processes as _processes  # noqa: F401 its table belongs to the database
from . import register_tables as _register_tables  # noqa: F401 likewise
from . import search_tables as _search_tables  # noqa: F401 likewise
from . import whatif_tables as _whatif_tables  # noqa: F401 likewise
from .application import Application
from .bundle_drafts import BundleDrafts
from .deployments import Deployments
from .drafts import Drafts
from .files import FileStore
from .jobs import Jobs
from .jobs_postgres import JobsOnPostgres
from .jobs_sqlite import JobsOnSqlite
from .keys import KeyRing
from .live_cases import LiveCases
from .options import ChosenOptions
from .people_tables import RECEIVES_WORK, lines, persons, units
from .replays import Replays
from .sealing import Sealer
from .settings import Settings
from .system import clock_for

log = logging.getLogger("opinion.readmodels")

ALL_CASES = frozenset({"office", "leader", "chief", "supervision", "auditor"})
"""Roles that may read every case; everybody else only those they are involved in."""


@dataclass(slots=True)
class Services:
    """Everything a process of the program needs; made once by `build`."""

    settings: Settings
    clock: Clock
    engine: Engine
    journal: SqlJournal
    application: Application
    deployments: Deployments
    files: FileStore
    drafts: Drafts
    bundle_drafts: BundleDrafts
    sealer: Sealer
    jobs: Jobs
    replays: Replays = field(default_factory=Replays)
    triage: item_triage.Memory = field(default_factory=item_triage.Memory)
    stopping: threading.Event = field(default_factory=threading.Event)
    """Set once the process was told to stop: it is not ready any more, finishes what it has begun, and work that takes
    minutes hands itself back."""


def build(settings: Settings, clock: Clock | None = None, *, wake: Callable[[], None] = lambda: None) -> Services:
    """Opens the database (making what is missing) and wires the program. `wake` is called after a commit that
    armed a timer which is due before all others: who sleeps until the earliest one must look again."""
    clock = clock or clock_for(settings)
    engine = open_database(settings.database_url)
    try:
        journal = SqlJournal(engine, create_tables(engine, settings.hash_algorithm))
        version.bring_up(engine, lambda conn: case_entries(SqlTransaction(conn)))
        catch_up_all(engine)
    except BaseException:
        engine.dispose()
        raise
    deployments = Deployments(journal, clock, two_approvers=settings.two_approvers)
    application = build_application(journal, deployments, clock, wake)
    return Services(
        settings,
        clock,
        engine,
        journal,
        application,
        deployments,
        FileStore(settings.data_dir / "files", settings),
        Drafts(engine, clock),
        BundleDrafts(engine, clock, deployments),
        Sealer(journal, KeyRing(journal, settings.keys_folder, clock, settings.log_origin), clock),
        queue_for(engine, clock),
    )


def queue_for(engine: Engine, clock: Clock) -> Jobs:
    """The queue of background jobs of this database."""
    return JobsOnPostgres(clock) if engine.dialect.name == "postgresql" else JobsOnSqlite(clock)


def build_application(
    journal: SqlJournal, deployments: Deployments, clock: Clock, wake: Callable[[], None] = lambda: None
) -> Application:
    """The use cases on a journal; a cache of live cases of its own."""
    return Application(
        clock=clock,
        writing=journal.writing,
        reading=journal.reading,
        live=LiveCases(deployments.load, deployments.current_version),
        project=project,
        new_case_id=new_case_id,
        visible=visible,
        unknown=unknown_receivers,
        groups_of=lambda tx, user_id: groups_of(tx, user_id, clock.now()),
        options=ChosenOptions(),
        imported=lambda tx, case_id: is_imported(tx.connection, case_id),
        catch_up=lambda case_id: catch_up(journal.engine, case_id),
        cause=lambda tx, due: wakers.cause(tx.connection, due),
        committed=wake,
        written=metrics.written,
        algorithm=journal.algorithm,
    )


def catch_up(engine: Engine, case_id: str) -> int:
    """Projects what programs of another shape wrote to a case; returns how many entries. Raises sets.NotUnderstood."""
    return sets.catch_up(engine, case_id, lambda conn, after: SqlTransaction(conn).read(case_id, after))


def catch_up_all(engine: Engine) -> None:
    """The same for every case, before a program looks at its read models for the first time."""
    if engine.dialect.name != "postgresql":
        return
    with engine.connect() as conn:
        waiting = sets.behind(conn)
    for case_id in waiting:
        try:
            catch_up(engine, case_id)
        except sets.NotUnderstood:
            log.warning("entries of a later release: not shown by this process", extra={"case_id": case_id})


def case_entries(tx: SqlTransaction) -> Iterator[StoredEntry]:
    """Every entry of every case, case by case."""
    for stream in tx.streams():
        if not stream.startswith("_"):
            yield from tx.read(stream)


def project(tx: SqlTransaction, entries: Sequence[StoredEntry]) -> bool:
    """Writes the read models. Whether something was armed that is due before everything else that waits."""
    projector.project(tx.connection, *entries)
    return bool(entries) and timers.earlier(tx.connection, entries, entries[-1].at)


def visible(tx: SqlTransaction, case_id: str, actor: Actor) -> bool:
    """Whether the actor may see the case at all (R71: need to know)."""
    if actor.acting_roles & ALL_CASES:
        return True
    return cases.visible(tx.connection, case_id, actor.groups)


def unknown_receivers(tx: SqlTransaction, groups: Sequence[str]) -> list[str]:
    """Those of the groups that can receive nothing: no active person, no unit, line or role of that name; and the
    three separated roles with their holders, who do no case work."""
    missing = []
    for group in groups:
        kind, _, name = group.rpartition(":")
        table = {"user": persons.c.user_id, "unit": units.c.unit_id, "head": units.c.unit_id, "line": lines.c.line_id}
        if not kind:
            found = name in ROLES and name not in SEPARATED_ROLES
        elif kind in table:
            where = [table[kind] == name, *([persons.c.active, RECEIVES_WORK] if kind == "user" else [])]
            found = tx.connection.scalar(select(table[kind]).where(*where)) is not None
        else:
            found = False
        if not found:
            missing.append(name)
    return missing


def groups_of(tx: SqlTransaction, user_id: str, now: datetime) -> frozenset[str]:
    """The groups that a person speaks for at `now`; none for somebody unknown."""
    found = people.actor(tx.connection, user_id, now)
    return frozenset() if found is None else found.groups


def new_case_id(tx: SqlTransaction, now: datetime) -> str:
    """The next case number of the year (Asia/Shanghai): `WQ-2026-000001`."""
    year = now.astimezone(ZONE).year
    dialect: Any = postgresql if tx.connection.dialect.name == "postgresql" else sqlite
    statement = (
        dialect.insert(case_numbers)
        .values(year=year, last=1)
        .on_conflict_do_update(index_elements=["year"], set_={"last": case_numbers.c.last + bindparam("one", 1)})
        .returning(case_numbers.c.last)
    )
    return f"WQ-{year}-{tx.connection.execute(statement).scalar_one():06d}"
