"""The two statutory clocks and their readings (requirements 1.10), on the shipped bundle."""

from datetime import timedelta

import pytest

from engine import feel
from engine.definitions.bundle import read_bundle
from engine.domain.codec import parse_instant
from engine.domain.commands import OpenCase
from engine.domain.rejection import Rejection
from tests.support.world import MONDAY, CaseView, World, shipped_files, xuchang


def assigned(world: World, lead: str = "gengbao", *others: str) -> CaseView:
    """An ordinary case whose assignment has just been delivered to its units."""
    case = world.open()
    case.fill_all("Task_screen", "Task_grade", "Task_instruct_vice")
    case.fill("Task_assign", lead_unit=lead, co_units=list(others))
    return case


def major(world: World, **values) -> CaseView:
    case = world.open(**values)
    case.fill("Task_screen", m3=True)
    case.fill("Task_grade", grade="major_negative", grade_reason="突发自然资源管理事件。")
    return case


def limits(case: CaseView, limit: str) -> dict[str, str]:
    """unit -> deadline of the limits of that id armed so far."""
    armed = (e for e in case.kinds("TimerArmed") if e.get("limit") == limit and not e.get("warns_of"))
    return {e.get("unit", ""): e["deadline"] for e in armed}


def warnings(case: CaseView, limit: str) -> list[str]:
    return [e["mark"] for e in case.kinds("LimitWarned") if e["limit"] == limit]


def give_opinion(case: CaseView, unit: str = "") -> None:
    for element in ("Task_sign", "Task_verify", "Task_opinion"):
        case.fill(element, unit)


def test_each_unit_has_its_own_eight_hours_from_delivery(world):
    case = assigned(world, "yuzhou", "changge")

    deadlines = limits(case, "eight_hours")

    assert set(deadlines) == {"yuzhou", "changge"}
    assert {parse_instant(d) for d in deadlines.values()} == {world.clock.now() + timedelta(hours=8)}


def test_warnings_come_at_half_three_quarters_and_ninety_percent_of_eight_hours(world):
    case = assigned(world)

    world.wait(hours=3, minutes=59)
    assert warnings(case, "eight_hours") == []
    world.wait(minutes=1)
    assert warnings(case, "eight_hours") == ["50%"]
    world.wait(hours=2)
    assert warnings(case, "eight_hours") == ["50%", "75%"]
    world.wait(hours=1, minutes=12)
    assert warnings(case, "eight_hours") == ["50%", "75%", "90%"]


def test_the_clock_stops_when_the_vice_leader_confirms_and_not_when_the_unit_submits(world):
    case = assigned(world)
    give_opinion(case)
    assert not case.kinds("LimitMet") or all(e["limit"] != "eight_hours" for e in case.kinds("LimitMet"))

    world.wait(hours=7, minutes=59, seconds=59)
    case.fill("Task_confirm")

    met = [e for e in case.kinds("LimitMet") if e["limit"] == "eight_hours"]
    assert [e["late_seconds"] for e in met] == [0.0]
    assert case.kinds("LimitBreached") == []


def test_one_second_after_the_limit_is_late_and_on_record_with_a_report(world):
    case = assigned(world)
    give_opinion(case)

    world.clock.advance(hours=8, seconds=1)
    case.fill("Task_confirm")

    (breach,) = case.kinds("LimitBreached")
    assert (breach["limit"], breach["unit"], breach["clauses"]) == ("eight_hours", "gengbao", ["R50"])
    (met,) = [e for e in case.kinds("LimitMet") if e["limit"] == "eight_hours"]
    assert met["late_seconds"] == 1.0
    assert {"Task_escalation", "Task_late_explain"} & set(case.open)


def test_exactly_at_the_limit_the_clock_has_run_out(world):
    case = assigned(world)
    give_opinion(case)

    world.clock.advance(hours=8)
    case.fill("Task_confirm")

    assert [e["limit"] for e in case.kinds("LimitBreached")] == ["eight_hours"]


