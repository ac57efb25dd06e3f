"""docs/feel.md is true: every function is in it, every example gives what it says, every stated bound is the bound."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path

import pytest

from engine.feel import (
    Environment,
    FeelSyntaxError,
    compile_expression,
    compile_unary_tests,
    to_json,
    translate_juel,
)
from engine.feel.functions import BUILTINS
from engine.feel.lexer import KEYWORDS, MAX_BRACKETS, MAX_SOURCE
from tests.unit.feel.support import ENV, VARIABLES

PAGE = (Path(__file__).parents[3] / "docs" / "feel.md").read_text("utf-8")
ROW = re.compile(r"^\| ((?:`[^`]+`(?:<br>)?)+)( \*)? \| ([^|]+) \| ([^|]+) \| `([^`]+)` \| `([^`]+)` \|$", re.MULTILINE)
ROWS = ROW.findall(PAGE[PAGE.index("## 函数") :])


def test_the_table_lists_exactly_the_functions_that_exist_with_their_signatures() -> None:
    listed = [signature for row in ROWS for signature in re.findall(r"`([^`]+)`", row[0])]
    existing = [one.signature for signatures in BUILTINS.values() for one in signatures]

    assert sorted(listed) == sorted(existing)


def test_the_star_marks_what_is_not_in_the_standard() -> None:
    starred = {row[0].split("(")[0].lstrip("`") for row in ROWS if row[1]}

    assert starred == {name for name, signatures in BUILTINS.items() if signatures[0].own}


@pytest.mark.parametrize("row", ROWS, ids=[row[0].split("(")[0].lstrip("`") for row in ROWS])
def test_the_example_gives_what_the_table_says(row: tuple[str, ...]) -> None:
    name, example, expected = row[0].split("(")[0].lstrip("`"), row[4], row[5]

    assert f"{name}(" in example
    assert to_json(compile_expression(example).evaluate(VARIABLES, ENV)) == json.loads(expected)


OPERATOR = re.compile(r"^\| ((?:`[^`]+`,?)+) \| ([^|]+) \| ([^|]+) \| `([^`]+)` \| `([^`]+)` \|$", re.MULTILINE)
OPERATORS = OPERATOR.findall(PAGE[PAGE.index("## 运算") : PAGE.index("## 空值与真假")])


@pytest.mark.parametrize("row", OPERATORS, ids=[row[0].replace("`", "") for row in OPERATORS])
def test_the_operator_gives_what_the_table_says(row: tuple[str, ...]) -> None:
    assert to_json(compile_expression(row[3]).evaluate(VARIABLES, ENV)) == json.loads(row[4])


def test_every_operator_and_keyword_is_in_the_table() -> None:
    shown = " ".join(row[0] + row[3] for row in OPERATORS)

    assert len(OPERATORS) == PAGE[PAGE.index("## 运算") : PAGE.index("## 空值与真假")].count("\n| `")
    for word in (KEYWORDS - {"external"}) | {"instance of", "**", "!=", "<=", ">=", "@", "//", "/*", "..", "[", "{"}:
        assert word in shown or word in PAGE


JUEL = re.findall(r"^\| `([^`]*[$#]\{[^`]+)` \| `([^`]+)` \|$", PAGE, re.MULTILINE)


@pytest.mark.parametrize(("juel", "feel"), JUEL)
def test_a_camunda_expression_becomes_what_the_table_says(juel: str, feel: str) -> None:
    assert translate_juel(juel) == feel
    compile_expression(feel)


def test_the_table_of_camunda_expressions_is_not_short() -> None:
    assert len(JUEL) >= 20


def _codes(heading: str) -> list[str]:
    """The code in the first column of the table under a heading."""
    section = PAGE[PAGE.index(heading) :]
    table = section[section.index("|---") :].partition("\n\n")[0].splitlines()[1:]
    return [code for line in table for code in re.findall(r"`([^`]+)`", line.split(" | ")[0])]


@pytest.mark.parametrize("code", _codes("## 一分钟"))
def test_what_the_introduction_shows_can_be_written(code: str) -> None:
    compile_expression(code)


@pytest.mark.parametrize("code", _codes("## 决策表的格子"))
def test_the_cells_shown_can_be_written(code: str) -> None:
    compile_unary_tests(code)


@pytest.mark.parametrize("code", [code.replace("\\", "") for code in _codes("## 写错了会怎样")])
def test_the_mistakes_shown_are_refused(code: str) -> None:
    with pytest.raises(FeelSyntaxError):
        compile_expression(code)


def test_the_bounds_stated_are_the_bounds() -> None:
    defaults = {field.name: field.default for field in fields(Environment)}
    section = PAGE[PAGE.index("## 界限") :]

    for number in (
        *(defaults[name] for name in ("max_steps", "max_items", "max_text", "max_depth")),
        MAX_SOURCE,
        MAX_BRACKETS,
    ):
        assert f"{number:,}" in section


def test_every_keyword_that_needs_backticks_is_a_syntax_error_bare() -> None:
    assert compile_expression("`发现-登记`").names == {"发现-登记"}
    assert compile_expression("承办 单位").names == {"承办 单位"}
