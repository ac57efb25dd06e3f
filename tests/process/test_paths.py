"""The roads through the regulation, one sentence each, walked by the cast on the shipped bundle.

`test_every_flow` walks all of them again to see that together they take every sequence flow: a test here takes a
`world` and nothing else.
"""

from datetime import timedelta
from typing import Any

from engine.domain.codec import parse_instant
from engine.domain.commands import SubmitTask
from engine.domain.rejection import Rejection
from engine.readmodels import cases, clocks, dossier, inbox
from tests.support.walks import (
    COUNTY_REPLY,
    DOWN,
    ORAL,
    REOPENED,
    UP,
    account_for,
    archived,
    assign,
    feed_back,
    give_opinion,
    graded,
    graded_major,
    publish,
    until_composing,
)
from tests.support.world import CaseView, World, xuchang

PROMISE = {"has_promise": True, "promise_due": "2026-03-20", "promise_text": "三月二十日前复垦到位。"}
DRAFT = "初稿：我局已关注到有关情况，正在组织核查。"
COUNTY = {"response_subject": "county_local_government_decides", "subject_lead": "county"}


def limits_broken(case: CaseView) -> list[tuple[str, str]]:
    return [(event["limit"], event.get("unit", "")) for event in case.kinds("LimitBreached")]


def told(case: CaseView, message: str) -> list[tuple[str, ...]]:
    """Groups told `message`, once for each time."""
    return [tuple(e["to"]) for e in case.kinds("NotificationQueued") if e["message"] == message]


def copies(world: World, login: str) -> list[str]:
    """Cases that lie in somebody's inbox as a copy."""
    actor = world.actor(login)
    with world.services.engine.connect() as conn:
        page = inbox.list_tasks(conn, groups=actor.groups, user_id=login, view="copies", now=world.clock.now())
    return [row.case_id for row in page.rows]


def overdue(world: World, login: str) -> list[str]:
    """Cases of the tasks past their due instant that somebody's roles may take."""
    actor = world.actor(login)
    asked: dict[str, Any] = {"groups": actor.groups, "user_id": login, "now": world.clock.now(), "per_page": 500}
    with world.services.engine.connect() as conn:
        return [row.case_id for row in inbox.list_tasks(conn, view="role", overdue_only=True, **asked).rows]


# --- the ordinary road ----------------------------------------------------------------------------------------------


def test_an_ordinary_case_goes_from_discovery_to_archive_and_its_tracking_ends(world):
    case = archived(world)
    assert case.live.stage == "tracking"
    assert case.data["archive_missing"] == []

    world.wait(days=29, hours=23)
    assert case.live.status == "open"
    world.wait(hours=1)

    assert (case.live.status, case.live.outcome) == ("closed", "archived")
    assert limits_broken(case) == []
    assert {e["limit"] for e in case.kinds("LimitMet")} == {"triage", "eight_hours", "backstop_48h"}


def test_the_reply_waits_for_the_instruction_the_subject_and_every_unit(world):
    case = graded(world)
    assign(case, "gengbao", "zhifa")
    give_opinion(case, "gengbao")
    case.fill("Task_confirm_subject")
    assert "Task_compose_reply" not in case.open
    give_opinion(case, "zhifa")
    assert "Task_compose_reply" not in case.open, "handling may begin before the instruction, sending may not (R30)"

    case.fill("Task_instruct_vice")

    assert "Task_compose_reply" in case.open


def test_a_reply_sent_back_is_composed_again_and_only_the_approved_text_is_published(world):
    case = until_composing(world)
    case.fill("Task_compose_reply", reply_text=DRAFT)
    case.fill("Task_approve_vice", reply_decision="return", reply_comment="补充整改期限")
    assert "Task_publish_reply" not in case.open

    publish(case)

    assert case.data["reply_text"] != DRAFT
    assert case.data["reply_decision"] == "approve"
    assert [p["channel"] for p in case.data["publications"]] == ["website"]