@pytest.mark.parametrize(
    ("start", "due"),
    [
        ("2026-03-02 20:30", "2026-03-03 04:30"),
        ("2026-02-14 16:00", "2026-02-15 00:00"),
        ("2026-10-01 09:00", "2026-10-01 17:00"),
        ("2026-12-31 20:00", "2027-01-01 04:00"),
    ],
    ids=["across midnight", "into spring festival", "on national day", "across the year, no holiday table for 2027"],
)
def test_eight_hours_are_clock_hours_whatever_the_day(tmp_path, start, due):
    world = World(tmp_path, at=xuchang(start))
    case = assigned(world)

    assert {parse_instant(d) for d in limits(case, "eight_hours").values()} == {xuchang(due)}
    world.until(xuchang(due))
    assert [e["limit"] for e in case.kinds("LimitBreached")] == ["eight_hours"]
    world.services.engine.dispose()


def test_of_two_units_the_late_one_alone_breaches(world):
    case = assigned(world, "yuzhou", "changge")
    give_opinion(case, "yuzhou")
    case.fill("Task_confirm")

    world.wait(hours=8, minutes=1)

    assert [e["unit"] for e in case.kinds("LimitBreached")] == ["changge"]
    met = [e for e in case.kinds("LimitMet") if e["limit"] == "eight_hours"]
    assert [(e["unit"], e["late_seconds"]) for e in met] == [("yuzhou", 0.0)]
    assert [r["unit"] for r in case.data["unit_results"]] == ["yuzhou", "changge"], "input order"
    assert case.data["unit_results"][0]["opinion_text"]


def test_a_returned_draft_does_not_restart_the_clock(world):
    case = assigned(world)
    deadline = limits(case, "eight_hours")
    give_opinion(case)
    world.wait(hours=3)

    case.fill("Task_confirm", opinion_decision="return", confirm_comment="依据不足")
    assert limits(case, "eight_hours") == deadline
    world.wait(hours=5)

    assert [e["limit"] for e in case.kinds("LimitBreached")] == ["eight_hours"]


def test_a_wrong_unit_returns_the_assignment_and_the_clock_goes_on(world):
    case = assigned(world, "guihua")
    world.wait(minutes=40)
    case.fill("Task_sign", sign_decision="return", return_reason="不属本科职责", return_suggestion="耕地保护科")

    case.fill("Task_reassign", new_unit="gengbao")
    assert [t.created.unit for t in case.live.tasks.values() if t.node.id == "Task_sign"] == ["gengbao"]
    world.wait(hours=7, minutes=20)

    (breach,) = case.kinds("LimitBreached")
    assert parse_instant(breach["deadline"]) == parse_instant(next(iter(limits(case, "eight_hours").values())))


def test_a_major_case_is_due_the_day_it_was_discovered(world):
    case = major(world)

    assert {parse_instant(d) for d in limits(case, "same_day").values()} == {xuchang("2026-03-03 00:00")}


def test_same_day_warnings_at_once_at_18_at_22_and_half_an_hour_before_midnight(world):
    case = major(world)
    world.work()
    assert warnings(case, "same_day") == ["start"]

    world.until(xuchang("2026-03-02 17:59"))
    assert warnings(case, "same_day") == ["start"]
    world.until(xuchang("2026-03-02 18:00"))
    world.until(xuchang("2026-03-02 22:00"))
    world.until(xuchang("2026-03-02 23:30"))
    assert warnings(case, "same_day") == ["start", "18:00", "22:00", "-PT30M"]


def test_the_statement_must_be_published_not_only_approved(world):
    case = major(world)
    case.fill_all("Task_draft_statement", "Task_approve_statement")

    world.until(xuchang("2026-03-03 00:00"))

    assert [e["limit"] for e in case.kinds("LimitBreached")] == ["same_day"]


