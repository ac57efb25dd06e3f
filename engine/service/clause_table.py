"""The table of docs/compliance.md: every clause and what implements it, from the same data as the page.

`python -m engine.service.clause_table` writes the page anew from bpmn/ and forms/; a test compares the two.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from engine.definitions.bundle import Bundle, read_bundle

from .bundle_folder import from_folder
from .clauses import Clause, OpenPoint, clauses, open_points

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "compliance.md"
BEGIN: Final = "<!-- made by engine.service.clause_table -->"
STATUS: Final = {
    "diagram": "流程图",
    "system": "程序",
    "manual": "由人掌握",
    "later": "尚未落实",
    "gone": "流程图中已没有",
}

POINTS: Final = (
    "谁同意了哪一项、从何时起，由局领导在系统里记下，见页面“待明确事项”（`/points`）和“制度落实”（`/compliance`）；"
    "本表由流程包生成，没有系统里的记录。"
)
"""The page is made of the bundle alone: it can't know what leaders approved in an installation."""


def table(bundle: Bundle) -> str:
    """Markdown: the clauses with what implements them, then the points to be settled."""
    known = clauses(bundle)
    counted = "，".join(f"{said} {sum(one.status == status for one in known)} 条" for status, said in STATUS.items())
    lines = [f"共 {len(known)} 条：{counted}。", "", "| 条款 | 原话 | 落实 | 在哪里 |", "|---|---|---|---|"]
    lines += [
        f"| {one.number} {one.title} | {one.quote}<br>*{one.gloss}* | {STATUS[one.status]} | {_where(one)} |"
        for one in known
    ]
    lines += ["", "## 待明确事项", "", POINTS, "", "| 编号 | 制度未明确的事 | 现在的做法 |", "|---|---|---|"]
    lines += [f"| {one.id} | {one.question} | {one.chosen}{_noted(one)} |" for one in open_points(bundle)]
    return "\n".join(lines) + "\n"


def page(text: str, bundle: Bundle) -> str:
    """`text` with everything after the mark made anew. Raises ValueError without a mark."""
    head, mark, _ = text.partition(BEGIN)
    if not mark:
        raise ValueError(f"Expected the mark {BEGIN} in the page, but it is missing")
    return f"{head}{BEGIN}\n\n{table(bundle)}"


def _noted(point: OpenPoint) -> str:
    return f"（流程包中注明同意人：{point.approved_by}）" if point.approved_by else ""


def _where(one: Clause) -> str:
    parts = []
    if one.limits:
        parts.append("时限 " + "、".join(f"`{limit}`" for limit in one.limits))
    if one.elements:
        parts.append("环节 " + "、".join(f"`{element.id}`" for element in one.elements))
    if one.rules:
        parts.append("判定表 " + "、".join(f"`{rules.decision}` {_rows(rules.rows)}" for rules in one.rules))
    if one.forms:
        parts.append("表单 " + "、".join(f"`{form}`" for form in one.forms))
    if one.guards:
        parts.append("发布检查 " + "；".join(guard.says for guard in one.guards))
    parts += [f"程序 {feature.what} `{feature.at}`" for feature in one.program]
    if one.reason:
        parts.append(one.reason + (f"（计划：第 {one.issue} 项工作）" if one.issue else ""))
    return "<br>".join(part.replace("|", "\\|") for part in parts) or "—"


def _rows(rows: tuple[int, ...]) -> str:
    return "第 " + "、".join(map(str, rows)) + " 行"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), read_bundle(from_folder(ROOT))), encoding="utf-8")
