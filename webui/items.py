"""信息: the inbox of what came in, one item, and what a person decides on it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from flask import Blueprint, abort, flash, make_response, redirect, render_template, request, send_file, url_for
from sqlalchemy import Connection
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from engine.domain.access import may
from engine.domain.rejection import HTTP_STATUS, Rejection
from engine.readmodels import cases
from engine.service import case_view, item_decisions, item_instants, items, spread, topics
from engine.service.items import Item
from engine.service.items_tables import INSTANTS, ROUTES, SOURCE_TYPES, STATES

from . import form_pages, item_words
from .catalogue import t
from .guards import current_actor, reading, require, requires, services
from .names import Names

blueprint = Blueprint("items", __name__)
blueprint.record_once(lambda state: item_words.install(state.app))

PER_PAGE: Final = 30
COMMENTS: Final = 50
GRADES: Final = ("major_negative", "ordinary_negative", "positive", "unsure")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the list's address asks for; a value that is not known narrows to nothing rather than to all."""

    items: items.Asked

    @staticmethod
    def of(args: MultiDict[str, str]) -> Asked:
        names = ("q", "state", "source_type", "grade", "route", "district")
        texts = {name: args.get(name, "").strip()[:100] for name in names}
        page = min(max(1, args.get("page", 1, type=int)), 10**6)
        return Asked(items.Asked(**texts, page=page))

    @property
    def narrowed(self) -> bool:
        return bool(self.values)

    @property
    def values(self) -> dict[str, str]:
        """What narrows the list, without its page."""
        return {name: value for name, value in asdict(self.items).items() if name != "page" and value}

    def url(self, **other: Any) -> str:
        values = asdict(replace(self.items, **{"page": 1, **other}))
        return url_for("items.index", **{name: value for name, value in values.items() if value not in ("", 1)})

    def page_url(self, page: int) -> str:
        return self.url(page=page)


@blueprint.get("/items")
@requires("view_items")
def index() -> str:
    asked, actor = Asked.of(request.args), current_actor()
    with reading() as conn:
        found = items.listed(conn, actor, asked.items, PER_PAGE)
        counts = items.counts(conn, actor)
        waiting = topics.undecided(conn, (item.item_id for item in found.rows))
        of_topic = {one.topic_id: one for one in topics.by_ids(conn, {i.topic_id for i in found.rows if i.topic_id})}
        names = Names(conn).load(item.entered_by for item in found.rows)
    return render_template(
        "items/index.html",
        asked=asked.items,
        url=asked.url,
        page_url=asked.page_url,
        narrowed=asked.narrowed,
        values=asked.values,
        found=found,
        counts=counts,
        waiting=waiting,
        of_topic=of_topic,
        names=names,
        states=STATES,
        source_types=SOURCE_TYPES,
        routes=ROUTES,
        grades=GRADES,
        districts=item_words.districts(),
    )


@blueprint.get("/items/<int:item_id>")
@requires("view_items")
def show(item_id: int) -> Response:
    return page(item_id)


@blueprint.post("/items/<int:item_id>/irrelevant")
@requires("decide_item")
def irrelevant(item_id: int) -> Response:
    outcome = item_decisions.irrelevant(services(), current_actor(), item_id, request.form.get("reason", ""))
    return answered(item_id, outcome, "item.done.irrelevant")


@blueprint.post("/items/<int:item_id>/take-up")
@requires("decide_item")
def take_up(item_id: int) -> Response:
    outcome = item_decisions.take_up(services(), current_actor(), item_id, request.form.get("reason", ""))
    return answered(item_id, outcome, "item.done.taken_up")


@blueprint.post("/items/<int:item_id>/link")
@requires("decide_item")
def link(item_id: int) -> Response:
    form = request.form
    own = bool(form.get("own_reply"))
    outcome = item_decisions.link(
        services(), current_actor(), item_id, form.get("case_id", "")[:64], form.get("reason", ""), own_reply=own
    )
    return answered(item_id, outcome, "item.done.echo" if own else "item.done.linked")


@blueprint.post("/items/<int:item_id>/instants")
@requires("decide_item")
def propose(item_id: int) -> Response:
    form = request.form
    outcome = item_instants.propose(
        services(), current_actor(), item_id, form.get("instant", ""), form.get("new", "")[:40], form.get("reason", "")
    )
    return answered(item_id, outcome, "item.done.proposed")


