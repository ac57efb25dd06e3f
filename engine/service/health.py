"""Whether this process lives, and whether it should be given work: for load balancers, init systems and monitoring.

Answers carry names and states only, no paths, addresses or versions: they are told to whoever asks.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from sqlalchemy import Connection, select
from sqlalchemy.exc import SQLAlchemyError

from engine.journal.schema import FORMAT_VERSION, deployments, journal_format
from engine.readmodels import version

from . import processes

if TYPE_CHECKING:
    from .bootstrap import Services

log = logging.getLogger("opinion.health")

State = Literal["ok", "warn", "error"]

DISK_LEAST: Final = 256 * 1024 * 1024
"""Free bytes under which nothing is accepted any more: a write that fails half-way costs more than a refusal."""
DISK_SHORT: Final = 2 * 1024 * 1024 * 1024
"""Free bytes under which somebody should act: some days of attachments of a busy office."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. `warn`: the process can be given work, but somebody has to act."""

    name: str
    state: State


def live(services: Services) -> tuple[Check, ...]:
    """The process answers. Asks nothing of others: a database that is away is no reason to start the program anew."""
    return (Check("process", "ok"),)


def ready(services: Services) -> tuple[Check, ...]:
    """Whether the process should be given work. Every check but one can say no (`is_ready`).

    A missing worker only warns: the pages fire what is due before each command, and taking all of them away would
    turn a clock that stands into an office that stands.
    """
    found = [Check("accepting", "error" if services.stopping.is_set() else "ok")]
    try:
        with services.engine.connect() as conn:
            conn.execute(select(journal_format.c.version)).first()
            found += [Check("database", "ok"), *_database(services, conn)]
    except version.Replaced:
        found += [Check("database", "ok"), Check("schema", "error")]
    except SQLAlchemyError as error:
        log.warning("not ready: database", extra={"fault": type(error).__name__})
        found.append(Check("database", "error"))
    found.append(Check("disk", disk(services.settings.data_dir)))
    return tuple(found)


def is_ready(checks: Sequence[Check]) -> bool:
    return all(check.state != "error" for check in checks)


def _database(services: Services, conn: Connection) -> Iterator[Check]:
    yield Check("schema", "ok" if schema_fits(conn) else "error")
    deployed = conn.scalar(select(deployments.c.number).limit(1)) is not None
    yield Check("bundle", "ok" if deployed else "error")
    worker = any(one.fires for one in processes.alive(conn, services.clock.now()))
    yield Check("worker", "ok" if worker else "warn")


def schema_fits(conn: Connection) -> bool:
    """Whether this program can work on what it finds: the journal's format and the shape of the read models."""
    written = conn.scalar(select(journal_format.c.version))
    if written is None or written > FORMAT_VERSION:
        return False
    return version.fits(conn)


def free_bytes(folder: Path) -> int | None:
    """Free bytes on the disk of a folder, for this user; None where the folder is not there."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def disk(folder: Path) -> State:
    free = free_bytes(folder)
    if free is None or free < DISK_LEAST:
        return "error"
    return "warn" if free < DISK_SHORT else "ok"
