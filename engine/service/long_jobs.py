"""Work that takes minutes, asked for on a page and watched there: progress, cancelling, result.

The row says what is to be done and what came of it; the queued job only wakes a worker. A worker that is killed is
followed by another, which begins anew.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, Row, delete, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from engine.domain.codec import JSON, canonical, instant_text
from engine.journal.job_tables import long_jobs
from engine.readmodels.page import instant

from .bootstrap import Services
from .jobs import KEPT_DAYS, Interrupted, words
from .system import new_id
from .transactions import writing

log = logging.getLogger("opinion.jobs")
TASK = "long"
"""Name of the one task that runs them all."""
TOLD_EVERY_SECONDS = 0.5
"""Between two writes of the progress; each also asks whether somebody has cancelled."""
SILENT = timedelta(hours=1)
"""A job that has said nothing for so long is taken for lost: its worker was killed more often than is tried again."""

Status = Literal["waiting", "running", "done", "failed", "cancelled"]
UNDER_WAY: tuple[Status, ...] = ("waiting", "running")


@dataclass(frozen=True, slots=True)
class LongJob:
    id: str
    kind: str
    args: Mapping[str, JSON]
    status: Status
    asked_by: str
    asked_at: datetime | None
    ended_at: datetime | None
    cancel: bool
    done: int
    total: int
    result: JSON
    error: str

    @property
    def under_way(self) -> bool:
        return self.status in UNDER_WAY

    @property
    def percent(self) -> int:
        """0 to 100; 100 only at the end, since `total` is an estimate."""
        if not self.under_way:
            return 100
        return min(99, self.done * 100 // self.total) if self.total else 0


class Cancelled(Exception):
    """Raised out of `Progress` when somebody has cancelled the job: it ends there."""


class Progress:
    """Handed to the work, which calls it often: `progress(done, total)`.

    Raises Cancelled and Interrupted (the program is to end), so that work which tells of its progress can be stopped.
    """

    def __init__(self, services: Services, job: str) -> None:
        self._services = services
        self._job = job
        self._told = float("-inf")
        self._cancelled = False

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._told >= TOLD_EVERY_SECONDS:
            self._told = now
            self._tell(done, total)
        if self._cancelled:
            raise Cancelled
        if self._services.stopping.is_set():
            raise Interrupted

    def cancelled(self) -> bool:
        """Whether somebody wants the work to stop, as far as it was asked lately."""
        return self._cancelled

    def _tell(self, done: int, total: int) -> None:
        try:
            with writing(self._services.engine) as conn:
                row = conn.execute(select(long_jobs.c.cancel).where(long_jobs.c.id == self._job)).first()
                values = {"done": done, "total": total, "heard_at": instant_text(self._services.clock.now())}
                conn.execute(update(long_jobs).where(long_jobs.c.id == self._job).values(**values))
            self._cancelled = row is None or bool(row.cancel)
        except SQLAlchemyError:  # the work matters more than its bar, and the next telling may succeed
            log.exception("progress not told", extra={"job": self._job})


Work = Callable[[Services, Mapping[str, JSON], Progress], JSON]
"""Does it and returns the result; it must bear being begun anew."""


def start(
    services: Services, conn: Connection, kind: str, args: Mapping[str, JSON], asked_by: str, *, alone: bool = False
) -> str:
    """Asks for work in the caller's transaction; returns its id. `alone`: while one of this kind is under way, that
    one's id is returned and nothing is begun."""
    now = instant_text(services.clock.now())
    if alone:
        one = select(long_jobs.c.id).where(long_jobs.c.kind == kind, long_jobs.c.status.in_(UNDER_WAY))
        found: str | None = conn.scalar(one.order_by(long_jobs.c.asked_at.desc()).limit(1))
        if found is not None:
            return found
    job = new_id()
    conn.execute(
        insert(long_jobs).values(
            id=job,
            kind=kind,
            args=canonical(dict(args)).decode(),
            status="waiting",
            asked_by=asked_by,
            asked_at=now,
            heard_at=now,
            ended_at="",
            cancel=0,
            done=0,
            total=0,
            result="",
            error="",
        )  # fmt: skip
    )
    services.jobs.defer(conn, TASK, {"id": job})
    return job


