"""A plausible answer to any form, so that a trial can be stepped through without typing everything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from engine.definitions.forms import Form
from engine.domain.calendar import ZONE
from engine.domain.codec import JSON

from .demo_answers import ANSWERS, filled

WORD: Final = "试填"
"""What a text field says before its own label: nobody takes it for a fact."""
PHONE: Final = "+8613800000000"
MAIL: Final = "test@example.org"


def sample(form: Form, element: str, at: datetime, given: Mapping[str, JSON]) -> dict[str, JSON]:
    """key -> value of the form's fields: what the demo cast writes for an element of the shipped bundle, else the
    first that the field allows. `at`: aware, the instant of filling in; `given`: lists and values the form starts from.

    Conditions are not looked at: a value for a hidden field is not sent. Files, and texts with a pattern, are left.
    """
    stamp = at.astimezone(ZONE).isoformat(timespec="minutes")
    values = {key: value for key, value in _fields(form.schema, stamp, at, given) if value is not None}
    known = filled(ANSWERS[element][1], stamp) if element in ANSWERS else {}
    return values | {key: value for key, value in known.items() if key in values or key in _keys(form.schema)}


def _keys(schema: Mapping[str, Any]) -> set[str]:
    return {str(one.get("key")) for one in _components(schema)}


def _components(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for one in schema.get("components") or ():
        if one.get("type") == "group" and not one.get("path"):
            yield from _components(one)
        elif one.get("key") and not one.get("readonly") and not one.get("disabled"):
            yield one


def _fields(
    schema: Mapping[str, Any], stamp: str, at: datetime, given: Mapping[str, JSON]
) -> Iterator[tuple[str, JSON]]:
    for one in _components(schema):
        key = str(one["key"])
        if given.get(key) in (None, "", [], False):
            yield key, _value(one, stamp, at, given)


def _value(one: Mapping[str, Any], stamp: str, at: datetime, given: Mapping[str, JSON]) -> JSON:
    rules: Mapping[str, Any] = one.get("validate") or {}
    kind = one.get("type")
    options = one.get("values") or given.get(str(one.get("valuesKey") or "")) or ()
    first = next((each["value"] for each in options if isinstance(each, Mapping) and "value" in each), None)
    if kind in ("textfield", "textarea"):
        return _text(one, rules)
    if kind == "number":
        return rules["min"] if isinstance(rules.get("min"), int | float) else 1
    if kind == "datetime":
        day = (at.astimezone(ZONE) + timedelta(days=1)).date().isoformat()
        return day if one.get("subtype", "date") == "date" else stamp if one["subtype"] == "datetime" else "09:00"
    if kind in ("select", "radio"):
        return first
    if kind in ("checklist", "taglist"):
        return None if first is None else [first]
    return True if kind == "checkbox" and rules.get("required") else None


def _text(one: Mapping[str, Any], rules: Mapping[str, Any]) -> JSON:
    known = {"email": MAIL, "phone": PHONE}.get(str(rules.get("validationType") or ""))
    if known or rules.get("pattern"):
        return known
    text = f"{WORD}：{one.get('label') or one['key']}"
    least, most = rules.get("minLength"), rules.get("maxLength")
    if isinstance(least, int) and len(text) < least:
        text += "。" * (least - len(text))
    return text[:most] if isinstance(most, int) else text
