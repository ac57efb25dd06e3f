"""时限证据: all limits of one case with what explains them, and the limits of a period; on screen, paper and as CSV."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask import Blueprint, make_response, render_template, request, url_for
from flask.sansio.app import App
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from engine.readmodels import evidence
from engine.readmodels.evidence import Evidence, Totals
from engine.service import case_decisions, case_facts, deadline_evidence, people
from engine.service.csv_file import Cell
from engine.service.deadline_evidence import CaseEvidence, LimitEvidence

from . import case_page, cases, period
from .catalogue import t
from .clock_text import explained, span
from .clocks import LIMITS
from .downloads import csv_answer, up_to
from .formats import minute, second
from .guards import reading, requires, services
from .names import Names
from .period import Period

blueprint = Blueprint("evidence", __name__)
blueprint.record_once(lambda state: install(state.app))

PER_PAGE: Final = 50
MOST_ROWS: Final = 50_000
"""Lines of a file; more than any spreadsheet is read with. A longer list says so in its last line."""
GRADES: Final = ("major_negative", "ordinary_negative", "positive")
ASKED_STATES: Final = (*evidence.STATES, evidence.BROKEN, "warned")
CASE_COLUMNS: Final = (
    "limit", "state", "unit", "clauses", "rule", "anchor", "anchor_at", "instant", "calendar", "deadline",
    "explanation", "warnings", "stopped", "late_seconds", "late", "cause", "reason", "follow_up", "shares", "bundle",
    "entries",
)  # fmt: skip
COLUMNS: Final = (
    "case", "title", "grade", "limit", "state", "unit", "clauses", "rule", "anchor", "anchor_at", "armed_at",
    "deadline", "warnings", "breached_at", "met_at", "stopped", "late_seconds", "late", "cause", "bundle", "entries",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address of the period's list asks for."""

    period: Period
    unit: str
    grade: str
    limit: str
    state: str
    page: int

    @staticmethod
    def of(args: MultiDict[str, str]) -> Asked:
        unit, grade, limit, state = (args.get(name, "").strip()[:100] for name in ("unit", "grade", "limit", "state"))
        number = min(max(1, args.get("page", 1, type=int)), 10**6)
        return Asked(period.read(args, services().clock.now()), unit, grade, limit, state, number)

    @property
    def query(self) -> evidence.Asked:
        return evidence.Asked(self.period.since, self.period.until, self.unit, self.grade, self.limit, self.state)

    @property
    def faults(self) -> dict[str, str]:
        """Field -> what is wrong with it. A filter that is not known would show more than was asked for."""
        found = dict(self.period.faults)
        if self.grade and self.grade not in GRADES:
            found["grade"] = t("evidence.unknown_choice")
        if self.state and self.state not in ASKED_STATES:
            found["state"] = t("evidence.unknown_choice")
        return found

    @property
    def values(self) -> dict[str, Any]:
        rest = {"unit": self.unit, "grade": self.grade, "limit": self.limit, "state": self.state}
        return {**self.period.values, **{name: value for name, value in rest.items() if value}}

    def page_url(self, number: int) -> str:
        return url_for("evidence.index", **self.values, page=number)


@blueprint.get("/cases/<case_id>/evidence")
@requires("view_case")
def show(case_id: str) -> str:
    """Also for those involved: who is said to be late may see why (R39). Of other cases they see nothing."""
    now = services().clock.now()
    with reading() as conn:
        case = case_page.visible(conn, case_id)
        found = deadline_evidence.of_case(services(), conn, case_id, now)
        names = _named(Names(conn), found)
        bundle = services().deployments.bundle(case.bundle)
        words = {**case_decisions.value_notes(bundle), **case_facts.value_words(conn, bundle)}
    instants = cases.instants_of(case_id)
    return render_template("evidence/case.html", case=case, found=found, names=names, words=words, at=now, **instants)


