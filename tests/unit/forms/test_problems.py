"""What the examination of a form finds before it is published."""

from __future__ import annotations

from typing import Any

import pytest

from engine.definitions.forms import read_form
from tests.unit.forms.support import field, form, group, problems, rows

OPTIONS = [{"label": "是", "value": "y"}]

FAULTS: list[tuple[list[dict[str, Any]], str, str]] = [
    ([field("textfield"), field("number", id="other")], "form.path_claimed", "error"),
    ([field("textfield"), field("number", "a.b")], "form.path_claimed", "error"),
    ([field("number", "a.b"), field("textfield")], "form.path_claimed", "error"),
    ([rows("a", field("textfield", "x")), field("number", "a.y")], "form.path_claimed", "error"),
    ([group(field("textfield"), path="g"), field("number", "g.a")], "form.path_claimed", "error"),
    ([field("textfield"), field("textfield", "b", id="F_a")], "form.duplicate_id", "error"),
    ([field("textfield", conditional={"hide": "=a >"})], "form.expression_syntax", "error"),
    ([field("expression", expression="=(")], "form.expression_syntax", "error"),
    ([{"type": "text", "id": "T", "text": "{{a +}}"}], "form.expression_syntax", "error"),
    ([field("textfield", validate={"maxLength": "=)"})], "form.expression_syntax", "error"),
    ([{"type": "text", "id": "T", "text": '{{string join(a, "\n")}}'}], "form.expression_line_break", "error"),
    ([{"type": "map", "id": "M"}], "form.unknown_type", "error"),
    ([field("textfield", "typename")], "form.key_reserved", "error"),
    ([field("textfield", "x.typename")], "form.key_reserved", "error"),
    ([field("textfield", "_due")], "form.key_reserved", "error"),
    ([field("textfield", "x.constructor")], "form.key_reserved", "error"),
    ([field("textfield", "a.0")], "form.key_number", "error"),
    ([field("textfield", "a..b")], "form.key_blank", "error"),
    ([field("textfield", "")], "form.key_missing", "error"),
    ([rows("")], "form.path_missing", "error"),
    ([field("textfield", "unit-name")], "form.key_needs_quotes", "warning"),
    ([field("textfield", "this")], "form.key_hides_row", "warning"),
    ([field("textfield", validate={"pattern": "(a"})], "form.pattern_unsupported", "error"),
    ([field("textfield", validate={"pattern": "(a)\\1"})], "form.pattern_unsupported", "error"),
    ([field("textfield", validate={"pattern": "a{1,9999}"})], "form.pattern_unsupported", "error"),
    ([field("select", values=[])], "form.options_empty", "error"),
    ([field("select")], "form.options_missing", "error"),
    ([field("select", values=[*OPTIONS, {"label": "x"}])], "form.options_malformed", "warning"),
    ([field("select", values=OPTIONS * 2)], "form.options_repeated", "warning"),
    ([field("select", values=OPTIONS, valuesKey="o")], "form.options_twice", "warning"),
    ([field("number", validate={"min": "x"})], "form.bound_not_a_number", "error"),
    ([field("number", increment="0")], "form.bound_not_a_number", "error"),
    ([field("textfield", validate={"required": "=x"})], "form.not_an_expression_here", "warning"),
    ([field("textfield", conditional={"hide": "a = 1"})], "form.condition_without_equals", "warning"),
    ([field("expression", expression="=a + 1")], "form.expression_reads_itself", "warning"),
    ([field("datetime", subtype="week")], "form.unknown_subtype", "error"),
    ([rows("u", field("textfield", disabled=True))], "form.row_without_identity", "warning"),
    ([rows("u", field("textfield"), isRepeating=False)], "form.list_not_repeating", "error"),
    ([], "form.empty", "warning"),
]


@pytest.mark.parametrize(("components", "key", "severity"), FAULTS)
def test_fault_is_found(components: list[dict[str, Any]], key: str, severity: str) -> None:
    assert (key, severity) in problems(*components)


def test_a_sound_form_has_no_problems() -> None:
    components = [
        field("textfield", "舆情标题", validate={"required": True, "maxLength": 100}),
        field("select", "grade", values=OPTIONS, conditional={"hide": '=not(舆情标题 = "x")'}),
        group(field("number", "age"), field("datetime", "born"), path="who"),
        group(field("number", "size"), path="who", id="G2"),
        rows(
            "units",
            field("textfield", "unit", readonly=True),
            field("textarea", "opinion"),
            rows("points", field("number", "n")),
        ),
        {"type": "text", "id": "T", "text": '{{#if grade = "y"}}{{who.age}}{{/if}}'},
        {"type": "button", "id": "B", "label": "提交", "action": "submit"},
    ]

    assert problems(*components) == set()


def test_newer_schema_version_is_a_warning() -> None:
    assert problems(field("textfield"), schemaVersion=20) == {("form.newer_schema", "warning")}
    assert problems(field("textfield"), schemaVersion=4) == set()


def test_finding_says_where_the_expression_breaks() -> None:
    [problem] = form(field("textfield", conditional={"hide": "=a = = b"})).problems()

    assert (problem.component_id, problem.details["property"]) == ("F_a", "conditional.hide")
    assert problem.details["text"] == "=a = = b"
    assert isinstance(problem.details["column"], int)


def test_a_form_without_id_must_not_be_published() -> None:
    assert ("form.id_missing", "error") in {
        (problem.key, problem.severity) for problem in read_form(b'{"type":"default","components":[]}').problems()
    }
