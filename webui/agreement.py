"""建议与定级的一致: how often people decided as was suggested, and each item where they did not, with their reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask import Blueprint, make_response, render_template, request, url_for
from sqlalchemy import Connection
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from engine.readmodels.page import Page
from engine.service import case_facts, grading_agreement, grading_pairs, people
from engine.service.csv_file import Cell
from engine.service.grading_agreement import GRADES, SUGGESTED, Agreement, Counts
from engine.service.grading_pairs import NOT_OURS, UNSURE, Pair

from . import period
from .catalogue import t
from .downloads import csv_answer, xlsx_answer
from .figure_tables import Figures
from .formats import minute
from .guards import allowed, reading, requires, services
from .names import Names
from .period import Period

blueprint = Blueprint("agreement", __name__)

PER_PAGE: Final = 30
MACHINES: Final = "-"
"""Stands in an address for the items that no unit brought in."""
SHOWN: Final = ("wrong", UNSURE)
TABLES: Final = ("agreement_grades", "agreement_units", "agreement_criteria", "agreement_facts", "agreement_list")


@dataclass(frozen=True, slots=True)
class Asked:
    """`unit`: that brought the items in, MACHINES for none; `grade`: as decided; `shown`: which items are listed."""

    period: Period
    unit: str
    grade: str
    shown: str
    page: int

    @staticmethod
    def of(args: MultiDict[str, str]) -> Asked:
        unit, grade, shown = (args.get(name, "").strip()[:100] for name in ("unit", "grade", "shown"))
        number = min(max(1, args.get("page", 1, type=int)), 10**6)
        return Asked(period.read(args, services().clock.now()), unit, grade, shown or SHOWN[0], number)

    @property
    def faults(self) -> dict[str, str]:
        wrong = {"grade": self.grade and self.grade not in GRADES, "shown": self.shown not in SHOWN}
        return {**self.period.faults, **{name: t("evidence.unknown_choice") for name, is_so in wrong.items() if is_so}}

    @property
    def values(self) -> dict[str, Any]:
        rest = {"unit": self.unit, "grade": self.grade, "shown": self.shown if self.shown != SHOWN[0] else ""}
        return {**self.period.values, **{name: value for name, value in rest.items() if value}}

    def page_url(self, number: int) -> str:
        return url_for("agreement.index", **self.values, page=number, _anchor="list")

    def takes(self, pair: Pair) -> bool:
        return (not self.unit or pair.unit == ("" if self.unit == MACHINES else self.unit)) and (
            not self.grade or pair.decided_grade == self.grade
        )


@dataclass(frozen=True, slots=True)
class Found:
    """`listed`: the pairs that the page lists; `cut`: there are older items that were not read."""

    counted: Agreement
    listed: tuple[Pair, ...]
    cut: bool


@blueprint.get("/statistics/agreement")
@requires("view_performance")
def index() -> Response:
    asked = Asked.of(request.args)
    found = None if asked.faults else _found(asked)
    with reading() as conn:
        units = [(unit.unit_id, unit.name) for unit in people.all_units(conn)]
        shown: dict[str, Any] = {}
        if found is not None:
            begin = (asked.page - 1) * PER_PAGE
            rows = found.listed[begin : begin + PER_PAGE]
            names, labels = _names(conn, rows), _labels()
            shown = {
                "tables": _figures(found.counted, names, labels), "counted": found.counted, "cut": found.cut,
                "listed": Page(rows, len(found.listed), asked.page, PER_PAGE), "names": names, "labels": labels,
                "differing": differing,
            }  # fmt: skip
        body = render_template(
            "statistics/agreement.html", asked=asked, faults=asked.faults, units=[*units, (MACHINES, _unit("", None))],
            grades=[(grade, grade_words(grade)) for grade in GRADES], choices=[(one, _shown(one)) for one in SHOWN],
            whole=allowed("view_all_cases"), most=grading_pairs.MOST, grade_words=grade_words, **shown,
        )  # fmt: skip
    return make_response(body, 422 if asked.faults else 200)


@blueprint.post("/statistics/agreement.csv")
@requires("view_performance")
def csv() -> Response:
    """One table, that of the button."""
    asked, name = Asked.of(request.form), request.form.get("table", "")
    if asked.faults or name not in TABLES:
        return make_response(t("period.no_file"), 422)
    table = next(one for one in _all_tables(asked) if one.name == name)
    subject = " ".join(("statistics", name, *asked.values.values()))
    return csv_answer("csv", subject, f"{table.title}.csv", table.header, table.rows)


@blueprint.post("/statistics/agreement.xlsx")
@requires("view_performance")
def xlsx() -> Response:
    """All tables, a sheet each."""
    asked = Asked.of(request.form)
    if asked.faults:
        return make_response(t("period.no_file"), 422)
    parts = [(one.title, one.header, one.rows) for one in _all_tables(asked)]
    name = f"{t('agreement.title')} {asked.period.first} {asked.period.last}.xlsx"
    return xlsx_answer("xlsx", " ".join(("statistics agreement", *asked.values.values())), name, parts)


def grade_words(grade: str) -> str:
    """A grade, suggested or decided, as people say it."""
    if grade == UNSURE:
        return t("item.hint.unsure")
    return t("agreement.not_ours") if grade == NOT_OURS else t(f"grade.{grade}")


def differing(pair: Pair, labels: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Criteria that were only suggested, and those that only the person ticked, in words."""
    if pair.decided_grade == NOT_OURS:
        return [], []
    names = [name for name in Agreement().criteria if pair.suggested.get(name) is not pair.decided.get(name)]
    return (
        [labels[name] for name in names if pair.suggested.get(name) is True],
        [labels[name] for name in names if pair.decided.get(name) is True],
    )


