"""What the compliance page says of each clause is so: read off the bundle, looked up in the repository."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from engine.definitions.bundle import Bundle, read_bundle
from engine.service import clause_table
from engine.service.bundle_folder import from_folder
from engine.service.clauses import ALL, Clause, clauses, mapping, open_points, quotes
from engine.service.compliance import DEFAULT_MARGIN, duration_seconds, margin_seconds

ROOT = Path(__file__).parents[2]
REGULATION = "bpmn/regulation.toml"


@pytest.fixture(scope="module")
def files() -> Mapping[str, bytes]:
    return from_folder(ROOT)


@pytest.fixture(scope="module")
def bundle(files: Mapping[str, bytes]) -> Bundle:
    return read_bundle(files)


def of(bundle: Bundle, number: str) -> Clause:
    return clauses(bundle)[ALL.index(number)]


def edited(files: Mapping[str, bytes], path: str, *changes: tuple[str, str]) -> Bundle:
    text = files[path].decode()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return read_bundle({**files, path: text.encode()})


def fields(components: Any) -> set[str]:
    found: set[str] = set()
    for one in components or ():
        found |= {one["key"]} if "key" in one else set()
        found |= fields(one.get("components"))
    return found


def test_there_is_a_row_for_every_clause_with_a_statement(bundle: Bundle):
    rows = clauses(bundle)

    assert [row.number for row in rows] == [f"R{number:02}" for number in range(1, 75)]
    for row in rows:
        assert row.title and row.quote and row.gloss, row.number
        says = row.elements or row.program or row.reason
        assert says, f"{row.number} says nothing of how it is carried out"
        assert row.status in ("diagram", "system", "manual", "later"), row.number


def test_what_is_not_carried_out_says_why_and_where_it_is_planned(bundle: Bundle):
    for row in clauses(bundle):
        if row.status in ("later", "manual"):
            assert row.reason, row.number
        if row.status == "later":
            assert row.issue, row.number
        if row.status == "system":
            assert row.program, row.number


def test_no_row_claims_an_element_that_does_not_exist(bundle: Bundle):
    there = {(process.id, node.shown) for process in bundle.processes.values() for _, node in process.walk()}
    claimed = {(element.process, element.id) for row in clauses(bundle) for element in row.elements}

    assert claimed and claimed <= there
    assert all(form in bundle.forms for row in clauses(bundle) for form in row.forms)
    assert all(rules.decision in bundle.decisions for row in clauses(bundle) for rules in row.rules)
    assert [row.missing for row in clauses(bundle) if row.missing] == []


@pytest.mark.parametrize("number", ALL)
def test_what_the_program_is_said_to_do_is_in_the_repository(number: str):
    for one in mapping()[number].get("by", ()):
        path, _, field = one["at"].partition("#")
        assert (ROOT / path).is_file(), one["at"]
        if field:
            assert field in fields(json.loads((ROOT / path).read_text(encoding="utf-8"))["components"]), one["at"]


def test_the_mapping_knows_these_clauses_and_no_others():
    assert list(mapping()) == list(ALL)


@pytest.mark.parametrize("number", ALL)
def test_the_quotes_are_the_regulation_s_own_words(number: str, bundle: Bundle):
    title, quote = quotes(bundle)[number]

    assert title and quote
    assert of(bundle, number).quote == quote


def test_a_bundle_without_the_element_says_that_the_clause_is_gone(files: Mapping[str, bytes]):
    path = "bpmn/unit_opinion.bpmn"
    changed = edited(files, path, ('value="R29 R34"', 'value="R29"'))

    row = of(changed, "R34")

    assert (row.status, row.elements, row.missing) == ("gone", (), ())


def test_an_element_that_is_gone_is_named_though_others_carry_the_clause(files: Mapping[str, bytes]):
    changed = edited(files, "bpmn/unified_reply.bpmn", ("Task_publish_reply", "Task_put_online"))

    row = of(changed, "R05")

    assert row.status == "diagram"
    assert [element.id for element in row.elements] == ["Task_publish_statement", "Task_put_online"]
    assert row.missing == ("unified_reply/Task_publish_reply",)


def test_an_element_that_takes_a_clause_up_changes_its_row(files: Mapping[str, bytes]):
    changed = edited(files, "bpmn/unit_opinion.bpmn", ('value="R29 R34"', 'value="R29 R34 R61"'))

    row = of(changed, "R61")

    assert (row.status, [element.id for element in row.elements]) == ("diagram", ["Task_sign"])
    assert row.by_case and row.forms == ("unit_sign",)


def test_a_bundle_without_a_profile_has_rows_that_say_so(files: Mapping[str, bytes]):
    bare = read_bundle({path: content for path, content in files.items() if path != REGULATION})

    rows = clauses(bare)

    assert len(rows) == 74
    assert {row.status for row in rows if not row.elements} == {"gone"}
    assert {row.quote for row in rows} == {""} and open_points(bare) == ()


def test_a_clause_by_tasks_or_limits_is_told_from_one_the_program_does_itself(bundle: Bundle):
    assert of(bundle, "R50").by_case and of(bundle, "R03").by_case
    assert not of(bundle, "R59").by_case and of(bundle, "R59").element_ids == ("Service_inform_vice",)
    assert not of(bundle, "R53").by_case


def test_limits_tables_and_checks_are_found_for_the_clause_they_name(bundle: Bundle):
    assert of(bundle, "R50").limits == ("eight_hours",)
    assert [rules.decision for rules in of(bundle, "R46").rules] == ["grading"]
    assert [guard.kind for guard in of(bundle, "R49").guards] == ["limit", "before", "who"]


def test_the_gaps_are_those_of_the_profile_with_nobody_s_consent_yet(bundle: Bundle):
    points = open_points(bundle)

    assert [point.id for point in points] == [f"G-{number}" for number in range(1, 16)]
    assert all(point.question and point.chosen for point in points)


def test_the_document_says_what_the_page_says(bundle: Bundle):
    text = clause_table.PAGE.read_text(encoding="utf-8")

    assert clause_table.page(text, bundle) == text, "run: python -m engine.service.clause_table"


def test_the_document_would_change_with_the_diagrams(files: Mapping[str, bytes]):
    text = clause_table.PAGE.read_text(encoding="utf-8")
    changed = edited(files, "bpmn/unified_reply.bpmn", ("Task_publish_reply", "Task_put_online"))

    assert clause_table.page(text, changed) != text


def test_a_document_without_the_mark_is_refused(bundle: Bundle):
    with pytest.raises(ValueError, match="made by"):
        clause_table.page("# nothing", bundle)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("PT30M", 1800.0), ("PT2H", 7200.0), ("P1D", 86400.0), ("P1Y", DEFAULT_MARGIN), ("soon", DEFAULT_MARGIN),
     (None, DEFAULT_MARGIN), (30, DEFAULT_MARGIN)],
)  # fmt: skip
def test_the_margin_of_a_late_report_is_that_of_the_profile(value: Any, seconds: float):
    assert duration_seconds(value) == seconds


def test_the_shipped_margin_is_half_an_hour(bundle: Bundle):
    assert margin_seconds(bundle) == 1800.0
