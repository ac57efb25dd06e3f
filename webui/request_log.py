"""What every request leaves behind for operators: its id, one line in the log, its time in the metrics. No content."""

from __future__ import annotations

import logging
import re
import time
from typing import Any, Final

from flask import Flask, Response, g, request

from engine.service import logs, metrics
from engine.service.settings import Settings

from .guards import actor_or_none
from .health import ENDPOINTS

log = logging.getLogger("opinion.web")

HEADER: Final = "X-Request-ID"
_GIVEN: Final = re.compile(r"[A-Za-z0-9-]{8,64}")
_CASE: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
NO_ROUTE: Final = "unmatched"
"""Stands for addresses that lead nowhere: what people type must not become a label or a line."""


def install(app: Flask, settings: Settings) -> None:
    """Registers the hooks; first of all, so that refused requests count too."""

    def begin() -> None:
        g.began = time.perf_counter()
        given = request.headers.get(HEADER, "")
        # Only a proxy that we trust may name a request; anybody else could make two look like one.
        g.within = logs.within(given if settings.trusted_proxies and _GIVEN.fullmatch(given) else "")
        g.request_id = g.within.__enter__()

    def note(response: Response) -> Response:
        if "began" not in g:  # an after_request without a before: nothing was measured
            return response
        response.headers[HEADER] = g.request_id
        route = request.url_rule.rule if request.url_rule is not None else NO_ROUTE
        method = request.method if request.method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS") else "OTHER"
        seconds = time.perf_counter() - g.began
        metrics.REQUESTS.labels(route, method, str(response.status_code)).inc()
        metrics.REQUEST_SECONDS.labels(route, method).observe(seconds)
        if request.endpoint not in ENDPOINTS and request.endpoint != "static":
            log.info("request", extra={**_who(), **_facts(route, method, response.status_code, seconds)})
        return response

    def end(_error: BaseException | None) -> None:
        entered = g.pop("within", None)
        if entered is not None:
            entered.__exit__(None, None, None)

    app.before_request(begin)
    app.after_request(note)
    app.teardown_request(end)


def _facts(route: str, method: str, status: int, seconds: float) -> dict[str, Any]:
    return {"route": route, "method": method, "status": status, "milliseconds": round(seconds * 1000, 1)}


def _who() -> dict[str, str]:
    actor = actor_or_none() if "_login_user" in g else None  # who was not asked for is not looked up for a line
    case_id = str((request.view_args or {}).get("case_id", ""))
    told = {
        "actor": actor.user_id if actor is not None else "",
        "case_id": case_id if _CASE.fullmatch(case_id) else "",  # an address is typed by anybody
    }
    return {name: value for name, value in told.items() if value}
