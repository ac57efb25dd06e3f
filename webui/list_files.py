"""The long lists as files: cases, items, running limits and the coverage of patrols, filtered as their pages are and
for the same eyes, as CSV or Excel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from flask import Blueprint, request
from werkzeug.wrappers import Response

from engine.readmodels.cases import MOST_LISTED, CaseRow
from engine.readmodels.clocks import BoardRow
from engine.readmodels.page import Page
from engine.service import item_lines, items
from engine.service.csv_file import Cell
from engine.service.item_lines import Line

from . import cases, clocks, patrol_coverage
from . import items as item_pages
from .case_words import outcome
from .catalogue import t
from .clock_text import remaining
from .downloads import csv_answer, up_to, xlsx_answer
from .formats import minute
from .guards import current_actor, reading, requires, services
from .item_words import entered
from .names import Names

blueprint = Blueprint("list_files", __name__)

MOST_ROWS: Final = MOST_LISTED
"""Lines of a file, as far as the list of cases turns pages; a longer list says so in the file's last line."""
CUT_OFF: Final = "exports.cut_off"
CASES: Final = (
    "case.number", "evidence.column.title", "case.grade", "cases.stage", "case.district", "case.source",
    "field.published_at", "field.discovered_at", "cases.opened", "cases.next_due", "mining.field.breaches",
    "case.closed_at",
)  # fmt: skip
ITEMS: Final = (
    "exports.number_short", "item.field.title", "item.source_type", "item.source_name", "item.field.url", "item.author",
    "case.district", "item.route", "exports.item.marks", "item.state", "item.hint", "exports.item.topic",
    "field.published_at", "field.discovered_at", "item.received_at", "exports.item.by",
)  # fmt: skip
CLOCKS: Final = (
    "clocks.remaining", "clocks.due", "clocks.limit", "case.unit", "case.number", "evidence.column.title", "case.grade",
    "case.district", "cases.stage", "clocks.who",
)  # fmt: skip

Rows = Iterator[Sequence[Cell]]


@blueprint.post("/cases/export.<any(csv, xlsx):form>")
@requires("view_case")
def of_cases(form: str) -> Response:
    asked = replace(cases.Asked.of(request.form), page=1)
    with reading() as conn:
        found = cases.listed(conn, asked, services().clock.now(), MOST_ROWS)
    rows = _cases(found)
    return _answer(form, "cases", asked.values, t("cases.title"), [t(key) for key in CASES], rows)


@blueprint.post("/items/export.<any(csv, xlsx):form>")
@requires("view_items")
def of_items(form: str) -> Response:
    asked = item_pages.Asked.of(request.form)
    with reading() as conn:
        found = item_lines.lines(conn, current_actor(), asked.items, MOST_ROWS + 1)
        names = Names(conn).load({one.entered_by for one in found})
    rows = up_to(found, MOST_ROWS, lambda one: _item(one, names), CUT_OFF)
    return _answer(form, "items", asked.values, t("items.title"), [t(key) for key in ITEMS], rows)


@blueprint.post("/clocks/export.<any(csv, xlsx):form>")
@requires("view_clocks_board")
def of_clocks(form: str) -> Response:
    asked, now = replace(clocks.Asked.of(request.form), page=1), services().clock.now()
    with reading() as conn:
        found = clocks.running(conn, asked, now, MOST_ROWS + 1)
        names = clocks.named(Names(conn), found.rows)
    rows = up_to(found.rows, MOST_ROWS, lambda one: _limit(one, names, now), CUT_OFF)
    return _answer(form, "clocks", asked.values, t("clocks.title"), [t(key) for key in CLOCKS], rows)


@blueprint.post("/registers/patrol/coverage.<any(csv, xlsx):form>")
@requires("view_registers")
def of_coverage(form: str) -> Response:
    shown = patrol_coverage.of(request.form)
    header = [t("exports.coverage.of"), "", *(day.isoformat() for day in shown.days)]
    rows: Rows = ([one.title, words, *counts] for one in shown.matrices for words, counts in one.rows)
    return _answer(form, "coverage", {"day": shown.days[-1].isoformat()}, t("register.coverage"), header, rows)


def _answer(form: str, what: str, asked: Mapping[str, str], title: str, header: Sequence[str], rows: Rows) -> Response:
    """The file; the log says of which list it is and how that was narrowed."""
    subject = " ".join((what, *asked.values()))
    if form == "xlsx":
        return xlsx_answer("xlsx", subject, f"{title}.xlsx", [(title, header, rows)])
    return csv_answer("csv", subject, f"{title}.csv", header, rows)


def _cases(found: Page[CaseRow]) -> Rows:
    """The list of cases counts its rows itself, as far as it goes."""
    yield from map(_case, found.rows)
    if found.cut or found.total > len(found.rows):
        yield [t(CUT_OFF, count=len(found.rows))]


def _case(row: CaseRow) -> list[Cell]:
    running = row.status == "open"
    return [
        row.case_id,
        row.title,
        t(f"grade.{row.grade or 'none'}"),
        (row.stage_label or t("cases.status.open")) if running else outcome(row.outcome),
        row.district,
        row.source_name,
        minute(row.published_at),
        minute(row.discovered_at),
        minute(row.opened_at),
        minute(row.next_due) if running else "",
        row.breaches,
        minute(row.closed_at),
    ]


def _item(one: Line, names: Names) -> list[Cell]:
    marks = [t("item.is_comment")] * one.comment + [t("item.callback_wanted")] * one.callback
    return [
        one.item_id,
        one.title,
        t(f"item.source.{one.source_type}"),
        one.source_name,
        one.url,
        items.masked(one.author),
        one.district,
        t(f"item.route.{one.route}"),
        "、".join(marks),
        t(f"item.state.{one.state}"),
        _hint(one),
        one.topic_id,
        minute(one.published_at),
        minute(one.discovered_at),
        minute(one.received_at),
        entered(one.entered_by, names),
    ]


def _hint(one: Line) -> str:
    """What triage suggests, in the words of the list."""
    if not one.assessed:
        return t("item.hint.waits")
    if one.echo:
        return t("item.hint.echo")
    if one.relevance_hint == "irrelevant":
        return t("item.hint.irrelevant")
    if one.grade_hint in clocks.GRADES:
        return t("item.hint.maybe", grade=t(f"grade.{one.grade_hint}"))
    return t("item.hint.unsure")


def _limit(row: BoardRow, names: Names, now: datetime) -> list[Cell]:
    limit = row.limit
    holders = [
        f"{names.person(one.assignee) if one.assignee else '、'.join(map(names.group, one.candidates))} {one.label}"
        for one in row.holders
    ]
    return [
        remaining(limit.deadline, now),
        minute(limit.deadline),
        limit.label or limit.limit_id,
        names.unit(limit.unit),
        limit.case_id,
        row.title,
        t(f"grade.{row.grade or 'none'}"),
        row.district,
        row.stage_label,
        "；".join(holders),
    ]
