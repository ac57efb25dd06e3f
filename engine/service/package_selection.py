"""Which cases go into a package: those named, or all that were closed in a month or a year."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, select

from engine.domain.calendar import ZONE
from engine.domain.codec import instant_text
from engine.domain.rejection import Rejection
from engine.readmodels.schema import cases

MAX_CASES: Final = 500
"""Cases in one package. A month of a bureau has some dozens; more than this is split by months."""
_PERIOD: Final = re.compile(r"(\d{4})(?:-(0[1-9]|1[0-2]))?")


@dataclass(frozen=True, slots=True)
class Selection:
    """`kind`: case, period or selection. `subject`: what the log of exports says. `period`: as asked, "" for none."""

    kind: str
    subject: str
    cases: tuple[str, ...]
    period: str = ""


def chosen(conn: Connection, case_ids: Sequence[str]) -> Selection | Rejection:
    """The named cases. Rejections: invalid without any or with too many, not_found with the first unknown one."""
    wanted = tuple(dict.fromkeys(one.strip() for one in case_ids if one.strip()))
    if not wanted:
        return Rejection("invalid", "package.nothing_chosen")
    if len(wanted) > MAX_CASES:
        return Rejection("invalid", "package.too_many", {"count": len(wanted), "limit": MAX_CASES})
    found = set(conn.scalars(select(cases.c.case_id).where(cases.c.case_id.in_(wanted))))
    for case_id in wanted:
        if case_id not in found:
            return Rejection("not_found", "case.unknown", {"case": case_id})
    if len(wanted) == 1:
        return Selection("case", wanted[0], wanted)
    return Selection("selection", "、".join(wanted), tuple(sorted(wanted)))


def closed_in(conn: Connection, period: str) -> Selection | Rejection:
    """The cases closed in `2026-03` or `2026` (Asia/Shanghai). Rejections: invalid for another text, for none, for too
    many."""
    found = _PERIOD.fullmatch(period.strip())
    if found is None:
        return Rejection("invalid", "package.bad_period", {"period": period[:20]})
    year, month = int(found[1]), int(found[2] or 0)
    start = datetime(year, month or 1, 1, tzinfo=ZONE)
    end = datetime(year + (month in (0, 12)), 1 if month in (0, 12) else month + 1, 1, tzinfo=ZONE)
    closed = conn.scalars(
        select(cases.c.case_id)
        .where(cases.c.closed_at >= instant_text(start), cases.c.closed_at < instant_text(end))
        .order_by(cases.c.case_id)
    ).all()
    if not closed:
        return Rejection("not_found", "package.nothing_closed", {"period": period.strip()})
    if len(closed) > MAX_CASES:
        return Rejection("invalid", "package.too_many", {"count": len(closed), "limit": MAX_CASES})
    return Selection("period", period.strip(), tuple(closed), period.strip())
