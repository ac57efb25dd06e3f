"""The regulation on the shipped bundle: proved as it is, every seeded fault named by its clause, no false alarm."""

from __future__ import annotations

import json
import string
from collections.abc import Iterable
from functools import cache

import pytest

from engine.definitions.bundle import Bundle, read_bundle
from engine.definitions.checks.regulation import check_regulation
from engine.definitions.checks.regulation_fields import Fields
from engine.definitions.checks.regulation_places import Places
from engine.definitions.checks.regulation_profile import read_profile
from engine.definitions.checks.regulation_walk import Walk
from engine.definitions.checks.soundness import check_soundness
from engine.definitions.model import Finding
from engine.kernel.compile import compile_bundle
from tests.unit.checks.bundle_edits import ROOT, Files, shipped, xml
from tests.unit.checks.mutations import MUTATIONS, STRUCTURE, Mutation
from tests.unit.checks.same_meaning import CHANGES, Change

MOST_STATES = 6_000
"""A third of a second. Twice as many: some field has begun to multiply the states. Find it, don't raise this."""


def sparing(names: Iterable[str]) -> list[object]:
    """Every third by default, all of them with the long tests: each takes half a second."""
    return [name if n % 3 == 0 else pytest.param(name, marks=pytest.mark.long) for n, name in enumerate(names)]


def changed(change: Mutation | Change) -> Bundle:
    files = shipped()
    change(files)
    return read_bundle(files)


def errors(findings: list[Finding]) -> list[Finding]:
    return [one for one in findings if one.severity == "error"]


@cache
def fault(name: str) -> tuple[Bundle, list[Finding]]:
    """The bundle with a seeded fault and what the check says of it; worked out once, three tests ask."""
    bundle = changed(MUTATIONS[name][0])
    return bundle, check_regulation(bundle)


def structural(bundle: Bundle) -> list[Finding]:
    """Errors of the reader, else of the compiler, else of the soundness check."""
    return errors(bundle.findings) or errors(compile_bundle(bundle).findings) or errors(check_soundness(bundle))


@cache
def sentences(language: str) -> dict[str, str]:
    loaded: dict[str, str] = json.loads((ROOT / "webui" / "catalogue" / f"{language}.json").read_text("utf-8"))
    return loaded


def test_the_shipped_bundle_keeps_the_regulation() -> None:
    bundle = read_bundle(shipped())

    assert check_regulation(bundle) == []


@pytest.mark.parametrize("name", sparing(MUTATIONS))
def test_a_seeded_fault_is_named_by_its_clause(name: str) -> None:
    clauses = MUTATIONS[name][1]

    bundle, findings = fault(name)

    found = {str(one.details.get("clause")) for one in errors(findings)}
    caught = bool(found & clauses) or (STRUCTURE in clauses and bool(structural(bundle)))
    assert caught, found


@pytest.mark.parametrize("name", sparing(CHANGES))
def test_what_means_the_same_raises_no_alarm(name: str) -> None:
    bundle = changed(CHANGES[name])

    assert errors(bundle.findings) == []
    assert check_regulation(bundle) == []


def test_a_bundle_without_rules_is_not_judged() -> None:
    files = {path: data for path, data in shipped().items() if not path.endswith(".toml")}

    assert check_regulation(read_bundle(files)) == []


