"""What a document says of a case: its forms as filed and in words, units, limits and late reports, gathered once."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from engine.definitions.bundle import Bundle
from engine.domain.calendar import ZONE
from engine.domain.codec import JSON, parse_instant
from engine.journal.entry import StoredEntry
from engine.kernel.case import Case
from engine.readmodels import cases, clocks, dossier, evidence

from . import case_snapshot, report
from .report import Filing, fact_text
from .report_words import Words, known, one_of, span


def minute(at: datetime | str | None) -> str:
    """`2026-03-02 09:12` in Asia/Shanghai; "" for nothing, the text itself when it is no instant."""
    if not at:
        return ""
    try:
        found = parse_instant(at) if isinstance(at, str) else at
    except ValueError:
        return str(at)
    return f"{found.astimezone(ZONE):%Y-%m-%d %H:%M}"


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """A case as it stood after its entry `case.last_seq`, at `now`. `data`: its fields; `filings`: without
    withdrawn."""

    case: cases.CaseRow
    data: Mapping[str, JSON]
    filings: tuple[Filing, ...]
    tasks: tuple[dossier.TaskRow, ...]
    limits: tuple[clocks.LimitRow, ...]
    reports: tuple[evidence.Report, ...]
    papers: tuple[dossier.DocumentRow, ...]
    files: tuple[dossier.FileRow, ...]
    entries: tuple[StoredEntry, ...]
    bundle: Bundle
    words: Words
    now: datetime

    def said(self, field: str) -> str:
        """What was filed last in that field, in words; "" if nothing was."""
        for filing in reversed(self.filings):
            for fact in filing.facts:
                if fact.field == field:
                    return fact_text(fact)
        return ""

    def filed(self, form: str) -> tuple[Filing, ...]:
        """Every submission of a form, first first."""
        return tuple(one for one in self.filings if one.form == form)

    def at(self, seq: int) -> Filing | None:
        """What entry `seq` filed; None for another kind of entry, and for one that was withdrawn."""
        return next((one for one in self.filings if one.seq == seq), None)

    def last(self, form: str) -> Filing | None:
        return next(iter(reversed(self.filed(form))), None)

    def units(self) -> tuple[tuple[str, str], ...]:
        """(unit id, 主办 or 协办): the units the case is assigned to now."""
        lead = str(self.data.get("lead_unit") or "")
        others = [str(one) for one in self.data.get("co_units") or () if one and one != lead]
        return (*(((lead, "主办"),) if lead else ()), *((one, "协办") for one in others))

    def names(self, role: str) -> str:
        return "、".join(self.words.unit(unit) for unit, has in self.units() if has == role)

    def sign(self, unit: str) -> dossier.TaskRow | None:
        """The last task of a unit to sign for the case: made when it was delivered, done when it was signed."""
        found = [task for task in self.tasks if task.form == "unit_sign" and task.unit == unit and task.created_at]
        return max(found, key=lambda task: task.created_at or self.now, default=None)

    def instructions(self) -> list[dict[str, str]]:
        """The leaders' instructions in order (批示): written ones with who wrote them, oral ones with who noted
        them."""
        rows = []
        for filing in self.filings:
            values = {fact.field: fact_text(fact) for fact in filing.facts}
            if values.get("instruction_text"):
                rows.append({"领导": filing.who, "时间": minute(filing.at), "内容": values["instruction_text"]})
            elif values.get("oral_text"):
                noted = values.get("oral_noted_by", filing.who)
                leader = f"{values.get('oral_by', '')}（口头，{noted}记录）"
                at = minute(values.get("oral_at") or filing.at)
                rows.append({"领导": leader, "时间": at[:16], "内容": values["oral_text"]})
        return rows

    def state(self, limit: clocks.LimitRow) -> str:
        """How a limit stands: `进行中，还有 3小时05分`, `已超时 20分钟`, `按时完成`."""
        if limit.finished_at is not None:
            late = f" {span(limit.late_seconds)}" if limit.late_seconds else ""
            return one_of("limit.state.", limit.state, limit.state) + late
        left = limit.remaining_seconds(self.now)
        if left < 0:
            return f"{known('limit.state.breached', '')} {span(left)}"
        return f"{known('limit.state.running', '')}，还有 {span(left)}"

    def limit_rows(self) -> list[dict[str, str]]:
        return [
            {
                "名称": one.label or one_of("limit.name.", one.limit_id, one.limit_id),
                "单位": self.words.unit(one.unit) if one.unit else "、".join(map(self.words.group, one.responsible)),
                "到期时间": minute(one.deadline),
                "状态": self.state(one),
            }
            for one in self.limits
            if one.state != "cancelled"
        ]

    def holder(self, task: dossier.TaskRow) -> str:
        """Who has a task, or who may take it."""
        if task.assignee:
            return self.words.person(task.assignee)
        return "、".join(self.words.group(one) for one in task.candidates) or "—"


def of_case(services: Any, case_id: str) -> CaseFacts | None:
    """Everything about a case; None when there is none. Requires that the caller asked who may read it."""

    def read(conn: Connection, case: Case) -> CaseFacts | None:
        row = cases.get(conn, case_id)
        if row is None:
            return None
        entries = case_snapshot.entries(services, case_id)[: row.last_seq]
        bundles = {version: services.deployments.bundle(version) for version in {one.bundle for one in entries}}
        named = Words(conn, case.bundle)
        filings = tuple(one for one in report.filed(entries, bundles, named) if not one.undone)
        return CaseFacts(
            row,
            copy.deepcopy(case.data),
            filings,
            dossier.tasks_of(conn, case_id),
            clocks.for_case(conn, case_id),
            evidence.reports_of(conn, case_id),
            dossier.documents_of(conn, case_id),
            dossier.files_of(conn, case_id),
            entries,
            case.bundle,
            named,
            services.clock.now(),
        )

    return case_snapshot.of_case(services, case_id, read)


def sources(bundle: Bundle) -> dict[str, str]:
    """Source type -> what the profile calls it (R16)."""
    return {str(one.get("id")): str(one.get("label")) for one in bundle.regulation.get("source_types") or ()}


def joined(*parts: str | None, by: str = "\n") -> str:
    """Those that say something, together."""
    return by.join(part for part in parts if part)


def quoted(rows: Sequence[Mapping[str, str]]) -> str:
    """Instructions one below the other: `张敏 2026-03-02 09:12：请速核实`."""
    return "\n".join(f"{row['领导']} {row['时间']}：{row['内容']}" for row in rows)
