"""The daily briefing (R68): one day, counted and listed over all cases, every text masked (R71)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection

from engine.domain.calendar import midnight
from engine.readmodels import clocks, period_cases
from engine.readmodels.period_cases import MAJOR, Listed

from .document_facts import minute, sources
from .masking import masked
from .report_words import Words, known, one_of, span

MOST: Final = 200
"""Rows of a list; a day with more is told as a whole in the counts."""


def data(services: Any, conn: Connection, day: date, now: datetime) -> dict[str, Any]:
    """The placeholders of the briefing of `day`, without the general ones and the recipients.

    Counts are of the day; grades, stages and running limits are those of `now`, which the text says.
    """
    since, until = midnight(day), midnight(day + timedelta(days=1))
    counted = period_cases.counts(conn, since, until)
    kinds = sources(services.deployments.bundle())
    grades = {name: counted.grades.get(name, 0) for name in (MAJOR, "ordinary_negative", "positive", "")}
    running = clocks.running(conn, groups=frozenset(), all_cases=True, now=now, per_page=MOST)
    return {
        "期间": f"{day.year}年{day.month}月{day.day}日（截至 {minute(min(now, until))}）",
        "新增件数": str(counted.opened),
        "重大件数": str(grades[MAJOR]),
        "普通件数": str(grades["ordinary_negative"]),
        "正面件数": str(grades["positive"]),
        "待定级件数": str(grades[""]),
        "其他件数": str(counted.opened - sum(grades.values())),
        "办结件数": str(counted.closed),
        "在办件数": str(counted.open),
        "超时次数": str(counted.breached),
        "重大": [
            {
                "编号": one.case_id,
                "标题": masked(one.title),
                "区划": one.district or "—",
                "来源": _source(one, kinds),
                "发现时间": minute(one.discovered_at),
                "进展": _progress(one),
            }
            for one in period_cases.majors(conn, since, until, MOST)
        ],
        "新增": [
            {
                "编号": one.case_id,
                "标题": masked(one.title),
                "等级": one_of("grade.", one.grade or "none", one.grade),
                "区划": one.district or "—",
                "来源": _source(one, kinds),
                "进展": _progress(one),
            }
            for one in period_cases.registered(conn, since, until, MOST)
        ],
        "时限": [
            {
                "编号": one.limit.case_id,
                "标题": masked(one.title),
                "名称": one.limit.label or one_of("limit.name.", one.limit.limit_id, one.limit.limit_id),
                "到期时间": minute(one.limit.deadline),
                "状态": _state(one.limit.deadline, now),
            }
            for one in running.rows
        ],
        "来源统计": [{"来源": kinds.get(kind, kind) or "—", "件数": str(count)} for kind, count in counted.sources],
    }


def recipients(words: Words, groups: Sequence[str]) -> str:
    """Who gets it, in words."""
    return "、".join(words.group(group) for group in groups)


def _source(one: Listed, kinds: Mapping[str, str]) -> str:
    kind = kinds.get(one.source_type, one.source_type)
    return masked(" ".join(part for part in (kind, one.source_name) if part))


def _progress(one: Listed) -> str:
    if one.status != "open":
        return one_of("outcome.", one.outcome, "已办结")
    return one.stage_label or "办理中"


def _state(deadline: datetime, now: datetime) -> str:
    left = (deadline - now).total_seconds()
    return f"{known('limit.state.breached', '')} {span(left)}" if left < 0 else f"还有 {span(left)}"
