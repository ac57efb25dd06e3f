"""How the demo cast usually fills in each form of the shipped bundle: element -> who, and what they write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from engine.domain.codec import JSON

OFFICE: Final = "wangfang"
VICE: Final = "zhangmin"
CHIEF: Final = "liuwei"
SUPERVISOR: Final = "zhaogang"
NOW: Final = "@now"
"""Stands for the instant of filling in."""
UNIT: Final = "@unit"
"""Stands for the person of the task's unit who usually does its tasks."""

PEOPLE_OF_UNITS: Final[Mapping[str, str]] = {
    "bangong": "wangfang",
    "gengbao": "liqiang",
    "guihua": "huangtao",
    "shengtai": "zhouwei",
    "dikuang": "gaofeng",
    "zhifa": "zhengkai",
    "dengji": "hanmei",
    "yuzhou": "chenjing",
    "changge": "songjia",
    "jianan": "yuting",
    "xiangcheng": "panyue",
    "yanling": "jiangnan",
    "weidu": "fangfang",
    "jingkai": "yaowen",
    "dongcheng": "liaohui",
    "shifan": "xiongwei",
}

Answer = tuple[str, Mapping[str, JSON]]
ANSWERS: Final[Mapping[str, Answer]] = {
    "Task_screen": (
        OFFICE,
        {
            "relevant": True,
            "directly_related": True,
            "authenticity": "genuine",
            "business_line": "gengbao",
            "n1": True,
            "screen_note": "内容与自然资源管理直接相关，情况待核实。",
        },
    ),
    "Task_grade": (OFFICE, {"grade": "ordinary_negative", "grade_reason": "指出工作中可能存在的问题。"}),
    "Task_contact": (
        OFFICE,
        {
            "contact_body": "12345 政府服务热线",
            "contact_at": NOW,
            "contact_result": "confirmed",
            "contact_answer": "已接到同类来电，内容一致。",
        },
    ),
    "Task_handover": (
        OFFICE,
        {"handover_kind": "record_only", "handover_at": NOW, "handover_note": "与本局职责无关，留存备查。"},
    ),
    "Task_positive": (OFFICE, {"positive_use": "promote", "positive_note": "转宣传报送。"}),
    "Task_instruct_vice": (VICE, {"instruction_text": "请速核实并报结果。"}),
    "Task_instruct_chief": (CHIEF, {"instruction_text": "高度重视，当天对外表态。"}),
    "Task_confirm_subject": (
        OFFICE,
        {"response_subject": "city_bureau", "subject_lead": "city", "subject_reason": "市局职责范围内。"},
    ),
    "Task_county_letter": (
        OFFICE,
        {
            "county_letter_no": "许自然资函〔2026〕15号",
            "county_letter_to": "县（市、区）人民政府办公室",
            "county_letter_at": NOW,
            "county_letter_text": "请明确该政务舆情的回应主体。",
        },
    ),
    "Task_county_escalation": (VICE, {"county_decision": "act_as_subject"}),
    "Task_report_province": (OFFICE, {"province_document": "许自然资〔2026〕8号", "province_reported_at": NOW}),
    "Task_assign": (
        OFFICE,
        {
            "lead_unit": "gengbao",
            "co_units": [],
            "required_outputs": ["reply_opinion"],
            "assign_note": "请按批示核实，8 小时内提出回复意见。",
        },
    ),
    "Task_sign": (UNIT, {"sign_decision": "accept", "sign_person": "承办人"}),
    "Task_verify": (
        UNIT,
        {
            "verify_facts": "现场核实：地块为设施农用地，硬化面积约 0.3 亩，已停工。",
            "verify_conclusion": "partly",
            "verified_by": "liqiang",
            "verify_cause": "备案后超范围硬化。",
            "trend": "flat",
            "impact_score": 2,
            "spread_note": "本地论坛一帖，跟帖约 20 条。",
        },
    ),
    "Task_opinion": (
        UNIT,
        {
            "handling_type": "rectify",
            "opinion_kind": "reply_opinion",
            "opinion_text": "已责令限期拆除超范围部分并复垦，建议如实公开回复。",
            "proposed_reply": "经核实，部分情况属实，已责令整改。",
        },
    ),
    "Task_confirm": (VICE, {"opinion_decision": "confirm"}),
    "Task_reassign": (OFFICE, {"new_unit": "zhifa", "reassign_note": "属执法监察职责。"}),
    "Task_draft_statement": (
        OFFICE,
        {
            "statement_text": "我局已关注到网友反映的情况，正在组织核查，结果将及时公布。",
            "statement_planned_channel": "website",
        },
    ),
    "Task_approve_statement": (CHIEF, {"statement_decision": "approve"}),
    "Task_publish_statement": (
        OFFICE,
        {
            "statement_channel": "website",
            "statement_published_at": NOW,
            "statement_url": "https://zrzyj.example/statement/1",
        },
    ),
    "Task_draft_deliverables": (
        OFFICE,
        {"doc_wording": "统一口径：正在核查，依法处理，及时公布。", "doc_disposal": "由分管领导牵头现场处置。"},
    ),
    "Task_review_deliverables": (CHIEF, {"deliverables_decision": "approve"}),
    "Task_supervise": (SUPERVISOR, {"supervision_kind": "urge", "supervision_text": "已电话督促承办单位。"}),
    "Task_supervision_group": (
        SUPERVISOR,
        {"supervision_group_result": "good", "supervision_group_note": "办理规范。"},
    ),
    "Task_supervision_office": (
        OFFICE,
        {"supervision_office_result": "good", "supervision_office_note": "按时办结。"},
    ),
    "Task_compose_reply": (
        OFFICE,
        {
            "reply_text": "您好，您反映的问题已收悉。经核实，部分情况属实，已责令整改，感谢监督。",
            "publicity": "public",
            "reply_in_name_of": "许昌市自然资源和规划局",
            "planned_channels": ["website", "wechat"],
            "tone_check": ["facts", "positive", "open", "privacy"],
        },
    ),
    "Task_consistency": (
        OFFICE,
        {
            "department_texts": [{"department": "市生态环境局", "agreed": "agree"}],
            "consistency_note": "各部门口径一致。",
        },
    ),
    "Task_approve_vice": (VICE, {"reply_decision": "approve"}),
    "Task_approve_chief": (CHIEF, {"reply_decision": "approve"}),
    "Task_publish_reply": (
        OFFICE,
        {
            "publications": [
                {
                    "channel": "website",
                    "published_on": NOW,
                    "place": "https://zrzyj.example/reply/1",
                    "same_text": True,
                }
            ],
            "reply_published_at": NOW,
        },
    ),
    "Task_local_reply": (
        UNIT,
        {
            "local_channel": "website",
            "local_published_at": NOW,
            "local_place": "https://county.example/reply/1",
        },
    ),
    "Task_feedback": (
        UNIT,
        {
            "feedback_result": "已整改到位，网友表示认可。",
            "feedback_satisfaction": "satisfied",
            "feedback_finished": True,
        },
    ),
    "Task_receipt_leader": (VICE, {"receipt_leader_at": NOW}),
    "Task_receipt_office": (OFFICE, {"receipt_office_at": NOW}),
    "Task_escalation": (VICE, {"escalation_action": "urge", "escalation_text": "请立即提出意见。"}),
    "Task_late_explain": (UNIT, {"late_reason": "complex", "late_explanation": "现场勘测耗时较长。"}),
    "Task_late_assess": (
        SUPERVISOR,
        {
            "late_cause": "现场勘测耗时较长，未提前报告。",
            "late_impact": "none",
            "late_kind": "late",
            "late_impact_note": "未造成扩散。",
            "late_proposal": "提醒。",
        },
    ),
    "Task_late_disposal": (VICE, {"disposal_decision": "notify", "disposal_text": "予以通报。"}),
    "Task_late_followup": (SUPERVISOR, {"followup_text": "已通报。", "followup_at": NOW}),
    "Task_decide_upgrade": (CHIEF, {"regrade_decision": "approve"}),
    "Task_decide_downgrade": (CHIEF, {"regrade_decision": "approve"}),
    "Task_closing_review": (
        OFFICE,
        {
            "score_speed": 5,
            "score_efficiency": 4,
            "score_handling": 5,
            "score_punctual": 5,
            "score_satisfaction": 4,
            "appeal_outcome": "solved",
            "guidance_outcome": "calm",
            "root_cause_kind": "cause_oversight",
            "root_cause": "设施农用地备案后监管不到位。",
            "closing_note": "按时办结，群众认可。",
        },
    ),
    "Task_supplement": (
        OFFICE,
        {"archive_override": True, "archive_override_reason": "纸质材料另行归档。", "supplement_note": ""},
    ),
    "Task_archive": (
        OFFICE,
        {
            "retention": "10y",
            "secrecy_level": "internal",
            "archive_no": "XZ-2026-001",
            "archived_by": "wangfang",
        },
    ),
    "Task_promise": (SUPERVISOR, {"promise_state": "done", "promise_note": "承诺已落实。"}),
}


def filled(value: Any, now: str) -> Any:
    """The answer with every NOW replaced by `now`, at any depth."""
    if value == NOW:
        return now
    if isinstance(value, Mapping):
        return {key: filled(one, now) for key, one in value.items()}
    if isinstance(value, list):
        return [filled(one, now) for one in value]
    return value
