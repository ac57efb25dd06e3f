"""Cases (案件): the list, and the pages of one case: where it stands, its timeline, its papers, its people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, cast, get_args

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from sqlalchemy import Connection
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from engine.domain.access import may
from engine.domain.codec import JSON, parse_instant
from engine.domain.commands import ResolveIncident
from engine.domain.rejection import Rejection
from engine.readmodels import cases, dossier
from engine.readmodels.page import Page
from engine.service import case_decisions, case_facts, case_snapshot, case_view, withdrawal
from engine.service.system import new_id

from . import case_items, case_page, case_words, documents, form_pages, submissions, timeline_text
from .catalogue import t
from .guards import current_actor, reading, requires, services
from .names import Names

blueprint = Blueprint("cases", __name__)
blueprint.record_once(lambda state: case_words.install(state.app))
blueprint.record_once(lambda state: timeline_text.install(state.app))

PER_PAGE: Final = 20
ORDERS: Final = get_args(cases.Order)
INSTANTS: Final = ("published_at", "captured_at", "discovered_at", "delivered_at", "signed_at")
"""The five instants of a case (requirements 1.10)."""
OF_UNITS: Final = frozenset({"delivered_at", "signed_at"})


@dataclass(frozen=True, slots=True)
class Asked:
    """What the list's address asks for."""

    q: str = ""
    status: str = ""
    grade: str = ""
    district: str = ""
    stage: str = ""
    overdue: bool = False
    order: str = "updated"
    page: int = 1

    @staticmethod
    def of(args: MultiDict[str, str]) -> Asked:
        texts = {name: args.get(name, "").strip()[:100] for name in ("q", "status", "grade", "district", "stage")}
        order = args.get("order", "")
        return Asked(
            **texts,
            overdue=bool(args.get("overdue")),
            order=order if order in ORDERS else "updated",
            page=max(1, args.get("page", 1, type=int)),
        )

    @property
    def narrowed(self) -> bool:
        return bool(self.q or self.status or self.grade or self.district or self.stage or self.overdue)

    @property
    def values(self) -> dict[str, str]:
        """What narrows and orders the list, without its page."""
        texts = {name: value for name, value in asdict(self).items() if name not in ("overdue", "page") and value}
        return {**texts, **({"overdue": "1"} if self.overdue else {})}

    def page_url(self, page: int) -> str:
        values: dict[str, Any] = {**self.values, **({"page": page} if page > 1 else {})}
        return url_for("cases.index", **values)


@blueprint.get("/cases")
@requires("view_case")
def index() -> str:
    actor, now, asked = current_actor(), services().clock.now(), Asked.of(request.args)
    whole = case_snapshot.sees_all(actor)
    with reading() as conn:
        facets = cases.facets(conn, groups=actor.groups, all_cases=whole)
        found = listed(conn, asked, now, PER_PAGE)
    return render_template(
        "cases/index.html", asked=asked, facets=facets, found=found, at=now, orders=ORDERS, all_cases=whole
    )


def listed(conn: Connection, asked: Asked, now: datetime, per_page: int) -> Page[cases.CaseRow]:
    """The cases asked for that the person may see."""
    actor = current_actor()
    return cases.list_cases(
        conn,
        groups=actor.groups,
        all_cases=case_snapshot.sees_all(actor),
        q=asked.q,
        status=asked.status,
        grade=asked.grade,
        district=asked.district,
        stage=asked.stage,
        overdue_only=asked.overdue,
        now=now,
        order=cast(cases.Order, asked.order),
        page=asked.page,
        per_page=per_page,
    )


@blueprint.get("/cases/<case_id>")
@requires("view_case")
def show(case_id: str) -> str:
    with reading() as conn:
        head = case_page.head(conn, case_id)
        tasks = dossier.tasks_of(conn, case_id)
        diagrams = case_view.diagram(services(), case_id)
        units = {f"unit:{one.unit}" for one in diagrams if one.unit}
        names = case_page.names_for(conn, head.limits, tasks).load([head.case.opened_by], units)
        intake = case_items.card(conn, case_id)
        words = _words(conn, head.case.bundle)
    shown = case_page.chosen(diagrams, request.args.get("scope"))
    if shown is None and diagrams:
        abort(404)
    at = services().clock.now()
    return _page(
        "show",
        head,
        names,
        tasks=[task for task in tasks if task.state == "open"],
        own=_own_last(tasks, at),
        diagrams=diagrams,
        shown=shown,
        path=case_page.crumbs(diagrams, shown) if shown else [],
        drawn=case_page.drawing(case_id, shown, head.limits, names, at) if shown else None,
        made=case_decisions.decisions(services(), case_id),
        words=words,
        intake=intake,
        **instants_of(case_id),
    )


@blueprint.get("/cases/<case_id>/timeline")
@requires("view_case")
def timeline(case_id: str) -> str:
    topic = request.args.get("topic", "")
    known = topic if topic in timeline_text.TOPICS else ""
    asked = timeline_text.Asked(known, request.args.get("who", "")[:64], bool(request.args.get("minor")))
    with reading() as conn:
        head = case_page.head(conn, case_id)
        names = Names(conn).load([head.case.opened_by])
        entries = timeline_text.told(case_snapshot.entries(services(), case_id), names)
        words = _words(conn, head.case.bundle)
    people = {entry.actor: entry.actor_name for entry in entries}
    found = timeline_text.chosen(entries, asked)
    return _page(
        "timeline",
        head,
        names,
        found=found,
        asked=asked,
        topics=tuple(timeline_text.TOPICS),
        people=people,
        words=words,
    )


