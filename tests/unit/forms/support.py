"""Short ways to write forms in tests."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from engine.definitions.forms import Form, Submission, read_form
from engine.feel import Environment

NOW = datetime.fromisoformat("2026-03-05T09:30:00+08:00")
ENV = Environment(now=NOW)


def form(*components: dict[str, Any], **rest: Any) -> Form:
    """The form of these components, through bytes as a file would come."""
    schema = {"type": "default", "id": "Form_1", "schemaVersion": 19, "components": list(components), **rest}
    return read_form(json.dumps(schema, ensure_ascii=False).encode())


def field(kind: str, key: str = "a", **rest: Any) -> dict[str, Any]:
    return {"type": kind, "id": f"F_{key}", "key": key, "label": key, **rest}


def group(*components: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return {"type": "group", "id": "G", "components": list(components), **rest}


def rows(path: str, *components: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return {"type": "dynamiclist", "id": f"L_{path}", "path": path, "components": list(components), **rest}


def check(component: dict[str, Any], submitted: Any, data: Any = None, **rest: Any) -> Submission:
    return form(component).check(submitted, data or {}, ENV, **rest)


def keys(submission: Submission) -> list[str]:
    return [error.key for error in submission.errors]


def problems(*components: dict[str, Any], **rest: Any) -> set[tuple[str, str]]:
    return {(problem.key, problem.severity) for problem in form(*components, **rest).problems()}
