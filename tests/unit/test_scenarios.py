"""Scenarios as text: what is wrong with a file is named by line and step; what fails, by step and difference."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from engine.definitions.bundle import read_bundle
from engine.domain.calendar import ZONE
from engine.service import scenario_reader, scenarios
from engine.service.bundle_check import check
from engine.service.scenario_refresh import refreshed
from engine.service.scenario_text import Written, text
from tests.support.world import whole_bundle

PATH = "tests/a.scenario.toml"
HEAD = 'title = "甲"\nprocess = "opinion_case"\nat = 2026-03-02T09:00:00+08:00\n'
LATE = "tests/scenarios/ordinary_late.scenario.toml"
CHECKED = check(whole_bundle())


def fault(content: str):
    with pytest.raises(scenario_reader.Unreadable) as raised:
        scenario_reader.read(PATH, content.encode())
    found = raised.value.finding
    return found.key, found.line, found.details.get("step")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("title = ", ("scenario.toml", 1, None)),
        ('title = "甲"\nat = 2026-03-02T09:00:00+08:00', ("scenario.missing", 0, None)),
        ('title = "甲"\nprocess = "p"\nat = 2026-03-02T09:00:00', ("scenario.instant", 0, None)),
        (HEAD, ("scenario.no_steps", 0, None)),
        (HEAD + "given = 1\n[[step]]\nauto = true", ("scenario.unknown", 0, None)),
        (HEAD + '[[step]]\nauto = true\n\n[[step]]\nby = "x"', ("scenario.verb", 7, 2)),
        (HEAD + '[[step]]\ncomplete = "a"\nmessage = "b"', ("scenario.verb", 4, 1)),
        (HEAD + '[[step]]\ncomplete = "a"\nwho = "b"', ("scenario.unknown_here", 4, 1)),
        (HEAD + '[[step]]\nafter = "8 hours"\nauto = true', ("scenario.duration", 4, 1)),
        (HEAD + '[[step]]\nafter = "PT"\nauto = true', ("scenario.duration", 4, 1)),
        (HEAD + '[[step]]\nat = "2026-03-02"\nauto = true', ("scenario.instant_here", 4, 1)),
        (HEAD + "[[step]]\ncomplete = 3", ("scenario.text", 4, 1)),
        (HEAD + '[[step]]\nexpect = { waiting = "a" }', ("scenario.list", 4, 1)),
        (HEAD + "[[step]]\nexpect = { waits = [] }", ("scenario.unknown_here", 4, 1)),
        (HEAD + "[[step]]\nexpect = {}", ("scenario.table_here", 4, 1)),
    ],
)
def test_what_is_wrong_is_named_by_line_and_step(content: str, expected: tuple[str, int, int | None]):
    assert fault(content) == expected


def test_a_broken_scenario_blocks_like_any_error_of_a_file():
    found = check({**whole_bundle(), PATH: HEAD.encode()})

    assert found.blocked
    assert [(one.file, one.key) for one in found.findings if one.severity == "error"] == [(PATH, "scenario.no_steps")]


def test_a_scenario_is_part_of_the_version_and_no_profile():
    with_test = read_bundle({**whole_bundle(), PATH: b'title = "x"'})
    without = read_bundle(whole_bundle())

    assert with_test.version != without.version
    assert with_test.regulation == without.regulation != {}


def test_the_shipped_scenarios_pass_on_the_shipped_bundle():
    results = scenarios.results(CHECKED)

    assert [(one.title, one.fault) for one in results if one.fault is not None] == []
    assert len(results) >= 5
    assert min(one.steps for one in results) >= 6


def test_a_changed_limit_fails_the_scenarios_that_speak_of_it_by_step_and_difference():
    drawn = whole_bundle()["bpmn/unit_handling.bpmn"].replace(b'duration("PT8H")', b'duration("PT6H")')
    changed = check({**whole_bundle(), "bpmn/unit_handling.bpmn": drawn})

    failing = {one.file: one.fault for one in scenarios.results(changed) if one.fault is not None}

    assert not changed.blocked
    assert LATE in failing and "tests/scenarios/positive.scenario.toml" not in failing
    found = failing[LATE]
    assert found is not None and found.line > 1 and found.details["step"] == 12
    assert found.key == "scenario.differs" and found.details["what"] == "scenario.what.limits"
    assert "2026-03-02 17:45" in str(found.details["expected"])
    assert "2026-03-02 15:45" in str(found.details["got"])
    assert "triage" not in str(found.details)
    refusal = scenarios.refusal(changed)
    assert refusal is not None and refusal.key == "bundle.scenarios"


def test_a_meant_change_is_taken_over_and_passes_then():
    drawn = whole_bundle()["bpmn/unit_handling.bpmn"].replace(b'duration("PT8H")', b'duration("PT6H")')
    changed = check({**whole_bundle(), "bpmn/unit_handling.bpmn": drawn})
    for path in scenario_reader.files_of(whole_bundle()):
        scenario = scenario_reader.read(path, whole_bundle()[path])

        made = refreshed(scenario, whole_bundle()[path], changed.program, changed.bundle)

        assert made is not None
        again = scenario_reader.read(path, made.content)
        assert scenarios.run(again, changed.program, changed.bundle).fault is None
        failed = scenarios.run(scenario, changed.program, changed.bundle)
        assert [one.step for one in made.changes][:1] == ([failed.step] if failed.fault else [])
        if path == LATE:
            assert b"due = 2026-03-02T15:45:00+08:00" in made.content
            assert made.content.startswith("# 交办后 8 小时".encode())
            (limits,) = [one for one in made.changes if one.what == "limits"]
            assert "2026-03-02 17:45" in scenarios.shown(limits.expected)
            assert "2026-03-02 15:45" in scenarios.shown(limits.got)


def test_a_scenario_that_holds_is_written_again_with_the_same_meaning():
    for path in scenario_reader.files_of(whole_bundle()):
        scenario = scenario_reader.read(path, whole_bundle()[path])

        made = refreshed(scenario, whole_bundle()[path], CHECKED.program, CHECKED.bundle)

        assert made is not None and made.changes == ()
        again = scenario_reader.read(path, made.content).stages
        assert [one.moves for one in again] == [one.moves for one in scenario.stages]


@pytest.mark.parametrize(
    ("step", "key"),
    [
        ('complete = "Task_no_such"', "scenario.no_task"),
        ('complete = "甄别"', "scenario.refused"),
        ("expect = { ended = true }", "scenario.differs"),
        ('expect = { fields = { title = "乙" } }', "scenario.differs"),
        ('expect = { limits = [{ limit = "triage", state = "met" }] }', "scenario.differs"),
        ('expect = { breached = ["triage"] }', "scenario.differs"),
    ],
)
def test_a_step_that_does_not_go_as_it_says_fails_the_scenario(step: str, key: str):
    scenario = scenario_reader.read(PATH, opened(f"[[step]]\n{step}\n"))

    result = scenarios.run(scenario, CHECKED.program, CHECKED.bundle)

    assert result.fault is not None and (result.fault.key, result.step) == (key, 1), result.fault


def test_tasks_are_expected_by_label_and_limits_by_what_is_named_of_them():
    steps = """[[step]]
