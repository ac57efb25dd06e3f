"""Every 'no' as a page: what happened, what to do, and an id that the operators can find in the log. Never a trace."""

from __future__ import annotations

import logging
from functools import partial
from typing import Final

from flask import Flask, Response, current_app, g, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from engine.domain.rejection import HTTP_STATUS, Rejection
from engine.service.outages import is_outage
from engine.service.system import new_id

from .catalogue import t

log = logging.getLogger(__name__)

EXPLAINED: Final = (400, 401, 403, 404, 405, 409, 413, 422, 429, 500, 503)
"""Statuses with sentences of their own in the catalogue: `error.<status>.title`, `.text`, `.todo`."""

RETRY_SECONDS: Final = 5
"""What a page says to programs that ask again: about as long as it takes to notice that the database is back."""


def page(status: int, text: str = "", todo: str = "", *, apart: bool = False) -> Response:
    """The error page of a status, or its fragment when htmx asked. `text`, `todo`: sentences to show instead.
    `apart`: without menu and name, so that the database is not asked for them."""
    shown = status if status in EXPLAINED else (500 if status >= 500 else 400)
    number = new_id()[:8]
    fragment = request.headers.get("HX-Request") == "true"
    name = "errors/fragment.html" if fragment else "errors/outage.html" if apart else "errors/page.html"
    # A template by itself: `render_template` would load the person for its context.
    render = current_app.jinja_env.get_template(name).render if apart else partial(render_template, name)
    body = render(
        status=status,
        title=t(f"error.{shown}.title"),
        text=text or t(f"error.{shown}.text"),
        todo=todo or t(f"error.{shown}.todo"),
        number=number,
    )
    log.log(
        logging.ERROR if status >= 500 else logging.INFO,
        "answered %d",
        status,
        extra={"error_id": number, "status": status, "method": request.method},
    )
    response = make_response(body, status)
    if fragment:
        # Beside the form that was refused, not in place of what the button points at.
        response.headers["HX-Retarget"] = "#messages"
        response.headers["HX-Reswap"] = "innerHTML"
    return response


def rejected(rejection: Rejection) -> Response:
    """The page (or htmx fragment) for a refused command; status from `rejection.HTTP_STATUS`."""
    return page(HTTP_STATUS[rejection.code], text=t(rejection.key, **rejection.details))


def _http(error: HTTPException) -> Response:
    if isinstance(error, CSRFError):
        return page(400, text=t("error.csrf.text"), todo=t("error.csrf.todo"))
    if error.code is None or 300 <= error.code < 400:
        return make_response(error.get_response())
    refusal = g.get("refusal")
    if error.code == 403 and refusal is not None:
        return page(403, text=t(refusal.reason_key, **_named(refusal.params)))
    response = page(error.code)
    if error.code == 405 and "Allow" in dict(error.get_headers()):
        response.headers["Allow"] = dict(error.get_headers())["Allow"]
    return response


def _named(params: object) -> dict[str, str]:
    """Role, action and group names in words."""
    named: dict[str, str] = {}
    for name, value in dict(params).items():  # type: ignore[call-overload]
        named[name] = t(f"{name}.{value}") if name in ("role", "action") else value
    return named


def outage(error: Exception) -> Response:
    """The page for a database that is away: nobody is asked who is asking, and nothing else of the database."""
    g._login_user = current_app.login_manager.anonymous_user()  # type: ignore[attr-defined]
    response = page(503, text=t("error.outage.text"), todo=t("error.outage.todo"), apart=True)
    response.headers["Retry-After"] = str(RETRY_SECONDS)
    log.error("database away: %s", type(getattr(error, "orig", error)).__name__)
    return response


def _bug(error: Exception) -> Response:
    if is_outage(error):
        return outage(error)
    response = page(500)
    log.exception("request failed", exc_info=error, extra={"method": request.method})
    return response


def install(app: Flask) -> None:
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _bug)
