"""What may be chosen in a radio, select, checklist or taglist (form-js: normalizeOptionsData, useOptionsAsync)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from engine.definitions.form_javascript import equal, is_number
from engine.definitions.form_model import Component
from engine.domain.codec import JSON

DEFAULT_OPTIONS: Final[list[JSON]] = [{"label": "Value", "value": "value"}]
"""What form-js supposes when a component names no options at all."""

OUTSIDE_LISTS: Final = frozenset({"units_options", "lines_options", "people_options", "instruction_phrases"})
"""Lists that forms may offer from outside the case: units, lines, people, usual words of an instruction (批示)."""


def source_of(component: Component) -> str:
    """Which attribute the viewer draws the options from: `valuesKey`, `values` or `valuesExpression`."""
    attributes = component.attributes
    if "valuesKey" in attributes:
        return "valuesKey"
    return "valuesExpression" if "values" not in attributes and attributes.get("valuesExpression") else "values"


def option_values(raw: object) -> list[JSON]:
    """The values of well-formed options; what is malformed is left out, as the viewer leaves it out."""
    if not isinstance(raw, list):
        return []
    return [value for option in raw for value in _value_of(option)]


def is_option(value: JSON, values: list[JSON]) -> bool:
    """Whether `value` is one of `values`, deeply."""
    return any(equal(value, known) for known in values)


def _value_of(option: JSON) -> list[JSON]:
    """The value of one option in a list, or an empty list."""
    if _primitive(option):
        return [option]
    if not isinstance(option, Mapping):
        return []
    value, label = option.get("value"), option.get("label")
    labelled = isinstance(label, str) and label != ""
    if _primitive(value) or (labelled and isinstance(value, Mapping | list) and len(value) > 0):
        return [value]
    return []


def _primitive(value: object) -> bool:
    return isinstance(value, bool) or is_number(value) or (isinstance(value, str) and value != "")