def _found(asked: Asked) -> Found:
    read = list(grading_pairs.pairs(services(), asked.period.since, asked.period.until))
    mine = [one for one in read if asked.takes(one)]
    listed = tuple(one for one in mine if one.outcome == asked.shown)
    return Found(grading_agreement.statistics(mine), listed, len(read) == grading_pairs.MOST)


def _names(conn: Connection, pairs: Iterable[Pair]) -> Names:
    return Names(conn).load({one.by for one in pairs}, {"unit:"})


def _labels() -> dict[str, str]:
    """Criterion or fact -> its name on the form of the live version."""
    try:
        known: Mapping[str, str] = case_facts.labels(services().deployments.bundle())
    except KeyError:
        known = {}
    empty = Agreement()
    return {name: known.get(name, name.upper()) for name in (*empty.criteria, *empty.facts)}


def _all_tables(asked: Asked) -> tuple[Figures, ...]:
    found = _found(asked)
    with reading() as conn:
        names, labels = _names(conn, found.listed), _labels()
        return (*_figures(found.counted, names, labels), _list(found.listed, names, labels))


def _figures(found: Agreement, names: Names, labels: Mapping[str, str]) -> tuple[Figures, ...]:
    return (
        _grades(found),
        _units(found, names),
        _ticks("agreement_criteria", found.criteria, labels),
        _ticks("agreement_facts", found.facts, labels),
    )


def _grades(found: Agreement) -> Figures:
    header = (t("agreement.column.suggested"), *(t("agreement.decided_as", grade=grade_words(one)) for one in GRADES))
    rows: list[tuple[Cell, ...]] = []
    for suggested in SUGGESTED:
        numbers = [found.grades.get((suggested, decided), 0) for decided in GRADES]
        rows.append((grade_words(suggested), *numbers, sum(numbers)))
    return Figures("agreement_grades", (*header, t("statistics.column.sum")), tuple(rows))


def _ticks(name: str, found: Mapping[str, Counts], labels: Mapping[str, str]) -> Figures:
    columns = ("criterion", "both", "only_suggested", "only_person", "neither", "agreed")
    rows: list[tuple[Cell, ...]] = [
        (
            labels[key], one.both, one.only_suggested, one.only_person, one.neither,
            None if one.agreed is None else round(100 * one.agreed, 1),
        )
        for key, one in found.items()
    ]  # fmt: skip
    return Figures(name, tuple(t(f"agreement.column.{one}") for one in columns), tuple(rows))


def _units(found: Agreement, names: Names) -> Figures:
    columns = ("brought_by", "right", "wrong", "unsure", "share")
    ordered = sorted(found.units.items(), key=lambda one: (-sum(one[1].values()), one[0]))
    rows: list[tuple[Cell, ...]] = [
        (_unit(unit, names.unit), each["right"], each["wrong"], each[UNSURE], share(each["right"], each["wrong"]))
        for unit, each in ordered
    ]
    return Figures("agreement_units", tuple(t(f"agreement.column.{one}") for one in columns), tuple(rows))


@blueprint.app_template_filter("share_of")
def share(right: int, wrong: int) -> float | None:
    """Percent of the suggestions that were followed, those that were unsure left out."""
    return round(100 * right / (right + wrong), 1) if right + wrong else None


def _list(listed: Iterable[Pair], names: Names, labels: Mapping[str, str]) -> Figures:
    columns = (
        "item", "title", "case", "brought_by", "at", "suggested", "decided", "by", "reason", "words",
        "only_suggested", "only_person",
    )  # fmt: skip
    whole = allowed("view_all_cases")
    rows: list[tuple[Cell, ...]] = []
    for one in listed:
        suggested, person = differing(one, labels)
        rows.append(
            (
                one.item_id, one.title if whole else "", one.case_id if whole else "", _unit(one.unit, names.unit),
                minute(one.at), grade_words(one.suggested_grade), grade_words(one.decided_grade),
                names.person(one.by), one.reason if whole else "",
                "；".join(f"{name.upper()} {'、'.join(words)}" for name, words in one.words.items()),
                "；".join(suggested), "；".join(person),
            )
        )  # fmt: skip
    return Figures("agreement_list", tuple(t(f"agreement.column.{one}") for one in columns), tuple(rows))


def _unit(unit: str, called: Callable[[str], str] | None) -> str:
    return called(unit) if unit and called is not None else t("agreement.machines")


def _shown(one: str) -> str:
    return t(f"agreement.shown.{one}")