@pytest.mark.parametrize(
    ("name", "key", "element"),
    [
        ("eight_hours_become_eighty", "regulation.limit_late", "Event_eight_hours"),
        ("eight_hours_count_from_entry", "regulation.limit_moves", "Event_eight_hours"),
        ("same_day_limit_removed", "regulation.limit_missing", "Task_draft_statement"),
        ("same_day_limit_interrupts_the_statement", "regulation.not_done", "Event_closed"),
        ("unit_supervises_itself", "regulation.wrong_people", "Task_supervise"),
        ("statement_approved_by_staff", "regulation.wrong_approver", "Task_publish_statement"),
        ("statement_approved_after_publication", "regulation.too_early", "Task_publish_statement"),
        ("late_report_not_drafted", "regulation.breach_report", "Event_same_day_due"),
        ("escalation_removed", "regulation.breach_leader", "Event_eight_hours"),
        ("only_the_lead_unit_is_handled", "regulation.not_each", "Call_units"),
        ("a_script_grades", "regulation.not_a_person", "Script_x"),
        ("grade_field_removed_from_its_form", "regulation.choice_missing", "opinion_case"),
        ("first_rule_of_grading_removed", "regulation.table_wrong", "Rule_grading"),
        ("default_flow_of_the_approver_removed", "regulation.falls_through", "Gateway_approver"),
        ("archive_task_removed", "regulation.element_gone", "archive"),
    ],
)
def test_the_finding_blames_the_element_and_shows_the_way_to_it(name: str, key: str, element: str) -> None:
    _, found = fault(name)

    mine = [one for one in found if (one.key, one.element) == (key, element)]
    assert mine, [(one.key, one.element) for one in found]
    path = mine[0].details["path"]
    assert isinstance(path, list)
    if key not in ("regulation.choice_missing", "regulation.table_wrong", "regulation.element_gone"):
        assert path[0] == "Event_registered"
        assert mine[0].line > 0


def test_every_finding_fills_the_blanks_of_its_sentences_and_quotes_the_clause() -> None:
    found = [one for name in list(MUTATIONS)[::3] for one in fault(name)[1]]

    kinds = {one.key: one for one in found}
    assert len(kinds) >= 15
    for one in kinds.values():
        for language in ("zh", "en"):
            blanks = {name for _, name, _, _ in string.Formatter().parse(sentences(language)[one.key]) if name}
            assert blanks <= one.details.keys(), one.key
        said = sentences("zh")[one.key].format(**one.details)
        assert str(one.details["clause"]) in said
        assert str(one.details["quote"]) in said


def test_the_walk_over_the_shipped_bundle_stays_small() -> None:
    bundle = read_bundle(shipped())
    profile = read_profile(bundle.regulation)
    assert profile is not None
    places = Places(bundle.processes["opinion_case"], bundle.processes)

    walk = Walk(bundle, places, Fields(bundle, places, profile), profile.steady)

    assert not walk.cut
    assert 1_000 < walk.facts()["states"] < MOST_STATES


def test_every_place_of_the_shipped_bundle_that_a_case_comes_to_is_walked() -> None:
    """All but what an upgraded case, being major, never needs: the vice leader's part of the report."""
    bundle = read_bundle(shipped())
    profile = read_profile(bundle.regulation)
    assert profile is not None
    places = Places(bundle.processes["opinion_case"], bundle.processes)

    walk = Walk(bundle, places, Fields(bundle, places, profile), profile.steady)

    missed = {place.node.id for place in places if place.index not in walk.at}
    seen = {place.node.id for place in places if place.index in walk.at}
    assert missed - seen <= {"Script_statement_upgrade_stopped", "Event_statement_upgrade_stopped"}


def test_a_rule_that_can_not_be_read_is_an_error_of_its_own() -> None:
    files: Files = shipped()
    files["bpmn/regulation.toml"] += (
        b'\n[[checks]]\nclause = "R49"\nkind = "limit"\nstarts = "grade ="\nuntil = "x"\nat_most = "y"\n'
    )

    found = check_regulation(read_bundle(files))

    assert [one.key for one in found] == ["regulation.rule_unreadable"]


def test_a_main_process_that_is_missing_is_an_error() -> None:
    files = shipped()
    del files["bpmn/opinion_case.bpmn"]

    found = check_regulation(read_bundle(files))

    assert [one.key for one in found] == ["regulation.no_root"]


def test_a_process_that_calls_itself_is_not_called_proved() -> None:
    files = shipped()
    with xml(files, "tracking.bpmn") as root:
        (task,) = root.xpath("//*[@id='Task_promise']")
        task.tag = task.tag.replace("userTask", "callActivity")
        task.set("calledElement", "opinion_case")

    found = check_regulation(read_bundle(files))

    assert [(one.severity, one.key) for one in found] == [("error", "regulation.undecided")]
