"""The data a form works on: case data with every field set to a stored, default or empty value.

The twin of form-js `Form._getInitializedFieldData` and of each field's `sanitizeValue`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from engine.definitions import form_moments, form_options
from engine.definitions.form_javascript import MAX_SAFE_INTEGER, big, is_number, json_number, number_text, text_of, trim
from engine.definitions.form_model import MANY, ONE, Component, Path
from engine.domain.codec import JSON, copied


class _Missing:
    """No value at all, which is not null."""


MISSING: Final = _Missing()
MAX_DEFAULT_ROWS: Final = 200
MAX_EXPONENT: Final = 307
"""Beyond it a double overflows."""


def get(node: object, path: Path) -> object:
    """The value at `path`, MISSING when there is none."""
    for key in path:
        if isinstance(node, dict) and isinstance(key, str):
            node = node.get(key, MISSING)
        elif isinstance(node, list) and isinstance(key, int):
            node = node[key] if 0 <= key < len(node) else MISSING
        else:
            return MISSING
    return node


def put(node: dict[str, JSON], path: Path, value: JSON) -> None:
    """Sets the value at `path`, making objects on the way; a value in the way that is no container gives way.

    List rows must exist already.
    """
    here: JSON = node
    for key, following in zip(path, path[1:], strict=False):
        inner = get(here, (key,))
        if not isinstance(inner, dict | list) or isinstance(inner, list) != isinstance(following, int):
            inner = here[key] = [] if isinstance(following, int) else {}
        here = inner
    here[path[-1]] = value


def initialise(components: tuple[Component, ...], data: Mapping[str, JSON]) -> dict[str, JSON]:
    """A copy of `data` in which every field and list of the form has a value."""
    state: dict[str, JSON] = copied(dict(data))
    _fill(components, state, (), dict(data))
    return state


def new_row(component: Component, data: Mapping[str, JSON]) -> dict[str, JSON]:
    """The row that the button "add" of a list makes; `data`: where options by key come from."""
    row: dict[str, JSON] = {}
    _fill(component.children, row, (), dict(data))
    return row


def _fill(components: tuple[Component, ...], scope: dict[str, JSON], prefix: Path, data: dict[str, JSON]) -> None:
    """Fills one scope: the root or a list row. `prefix`: the path of the enclosing groups within the scope."""
    for component in components:
        path = prefix + component.segments
        if component.keyed:
            put(scope, path, first_value(component, get(scope, path), data))
        elif component.repeated and component.segments:
            stored = get(scope, path)
            if not isinstance(stored, list):
                stored = [None] * _default_rows(component)
            rows: list[dict[str, JSON]] = [row if isinstance(row, dict) else {} for row in stored]
            put(scope, path, rows)
            for row in rows:
                _fill(component.children, row, (), data)
        elif component.children:
            _fill(component.children, scope, path, data)


def _default_rows(component: Component) -> int:
    wanted = component.attributes.get("defaultRepetitions", 1)
    return min(max(wanted, 0), MAX_DEFAULT_ROWS) if isinstance(wanted, int) else 1


def first_value(component: Component, stored: object, data: Mapping[str, JSON]) -> JSON:
    """What a field shows before anyone types: the stored value as far as it fits, else the default, else empty."""
    if stored is not MISSING:
        return sanitised(component, stored, data)
    default = component.attributes.get("defaultValue", MISSING)
    return component.own_empty() if default is MISSING else copied(default)


def sanitised(component: Component, value: object, data: Mapping[str, JSON]) -> JSON:
    """The stored value as the viewer's field takes it over."""
    match component.type:
        case "textfield":
            text = _text(value)
            return text.replace("\r", " ").replace("\n", " ").replace("\t", " ") if isinstance(value, str) else text
        case "textarea":
            return _text(value)
        case "number":
            return number_value(component, value)
        case "checkbox":
            return value is True
        case "datetime":
            return form_moments.sanitised(component, value)
        case kind if kind in ONE:
            return (
                value
                if _by_expression(component) or form_options.is_option(value, static_options(component, data))
                else None
            )
        case kind if kind in MANY:
            if not isinstance(value, list):
                return []
            known = static_options(component, data)
            return [item for item in value if _by_expression(component) or form_options.is_option(item, known)]
    return value


def static_options(component: Component, data: Mapping[str, JSON]) -> list[JSON]:
    """The options that do not need an expression. `data`: the form's initial data, for `valuesKey`."""
    attributes = component.attributes
    if form_options.source_of(component) == "valuesKey":
        return form_options.option_values(data.get(str(attributes["valuesKey"])))
    if component.options is not None:
        return component.options
    fallback = [] if attributes.get("valuesExpression") else form_options.DEFAULT_OPTIONS
    return form_options.option_values(attributes.get("values", fallback))


def number_value(component: Component, value: object) -> JSON:
    """A number, or its text for `serializeToString`; null for what is no number."""
    if type(value) is int and abs(value) <= MAX_SAFE_INTEGER and not component.attributes.get("serializeToString"):
        return value
    number = big(trim(value)) if isinstance(value, str) else big(value)
    if number is None:
        return None
    if component.attributes.get("serializeToString"):
        return value if isinstance(value, str) else number_text(value)  # type: ignore[arg-type]
    if abs(number.adjusted()) > MAX_EXPONENT:
        return None
    return value if is_number(value) else json_number(number)


def _by_expression(component: Component) -> bool:
    return bool(component.attributes.get("valuesExpression"))


def _text(value: object) -> str:
    return "" if value is None or isinstance(value, list | dict) else text_of(value)
