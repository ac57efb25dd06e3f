"""What the diff tells of decision tables, forms, the profile, other files, and of files that came, went or moved."""

from __future__ import annotations

import json
import re
from typing import Any

from engine.definitions import diff_dmn, diff_form
from engine.definitions.diff import diff, diff_file
from engine.definitions.diff_model import Change
from tests.unit.checks.bundle_edits import shipped

ROUTING, GRADE, PROFILE = "bpmn/routing.dmn", "forms/grade.form", "bpmn/regulation.toml"
RULE = re.compile(r"      <rule id.*?</rule>\n", re.DOTALL)


def told(path: str, after: str) -> tuple[Change, ...]:
    return diff_file(path, path, shipped()[path], after.encode()).changes


def routing() -> tuple[str, list[str]]:
    text = shipped()[ROUTING].decode()
    return text, RULE.findall(text)


def form(edit: Any) -> tuple[Change, ...]:
    """The changes after `edit` of the components of the grading form."""
    loaded = json.loads(shipped()[GRADE])
    edit(loaded["components"])
    return told(GRADE, json.dumps(loaded, ensure_ascii=False))


def test_a_rule_that_moved_is_told_with_both_places():
    text, rules = routing()

    (change,) = told(ROUTING, text.replace(rules[0], "").replace(rules[3], rules[3] + rules[0]))

    assert (change.kind, change.effect, change.before, change.after) == ("moved", "decision", "1", "4")
    assert change.clauses == ("R09",)


def test_rules_with_ids_made_anew_are_the_same_rules():
    text, _ = routing()
    number = iter(range(1_000))

    changes = told(ROUTING, re.sub(r'id="(Rule|InputEntry|OutputEntry)_\w+"', lambda _: f'id="n{next(number)}"', text))

    assert {change.effect for change in changes} == {"technical"}


def test_a_changed_rule_under_a_new_id_is_matched_by_what_it_says():
    text, rules = routing()
    changed = rules[0].replace('id="Rule_routing_1"', 'id="Rule_new"').replace('"weidu"', '"jianan"')

    changes = [one for one in told(ROUTING, text.replace(rules[0], changed)) if one.effect == "decision"]

    assert [(one.kind, one.path, one.before, one.after) for one in changes] == [
        ("changed", ("cell[承办单位]",), '"weidu"', '"jianan"')
    ]


def test_a_rule_about_something_else_in_the_same_place_is_another_rule():
    text, rules = routing()
    other = rules[2].replace("Rule_routing_3", "Rule_new").replace("禹州市", "开发区").replace('"yuzhou"', '"kaifa"')

    changes = told(ROUTING, text.replace(rules[2], other))

    assert sorted(one.kind for one in changes) == ["added", "removed"]


def test_columns_and_the_hit_policy_are_told():
    text, _ = routing()
    changed = text.replace('label="业务条线"', 'label="条线"').replace('hitPolicy="COLLECT"', 'hitPolicy="FIRST"')

    changes = told(ROUTING, changed)

    assert {(one.path, one.effect) for one in changes} == {(("@hitPolicy",), "decision"), (("@label",), "text")}


def test_both_tables_are_laid_over_one_another():
    text, rules = routing()

    (view,) = diff_dmn.views(shipped()[ROUTING], text.replace(rules[1], "").replace('"weidu"', '"x"').encode())

    assert [row.state for row in view.rows[:3]] == ["changed", "removed", "same"]
    assert (view.rows[1].old, view.rows[1].new) == (2, None)
    assert view.rows[0].cells[-1] == ('"weidu"', '"x"')
    assert [column.label for column in view.columns] == ["属地（县区职责时）", "业务条线", "承办单位"]


def test_a_field_with_another_key_is_told_as_such():
    def edit(components: list[Any]) -> None:
        components[2]["key"] = "level"

    (change,) = form(edit)

    assert (change.kind, change.effect, change.before, change.after) == ("renamed", "form", "grade", "level")


def test_fields_that_changed_places_are_one_move():
    def edit(components: list[Any]) -> None:
        components[2], components[3] = components[3], components[2]

    (change,) = form(edit)

    assert (change.kind, change.path) == ("moved", ("@place",))


def test_options_requirements_and_conditions_are_told_one_by_one():
    def edit(components: list[Any]) -> None:
        components[2]["values"].pop()
        components[2]["conditional"] = {"hide": "=relevant != true"}
        components[3]["validate"]["maxLength"] = 200

    changes = form(edit)

    assert {(one.kind, one.subject.id, one.path, one.after) for one in changes} == {
        ("removed", "grade", ("values", "[positive]"), None),
        ("added", "grade", ("conditional",), '{"hide": "=relevant != true"}'),
        ("changed", "grade_reason", ("validate", "maxLength"), "200"),
    }


def test_truth_is_not_one_and_one_is_not_its_text():
    base = {"type": "default", "id": "f", "components": [{"type": "number", "key": "n", "id": "i", "step": 1}]}
    for value in (True, "1", 1.5, None):
        other = json.loads(json.dumps(base))
        other["components"][0]["step"] = value

        assert diff_form.diff(json.dumps(base).encode(), json.dumps(other).encode()), value


def test_a_parameter_is_told_with_the_clauses_of_the_limits_that_use_it():
    text = shipped()[PROFILE].decode()

    (change,) = told(PROFILE, text.replace('triage_limit = "PT30M"', 'triage_limit = "PT2H"'))

    assert (change.subject.id, change.effect, change.clauses) == ("parameters.triage_limit", "limit", ("R24",))


def test_a_check_is_matched_by_what_it_says_when_another_is_put_before_it():
    text = shipped()[PROFILE].decode()
    new = '[[checks]]\nclause = "R01"\nkind = "must"\nsays = "新"\nsays_en = "new"\nstarts = "true"\nuntil = "true"\n\n'

    (change,) = told(PROFILE, text.replace("[[checks]]", new + "[[checks]]", 1))

    assert (change.kind, change.effect, change.clauses) == ("added", "regulation", ("R01",))


def test_a_file_that_cannot_be_read_is_compared_line_by_line():
    text = shipped()[PROFILE].decode()

    (change,) = told(PROFILE, text.replace('archive_limit = "P5D"', 'archive_limit = "P6D'))

    assert change.path[0].startswith("line[")
    assert change.before is not None and "P5D" in change.before


def test_files_that_came_went_and_got_another_name():
    before = shipped()
    after = dict(before)
    after["forms/level.form"] = after.pop("forms/grade.form")
    after["bpmn/reporting.bpmn"] = after.pop("bpmn/report_leader.bpmn").replace(b'groups="chief"', b'groups="x"')
    after["bpmn/reporting.bpmn"] = after["bpmn/reporting.bpmn"].replace(b'Groups="chief"', b'Groups="leader"')
    del after["bpmn/tracking.bpmn"]
    after["forms/extra.form"] = b'{"type": "default", "id": "extra", "components": []}'

    found = {one.path: one for one in diff(before, after).files}

    assert found.keys() == {
        "forms/level.form", "bpmn/reporting.bpmn", "bpmn/tracking.bpmn", "forms/extra.form",
    }  # fmt: skip
    assert (found["forms/level.form"].status, found["forms/level.form"].old) == ("renamed", "forms/grade.form")
    assert [one.after for one in found["bpmn/reporting.bpmn"].changes] == ["leader"]
    assert found["bpmn/tracking.bpmn"].status == "removed"
    assert found["forms/extra.form"].status == "added"
