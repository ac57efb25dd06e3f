"""The data of each kind of document of a case: placeholder -> text, or rows (document_kinds says which there are)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from engine.domain.rejection import Rejection
from engine.readmodels import dossier, evidence

from .catalogue import sentence
from .document_facts import CaseFacts, joined, minute, quoted, sources
from .report import fact_text
from .report_words import instant, known, one_of, span

Values = dict[str, Any]


def of_case(kind: str, facts: CaseFacts, subject: str = "") -> Values | Rejection:
    """The placeholders of a kind, without the general ones. `subject`: which late report, "" for the last.

    Rejection (`conflict`) when what the document is about is not there yet; its key says what is missing.
    """
    told = _TOLD[kind](facts, subject)
    return told if isinstance(told, Rejection) else {**_case(facts), **told}


def ready(kind: str, facts: CaseFacts) -> bool:
    """Whether a document of that kind can be made now."""
    return not isinstance(_TOLD[kind](facts, ""), Rejection)


def _not_yet(kind: str) -> Rejection:
    return Rejection("conflict", "document.not_yet", {"missing": f"document.missing.{kind}"})


def _case(facts: CaseFacts) -> Values:
    row, words = facts.case, facts.words
    stage = row.stage_label if row.status == "open" else one_of("outcome.", row.outcome, "已办结")
    return {
        "案件编号": row.case_id,
        "案件标题": row.title,
        "内容摘要": row.body,
        "来源": joined(sources(facts.bundle).get(row.source_type, row.source_type), row.source_name, by="　"),
        "网址": row.url,
        "涉及区划": row.district or "—",
        "业务条线": words.lines.get(row.business_line, row.business_line) or "—",
        "舆情等级": one_of("grade.", row.grade or "none", row.grade),
        "办理阶段": stage,
        "发布时间": minute(row.published_at),
        "发现时间": minute(row.discovered_at),
    }


def _assignment(facts: CaseFacts, _: str) -> Values | Rejection:
    units, assigned = facts.units(), facts.last("assign")
    if not units or assigned is None:
        return _not_yet("assignment")
    due = {one.unit: one.deadline for one in facts.limits if one.limit_id == "eight_hours" and one.unit}
    rows = []
    for unit, role in units:
        task = facts.sign(unit)
        values = {
            fact.field: fact_text(fact)
            for filing in facts.filed("unit_sign")
            if filing.unit == unit
            for fact in filing.facts
        }
        rows.append(
            {
                "名称": facts.words.unit(unit),
                "分工": role,
                "送达时间": minute(task.created_at if task else None) or "—",
                "签收时间": minute(task.completed_at if task else None) or "尚未签收",
                "签收人": values.get("sign_person") or (facts.words.person(task.completed_by) if task else "") or "—",
                "签收意见": values.get("sign_decision", "—"),
                "到期时间": minute(due.get(unit)) or "—",
            }
        )
    first = min((at for unit, _ in units if (at := due.get(unit))), default=None)
    instructions = facts.instructions()
    return {
        "主办单位": facts.names("主办"),
        "协办单位": facts.names("协办") or "—",
        "要求提交": facts.said("required_outputs"),
        "交办要求": facts.said("assign_note"),
        "办理期限": f"{minute(first)} 前提出意见（自送达起 8 小时）" if first else "自送达起 8 小时",
        "批示摘录": quoted(instructions) or "—",
        "交办时间": minute(assigned.at),
        "批示": instructions,
        "单位": rows,
    }


def _submission(facts: CaseFacts, _: str) -> Values | Rejection:
    screened = facts.last("screen")
    if screened is None:
        return _not_yet("submission")
    grounds = facts.data.get("grading_criteria")
    criteria = [str(one) for one in grounds] if isinstance(grounds, list) else []
    verified = facts.filed("unit_verify")
    return {
        "甄别情况": joined(facts.said("authenticity"), facts.said("screen_note"), by="；"),
        "定级标准": "；".join(one.partition(" ")[2] or one for one in criteria) + ("。" if criteria else ""),
        "定级理由": facts.said("grade_reason"),
        "回应主体": facts.said("response_subject") or "待认定",
        "认定理由": facts.said("subject_reason"),
        "核实情况": joined(
            facts.said("contact_answer"),
            *(f"{facts.words.unit(one.unit)}：{_in(one, 'verify_facts')}" for one in verified),
        )
        or "待核实",
        "拟办意见": _proposal(facts),
        "附件": "、".join(one.name for one in facts.files) or "无",
        "批示": facts.instructions(),
        "时限": facts.limit_rows(),
    }


def _proposal(facts: CaseFacts) -> str:
    if disposal := facts.said("doc_disposal"):
        return disposal
    suggested = facts.data.get("suggested_units")
    units = [facts.words.unit(str(one)) for one in suggested] if isinstance(suggested, list) else []
    line = facts.words.lines.get(facts.case.business_line, "")
    names = "、".join(units) or line
    return f"建议交{names}办理，按规定时限提出回复意见。" if names else "请批示。"


def _supervision(facts: CaseFacts, _: str) -> Values | Rejection:
    open_tasks = [task for task in facts.tasks if task.state == "open" and task.due is not None]
    logs = facts.filed("supervision_log")
    if not facts.units() or (not open_tasks and not logs):
        return _not_yet("supervision")
    rows = []
    for task in sorted(open_tasks, key=lambda one: one.due or facts.now):
        assert task.due is not None
        left = (task.due - facts.now).total_seconds()
        rows.append(
            {
                "事项": task.label,
                "单位": facts.words.unit(task.unit) if task.unit else "—",
                "承办人": facts.holder(task),
                "到期时间": minute(task.due),
                "状态": f"已超时 {span(left)}" if left < 0 else f"还有 {span(left)}",
            }
        )
    return {
        "主办单位": facts.names("主办"),
        "协办单位": facts.names("协办") or "—",
        "督办要求": joined(facts.said("escalation_text"), facts.said("supervision_advice")),
        "批示摘录": quoted(facts.instructions()),
        "批示": facts.instructions(),
        "事项": rows,
        "督导": [
            {
                "时间": minute(one.at),
                "方式": _in(one, "supervision_kind"),
                "情况": _in(one, "supervision_text"),
                "要求": _in(one, "supervision_advice"),
            }
            for one in logs
        ],
    }


def _late_report(facts: CaseFacts, subject: str) -> Values | Rejection:
    found = [one for one in facts.reports if not subject or one.name == subject]
    if not found:
        return _not_yet("late_report")
    about = found[-1]
    paper = next((one.content for one in facts.papers if one.name == about.name), {})
    limit = next((one for one in facts.limits if one.timer == about.timer), None)

    def answer(field: str) -> str:
        told = (_in(facts.at(one.seq), field) for one in reversed(about.answers) if one.fields.get(field))
        return next((text for text in told if text), "")

    late = float(paper.get("late_seconds") or 0.0) or (limit.late_seconds if limit else 0.0)
    return {
        "时限名称": str(paper.get("label") or (limit.label if limit else about.limit_id)),
        "规则": str(paper.get("rule") or (limit.rule if limit else "")),
        "起算时间": instant(str(paper.get("anchor_at") or "")) or (instant(limit.anchor_at) if limit else ""),
        "到期时间": instant(about.deadline),
        "记录时间": instant(about.at),
        "超时": f"超时 {span(late)}" if late else _still(limit is not None and limit.running),
        "单位": facts.words.unit(about.unit) if about.unit else "局办公室",
        "系统判断": known(about.cause, "") if about.cause else "未见系统停运等原因",
        "单位说明原因": answer("late_reason"),
        "单位情况说明": answer("late_explanation"),
        "核定原因": answer("late_cause"),
        "是否造成负面影响": answer("late_impact"),
        "性质": answer("late_kind"),
        "影响说明": answer("late_impact_note"),
        "处置意见": answer("late_proposal"),
        "处置决定": answer("disposal_decision"),
        "决定内容": answer("disposal_text"),
        "落实情况": answer("followup_text"),
        "落实时间": minute(str(about.said("followup_at") or "")),
        "督促": _urged(facts, about),
        "未办事项": [
            {"事项": str(task.get("label") or ""), "承办人": _had(facts, task)}
            for task in paper.get("open_tasks") or ()
            if isinstance(task, Mapping)
        ],
    }


def _still(running: bool) -> str:
    return "至今未办" if running else ""


def _had(facts: CaseFacts, task: Mapping[str, Any]) -> str:
    if task.get("assignee"):
        return facts.words.person(str(task["assignee"]))
    return "、".join(facts.words.group(str(one)) for one in task.get("groups") or ()) or "—"


def _urged(facts: CaseFacts, about: evidence.Report) -> list[dict[str, str]]:
    return [
        {
            "领导": facts.words.person(one.author),
            "时间": minute(one.at),
            "内容": joined(*(_in(facts.at(one.seq), name) for name in _URGES), by="："),
        }
        for one in about.answers
        if any(one.fields.get(name) for name in _URGES)
    ]  # fmt: skip


_URGES: Final = ("escalation_action", "escalation_text")


def _special(facts: CaseFacts, _: str) -> Values | Rejection:
    if facts.last("screen") is None:
        return _not_yet("briefing_special")
    instructions = facts.instructions()
    handled = [
        joined(facts.said("assign_note"), by=""),
        *(f"{facts.words.unit(one.unit)}：{_in(one, 'feedback_result')}" for one in facts.filed("feedback_report")),
    ]
    answered = [facts.said("statement_text"), facts.said("reply_text")]
    return {
        "核实情况": _submission_part(facts),
        "处置情况": joined(*handled),
        "回应情况": joined(*answered),
        "下一步": joined(facts.said("doc_disposal"), facts.said("followup_text")),
        "批示摘录": quoted(instructions),
        "分送": "",
        "批示": instructions,
        "时限": facts.limit_rows(),
        "单位": [
            {"名称": facts.words.unit(unit), "分工": role, "意见": _opinion(facts, unit) or "尚未提出"}
            for unit, role in facts.units()
        ],
    }


def _submission_part(facts: CaseFacts) -> str:
    verified = (f"{facts.words.unit(one.unit)}：{_in(one, 'verify_facts')}" for one in facts.filed("unit_verify"))
    return joined(facts.said("screen_note"), facts.said("contact_answer"), *verified)


def _opinion(facts: CaseFacts, unit: str) -> str:
    found = [one for one in facts.filed("unit_opinion") if one.unit == unit]
    return _in(found[-1], "opinion_text") if found else ""


def _press(facts: CaseFacts, _: str) -> Values | Rejection:
    if not facts.said("doc_press"):
        return _not_yet("press")
    return {"新闻通稿": facts.said("doc_press"), **_reviewed(facts), "附件": facts.said("doc_files")}


def _wording(facts: CaseFacts, _: str) -> Values | Rejection:
    if not facts.said("doc_wording"):
        return _not_yet("wording")
    return {
        "应对口径": facts.said("doc_wording"),
        "处置建议": facts.said("doc_disposal"),
        "督办核查方案": facts.said("doc_supervision"),
        "背景资料": facts.said("doc_background"),
        **_reviewed(facts),
    }


def _reviewed(facts: CaseFacts) -> Values:
    """Who reviewed the deliverables, of what was written before."""
    review, draft = facts.last("deliverables_review"), facts.last("deliverables_draft")
    if review is None or (draft is not None and draft.seq > review.seq):
        return {"审核意见": "尚未审核", "审核人": ""}
    said = joined(_in(review, "deliverables_decision"), _in(review, "deliverables_comment"), by="：")
    return {"审核意见": said, "审核人": review.who}


def _reply(facts: CaseFacts, _: str) -> Values | Rejection:
    composed, approved = facts.last("reply_compose"), facts.last("reply_approve")
    if composed is None:
        return _not_yet("reply")
    if approved is not None and approved.seq < composed.seq:
        approved = None
    publications = facts.data.get("publications")
    rows = publications if isinstance(publications, list) else []
    return {
        "回复内容": facts.said("reply_text"),
        "回复名义": facts.said("reply_in_name_of"),
        "公开属性": facts.said("publicity"),
        "不公开理由": facts.said("publicity_reason"),
        "拟发布渠道": facts.said("planned_channels"),
        "审批意见": joined(_in(approved, "reply_decision"), _in(approved, "reply_comment"), by="：") or "尚未审批",
        "审批人": approved.who if approved else "",
        "审批时间": minute(approved.at) if approved else "",
        "发布": [
            {
                "渠道": facts.words.cell(row.get("channel")),
                "时间": minute(str(row.get("published_on") or row.get("published_at") or "")),
                "凭证": str(row.get("place") or "—"),
            }
            for row in rows
            if isinstance(row, Mapping)
        ],
    }


def _catalogue(facts: CaseFacts, _: str) -> Values | Rejection:
    archived = facts.last("archive")
    rows: list[dict[str, str]] = []

    def add(title: str, who: str, at: str, size: str, check: str) -> None:
        rows.append(
            {"序号": str(len(rows) + 1), "题名": title, "责任者": who, "时间": at, "大小": size, "校验值": check}
        )

    hashes = {entry.seq: entry.hash for entry in facts.entries}
    for one in facts.filings:
        add(one.label or one.form, one.who, minute(one.at), f"第 {one.seq} 条", hashes[one.seq][:12])
    for paper in facts.papers:
        title = one_of("document.kind.", paper.document, paper.title)
        add(title, "系统", minute(paper.at), f"第 {paper.seq} 条", hashes[paper.seq][:12])
    for file in sorted(facts.files, key=lambda file: (file.seq, file.name)):
        add(file.name, facts.words.person(file.author), minute(file.at), _size(file), file.sha256[:12])
    last = facts.entries[-1]
    return {
        "档号": facts.said("archive_no") or "—",
        "保管期限": facts.said("retention") or "—",
        "密级": facts.said("secrecy_level") or "—",
        "归档人": facts.said("archived_by") or "—",
        "归档时间": minute(archived.at) if archived else "尚未归档",
        "件数": str(len(rows)),
        "记录条数": str(last.seq),
        "末条校验值": last.hash,
        "目录": rows,
    }


def _size(file: dossier.FileRow) -> str:
    return f"{max(1, round(file.size / 1024)):,} KB"


def _in(filing: Any, field: str) -> str:
    """What one submission says in a field."""
    return "" if filing is None else next((fact_text(fact) for fact in filing.facts if fact.field == field), "")


_TOLD: Final[Mapping[str, Callable[[CaseFacts, str], Values | Rejection]]] = {
    "assignment": _assignment,
    "submission": _submission,
    "supervision": _supervision,
    "late_report": _late_report,
    "briefing_special": _special,
    "press": _press,
    "wording": _wording,
    "reply": _reply,
    "catalogue": _catalogue,
}


def title(kind: str) -> str:
    """What a kind is called, in Chinese."""
    return sentence(f"document.title.{kind}", {})
