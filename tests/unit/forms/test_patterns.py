"""JavaScript's regular expressions: the browser's own verdicts, and no pattern that hangs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.definitions.form_automaton import compile_pattern, matches
from engine.definitions.form_pattern import PatternBudget, PatternUnsupported

VERDICTS: dict[str, Any] = json.loads((Path(__file__).parent / "patterns.json").read_text("utf-8"))


def test_verdicts_are_the_browsers() -> None:
    wrong = []
    for pattern, expected in zip(VERDICTS["patterns"], VERDICTS["verdicts"], strict=True):
        try:
            ours = [matches(pattern, text) for text in VERDICTS["texts"]]
        except PatternUnsupported:
            ours = None
        if ours != expected:
            wrong.append(pattern)

    assert wrong == []
    assert sum(verdict is not None for verdict in VERDICTS["verdicts"]) > 200


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(?<=a)b", "look_behind"),
        ("(?<!a)b", "look_behind"),
        ("(a)\\1", "back_reference"),
        ("(?<n>a)\\k<n>", "back_reference"),
        ("\\p{Script=Han}", "unicode_property"),
        ("(?i:a)", "modifier"),
        ("a**", "nothing_to_repeat"),
        ("^*", "nothing_to_repeat"),
        ("+", "nothing_to_repeat"),
        ("(a", "unclosed_group"),
        ("a)", "unmatched_parenthesis"),
        ("[a", "unclosed_class"),
        ("[b-a]", "range_out_of_order"),
        ("a{2,1}", "bounds_out_of_order"),
        ("a\\", "trailing_backslash"),
        ("a{1,5000}", "too_large"),
        ("((a{20}){20}){20}", "too_large"),
        ("a" * 2_001, "too_large"),
        ("(" * 60 + ")" * 60, "too_deep"),
    ],
)
def test_pattern_outside_the_supported_part_is_refused(pattern: str, reason: str) -> None:
    with pytest.raises(PatternUnsupported) as refused:
        compile_pattern(pattern)

    assert refused.value.reason == reason


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*b", "(a*)*b", "^(([a-z])+.)+[A-Z]([a-z])+$", "(.*a){12}b"])
def test_patterns_that_hang_backtracking_engines_end(pattern: str) -> None:
    assert matches(pattern, "a" * 3_000 + "!") is False


def test_work_on_one_text_is_bounded() -> None:
    with pytest.raises(PatternBudget):
        matches("(?=.*x)(?=.*y)", "a" * 4_000)
