"""文书: the list, what can be made in a case, the daily briefing; every document as .docx or PDF, marked and logged."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from flask import Blueprint, abort, flash, make_response, redirect, render_template, request, send_file, url_for
from sqlalchemy import Connection
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from engine.domain.organisation import CHIEF, LEADER
from engine.domain.rejection import HTTP_STATUS, Rejection
from engine.readmodels import evidence
from engine.service import document_lookup, documents
from engine.service.document_kinds import KINDS
from engine.service.document_lookup import Document, Wanted
from engine.service.documents import DAILY, Asked
from engine.service.system import new_id

from . import case_page, period, submissions
from .catalogue import t
from .formats import local, parse_day
from .guards import current_actor, reading, requires, services
from .names import Names
from .pickers import picker

blueprint = Blueprint("documents", __name__)


@blueprint.app_template_filter("document_kind")
def _kind(kind: str) -> str:
    return t(f"document.title.{kind}")


PER_PAGE: Final = 30
TO_LEADERS: Final = (CHIEF, LEADER)
"""Recipients that are chosen at first: a briefing is for them."""
WITH_RECIPIENTS: Final = frozenset({"briefing_daily", "briefing_special"})


@blueprint.get("/documents")
@requires("view_documents")
def index() -> str:
    chosen = request.args.get("kind", "")
    kind = chosen if chosen in KINDS else ""
    # Without days asked for, the list is of all times.
    days = period.read(request.args, services().clock.now(), whole_year=True)
    limited = bool(request.args.get("from") or request.args.get("to"))
    wanted = Wanted(
        request.args.get("q", "").strip()[:60],
        kind,
        request.args.get("case", "").strip()[:40],
        days.since if limited and not days.faults else None,
        days.until if limited and not days.faults else None,
    )
    with reading() as conn:
        number = max(1, request.args.get("page", 1, type=int))
        found = document_lookup.page(conn, current_actor(), wanted, number, PER_PAGE)
        marks = _marks(conn, found.rows)
        names = Names(conn).load((), {group for one in found.rows for group in one.recipients})

    def page_url(page: int) -> str:
        values: dict[str, Any] = {**request.args.to_dict(), "page": page}
        return url_for("documents.index", **values)

    return render_template(
        "documents/index.html", found=found, wanted=wanted, days=days, limited=limited, kinds=tuple(KINDS),
        marks=marks, names=names, page_url=page_url, may_brief=_may_make(DAILY),
    )  # fmt: skip


@blueprint.get("/documents/<int:number>/docx")
@requires("view_documents")
def docx(number: int) -> Response:
    return _sent(number, "docx")


@blueprint.get("/documents/<int:number>/pdf")
@requires("view_documents")
def pdf(number: int) -> Response:
    return _sent(number, "pdf")


@blueprint.get("/cases/<case_id>/documents")
@requires("make_document")
def of_case(case_id: str) -> Response:
    return _case_page(case_id, request.args)


@blueprint.post("/cases/<case_id>/documents")
@requires("make_document")
def make(case_id: str) -> Response:
    form, actor = request.form, current_actor()
    with reading() as conn:
        case_page.visible(conn, case_id)
    made = documents.make(
        services(), form.get("kind", ""), case_id, actor, request.remote_addr or "",
        subject=form.get("subject", "")[:200], replaces=form.get("replaces", 0, type=int),
        reason=form.get("reason", "").strip()[:500], recipients=_recipients(form),
        command_id=f"{submissions.command_id(request, actor.user_id)}.{form.get('kind', '')[:20]}",
    )  # fmt: skip
    if isinstance(made, Rejection):
        return _case_page(case_id, form, made)
    flash(t("document.is_made", title=t(f"document.title.{made.document.kind}"), mark=made.number), "success")
    return redirect(url_for("cases.papers", case_id=case_id, _anchor="documents"), 303)


@blueprint.get("/documents/briefing")
@requires("make_briefing")
def briefing() -> Response:
    return _briefing_page(request.args)


@blueprint.post("/documents/briefing")
@requires("make_briefing")
def make_briefing() -> Response:
    form, actor = request.form, current_actor()
    made = documents.make(
        services(), DAILY, "", actor, request.remote_addr or "", day=_day(form), recipients=_recipients(form),
        replaces=form.get("replaces", 0, type=int), reason=form.get("reason", "").strip()[:500],
        command_id=f"{submissions.command_id(request, actor.user_id)}.{DAILY}",
    )  # fmt: skip
    if isinstance(made, Rejection):
        return _briefing_page(form, made)
    flash(t("document.is_made", title=t(f"document.title.{DAILY}"), mark=made.number), "success")
    return redirect(url_for("documents.index", kind=DAILY), 303)


def section(conn: Connection, case_id: str) -> dict[str, Any]:
    """For the case's papers: what was made, what this person may make now."""
    made = document_lookup.of_case(conn, case_id, current_actor())
    return {
        "made_documents": made,
        "document_marks": _marks(conn, made),
        "offered_documents": documents.offered(services(), case_id, current_actor()),
    }


