"""One table row for each rule of a field; the corpus shows the same against the viewer, in bulk."""

from __future__ import annotations

from typing import Any

import pytest

from engine.definitions.forms import FormLimits
from tests.unit.forms.support import check, field, keys

OPTIONS = [{"label": "重大", "value": "major"}, {"label": "一", "value": 1}, {"label": "对象", "value": {"id": 7}}]

RULES: list[tuple[dict[str, Any], Any, list[str]]] = [
    # required
    (field("textfield", validate={"required": True}), "", ["form.required"]),
    (field("textfield", validate={"required": True}), None, ["form.required"]),
    (field("textfield", validate={"required": True}), " ", []),
    (field("textfield", validate={"required": "=false"}), "", ["form.required"]),
    (field("checkbox", validate={"required": True}), False, ["form.required"]),
    (field("checkbox", validate={"required": False}), False, []),
    (field("number", validate={"required": True}), 0, []),
    (field("number", validate={"required": True}), None, ["form.required"]),
    (field("taglist", values=OPTIONS, validate={"required": True}), [], ["form.required"]),
    (field("radio", values=OPTIONS, validate={"required": True}), None, ["form.required"]),
    (field("datetime", validate={"required": True}), None, ["form.required"]),
    # pattern: searched anywhere, not asked of an empty text
    (field("textfield", validate={"pattern": "[0-9]"}), "a1b", []),
    (field("textfield", validate={"pattern": "^[0-9]$"}), "a1b", ["form.pattern"]),
    (field("textfield", validate={"pattern": "^[0-9]$"}), "", []),
    (field("textfield", validate={"pattern": "(?<=a)b"}), "ab", ["form.pattern_unusable"]),
    # lengths: trimmed, UTF-16 units
    (field("textfield", validate={"minLength": 3}), "  ab  ", ["form.min_length"]),
    (field("textfield", validate={"maxLength": 3}), "  abc  ", []),
    (field("textfield", validate={"maxLength": 1}), "😀", ["form.max_length"]),
    (field("textfield", validate={"minLength": 5}), "", []),
    (field("textfield", validate={"maxLength": "=1 + 1"}), "abc", ["form.max_length"]),
    (field("textfield", validate={"maxLength": "=missing"}), "abc", []),
    # contact
    (field("textfield", validate={"validationType": "email"}), "a@b.cn", []),
    (field("textfield", validate={"validationType": "email"}), "a@b@c", ["form.email"]),
    (field("textfield", validate={"validationType": "email"}), "a@b.cn\n", ["form.email"]),
    (field("textfield", validate={"validationType": "phone"}), "+8613800138000", []),
    (field("textfield", validate={"validationType": "phone"}), "13800138000", ["form.phone"]),
    # numbers
    (field("number", validate={"min": 1}), 0, ["form.min"]),
    (field("number", validate={"max": "0.3"}), 0.30000000000000004, ["form.max"]),
    (field("number", validate={"min": "x"}), 1, ["form.min_invalid"]),
    (field("number", decimalDigits=0), 1.5, ["form.integer"]),
    (field("number", decimalDigits=2), 1.005, ["form.decimal_digits"]),
    (field("number", increment="0.1"), 0.3, []),
    (field("number", increment="0.1"), 0.35, ["form.increment"]),
    (field("number"), "NaN", ["form.not_a_number"]),
    (field("number"), "Infinity", ["form.not_a_number"]),
    (field("number"), float("nan"), ["form.not_a_number"]),
    (field("number"), float("inf"), ["form.not_a_number"]),
    (field("number"), 10**400, ["form.not_a_number"]),
    (field("number"), True, ["form.not_a_number"]),
    (field("number"), [1], ["form.not_a_number"]),
    (field("number", serializeToString=True), "1e5000", ["form.not_a_number"]),
    # options
    (field("select", values=OPTIONS), "other", ["form.unknown_option"]),
    (field("select", values=OPTIONS), {"id": 7}, []),
    (field("select", values=OPTIONS), True, ["form.unknown_option"]),
    (field("select", values=OPTIONS), "1", ["form.unknown_option"]),
    (field("checklist", values=OPTIONS), ["major", "other"], ["form.unknown_option"]),
    (field("checklist", values=OPTIONS), "major", ["form.not_a_list"]),
    (field("radio", valuesExpression='=["x"]'), "x", []),
    (field("radio", valuesExpression='=["x"]'), "y", ["form.unknown_option"]),
    # dates
    (field("datetime", subtype="date"), "2026-02-29", ["form.date_format"]),
    (field("datetime", subtype="date"), "2026-3-5", ["form.date_format"]),
    (field("datetime", subtype="date"), "1899-12-31", ["form.date_too_early"]),
    (field("datetime", subtype="date", disallowPassedDates=True), "2026-03-05", []),
    (field("datetime", subtype="date", disallowPassedDates=True), "2026-03-04", ["form.date_passed"]),
    (field("datetime", subtype="datetime", disallowPassedDates=True), "2026-03-05T00:00", []),
    (
        field("datetime", subtype="datetime", disallowPassedDates=True, timeSerializingFormat="utc_normalized"),
        "2026-03-04T16:00Z",
        [],
    ),
    (field("datetime", subtype="datetime"), "2026-03-05", ["form.datetime_format"]),
    (field("datetime", subtype="datetime"), "2026-03-05T24:00", ["form.datetime_format"]),
    (field("datetime", subtype="time"), "09:30", []),
    (field("datetime", subtype="time"), "09:37", ["form.time_interval"]),
    (field("datetime", subtype="time", timeInterval=1), "09:37", []),
    (field("datetime", subtype="time"), "9:30", ["form.time_format"]),
    (field("datetime", subtype="time"), "09:30Z", ["form.time_zone"]),
    (field("datetime", subtype="time", timeSerializingFormat="utc_offset"), "09:30+08:00", []),
    (field("datetime", subtype="time", timeSerializingFormat="utc_offset"), "09:30", ["form.time_zone"]),
    # types
    (field("textfield"), {"x": 1}, ["form.not_text"]),
    (field("textarea"), 5, ["form.not_text"]),
    (field("textfield"), "a\x00b", ["form.text_characters"]),
    (field("textfield"), "\ud800", ["form.text_characters"]),
    (field("textarea"), "x" * 20_001, ["form.text_too_long"]),
    (field("textfield", validate={"pattern": "a"}), "a" * 4_001, ["form.text_too_long"]),
    (field("checkbox"), "true", ["form.not_boolean"]),
    (field("datetime"), 5, ["form.not_text"]),
    (field("filepicker"), "x", ["form.file_reference"]),
    (field("filepicker"), "files::x", ["form.file_missing"]),
]


