"""Files of a filepicker: reference in, facts out."""

from __future__ import annotations

from typing import Any

import pytest

from engine.definitions.forms import FileFact, FormLimits
from tests.unit.forms.support import check, field, keys

PDF = FileFact("f1", "核实报告.PDF", 10, "ab" * 32, "application/pdf")
PNG = FileFact("f2", "现场.png", 10, "cd" * 32, "image/png")
SENT = {"a": "files::1"}


def test_reference_becomes_the_files_facts() -> None:
    submission = check(field("filepicker"), SENT, files={"files::1": [PDF]})

    fact = {"id": "f1", "name": "核实报告.PDF", "size": 10, "sha256": "ab" * 32, "media_type": "application/pdf"}
    assert submission.values == {"a": [fact]}


@pytest.mark.parametrize(
    ("rules", "facts", "expected"),
    [
        ({}, [PDF, PNG], ["form.one_file"]),
        ({"multiple": True}, [PDF, PNG], []),
        ({"multiple": "=2 > 1"}, [PDF, PNG], []),
        ({"multiple": "yes"}, [PDF, PNG], ["form.one_file"]),
        ({"accept": ".pdf"}, [PDF], []),
        ({"accept": ".docx, application/pdf"}, [PDF], []),
        ({"accept": "image/*"}, [PNG], []),
        ({"accept": "image/*"}, [PDF], ["form.file_type"]),
        ({"accept": '=".p" + "df"'}, [PDF], []),
        ({}, [], ["form.file_missing"]),
    ],
)
def test_files_are_held_to_the_picker(rules: dict[str, Any], facts: list[FileFact], expected: list[str]) -> None:
    assert keys(check(field("filepicker", **rules), SENT, files={"files::1": facts})) == expected


def test_number_of_files_is_bounded() -> None:
    many = {"files::1": [PNG, PNG, PNG]}

    assert keys(check(field("filepicker", multiple=True), SENT, files=many, limits=FormLimits(files=2))) == [
        "form.too_many_files"
    ]


def test_stored_files_stay_and_satisfy_required() -> None:
    required = field("filepicker", validate={"required": True})

    assert keys(check(required, {"a": None})) == ["form.required"]
    kept = check(required, {"a": None}, {"a": [{"id": "f0"}]})
    assert (kept.errors, kept.values) == ((), {})


def test_a_reference_nobody_uploaded_is_refused() -> None:
    assert keys(check(field("filepicker"), SENT, files={"files::2": [PDF]})) == ["form.file_missing"]
