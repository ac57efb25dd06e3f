"""Compiling, free names, errors with a place, cells, conversion of values, Camunda 7 translation."""

from __future__ import annotations

from collections import OrderedDict
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from types import MappingProxyType

import pytest

from engine.feel import (
    Environment,
    FeelEvaluationError,
    FeelSyntaxError,
    compile_expression,
    compile_unary_tests,
    from_json,
    to_json,
    translate_juel,
)
from engine.feel.values import Function, Range, YearsDuration
from tests.unit.feel.support import ENV, NOW


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('grade = "major" and count(units) > 1', {"grade", "units"}),
        ("case.item.title", {"case"}),
        ("for u in units return u.name + suffix", {"units", "suffix"}),
        ("some x in xs, y in x.ys satisfies x = y and z", {"xs", "z"}),
        ("{a: b, c: a + d}.c", {"b", "d"}),
        ("{a: a}", {"a"}),
        ("function(x) x + y", {"y"}),
        ("for i in 1..n return partial", {"n"}),
        ("units[name = wanted]", {"units"}),
        ("now() + duration(limit)", {"limit"}),
        ("string length(标题)", {"标题"}),
        ("foo(1)", {"foo"}),
        ("Applicant Age > 3", {"Applicant Age"}),
        ("date.year", {"date"}),
        ("`a-b` + c", {"a-b", "c"}),
        ("x in (a, > b)", {"x", "a", "b"}),
    ],
)
def test_free_names_are_those_the_case_data_must_know(text: str, names: set[str]) -> None:
    assert compile_expression(text).names == names


def test_names_read_in_filters_are_told_apart() -> None:
    expression = compile_expression("units[name = wanted and item.x > 1]")

    assert expression.inner_names == {"name", "wanted"}


def test_a_cell_does_not_ask_the_case_for_its_input() -> None:
    assert compile_unary_tests("? > limit").names == {"limit"}


def test_the_same_text_is_compiled_once() -> None:
    assert compile_expression("1 + 1 + 1") is compile_expression("1 + 1 + 1")
    assert compile_unary_tests("> 1") is compile_unary_tests("> 1")


def test_a_leading_equals_sign_is_accepted_only_on_request() -> None:
    assert compile_expression("= 1 + 1", equals=True).evaluate({}, ENV) == 2
    with pytest.raises(FeelSyntaxError):
        compile_expression("= 1 + 1")
    with pytest.raises(FeelSyntaxError) as raised:
        compile_expression("=1 +* 1", equals=True)
    assert raised.value.column == 5


def test_names_with_operators_or_keywords_are_read_when_announced() -> None:
    names = ["Dish - season", "out of order and late"]

    assert compile_expression("Dish - season = 1", names=names).names == {"Dish - season"}
    assert compile_expression("out of order and late", names=names).names == {"out of order and late"}
    assert compile_expression("Dish - season").names == {"Dish", "season"}


@pytest.mark.parametrize(
    ("text", "key", "line", "column"),
    [
        ("", "feel.syntax.empty", 1, 1),
        ("1 +", "feel.syntax.unexpected_end", 1, 4),
        ("1 +\n  * 2", "feel.syntax.unexpected", 2, 3),
        ('grade = "major', "feel.syntax.string_unclosed", 1, 9),
        ("(1 + 2", "feel.syntax.unclosed", 1, 1),
        ("1 + 2)", "feel.syntax.unopened", 1, 6),
        ("grade == 1", "feel.syntax.unexpected", 1, 8),
        ("grade = “重大”", "feel.syntax.write_instead", 1, 9),
        ("a ＞ 1", "feel.syntax.write_instead", 1, 3),
        ("a && b", "feel.syntax.write_instead", 1, 3),
        ("a # b", "feel.syntax.character", 1, 3),
        ("substring(1)", "feel.syntax.arguments", 1, 10),
        ("substring(text: 1)", "feel.syntax.arguments_named", 1, 10),
        ('@"yesterday"', "feel.syntax.date_literal", 1, 1),
        ("{a: 1, a: 2}", "feel.syntax.entry_twice", 1, 1),
        ("x instance of thing", "feel.syntax.type", 1, 15),
        ('"\\uD800"', "feel.syntax.escape", 1, 1),
        ("1e99999", "feel.syntax.number", 1, 1),
        ("if a then b", "feel.syntax.unexpected_end", 1, 12),
    ],
)
def test_a_text_that_is_not_feel_is_refused_with_its_place(text: str, key: str, line: int, column: int) -> None:
    with pytest.raises(FeelSyntaxError) as raised:
        compile_expression(text)

    error = raised.value
    assert (error.message_key, error.line, error.column) == (key, line, column)


def test_a_full_width_sign_is_answered_with_what_to_write() -> None:
    with pytest.raises(FeelSyntaxError) as raised:
        compile_expression("数量 ≥ 5")

    assert raised.value.details == {"found": "≥", "write": ">="}


