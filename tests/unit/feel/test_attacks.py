"""Expressions that try to hang, exhaust or escape: each ends quickly, in a way that can be shown to a person."""

from __future__ import annotations

from pathlib import Path
from time import process_time

import pytest

from engine.feel import (
    Environment,
    FeelEvaluationError,
    FeelSyntaxError,
    compile_expression,
    compile_unary_tests,
    to_json,
    translate_juel,
)
from tests.unit.feel.support import ENV, NOW, VARIABLES

SECONDS = 2.0
"""Of processor time; each takes under 0.3 s of it on a machine that does nothing else."""


def _attacks() -> list[tuple[str, str]]:
    lines = Path(__file__).with_name("attacks.txt").read_text("utf-8").splitlines()
    pairs = [line.rpartition("==>") for line in lines if "==>" in line and not line.startswith("#")]
    return [(text.strip(), outcome.strip()) for text, _, outcome in pairs]


ATTACKS = _attacks()
SOURCES = {
    "brackets": "(" * 5000 + "1" + ")" * 5000,
    "brackets never closed": "(" * 15000,
    "lists": "[" * 200 + "]" * 200,
    "contexts": "{a: " * 100 + "1" + "}" * 100,
    "calls": "not(" * 100 + "true" + ")" * 100,
    "conditions": "if a then " * 100 + "1" + " else 2" * 100,
    "loops": "for x in y return " * 200 + "x",
    "minus": "- " * 3000 + "a",
    "paths": "a" + ".b" * 2000,
    "filters": "a" + "[b]" * 2000,
    "instances": "a" + " instance of number" * 500,
    "comparisons": "a" + " = a" * 500,
    "too long": "1 + " * 6000 + "1",
    "too many tokens": "1," * 6000,
    "string never closed": '"' + "a" * 19000,
    "escapes never closed": '"' + "\\" * 19001,
    "dots": "." * 5000,
    "types": "a instance of " + "list<" * 2000,
    "question marks": "?" * 5000,
    "comment never closed": "/*" * 5000,
    "lone surrogate": '"\\uD800"',
    "null character": "a \x00 b",
}


def test_the_corpus_is_as_large_as_promised() -> None:
    assert len(ATTACKS) + len(SOURCES) >= 100


@pytest.mark.parametrize(("text", "outcome"), ATTACKS, ids=[text[:60] for text, _ in ATTACKS])
def test_attack_is_answered_quickly(text: str, outcome: str) -> None:
    begun = process_time()

    try:
        value = to_json(compile_expression(text).evaluate(VARIABLES, ENV))
        came = "null" if value is None else "value"
    except FeelSyntaxError:
        came = "syntax"
    except FeelEvaluationError as error:
        came = error.message_key.removeprefix("feel.")

    assert process_time() - begun < SECONDS
    assert came == outcome or (outcome == "any" and came in ("null", "value"))


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_source_that_is_too_much_is_a_syntax_error(source: str) -> None:
    begun = process_time()

    with pytest.raises(FeelSyntaxError) as raised:
        compile_expression(source)

    assert raised.value.message_key.startswith("feel.syntax.")
    assert process_time() - begun < SECONDS


def test_long_flat_chains_are_not_deep() -> None:
    total = compile_expression("+".join(["1"] * 2000)).evaluate({}, ENV)
    every = compile_expression(" and ".join(["true"] * 2000)).evaluate({}, ENV)

    assert (total, every) == (2000, True)


def test_deep_case_data_is_refused_not_a_crash() -> None:
    deep: list[object] = []
    for _ in range(5000):
        deep = [deep]

    with pytest.raises(FeelEvaluationError, match="feel.budget"):
        compile_expression("a").evaluate({"a": deep}, ENV)


def test_deep_equality_is_refused_not_a_crash() -> None:
    def nested(depth: int) -> dict[str, object]:
        value: dict[str, object] = {}
        for _ in range(depth):
            value = {"a": value}
        return value

    with pytest.raises(FeelEvaluationError) as raised:
        compile_expression("a = b").evaluate({"a": nested(200), "b": nested(200)}, ENV)

    assert raised.value.details == {"limit": "depth", "allowed": 64}


def test_a_result_with_shared_parts_does_not_unfold_without_end() -> None:
    value: list[object] = [1]
    for _ in range(60):
        value = [value, value]

    with pytest.raises(FeelEvaluationError, match="feel.budget"):
        to_json(value)


@pytest.mark.parametrize(
    ("limits", "text", "limit"),
    [
        ({"max_steps": 50}, "for i in 1..20 return i * i", "steps"),
        ({"max_items": 10}, "for i in 1..11 return i", "items"),
        ({"max_text": 10}, '"123456" + "123456"', "text"),
        ({"max_depth": 3}, "flatten([[[[1]]]])", "depth"),
    ],
)
def test_each_limit_of_the_environment_is_kept(limits: dict[str, int], text: str, limit: str) -> None:
    with pytest.raises(FeelEvaluationError) as raised:
        compile_expression(text).evaluate({}, Environment(now=NOW, **limits))  # type: ignore[arg-type]

    assert raised.value.message_key == "feel.budget"
    assert raised.value.details["limit"] == limit


def test_a_loop_pays_for_the_size_of_its_body() -> None:
    small = compile_expression("for i in 1..1000 return i")
    large = compile_expression(f"for i in 1..1000 return {' + '.join(['i'] * 50)}")

    assert len(small.evaluate({}, ENV)) == 1000  # type: ignore[arg-type]
    with pytest.raises(FeelEvaluationError, match="feel.budget"):
        large.evaluate({}, ENV)


@pytest.mark.parametrize("cell", ["not(" * 100, "1," * 5000, "(" * 500, "]" * 500, "[1.." * 200, "-" * 5000])
def test_a_hostile_cell_is_a_syntax_error(cell: str) -> None:
    with pytest.raises(FeelSyntaxError):
        compile_unary_tests(cell)


@pytest.mark.parametrize(
    "text",
    [
        "${" + "!" * 4000 + "x}",
        "${" + "(" * 2000 + "x" + ")" * 2000 + "}",
        "${''.getClass().forName('java.lang.Runtime')}",
        "${x.method()}",
        "${execution.setVariable('a', 1)}",
        "${a[0]}",
        "${a ? b}",
        "${" + "a" * 6000 + "}",
        "${'never closed}",
        "${}",
        "text ${} and more",
        "text ${a",
        "\\${a}",
        "no expression",
        "${" + "a" + ".contains(b)" * 12 + "}",
        "${" + " % ".join(["a"] * 12) + "}",
        "${execution.id}",
        "${task.assignee == 'a'}",
        "${a.contains()}",
        "${bean.call(1)}",
        "${a.b().c}",
        "${execution.getVariable(name)}",
        "${execution.getVariable('a b')}",
        "${''.class}",
        "${a.get(b)}",
        "${a.replaceAll('(a+)+', 'b')}",
        "${a instanceof b}",
    ],
)
def test_juel_beyond_the_subset_is_not_translated(text: str) -> None:
    assert translate_juel(text) is None
