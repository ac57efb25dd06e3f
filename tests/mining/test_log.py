"""What an event log says of a case: event by event, and what must hold for every event of every log."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from engine.domain.calendar import ZONE
from engine.domain.events import EVENTS
from engine.readmodels import cases
from engine.readmodels.chosen import Choice
from engine.service import exports, mining
from engine.service.export_lookup import exports as logged
from engine.service.mining_case import TELLERS, UNTOLD, told
from engine.service.mining_model import Mined, MinedCase
from engine.service.mining_people import People
from tests.mining.conftest import Office, handed_on
from tests.support.world import World, xuchang
from tests.unit.readmodels.offices import many_stories
from tests.unit.readmodels.story import Story

STEPS = {
    "": {"schedule"},
    "schedule": {"assign", "reassign", "start", "suspend", "complete", "withdraw"},
    "assign": {"reassign", "start", "suspend", "complete", "withdraw"},
    "start": {"reassign", "suspend", "complete", "ate_abort"},
    "reassign": {"reassign", "suspend", "complete", "ate_abort"},
    "suspend": {"resume", "reassign", "suspend", "complete", "ate_abort"},
    "resume": {"reassign", "suspend", "complete", "ate_abort"},
}
"""What may follow in the life of a task; what ends it has no entry."""


def of(world: World, case_id: str) -> MinedCase:
    """The case as the export tells it, with logins."""
    with world.services.journal.reading() as tx:
        row = cases.get(tx.connection, case_id)
        assert row is not None
        return told(row, tx.read(case_id), People({}, with_names=True))


def brief(event: Mined) -> tuple[str, str, str]:
    return event.activity, event.transition, event.resource


def test_every_kind_of_journal_event_is_told_or_left_out_on_purpose():
    assert set(TELLERS) | UNTOLD == set(EVENTS)
    assert set(TELLERS) & UNTOLD == set()


def test_a_task_that_goes_from_hand_to_hand_is_told_step_by_step(tmp_path: Path):
    world = World(tmp_path)
    case = of(world, handed_on(world))

    found = [brief(event) for event in case.events if event.element == "Task_screen"]

    assert found == [
        ("甄别", "schedule", "wangfang"),
        ("甄别", "start", "wangfang"),
        ("甄别", "suspend", "wangfang"),
        ("甄别", "resume", "lina"),
        ("甄别", "reassign", "lina"),
        ("甄别", "reassign", "wangfang"),
        ("甄别", "reassign", "lina"),
        ("会签：甄别", "schedule", "wangfang"),
        ("会签：甄别", "schedule", "wangfang"),
        ("会签：甄别", "complete", "zhangmin"),
        ("会签：甄别", "complete", "liqiang"),
        ("甄别", "complete", "wangfang"),
        ("甄别", "schedule", "wangfang"),
        ("甄别", "assign", "wangfang"),
        ("甄别", "complete", "wangfang"),
    ]
    world.services.engine.dispose()


def test_other_things_that_happen_to_a_case_are_told_once_each(office: Office):
    kinds = Counter(event.kind for event in of(office.world, office.handed).events)

    assert {kind: kinds[kind] for kind in ("CaseOpened", "CommentAdded", "FileAttached", "TaskUrged")} == {
        "CaseOpened": 1, "CommentAdded": 1, "FileAttached": 1, "TaskUrged": 1,
    }  # fmt: skip
    assert kinds["SubmissionWithdrawn"] == 1


def test_a_task_that_comes_back_after_a_withdrawal_is_another_instance(office: Office):
    case = of(office.world, office.handed)
    instances = [event.instance for event in case.events if event.activity == "甄别" and event.transition == "complete"]

    assert len(instances) == 2
    assert instances[1] == f"{instances[0]}~2"


def test_a_broken_limit_is_an_event_and_an_object_that_changes(office: Office):
    case = of(office.world, office.late)
    (broken,) = [event for event in case.events if event.kind == "LimitBreached"]
    (met,) = [event for event in case.events if event.kind == "LimitMet" and event.fields["limit"] == "triage"]

    (one,) = [one for one in case.objects if one.type == "limit" and one.now["limit"] == "triage"]

    assert broken.activity == "时限超时：甄别时限（30分钟）"
    assert met.activity == "超时完成：甄别时限（30分钟）"
    assert met.fields["late_seconds"] == 10020.0
    assert [value for name, value, _ in one.changes if name == "state"] == ["running", "breached", "met_late"]
    assert (one.id, "limit") in broken.objects
    covered = {ident.rpartition("/")[2] for ident, qualifier in one.related if qualifier == "covers"}
    assert covered <= {"Task_screen#1", "Task_grade#1"}


def test_the_grade_of_a_case_and_the_holder_of_a_task_change_with_time(office: Office):
    case = of(office.world, office.handed)
    screen = next(one for one in case.objects if one.type == "task" and one.now["element"] == "Task_screen")
    late = of(office.world, office.late)
    graded = next(one for one in late.objects if one.type == "case")

    assert [value for name, value, _ in screen.changes if name == "assignee"] == [
        "wangfang", "", "lina", "wangfang", "lina", "wangfang",
    ]  # fmt: skip
    assert [value for name, value, _ in graded.changes if name == "grade"] == ["ordinary_negative"]
    assert [event.fields.get("grade") for event in late.events][-1] == "ordinary_negative"
    assert late.events[0].fields.get("grade") is None


def test_a_case_has_its_tasks_and_a_task_the_unit_that_holds_it(office: Office):
    case = of(office.world, office.done)
    related = {one.id: set(one.related) for one in case.objects}
    sign = next(one for one in case.objects if one.type == "task" and one.now["element"] == "Task_sign")

    assert (sign.id, "has") in related[office.done]
    assert ("unit:gengbao", "held by") in related[sign.id]


def check(events: tuple[Mined, ...], case_id: str) -> None:
    """What holds for every event: a case, order of time, a possible life of its activity, names that are its own."""
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert {event.case_id for event in events} <= {case_id}
    assert len({event.id for event in events}) == len(events)
    lives: dict[str, list[str]] = {}
    for event in events:
        assert event.activity
        assert event.resource
        assert (case_id, "case") in event.objects
        lives.setdefault(event.instance, []).append(event.transition)
    for instance, steps in lives.items():
        if steps == ["complete"]:
            continue
        for before, after in zip(["", *steps], steps, strict=False):
            assert after in STEPS.get(before, set()), (instance, steps)


@pytest.mark.parametrize("which", ["done", "late", "handed"])
def test_every_event_of_a_real_case_holds_what_it_must(office: Office, which: str):
    case_id = getattr(office, which)

    check(of(office.world, case_id).events, case_id)


def test_the_check_notices_a_life_that_cannot_be(office: Office):
    events = of(office.world, office.handed).events
    first = next(n for n, event in enumerate(events) if event.transition == "schedule")

    with pytest.raises(AssertionError):
        check((*events[:first], *events[first + 1 :]), office.handed)
    with pytest.raises(AssertionError):
        check(events[::-1], office.handed)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(stories=many_stories())
def test_any_possible_history_is_told_with_a_case_and_in_order_of_time(stories: list[Story]):
    for story in stories:
        row = _row(story)
        case = told(row, story.entries, People({}, with_names=False))

        assert [event.at for event in case.events] == sorted(event.at for event in case.events)
        assert {event.case_id for event in case.events} <= {story.case_id}
        assert len({event.id for event in case.events}) == len(case.events)
        known = {one.id for one in case.objects}
        assert {ident for event in case.events for ident, _ in event.objects} <= known
        assert {ident for one in case.objects for ident, _ in one.related} <= known
        told_kinds = Counter(event.kind for event in case.events)
        happened = Counter(event["kind"] for entry in story.entries for event in entry.events)
        for kind in ("TaskCompleted", "TaskClaimed", "TaskReleased", "LimitBreached", "CommentAdded", "CaseClosed"):
            assert told_kinds[kind] == happened[kind]


def _row(story: Story) -> cases.CaseRow:
    texts = dict.fromkeys(
        ("title", "process", "bundle", "stage", "stage_label", "status", "outcome", "grade", "district", "source_type",
         "source_name", "url", "business_line", "root_cause", "opened_by"), "",
    )  # fmt: skip
    instants = dict.fromkeys(("updated_at", "published_at", "discovered_at", "closed_at", "next_due"))
    return cases.CaseRow(
        **texts,  # type: ignore[arg-type]
        **instants,
        case_id=story.case_id,
        last_seq=len(story.entries),
        open_incidents=0,
        breaches=0,
        opened_at=story.entries[0].at,
    )


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (Choice(), 5),
        (Choice(grade="major_negative"), 1),
        (Choice(grade="nothing"), 0),
        (Choice(unit="guihua"), 1),
        (Choice(status="closed"), 0),
        (Choice(since=xuchang("2026-03-03 00:00")), 1),
        (Choice(until=xuchang("2026-03-03 00:00")), 4),
        (Choice(until=xuchang("2026-03-02 09:00")), 0),
    ],
)
def test_only_the_chosen_cases_are_taken_out(office: Office, choice: Choice, expected: int):
    document, made = office.export("ocel", choice)

    found = [one for one in json.loads(document)["objects"] if one["type"] == "case"]
    assert made.cases == len(found) == expected


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("2026", "2026-01-01", "2027-01-01"),
        ("2026-Q4", "2026-10-01", "2027-01-01"),
        ("2026-q1", "2026-01-01", "2026-04-01"),
        ("2026-12", "2026-12-01", "2027-01-01"),
        ("2026-02-28", "2026-02-28", "2026-03-01"),
        ("2026-01..2026-03-15", "2026-01-01", "2026-03-16"),
        ("2026-03..", "2026-03-01", None),
        ("..2026-03", None, "2026-04-01"),
        ("", None, None),
        ("..", None, None),
    ],
)
def test_periods_are_read_as_days_of_the_office(text: str, since: str | None, until: str | None):
    expected = tuple(None if day is None else xuchang(f"{day} 00:00") for day in (since, until))

    assert mining.period(text) == expected


@pytest.mark.parametrize("text", ["yesterday", "2026-13", "2026-02-30", "2026-Q5", "2026-03..2026-02", "9999"])
def test_what_is_no_period_is_refused(text: str):
    with pytest.raises(mining.Unreadable):
        mining.period(text)


def test_an_export_is_logged_before_and_after_with_the_hash_of_its_bytes(office: Office):
    document, made = office.export("xes", Choice(grade="major_negative"))

    with office.world.services.engine.connect() as conn:
        found = next(one for one in logged(conn).exports if one.number == made.number)
    assert (found.user_id, found.kind, found.size) == ("zhaoming", "xes", len(document))
    assert found.sha256 == made.sha256
    assert "major_negative" in found.subject
    assert f"第{made.number}号".encode() in document


@pytest.mark.parametrize("form", list(mining.FORMATS))
def test_every_file_says_who_took_it_out_and_when(office: Office, form: str):
    document, made = office.export(form)

    local = office.world.clock.now().astimezone(ZONE)
    assert f"赵明（zhaoming） {local:%Y-%m-%d %H:%M} 导出 第{made.number}号".encode() in document


def test_nobody_but_an_auditor_and_the_command_line_takes_a_log_out(office: Office, tmp_path: Path):
    world = office.world
    with (tmp_path / "log").open("wb") as file:
        refused = mining.export(world.services, world.actor("wangfang"), "xes", Choice(), file)
        allowed = mining.export(world.services, exports.COMMAND_LINE, "xes", Choice(), file)

    assert getattr(refused, "code", "") == "forbidden"
    assert isinstance(allowed, mining.Made)