def test_units_can_not_publish_themselves(world):
    case = until_composing(world)
    case.fill_all("Task_compose_reply", "Task_approve_vice")

    refused = case.try_submit("liqiang", "Task_publish_reply", reply_published_at=world.stamp(0))

    assert isinstance(refused, Rejection)
    assert refused.code == "forbidden"


def test_the_result_goes_to_leader_and_office_at_the_same_time_and_both_give_a_receipt(world):
    case = until_composing(world)
    publish(case)
    case.fill_all("Task_supervision_group", "Task_supervision_office")
    assert case.groups("Task_feedback") == ("unit:gengbao",)

    case.fill("Task_feedback")
    assert {"Task_receipt_leader", "Task_receipt_office"} <= set(case.open)
    assert case.groups("Task_receipt_leader") == ("line:gengbao",)
    case.fill("Task_receipt_leader")
    assert "Task_closing_review" not in case.open
    case.fill("Task_receipt_office")

    assert case.open == ["Task_closing_review"]


def test_supervision_starts_with_the_assignment_and_both_sign_its_end_after_the_reply(world):
    case = graded(world)
    assert "Task_supervise" not in case.open
    case.fill_all("Task_contact", "Task_instruct_vice", "Task_confirm_subject")
    assign(case)
    assert case.groups("Task_supervise") == ("supervision", "office")
    assert case.id in copies(world, "zhaogang")
    case.fill("Task_supervise")
    case.fill_as("wangfang", "Task_supervise", supervision_kind="visit")
    assert [log["kind"] for log in case.data["supervision_logs"]] == ["urge", "visit"]
    give_opinion(case)
    assert "Task_supervision_group" not in case.open

    publish(case)

    assert {"Task_supervision_group", "Task_supervision_office"} <= set(case.open)
    assert "Task_supervise" not in case.open
    for login, element in (("wangfang", "Task_supervision_group"), ("zhaogang", "Task_supervision_office")):
        refused = case.try_submit(login, element)
        assert isinstance(refused, Rejection)
        assert refused.code == "forbidden", "each side signs for itself"
    feed_back(case)
    assert case.open == ["Task_closing_review"]


# --- major cases ----------------------------------------------------------------------------------------------------


def test_a_major_case_goes_to_the_chief_is_answered_the_same_day_and_archived(world):
    case = graded_major(world, multi_department=True)
    assert case.groups("Task_instruct_chief") == ("chief",)
    assert case.id in copies(world, "zhangmin"), "the vice leader is informed (R27)"
    case.fill_all("Task_contact", "Task_instruct_chief", "Task_confirm_subject")
    case.fill("Task_draft_statement", statement_text=DRAFT)
    case.fill("Task_approve_statement", statement_decision="return", statement_comment="语气再稳一些")
    case.fill_all("Task_draft_statement", "Task_approve_statement", "Task_publish_statement")
    assign(case)
    case.fill("Task_draft_deliverables")
    case.fill("Task_review_deliverables", deliverables_decision="return", deliverables_comment="补充背景")
    case.fill_all("Task_draft_deliverables", "Task_review_deliverables")
    give_opinion(case)
    publish(case, **PROMISE)
    feed_back(case)
    case.fill_all("Task_closing_review", "Task_archive")

    assert case.data["statement_record"]["status"] == "published"
    assert case.data["statement_record"]["text"] != DRAFT
    assert [e["late_seconds"] for e in case.kinds("LimitMet") if e["limit"] == "same_day"] == [0.0]
    assert [i["by"] for i in case.data["instructions"]] == ["chief"]
    world.wait(days=30)
    assert case.live.status == "open", "a promise is still to be checked (R53)"
    with world.services.engine.connect() as conn:
        (check,) = dossier.tasks_of(conn, case.id, open_only=True)
    assert (check.element, check.due) == ("Task_promise", xuchang("2026-03-21 00:00")), "24:00 of the day promised"
    assert case.id in overdue(world, "zhaogang")
    case.fill("Task_promise")
    assert (case.live.status, case.live.outcome) == ("closed", "archived")