def test_a_statement_published_one_second_before_midnight_is_in_time(world):
    case = major(world)
    case.fill_all("Task_draft_statement", "Task_approve_statement")
    world.until(xuchang("2026-03-02 23:59:59"))

    case.fill("Task_publish_statement")

    assert [e["late_seconds"] for e in case.kinds("LimitMet") if e["limit"] == "same_day"] == [0.0]
    assert case.kinds("LimitBreached") == []


def test_discovered_at_2350_leaves_ten_minutes_and_the_breach_knows_why(tmp_path):
    world = World(tmp_path, at=xuchang("2026-03-02 23:50"))
    case = major(world)
    assert {parse_instant(d) for d in limits(case, "same_day").values()} == {xuchang("2026-03-03 00:00")}

    world.until(xuchang("2026-03-03 00:00"))

    (breach,) = case.kinds("LimitBreached")
    assert breach["cause"] == "limit.cause.discovered_late"
    world.services.engine.dispose()


def test_graded_after_midnight_the_limit_has_passed_when_it_is_armed_and_is_recorded_at_once(tmp_path):
    world = World(tmp_path, at=xuchang("2026-03-02 23:50"))
    case = world.open()
    world.until(xuchang("2026-03-03 00:10"))
    case.fill("Task_screen", m3=True)

    case.fill("Task_grade", grade="major_negative", grade_reason="突发自然资源管理事件。")

    assert [e["limit"] for e in case.kinds("LimitBreached")] == ["same_day"]
    world.services.engine.dispose()


def test_an_upgrade_at_20_starts_a_same_day_clock_and_leaves_the_eight_hours_running(world):
    case = assigned(world)
    before = limits(case, "eight_hours")
    give_opinion(case)
    case.fill("Task_confirm")
    world.until(xuchang("2026-03-02 20:00"))
    case.message(
        "wangfang", "regrade", regrade_to="major_negative", regrade_criteria=["m5"], regrade_reason="多家媒体跟进"
    )

    case.fill("Task_decide_upgrade")

    assert case.data["grade"] == "major_negative"
    assert {parse_instant(d) for d in limits(case, "same_day").values()} == {xuchang("2026-03-03 00:00")}
    assert limits(case, "eight_hours") == before
    assert "Task_draft_statement" in case.open


def test_an_upgrade_the_next_day_counts_from_its_own_day_unless_it_was_true_at_discovery(world):
    case = assigned(world)
    world.until(xuchang("2026-03-03 10:00"))
    case.message(
        "wangfang", "regrade", regrade_to="major_negative", regrade_criteria=["m5"], regrade_reason="多家媒体跟进"
    )

    case.fill("Task_decide_upgrade")

    assert {parse_instant(d) for d in limits(case, "same_day").values()} == {xuchang("2026-03-04 00:00")}


def test_an_upgrade_whose_criteria_held_at_discovery_is_already_late(world):
    case = assigned(world)
    world.until(xuchang("2026-03-03 10:00"))
    case.message(
        "wangfang", "regrade", regrade_to="major_negative", regrade_criteria=["m3"], regrade_reason="当时已发生滑坡",
        m_true_at_discovery=True,
    )  # fmt: skip

    case.fill("Task_decide_upgrade", m_true_at_discovery=True)

    assert "same_day" in [e["limit"] for e in case.kinds("LimitBreached")]


def test_only_the_chief_may_downgrade_and_the_statement_not_yet_published_stops(world):
    case = major(world)
    case.fill("Task_draft_statement")
    case.message("wangfang", "regrade", regrade_to="ordinary_negative", regrade_reason="核实后影响有限")
    refused = case.try_submit("zhangmin", "Task_decide_downgrade", regrade_decision="approve")
    assert isinstance(refused, Rejection)
    assert refused.code == "forbidden"

    case.fill("Task_decide_downgrade")

    assert case.data["grade"] == "ordinary_negative"
    assert not {"Task_approve_statement", "Task_publish_statement"} & set(case.open)
    world.until(xuchang("2026-03-03 09:00"))
    assert "same_day" not in [e["limit"] for e in case.kinds("LimitBreached")]


