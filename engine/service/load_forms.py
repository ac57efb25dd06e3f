"""What people of the load model write into each form: the usual answer of the demo's cast, and what is special about
the case laid over it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from engine.domain.calendar import ZONE
from engine.domain.codec import JSON

from .demo_answers import ANSWERS, filled
from .load_model import Arrival
from .load_parameters import Parameters

Values = dict[str, JSON]


@dataclass(frozen=True, slots=True)
class Situation:
    """A task that is about to be done: the case's data, how often this element was done before in it, and when.
    `first_of_topic`: number of the case that a later item of a hot topic is merged into, "" if none."""

    arrival: Arrival
    data: Mapping[str, Any]
    case_id: str
    times: int
    at: datetime
    parameters: Parameters
    first_of_topic: str = ""

    @property
    def merged(self) -> bool:
        return bool(self.first_of_topic) and self.first_of_topic != self.case_id

    @property
    def stamp(self) -> str:
        return stamp(self.at)


def stamp(at: datetime) -> str:
    """An instant as a form gives it: Asia/Shanghai, to the minute."""
    return at.astimezone(ZONE).isoformat(timespec="minutes")


def answer(element: str, situation: Situation) -> Values:
    """What is written into the form of `element`. Raises KeyError for an element nobody has an answer for."""
    _, usual = ANSWERS[element]
    special = _SPECIAL.get(element)
    return {**filled(usual, situation.stamp), **(special(situation) if special else {})}


def registration(arrival: Arrival, reporter: str) -> Values:
    """The form that opens a case."""
    return {
        "title": arrival.title,
        "body": arrival.body,
        "source_type": arrival.source,
        "source_name": arrival.source_name,
        "url": arrival.url,
        "district": arrival.district,
        "item_kind": arrival.kind,
        "published_at": stamp(arrival.published_at),
        "discovered_at": stamp(arrival.discovered_at),
        "discovered_by": {"hotline": "hotline", "superior": "superior"}.get(arrival.source, "patrol"),
        "reporter": reporter,
        "no_state_secret": True,
    }


def regrading(to: str, reason: str, outlets: bool) -> Values:
    """The request to change a grade; an upgrade names its criterion (R45 to R48)."""
    asked: Values = {"regrade_to": to, "regrade_reason": reason}
    if to == "major_negative":
        asked["regrade_criteria"] = ["m5" if outlets else "m3"]
    return asked


def county_reply(situation: Situation) -> Values:
    return {
        "county_reply_subject": f"{situation.arrival.district}人民政府",
        "county_reply_at": situation.stamp,
        "county_reply_by": f"{situation.arrival.district}政府办",
    }


def oral_instruction(leader: str, at: datetime) -> Values:
    return {
        "oral_by": leader, "oral_at": stamp(at), "oral_noted_by": "王芳", "oral_way": "phone",
        "oral_text": "先核实，稳妥回应。",
    }  # fmt: skip


def _screen(now: Situation) -> Values:
    if now.merged:
        return {**now.arrival.screen, "is_duplicate": True, "duplicate_of": now.first_of_topic}
    return now.arrival.screen


def _grade(now: Situation) -> Values:
    reasons = {
        "positive": "市级层面工作报道。",
        "ordinary_negative": "指出工作中可能存在的问题。",
        "major_negative": "符合重大舆情标准。",
    }
    return {"grade": now.arrival.grade, "grade_reason": reasons[now.arrival.grade]}


def _handover(now: Situation) -> Values:
    if now.merged:
        return {"handover_kind": "merge", "handover_note": f"并入 {now.first_of_topic}"}
    return {"handover_kind": "transfer", "handover_to": "市有关部门", "handover_note": "属其他部门职责。"}


def _subject(now: Situation) -> Values:
    suggested = now.data.get("suggested_subject") or {}
    said: Values = {
        "response_subject": suggested.get("subject") or "city_bureau",
        "subject_lead": suggested.get("lead") or "city",
    }
    if now.data.get("multi_department"):
        said["coordinator"] = "市政府办公室"
    return said


def _assign(now: Situation) -> Values:
    arrival = now.arrival
    lead = wrong_unit(arrival) if arrival.course.returned_assignment else arrival.lead_unit
    return {"lead_unit": lead, "co_units": list(arrival.co_units)}


def wrong_unit(arrival: Arrival) -> str:
    """A unit that has nothing to do with the item."""
    right = {arrival.lead_unit, *arrival.co_units}
    return next(unit for unit in ("dikuang", "guihua", "dengji", "gengbao") if unit not in right)


def _sign(now: Situation) -> Values:
    if now.arrival.course.returned_assignment and now.times == 0 and not now.arrival.co_units:
        return {"sign_decision": "return", "return_reason": "不属本单位职责", "sign_person": None}
    return {}


def _sent_back(field: str, comment: str, course: str, again: str = "approve") -> Callable[[Situation], Values]:
    def answered(now: Situation) -> Values:
        if getattr(now.arrival.course, course) and now.times == 0:
            return {field: "return", comment: "请补充依据后再报。"}
        said: Values = {field: again}
        if field == "reply_decision" and now.arrival.course.oral_instruction:
            said["oral_confirmed"] = True
        return said

    return answered


def _publish(now: Situation) -> Values:
    if not now.arrival.course.promised:
        return {}
    due = now.at + timedelta(days=now.parameters.promise_days)
    return {
        "has_promise": True,
        "promise_due": due.astimezone(ZONE).date().isoformat(),
        "promise_text": "按期整改到位。",
    }


def _assess(now: Situation) -> Values:
    return {"late_impact": "negative" if now.arrival.course.late_does_harm else "none"}


def _archive(now: Situation) -> Values:
    year, number = now.case_id.split("-")[1:]
    kept = "30y" if now.data.get("grade") == "major_negative" else "10y"
    return {"archive_no": f"XZ-{year}-{number}", "retention": kept}


_CAUSES: Final[Mapping[str, str]] = {
    "gengbao": "cause_violation",
    "guihua": "cause_policy",
    "shengtai": "cause_oversight",
    "dengji": "cause_procedure",
    "zhifa": "cause_violation",
}
"""Business line -> what usually lies at the root there."""


def _closing(now: Situation) -> Values:
    return {"root_cause_kind": _CAUSES.get(str(now.data.get("business_line")), "cause_other")}


_SPECIAL: Final[Mapping[str, Callable[[Situation], Values]]] = {
    "Task_screen": _screen,
    "Task_grade": _grade,
    "Task_handover": _handover,
    "Task_instruct_vice": lambda now: {"demand_deliverables": True} if now.arrival.course.demanded_papers else {},
    "Task_confirm_subject": _subject,
    "Task_assign": _assign,
    "Task_sign": _sign,
    "Task_reassign": lambda now: {"new_unit": now.arrival.lead_unit},
    "Task_confirm": _sent_back("opinion_decision", "confirm_comment", "returned_opinion", "confirm"),
    "Task_approve_vice": _sent_back("reply_decision", "reply_comment", "returned_reply"),
    "Task_approve_chief": _sent_back("reply_decision", "reply_comment", "returned_reply"),
    "Task_publish_reply": _publish,
    "Task_late_assess": _assess,
    "Task_closing_review": _closing,
    "Task_archive": _archive,
}