def test_a_major_case_needs_its_deliverables_before_it_can_be_archived(world):
    case = graded_major(world)
    case.fill_all("Task_contact", "Task_instruct_chief", "Task_confirm_subject")
    case.fill_all("Task_draft_statement", "Task_approve_statement", "Task_publish_statement")
    assign(case)
    give_opinion(case)
    publish(case)
    feed_back(case)
    assert case.open == ["Task_draft_deliverables"]
    refused = case.try_submit("wangfang", "Task_draft_deliverables", doc_press="通稿")
    assert isinstance(refused, Rejection)
    assert {f.path for f in refused.fields} == {"doc_wording", "doc_disposal"}

    case.fill_all("Task_draft_deliverables", "Task_review_deliverables")

    assert case.open == ["Task_closing_review"]


def test_an_ordinary_case_has_deliverables_only_when_the_vice_leader_demands_them(world):
    case = graded(world)
    case.fill("Task_confirm_subject")
    assign(case)
    assert "Task_draft_deliverables" not in case.open

    case.fill("Task_instruct_vice", demand_deliverables=True)
    give_opinion(case)
    assert "Task_compose_reply" not in case.open
    case.fill_as("liqiang", "Task_draft_deliverables")
    assert case.groups("Task_review_deliverables") == ("line:gengbao",)
    case.fill_as("zhangmin", "Task_review_deliverables")

    assert "Task_compose_reply" in case.open


def test_an_ordinary_case_of_general_concern_goes_to_the_chief_too(world):
    case = graded(world, global_flag=True)

    assert case.groups("Task_instruct_chief") == ("chief",)
    assert "Task_draft_statement" not in case.open, "the same-day limit is for major cases"


# --- items that are not handled ------------------------------------------------------------------------------------


def test_a_positive_item_gives_the_leaders_a_copy_and_no_task(world):
    case = world.open()
    case.fill("Task_screen", n1=False, p1=True)
    case.fill("Task_grade", grade="positive", grade_reason="市级层面工作报道。")

    assert case.open == ["Task_contact", "Task_positive"]
    assert case.id in copies(world, "zhangmin")
    assert case.id in copies(world, "liuwei")
    case.fill_all("Task_positive", "Task_contact", "Task_closing_review", "Task_archive")
    world.wait(days=30)

    assert case.live.outcome == "archived"
    leaders = {"chief", "leader", "line:gengbao"}
    assert [e["element"] for e in case.kinds("TaskCreated") if leaders & set(e["groups"])] == []


def test_an_item_that_is_not_ours_is_handed_over_with_a_record_and_leaves_nothing_open(world):
    case = world.open()
    case.fill("Task_screen", relevant=False, directly_related=False, screen_note="同名异地")
    assert case.open == ["Task_contact", "Task_handover"]

    case.fill("Task_handover", handover_kind="transfer", handover_to="市住建局", handover_note="属住建职责")

    assert (case.live.status, case.live.outcome) == ("closed", "handed_over")
    assert case.data["handover_to"] == "市住建局"
    assert [e["task"].split("/")[-1] for e in case.kinds("TaskCancelled")] == ["Task_contact#1"]
    assert not case.live.timers


def test_related_but_not_directly_is_handed_over_too(world):
    case = world.open()
    case.fill("Task_screen", relevant=True, directly_related=False, screen_note="主要属信访事项")
    case.fill("Task_handover", handover_kind="inform", handover_to="12345 热线")

    assert case.live.outcome == "handed_over"
    assert "Task_grade" not in [e["element"] for e in case.kinds("TaskCreated")]


def test_a_duplicate_is_merged_into_the_case_that_is_running(world):
    first = graded(world)
    second = world.open(title="网友再次反映耕地被占用")
    second.fill("Task_screen", is_duplicate=True, duplicate_of=first.id)

    second.fill("Task_handover", handover_kind="merge", handover_note=f"并入 {first.id}")

    assert (second.live.outcome, second.data["duplicate_of"]) == ("handed_over", first.id)
    assert "Task_instruct_vice" in first.open


# --- who answers -----------------------------------------------------------------------------------------------------


