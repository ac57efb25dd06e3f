"""Signing in and out, one's own password, account and language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from flask import (
    Blueprint,
    Flask,
    Response,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_login import LoginManager, current_user, login_user, logout_user
from werkzeug.wrappers import Response as AnyResponse

from engine.domain.rejection import Rejection
from engine.service import contacts, passwords, people_sessions
from engine.service.outbox_lookup import described
from engine.service.outbox_tables import CHANNELS

from . import navigation
from .catalogue import LANGUAGE_COOKIE, LANGUAGES, t
from .guards import SignedIn, current_actor, public, reading, services, signed_in, writing

blueprint = Blueprint("auth", __name__)
login_manager = LoginManager()

LANGUAGE_SECONDS: Final = 365 * 24 * 3600


def install(app: Flask) -> None:
    login_manager.session_protection = None  # the session lives on the server; addresses change behind a proxy
    login_manager.init_app(app)


@login_manager.user_loader
def _load(sid: str) -> SignedIn | None:
    with reading() as conn:
        found = people_sessions.session(conn, sid, services().clock.now(), services().settings)
    return None if found is None else SignedIn(sid, found)


def safe_target(target: str | None) -> str:
    """`target` when it is a path on this very site, else ''. Refuses what browsers would read as another site."""
    if not target or not target.startswith("/") or target.startswith("//"):
        return ""
    if "\\" in target or any(ord(c) <= 32 or ord(c) == 127 for c in target):
        return ""
    try:
        parts = urlsplit(target)
    except ValueError:
        return ""
    return "" if parts.scheme or parts.netloc else target


@blueprint.get("/")
@signed_in
def home() -> AnyResponse:
    return redirect(navigation.home(), 303)


@blueprint.get("/login")
@public
def login() -> str | AnyResponse:
    target = safe_target(request.args.get("next"))
    if current_user.is_authenticated:
        return redirect(target or url_for("auth.home"), 303)
    return render_template("auth/login.html", target=target, typed="", refused="")


@blueprint.post("/login")
@public
def enter() -> str | AnyResponse:
    target = safe_target(request.form.get("next"))
    typed = request.form.get("user_id", "")[:64]
    outcome = people_sessions.sign_in(
        services().engine,
        services().clock,
        typed,
        request.form.get("password", "")[: passwords.MAXIMUM_LENGTH + 1],
        ip=request.remote_addr or "",
        user_agent=request.user_agent.string,
    )
    if isinstance(outcome, Rejection):
        refused = t(outcome.key, **outcome.details)
        body = render_template("auth/login.html", target=target, typed=typed, refused=refused)
        return make_response(body, 422 if outcome.key == "auth.wrong" else 429)
    _begin(outcome)
    return redirect(target or url_for("auth.home"), 303)


def _begin(sid: str) -> None:
    """Starts the browser's side of a new session; nothing of the old cookie stays, its CSRF token neither."""
    session.clear()
    with reading() as conn:
        found = people_sessions.session(conn, sid, services().clock.now(), services().settings)
    if found is not None:
        login_user(SignedIn(sid, found))


@blueprint.post("/logout")
@signed_in
def logout() -> AnyResponse:
    with writing() as conn:
        people_sessions.sign_out(
            conn, services().clock.now(), current_user.id, current_actor().user_id, request.remote_addr or ""
        )
    logout_user()
    session.clear()
    return redirect(url_for("auth.login"), 303)


@blueprint.get("/password")
@signed_in
def password() -> str:
    return render_template("auth/password.html", faults={}, refused="", forced=current_user.must_change)


@blueprint.post("/password")
@signed_in
def change_password() -> str | AnyResponse:
    new = request.form.get("new", "")
    if new != request.form.get("again", ""):
        return _password_refused("", {"again": t("password.differs")})
    outcome = people_sessions.change_own_password(
        services().engine,
        services().clock,
        current_actor(),
        current_user.id,
        request.form.get("old", ""),
        new,
        profile=services().settings.password_profile,
        ip=request.remote_addr or "",
    )
    if outcome is not None:
        if outcome.fields:
            return _password_refused("", {"new": t(outcome.fields[0].key, **outcome.fields[0].params)})
        return _password_refused(t(outcome.key, **outcome.details), {})
    flash(t("password.changed"), "success")
    return redirect(url_for("auth.account"), 303)


def _password_refused(refused: str, faults: dict[str, str]) -> Response:
    body = render_template("auth/password.html", faults=faults, refused=refused, forced=current_user.must_change)
    return make_response(body, 422)


@blueprint.get("/account")
@signed_in
def account() -> str:
    with reading() as conn:
        held = contacts.addresses(conn, current_actor().user_id)
    return account_page(held, {})


def account_page(addresses: Mapping[str, str], faults: Mapping[str, str]) -> str:
    """The page with these addresses for notifications, as stored or as just typed."""
    with reading() as conn:
        opened = people_sessions.open_sessions(
            conn, current_actor().user_id, services().clock.now(), services().settings, current_user.id
        )
    return render_template(
        "auth/account.html",
        opened=opened,
        groups=navigation.menu(),
        contacts=addresses,
        channels=CHANNELS,
        set_up=described(services().settings.notices),
        faults=faults,
    )


@blueprint.post("/language")
@public
def language() -> AnyResponse:
    chosen = request.form.get("language", "")
    response = redirect(safe_target(request.form.get("back")) or url_for("auth.home"), 303)
    if chosen in LANGUAGES:
        secure = services().settings.secure_cookies
        response.set_cookie(
            LANGUAGE_COOKIE, chosen, max_age=LANGUAGE_SECONDS, secure=secure, httponly=True, samesite="Lax"
        )
    return response