expect = { waiting = ["甄别", "Task_contact"], ended = false, breached = [], fields = { title = "网友反映占地" } }
[[step]]
after = "PT30M"
expect = { breached = ["triage"], limits = [{ limit = "triage", due = 2026-03-02T09:30:00+08:00, state = "breached" }] }
"""
    scenario = scenario_reader.read(PATH, opened(steps))

    assert scenarios.run(scenario, CHECKED.program, CHECKED.bundle).fault is None


def test_what_is_written_is_read_back():
    at = datetime(2026, 3, 2, 9, 0, tzinfo=ZONE)
    steps = [
        Written(
            at=at + timedelta(minutes=5), verb="complete", subject='a"b\\\n', note="甲", more={"fields": {"x y": [1]}}
        ),
        Written(after="PT1H", expect={"open": ["a"], "limits": [{"limit": "l", "due": "2026-03-02T10:00+08:00"}]}),
    ]

    content = text("标题“乙”", "p", at, "wangfang", {"n": 1.5, "b": True, "rows": [{"k": "v"}]}, steps, "说明")
    read = scenario_reader.read(PATH, content.encode())

    assert (read.title, read.by, read.at, dict(read.data)) == (
        "标题“乙”", "wangfang", at, {"n": 1.5, "b": True, "rows": [{"k": "v"}]},
    )  # fmt: skip
    assert [(move.verb, move.subject) for move in read.stages[0].moves] == [
        ("advance_to", "2026-03-02T01:05:00.000000Z"), ("complete", "a\"b\\\n"),
    ]  # fmt: skip
    assert read.stages[0].moves[1].more == {"fields": {"x y": [1]}}
    assert read.stages[1].moves[1].subject["limits"][0]["due"] == "2026-03-02T10:00+08:00"


def opened(steps: str) -> bytes:
    data = """[data]
title = "网友反映占地"
body = "网帖称某村耕地被硬化。"
source_type = "forum"
source_name = "论坛"
url = "https://d01.example/1"
published_at = "@now-30"
discovered_at = "@now"
district = "市本级"
item_kind = "appeal"
discovered_by = "patrol"
reporter = "王芳"
no_state_secret = true
"""
    return f"{HEAD}{data}{steps}".encode()
