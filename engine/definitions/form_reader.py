"""Reads a `.form` file into components."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from engine.definitions.form_model import CONTAINERS, KEYED, Component
from engine.definitions.form_options import option_values
from engine.domain.codec import JSON

MAX_BYTES: Final = 1_000_000
MAX_COMPONENTS: Final = 1_000
MAX_NESTING: Final = 12
"""Containers within containers."""
MAX_JSON_DEPTH: Final = 60


class FormUnreadable(Exception):
    """Bytes that are no form. `key` names the sentence in the catalogue, `details` fills its blanks."""

    def __init__(self, key: str, details: Mapping[str, object] | None = None) -> None:
        super().__init__(f"{key} {dict(details or {})}")
        self.key = key
        self.details: dict[str, object] = dict(details or {})


def read_schema(data: bytes) -> dict[str, JSON]:
    """The JSON object of a form file. Raises FormUnreadable."""
    if len(data) > MAX_BYTES:
        raise FormUnreadable("form.too_large", {"limit": MAX_BYTES, "size": len(data)})
    try:
        schema = json.loads(data.decode("utf-8-sig"), parse_constant=_no_constant, parse_float=_finite)
        json.dumps(schema, ensure_ascii=False).encode("utf-8")
    except RecursionError:
        raise FormUnreadable("form.too_deep", {"limit": MAX_JSON_DEPTH}) from None
    except UnicodeError:
        raise FormUnreadable("form.not_utf8") from None
    except json.JSONDecodeError as error:
        raise FormUnreadable("form.not_json", {"line": error.lineno, "column": error.colno}) from None
    except ValueError as error:
        raise FormUnreadable("form.not_json", {"reason": str(error)}) from None
    if not isinstance(schema, dict) or schema.get("type") != "default":
        raise FormUnreadable("form.not_a_form")
    _bound_depth(schema, 0)
    return schema


def read_components(schema: Mapping[str, JSON]) -> tuple[Component, ...]:
    """The components of a form file. Raises FormUnreadable when one is no object, or there are too many."""
    return _children(schema, "", 0, [MAX_COMPONENTS])


def _children(parent: Mapping[str, JSON], place: str, nesting: int, left: list[int]) -> tuple[Component, ...]:
    items = parent.get("components", [])
    if not isinstance(items, list):
        raise FormUnreadable("form.components_not_a_list", {"place": place})
    left[0] -= len(items)
    if left[0] < 0:
        raise FormUnreadable("form.too_many_components", {"limit": MAX_COMPONENTS})
    if items and nesting > MAX_NESTING:
        raise FormUnreadable("form.too_deep", {"limit": MAX_NESTING})
    return tuple(_component(item, f"{place}{number}", nesting, left) for number, item in enumerate(items))


def _component(item: JSON, place: str, nesting: int, left: list[int]) -> Component:
    if not isinstance(item, dict) or not isinstance(item.get("type"), str):
        raise FormUnreadable("form.component_not_an_object", {"place": place})
    kind = item["type"]
    name = item.get("key") if kind in KEYED else item.get("path") if kind in CONTAINERS else None
    segments = tuple(name.split(".")) if isinstance(name, str) and name else ()
    identity = item.get("id")
    return Component(
        id=identity if isinstance(identity, str) and identity else f"#{place}",
        type=kind,
        segments=segments,
        attributes=item,
        children=_children(item, f"{place}.", nesting + 1, left) if kind in CONTAINERS else (),
        options=option_values(item["values"]) if isinstance(item.get("values"), list) else None,
    )


def _bound_depth(value: JSON, depth: int) -> None:
    if depth > MAX_JSON_DEPTH:
        raise FormUnreadable("form.too_deep", {"limit": MAX_JSON_DEPTH})
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _bound_depth(item, depth + 1)


def _no_constant(name: str) -> JSON:
    raise ValueError(f"expected a number, got {name}")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"expected a finite number, got {text[:20]}")
    return number
