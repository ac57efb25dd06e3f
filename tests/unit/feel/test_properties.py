"""Laws that hold for every value, checked on drawn ones. A failing run prints the seed to repeat it with."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.feel import (
    FeelEvaluationError,
    FeelSyntaxError,
    compile_expression,
    compile_unary_tests,
    from_json,
    is_true,
    to_json,
    translate_juel,
)
from engine.feel.regex import compile_pattern, search
from engine.feel.run import Run
from engine.feel.temporal import days_text, instant_text, parse_date_time, parse_duration
from tests.unit.feel.support import ENV, VARIABLES

NUMBERS = st.decimals(-(10**12), 10**12, places=4, allow_nan=False)
WHOLE = st.integers(-(10**6), 10**6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(-1e15, 1e15, allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)
MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 zone is drawn
DURATIONS = st.timedeltas(timedelta(days=-30000), timedelta(days=30000))
PIECES = [*'ab1 .,:()[]{}<>=!?+-*/"\\@\n中', "if ", " then ", " else ", "not", " in ", " and ", "for ", " return "]
SOURCE = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


def value_of(text: str, **variables: object) -> object:
    return compile_expression(text).evaluate(variables, ENV)


@given(NUMBERS, NUMBERS, NUMBERS)
def test_addition_is_exact_commutative_and_undone_by_subtraction(a: Decimal, b: Decimal, c: Decimal) -> None:
    assert value_of("a + b", a=a, b=b) == a + b
    assert value_of("a + b = b + a and (a + b) + c = a + (b + c)", a=a, b=b, c=c) is True
    assert value_of("a + b - b", a=a, b=b) == a


@given(WHOLE, WHOLE.filter(bool))
def test_modulo_and_floor_fit_together(a: int, b: int) -> None:
    assert value_of("b * floor(a / b) + modulo(a, b) = a", a=a, b=b) is True
    assert value_of("modulo(a, b)", a=a, b=b) == a % b


@given(NUMBERS, st.integers(0, 6))
def test_rounding_up_and_down_enclose_the_number(n: Decimal, scale: int) -> None:
    assert value_of("round down(abs(n), s) <= abs(n) and abs(n) <= round up(abs(n), s)", n=n, s=scale) is True
    assert value_of("floor(n, s) <= n and n <= ceiling(n, s)", n=n, s=scale) is True


@given(NUMBERS, NUMBERS, NUMBERS)
def test_between_in_and_comparison_agree(x: Decimal, a: Decimal, b: Decimal) -> None:
    low, high = min(a, b), max(a, b)
    answers = [
        value_of(text, x=x, a=low, b=high)
        for text in ("x between a and b", "x in [a..b]", "x >= a and x <= b", "includes([a..b], x)")
    ]
    assert answers == [low <= x <= high] * 4
    assert compile_unary_tests("[a..b]").matches(x, {"a": low, "b": high}, ENV) is (low <= x <= high)


@given(WHOLE, WHOLE, WHOLE, WHOLE)
def test_range_relations_follow_from_their_points(a: int, b: int, c: int, d: int) -> None:
    first, second = sorted((a, b)), sorted((c, d))
    names = {"a": first[0], "b": first[1], "c": second[0], "d": second[1]}
    overlap = max(first[0], second[0]) <= min(first[1], second[1])

    assert value_of("overlaps([a..b], [c..d])", **names) is overlap
    assert value_of("before([a..b], [c..d]) or after([a..b], [c..d])", **names) is (not overlap)
    assert value_of("includes([a..b], [c..d])", **names) is (first[0] <= second[0] and second[1] <= first[1])
    assert value_of("during([c..d], [a..b]) = includes([a..b], [c..d])", **names) is True


@given(st.integers(-50, 50), st.integers(-50, 50))
def test_a_loop_over_a_range_visits_every_whole_number(a: int, b: int) -> None:
    step = 1 if b >= a else -1
    assert value_of("for i in a..b return i", a=a, b=b) == list(range(a, b + step, step))


@given(st.lists(WHOLE, max_size=30))
def test_sort_reverse_and_distinct_values(items: list[int]) -> None:
    assert value_of("sort(x)", x=items) == sorted(items)
    assert value_of("reverse(reverse(x)) = x", x=items) is True
    assert value_of("distinct values(x)", x=items) == list(dict.fromkeys(items))
    assert value_of("every i in x satisfies list contains(x, i)", x=items) is True


@given(st.booleans() | st.none(), st.booleans() | st.none())
def test_logic_is_three_valued_and_keeps_de_morgan(a: bool | None, b: bool | None) -> None:
    def plain(text: str) -> object:
        return value_of(text, a=a, b=b)

    assert plain("not(a and b)") == plain("not(a) or not(b)")
    assert plain("a and b") == plain("b and a")
    assert plain("a or b") is (True if True in (a, b) else None if None in (a, b) else False)


@given(MOMENTS, DURATIONS)
def test_adding_a_duration_is_undone_by_subtracting_it(at: datetime, by: timedelta) -> None:
    assert value_of("at + by - by = at and (at + by) - at = by", at=at, by=by) is True
    assert value_of("at + by", at=instant_text(at), by=by) == at + by


@given(MOMENTS)
def test_the_end_of_a_day_is_the_next_midnight_in_beijing(at: datetime) -> None:
    end = value_of("end of day(at)", at=at)

    assert isinstance(end, datetime)
    assert end.tzinfo is not None
    assert timedelta() < end - at <= timedelta(days=1, hours=2)  # 1940 to 1991 had daylight saving
    assert end.time() == datetime.min.time()


@given(MOMENTS)
def test_written_moments_read_back(at: datetime) -> None:
    assert parse_date_time(instant_text(at)) == at


@given(DURATIONS)
def test_written_durations_read_back(by: timedelta) -> None:
    assert parse_duration(days_text(by)) == by


@given(st.dates(date(1900, 1, 1), date(2200, 1, 1)), st.integers(-500, 500))
def test_months_added_keep_the_day_or_end_the_month(day: date, months: int) -> None:
    moved = value_of('day + months * duration("P1M")', day=day, months=months)

    assert isinstance(moved, date)
    assert (moved.year * 12 + moved.month) - (day.year * 12 + day.month) == months
    assert moved.day == day.day or (moved + timedelta(days=1)).day == 1


@given(JSON)
def test_json_comes_out_as_it_went_in(value: object) -> None:
    out = to_json(from_json(value))

    assert json.loads(json.dumps(out)) == json.loads(json.dumps(value))
    assert value_of("x = x", x=value) is not False


@given(JSON, JSON)
def test_operators_never_raise_whatever_the_case_data_holds(a: object, b: object) -> None:
    for operator in ("+", "-", "*", "/", "=", "!=", "<", ">=", "in", "and", "or"):
        to_json(value_of(f"a {operator} b", a=a, b=b))
    to_json(value_of("a.b[item = b].c", a=a, b=b))


@settings(max_examples=300)
@given(SOURCE)
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    for compile_text in (compile_expression, compile_unary_tests):
        try:
            compiled = compile_text(text)
        except FeelSyntaxError as error:
            assert error.message_key.startswith("feel.syntax.")
            assert error.line >= 1
            assert error.column >= 1
        else:
            assert compiled.text == text
    translate_juel("${" + text + "}")


@settings(max_examples=300)
@given(SOURCE)
def test_what_is_read_evaluates_to_json_or_says_why_not(text: str) -> None:
    try:
        to_json(compile_expression(text).evaluate(VARIABLES, ENV))
    except FeelSyntaxError:
        return
    except FeelEvaluationError as error:
        assert error.message_key in ("feel.budget", "feel.not_json")


@given(
    st.text(st.sampled_from("ab"), max_size=12),
    st.sampled_from(["a*b", "(a|b)*a", "a{2,3}", "^a?b+$", "(ab)+", "b$", "a.b"]),
)
def test_patterns_find_what_python_finds(text: str, pattern: str) -> None:
    import re

    program = compile_pattern(pattern)
    assert program is not None
    mine = search(program, text, 0, Run(ENV))
    theirs = re.search(pattern, text)

    assert (mine is None) == (theirs is None)
    if mine is not None and theirs is not None:
        assert mine[:2] == theirs.span()


def test_is_true_is_only_the_boolean() -> None:
    assert is_true(True)
    assert not any(is_true(value) for value in (False, None, 1, Decimal(1), "true", [True]))


@given(JSON | NUMBERS, st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), st.sampled_from(["5", "0.5", '"a"', "9e40"]))
def test_a_name_beside_a_literal_compares_as_two_names_do(value: object, operator: str, literal: str) -> None:
    short = value_of(f"x {operator} {literal}", x=value)

    assert short is value_of(f"[x][1] {operator} y", x=value, y=value_of(literal))
    assert short is value_of(f"get or else(x, x) {operator} {literal}", x=value)


@given(st.integers(-(10**40), 10**40))
def test_whole_numbers_of_any_size_compare_by_their_value(value: int) -> None:
    near = value_of("x", x=value)

    assert value_of("x = y and x <= y and not(x < y)", x=value, y=near) is True
    assert value_of("x > 1000", x=value) is (value > 1000)