@pytest.mark.parametrize(("component", "value", "expected"), RULES)
def test_rule(component: dict[str, Any], value: Any, expected: list[str]) -> None:
    submission = check(component, {"a": value})

    assert keys(submission) == expected
    assert (submission.values == {}) == bool(expected)


VALUES: list[tuple[dict[str, Any], Any, Any]] = [
    (field("textfield"), "a\r\nb", "a  b"),
    (field("textfield"), None, ""),
    (field("textarea"), "a\nb", "a\nb"),
    (field("number"), "1.50", 1.5),
    (field("number"), "", None),
    (field("number"), 5.0, 5),
    (field("number"), 10**20, 1e20),
    (field("number", serializeToString=True), 1.5, "1.5"),
    (field("number", serializeToString=True), "1.50", "1.50"),
    (field("checkbox"), None, False),
    (field("select", values=OPTIONS), "", None),
    (field("checklist", values=OPTIONS), ["major", "major", 1], ["major", 1]),
    (field("checklist", values=OPTIONS), None, []),
    (field("datetime"), "", None),
]


@pytest.mark.parametrize(("component", "value", "expected"), VALUES)
def test_value_is_stored_clean(component: dict[str, Any], value: Any, expected: Any) -> None:
    submission = check(component, {"a": value})

    assert submission.errors == ()
    assert submission.values == {"a": expected}
    assert type(submission.values["a"]) is type(expected)


def test_error_names_path_component_parameters_and_label() -> None:
    component = field("textfield", "a.b", label='="意见" + note', validate={"maxLength": 2})

    [error] = check(component, {"a": {"b": "abc"}}, {"note": "（必填）"}).errors

    assert (error.path, error.component_id, error.key) == ("a.b", "F_a.b", "form.max_length")
    assert error.params == {"value": "2"}
    assert error.label == "意见（必填）"


def test_pattern_error_carries_the_owners_message() -> None:
    component = field("textfield", validate={"pattern": "^x", "patternErrorMessage": "以 x 开头"})

    [error] = check(component, {"a": "y"}).errors

    assert error.params == {"pattern": "^x", "message": "以 x 开头"}


def test_a_stored_date_that_was_not_touched_is_not_held_to_the_picker() -> None:
    component = field("datetime", subtype="date", disallowPassedDates=True)

    assert check(component, {"a": "2025-01-01"}, {"a": "2025-01-01"}).errors == ()
    assert keys(check(component, {"a": "2025-01-02"}, {"a": "2025-01-01"})) == ["form.date_passed"]


@pytest.mark.parametrize("submitted", [None, [], "x", 5, True])
def test_submission_that_is_no_object_is_refused(submitted: Any) -> None:
    assert keys(check(field("textfield"), submitted)) == ["form.not_an_object"]


def test_size_of_a_submission_is_bounded() -> None:
    deep: Any = {}
    for _ in range(10_000):
        deep = {"a": deep}

    assert keys(check(field("textfield"), deep)) == ["form.too_deep"]
    assert keys(check(field("textfield"), {str(n): n for n in range(6_000)})) == ["form.too_many_values"]
    assert keys(check(field("textfield"), {"a": "x", "b": 1}, limits=FormLimits(values=2))) == ["form.too_many_values"]


def test_an_expression_that_exceeds_its_budget_refuses_the_submission() -> None:
    component = field("textfield", conditional={"hide": "=count(for x in 1..9999, y in 1..9999 return x) = 1"})

    assert keys(check(component, {"a": "x"})) == ["form.expression_failed"]