def county_letter_sent(world: World) -> CaseView:
    case = graded(world, county_matter=True, places=["禹州市"])
    assert case.data["suggested_subject"] == {"subject": COUNTY["response_subject"], "lead": "county"}
    case.fill("Task_confirm_subject", **COUNTY)
    case.fill("Task_county_letter")
    return case


def test_a_county_government_that_answers_in_time_names_the_subject(world):
    case = county_letter_sent(world)
    world.wait(hours=1, minutes=59)

    case.message("wangfang", "county_reply", **COUNTY_REPLY, county_reply_at=world.stamp(0))

    assert case.data["county_reply_subject"] == "禹州市人民政府"
    assert told(case, "县级政府尚未明确回应主体，请催复") == []
    world.wait(hours=5)
    assert "Task_county_escalation" not in case.open


def test_a_county_that_does_not_answer_is_reminded_after_two_hours_and_the_vice_leader_decides_after_four(world):
    case = county_letter_sent(world)
    assert case.data["lead_unit"] == "yuzhou", "whose district it is (R09)"
    assign(case, "yuzhou")

    world.wait(hours=2)
    assert told(case, "县级政府尚未明确回应主体，请催复") == [("office",)]
    assert "Task_county_escalation" not in case.open
    world.wait(hours=2)
    assert case.groups("Task_county_escalation") == ("line:gengbao",)
    world.wait(hours=4)
    assert ("eight_hours", "yuzhou") in limits_broken(case), "the bureau's own clocks run on (R11)"

    case.fill("Task_county_escalation", county_decision="act_as_subject")
    assert not [m for m in case.live.messages.values() if m.node.event.name == "county_reply"]


def test_an_answer_in_the_second_wait_is_taken(world):
    case = county_letter_sent(world)
    world.wait(hours=3)

    case.message("wangfang", "county_reply", **COUNTY_REPLY, county_reply_at=world.stamp(0))

    world.wait(hours=3)
    assert "Task_county_escalation" not in case.open
    assert case.data["county_reply_by"] == "禹州市政府办"


def test_the_vice_leader_may_go_on_waiting_and_an_answer_then_still_counts(world):
    case = county_letter_sent(world)
    world.wait(hours=4)
    case.fill("Task_county_escalation", county_decision="keep_waiting")
    assert "Task_county_escalation" not in case.open
    world.wait(hours=2)
    assert "Task_county_escalation" in case.open

    case.message("wangfang", "county_reply", **COUNTY_REPLY, county_reply_at=world.stamp(0))

    assert "Task_county_escalation" not in case.open
    assert case.data["county_reply_subject"] == "禹州市人民政府"
    refused = case.world.ask("wangfang", SubmitTask("Task_county_escalation#2", {}), case.id)
    assert isinstance(refused, Rejection)


def test_with_several_counties_the_city_leads_and_each_of_them_answers_at_home(world):
    case = graded(world, places=["禹州市", "长葛市"], county_matter=True)
    assert case.data["suggested_subject"] == {"subject": "multi_place_superior_leads", "lead": "city"}
    assert case.data["suggested_units"] == ["yuzhou", "changge", "gengbao"]
    case.fill_all("Task_contact", "Task_instruct_vice")
    case.fill("Task_confirm_subject", response_subject="multi_place_superior_leads", subject_lead="city")
    assert "Task_report_province" not in case.open
    assign(case, "gengbao", "yuzhou", "changge")
    for unit in ("gengbao", "yuzhou", "changge"):
        give_opinion(case, unit)
    publish(case)

    assert case.open.count("Task_local_reply") == 2
    case.fill("Task_local_reply", "yuzhou", local_place="https://yuzhou.example/1")
    assert "Task_feedback" not in case.open
    case.fill("Task_local_reply", "changge")

    assert [r["local_unit"] for r in case.data["local_replies"]] == ["yuzhou", "changge"]
    assert case.groups("Task_feedback") == ("unit:gengbao",)