@blueprint.post("/items/<int:item_id>/instants/<int:edit_id>")
@requires("decide_item")
def answer(item_id: int, edit_id: int) -> Response:
    accept = request.form.get("answer") == "accept"
    outcome = item_instants.answer(services(), current_actor(), edit_id, accept)
    return answered(item_id, outcome, "item.done.accepted" if accept else "item.done.refused")


@blueprint.get("/items/<int:item_id>/files/<file_id>")
@requires("view_items")
def download(item_id: int, file_id: str) -> Response:
    """A file of an item. Always as an attachment: it was made by strangers."""
    with reading() as conn:
        item = seen(conn, item_id)
    fact = next((one for one in item.attachments if one["id"] == file_id), None)
    if fact is None:
        abort(404)
    return send_file(
        services().files.open(str(fact["sha256"])),
        str(fact["media_type"]),
        as_attachment=True,
        download_name=str(fact["name"]),
        etag=str(fact["sha256"]),
    )


def seen(conn: Connection, item_id: int) -> Item:
    """The item, or the end of the request: 404 for one that this person may not see."""
    item = items.get(conn, item_id)
    if item is None or not items.visible(item, current_actor()):
        abort(404)
    return item


def answered(item_id: int, outcome: Any, done: str) -> Response:
    """Back to the item with a word; a refusal stays on its page, and what was typed with it."""
    if not isinstance(outcome, Rejection):
        flash(t(done, item=item_id), "success")
        return redirect(url_for("items.show", item_id=item_id), 303)
    if outcome.code == "not_found":
        abort(404)
    if outcome.code != "invalid":
        return form_pages.refused(outcome, back=url_for("items.show", item_id=item_id))
    return page(item_id, outcome)


def page(item_id: int, refused: Rejection | None = None) -> Response:
    """One item with its comments, candidates, suggestion and decisions. `refused`: of a decision just tried."""
    actor = current_actor()
    with reading() as conn:
        item = seen(conn, item_id)
        parent = items.get(conn, item.parent_id) if item.parent_id else None
        below = items.comments(conn, item_id, COMMENTS)
        repeats = items.repeats(conn, item)
        offers = topics.offers(conn, item)
        topic = next(iter(topics.by_ids(conn, [item.topic_id])), None) if item.topic_id else None
        measured = spread.of_topic(services(), conn, topic.topic_id) if topic else None
        edits = item_instants.of_item(conn, item_id)
        case = cases.get(conn, item.case_id) if item.case_id else None
        names = Names(conn).load(
            {item.entered_by, item.decided_by, *(one.decided_by for one in offers)}
            | {login for edit in edits for login in (edit.proposed_by, edit.decided_by)},
            {f"unit:{unit}" for unit in item.assessment.get("units", ())},
        )
        sees_case = case is not None and case_view.sees(conn, item.case_id, actor)
        echo = items.echo(item)
        sees_echo = bool(echo) and case_view.sees(conn, str(echo["case"]), actor)
        whole = bool(may(actor, "view_all_cases"))
        rows = (*below, *repeats, *(one.item for one in offers if one.item), *([parent] if parent else []))
        others = {one.item_id for one in rows if whole or items.visible(one, actor)}
    faults = {fault.path: t(fault.key, **fault.params) for fault in refused.fields} if refused else {}
    body = render_template(
        "items/show.html",
        item=item,
        parent=parent,
        below=below,
        repeats=repeats,
        offers=offers,
        topic=topic,
        measured=measured,
        edits=edits,
        case=case,
        sees_case=sees_case,
        echo=echo,
        sees_echo=sees_echo,
        names=names,
        shown=others,
        faults=faults,
        typed=request.form if refused else {},
        action=request.endpoint if refused else "",
        instants=INSTANTS,
        process=next((one for one, _ in case_view.start_processes(services())), ""),
        may_decide=bool(may(actor, "decide_item")),
        whole=whole,
    )
    return make_response(body, HTTP_STATUS[refused.code] if refused else 200)


def opened_from(item_id: int) -> Item:
    """The item that a case is to be opened of, or the end of the request."""
    require("view_items")
    with reading() as conn:
        return seen(conn, item_id)
