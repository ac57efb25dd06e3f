"""订阅源: RSS and Atom feeds that are looked at, how often, and what came of it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from engine.domain.rejection import Rejection
from engine.service import feeds

from . import form_pages, item_words
from .catalogue import t
from .guards import current_actor, reading, requires, services

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


@blueprint.post("/<int:feed_id>/active")
@requires("manage_feeds")
def switch(feed_id: int) -> Response:
    """Stops looking at it, or looks at it again, now."""
    done = feeds.set_active(services(), current_actor(), feed_id, request.form.get("active") == "1")
    if isinstance(done, Rejection):
        return form_pages.refused(done, back=url_for("feeds.index"))
    flash(t("feed.resumed" if done.active else "feed.stopped", name=done.name), "success")
    return redirect(url_for("feeds.index"), 303)


def _page(typed: dict[str, Any], faults: dict[str, str]) -> Response:
    with reading() as conn:
        found = feeds.listed(conn)
    body = render_template(
        "items/feeds.html", feeds=found, typed=typed, faults=faults, source_types=item_words.source_types()
    )
    return make_response(body, 422 if faults else 200)
