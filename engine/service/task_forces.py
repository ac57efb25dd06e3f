"""R64 统一调配人员力量: who is named in a case's task force gets a copy of the case, whatever his unit."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from engine.domain.codec import JSON, parse_instant
from engine.domain.commands import CopyCase
from engine.domain.organisation import Actor
from engine.domain.rejection import Rejection
from engine.kernel.replay import Diverged

from . import case_snapshot, people, register_records
from .outages import is_outage
from .register_records import Record

log = logging.getLogger("opinion.registers")

REGISTER: Final = "task_force"
NOTE: Final = "专班"


def active(record: Record, now: datetime) -> bool:
    """Whether the task force is at work: it has no end, or one that is still to come."""
    ended = record.values.get("ended_at")
    return not ended or parse_instant(ended) > now


def active_of(conn: Connection, case_id: str, now: datetime) -> tuple[Record, ...]:
    """The task forces at work on a case, newest first. The caller asked who may see the case."""
    found = register_records.of_case(conn, case_id, REGISTER).get(REGISTER, [])
    return tuple(record for record in found if active(record, now))


def named(record: Record) -> list[str]:
    """Logins of the lead and the members, sorted."""
    return sorted({record.values["lead"], *record.values["members"]})


def give(services: Any, subject: int) -> Rejection | None:
    """Sends a copy of the case to those of an active task force who can't see it, in the name of who wrote the record
    last; they are told as of every copy. Done twice it changes nothing. An end takes no access away: what somebody
    has seen of a case stays his to look up.

    Rejections: as of the command, e.g. `case.busy`.
    """
    now = services.clock.now()
    with services.engine.connect() as conn:
        record = register_records.current(conn, REGISTER, subject)
        if record is None or not active(record, now):
            return None
        sender = people.actor(conn, record.by_user, now)
        receivers = [f"user:{login}" for login in _blind(conn, record.case_id, named(record), now)]
    if sender is None or not receivers:
        return None
    outcome = services.application.handle(
        CopyCase(tuple(receivers), NOTE), sender, case_id=record.case_id, command_id=f"{REGISTER}:{record.number}"
    )
    return outcome if isinstance(outcome, Rejection) else None


def given(services: Any, subject: int) -> bool:
    """`give` for a record that is already kept, with a job that sends the copies too: False where that job is left to
    do it, because the command was refused or the database or the case could not be had just now."""
    try:
        return give(services, subject) is None
    except Exception as error:
        if not isinstance(error, Diverged) and not is_outage(error):
            raise
        log.warning("copies of task force %s are left to the job: %s", subject, type(error).__name__)
        return False


def run(services: Any, args: Mapping[str, JSON]) -> None:
    """The task, for a process that ended between the record and the copy. A refusal is tried again."""
    refused = give(services, int(args["subject"]))
    if refused is not None:
        raise RuntimeError(f"Expected a copy for task force {args['subject']}, but: {refused.key}")


def _blind(conn: Connection, case_id: str, logins: Iterable[str], now: datetime) -> list[str]:
    """Those of the logins who are active and can't see the case by themselves."""
    found = (people.actor(conn, login, now) for login in logins)
    return [one.user_id for one in found if one is not None and not case_snapshot.sees(conn, case_id, _alone(one))]


def _alone(actor: Actor) -> Actor:
    """The person without those for whom he acts just now: that ends, and his task does not."""
    return replace(actor, groups=actor.groups - actor.group_via.keys(), substitutes_for=(), group_via={})