def test_together_with_another_city_the_province_leads_and_is_reported_to(world):
    case = graded(world, places=["禹州市"], other_city=True, county_matter=True)
    assert case.data["suggested_subject"] == {"subject": "multi_place_superior_leads", "lead": "province"}

    case.fill("Task_confirm_subject", response_subject="multi_place_superior_leads", subject_lead="province")
    case.fill("Task_report_province")

    assert case.data["province_document"]
    case.fill_all("Task_contact", "Task_instruct_vice")
    assign(case)
    give_opinion(case)
    publish(case)
    assert "Task_local_reply" not in case.open, "one unit of ours: our own part is the unified reply"


def test_several_departments_agree_on_the_text_before_it_is_approved(world):
    case = until_composing(world, multi_department=True)
    case.fill("Task_compose_reply")
    assert "Task_approve_vice" not in case.open

    case.fill("Task_consistency", department_texts=[{"department": "市生态环境局", "agreed": "differ"}])

    assert [(row["department"], row["agreed"]) for row in case.data["department_texts"]] == [("市生态环境局", "differ")]
    assert "Task_approve_vice" in case.open


# --- instructions ---------------------------------------------------------------------------------------------------


def test_an_oral_instruction_is_recorded_in_place_of_a_written_one_and_confirmed_with_the_reply(world):
    case = graded(world)
    case.message("wangfang", "oral_instruction", oral_by="张敏", oral_at=world.stamp(-5), **ORAL)

    assert "Task_instruct_vice" not in case.open
    (said,) = case.data["instructions"]
    assert (said["by"], said["oral"], said["noted_by"], said["text"]) == ("张敏", True, "王芳", ORAL["oral_text"])
    case.fill_all("Task_contact", "Task_confirm_subject")
    assign(case)
    give_opinion(case)
    case.fill("Task_compose_reply")
    case.fill("Task_approve_vice", oral_confirmed=True)
    assert case.data["oral_confirmed"] is True


def test_the_chief_may_instruct_orally_as_well(world):
    case = graded_major(world)

    case.message("wangfang", "oral_instruction", oral_by="刘伟", oral_at=world.stamp(0), **ORAL)

    assert "Task_instruct_chief" not in case.open
    assert [i["oral"] for i in case.data["instructions"]] == [True]


def test_a_leader_who_has_not_answered_is_reminded(world):
    case, major = graded(world), graded_major(world)

    world.wait(minutes=30)

    assert told(case, "有舆情待批示") == [("line:gengbao",)]
    assert told(major, "有舆情待批示") == [("chief",)]
    assert "Task_instruct_vice" in case.open, "a reminder takes nothing away"


# --- units -----------------------------------------------------------------------------------------------------------


def test_a_wrong_unit_may_return_the_assignment_once_within_the_hour(world):
    case = graded(world)
    assign(case, "guihua")
    case.fill("Task_sign", sign_decision="return", return_reason="不属本科职责")
    assert case.groups("Task_reassign") == ("office",)
    case.fill("Task_reassign", new_unit="zhifa")
    assert case.groups("Task_sign") == ("unit:zhifa",)

    case.fill("Task_sign", sign_decision="return", return_reason="也不属本科")

    assert "Task_reassign" not in case.open
    assert case.groups("Task_sign") == ("unit:zhifa",)
    assert told(case, "退单不成立，请继续办理；时限照常计算") == [("unit:zhifa",)]
    give_opinion(case)
    assert [r["unit"] for r in case.data["unit_results"]] == ["zhifa"]


def test_after_the_hour_an_assignment_can_not_be_returned(world):
    case = graded(world)
    assign(case)
    world.wait(hours=1, minutes=1)

    case.fill("Task_sign", sign_decision="return", return_reason="不属本科职责")

    assert case.groups("Task_sign") == ("unit:gengbao",)
    assert "Task_reassign" not in case.open


