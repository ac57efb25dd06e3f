"""Moving running cases to another version of their bundle, from the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from engine.domain.commands import MigrateCase
from engine.domain.organisation import Actor
from engine.domain.rejection import Rejection
from engine.readmodels.schema import cases as table

from . import people
from .bootstrap import Services
from .catalogue import said
from .migration_judge import judge
from .system import new_id


@dataclass(frozen=True, slots=True)
class Order:
    """`cases`: numbers, none for every running case that is on another version. `version`: or the beginning of one
    deployed; "" for the live one. `login`: in whose name."""

    cases: tuple[str, ...]
    version: str
    login: str
    reason: str
    mapping: Mapping[str, str] = field(default_factory=dict)
    dry: bool = False


def migrate(services: Services, order: Order, out: Callable[[str], Any]) -> int:
    """Carries an order out, case by case, and tells each. Returns the exit code: 0 all done, 1 some stayed, 2 no such
    person or version."""
    with services.engine.connect() as conn:
        actor = people.actor(conn, order.login, services.clock.now())
    known = list(dict.fromkeys(deployment.version for deployment in services.deployments.history()))
    found = [one for one in known if one.startswith(order.version)] if order.version else known[:1]
    if actor is None or len(found) != 1:
        short = ", ".join(version[:12] for version in known)
        out(f"没有这个账号: {order.login}" if actor is None else f"没有这个版本: {order.version} (已发布: {short})")
        return 2
    chosen = order.cases or _others(services, found[0])
    each = _judge if order.dry else _move
    stayed = [case_id for case_id in chosen if not each(services, case_id, found[0], order, actor, out)]
    if len(chosen) != 1:
        out(f"共 {len(chosen)} 件，{len(chosen) - len(stayed)} 件{'可以迁移' if order.dry else '已迁移'}")
    return 1 if stayed else 0


def _others(services: Services, version: str) -> tuple[str, ...]:
    query = select(table.c.case_id).where(table.c.status == "open", table.c.bundle != version)
    with services.engine.connect() as conn:
        return tuple(conn.scalars(query.order_by(table.c.case_id)))


def _move(
    services: Services, case_id: str, version: str, order: Order, actor: Actor, out: Callable[[str], Any]
) -> bool:
    command = MigrateCase(version, order.reason, order.mapping)
    outcome = services.application.handle(command, actor, case_id=case_id, command_id=new_id())
    if isinstance(outcome, Rejection):
        out(f"未迁移 {case_id}: {said(outcome.key, outcome.details)}")
        return False
    out(f"已迁移 {case_id} #{outcome.seq} {version[:12]}")
    return True


def _judge(
    services: Services, case_id: str, version: str, order: Order, actor: Actor, out: Callable[[str], Any]
) -> bool:
    with services.journal.reading() as tx:
        entries = tx.read(case_id)
        if not entries or case_id.startswith("_"):
            out(f"没有这个案件: {case_id}")
            return False
        load = services.application.live.loader(tx)
        found = judge(entries, load, version, order.mapping, services.clock.now())
    if found.verdict != "moves":
        out(f"不能迁移 {case_id}: {said(found.key, found.params)}")
        return False
    late = f"，立即超时: {'、'.join(found.overdue)}" if found.overdue else ""
    out(f"可以迁移 {case_id}{late}")
    return True