@blueprint.post("/cases/<case_id>/evidence.csv")
@requires("view_case")
def case_csv(case_id: str) -> Response:
    now = services().clock.now()
    with reading() as conn:
        case_page.visible(conn, case_id)
        found = deadline_evidence.of_case(services(), conn, case_id, now)
        names = _named(Names(conn), found)
    rows = [_case_row(one, names) for one in found.limits]
    header = [t(f"evidence.column.{name}") for name in CASE_COLUMNS]
    return csv_answer("evidence", case_id, f"{t('evidence.title')}-{case_id}.csv", header, rows)


@blueprint.get("/evidence")
@requires("view_evidence")
def index() -> Response:
    asked = Asked.of(request.args)
    with reading() as conn:
        units = [(unit.unit_id, unit.name) for unit in people.all_units(conn)]
        totals = () if asked.faults else evidence.totals(conn, asked.query)
        whole, found = summed(totals), None
        if not asked.faults:
            found = evidence.page(conn, asked.query, whole.ran, number=asked.page, per_page=PER_PAGE)
        names = Names(conn)
        if found is not None:
            names.load({one.stopped_by for one in found.rows}, {f"unit:{one.unit}" for one in found.rows if one.unit})
    body = render_template(
        "evidence/index.html",
        asked=asked,
        found=found,
        lines=[*totals, whole],
        names=names,
        units=units,
        limits=sorted({*LIMITS, *(row.limit_id for row in totals), *filter(None, (asked.limit,))}),
        grades=GRADES,
        states=ASKED_STATES,
        at=services().clock.now(),
    )
    return make_response(body, 422 if asked.faults else 200)


@blueprint.post("/evidence.csv")
@requires("view_evidence")
def csv() -> Response:
    asked = Asked.of(request.form)
    if asked.faults:
        return make_response(t("period.no_file"), 422)
    with reading() as conn:
        rows = list(evidence.every(conn, asked.query, MOST_ROWS + 1))
        names = Names(conn).load({one.stopped_by for one in rows}, {"unit:"})
    subject = " ".join(asked.values.values())
    header = [t(f"evidence.column.{name}") for name in COLUMNS]
    return csv_answer(
        "csv", subject, f"{t('evidence.title')}.csv", header, up_to(rows, MOST_ROWS, lambda one: _row(one, names))
    )


def summed(totals: Iterable[Totals]) -> Totals:
    """The totals of all limits together."""
    rows = list(totals)
    numbers = ("ran", "met", "met_late", "broken", "unmet", "cancelled", "running", "warned")
    return Totals("", *(sum(getattr(row, name) for row in rows) for name in numbers))


def _row(one: Evidence, names: Names) -> list[Cell]:
    return [
        one.case_id,
        one.title,
        t(f"grade.{one.grade or 'none'}"),
        limit_name(one),
        t(f"limit.state.{one.state}"),
        names.unit(one.unit),
        "、".join(one.clauses),
        one.rule,
        field_name(one.anchor),
        second(one.anchor_at),
        second(one.armed_at),
        second(one.deadline),
        "；".join(f"{warning.mark} {second(warning.at)}" for warning in one.warnings),
        second(one.breached_at),
        second(one.met_at),
        stopped(one, names),
        one.late_seconds,
        span(one.late_seconds) if one.late_seconds else "",
        t(one.cause) if one.cause else "",
        one.bundle,
        entry_numbers(one),
    ]