def get(conn: Connection, job: str) -> LongJob | None:
    row = conn.execute(select(long_jobs).where(long_jobs.c.id == job)).first()
    return None if row is None else _read(row)


def newest(conn: Connection, kind: str, limit: int) -> tuple[LongJob, ...]:
    """The last ones of a kind, newest first."""
    found = select(long_jobs).where(long_jobs.c.kind == kind).order_by(long_jobs.c.asked_at.desc(), long_jobs.c.id)
    return tuple(_read(row) for row in conn.execute(found.limit(limit)))


def cancel(services: Services, conn: Connection, job: str) -> bool:
    """Stops work: at once where it waits, soon where it runs. False when it is over or was never there."""
    mine = update(long_jobs).where(long_jobs.c.id == job)
    ended = {"status": "cancelled", "ended_at": instant_text(services.clock.now())}
    if conn.execute(mine.where(long_jobs.c.status == "waiting").values(cancel=1, **ended)).rowcount:
        return True
    return bool(conn.execute(mine.where(long_jobs.c.status == "running").values(cancel=1)).rowcount)


def run(services: Services, args: Mapping[str, JSON], works: Mapping[str, Work]) -> None:
    """The task: does what the row `args["id"]` asks for. Raises Interrupted; every other end is told in the row."""
    job = str(args["id"])
    with writing(services.engine) as conn:
        row = conn.execute(select(long_jobs).where(long_jobs.c.id == job, long_jobs.c.status.in_(UNDER_WAY))).first()
        if row is None:
            return
        if row.cancel:
            return _end(services, conn, job, "cancelled")
        begun = {"status": "running", "done": 0, "heard_at": instant_text(services.clock.now())}
        conn.execute(update(long_jobs).where(long_jobs.c.id == job).values(**begun))
    ended: dict[str, Any]
    try:
        result = works[row.kind](services, json.loads(row.args), Progress(services, job))
        ended = {"status": "done", "result": json.dumps(result, ensure_ascii=False)}
    except Interrupted:
        with writing(services.engine) as conn:
            conn.execute(update(long_jobs).where(long_jobs.c.id == job).values(status="waiting"))
        raise
    except Cancelled:
        ended = {"status": "cancelled"}
    except Exception as error:
        log.exception("long job failed", extra={"job": job, "kind": row.kind})
        ended = {"status": "failed", "error": words(error)}
    with writing(services.engine) as conn:
        _end(services, conn, job, **ended)


def tidy(services: Services, conn: Connection) -> None:
    """Ends what has been silent for too long, deletes what ended long ago."""
    now = services.clock.now()
    lost = select(long_jobs.c.id).where(
        long_jobs.c.status == "running", long_jobs.c.heard_at < instant_text(now - SILENT)
    )
    for job in conn.scalars(lost).all():
        _end(services, conn, job, "failed", error="lost")
    old = long_jobs.c.ended_at < instant_text(now - timedelta(days=KEPT_DAYS))
    conn.execute(delete(long_jobs).where(long_jobs.c.ended_at != "", old))


def _end(services: Services, conn: Connection, job: str, status: Status, **values: Any) -> None:
    values |= {"status": status, "ended_at": instant_text(services.clock.now())}
    conn.execute(update(long_jobs).where(long_jobs.c.id == job).values(**values))


def _read(row: Row[Any]) -> LongJob:
    return LongJob(
        row.id, row.kind, json.loads(row.args), row.status, row.asked_by, instant(row.asked_at), instant(row.ended_at),
        bool(row.cancel), row.done, row.total, json.loads(row.result) if row.result else None, row.error,
    )  # fmt: skip
