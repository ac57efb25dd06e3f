"""Stretches of the road that a case of the shipped bundle takes, each as the cast usually walks it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from engine.service import people_units
from engine.service.transactions import writing
from tests.support.world import CaseView, World

UP = {"regrade_to": "major_negative", "regrade_criteria": ["m5"], "regrade_reason": "多家媒体跟进"}
DOWN = {"regrade_to": "ordinary_negative", "regrade_reason": "核实后影响有限"}
ORAL = {"oral_noted_by": "王芳", "oral_way": "phone", "oral_text": "先核实，稳妥回应。"}
COUNTY_REPLY = {"county_reply_subject": "禹州市人民政府", "county_reply_by": "禹州市政府办"}
REOPENED = {"source_type": "weibo", "source_name": "许都微博(虚构)", "reopen_reason": "舆情反复"}


def graded(world: World, **screen: Any) -> CaseView:
    """An ordinary case after its grading: reported to the vice leader, to be assigned by the office."""
    case = world.open()
    case.fill("Task_screen", **screen)
    case.fill("Task_grade")
    return case


def graded_major(world: World, **screen: Any) -> CaseView:
    """A sudden event (R46): a statement is due today, the chief has it."""
    case = world.open()
    case.fill("Task_screen", **{"m3": True, **screen})
    case.fill("Task_grade", grade="major_negative", grade_reason="突发自然资源管理事件。")
    return case


def away(world: World, login: str, substitute: str, hours: int = 24) -> None:
    """`login` is away from now on, `substitute` acts for him."""
    now = world.clock.now()
    with writing(world.services.engine) as conn:
        refused = people_units.add_absence(
            conn, world.actor("qianjin"), now,
            user_id=login, substitute=substitute, start_at=now, end_at=now + timedelta(hours=hours), reason="出差",
        )  # fmt: skip
    assert refused is None


def assign(case: CaseView, lead: str = "gengbao", *others: str) -> None:
    case.fill("Task_assign", lead_unit=lead, co_units=list(others))


def give_opinion(case: CaseView, unit: str = "") -> None:
    """The unit signs, verifies and proposes; the vice leader confirms."""
    case.fill("Task_sign", unit)
    case.fill("Task_verify", unit)
    case.fill("Task_opinion", unit)
    case.fill("Task_confirm", unit)


def until_composing(world: World, lead: str = "gengbao", **screen: Any) -> CaseView:
    """An ordinary case of which everything is known: instruction, response subject, the unit's opinion."""
    case = graded(world, **screen)
    case.fill_all("Task_contact", "Task_instruct_vice", "Task_confirm_subject")
    assign(case, lead)
    give_opinion(case)
    return case


def major_until_composing(world: World, **screen: Any) -> CaseView:
    """The same for a major case, its statement published and its deliverables approved."""
    case = graded_major(world, **screen)
    case.fill_all("Task_contact", "Task_instruct_chief", "Task_confirm_subject")
    case.fill_all("Task_draft_statement", "Task_approve_statement", "Task_publish_statement")
    assign(case)
    case.fill_all("Task_draft_deliverables", "Task_review_deliverables")
    give_opinion(case)
    return case


def publish(case: CaseView, **over: Any) -> None:
    """The unified reply, from composing to publication, with its proof."""
    case.fill("Task_compose_reply")
    if case.data.get("multi_department"):
        case.fill("Task_consistency")
    case.fill("Task_approve_chief" if case.data["grade"] == "major_negative" else "Task_approve_vice")
    case.fill("Task_publish_reply", **{"reply_proof": "files::proof", **over})


def feed_back(case: CaseView) -> None:
    """Conclusions of the supervision, the lead unit's report and both receipts."""
    case.fill_all("Task_supervision_group", "Task_supervision_office", "Task_feedback", "Task_receipt_office")
    case.fill_as("liuwei" if case.data["grade"] == "major_negative" else "zhangmin", "Task_receipt_leader")


def archived(world: World, **screen: Any) -> CaseView:
    """An ordinary case in its tracking period."""
    case = until_composing(world, **screen)
    publish(case)
    feed_back(case)
    case.fill_all("Task_closing_review", "Task_archive")
    return case


def account_for(case: CaseView, impact: str = "negative") -> None:
    """The one late report under way, from the urging to its follow-up (to the ledger without negative impact)."""
    leader = {"chief": "liuwei"}.get(case.groups("Task_escalation")[0], "zhangmin")
    case.fill_as(leader, "Task_escalation")
    case.fill("Task_late_explain")
    case.fill("Task_late_assess", late_impact=impact)
    if impact == "negative":
        case.fill_as(leader, "Task_late_disposal")
        case.fill("Task_late_followup")
