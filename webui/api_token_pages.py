"""接口令牌: who may send items over the API; made and revoked by the system admin."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from engine.domain.rejection import Rejection
from engine.service import api_tokens

from . import form_pages, item_words
from .catalogue import t
from .guards import current_actor, reading, requires, services
from .names import Names

blueprint = Blueprint("api_tokens", __name__, url_prefix="/admin/tokens")


@blueprint.get("")
@requires("view_tokens")
def index() -> Response:
    return _page({"per_minute": "60", "days": "365"}, {})


@blueprint.post("")
@requires("admin_tokens")
def create() -> Response:
    """The token is shown in this answer and never again."""
    typed = {name: request.form.get(name, "").strip() for name in ("name", "source_type", "per_minute", "days")}
    made = api_tokens.create(services(), current_actor(), typed)
    if isinstance(made, Rejection):
        return _page(typed, {fault.path: t(fault.key, **fault.params) for fault in made.fields})
    return _page({"per_minute": "60", "days": "365"}, {}, made)


@blueprint.post("/<int:token_id>/revoke")
@requires("admin_tokens")
def revoke(token_id: int) -> Response:
    done = api_tokens.revoke(services(), current_actor(), token_id)
    if isinstance(done, Rejection):
        return form_pages.refused(done, back=url_for("api_tokens.index"))
    flash(t("api.token.revoked", name=done.name), "success")
    return redirect(url_for("api_tokens.index"), 303)


def _page(typed: dict[str, Any], faults: dict[str, str], made: str = "") -> Response:
    with reading() as conn:
        tokens = api_tokens.listed(conn)
        names = Names(conn).load({one.created_by for one in tokens} | {one.revoked_by for one in tokens})
    body = render_template(
        "items/tokens.html",
        tokens=tokens,
        names=names,
        typed=typed,
        faults=faults,
        made=made,
        at=services().clock.now(),
        source_types=item_words.source_types(),
    )
    return make_response(body, 422 if faults else 200)
