"""What background workers can do, by name; the same functions run on both databases.

A task opens its own transactions, reads from rows what is to do, and may be run twice for one job. How to add one:
docs/jobs.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from threading import Event

from engine.domain.codec import JSON
from engine.service import (
    feed_looks,
    item_cases,
    item_decisions,
    item_import,
    item_triage,
    item_upkeep,
    items,
    long_jobs,
    migration_jobs,
    migrations,
    search_index,
    task_forces,
    verify_job,
    whatif,
    whatif_simulation,
)
from engine.service.bootstrap import Services
from engine.service.jobs import NEVER, Retry, Task
from engine.service.registers import ACCESS_TASK
from engine.service.transactions import writing

SEARCH_SECONDS = 20
"""What came in or was written is found after at most so long, and as long as it takes to index it."""
SEARCH_PAUSE_SECONDS = 0.1
"""Between two transactions of the search, for who waits to write."""
LONG_WORK: Mapping[str, long_jobs.Work] = {
    verify_job.KIND: verify_job.work,
    item_import.KIND: item_import.work,
    migrations.LOOK: migration_jobs.look,
    migrations.MOVE: migration_jobs.move,
    migrations.BACK: migration_jobs.back,
    whatif.KIND: whatif.work,
    whatif_simulation.KIND: whatif_simulation.work,
}
"""What pages may ask for as a long job, by kind."""


def _long(services: Services, args: Mapping[str, JSON]) -> None:
    long_jobs.run(services, args, LONG_WORK)


def _tidy(services: Services, args: Mapping[str, JSON]) -> None:
    """Deletes what was given up or ended long ago."""
    with writing(services.engine) as conn:
        services.jobs.tidy(conn)
        long_jobs.tidy(services, conn)


def _search(services: Services, args: Mapping[str, JSON]) -> None:
    search_index.catch_up(services, rest=partial(Event().wait, SEARCH_PAUSE_SECONDS))


_ALL = (
    # Three times: what a long job does wrong it tells in its own row; only a killed worker comes this way again.
    Task(long_jobs.TASK, _long, Retry(attempts=3, first_seconds=5.0), long=True),
    Task("tidy", _tidy, NEVER, every=3600),
    Task(items.TRIAGE, item_triage.run, Retry(attempts=3), long=True),
    Task(item_decisions.TELL_CASE, item_cases.run),
    Task(ACCESS_TASK, task_forces.run),
    Task("search", _search, NEVER, every=SEARCH_SECONDS, long=True),
    Task(feed_looks.TASK, feed_looks.look, NEVER, long=True),
    Task("feeds", feed_looks.look_soon, NEVER, every=feed_looks.EVERY_SECONDS),
    Task("items", item_upkeep.run, NEVER, every=item_upkeep.EVERY_SECONDS),
)

TASKS: Mapping[str, Task] = {task.name: task for task in _ALL}