def _case_row(one: LimitEvidence, names: Names) -> list[Cell]:
    limit = one.limit
    told = [f"{w.mark} {second(w.at)} {'、'.join(map(names.group, w.to))} #{w.seq}" for w in limit.warnings]
    answers = [answer for report in one.reports for answer in report.answers]
    explanations = [str(answer.fields.get("late_explanation") or "") for answer in answers]
    said = [
        f"#{answer.seq} {names.person(answer.author)} {second(answer.at)} {'；'.join(map(str, filled(answer.fields)))}"
        for answer in answers
    ]
    shares = [f"{holder(share.holder, share.groups, names)} {span(share.seconds)}" for share in one.shares]
    return [
        limit_name(limit),
        t(f"limit.state.{limit.state}"),
        names.unit(limit.unit),
        "；".join(f"{word.clause} {word.quote}".strip() for word in one.words),
        limit.rule,
        field_name(limit.anchor),
        second(limit.anchor_at),
        t(f"field.{one.instant}") if one.instant else t("evidence.no_instant"),
        one.calendar or t("evidence.no_calendar"),
        second(limit.deadline),
        "；".join(map(explained, limit.explanation)),
        "；".join(told),
        stopped(limit, names),
        limit.late_seconds,
        span(limit.late_seconds) if limit.late_seconds else "",
        t(limit.cause) if limit.cause else "",
        "；".join(filter(None, explanations)),
        "；".join(said),
        "；".join(shares),
        limit.bundle,
        entry_numbers(limit),
    ]


def limit_words(limit_id: str) -> str:
    """The words of the catalogue for a limit of the shipped regulation, else its id."""
    key = f"limit.name.{limit_id}"
    return limit_id if t(key) == key else t(key)


def limit_name(one: Evidence) -> str:
    """The same; else the label of its timer."""
    words = limit_words(one.limit_id)
    return one.label if words == one.limit_id and one.label else words


def _limit_options(limits: Iterable[str]) -> list[tuple[str, str]]:
    return [(one, limit_words(one)) for one in limits]


def field_name(field: str) -> str:
    key = f"field.{field}"
    return field if t(key) == key else t(key)


def stopped(one: Evidence, names: Names) -> str:
    """What ended it: whose submission when; "" while it runs."""
    if one.finished_at is None:
        return ""
    said = {"step": one.stop_label, "who": names.person(one.stopped_by), "at": second(one.finished_at)}
    key = "submission" if one.stop_label else "other"
    return t(f"evidence.stopped_by_{key}", **said)


def entry_numbers(one: Evidence) -> str:
    """The entries of the journal it was taken from, in order."""
    numbers = [one.armed_seq, *(warning.seq for warning in one.warnings), one.breached_seq, one.finished_seq]
    return " ".join(str(number) for number in sorted({number for number in numbers if number}))


def holder(login: str, groups: Iterable[str], names: Names) -> str:
    """A person's name, or whom it was offered to while nobody had taken it."""
    if login:
        return names.person(login)
    return t("evidence.nobody_yet", groups="、".join(names.group(group) for group in groups))


def filled(fields: Mapping[str, Any]) -> list[Any]:
    return [value for value in fields.values() if value not in (None, "")]


def _named(names: Names, found: CaseEvidence) -> Names:
    logins: set[str] = set()
    groups: set[str] = set()
    if found.registration is not None:
        logins.add(found.registration.author)
    for one in found.limits:
        logins.add(one.limit.stopped_by)
        groups |= {*one.limit.responsible, *(group for warning in one.limit.warnings for group in warning.to)}
        groups |= {f"unit:{one.limit.unit}"} if one.limit.unit else set()
        logins |= {answer.author for report in one.reports for answer in report.answers}
        for held in one.held:
            logins.add(held.holder)
            groups |= set(held.groups)
    return names.load(logins, groups)


def install(app: App) -> None:
    app.jinja_env.globals.update(limit_options=_limit_options, limit_words=limit_words)
    app.jinja_env.filters.update(
        limit_name=limit_name,
        limit_words=limit_words,
        field_name=field_name,
        stopped=stopped,
        entry_numbers=entry_numbers,
        holder=lambda one, names: holder(one.holder, one.groups, names),
        fixed_span=lambda seconds: span(abs(seconds)) if seconds else t("evidence.no_time"),
        percent=lambda part: f"{part:.0%}",
        minutes=lambda seconds: f"{seconds / 60:.0f}",
        second_or_none=lambda at: second(at) or t("evidence.none_given"),
        minute_or_none=lambda at: minute(at) or t("evidence.none_given"),
    )