@pytest.mark.parametrize(
    ("cell", "value", "verdict"),
    [
        ("-", "anything", True),
        ("", None, True),
        ('"重大"', "重大", True),
        ('"重大", "普通"', "普通", True),
        ('"重大", "普通"', "正面", False),
        ('not("重大")', "正面", True),
        ('not("重大", "普通")', "普通", False),
        ("not(1, > 5)", 3, True),
        ("> 5", 6, True),
        ("> 5, < 2", 1, True),
        ("[1..5]", 5, True),
        ("[1..5)", 5, False),
        ("]1..5[", 1, False),
        ("(1..5]", 5, True),
        ("true", True, True),
        ("false", True, False),
        ("true", None, False),
        ("limit > 3", "x", True),
        ("limit > 3", None, True),
        ("limit > 9", "x", False),
        ("null", None, True),
        ("null", 1, False),
        ("not(null)", 1, True),
        ("not(null)", None, False),
        ("5", 5.0, True),
        ("5", "5", None),
        ("> 5", "a", None),
        ("> 5", None, None),
        ("? > 3 and ? < 9", 5, True),
        ("? > 3 and ? < 9", 10, False),
        ('contains(?, "矿")', "非法采矿", True),
        ("count(?) > 1", [1, 2], True),
        ("limit", 7, True),
        ("> limit", 8, True),
        ("[1, 7]", 7, True),
        ("[1, 7]", [1, 7], True),
        ('date("2026-11-20")', "2026-11-20", True),
        ('> @"2026-11-20T00:00:00+08:00"', "2026-11-20T08:30:00+08:00", True),
        ("if ? > 3 then true else false", 5, True),
        ("(1 + 2)", 3, True),
        ('"a-b"', "a-b", True),
        ("-5", -5, True),
        ("< -5", -6, True),
        ("some x in ? satisfies x > 1", [1, 2], True),
        ("? in (true, null)", False, False),
        ("? in (true, null)", True, True),
        ("count([1, 2][item = ?]) = 1", 2, True),
        ("count([true][item = ?]) = 1", False, False),
    ],
)
def test_a_cell_passes_values_as_the_standard_says(cell: str, value: object, verdict: bool | None) -> None:
    assert compile_unary_tests(cell).matches(value, {"limit": 7}, ENV) is verdict


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Decimal("3.00"), 3),
        (Decimal("0.1"), 0.1),
        (Decimal(10) ** 33, 10**33),
        (Decimal("1e40"), 1e40),
        (Decimal("1e400"), "1E+400"),
        (Decimal("0.1234567890123456789"), "0.1234567890123456789"),
        (Decimal("-0"), 0),
        (datetime(2026, 11, 20, 8, 30, tzinfo=UTC), "2026-11-20T08:30:00+00:00"),
        (datetime(2026, 11, 20, 8, 30, 0, 500000, tzinfo=timezone(timedelta(hours=8))), "2026-11-20T08:30:00.5+08:00"),
        (date(2026, 11, 20), "2026-11-20"),
        (time(8, 30, tzinfo=UTC), "08:30:00Z"),
        (timedelta(hours=26), "P1DT2H"),
        (YearsDuration(-14), "-P1Y2M"),
        (Range(Decimal(1), Decimal(5), True, False), "[1..5)"),
        (Range(Decimal(5), None, False, False, unary=True), "> 5"),
        ((1, 2), [1, 2]),
        ({"a": {"b": [Decimal(1)]}}, {"a": {"b": [1]}}),
    ],
)
def test_values_come_out_as_json(value: object, expected: object) -> None:
    out = to_json(value)

    assert out == expected
    assert type(out) is type(expected)


def test_a_function_is_no_json() -> None:
    with pytest.raises(FeelEvaluationError, match="feel.not_json"):
        to_json([Function((), lambda run, arguments: None)])


def test_floats_come_in_by_their_shortest_writing() -> None:
    assert from_json([0.1, 1e22, 5]) == [Decimal("0.1"), Decimal("1e22"), Decimal(5)]
    assert from_json({"a": float("nan"), "b": float("inf")}) == {"a": None, "b": None}


def test_other_mappings_serve_as_case_data() -> None:
    variables = MappingProxyType({"a": OrderedDict(b=[1, {"c": 2}]), "d": object()})

    assert compile_expression("a.b[2].c + 1").evaluate(variables, ENV) == 3
    assert compile_expression("d").evaluate(variables, ENV) is None


def test_evaluating_changes_no_case_data() -> None:
    data: dict[str, object] = {"xs": [3, 1, 2], "c": {"a": 1}}

    compile_expression('[append(xs, 4), sort(xs), context put(c, "b", 2), reverse(xs)]').evaluate(data, ENV)

    assert data == {"xs": [3, 1, 2], "c": {"a": 1}}


def test_working_hours_without_a_calendar_are_an_error_not_null() -> None:
    expression = compile_expression("add working hours(now(), 8)")

    with pytest.raises(FeelEvaluationError, match="feel.calendar_missing"):
        expression.evaluate({}, Environment(now=NOW))


