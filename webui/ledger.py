"""台账: late and missed registrations (漏报、迟报, R20), and late or ineffective handling (不及时不得力, R39)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from flask import Blueprint, make_response, render_template, request, url_for
from sqlalchemy import Connection
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from engine.readmodels import evidence, registrations
from engine.readmodels.evidence import Report
from engine.readmodels.registrations import Registration
from engine.service import case_decisions, case_facts, compliance, people
from engine.service.csv_file import Cell

from . import period
from .catalogue import t
from .downloads import csv_answer, up_to
from .evidence import limit_words
from .formats import second
from .guards import reading, requires, services
from .names import Names
from .period import Period

blueprint = Blueprint("ledger", __name__)

PER_PAGE: Final = 50
MOST_ROWS: Final = 20_000
SHEETS: Final = ("registrations", "reports")
REGISTRATION_COLUMNS: Final = (
    "case", "title", "kind", "unit", "registrant", "reporter", "how", "source", "published_at", "captured_at",
    "discovered_at", "registered_at", "lag_minutes", "earlier_at", "ahead_minutes", "case_state",
)  # fmt: skip
REPORT_COLUMNS: Final = (
    "case", "title", "number", "limit", "unit", "deadline", "drafted_at", "cause", "reason", "explanation",
    "assessed_cause", "impact", "disposal", "follow_up", "report_state", "entries",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """`sheet`: one of SHEETS; `kind`: late, missed or "" for both."""

    period: Period
    sheet: str
    kind: str
    unit: str
    page: int

    @staticmethod
    def of(args: MultiDict[str, str]) -> Asked:
        sheet, kind, unit = (args.get(name, "").strip()[:100] for name in ("sheet", "kind", "unit"))
        number = min(max(1, args.get("page", 1, type=int)), 10**6)
        now = services().clock.now()
        return Asked(period.read(args, now), sheet or SHEETS[0], kind, unit, number)

    @property
    def faults(self) -> dict[str, str]:
        found = dict(self.period.faults)
        if self.sheet not in SHEETS:
            found["sheet"] = t("evidence.unknown_choice")
        if self.kind and self.kind not in registrations.KINDS:
            found["kind"] = t("evidence.unknown_choice")
        return found

    @property
    def values(self) -> dict[str, Any]:
        rest = {"sheet": self.sheet, "kind": self.kind, "unit": self.unit}
        return {**self.period.values, **{name: value for name, value in rest.items() if value}}

    def page_url(self, number: int) -> str:
        return url_for("ledger.index", **self.values, page=number)

    def sheet_url(self, sheet: str) -> str:
        return url_for("ledger.index", **self.period.values, sheet=sheet)


@blueprint.get("/ledger")
@requires("view_evidence")
def index() -> Response:
    asked = Asked.of(request.args)
    with reading() as conn:
        shown: dict[str, Any] = {"margin": _margin(), "faults": asked.faults}
        shown |= {"units": [(unit.unit_id, unit.name) for unit in people.all_units(conn)]}
        if not asked.faults:
            read = _registrations if asked.sheet == SHEETS[0] else _reports
            shown |= read(conn, asked, asked.page, PER_PAGE)
        words = _words(conn)
    body = render_template("ledger/index.html", asked=asked, sheets=SHEETS, words=words, **shown)
    return make_response(body, 422 if asked.faults else 200)


@blueprint.post("/ledger/registrations.csv")
@requires("view_evidence")
def registrations_csv() -> Response:
    return _csv(_registrations, _registration_row, REGISTRATION_COLUMNS, t("ledger.registrations"))


@blueprint.post("/ledger/reports.csv")
@requires("view_evidence")
def reports_csv() -> Response:
    return _csv(_reports, _report_row, REPORT_COLUMNS, t("ledger.reports"))


def _csv(
    read: Callable[..., dict[str, Any]], row: Callable[..., Sequence[Cell]], columns: Sequence[str], title: str
) -> Response:
    """A sheet as the file that its page's button asks for."""
    asked = Asked.of(request.form)
    if asked.faults:
        return make_response(t("period.no_file"), 422)
    with reading() as conn:
        shown = read(conn, asked, 1, MOST_ROWS + 1)
        words = _words(conn)
    rows = up_to(shown["found"].rows, MOST_ROWS, lambda one: row(one, shown, words))
    header = [t(f"ledger.column.{name}") for name in columns]
    return csv_answer("csv", " ".join(asked.values.values()), f"{title}.csv", header, rows)


