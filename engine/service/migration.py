"""Moving one running case to another version of its bundle, from the command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.domain.commands import MigrateCase
from engine.domain.rejection import Rejection

from . import people
from .bootstrap import Services
from .catalogue import said
from .system import new_id


def migrate(services: Services, case_id: str, version: str, login: str, reason: str, out: Callable[[str], Any]) -> int:
    """Migrates the case to `version` (or the one deployment it begins; "" for the live one) in the name of `login`.
    Returns the exit code: 0 done, 1 refused, 2 no such person or version."""
    with services.engine.connect() as conn:
        actor = people.actor(conn, login, services.clock.now())
    known = list(dict.fromkeys(deployment.version for deployment in services.deployments.history()))
    found = [one for one in known if one.startswith(version)] if version else known[:1]
    if actor is None or len(found) != 1:
        out(f"没有这个账号: {login}" if actor is None else f"没有这个版本: {version} (已发布: {_short(known)})")
        return 2
    command = MigrateCase(found[0], reason)
    outcome = services.application.handle(command, actor, case_id=case_id, command_id=new_id())
    if isinstance(outcome, Rejection):
        out(f"未迁移: {said(outcome.key, outcome.details)}")
        return 1
    out(f"已迁移 {case_id} #{outcome.seq} {found[0][:12]}")
    return 0


def _short(versions: list[str]) -> str:
    return ", ".join(version[:12] for version in versions)