def test_an_opinion_sent_back_comes_again_and_the_other_unit_is_not_touched(world):
    case = graded(world)
    assign(case, "gengbao", "zhifa")
    for element in ("Task_sign", "Task_verify", "Task_opinion"):
        case.fill(element, "gengbao")

    case.fill("Task_confirm", "gengbao", opinion_decision="return", confirm_comment="依据不足")

    opinions = [t for t in case.live.tasks.values() if t.node.id == "Task_opinion"]
    assert [t.created.unit for t in opinions] == ["gengbao"]
    assert "opinion_decision" not in case.data["unit_results"][1], "each unit has its own fields"


# --- late -----------------------------------------------------------------------------------------------------------


def check_disposed(case: CaseView, limit: str, unit: str = "") -> None:
    """One breach on record, reported, explained, assessed, disposed of and followed up, and the pages show it."""
    assert limits_broken(case) == [(limit, unit)]
    with case.world.services.engine.connect() as conn:
        (paper,) = [d for d in dossier.documents_of(conn, case.id) if d.document == "late_report"]
        row = cases.get(conn, case.id)
        (broken,) = [c for c in clocks.for_case(conn, case.id) if c.breached_at is not None]
    assert (paper.content["limit"], paper.content["unit"]) == (limit, unit)
    assert row is not None
    assert row.breaches == 1
    assert broken.limit_id == limit
    steps = ["Task_late_explain", "Task_late_assess", "Task_late_disposal", "Task_late_followup"]
    assert [e["element"] for e in case.kinds("TaskCompleted") if e["element"] in steps] == steps


def test_a_late_triage_with_negative_impact_is_disposed_of_and_followed_up(world):
    case = world.open()
    world.wait(minutes=31)
    assert case.groups("Task_escalation") == ("line:zonghe",), "no business line is known yet"

    account_for(case)

    check_disposed(case, "triage")
    assert case.data["late_triage"][0]["disposal_decision"] == "notify"


def test_a_late_statement_is_reported_to_the_chief_and_disposed_of(world):
    case = graded_major(world)
    world.wait(hours=15)
    assert case.groups("Task_escalation") == ("chief",)

    account_for(case)

    check_disposed(case, "same_day")
    assert "Task_draft_statement" in case.open, "a missed statement is still owed"


def test_a_late_unit_explains_itself_and_the_report_lies_with_its_result(world):
    case = graded(world)
    assign(case, "gengbao", "zhifa")
    give_opinion(case, "gengbao")
    world.wait(hours=8)
    assert case.groups("Task_late_explain") == ("unit:zhifa",)

    account_for(case)

    check_disposed(case, "eight_hours", "zhifa")
    ours, late = case.data["unit_results"]
    assert (late["unit"], late["late_impact"], late["followup_text"]) == ("zhifa", "negative", "已通报。")
    assert "late_impact" not in ours


def test_a_breach_while_the_vice_leader_holds_the_opinion_is_reported_to_the_chief(world):
    case = graded(world)
    assign(case)
    case.fill_all("Task_sign", "Task_verify", "Task_opinion")

    world.wait(hours=8)

    assert case.groups("Task_escalation") == ("chief",)


def test_no_reply_after_forty_eight_hours_breaks_the_national_limit(world):
    case = until_composing(world)
    world.wait(hours=48)

    account_for(case)

    check_disposed(case, "backstop_48h")


def test_a_late_statement_after_an_upgrade_is_reported_and_disposed_of(world):
    case = until_composing(world)
    case.message("wangfang", "regrade", **UP)
    case.fill("Task_decide_upgrade")
    world.wait(hours=15)

    account_for(case)

    check_disposed(case, "same_day")
    assert case.data["late_same_day_upgrade"][0]["late_impact"] == "negative"


def test_a_breach_without_negative_impact_goes_to_the_ledger_only(world):
    case = world.open()
    world.wait(minutes=31)

    account_for(case, impact="none")

    assert not {"Task_late_disposal", "Task_late_followup"} & set(case.open)
    assert case.data["late_triage"][0]["late_impact"] == "none"


