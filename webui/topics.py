"""事件: items of one event, as people confirmed; how it spreads; whether its case should be graded higher."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from engine.domain.access import may
from engine.domain.rejection import Rejection
from engine.readmodels import cases
from engine.service import case_view, spread, topic_merge, topics

from . import form_pages
from . import items as item_pages
from .catalogue import t
from .guards import current_actor, reading, requires, services
from .names import Names

blueprint = Blueprint("topics", __name__)

PER_PAGE: Final = 30
_SHOWN: Final = ("", "open", "case")


@blueprint.get("/topics")
@requires("decide_item", "view_all_cases")
def index() -> str:
    q, only = request.args.get("q", "").strip()[:100], request.args.get("only", "")
    only = only if only in _SHOWN else ""
    page = min(max(1, request.args.get("page", 1, type=int)), 10**6)
    with reading() as conn:
        found = topics.listed(conn, q, only, page, PER_PAGE)
        graded = topics.grades(conn, (one.case_id for one in found.rows if one.case_id))

    def page_url(number: int) -> str:
        values: dict[str, Any] = {"q": q, "only": only, "page": number}
        return url_for("topics.index", **{name: value for name, value in values.items() if value not in ("", 1)})

    return render_template(
        "topics/index.html", found=found, q=q, only=only, shown=_SHOWN, graded=graded, page_url=page_url
    )


@blueprint.get("/topics/<int:topic_id>")
@requires("decide_item", "view_all_cases")
def show(topic_id: int) -> str:
    with reading() as conn:
        topic = next(iter(topics.by_ids(conn, [topic_id])), None)
        if topic is None:
            abort(404)
        members = topics.members(conn, topic_id)
        waiting = topics.waiting(conn, topic_id)
        likely = topic_merge.likely(conn, topic_id)
        measured = spread.of_topic(services(), conn, topic_id)
        proposal = spread.proposal(services(), conn, topic)
        case = cases.get(conn, topic.case_id) if topic.case_id else None
        sees_case = case is not None and case_view.sees(conn, topic.case_id, current_actor())
        names = Names(conn).load({topic.created_by, *(item.entered_by for item in members)})
    return render_template(
        "topics/show.html",
        topic=topic,
        members=members,
        waiting=waiting,
        likely=likely,
        measured=measured,
        proposal=proposal,
        case=case,
        sees_case=sees_case,
        names=names,
        may_decide=bool(may(current_actor(), "decide_item")),
        process=next((one for one, _ in case_view.start_processes(services())), ""),
    )


@blueprint.post("/topics/<int:topic_id>/merge")
@requires("decide_item")
def merge(topic_id: int) -> Response:
    """Another topic is the same event: its items become this one's."""
    other = request.form.get("other", 0, type=int)
    outcome = topic_merge.merge(services(), current_actor(), other, topic_id)
    if isinstance(outcome, Rejection):
        if outcome.code == "not_found":
            abort(404)
        return form_pages.refused(outcome, back=url_for("topics.show", topic_id=topic_id))
    flash(t("topic.done.merged", number=other), "success")
    return redirect(url_for("topics.show", topic_id=topic_id), 303)


@blueprint.post("/items/<int:item_id>/topic")
@requires("decide_item")
def confirm(item_id: int) -> Response:
    """The item is of the event that was offered."""
    outcome = topics.confirm(services(), current_actor(), item_id, request.form.get("target", "")[:20])
    return item_pages.answered(item_id, outcome, "topic.done.confirmed")


@blueprint.post("/items/<int:item_id>/topic/reject")
@requires("decide_item")
def reject(item_id: int) -> Response:
    form = request.form
    outcome = topics.reject(
        services(), current_actor(), item_id, form.get("target", "")[:20], form.get("reason", "")[:1000]
    )
    return item_pages.answered(item_id, outcome, "topic.done.rejected")


@blueprint.post("/items/<int:item_id>/topic/split")
@requires("decide_item")
def split(item_id: int) -> Response:
    outcome = topics.split(services(), current_actor(), item_id, request.form.get("reason", "")[:1000])
    return item_pages.answered(item_id, outcome, "topic.done.split")
