"""Which case fields lists see, and as what."""

from __future__ import annotations

import pytest

from engine.readmodels.fields import LIFTED, LONGEST_TEXT, as_instant, as_text, lift
from engine.readmodels.schema import cases


def test_every_lifted_field_has_its_column() -> None:
    assert {column for column, _ in LIFTED.values()} <= set(cases.c.keys())


def test_fields_that_were_not_written_are_not_touched() -> None:
    assert lift({"grade": "positive", "facts": "属实"}) == {"grade": "positive"}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("论坛", "论坛"),
        (None, ""),
        (["微博", "论坛"], "微博、论坛"),
        (3, "3"),
        (True, "true"),
        ([1, "a"], '[1, "a"]'),
        ({"b": 1, "a": "区"}, '{"a": "区", "b": 1}'),
        ("长" * (LONGEST_TEXT + 1), "长" * LONGEST_TEXT),
    ],
)
def test_a_value_becomes_the_text_that_people_would_read(value: object, text: str) -> None:
    assert as_text(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("2026-03-02T10:05:00+08:00", "2026-03-02T02:05:00.000000Z"),
        ("2026-03-02T10:05:00", ""),
        ("昨天", ""),
        (None, ""),
        (20260302, ""),
    ],
)
def test_an_instant_is_kept_in_utc_and_anything_else_not_at_all(value: object, text: str) -> None:
    assert as_instant(value) == text
