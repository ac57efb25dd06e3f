"""/api/v1: items from monitoring vendors and the 12345 hotline. A token is asked for by every route but the document;
there is no route that reads anything of a case (R71)."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from flask import Blueprint, Response, current_app, request
from sqlalchemy.exc import IntegrityError
from werkzeug.exceptions import HTTPException

from engine.domain.rejection import Rejection
from engine.service import api_items, api_tokens
from engine.service.api_items import Answer, Fault
from engine.service.api_tokens import Token

from .api_document import document
from .catalogue import t
from .guards import public, reading, services, writing
from .security import csrf

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")
csrf.exempt(blueprint)  # no cookie counts here: a token is sent by a program, never by a browser on its own

MOST_BYTES: Final = 4 * 1024 * 1024
_KEY: Final = re.compile(r"[\x21-\x7e]{1,100}")


@blueprint.get("/openapi.json")
@public
def openapi() -> Response:
    return _json(200, document(services().settings.url))


@blueprint.post("/items")
@public
def add() -> Response:
    """Keeps all items of the request, or none and says what is wrong."""
    token = _token()
    if isinstance(token, Response):
        return token
    body = _body()
    if isinstance(body, Response):
        return body
    content, sent = body
    key = request.headers.get("Idempotency-Key", "")
    if key and not _KEY.fullmatch(key):
        return problem(422, "Idempotency-Key", [_error("", "Idempotency-Key", t("api.fault.key"))])
    found = api_items.checked(services(), token, sent)
    if found and isinstance(found[0], Fault):
        single = not content.lstrip().startswith(b"[")
        return problem(422, t("form.refused", count=len(found)), [_told(one, single) for one in found])
    answer = _kept(token, found, key, content)
    if isinstance(answer, Rejection):
        return problem(409, t(answer.key))
    response = _json(answer.status, answer.body)
    if answer.again:
        response.headers["Idempotency-Replayed"] = "true"
    return response


@blueprint.get("/items/<int:item_id>")
@public
def status(item_id: int) -> Response:
    token = _token()
    if isinstance(token, Response):
        return token
    with reading() as conn:
        item = api_items.own(conn, token, item_id)
    return problem(404, t("item.unknown", item=item_id)) if item is None else _json(200, api_items.status(item))


@blueprint.errorhandler(HTTPException)
def _failed(error: HTTPException) -> Response:
    return problem(error.code or 500, error.name)


def problem(status: int, detail: str, errors: list[dict[str, str]] | None = None) -> Response:
    """RFC 9457. `errors`: pointer into the request, name of the field, what is wrong and what to do."""
    title = {401: "Unauthorized", 404: "Not Found", 409: "Conflict", 422: "Unprocessable Content"}.get(status, "Error")
    body: dict[str, Any] = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    response = _json(status, {**body, **({"errors": errors} if errors else {})})
    response.headers["Content-Type"] = "application/problem+json"
    return response


def _kept(token: Token, found: Any, key: str, content: bytes) -> Answer | Rejection:
    for attempt in (1, 2):
        try:
            with writing() as conn:
                before = api_items.answered_before(conn, token, key, content)
                return before or api_items.take(services(), conn, token, found, key, content)
        except IntegrityError:  # the same request at the same moment: the other one has answered it by now
            if attempt == 2:
                raise
    raise AssertionError("unreachable")


def _token() -> Token | Response:
    """The token of the request, counted; or the refusal."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    now = services().clock.now()
    with reading() as conn:
        token = api_tokens.owner(conn, given.strip(), now) if scheme.lower() == "bearer" else None
    if token is None:
        refused = problem(401, t("api.fault.token"))
        refused.headers["WWW-Authenticate"] = "Bearer"
        return refused
    with writing() as conn:
        within = api_tokens.count(conn, token, now)
    if not within:
        refused = problem(429, t("api.fault.too_often", limit=token.per_minute))
        refused.headers["Retry-After"] = str(60 - int(now.timestamp()) % 60)
        return refused
    return token


def _body() -> tuple[bytes, list[Any]] | Response:
    if request.mimetype != "application/json":
        return problem(415, "Content-Type: application/json")
    if (request.content_length or 0) > MOST_BYTES:
        return problem(413, t("api.fault.too_large", limit=MOST_BYTES // 1024 // 1024))
    content = request.stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        return problem(413, t("api.fault.too_large", limit=MOST_BYTES // 1024 // 1024))
    try:
        sent = json.loads(content)
    except (ValueError, RecursionError):
        return problem(400, t("api.fault.no_json"))
    listed = sent if isinstance(sent, list) else [sent]
    if not 1 <= len(listed) <= api_items.MOST:
        return problem(422, t("api.fault.count", limit=api_items.MOST))
    return content, listed


def _told(fault: Fault, single: bool) -> dict[str, str]:
    place = "" if single else f"/{fault.index}"
    field = fault.field.replace("~", "~0").replace("/", "~1")
    return _error(f"{place}/{field}" if field else place, fault.field, t(fault.key, **fault.params))


def _error(pointer: str, field: str, detail: str) -> dict[str, str]:
    return {"pointer": pointer, "field": field, "detail": detail}


def _json(status: int, body: Any) -> Response:
    text = json.dumps(body, ensure_ascii=False)
    response: Response = current_app.response_class(text, status, mimetype="application/json")
    return response
