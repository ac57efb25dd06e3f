"""What was sent for one field, brought to its type, or why it cannot be.

form-js checks types only when it takes data over; a server must check what comes back. A value of the wrong type is a
fault; only number and text of number are taken for each other, as the viewer does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from engine.definitions.form_javascript import MAX_SAFE_INTEGER, equal, length
from engine.definitions.form_model import MANY, ONE, Component, FormLimits
from engine.definitions.form_state import number_value
from engine.domain.codec import JSON

Fault = tuple[str, Mapping[str, object]]
FILE_PREFIX: Final = "files::"
LARGEST: Final = 10**308
_MAX_REFERENCE: Final = 200
_CONTROLS: Final = frozenset(chr(code) for code in range(32)) - {"\t", "\n", "\r"}
"""Not text: NUL is refused by PostgreSQL, the others come from no keyboard."""


def coerced(component: Component, value: JSON, limits: FormLimits) -> tuple[JSON, Fault | None]:
    """The clean value and None, or null and the fault."""
    match component.type:
        case "textfield" | "textarea":
            return _text(component, value, limits)
        case "number":
            return _number(component, value)
        case "checkbox":
            if value is None:
                return False, None
            return (value, None) if isinstance(value, bool) else (None, ("form.not_boolean", {}))
        case "datetime":
            return _short_text(value, limits, "form.not_text")
        case "filepicker":
            return _reference(value)
        case kind if kind in ONE:
            return _choice(value, limits)
        case kind if kind in MANY:
            return _choices(value, limits)
    return None, None


def _text(component: Component, value: JSON, limits: FormLimits) -> tuple[JSON, Fault | None]:
    if value is None:
        return "", None
    if not isinstance(value, str):
        return None, ("form.not_text", {})
    limit = min(limits.text, limits.pattern_text) if component.validate.get("pattern") else limits.text
    if len(value) > limit or length(value) > limit:
        return None, ("form.text_too_long", {"limit": limit})
    if not is_storable(value):
        return None, ("form.text_characters", {})
    if component.type == "textfield":
        return value.replace("\r", " ").replace("\n", " ").replace("\t", " "), None
    return value, None


def is_storable(text: str) -> bool:
    """Whether a text has no control characters and no half of a surrogate pair, which no database takes."""
    if text.isprintable():
        return True
    return not any(char in _CONTROLS or "\ud800" <= char <= "\udfff" for char in text)


def _number(component: Component, value: JSON) -> tuple[JSON, Fault | None]:
    if value is None or value == "":
        return None, None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None, ("form.not_a_number", {})
    if isinstance(value, int) and abs(value) > MAX_SAFE_INTEGER:
        value = float(value) if abs(value) < LARGEST else math.inf  # JavaScript has only doubles
    if isinstance(value, float) and not math.isfinite(value):
        return None, ("form.not_a_number", {})
    number = number_value(component, value)
    if isinstance(number, str):
        number = number.strip()
    elif isinstance(number, float) and number.is_integer() and abs(number) <= MAX_SAFE_INTEGER:
        number = int(number)
    return (number, None) if number is not None else (None, ("form.not_a_number", {}))


def _short_text(value: JSON, limits: FormLimits, key: str) -> tuple[JSON, Fault | None]:
    if value is None or value == "":
        return None, None
    if not isinstance(value, str):
        return None, (key, {})
    if len(value) > limits.text or not is_storable(value):
        return None, ("form.text_characters", {})
    return value, None


def _reference(value: JSON) -> tuple[JSON, Fault | None]:
    if value is None or value == "":
        return None, None
    good = (
        isinstance(value, str) and value.startswith(FILE_PREFIX) and len(value) <= _MAX_REFERENCE and is_storable(value)
    )
    return (value, None) if good else (None, ("form.file_reference", {}))


def _choice(value: JSON, limits: FormLimits) -> tuple[JSON, Fault | None]:
    """Whether it is an option is asked later, when the options are known; "" stands for none."""
    if isinstance(value, str) and len(value) > limits.text:
        return None, ("form.unknown_option", {})
    return (None if value == "" else value), None


def _choices(value: JSON, limits: FormLimits) -> tuple[JSON, Fault | None]:
    if value is None:
        return [], None
    if not isinstance(value, list):
        return None, ("form.not_a_list", {})
    if len(value) > limits.choices:
        return None, ("form.too_many_choices", {"limit": limits.choices})
    out: list[JSON] = []
    for item in value:
        if not any(equal(item, known) for known in out):
            out.append(item)
    return out, None
