"""Holes, overlaps, idle rules and outputs that are not allowed are told, with an example that people can read."""

from __future__ import annotations

import pytest

from engine.definitions.bundle import Bundle, read_bundle
from engine.definitions.checks.tables import check_tables
from tests.unit.checks.test_names import shipped
from tests.unit.test_dmn import definitions, literal, table
from tests.unit.test_dmn_boxed import bkm, decision, knows


def bundle(*content: str) -> Bundle:
    return read_bundle({"bpmn/t.dmn": definitions(*content)})


def told(*content: str) -> list[tuple[str, str, str, str]]:
    found = check_tables(bundle(*content))
    return [
        (f.severity, f.key, str(f.details.get("rules", f.details.get("rule", ""))), str(f.details.get("example", "")))
        for f in found
    ]


def test_the_shipped_tables_have_no_holes_no_overlaps_and_no_idle_rules() -> None:
    assert check_tables(shipped()) == []


def test_a_hole_in_the_shipped_grading_is_told_with_an_example_in_words() -> None:
    holed = shipped(bpmn_grading_dmn=('hitPolicy="FIRST"', 'hitPolicy="FIRST" ')).files["bpmn/grading.dmn"].decode()
    start = holed.rindex("<rule ")
    files = {"bpmn/grading.dmn": (holed[:start] + holed[holed.index("</rule>", start) + 7 :]).encode()}
    files["bpmn/regulation.toml"] = shipped().files["bpmn/regulation.toml"]

    found = check_tables(read_bundle(files))

    assert {(f.severity, f.key, f.element, f.name) for f in found} == {
        ("warning", "dmn.gap", "grading", "舆情分级建议")
    }
    assert len(found) <= 3
    assert found[0].line > 1
    assert "影响市级决策 = false" in str(found[0].details["example"])
    assert "媒体数 = 4" in str(found[0].details["example"])


def test_a_threshold_of_the_profile_is_known_and_another_is_not() -> None:
    rules = [(["> limit"], ["1"]), (["<= limit"], ["2"])]
    known = read_bundle({"bpmn/t.dmn": definitions(table(["n"], ["x"], rules)), "r.toml": b"[parameters]\nlimit = 5\n"})

    assert check_tables(known) == []
    assert told(table(["n"], ["x"], rules)) == [("info", "dmn.gaps.column", "", "")]


@pytest.mark.parametrize(
    ("columns", "severity"), [(["n", "k"], "error"), (["n", "n"], "warning"), (["n", "n + 1"], "warning")]
)
def test_rules_that_fit_together_are_an_error_where_columns_are_fields_of_their_own(
    columns: list[str], severity: str
) -> None:
    rules = [(["< 10", "-"], ["1"]), (["-", "< 10"], ["2"]), ([">= 10", ">= 10"], ["3"])]

    found = told(table(columns, ["x"], rules))

    assert [one[:3] for one in found] == [(severity, "dmn.overlap", "1, 2")]


def test_a_rule_that_others_hide_never_fires() -> None:
    rules = [(["< 10"], ["1"]), (["< 5"], ["2"]), (["-"], ["3"])]

    assert told(table(["n"], ["x"], rules, policy="FIRST")) == [("warning", "dmn.rule_never", "2", "")]


def test_an_output_outside_the_allowed_values_is_told() -> None:
    rules = [(["< 10"], ['"a"']), ([">= 10"], ['"c"'])]

    assert told(table(["n"], ["x"], rules, values={"x": '"a", "b"'})) == [
        ("warning", "dmn.output_not_allowed", "2", "")
    ]


def test_lists_asked_for_their_items_are_understood() -> None:
    rules = [(['list contains(?, "a")'], ["1"]), (['list contains(?, "b")'], ["2"])]

    found = told(table(["l"], ["x"], rules))

    assert ("error", "dmn.overlap", "1, 2", "l = ['a', 'b']") in found
    assert ("warning", "dmn.gap", "", "l = []") in found


def test_a_table_in_a_business_knowledge_model_is_looked_at_too() -> None:
    inside = table(["x"], ["y"], [(["< 10"], ["1"])]).partition(">")[2].rpartition("</decision>")[0]
    called = literal("d", "b(n)").replace("<literal", f"{knows('b')}<literal")

    found = check_tables(bundle(bkm("b", "x", inside), called))

    assert {(f.key, f.element, f.file) for f in found} == {("dmn.gap", "b", "bpmn/t.dmn")}


def test_a_collecting_table_has_no_holes() -> None:
    assert told(table(["n"], ["x"], [(["< 10"], ["1"]), (["< 5"], ["2"])], policy="COLLECT")) == []
    assert told(decision("<list/>")) == []
