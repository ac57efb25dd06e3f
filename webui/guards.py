"""Who is asking, and may he: declarations for views (`@requires`), and the hook that holds every request to them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, cast

from flask import Flask, Response, abort, current_app, g, redirect, request, url_for
from flask_login import UserMixin, current_user
from sqlalchemy import Connection

from engine.domain.access import ACTIONS, Decision, Resource, may
from engine.domain.organisation import Actor
from engine.service import people_log, people_sessions
from engine.service.people_sessions import Session
from engine.service.transactions import writing as transaction

from .views_registry import PUBLIC, Requirement, View, declare, requirement_of


class SignedIn(UserMixin):
    """What flask-login carries: the session's random id and the actor it stands for."""

    def __init__(self, sid: str, session: Session) -> None:
        self.id = sid
        self.actor = session.actor
        self.must_change = session.must_change
        self.seen_at = session.seen_at


def requires(*actions: str, keeps_alive: bool = True) -> Any:
    """Declares a view: one of `actions` must be allowed by role. Object rules come in the view, by `require`."""
    unknown = set(actions) - ACTIONS.keys()
    if unknown or not actions:
        raise ValueError(f"expected actions of engine.domain.access, got {sorted(unknown)}")

    def mark(view: View) -> View:
        return declare(view, Requirement("action", actions, keeps_alive))

    return mark


def public(view: View) -> View:
    """Declares a view that needs no session."""
    return declare(view, PUBLIC)


def signed_in(view: View) -> View:
    """Declares a view that every signed-in person may use."""
    return declare(view, Requirement("signed_in"))


def services() -> Any:
    """The object handed to `create_app` (engine.service.bootstrap)."""
    return current_app.extensions["services"]


def current_actor() -> Actor:
    """The signed-in person; a view that is not public always has one."""
    known: Actor | None = g.get("actor")
    return cast(SignedIn, current_user).actor if known is None else known


def actor_or_none() -> Actor | None:
    known: Actor | None = g.get("actor")
    return known or (cast(SignedIn, current_user).actor if current_user.is_authenticated else None)


def allowed(action: str, resource: Resource = None) -> bool:
    """For templates: whether to offer something. Never the only check."""
    actor = actor_or_none()
    return actor is not None and may(actor, action, resource).allowed


def require(action: str, resource: Resource = None) -> Decision:
    """Stops the request with 404 (hidden) or 403 unless the signed-in person may do `action` on `resource`."""
    decision = may(current_actor(), action, resource)
    if not decision.allowed:
        refuse(decision, action)
    return decision


def refuse(decision: Decision, action: str) -> NoReturn:
    """Writes the refusal to the security log and ends the request."""
    g.refusal = decision
    with writing() as conn:
        people_log.security(
            conn,
            services().clock.now(),
            "access_refused",
            current_actor().user_id,
            request.remote_addr or "",
            {"action": action, "path": request.path[:200], "method": request.method},
        )
    abort(404 if decision.hidden else 403)


@contextmanager
def reading() -> Iterator[Connection]:
    """A connection for queries of one view."""
    with services().engine.connect() as conn:
        yield conn


@contextmanager
def writing() -> Iterator[Connection]:
    """A transaction for one change; rolled back when the view raises."""
    with transaction(services().engine) as conn:
        yield conn


def _to_sign_in() -> Response:
    target = url_for("auth.login", next=_came_from())
    if request.headers.get("HX-Request"):
        response = Response(status=401)
        response.headers["HX-Redirect"] = target
        return response
    if request.headers.get("X-Requested-With") == "fetch":  # a script that saves or counts in the background
        return Response(status=401)
    return cast(Response, redirect(target, 303))


def _came_from() -> str | None:
    if request.method in ("GET", "HEAD") and not request.headers.get("HX-Request"):
        return request.full_path.rstrip("?") if request.path != "/" else None
    return None


def _enforce() -> Response | None:
    requirement = requirement_of(current_app, request.endpoint)
    if request.endpoint is None or requirement == PUBLIC:
        return None
    if not current_user.is_authenticated:
        return _to_sign_in()
    person = cast(SignedIn, current_user)
    g.actor = person.actor  # a page asks for it a hundred times, and flask-login looks for its own each time
    if requirement is not None and requirement.keeps_alive:
        _keep_alive(person)
    if person.must_change and requirement != Requirement("signed_in"):
        return cast(Response, redirect(url_for("auth.password"), 303))
    if requirement is None:
        abort(404)
    decisions = [may(current_actor(), action) for action in requirement.any_of]
    if decisions and not any(decisions):
        refuse(decisions[0], requirement.any_of[0])
    return None


def _keep_alive(user: SignedIn) -> None:
    """The one thing that reading a page writes: when the session was last used, once a minute at most."""
    now = services().clock.now()
    if now - user.seen_at >= people_sessions.TOUCH:
        with writing() as conn:
            people_sessions.touch(conn, user.id, now)


def install(app: Flask) -> None:
    """Registers the hook; after the CSRF check, so that a forged request learns nothing about rights."""
    app.before_request(_enforce)
    app.jinja_env.globals["may"] = allowed
