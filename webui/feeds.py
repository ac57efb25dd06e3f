"""订阅源: RSS and Atom feeds that are looked at, how often, and what came of it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from engine.domain.rejection import Rejection
from engine.service import feeds

from . import form_pages, item_words
from .catalogue import t
from .guards import current_actor, reading, requires, services
from .names import Names

blueprint = Blueprint("feeds", __name__, url_prefix="/items/feeds")


@blueprint.get("")
@requires("manage_feeds")
def index() -> Response:
    return _page({"every_minutes": "30"}, {})


@blueprint.post("")
@requires("manage_feeds")
def add() -> Response:
    typed = {name: request.form.get(name, "").strip() for name in ("name", "url", "source_type", "every_minutes")}
    made = feeds.add(services(), current_actor(), typed)
    if isinstance(made, Rejection):
        return _page(typed, {fault.path: t(fault.key, **fault.params) for fault in made.fields})
    flash(t("feed.added", name=typed["name"]), "success")
    return redirect(url_for("feeds.index"), 303)


@blueprint.get("/<int:feed_id>")
@requires("manage_feeds")
def show(feed_id: int) -> Response:
    """The form to correct a feed with."""
    feed = _found(feed_id)
    typed = {"name": feed.name, "source_type": feed.source_type, "every_minutes": str(feed.every_minutes)}
    return _form(feed, typed, {})


@blueprint.post("/<int:feed_id>")
@requires("manage_feeds")
def change(feed_id: int) -> Response:
    feed = _found(feed_id)
    typed = {name: request.form.get(name, "").strip() for name in ("name", "source_type", "every_minutes")}
    changed = feeds.change(services(), current_actor(), feed_id, typed)
    if isinstance(changed, Rejection):
        return _form(feed, typed, {fault.path: t(fault.key, **fault.params) for fault in changed.fields})
    flash(t("feed.changed", name=changed.name), "success")
    return redirect(url_for("feeds.index"), 303)


@blueprint.post("/<int:feed_id>/active")
@requires("manage_feeds")
def switch(feed_id: int) -> Response:
    """Stops looking at it, or looks at it again, now."""
    done = feeds.set_active(services(), current_actor(), feed_id, request.form.get("active") == "1")
    if isinstance(done, Rejection):
        return form_pages.refused(done, back=url_for("feeds.index"))
    flash(t("feed.resumed" if done.active else "feed.stopped", name=done.name), "success")
    return redirect(url_for("feeds.index"), 303)


def _found(feed_id: int) -> feeds.Feed:
    with reading() as conn:
        feed = feeds.get(conn, feed_id)
    if feed is None:
        abort(404)
    return feed


def _form(feed: feeds.Feed, typed: dict[str, str], faults: dict[str, str]) -> Response:
    with reading() as conn:
        names = Names(conn).load([feed.created_by])
    body = render_template(
        "items/feed.html", feed=feed, typed=typed, faults=faults, names=names, source_types=item_words.source_types()
    )
    return make_response(body, 422 if faults else 200)


def _page(typed: dict[str, Any], faults: dict[str, str]) -> Response:
    with reading() as conn:
        found = feeds.listed(conn)
    body = render_template(
        "items/feeds.html", feeds=found, typed=typed, faults=faults, source_types=item_words.source_types()
    )
    return make_response(body, 422 if faults else 200)