def kinds(one: Registration, margin: float) -> tuple[str, ...]:
    """`late`, `missed` or both, as the row was chosen for."""
    missed = bool(one.missed) and one.ahead_seconds > margin
    return tuple(name for name, is_so in (("late", one.late), ("missed", missed)) if is_so)


def _registrations(conn: Connection, asked: Asked, number: int, per_page: int) -> dict[str, Any]:
    margin, since, until = _margin(), asked.period.since, asked.period.until
    counted = registrations.counts(conn, since, until, margin)
    unit_of = _units_of(conn)
    authors = frozenset(one.author for one in counted if unit_of.get(one.author, "") == asked.unit)
    found = registrations.page(
        conn,
        since,
        until,
        margin,
        kind=cast(registrations.Kind, asked.kind),
        authors=authors if asked.unit else None,
        number=number,
        per_page=per_page,
    )
    totals: dict[str, Counter[str]] = {}
    for one in counted:
        line = totals.setdefault(unit_of.get(one.author, ""), Counter())
        line.update(registered=one.registered, late=one.late, missed=one.missed, unjudged=one.unjudged)
    names = Names(conn).load({one.author for one in found.rows}, {"unit:"})
    ordered = sorted(totals.items(), key=lambda item: (-item[1]["late"] - item[1]["missed"], item[0]))
    kinds_of = {one.case_id: kinds(one, margin) for one in found.rows}
    return {"found": found, "totals": ordered, "names": names, "unit_of": unit_of, "kinds_of": kinds_of}


def _reports(conn: Connection, asked: Asked, number: int, per_page: int) -> dict[str, Any]:
    since, until = asked.period.since, asked.period.until
    found = evidence.reports(conn, since, until, asked.unit, number=number, per_page=per_page)
    titles = evidence.titles(conn, (one.case_id for one in found.rows))
    authors = {answer.author for one in found.rows for answer in one.answers}
    names = Names(conn).load(authors, {"unit:"})
    return {"found": found, "titles": titles, "names": names, "totals": evidence.reports_by_unit(conn, since, until)}


def _registration_row(one: Registration, shown: dict[str, Any], words: dict[str, str]) -> list[Cell]:
    names: Names = shown["names"]
    return [
        one.case_id,
        one.title,
        "、".join(t(f"ledger.kind.{kind}") for kind in shown["kinds_of"][one.case_id]),
        names.unit(shown["unit_of"].get(one.author, "")),
        names.person(one.author),
        one.reporter,
        words.get(one.discovered_by, one.discovered_by),
        f"{words.get(one.source_type, one.source_type)} {one.source_name}".strip(),
        second(one.published_at),
        second(one.captured_at),
        second(one.discovered_at),
        second(one.at),
        round(one.lag_seconds / 60, 1),
        second(one.earlier_at),
        round(one.ahead_seconds / 60, 1),
        one.stage_label if one.status == "open" else t("cases.status.closed"),
    ]


def _report_row(one: Report, shown: dict[str, Any], words: dict[str, str]) -> list[Cell]:
    def said(field: str) -> str:
        value = one.said(field)
        return "" if value is None else words.get(str(value), str(value))

    return [
        one.case_id,
        shown["titles"].get(one.case_id, ""),
        one.name,
        limit_words(one.limit_id),
        shown["names"].unit(one.unit),
        second(one.deadline),
        second(one.at),
        t(one.cause) if one.cause else "",
        said("late_reason"),
        said("late_explanation"),
        said("late_cause"),
        said("late_impact"),
        " ".join(filter(None, (said("disposal_decision"), said("disposal_text")))),
        said("followup_text"),
        t(f"ledger.state.{one.state}"),
        " ".join(str(seq) for seq in (one.seq, *(answer.seq for answer in one.answers))),
    ]


def _units_of(conn: Connection) -> dict[str, str]:
    """login -> unit as it is now; who has left since counts with no unit."""
    return {person.user_id: person.unit_id for person in people.directory(conn).persons}


def _words(conn: Connection) -> dict[str, str]:
    """What people call the values of the forms of the live bundle."""
    try:
        bundle = services().deployments.bundle()
    except KeyError:
        return {}
    return {**case_decisions.value_notes(bundle), **case_facts.value_words(conn, bundle)}


def _margin() -> float:
    try:
        return compliance.margin_seconds(services().deployments.bundle())
    except KeyError:
        return compliance.DEFAULT_MARGIN


@blueprint.app_template_filter("total_of")
def _total_of(totals: Iterable[tuple[str, Counter[str]]], name: str) -> int:
    return sum(line[name] for _, line in totals)
