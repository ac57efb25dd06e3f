"""The tables of the statistics in words: one and the same for the page, its charts, CSV and Excel."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from engine.domain.rejection import Rejection
from engine.domain.scoring import COUNTS
from engine.readmodels.performance import Spread
from engine.service import statistics
from engine.service.csv_file import Cell
from engine.service.statistics import GRADES, Statistics
from engine.service.unit_scores import Gave, Scores

from .catalogue import t
from .clock_text import span
from .evidence import limit_words
from .names import Names

TABLES: Final = ("trend", "leads", "grade", "source_type", "unit", "district", "business_line", "root_cause", "limits")


@dataclass(frozen=True, slots=True)
class Figures:
    """One table. `chart`: how assets/statistics.js draws it ("" for not): `bar` one row a bar, `stacked` a bar of all
    columns, `line`. `lengths`: columns that are seconds, shown in words. `drawn`: how many columns behind the first the
    chart takes."""

    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    chart: str = ""
    drawn: int = 1
    lengths: frozenset[int] = frozenset()

    @property
    def title(self) -> str:
        return t(f"statistics.table.{self.name}")

    @property
    def note(self) -> str:
        key = f"statistics.note.{self.name}"
        return "" if t(key) == key else t(key)

    def shown(self, column: int, cell: Cell) -> str:
        """A cell on the page."""
        if cell is None:
            return "—"
        return span(float(cell)) if column in self.lengths else f"{cell:g}" if isinstance(cell, float) else str(cell)


def tables(found: Statistics, names: Names, words: Mapping[str, str]) -> tuple[Figures, ...]:
    """Those of TABLES. `words`: what people call the values of forms."""
    made: dict[str, Figures] = {
        "trend": _trend(found),
        "leads": _leads(found),
        "limits": _limits(found, names),
        "grade": _group("grade", found.groups["grade"], lambda value: t(f"grade.{value or 'none'}")),
        "unit": _group("unit", found.groups["unit"], names.unit),
    }
    for kind in ("source_type", "district", "business_line"):
        made[kind] = _group(kind, found.groups[kind], lambda value: _called(value, words))
    made["root_cause"] = _group("root_cause", found.groups["root_cause"], lambda value: cause_words(value, words))
    return tuple(made[name] for name in TABLES)


def _called(value: str, words: Mapping[str, str]) -> str:
    """A value of a form in words; kinds of sources that the bundle has no words for by those of the intake."""
    key = f"item.source.{value}"
    return words.get(value) or (value if t(key) == key else t(key)) or t("statistics.none")


def cause_words(value: str, words: Mapping[str, str]) -> str:
    """The kind of a case's root; a case has none before its closing review."""
    return words.get(value, value) or t("statistics.no_cause")


def _group(name: str, rows: Sequence[tuple[str, int]], said: Callable[[str], str]) -> Figures:
    header = (t(f"statistics.column.{name}"), t("statistics.column.cases"))
    return Figures(name, header, tuple((said(value), number) for value, number in rows), "bar")


def _trend(found: Statistics) -> Figures:
    header = (t(f"statistics.by.{found.trend.unit}"), *(t(f"grade.{grade or 'none'}") for grade in GRADES))
    shown = "%Y-%m" if found.trend.unit == "month" else "%Y-%m-%d"
    rows: list[tuple[Cell, ...]] = [
        (format(at, shown), *(counts.get(grade, 0) for grade in GRADES), sum(counts.values()))
        for at, counts in found.trend.bins
    ]
    return Figures("trend", (*header, t("statistics.column.sum")), tuple(rows), "stacked", len(GRADES))


def _leads(found: Statistics) -> Figures:
    header = ("lead", "median", "p90", "longest", "judged", *statistics.UNJUDGED)
    rows: list[tuple[Cell, ...]] = [
        (
            t(f"statistics.lead.{one.name}"),
            *_spread(one.spread),
            *(one.unjudged.get(why, 0) for why in statistics.UNJUDGED),
        )
        for one in found.leads
    ]
    words = tuple(t(f"statistics.column.{name}") for name in header)
    return Figures("leads", words, tuple(rows), "bar", 2, frozenset({1, 2, 3}))


def _spread(one: Spread | None) -> tuple[Cell, ...]:
    return (None, None, None, 0) if one is None else (one.median, one.p90, one.longest, one.count)


def _limits(found: Statistics, names: Names) -> Figures:
    header = ("limit", "met", "broken", "running", "cancelled", "held")
    rows: list[tuple[Cell, ...]] = []
    for one in found.limits:
        words = limit_words(one.limit)
        label = one.label if words == one.limit and one.label else words
        name = f"{label} · {names.unit(one.unit)}" if one.unit else label
        ended = one.met + one.broken
        held = round(100 * one.met / ended, 1) if ended else None
        rows.append((name, one.met, one.broken, one.running, one.cancelled, held))
    return Figures("limits", tuple(t(f"statistics.column.{name}") for name in header), tuple(rows), "stacked", 2)


def gave(one: Gave) -> str:
    """A rule that matched, in words."""
    return t("score.gave", rule=one.rule, words=one.words, points=f"{one.points:+g}")


def score_table(found: Scores, names: Names) -> Figures:
    """Each unit and month with what was counted, the points, and the rules that gave them."""
    columns = ("unit", "month", "score", *COUNTS, "rules")
    rows: list[tuple[Cell, ...]] = [
        (
            names.unit(one.unit), one.month, one.score, *(one.counts[name] for name in COUNTS),
            "；".join(gave(given) for given in one.gave),
        )
        for one in found.rows
    ]  # fmt: skip
    return Figures("scores", tuple(t(f"score.column.{name}") for name in columns), tuple(rows))


def refused(found: Scores | Rejection) -> str:
    """Why there are no scores, "" when there are."""
    return t(found.key, **found.details) if isinstance(found, Rejection) else ""