def test_a_late_case_is_archived_after_its_report_and_the_archive_shows_the_breach(world):
    case = graded(world)
    case.fill_all("Task_contact", "Task_instruct_vice", "Task_confirm_subject")
    assign(case)
    world.wait(hours=9)
    give_opinion(case)
    publish(case)
    feed_back(case)
    assert "Task_closing_review" not in case.open, "the report comes first"

    account_for(case)
    case.fill_all("Task_closing_review", "Task_archive")

    check_disposed(case, "eight_hours", "gengbao")
    (met,) = [e for e in case.kinds("LimitMet") if e["limit"] == "eight_hours"]
    assert met["late_seconds"] == timedelta(hours=1).total_seconds()


# --- grades that change ---------------------------------------------------------------------------------------------


def test_an_upgraded_case_makes_up_for_everything_that_a_major_one_needs(world):
    case = until_composing(world)
    case.message("wangfang", "regrade", **UP)
    case.fill("Task_decide_upgrade")
    assert {"Task_draft_statement", "Task_instruct_chief", "Task_draft_deliverables"} <= set(case.open)
    case.fill_all("Task_draft_statement", "Task_approve_statement", "Task_publish_statement")
    case.fill_all("Task_instruct_chief", "Task_draft_deliverables", "Task_review_deliverables")
    publish(case)
    feed_back(case)

    case.fill_all("Task_closing_review", "Task_archive")

    assert case.data["archive_missing"] == []
    assert [(r["from"], r["to"], r["decision"]) for r in case.data["regrades"]] == [
        ("ordinary_negative", "major_negative", "approve")
    ]
    assert limits_broken(case) == []


def test_a_case_upgraded_before_it_is_assigned_prepares_its_deliverables_once(world):
    case = graded(world)
    case.message("wangfang", "regrade", **UP)
    case.fill("Task_decide_upgrade")
    case.fill_all("Task_contact", "Task_confirm_subject")

    assign(case)
    asked_once = case.open.count("Task_draft_deliverables")
    case.fill_all("Task_draft_deliverables", "Task_review_deliverables")

    assert asked_once == 1
    assert "Task_draft_deliverables" not in case.open


def test_a_reopened_major_case_prepares_its_deliverables_again_though_it_was_upgraded_before(world):
    case = until_composing(world)
    case.message("wangfang", "regrade", **UP)
    case.fill("Task_decide_upgrade")
    case.fill_all("Task_draft_statement", "Task_approve_statement", "Task_publish_statement")
    case.fill_all("Task_instruct_chief", "Task_draft_deliverables", "Task_review_deliverables")
    publish(case)
    feed_back(case)
    case.fill_all("Task_closing_review", "Task_archive")
    world.wait(hours=1)
    case.message("wangfang", "reopen", **REOPENED, discovered_at=world.stamp(-10))
    case.fill("Task_screen", m3=True)
    case.fill("Task_grade", grade="major_negative", grade_reason="突发自然资源管理事件。")
    assign(case)

    assert case.open.count("Task_draft_deliverables") == 1


def test_an_upgrade_that_is_refused_changes_nothing(world):
    case = until_composing(world)
    case.message("wangfang", "regrade", **UP)

    case.fill_as("zhangmin", "Task_decide_upgrade", regrade_decision="reject", regrade_comment="尚不符合标准")

    assert case.data["grade"] == "ordinary_negative"
    assert "Task_draft_statement" not in case.open
    assert [r["decision"] for r in case.data["regrades"]] == ["reject"]


def test_a_second_request_while_one_is_undecided_is_turned_down(world):
    case = until_composing(world)
    case.message("wangfang", "regrade", **UP)

    case.message("lina", "regrade", **UP)

    assert case.open.count("Task_decide_upgrade") == 1
    assert len(told(case, "已有待决定的调级申请，或提请等级与现等级相同")) == 1


def test_a_statement_that_is_out_already_is_not_owed_again_after_down_and_up(world):
    case = graded_major(world)
    case.fill_all("Task_draft_statement", "Task_approve_statement", "Task_publish_statement")
    case.message("wangfang", "regrade", **DOWN)
    case.fill("Task_decide_downgrade")
    case.message("wangfang", "regrade", **UP)

    case.fill("Task_decide_upgrade")

    assert case.data["statement_record"]["status"] == "published"
    assert "Task_draft_statement" not in case.open
    assert [r["to"] for r in case.data["regrades"]] == ["ordinary_negative", "major_negative"]


