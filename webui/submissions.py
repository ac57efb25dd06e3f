"""What a page with a form sends: the values as JSON, files beside it, and which files the server holds already."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from flask import Request, current_app
from itsdangerous import BadData, URLSafeSerializer

from engine.domain.codec import JSON
from engine.domain.rejection import FieldFault, Rejection
from engine.service.system import new_id

REFERENCE: Final = re.compile(r"files::[A-Za-z0-9_-]{1,64}")
"""What a filepicker holds: the name of the multipart parts with its files."""
MAX_UPLOADS: Final = 50
"""Files in one request, whatever the form allows."""
MAX_DEPTH: Final = 40
_COMMAND_ID: Final = re.compile(r"[0-9a-f]{32}")

Facts = dict[str, JSON]


@dataclass(slots=True)
class Sent:
    """One form as it was sent. `files`: reference -> facts of its stored files, new or kept from an earlier try.

    `faults`: what was refused before any case looked at it (unreadable values, files that are not kept).
    `command_id`: made when the page was drawn, so that the same page sent twice counts once.
    """

    values: Mapping[str, JSON] = field(default_factory=dict)
    files: dict[str, list[Facts]] = field(default_factory=dict)
    faults: tuple[FieldFault, ...] = ()
    command_id: str = ""

    @property
    def rejection(self) -> Rejection | None:
        return Rejection("invalid", "form.refused", {"count": len(self.faults)}, self.faults) if self.faults else None


def read(request: Request, store: Any, user_id: str, *, uploads: bool = True) -> Sent:
    """The form of a request; its new files are stored. `uploads` False (drafts): files beside it are left alone."""
    sent = Sent(command_id=command_id(request, user_id))
    values = _values(request.form.get("submission", "{}"))
    if values is None:
        sent.faults = (FieldFault("", "form.unreadable"),)
        return sent
    sent.values = values
    places = dict(_references(values, ""))
    kept = unsealed(request.form.get("kept", ""), user_id)
    sent.files = {reference: kept[reference] for reference in places.values() if reference in kept}
    if uploads:
        sent.faults = tuple(_store(request, store, places, sent.files))
    return sent


def command_id(request: Request, user_id: str) -> str:
    """The page's id with its user before it: nobody can name the command of somebody else."""
    given = request.form.get("command_id", "")
    return f"{user_id}:{given if _COMMAND_ID.fullmatch(given) else new_id()}"


def sealed(files: Mapping[str, list[Facts]], user_id: str) -> str:
    """Files of an earlier try as the page carries them: signed, and good for this person only."""
    return _seal().dumps([user_id, dict(files)]) if files else ""


def unsealed(text: str, user_id: str) -> dict[str, list[Facts]]:
    """The files of `sealed`; none when the text was changed or made for somebody else."""
    if not text:
        return {}
    try:
        owner, files = _seal().loads(text)
    except (BadData, ValueError, TypeError):
        return {}
    return files if owner == user_id else {}


def _seal() -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.secret_key), salt="kept-files")


def _values(text: str) -> dict[str, JSON] | None:
    """The JSON object sent, or None for anything else."""
    try:
        values = json.loads(text, parse_constant=_refuse)
        json.dumps(values, allow_nan=False)
    except (ValueError, RecursionError):
        return None
    return values if isinstance(values, dict) and _depth(values) <= MAX_DEPTH else None


def _refuse(name: str) -> JSON:
    raise ValueError(f"expected a number, got {name}")


def _depth(value: JSON) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, inner), default=0)


def _references(value: JSON, path: str) -> Iterator[tuple[str, str]]:
    """(data path, reference) of every value that may be a filepicker's."""
    if isinstance(value, str) and REFERENCE.fullmatch(value):
        yield path, value
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in inner:
        yield from _references(item, f"{path}.{name}" if path else str(name))


def _store(
    request: Request, store: Any, places: Mapping[str, str], files: dict[str, list[Facts]]
) -> Iterator[FieldFault]:
    """Stores what was chosen anew, in place of what was kept under the same reference; yields what is refused."""
    taken = 0
    for path, reference in places.items():
        chosen = [upload for upload in request.files.getlist(reference) if upload.filename]
        if not chosen:
            continue
        files[reference] = []
        for upload in chosen:
            taken += 1
            if taken > MAX_UPLOADS:
                yield FieldFault(path, "file.too_many", {"limit": MAX_UPLOADS})
                return
            saved = store.save(upload.stream, upload.filename)
            if isinstance(saved, Rejection):
                yield FieldFault(path, saved.key, saved.details)
            else:
                files[reference].append(saved)
