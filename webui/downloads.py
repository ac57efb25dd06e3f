"""Files that are taken out of the system: numbered, logged, marked with who and when (R71)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from flask import make_response, request
from werkzeug.wrappers import Response

from engine.service import csv_file, exports
from engine.service.csv_file import Cell

from .guards import current_actor, services


def csv_answer(kind: str, subject: str, name: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Response:
    """A CSV file `name`. Logged before it is made, and again with its hash: what could not be logged is not sent."""
    mark = exports.begin(services(), current_actor(), kind, subject, request.remote_addr or "")
    body = csv_file.written(mark.text, header, rows)
    exports.made(services(), mark.number, hashlib.sha256(body).hexdigest(), len(body))
    response = make_response(body)
    response.headers["Content-Type"] = "text/csv; charset=utf-8"
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    return response
