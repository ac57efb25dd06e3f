"""Service-task topics: what the process may have done for it inside a turn. Pure: they only write data and events."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from engine.definitions.model import Node
from engine.domain import events as ev
from engine.domain.codec import instant_text
from engine.feel import to_json

from .faults import KernelFault
from .limits import LimitRecord, breach_cause

if TYPE_CHECKING:
    from .case import Case
    from .tokens import Token


def notify(case: Case, token: Token, node: Node) -> None:
    """`notify`: tells the groups of property `to`; with `copy` = true they may read the case from now on (抄送)."""
    to = case.groups(token, token.task_spec.to)
    if not to:
        return
    case.emit(ev.NotificationQueued(to, node.properties.get("message", "notice.info"), "", {"label": node.label}))
    if node.properties.get("copy") == "true":
        case.copies.update(to)
        case.emit(ev.CaseCopied(to, "system:process", node.label))


def draft_late_report(case: Case, token: Token, node: Node) -> None:
    """`draft-late-report` (R39): a document from what the clocks know, and its facts in the field `into`."""
    wanted = node.properties.get("limit", "")
    record = _latest_breach(case, token, wanted)
    if record is None:
        raise KernelFault(node.id, "incident.no_breach", {"limit": wanted or "-"})
    content = {
        "limit": record.plan.limit,
        "label": record.label,
        "clauses": list(record.clauses),
        "rule": record.plan.rule,
        "anchor": record.plan.anchor,
        "anchor_at": record.anchor_at,
        "deadline": instant_text(record.deadline),
        "fired_at": record.fired_at,
        "unit": record.unit,
        "late_seconds": max(0.0, (case.at - record.deadline).total_seconds()),
        "cause": breach_cause(case, record),
        "open_tasks": [
            {"label": t.node.label, "assignee": t.assignee, "groups": list(t.groups)}
            for t in case.tasks.values()
            if not token.scope or t.token.scope == token.scope
        ],
        "text": "",
    }
    number = sum(1 for name in case.data if name.startswith("late_report_no_")) + 1
    name = f"late_report_no_{number}"
    title = node.properties.get("title", node.label)
    case.emit(ev.DocumentDrafted("late_report", name, node.id, title, content))
    case.write({name: content}, "", node.id)
    into = node.properties.get("into", "late_report")
    if into:
        case.write({into: content}, token.scope, node.id)


def _latest_breach(case: Case, token: Token, limit: str) -> LimitRecord | None:
    mine = [r for r in case.breaches if (not limit or r.plan.limit == limit)]
    near = [r for r in mine if r.scope == token.scope]
    found = near or mine
    return found[-1] if found else None


def check_archive(case: Case, token: Token, node: Node) -> None:
    """`check-archive` (R52): names of the papers that `requires` says are missing, in the field `archive_missing`."""
    required: Any = case.engine.value(token, token.task_spec.requires, node.id) if token.task_spec.requires else []
    if not isinstance(required, list):
        raise KernelFault(node.id, "incident.archive_list", {"got": str(required)[:80]})
    missing = [item.get("name", "") for item in required if isinstance(item, dict) and item.get("ok") is not True]
    case.write({"archive_missing": to_json(missing)}, token.scope, node.id)


TOPICS: dict[str, Callable[[Case, Token, Node], None]] = {
    "notify": notify,
    "draft-late-report": draft_late_report,
    "check-archive": check_archive,
}
