"""The evidence of each limit of a case, put together: clause in the regulation's words, calendar, shares, follow-up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from engine.definitions.bundle import Bundle
from engine.domain.commands import MigrateCase
from engine.readmodels import evidence, holding, registrations
from engine.readmodels.evidence import Evidence, Report
from engine.readmodels.holding import Held, Share

from . import case_snapshot
from .clauses import quotes

INSTANTS: Final = ("published_at", "captured_at", "discovered_at", "delivered_at", "signed_at")
"""The five instants of an item (requirements 1.10); a limit that begins with none of them says so."""
WORKING_TIME: Final = "working hours"
"""Part of the names of the functions that ask the holiday table; no other does."""


@dataclass(frozen=True, slots=True)
class Words:
    """A clause: `title` and `quote` from the profile of the bundle that the limit ran under, "" if it has none."""

    clause: str
    title: str
    quote: str


@dataclass(frozen=True, slots=True)
class LimitEvidence:
    """`instant`: which of INSTANTS it began with, "" for none. `calendar`: name and version of the holiday table if the
    due instant was computed with one, else "". `before_seconds`: from the anchor until the program began to count."""

    limit: Evidence
    words: tuple[Words, ...]
    instant: str
    calendar: str
    held: tuple[Held, ...]
    shares: tuple[Share, ...]
    before_seconds: float
    reports: tuple[Report, ...]


@dataclass(frozen=True, slots=True)
class CaseEvidence:
    """`entries`: how many the journal of the case has; the numbers in the evidence are theirs. `moves`: those that
    moved it to another version of the process: limits end and begin there that go on by another reckoning."""

    registration: registrations.Registration | None
    limits: tuple[LimitEvidence, ...]
    entries: int
    moves: frozenset[int] = frozenset()


def of_case(services: Any, conn: Connection, case_id: str, now: datetime) -> CaseEvidence:
    """Everything about the limits of a case. Requires that the caller asked who may read it."""
    entries = case_snapshot.entries(services, case_id)
    held = holding.stretches(entries)
    limits, reports = evidence.of_case(conn, case_id), evidence.reports_of(conn, case_id)
    bundles = {version: services.deployments.bundle(version) for version in {limit.bundle for limit in limits}}
    found = tuple(_limit(limit, bundles[limit.bundle], held, reports, now) for limit in limits)
    moves = frozenset(entry.seq for entry in entries if entry.command["kind"] == MigrateCase.kind)
    return CaseEvidence(registrations.of_case(conn, case_id), found, len(entries), moves)


def report_of(limit: Evidence, reports: Sequence[Report]) -> tuple[Report, ...]:
    """The late reports about a limit: drafted in the entry of its breach, else about that limit and due instant."""
    mine = [one for one in reports if limit.breached_seq and (one.seq, one.timer) == (limit.breached_seq, limit.timer)]
    if not mine and limit.breached_seq:
        same = (limit.limit_id, limit.deadline, limit.unit)
        mine = [one for one in reports if not one.timer and (one.limit_id, one.deadline, one.unit) == same]
    return tuple(mine)


def calendar_of(limit: Evidence, bundle: Bundle) -> str:
    """`中国大陆法定节假日 2026-1` if the due instant was computed in working hours; "" for clock time."""
    texts = [
        str((line.get("params") or {}).get("text"))
        for line in limit.explanation
        if line["key"] == "limit.explain.expression"
    ]
    if not any(WORKING_TIME in text for text in texts):
        return ""
    return "—" if bundle.calendar is None else f"{bundle.calendar.name} {bundle.calendar.version}"


def _limit(
    limit: Evidence, bundle: Bundle, held: Sequence[Held], reports: Sequence[Report], now: datetime
) -> LimitEvidence:
    known = quotes(bundle)
    mine = holding.of_limit(limit, held)
    begun = limit.armed_at
    before = (begun - limit.anchor_at).total_seconds() if begun and limit.anchor_at else 0.0
    return LimitEvidence(
        limit,
        tuple(Words(clause, *known.get(clause, ("", ""))) for clause in limit.clauses),
        limit.anchor if limit.anchor in INSTANTS else "",
        calendar_of(limit, bundle),
        mine,
        holding.shares(mine, now),
        max(0.0, before),
        report_of(limit, reports),
    )