def test_a_limit_already_broken_stays_on_record_after_a_downgrade(world):
    case = major(world)
    world.until(xuchang("2026-03-03 00:05"))
    assert [e["limit"] for e in case.kinds("LimitBreached")] == ["same_day"]

    case.message("wangfang", "regrade", regrade_to="ordinary_negative", regrade_reason="核实后影响有限")
    case.fill("Task_decide_downgrade")

    assert [e["limit"] for e in case.kinds("LimitBreached")] == ["same_day"]
    assert any(name.startswith("late_report_no_") for name in case.data)


def test_server_down_over_the_limit_fires_it_on_return_and_says_that_it_was_recorded_late(world):
    case = assigned(world)
    due = next(iter(limits(case, "eight_hours").values()))

    world.clock.advance(hours=11)
    world.start()
    world.work()

    (breach,) = case.kinds("LimitBreached")
    assert breach["deadline"] == due
    assert breach["cause"] == "limit.cause.recorded_late"
    fired = [e for e in case.kinds("TimerFired") if e["element"] == "Event_eight_hours" and e["timer"].endswith("#1")]
    assert [e["late_seconds"] for e in fired] == [3 * 3600.0]
    told = [e for e in case.kinds("NotificationQueued") if e["message"] == "notice.limit_warning"]
    assert [e["params"]["limit"] for e in told] == [], "a warning after its limit would only confuse"


def test_a_clock_that_jumps_back_never_takes_case_time_back(world):
    case = assigned(world)
    world.clock.set(world.clock.now() - timedelta(days=1))

    case.fill("Task_sign")

    with world.services.journal.reading() as tx:
        at = [e.at for e in tx.read(case.id)]
    assert at == sorted(at)


def test_triage_is_due_thirty_minutes_after_registration(world):
    case = world.open()

    world.wait(minutes=30)

    assert [e["limit"] for e in case.kinds("LimitBreached")] == ["triage"]


def test_every_limit_explains_itself_line_by_line(world):
    case = assigned(world)

    (armed,) = [e for e in case.kinds("TimerArmed") if e.get("limit") == "eight_hours" and not e.get("warns_of")]

    assert [line["key"] for line in armed["explanation"]] == [
        "limit.explain.anchor",
        "limit.explain.rule",
        "limit.explain.expression",
        "limit.explain.due",
    ]
    assert armed["explanation"][0]["params"]["field"] == "delivered_at"
    assert "8小时" in armed["explanation"][1]["params"]["rule"]


def test_an_instant_in_the_future_is_refused_at_its_field(world):
    refused = world.ask(
        "wangfang",
        OpenCase(
            "opinion_case",
            {
                "title": "明天才发现", "body": "不可能的时间", "source_type": "forum", "source_name": "某论坛",
                "district": "市本级", "item_kind": "appeal", "discovered_by": "patrol", "reporter": "王芳",
                "no_state_secret": True, "discovered_at": world.stamp(600),
            },
        ),
    )  # fmt: skip

    assert isinstance(refused, Rejection)
    assert [(f.path, f.key) for f in refused.fields] == [("discovered_at", "instant.future")]


@pytest.mark.parametrize(
    ("due", "expected"),
    [("2026-03-20", "2026-03-21 00:00"), (None, "2026-04-01 09:00"), ("9999-12-31", "2026-04-01 09:00")],
    ids=["a day", "none", "a day without end"],
)
def test_the_check_of_a_promise_is_due_with_its_day_or_at_the_end_of_the_tracking(due: str | None, expected: str):
    node = read_bundle(shipped_files()).processes["tracking"].nodes["Task_promise"]
    data = {"promise_due": due, "tracking_period": "P30D"}

    found = feel.compile_expression(node.due.removeprefix("=")).evaluate(data, feel.Environment(MONDAY))

    assert found == xuchang(expected)
