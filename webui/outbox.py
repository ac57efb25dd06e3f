"""The outbox for the system admin: what waits, what was not delivered, sending it again, a message to try a channel."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from engine.domain.rejection import Rejection
from engine.service import outbox_lookup
from engine.service.outbox_tables import CHANNELS, STATES
from engine.service.system import new_id

from . import errors
from .admin import page_number
from .catalogue import t
from .guards import current_actor, reading, requires, services, writing

blueprint = Blueprint("outbox", __name__, url_prefix="/admin/outbox")


@blueprint.get("/")
@requires("view_outbox")
def index() -> str:
    asked = {name: request.args.get(name, "")[:64].strip() for name in ("state", "channel", "q")}
    notices = services().settings.notices
    with reading() as conn:
        found = outbox_lookup.listed(conn, asked["state"], asked["channel"], asked["q"], page_number())
        ways = outbox_lookup.ways(conn, notices, services().clock.now())
    return render_template(
        "outbox/index.html",
        found=found,
        ways=ways,
        asked=asked,
        quiet=notices.quiet,
        states=STATES,
        channels=CHANNELS,
        dead=sum(way.dead for way in ways),
    )


@blueprint.post("/repeat")
@requires("admin_outbox")
def repeat() -> AnyResponse:
    chosen, channel = request.form.get("delivery", ""), request.form.get("channel", "")
    everything = request.form.get("all") == "yes"
    if not chosen and not everything:
        return errors.rejected(Rejection("conflict", "delivery.none_dead"))
    with writing() as conn:
        outcome = outbox_lookup.repeat(
            conn,
            current_actor(),
            services().clock.now(),
            services().settings.notices.quiet,
            request.remote_addr or "",
            chosen,
            channel,
        )
    if isinstance(outcome, Rejection):
        return errors.rejected(outcome)
    flash(t("outbox.repeated", count=outcome), "success")
    return redirect(url_for("outbox.index"), 303)


@blueprint.post("/try")
@requires("admin_outbox")
def try_out() -> AnyResponse:
    """Queues only: the page never talks to the network, the worker does."""
    with writing() as conn:
        refused = outbox_lookup.try_out(
            conn,
            current_actor(),
            services().clock.now(),
            services().settings.notices,
            request.form.get("channel", ""),
            request.remote_addr or "",
            new_id(),
        )
    if refused is not None:
        return errors.rejected(refused)
    flash(t("outbox.tried"), "success")
    return redirect(url_for("outbox.index"), 303)