def test_a_downgrade_stops_a_statement_that_is_not_out_and_keeps_its_text(world):
    case = graded_major(world)
    case.fill("Task_draft_statement", statement_text=DRAFT)
    case.message("wangfang", "regrade", **DOWN)

    case.fill("Task_decide_downgrade")

    assert not [e for e in case.open if "statement" in e]
    assert case.data["statement_record"]["status"] == "stopped"
    assert case.data["statement_record"]["text"] == DRAFT


def test_a_downgrade_stops_the_statement_of_an_upgrade_as_well(world):
    case = until_composing(world)
    case.message("wangfang", "regrade", **UP)
    case.fill("Task_decide_upgrade")
    assert "Task_draft_statement" in case.open
    case.message("wangfang", "regrade", **DOWN)

    case.fill("Task_decide_downgrade")

    assert "Task_draft_statement" not in case.open
    assert case.data["statement_record"]["status"] == "stopped"
    world.wait(days=1)
    assert limits_broken(case) == []


# --- archive and after ----------------------------------------------------------------------------------------------


def to_the_archive_without_proof(world: World) -> CaseView:
    case = until_composing(world)
    publish(case, reply_proof=None)
    feed_back(case)
    case.fill("Task_closing_review")
    return case


def test_a_missing_proof_holds_the_archive_until_it_is_handed_in(world):
    case = to_the_archive_without_proof(world)
    assert case.data["archive_missing"] == ["发布截图等凭证"]
    assert case.open == ["Task_supplement"]
    case.fill("Task_supplement", archive_override=False, archive_override_reason=None, supplement_note="正在找")
    assert case.open == ["Task_supplement"], "nothing came: it is asked again"

    case.fill("Task_supplement", archive_override=False, archive_override_reason=None, reply_proof="files::proof")

    assert case.open == ["Task_archive"]
    assert case.data["archive_missing"] == []


def test_what_can_not_be_found_is_overridden_only_with_a_reason(world):
    case = to_the_archive_without_proof(world)
    refused = case.try_submit("wangfang", "Task_supplement", archive_override=True)
    assert isinstance(refused, Rejection)
    assert [f.path for f in refused.fields] == ["archive_override_reason"]

    case.fill("Task_supplement", archive_override=True, archive_override_reason="网站改版，截图无法补齐")

    assert case.open == ["Task_archive"]
    assert case.data["archive_missing"] == ["发布截图等凭证"], "what is missing stays on record"
    assert case.data["archive_override_reason"] == "网站改版，截图无法补齐"


def test_a_topic_that_returns_goes_back_to_triage_with_its_new_discovery(world):
    case = archived(world)
    first = case.data["discovered_at"]
    world.wait(days=3)

    case.message("wangfang", "reopen", **REOPENED, discovered_at=world.stamp(-10))

    assert {"Task_screen", "Task_contact"} == set(case.open)
    assert [r["discovered_at"] for r in case.data["rounds"]] == [first, case.data["discovered_at"]]
    assert parse_instant(case.data["discovered_at"]) > parse_instant(first)
    case.fill("Task_screen", m3=True)
    case.fill("Task_grade", grade="major_negative", grade_reason="再次发生。")
    (armed,) = [e for e in case.kinds("TimerArmed") if e.get("limit") == "same_day" and not e.get("warns_of")]
    assert parse_instant(armed["anchor_at"]) == parse_instant(case.data["discovered_at"])
    world.wait(days=40)
    assert case.live.status == "open", "the first tracking period is over and done with"


def test_nobody_outside_office_and_leaders_can_reopen(world):
    case = archived(world)

    refused = case.try_message("liqiang", "reopen", **REOPENED, discovered_at=world.stamp(0))

    assert isinstance(refused, Rejection)
    assert refused.code == "forbidden"
