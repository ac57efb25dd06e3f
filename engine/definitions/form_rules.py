"""The rules that a form states for its fields, exactly as form-js `Validator` applies them, in its order."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from engine.definitions import form_expressions
from engine.definitions.form_automaton import matches
from engine.definitions.form_javascript import big, decimals, is_number, length, plain, steps, text_of, trim, truthy
from engine.definitions.form_model import Component
from engine.definitions.form_pattern import PatternBudget, PatternUnsupported
from engine.definitions.form_phone import PHONE
from engine.domain.codec import JSON
from engine.feel import Environment

Fault = tuple[str, Mapping[str, object]]
EMAIL: Final = re.compile(
    r"[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
    r"(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*"
)
"""The e-mail pattern of HTML, as form-js has it; anchored at both ends, linear."""
MAX_CONTACT: Final = 320
"""Characters of an e-mail address or phone number that are looked at: the longest address RFC 5321 allows."""


def broken_rules(component: Component, value: JSON, names: Mapping[str, object], env: Environment) -> Iterator[Fault]:
    """The rules that `value` breaks. `names`: what expressions in the rules see. Raises FeelEvaluationError."""
    if component.type == "number":
        yield from _number_rules(component, value)
    rules = component.validate
    if not rules:
        return
    if rules.get("pattern") and truthy(value):
        yield from _pattern(rules, value)
    if rules.get("required") and (
        value is None or value == "" or value == [] or (component.type == "checkbox" and value is False)
    ):
        yield ("form.required", {})
    if truthy(value) or (is_number(value) and value == 0):
        yield from _bound("min", rules, value, names, env)
        yield from _bound("max", rules, value, names, env)
    if isinstance(value, str) and value:
        yield from _length(rules, value, names, env)
        yield from _contact(rules, value)


def _number_rules(component: Component, value: JSON) -> Iterator[Fault]:
    number = big(value)
    if number is None or not truthy(value):
        return
    allowed = component.attributes.get("decimalDigits")
    if is_number(allowed) and allowed >= 0 and decimals(number) > allowed:  # type: ignore[operator]
        yield ("form.integer", {}) if allowed == 0 else ("form.decimal_digits", {"value": allowed})
    increment = big(component.attributes.get("increment"))
    around = steps(number, increment) if increment is not None else None
    if around is not None:
        yield ("form.increment", {"previous": plain(around[0]), "next": plain(around[1])})


def _pattern(rules: Mapping[str, JSON], value: JSON) -> Iterator[Fault]:
    message = rules.get("patternErrorMessage")
    details = {"pattern": str(rules["pattern"])} | (
        {"message": message} if isinstance(message, str) and message else {}
    )
    try:
        if not matches(str(rules["pattern"]), text_of(value)):
            yield ("form.pattern", details)
    except (PatternUnsupported, PatternBudget):
        # not published with such a pattern; a form that came in otherwise must not let anything pass
        yield ("form.pattern_unusable", details)


def _bound(
    which: str, rules: Mapping[str, JSON], value: JSON, names: Mapping[str, object], env: Environment
) -> Iterator[Fault]:
    limit = form_expressions.value_of(rules.get(which), names, env)
    if limit is None:
        return
    number, bound = big(value), big(limit)
    if number is None or bound is None:
        yield (f"form.{which}_invalid", {})
    elif number < bound if which == "min" else number > bound:
        yield (f"form.{which}", {"value": plain(bound)})


def _length(rules: Mapping[str, JSON], value: str, names: Mapping[str, object], env: Environment) -> Iterator[Fault]:
    size = length(trim(value))
    for which, key in (("minLength", "form.min_length"), ("maxLength", "form.max_length")):
        bound = _as_number(form_expressions.value_of(rules.get(which), names, env))
        if bound is not None and (size < bound if which == "minLength" else size > bound):
            yield (key, {"value": plain(bound)})


def _as_number(value: object) -> Decimal | None:
    """A length bound as JavaScript compares it: text of a number counts, anything else never fails."""
    if isinstance(value, bool):
        return Decimal(int(value))
    if isinstance(value, str):
        return big(trim(value)) if trim(value) else Decimal(0)
    return big(value)


def _contact(rules: Mapping[str, JSON], value: str) -> Iterator[Fault]:
    kind = rules.get("validationType")
    if kind == "phone" and not (len(value) <= MAX_CONTACT and PHONE.search(value)):
        yield ("form.phone", {})
    if kind == "email" and not (len(value) <= MAX_CONTACT and EMAIL.fullmatch(value)):
        yield ("form.email", {})
