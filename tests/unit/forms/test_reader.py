"""Bytes that are no form are refused with a reason, whatever they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.definitions.forms import FormUnreadable, read_form
from tests.unit.forms.support import ENV, field, form

SAMPLES = [
    one["schema"]
    for file in sorted((Path(__file__).parent / "corpus").glob("*.json"))
    for one in json.loads(file.read_text("utf-8"))[:5]
]


def nested(levels: int) -> bytes:
    component: dict[str, Any] = {"type": "group", "id": "x", "components": []}
    for number in range(levels):
        component = {"type": "group", "id": f"g{number}", "components": [component]}
    return json.dumps({"type": "default", "components": [component]}).encode()


@pytest.mark.parametrize(
    ("data", "key"),
    [
        (b"", "form.not_json"),
        (b"{", "form.not_json"),
        (b"<xml/>", "form.not_json"),
        (b'{"type": "default", "n": NaN}', "form.not_json"),
        (b'{"type": "default", "n": 1e999}', "form.not_json"),
        (b'{"type": "default", "n": ' + b"9" * 5_000 + b"}", "form.not_json"),
        (b"\xff\xfe", "form.not_utf8"),
        (b'{"type": "default", "id": "\\ud800"}', "form.not_utf8"),
        (b"[]", "form.not_a_form"),
        (b"{}", "form.not_a_form"),
        (b'{"type": "group", "components": []}', "form.not_a_form"),
        (b'{"type": "default", "components": {}}', "form.components_not_a_list"),
        (b'{"type": "default", "components": [1]}', "form.component_not_an_object"),
        (b'{"type": "default", "components": [{"key": "a"}]}', "form.component_not_an_object"),
        (b" " * 1_000_001, "form.too_large"),
        (b"[" * 200_000, "form.too_deep"),
        (b'{"a":' * 100_000, "form.too_deep"),
        (nested(20), "form.too_deep"),
        (nested(40), "form.too_deep"),
        (
            json.dumps({"type": "default", "components": [{"type": "text"}] * 1_001}).encode(),
            "form.too_many_components",
        ),
    ],
)
def test_what_is_no_form_is_refused(data: bytes, key: str) -> None:
    with pytest.raises(FormUnreadable) as refused:
        read_form(data)

    assert refused.value.key == key


def test_a_byte_order_mark_is_not_minded() -> None:
    assert read_form(b'\xef\xbb\xbf{"type": "default", "id": "F"}').id == "F"


def survives(data: bytes) -> None:
    try:
        read = read_form(data)
    except FormUnreadable:
        return
    json.dumps([[problem.key, dict(problem.details)] for problem in read.problems()])
    read.check({"a": 1}, read.initial({"a": 1, "options": []}), ENV)


@given(st.binary(max_size=300))
def test_random_bytes_never_crash_the_reader(data: bytes) -> None:
    survives(data)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12)
    | st.sampled_from(["=a", "=", "=(", "{{a}}", "{{", "a.b", "default", "textfield", "dynamiclist", "=not(a)"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


def places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *[place for key, value in inner for place in places(value, (*path, key))]]


@settings(max_examples=300)
@given(st.data())
def test_damaged_forms_never_crash_the_reader_or_the_examination(data: st.DataObject) -> None:
    schema = json.loads(json.dumps(data.draw(st.sampled_from(SAMPLES))))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.sampled_from(places(schema)[1:]))
        parent = schema
        for key in place[:-1]:
            parent = parent[key]
        parent[place[-1]] = data.draw(JUNK)

    survives(json.dumps(schema).encode())


def test_reading_does_not_change_the_schema() -> None:
    read = form(field("textfield", validate={"required": True}))

    assert read.schema["components"][0] == field("textfield", validate={"required": True})
