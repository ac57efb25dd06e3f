"""The kinds of documents: who makes and reads each, its word in the number, and every placeholder it offers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from engine.domain.organisation import AUDITOR, CHIEF, LEADER, OFFICE, SUPERVISION

COMMAND: Final = frozenset({OFFICE, LEADER, CHIEF, SUPERVISION, AUDITOR})
"""Who reads what is not for the units: leaders' papers, briefings, drafts, reports about a unit (R22, R71)."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of document.

    `word`: its character in the number. `makers`: roles that make it. `for_units`: everybody who may read the case
    reads it; else COMMAND and its recipients. `of_case`: False for what tells of a period. `clauses`: of the
    regulation. `fields`: simple placeholders; `lists`: name -> columns; both in the order in which they are told of.
    """

    kind: str
    word: str
    makers: frozenset[str]
    for_units: bool
    clauses: tuple[str, ...]
    fields: tuple[str, ...]
    lists: Mapping[str, tuple[str, ...]]
    of_case: bool = True

    @property
    def offered(self) -> Mapping[str, frozenset[str]]:
        """name -> its columns, none for a simple field."""
        every = dict.fromkeys((*GENERAL, *(OF_CASE if self.of_case else ()), *self.fields), frozenset[str]())
        return {**every, **{name: frozenset(columns) for name, columns in self.lists.items()}}

    @property
    def placeholders(self) -> tuple[str, ...]:
        """As they are written, without the braces: `文号`, `单位.名称`."""
        names = (*GENERAL, *(OF_CASE if self.of_case else ()), *self.fields)
        return (*names, *(f"{name}.{column}" for name, columns in self.lists.items() for column in columns))


GENERAL: Final = ("机关", "文种", "文号", "日期", "制作人", "替代", "标识")
"""Every document: bureau, kind, number, date, who made it, what it replaces and why, the notice of R71."""
OF_CASE: Final = (
    "案件编号", "案件标题", "内容摘要", "来源", "网址", "涉及区划", "业务条线", "舆情等级", "办理阶段", "发布时间",
    "发现时间",
)  # fmt: skip
"""Every document of a case."""
_OFFICE: Final = frozenset({OFFICE})
_INSTRUCTIONS: Final = ("领导", "时间", "内容")
_LIMITS: Final = ("名称", "单位", "到期时间", "状态")

KINDS: Final[Mapping[str, Kind]] = {
    one.kind: one
    for one in (
        Kind(
            "assignment", "交", _OFFICE, True, ("R29", "R50"),
            ("主办单位", "协办单位", "要求提交", "交办要求", "办理期限", "批示摘录", "交办时间"),
            {"批示": _INSTRUCTIONS, "单位": ("名称", "分工", "送达时间", "签收时间", "签收人", "签收意见", "到期时间")},
        ),
        Kind(
            "submission", "呈", _OFFICE, False, ("R25", "R26", "R27"),
            ("甄别情况", "定级理由", "定级标准", "回应主体", "认定理由", "核实情况", "拟办意见", "附件"),
            {"批示": _INSTRUCTIONS, "时限": _LIMITS},
        ),
        Kind(
            "supervision", "督", frozenset({OFFICE, SUPERVISION}), True, ("R38",),
            ("主办单位", "协办单位", "督办要求", "批示摘录"),
            {
                "批示": _INSTRUCTIONS,
                "事项": ("事项", "单位", "承办人", "到期时间", "状态"),
                "督导": ("时间", "方式", "情况", "要求"),
            },
        ),
        Kind(
            "late_report", "责", frozenset({OFFICE, SUPERVISION}), False, ("R38", "R39"),
            (
                "时限名称", "规则", "起算时间", "到期时间", "记录时间", "超时", "单位", "系统判断", "单位说明原因",
                "单位情况说明", "核定原因", "是否造成负面影响", "性质", "影响说明", "处置意见", "处置决定", "决定内容",
                "落实情况", "落实时间",
            ),
            {"督促": ("领导", "时间", "内容"), "未办事项": ("事项", "承办人")},
        ),
        Kind(
            "briefing_daily", "简", _OFFICE, False, ("R68", "R71"),
            (
                "期间", "新增件数", "重大件数", "普通件数", "正面件数", "其他件数", "待定级件数", "办结件数",
                "在办件数",
                "超时次数", "分送",
            ),
            {
                "重大": ("编号", "标题", "区划", "来源", "发现时间", "进展"),
                "新增": ("编号", "标题", "等级", "区划", "来源", "进展"),
                "时限": ("编号", "标题", "名称", "到期时间", "状态"),
                "来源统计": ("来源", "件数"),
            },
            of_case=False,
        ),
        Kind(
            "briefing_special", "专", _OFFICE, False, ("R68", "R71"),
            ("核实情况", "处置情况", "回应情况", "下一步", "批示摘录", "分送"),
            {"批示": _INSTRUCTIONS, "时限": _LIMITS, "单位": ("名称", "分工", "意见")},
        ),
        Kind("press", "新", _OFFICE, False, ("R58",), ("新闻通稿", "审核意见", "审核人", "附件"), {}),
        Kind(
            "wording", "口", _OFFICE, True, ("R05", "R58"),
            ("应对口径", "处置建议", "督办核查方案", "背景资料", "审核意见", "审核人"), {},
        ),
        Kind(
            "reply", "复", _OFFICE, False, ("R05", "R08", "R51"),
            ("回复内容", "回复名义", "公开属性", "不公开理由", "拟发布渠道", "审批意见", "审批人", "审批时间"),
            {"发布": ("渠道", "时间", "凭证")},
        ),
        Kind(
            "catalogue", "档", _OFFICE, False, ("R52",),
            ("档号", "保管期限", "密级", "归档人", "归档时间", "件数", "记录条数", "末条校验值"),
            {"目录": ("序号", "题名", "责任者", "时间", "大小", "校验值")},
        ),
    )
}  # fmt: skip
