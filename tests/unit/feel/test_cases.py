"""Every line of cases.txt: the standard's own examples and semantics, and the office's functions."""

from __future__ import annotations

import pytest

from engine.feel import compile_expression, to_json
from tests.unit.feel.support import ENV, VARIABLES, cases

CASES = cases()


def test_the_table_is_as_large_as_promised() -> None:
    assert len(CASES) >= 450
    assert len({text for text, _ in CASES}) == len(CASES)


@pytest.mark.parametrize(("text", "expected"), CASES, ids=[text[:60] for text, _ in CASES])
def test_case(text: str, expected: object) -> None:
    value = to_json(compile_expression(text).evaluate(VARIABLES, ENV))

    assert value == expected
    # 1 == True in Python, but a number is no boolean in FEEL.
    assert isinstance(value, bool) == isinstance(expected, bool)
