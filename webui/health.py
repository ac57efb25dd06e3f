"""What other programs ask: is the process alive, may it be given work, what are its figures. No session, no cookie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from flask import Blueprint, Response, abort, jsonify, request

from engine.service import health as checks
from engine.service import metrics, metrics_access

from .guards import public, services

blueprint = Blueprint("health", __name__)

ENDPOINTS: Final = frozenset({"health.live", "health.ready", "health.metrics_page"})
"""Asked by machines under any name or address: the host check lets them pass, and no request is logged."""


@blueprint.get("/health/live")
@public
def live() -> Response:
    return _answer(checks.live(services()))


@blueprint.get("/health/ready")
@public
def ready() -> Response:
    return _answer(checks.ready(services()))


@blueprint.get("/metrics")
@public
def metrics_page() -> Response:
    asked = metrics_access.Asked(
        address=request.remote_addr or "",
        headers=frozenset(name.lower() for name, _ in request.headers),
        authorization=request.headers.get("Authorization", ""),
    )
    if not metrics_access.may_read(services().settings, asked):
        abort(404)
    return Response(metrics.render(services()), content_type=metrics.CONTENT_TYPE)


def _answer(found: Sequence[checks.Check]) -> Response:
    good = checks.is_ready(found)
    response = jsonify({"ok": good, "checks": {check.name: check.state for check in found}})
    response.status_code = 200 if good else 503
    return response