def _sent(number: int, form: str) -> Response:
    """The file; for who may not read it there is none. In the browser, to be printed, with `?open=1`."""
    actor = current_actor()
    with reading() as conn:
        found = document_lookup.get(conn, number)
        if found is None or not document_lookup.readable_by(conn, actor, found):
            abort(404)
    content = document_lookup.taken_out(services(), actor, found, form, request.remote_addr or "")
    name = f"{found.mark} {t(f'document.title.{found.kind}')}.{form}"
    shown = form == "pdf" and bool(request.args.get("open"))
    return send_file(
        io.BytesIO(content), document_lookup.TYPES[form], as_attachment=not shown, download_name=name, max_age=0
    )


def _case_page(case_id: str, typed: MultiDict[str, str], refused: Rejection | None = None) -> Response:
    with reading() as conn:
        row = case_page.visible(conn, case_id)
        made = document_lookup.of_case(conn, case_id, current_actor())
        reports = evidence.reports_of(conn, case_id)
        names = Names(conn).load((), {f"unit:{one.unit}" for one in reports if one.unit})
        people = picker(conn, "")
    offered = documents.offered(services(), case_id, current_actor())
    body = render_template(
        "documents/make.html", case=row, offered=offered, made=[one for one in made if not one.replaced_by],
        reports=reports, names=names, picker=people, typed=typed, leaders=TO_LEADERS, with_recipients=WITH_RECIPIENTS,
        recipients=_chosen(typed), command_id=new_id(), **_said(refused),
    )  # fmt: skip
    return make_response(body, HTTP_STATUS[refused.code] if refused else 200)


def _briefing_page(typed: MultiDict[str, str], refused: Rejection | None = None) -> Response:
    actor, today = current_actor(), local(services().clock.now()).date()
    day = _day(typed) or (None if typed.get("day") else today)
    told = documents.preview(services(), Asked(DAILY, day=day), actor)
    if isinstance(told, Rejection):
        refused, shown = refused or told, None
    else:
        shown = told
    with reading() as conn:
        people = picker(conn, "")
        known = document_lookup.page(conn, actor, Wanted(kind=DAILY), 1, PER_PAGE).rows
        names = Names(conn).load((), {group for one in known for group in one.recipients})
    body = render_template(
        "documents/briefing.html", typed=typed, day=day.isoformat() if day else typed.get("day", ""),
        today=today.isoformat(), shown=shown, picker=people, leaders=TO_LEADERS, recipients=_chosen(typed),
        same_day=[one for one in known if day and one.subject == day.isoformat() and not one.replaced_by],
        names=names, command_id=new_id(), **_said(refused),
    )  # fmt: skip
    return make_response(body, HTTP_STATUS[refused.code] if refused else 200)


def _said(refused: Rejection | None) -> dict[str, Any]:
    if refused is None:
        return {"fault": "", "faults": {}}
    faults = {one.path: t(one.key, **one.params) for one in refused.fields}
    with reading() as conn:
        return {"fault": "" if faults else Names(conn).sentence(refused), "faults": faults}


def _day(values: Mapping[str, str]) -> date | None:
    found = parse_day(values.get("day", "").strip()[:20])
    return found if found is not None and period.FIRST <= found <= period.LAST else None


def _recipients(form: MultiDict[str, str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one[:64] for one in form.getlist("groups") if one))[:100]


def _chosen(typed: MultiDict[str, str]) -> tuple[str, ...]:
    """What is ticked: as typed, else the leaders."""
    return _recipients(typed) if "command_id" in typed else TO_LEADERS


def _marks(conn: Connection, shown: Sequence[Document]) -> dict[int, str]:
    """Number -> mark of the documents that replace, or are replaced by, those shown."""
    return document_lookup.marks(conn, {n for one in shown for n in (one.replaces, one.replaced_by) if n})


def _may_make(kind: str) -> bool:
    return documents.may_make(current_actor(), KINDS[kind])
