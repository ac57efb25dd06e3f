"""The one list of case fields that lists, filters and search see: field of the case data -> column of `cases`.

Adding a field: a column in schema.cases, a line here, then `python -m engine.cli rebuild`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Final

from engine.domain.codec import JSON, instant_text, parse_instant

LONGEST_TEXT: Final = 4000
"""Characters kept of a field: enough to search a post, and a bound on the size of a row."""


def as_text(value: JSON) -> str:
    """What people would read: a text as it is, a list of texts with 、 between, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value[:LONGEST_TEXT]
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return "、".join(value)[:LONGEST_TEXT]
    return json.dumps(value, sort_keys=True, ensure_ascii=False)[:LONGEST_TEXT]


def as_instant(value: JSON) -> str:
    """`instant_text` of an ISO instant with offset; "" for anything else, which the forms refuse anyway."""
    try:
        return instant_text(parse_instant(value))
    except (TypeError, ValueError):
        return ""


LIFTED: Final[Mapping[str, tuple[str, Callable[[JSON], str]]]] = {
    "title": ("title", as_text),
    "body": ("body", as_text),
    "grade": ("grade", as_text),
    "district": ("district", as_text),
    "source_type": ("source_type", as_text),
    "source_name": ("source_name", as_text),
    "url": ("url", as_text),
    "business_line": ("business_line", as_text),
    "root_cause_kind": ("root_cause", as_text),
    "published_at": ("published_at", as_instant),
    "discovered_at": ("discovered_at", as_instant),
}


def lift(values: Mapping[str, JSON]) -> dict[str, str]:
    """The columns of `cases` that these fields set."""
    return {column: read(values[field]) for field, (column, read) in LIFTED.items() if field in values}