@blueprint.get("/cases/<case_id>/papers")
@requires("view_case")
def papers(case_id: str) -> str:
    with reading() as conn:
        head = case_page.head(conn, case_id)
        drafted, files = dossier.documents_of(conn, case_id), dossier.files_of(conn, case_id)
        section = documents.section(conn, case_id)
        labels = {task.task: task.label for task in dossier.tasks_of(conn, case_id)}
        names = Names(conn).load([head.case.opened_by, *(file.author for file in files)])
    data = case_view.case_data(services(), case_id, current_actor())
    return _page("papers", head, names, documents=drafted, files=files, labels=labels, data=data, **section)


@blueprint.get("/cases/<case_id>/people")
@requires("view_case")
def people(case_id: str) -> str:
    with reading() as conn:
        head = case_page.head(conn, case_id)
        took_part = dossier.participants_of(conn, case_id)
        copies, reads = dossier.copies_of(conn, case_id), dossier.reads_of(conn, case_id)
        comments = dossier.comments_of(conn, case_id)
        labels = {task.task: task.label for task in dossier.tasks_of(conn, case_id)}
        logins = {one.user_id for one in took_part} | {one.user_id for one in reads}
        logins |= {one.author for one in copies} | {one.author for one in comments}
        names = Names(conn).load({head.case.opened_by, *logins}, {copy.grp for copy in copies})
    return _page(
        "people", head, names, took_part=took_part, copies=copies, reads=reads, comments=comments, labels=labels
    )


@blueprint.get("/cases/<case_id>/documents/<name>")
@requires("view_case")
def document(case_id: str, name: str) -> str:
    with reading() as conn:
        row = case_page.visible(conn, case_id)
        found = next((one for one in dossier.documents_of(conn, case_id) if one.name == name), None)
        if found is None:
            abort(404)
        holders = [task for task in found.content.get("open_tasks") or () if isinstance(task, Mapping)]
        groups = {group for task in holders for group in task.get("groups") or ()}
        unit = str(found.content.get("unit") or "")
        names = Names(conn).load({str(task.get("assignee") or "") for task in holders}, {*groups, f"unit:{unit}"})
    return render_template("cases/document.html", case=row, document=found, content=found.content, names=names)


@blueprint.post("/cases/<case_id>/incidents/<int:number>")
@requires("resolve_incident")
def resolve(case_id: str, number: int) -> Response:
    with reading() as conn:
        case_page.visible(conn, case_id)
    actor = current_actor()
    command = ResolveIncident(number, request.form.get("reason", "").strip()[:1000])
    outcome = services().application.handle(
        command, actor, case_id=case_id, command_id=submissions.command_id(request, actor.user_id)
    )
    if isinstance(outcome, Rejection):
        return form_pages.refused(outcome, case_id=case_id)
    flash(t("case.incident.resolved", number=number), "success")
    return redirect(url_for("cases.show", case_id=case_id), 303)


def _page(tab: str, head: case_page.Head, names: Names, **shown: Any) -> str:
    return render_template(
        f"cases/{tab}.html",
        head=head,
        names=names,
        tab=tab,
        tabs=case_page.TABS,
        at=services().clock.now(),
        command_id=new_id(),
        **shown,
    )


def _words(conn: Connection, version: str) -> Mapping[str, str]:
    """What people call values and decisions of the case's bundle."""
    bundle = services().deployments.bundle(version)
    return {
        **case_decisions.value_notes(bundle),
        **case_facts.value_words(conn, bundle),
        **case_decisions.names(bundle),
    }


def _own_last(tasks: Iterable[dossier.TaskRow], now: datetime) -> dossier.TaskRow | None:
    """The person's own last submission while it may still be withdrawn."""
    actor = current_actor()
    if not may(actor, "work_task"):
        return None
    done = [task for task in tasks if task.state == "done" and task.completed_seq]
    last = max(done, key=lambda task: task.completed_seq, default=None)
    offered = last is not None and withdrawal.is_offered(actor, last.completed_by, last.completed_at, now)
    return last if offered else None


def instants_of(case_id: str) -> dict[str, Any]:
    """The five instants, and for each unit when the case was delivered to it and signed for."""
    data = case_view.case_data(services(), case_id, current_actor())
    fields: Mapping[str, JSON] = {} if data is None else data.fields
    units = [
        (_unit(row), _instant(row.get("delivered_at")), _instant(row.get("signed_at")))
        for row in fields.get("unit_results") or ()
        if isinstance(row, Mapping)
    ]
    # Where units have instants of their own, the case's would say nothing.
    of_case = [name for name in INSTANTS if fields.get(name) or not units or name not in OF_UNITS]
    return {"instants": [(name, _instant(fields.get(name))) for name in of_case], "units": units}


def _unit(row: Mapping[str, JSON]) -> str:
    unit = row.get("unit")
    return str(unit.get("id") or unit.get("unit") or "") if isinstance(unit, Mapping) else str(unit or "")


def _instant(value: JSON) -> datetime | None:
    try:
        return parse_instant(value) if isinstance(value, str) and value else None
    except ValueError:
        return None


@blueprint.app_template_test("reachable")
def _reachable(task: dossier.TaskRow) -> bool:
    """For templates: whether a link to the task leads this person anywhere. The page decides again."""
    actor = current_actor()
    if not may(actor, "view_task"):
        return False
    mine = task.assignee == actor.user_id or not actor.groups.isdisjoint(task.candidates)
    return mine or case_snapshot.sees_all(actor) or f"head:{task.unit}" in actor.groups
