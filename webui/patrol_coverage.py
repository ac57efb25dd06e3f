"""The coverage of patrols (R23): which unit looked at which sources, day by day, and where nobody looked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from engine.domain.calendar import midnight
from engine.service import people, register_records
from engine.service.items_tables import SOURCE_TYPES

from .catalogue import t
from .formats import local, parse_day
from .guards import reading, services

DAYS: Final = 7
WRITTEN_EARLY: Final = timedelta(days=1)
WRITTEN_LATE: Final = timedelta(days=31)
"""Records are found by when they were written, and a patrol counts on the day on which it began: one of 23:30 is
written after midnight, one of a Friday on Monday. One written later still is in the list and not in the table."""
FIRST: Final = date(2000, 1, 1)
"""Earlier days, and those more than a year ahead, are slips of the pen: today is shown."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """`rows`: (what people call it, number of patrols on each of the days), 0 where nobody looked."""

    name: str
    rows: tuple[tuple[str, tuple[int, ...]], ...]

    @property
    def title(self) -> str:
        return t(f"register.by_{self.name}")


@dataclass(frozen=True, slots=True)
class Coverage:
    """`before`, `after`: last days of the neighbouring weeks; `after` None where that is still to come."""

    days: tuple[date, ...]
    matrices: tuple[Matrix, ...]
    after: date | None

    @property
    def before(self) -> date:
        return self.days[0] - timedelta(days=1)


def of(args: Mapping[str, str]) -> Coverage:
    """The seven days up to `day` of the address or form, up to today where it says none."""
    today = local(services().clock.now()).date()
    asked = parse_day(args.get("day", ""))
    last = asked if asked is not None and FIRST <= asked <= today + timedelta(days=366) else today
    days = tuple(last - timedelta(days=back) for back in range(DAYS - 1, -1, -1))
    with reading() as conn:
        records = register_records.between(
            conn, "patrol", midnight(days[0]) - WRITTEN_EARLY, midnight(last) + WRITTEN_LATE
        )
        units = [(unit.unit_id, unit.name) for unit in people.all_units(conn) if unit.active]
    by_unit: Counter[tuple[str, date]] = Counter()
    by_source: Counter[tuple[str, date]] = Counter()
    for one in records:
        day = local(one.values["began_at"]).date()
        by_unit[one.unit_id, day] += 1
        by_source.update((source, day) for source in one.values["sources"])
    sources = [(source, t(f"item.source.{source}")) for source in SOURCE_TYPES]
    return Coverage(
        days,
        (_matrix("source", sources, by_source, days), _matrix("unit", units, by_unit, days)),
        last + timedelta(days=DAYS) if last < today else None,
    )


def _matrix(
    name: str, named: Sequence[tuple[str, str]], counts: Mapping[tuple[str, date], int], days: Sequence[date]
) -> Matrix:
    return Matrix(name, tuple((words, tuple(counts.get((ident, day), 0) for day in days)) for ident, words in named))
