"""The one place where looks at a case are logged (R71): every answer of a route with a case in its address."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Final

from flask import Flask, Response, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.routing import Rule

from engine.service import access_log

from . import errors
from .catalogue import t
from .guards import actor_or_none, services
from .views_registry import requirement_of

log = logging.getLogger(__name__)

SHOWN: Final = frozenset({200, 206, 304, 409, 422})
"""Answers that show something of the case. A form that is refused shows its page again, so it counts like a look."""


PARTS: Final = frozenset({"replay.step"})
"""What a script fetches for an open page: sixty steps of one replay are one look, not sixty."""
QUIET: Final = timedelta(minutes=10)
"""For so long after a look at a page of the same family a part of it is no look of its own; asked for alone, it is."""


def counts(app: Flask, rule: Rule) -> bool:
    """Whether answers of this route are looks at a case: it names one, and it is more than a script saving a draft."""
    requirement = requirement_of(app, rule.endpoint)
    if "case_id" not in rule.arguments or requirement is None:
        return False
    return requirement.keeps_alive or "GET" in (rule.methods or ())


def install(app: Flask) -> None:
    """Registers the hook. Requires that the hook that adds headers is registered before (they run in reverse)."""

    def log_look(response: Response) -> Response:
        rule, actor = request.url_rule, actor_or_none()
        if rule is None or actor is None or request.method == "HEAD" or response.status_code not in SHOWN:
            return response
        if not counts(app, rule):
            return response
        case_id = str((request.view_args or {})["case_id"])
        address, target = request.remote_addr or "", request.full_path.rstrip("?")
        family = rule.endpoint.partition(".")[0]
        try:
            part = rule.endpoint in PARTS
            if part and access_log.looked_lately(services(), actor, case_id, family, QUIET):
                return response
            access_log.looked(services(), actor, case_id, rule.endpoint, address, target)
        except SQLAlchemyError as fault:
            # What leaves no trace is not shown: a full disk or a locked database must not open the files unseen.
            log.exception("look not logged", exc_info=fault, extra={"case_id": case_id, "route": rule.rule})
            return errors.page(503, text=t("error.look.text"), apart=True)
        return response

    app.after_request(log_look)
