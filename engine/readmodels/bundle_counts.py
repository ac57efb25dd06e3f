"""How many cases run on which bundle version: old and new side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from .schema import cases


@dataclass(frozen=True, slots=True)
class BundleCount:
    """Cases of one version. `breached`: those in which a limit was ever broken."""

    open: int = 0
    closed: int = 0
    breached: int = 0


def by_bundle(conn: Connection) -> Mapping[str, BundleCount]:
    """Version -> its cases, for every version that has any; one statement."""
    breached = func.sum((cases.c.breaches > 0).cast(cases.c.breaches.type))
    asked = select(cases.c.bundle, cases.c.status, func.count(), breached).group_by(cases.c.bundle, cases.c.status)
    found: dict[str, dict[str, tuple[int, int]]] = {}
    for bundle, status, number, late in conn.execute(asked):
        found.setdefault(bundle, {})[status] = (number, int(late or 0))
    none = (0, 0)
    return {
        bundle: BundleCount(
            some.get("open", none)[0], some.get("closed", none)[0], sum(late for _, late in some.values())
        )
        for bundle, some in found.items()
    }
