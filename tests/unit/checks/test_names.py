"""A name that nothing writes is found in whatever it stands, and named; the shipped bundle has none."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.definitions.bundle import Bundle, read_bundle
from engine.definitions.checks.names import check_names, known_names, uses
from engine.definitions.model import Assignment, MultiInstance
from tests.support.nets import bundle_with, drawn
from tests.unit.test_dmn import definitions, table
from tests.unit.test_dmn_boxed import bkm, decision, e, knows

ROOT = Path(__file__).parents[3]
SHIPPED = {
    path.relative_to(ROOT).as_posix(): path.read_bytes()
    for path in [*(ROOT / "bpmn").iterdir(), *(ROOT / "forms").iterdir()]
    if path.is_file()
}


def shipped(**edits: tuple[str, str]) -> Bundle:
    """The shipped bundle with one text replaced in each file named (`bpmn/archive.bpmn` as `bpmn_archive_bpmn`)."""
    files = dict(SHIPPED)
    for path in files:
        old, new = edits.get(path.replace("/", "_").replace(".", "_"), ("", ""))
        assert old.encode() in files[path]
        files[path] = files[path].replace(old.encode(), new.encode(), 1)
    return read_bundle(files)


def test_the_shipped_bundle_writes_every_name_it_reads() -> None:
    assert check_names(shipped()) == []


def test_every_kind_of_file_is_looked_at() -> None:
    seen = {Path(use.file).suffix for use in uses(shipped())}

    assert seen == {".bpmn", ".dmn", ".form", ".toml"}
    assert len(list(uses(shipped()))) > 600


EDITS = {
    "a condition": (
        {"bpmn_archive_bpmn": ("=count(archive_missing)", "=count(archive_mising)")},
        ("bpmn.unknown_name_near", "bpmn/archive.bpmn", "archive_mising", "archive_missing"),
    ),
    "a collection": (
        {"bpmn_assignment_bpmn": ('collection="=units"', 'collection="=unit_list"')},
        ("bpmn.unknown_name_near", "bpmn/assignment.bpmn", "unit_list", "units"),
    ),
    "an anchor": (
        {"bpmn_case_round_bpmn": ('name="anchor" value="triage_from"', 'name="anchor" value="triage_form"')},
        ("bpmn.unknown_name_near", "bpmn/case_round.bpmn", "triage_form", "triage_from"),
    ),
    "a figure that the scoring of units is not asked with": (
        {"bpmn_unit_scoring_dmn": ("-5 * broken", "-5 * brokn")},
        ("dmn.unknown_name_near", "bpmn/unit_scoring.dmn", "brokn", "broken"),
    ),
    "a figure of the scoring outside it": (
        {"bpmn_archive_bpmn": ("=count(archive_missing)", "=count(late_registrations)")},
        ("bpmn.unknown_name", "bpmn/archive.bpmn", "late_registrations", None),
    ),
    "a property": (
        {"bpmn_feedback_bpmn": ('name="unit" value="=lead_unit"', 'name="unit" value="=主办单位"')},
        ("bpmn.unknown_name", "bpmn/feedback.bpmn", "主办单位", None),
    ),
    "an input column": (
        {"bpmn_grading_dmn": ("<text>outlet_count</text>", "<text>outlets_count</text>")},
        ("dmn.unknown_name_near", "bpmn/grading.dmn", "outlets_count", "outlet_count"),
    ),
    "a form's condition": (
        {"forms_instruction_form": ('"=grade = ', '"=grde = ')},
        ("form.unknown_name_near", "forms/instruction.form", "grde", "grade"),
    ),
    "a list that a form offers": (
        {"forms_assign_form": ('"valuesKey": "units_options"', '"valuesKey": "unit_options"')},
        ("form.unknown_name_near", "forms/assign.form", "unit_options", "units_options"),
    ),
    "a limit of the profile": (
        {"bpmn_regulation_toml": ('due = "end of day(discovered_at)"', 'due = "end of day(起点)"')},
        ("bpmn.unknown_name", "bpmn/regulation.toml", "起点", None),
    ),
    "a function": (
        {"bpmn_archive_bpmn": ("=count(archive_missing)", "=cuont(archive_missing)")},
        ("bpmn.unknown_function_near", "bpmn/archive.bpmn", "cuont", "count"),
    ),
    "a function that nobody has": (
        {"bpmn_archive_bpmn": ("=count(archive_missing)", "=执行(archive_missing)")},
        ("bpmn.unknown_function", "bpmn/archive.bpmn", "执行", None),
    ),
}


@pytest.mark.parametrize(("edits", "expected"), EDITS.values(), ids=EDITS)
def test_a_misspelled_name_is_an_error_at_its_element(
    edits: dict[str, tuple[str, str]], expected: tuple[str, str, str, str | None]
) -> None:
    found = check_names(shipped(**edits))

    assert [(f.severity, f.key, f.file, f.details["name"], f.details.get("near")) for f in found] == [
        ("error", *expected)
    ]
    assert found[0].element
    assert found[0].line > 0 or found[0].file.endswith((".form", ".toml"))


def test_text_without_quotes_in_a_table_is_an_unknown_name() -> None:
    bundle = shipped(bpmn_routing_dmn=('<text>"gengbao"</text>', "<text>gengbao</text>"))

    found = check_names(bundle)

    assert [(f.severity, f.key, f.details["name"]) for f in found] == [("error", "dmn.unknown_name", "gengbao")]


def test_in_a_diagram_alone_a_name_is_a_warning_and_a_function_an_error() -> None:
    alone = bundle_with(drawn("start>xor xor>end[amount > frobnicate(5)] xor>end2*"))

    found = {(f.severity, f.key, f.element, f.details["name"]) for f in check_names(alone)}

    assert found == {
        ("warning", "bpmn.unknown_name", "f2", "amount"),
        ("error", "bpmn.unknown_function", "f2", "frobnicate"),
    }


def test_a_table_alone_is_asked_for_its_functions_only() -> None:
    content = definitions(table(["n"], ["x"], [(["> limit"], ["frobnicate(n)"])]))

    found = check_names(read_bundle({"bpmn/t.dmn": content}))

    assert [(f.severity, f.key, f.element, f.line > 1) for f in found] == [
        ("error", "dmn.unknown_function", "rule_1", True)
    ]


def test_a_knowledge_model_cannot_read_the_case() -> None:
    files = {
        **SHIPPED,
        "bpmn/t.dmn": definitions(bkm("b", "x", e("x + 阈值")), decision(e("b(grade)"), needs=knows("b"))),
    }

    found = check_names(read_bundle(files))

    assert [(f.key, f.element, f.details["name"]) for f in found] == [("dmn.unknown_name", "b", "阈值")]


def test_all_that_an_element_writes_is_known_everywhere() -> None:
    process = drawn(
        "start>script script>user user>end",
        script={"result": "r", "script": "given", "inputs": (Assignment("in1", "r"),)},
        user={
            "outputs": (Assignment("given", "r + in1 + item_ + loopCounter"),),
            "multi": MultiInstance(False, "all_", "", "item_", "nrOfCompletedInstances > 1", "all_", "=item_"),
            "properties": {"collectInto": "rows", "into": "made", "unit": "=made", "responsible": "office, =rows"},
        },
    )

    found = check_names(bundle_with(process))

    assert found == []
    assert {"r", "in1", "given", "item_", "all_", "rows", "made"} <= known_names(bundle_with(process))


def test_what_may_be_an_entry_of_an_item_is_not_judged() -> None:
    process = drawn("start>script script>end", script={"result": "r", "script": 'r[平台 = "微博"].标题'})

    assert check_names(bundle_with(process)) == []


def test_bare_timers_and_own_names_of_an_expression_are_no_fields() -> None:
    process = drawn(
        "start>script script>end",
        script={
            "result": "r",
            "script": "for x in [1] return (function(f, y) f(y + x))(abs, {a: 1, b: a}.b)",
            "due": "=PT8H",
        },
    )

    assert check_names(bundle_with(process)) == []


def test_checking_the_shipped_bundle_takes_less_than_a_second_of_processor_time() -> None:
    from time import process_time

    bundle, begun = shipped(), process_time()

    check_names(bundle)

    assert process_time() - begun < 1.0
