"""The server's verdicts beside those of the real form-js-viewer 2.0.0, case by case (see make_corpus.py)."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from engine.definitions.forms import Component, FileFact, Form, read_form
from engine.feel import Environment

CORPUS = Path(__file__).parent / "corpus"
ENV = Environment(now=datetime.fromisoformat("2026-03-05T09:30:00+08:00"))
KEYS = {
    r"Value is not a number\.": "form.not_a_number",
    r"Value is expected to be an integer\.": "form.integer",
    r"Value is expected to have at most .* decimal digits?\.": "form.decimal_digits",
    r"Please select a valid value, .*": "form.increment",
    r"Field must match pattern .*|请填写正确的格式": "form.pattern",
    r"Field is required\.": "form.required",
    r"Field must have minimum value of .*": "form.min",
    r"Field must have maximum value of .*": "form.max",
    r"Min validation value is not a valid number\.": "form.min_invalid",
    r"Max validation value is not a valid number\.": "form.max_invalid",
    r"Field must have minimum length of .*": "form.min_length",
    r"Field must have maximum length of .*": "form.max_length",
    r"Field must be a valid international phone number\..*": "form.phone",
    r"Field must be a valid email\.": "form.email",
}
"""The viewer's messages (Validator.js) and ours."""
FILE = FileFact("1", "a.pdf", 1, "0" * 64, "application/pdf")


def cases() -> list[Any]:
    out = []
    for file in sorted(CORPUS.glob("*.json")):
        out += [pytest.param(one, id=one["name"]) for one in json.loads(file.read_text("utf-8"))]
    return out


def key_of(message: str) -> str:
    [key] = [key for pattern, key in KEYS.items() if re.fullmatch(pattern, message)]
    return key


def row_numbers(path: str) -> tuple[int, ...]:
    return tuple(int(part) for part in path.split(".") if part.isdigit())


def leaves(value: Any, path: str = "") -> dict[str, Any]:
    """Every leaf by path; rows as they are, empty containers nowhere."""
    if isinstance(value, dict) and value:
        return {k: v for name, item in value.items() for k, v in leaves(item, f"{path}.{name}").items()}
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        return {k: v for number, item in enumerate(value) for k, v in leaves(item or {}, f"{path}.{number}").items()}
    return {} if value == {} else {path: value}


def tidy(value: Any) -> Any:
    return value.replace("\t", " ") if isinstance(value, str) else value


def form_of(case: dict[str, Any]) -> Form:
    return read_form(json.dumps(case["schema"]).encode())


@pytest.mark.parametrize("case", cases())
def test_server_agrees_with_the_viewer(case: dict[str, Any]) -> None:
    form = form_of(case)
    files = {one["value"]: [FILE] for one in case["edits"] if "file" in one}

    ours = form.check(case["submitted"], case["data"], ENV, files=files)

    theirs = sorted(
        (one["id"], tuple(one["rows"]), key_of(message)) for one in case["errors"] for message in one["messages"]
    )
    assert sorted((one.component_id, row_numbers(one.path), one.key) for one in ours.errors) == theirs
    if not theirs:
        values = leaves(ours.values)
        # known differences: a stored file is a list of facts, no reference; a tab pasted into a line becomes a blank
        sent = {
            path: tidy(value)
            for path, value in leaves(case["submitted"]).items()
            if not str(value).startswith("files::")
        }
        assert {path: tidy(values.get(path)) for path in sent} == sent


def places(components: tuple[Component, ...], base: str = "") -> dict[str, tuple[str, Component]]:
    """Component id -> its path without row numbers."""
    out: dict[str, tuple[str, Component]] = {}
    for one in components:
        path = ".".join([base, *one.segments]).strip(".")
        out |= {one.id: (path, one)} | places(one.children, path)
    return out


@pytest.mark.parametrize("case", [one for one in cases() if not one.values[0]["errors"]])
def test_what_the_viewer_shows_is_what_is_stored(case: dict[str, Any]) -> None:
    form = form_of(case)
    where = places(form.components)

    ours = form.check(case["submitted"], case["data"], ENV, files={"files::one": [FILE]})

    shown = [(*where[one["id"]], tuple(one["rows"])) for one in case["visible"]]
    expected = {(path, rows) for path, one, rows in shown if not one.disabled and one.type != "filepicker"}
    fields = {path for path, one in where.values() if one.keyed}
    assert {one for one in stored_fields(ours.values, fields) if one[0] != "files"} == expected


def stored_fields(value: Any, fields: set[str], path: str = "", rows: tuple[int, ...] = ()) -> set[Any]:
    """Path without row numbers, and row numbers, of every field that has a value."""
    if path in fields:
        return {(path, rows)}
    if isinstance(value, list):
        return {one for n, item in enumerate(value) for one in stored_fields(item, fields, path, (*rows, n))}
    return {
        one for name, item in value.items() for one in stored_fields(item, fields, f"{path}.{name}".strip("."), rows)
    }


@pytest.mark.parametrize("case", cases())
def test_viewer_is_given_enough_data(case: dict[str, Any]) -> None:
    form = form_of(case)

    assert form.check(case["submitted"], form.initial(case["data"]), ENV) == form.check(
        case["submitted"], case["data"], ENV
    )


def test_corpus_is_large_enough() -> None:
    assert len(cases()) >= 300
