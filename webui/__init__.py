"""The pages: server-rendered, one noun a module. Imports engine.service, engine.readmodels and engine.domain only."""

from __future__ import annotations

from typing import Any, Final

from flask import Flask, g
from werkzeug.middleware.proxy_fix import ProxyFix

from engine.service import people
from engine.service.settings import Settings

from . import (
    admin,
    agreement,
    api,
    api_token_pages,
    audit,
    auth,
    cases,
    checkpoints,
    clause_words,
    clock_text,
    clocks,
    compare,
    compliance,
    contacts,
    dashboard,
    delays,
    deployments,
    document_templates,
    documents,
    duty,
    errors,
    evidence,
    feeds,
    files,
    formats,
    guards,
    health,
    inbox,
    item_entry,
    item_import,
    items,
    jobs,
    ledger,
    list_files,
    looks,
    messages,
    migrations,
    mining,
    names,
    navigation,
    office,
    outbox,
    packages,
    performance,
    phrases,
    play,
    points,
    register,
    register_files,
    registers,
    replay,
    request_log,
    search,
    security,
    shared_cases,
    static_files,
    statistics,
    studio,
    studio_changes,
    studio_editor,
    studio_files,
    studio_tests,
    tasks,
    topics,
    unit_scores,
    verifications,
    wall,
    watermark,
    whatif,
    work_actions,
)
from .catalogue import language, t
from .views_registry import undeclared

PAGES: Final = (
    auth,
    dashboard,
    inbox,
    tasks,
    points,
    register,
    registers,
    register_files,
    shared_cases,
    list_files,
    search,
    messages,
    work_actions,
    cases,
    play,
    replay,
    clocks,
    deployments,
    compare,
    studio,
    studio_files,
    studio_changes,
    studio_editor,
    whatif,
    migrations,
    studio_tests,
    documents,
    duty,
    document_templates,
    phrases,
    files,
    admin,
    contacts,
    outbox,
    office,
    evidence,
    ledger,
    compliance,
    audit,
    checkpoints,
    performance,
    statistics,
    unit_scores,
    agreement,
    wall,
    mining,
    packages,
    health,
    verifications,
    jobs,
    delays,
    items,
    item_entry,
    item_import,
    topics,
    feeds,
    api,
    api_token_pages,
)
"""Modules with a blueprint named `blueprint`, one noun each."""


def create_app(services: Any) -> Flask:
    """The WSGI application on `services` (needs .settings, .clock, .engine; pages use .application, .bundles, .files).

    Raises RuntimeError when a route declares no requirement (`guards.requires`, `signed_in` or `public`).
    """
    settings: Settings = services.settings
    app = Flask(__name__)
    _configure(app, settings)
    app.extensions["services"] = services
    request_log.install(app, settings)
    security.install(app, settings, services.clock)
    auth.install(app)
    guards.install(app)
    looks.install(app)
    errors.install(app)
    formats.install(app)
    clause_words.install(app)
    clock_text.install(app)
    names.install(app)
    watermark.install(app)
    delays.install(app)
    static_files.install(app)
    app.jinja_env.globals.update(
        t=t,
        language=language,
        menu=navigation.menu,
        phone_items=navigation.phone_items,
        now=services.clock.now,
        test_clock=bool(settings.test_clock) and not settings.production,
    )
    app.context_processor(_person)
    for page in PAGES:
        app.register_blueprint(page.blueprint)
    forgotten = undeclared(app)
    if forgotten:
        raise RuntimeError(f"expected every route to declare its requirement, missing: {', '.join(forgotten)}")
    return app


def _configure(app: Flask, settings: Settings) -> None:
    app.config.update(
        SECRET_KEY=settings.secret_key,
        MAX_CONTENT_LENGTH=settings.request_max_bytes,
        SESSION_COOKIE_NAME="__Host-session" if settings.secure_cookies else "session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.secure_cookies,
        SESSION_COOKIE_PATH="/",
        WTF_CSRF_TIME_LIMIT=None,  # lives as long as the session: a form may stay open for hours
        WTF_CSRF_SSL_STRICT=False,  # security.py compares the Origin header instead
    )
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]


def _person() -> dict[str, Any]:
    """`actor` and `actor_unit` (its name) for every template."""
    actor = guards.actor_or_none()
    if actor is None:
        return {"actor": None, "actor_unit": ""}
    if "unit_name" not in g:
        with guards.reading() as conn:
            g.unit_name = people.unit_name(conn, actor.unit)
    return {"actor": actor, "actor_unit": g.unit_name}