def test_working_hours_in_a_year_without_table_are_an_error_not_null() -> None:
    expression = compile_expression('add working hours("2026-12-31T17:00:00+08:00", 8)')

    with pytest.raises(FeelEvaluationError) as raised:
        expression.evaluate({}, ENV)

    assert raised.value.message_key == "feel.calendar_year_missing"
    assert raised.value.details["year"] == 2027


def test_statutory_clocks_need_no_calendar() -> None:
    expression = compile_expression('end of day("2031-02-03T10:00:00+08:00")')

    assert to_json(expression.evaluate({}, Environment(now=NOW))) == "2031-02-04T00:00:00+08:00"


@pytest.mark.parametrize(
    ("juel", "feel"),
    [
        ('${grade == "major" && !done}', '(grade = "major" and not(done = true))'),
        ("${approved}", "approved"),
        ("#{approved}", "approved"),
        ("${!approved}", "not(approved = true)"),
        ("${not empty units}", "not(is empty(units))"),
        ("${a eq 'x' or b ne 2}", '(a = "x" or b != 2)'),
        ("${amount gt 10 and amount le 20}", "((amount > 10) and (amount <= 20))"),
        ("${a.b.c == null}", "a.b.c = null"),
        ("${x > 1 ? 'big' : 'small'}", '(if (x > 1) then "big" else "small")'),
        ("${(a || b) && c}", "(((a or b)) and c)"),
        ("${total * 2 - 1 >= 7}", "(((total * 2) - 1) >= 7)"),
        ("${'it\\'s \"here\"'}", '"it\'s \\"here\\""'),
        ("${等级 == '重大'}", '等级 = "重大"'),
        ("${a == b == c}", None),
        ("${in == 1}", "`in` = 1"),
        ("${a.size()}", "(if a instance of context then count(get entries(a)) else count(a))"),
        ("${execution.getVariable('a') == 1}", "a = 1"),
        ("R/${period}", '("R/" + get or else(string(period), ""))'),
        ("grade == 1", None),
    ],
)
def test_camunda_7_expressions_become_feel_where_they_mean_the_same(juel: str, feel: str | None) -> None:
    assert translate_juel(juel) == feel
    if feel is not None:
        compile_expression(feel)


@pytest.mark.parametrize(
    ("juel", "variables", "expected"),
    [
        ('${grade == "major" && !done}', {"grade": "major", "done": False}, True),
        ('${grade == "major" && !done}', {"grade": "major", "done": None}, True),
        ('${grade == "major" && !done}', {"grade": "major", "done": True}, False),
        ("${a - b - 1 == 0}", {"a": 3, "b": 2}, True),
        ("${not (a > 1) or b == null}", {"a": 0, "b": 1}, True),
        ("${empty units ? 'none' : 'some'}", {"units": []}, "none"),
        ("${a != null && a > 3}", {"a": None}, False),
        ("${units.contains('甲')}", {"units": ["甲", "乙"]}, True),
        ("${units.contains('甲')}", {"units": "甲乙"}, True),
        ("${!units.contains('丙') && units.size() == 2}", {"units": ["甲", "乙"]}, True),
        ("${m.size()}", {"m": {"a": 1, "b": 2, "c": 3}}, 3),
        ("${t.startsWith('豫') and t.endsWith('号')}", {"t": "豫国土资1号"}, True),
        ("${t.equals('a') || t.equalsIgnoreCase('A')}", {"t": "a"}, True),
        ("${t.length() > 2 ? t.substring(1) : t}", {"t": "abc"}, "bc"),
        ("${t.trim().toUpperCase()}", {"t": " ab "}, "AB"),
        ("${x.isEmpty() or empty x}", {"x": []}, True),
        ("${!(a && b)}", {"a": None, "b": True}, True),
        ("${!(a > 5)}", {"a": None}, True),
        ("${-7 % 3}", {}, -1),
        ("${7 % -3}", {}, 1),
        ("${a mod 4}", {"a": 10}, 2),
        ("${execution.hasVariable('a')}", {"a": None}, False),
        ("${function + 1}", {"function": 2}, 3),
        ("${list.get(0)} ${map.get('k')}", {"list": ["甲"], "map": {"k": 5}}, "甲 5"),
        ("${now()}", {}, "2026-11-23T09:00:00+08:00"),
        ("${dateTime().plusHours(8).plusDays(n).toDate()}", {"n": 2}, "2026-11-25T17:00:00+08:00"),
        ("${dateTime().minusWeeks(1)}", {}, "2026-11-16T09:00:00+08:00"),
        ("  您好，${name}！共 ${n} 件", {"name": "王芳", "n": 3}, "您好，王芳！共 3 件"),
        ("${a}${nothing}", {"a": "x"}, "x"),
        ("${'}'}{", {}, "}{"),
    ],
)
def test_translated_expressions_give_what_camunda_gives(
    juel: str, variables: dict[str, object], expected: object
) -> None:
    text = translate_juel(juel)

    assert text is not None
    assert to_json(compile_expression(text).evaluate(variables, ENV)) == expected
