"""The readable report of a case (案件归档报告): what it says, before it becomes HTML or PDF."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from engine.definitions.bundle import Bundle
from engine.domain.codec import JSON
from engine.journal.entry import StoredEntry
from engine.readmodels import cases, clocks, dossier, timeline

from . import case_decisions, case_facts
from .case_facts import Fact
from .report_words import Words, instant, known, mark, one_of, span

INSTANTS: Final = ("published_at", "captured_at", "discovered_at", "delivered_at", "signed_at")
"""The five instants of a case (requirements 1.10)."""
INSTRUCTIONS: Final = frozenset({"R25", "R26", "R27", "R30"})
"""Clauses of the steps in which leaders instruct."""
REPLIES: Final = frozenset({"R05", "R35", "R36", "R49", "R51"})
"""Clauses of the steps in which a statement or reply is written, approved and published."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Labels with what is said of them. `title`: heading of the block, "" for none; `note`: who and when."""

    rows: tuple[tuple[str, str], ...]
    title: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Grid:
    """A table. `widths`: shares of the columns."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """`empty`: what is said when it has no blocks."""

    title: str
    blocks: tuple[Pairs | Grid, ...]
    empty: str = "无。"


@dataclass(frozen=True, slots=True)
class CaseReport:
    case_id: str
    title: str
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class Filing:
    """One submitted form: who filed it when, and what it says. `clauses`, `unit`: of its task. `undone`: withdrawn."""

    seq: int
    label: str
    note: str
    clauses: frozenset[str]
    facts: tuple[Fact, ...]
    form: str
    unit: str
    at: datetime
    who: str
    undone: bool


def make(
    conn: Connection, case_id: str, entries: Sequence[StoredEntry], bundles: Mapping[str, Bundle], data: JSON
) -> CaseReport:
    """The report of a case with these entries. `data`: its fields as they stand; `bundles`: every one it ran on."""
    row = cases.get(conn, case_id)
    assert row is not None, case_id
    bundle = bundles[entries[-1].bundle]
    words = Words(conn, bundle)
    filings = tuple(filed(entries, bundles, words))
    sections = (
        Section("案件概况", (Pairs(tuple(_head(row, data, words))),)),
        Section("五个时间", tuple(_instants(data, words))),
        Section("时限", tuple(_limits(clocks.for_case(conn, case_id), words)), "没有起算过时限。"),
        Section("领导批示", tuple(_blocks(filings, INSTRUCTIONS))),
        Section("表态、回复与发布凭证", tuple(_blocks(filings, REPLIES))),
        Section("判定", tuple(_decisions(entries, bundles, words))),
        Section("办理经过", (_timeline(entries, words),)),
        Section("填报表单（按提交原样）", tuple(_block(one) for one in filings)),
        Section("文书", tuple(_documents(conn, case_id, words))),
        Section("附件", tuple(_files(conn, case_id, words))),
        Section("依据条款", tuple(_clauses(entries, bundle))),
        Section("记录", (_records(entries),)),
    )
    return CaseReport(case_id, row.title, sections)


def _head(row: cases.CaseRow, data: Mapping[str, JSON], words: Words) -> Iterator[tuple[str, str]]:
    state = one_of("outcome.", row.outcome, "已办结") if row.status == "closed" else known("cases.status.open", "")
    yield "案件编号", row.case_id
    yield "标题", row.title
    yield "状态", state + (f"（{row.stage_label}）" if row.stage_label and row.status == "open" else "")
    yield "等级", one_of("grade.", row.grade or "none", row.grade)
    yield "区域", row.district or "—"
    yield "来源", "　".join(filter(None, (words.cell(row.source_type), row.source_name)))
    yield "网址", row.url or "—"
    yield "业务条线", words.lines.get(row.business_line, row.business_line) or "—"
    yield "登记", f"{instant(row.opened_at)}　{words.person(row.opened_by)}"
    yield "办结", instant(row.closed_at) or "—"
    yield "档号", str(data.get("archive_no") or "—")
    yield "超时次数", str(row.breaches)
    if row.body:
        yield "内容", row.body


def _instants(data: Mapping[str, JSON], words: Words) -> Iterator[Pairs | Grid]:
    rows = [row for row in data.get("unit_results") or () if isinstance(row, Mapping)]
    # Where units have instants of their own, the case has none.
    none = {name: "见下表" if rows and name in INSTANTS[3:] else "—" for name in INSTANTS}
    yield Pairs(tuple((one_of("instant.", name, name), instant(data.get(name)) or none[name]) for name in INSTANTS))
    if rows:
        yield Grid(
            ("承办单位", known("instant.delivered_at", ""), known("instant.signed_at", "")),
            tuple((words.unit(_unit(row)), *(instant(row.get(name)) or "—" for name in INSTANTS[3:])) for row in rows),
            (40, 30, 30),
        )


def _unit(row: Mapping[str, JSON]) -> str:
    unit = row.get("unit")
    return str(unit.get("id") or unit.get("unit") or "") if isinstance(unit, Mapping) else str(unit or "")


def _limits(limits: Sequence[clocks.LimitRow], words: Words) -> Iterator[Grid]:
    rows = []
    for one in limits:
        name = one_of("limit.name.", one.limit_id, one.label or one.limit_id)
        outcome = one_of("limit.state.", one.state, one.state)
        if one.met_at:
            outcome += f"\n{_stacked(one.met_at)}"
        if one.late_seconds:
            outcome += f"\n超时 {span(one.late_seconds)}"
        elif one.breached_at:
            outcome += f"\n记录于\n{_stacked(one.breached_at)}"
        if one.cause:
            outcome += f"\n{known(one.cause, one.cause)}"
        warned = "\n".join(f"{mark(at_mark)}\n{_stacked(at)}" for at_mark, at in one.warnings)
        unit = f"（{words.unit(one.unit)}）" if one.unit else ""
        rule = f"{one.rule}\n依据 {'、'.join(one.clauses)}" if one.clauses else one.rule
        rows.append(
            (f"{name}{unit}", rule, _stacked(one.anchor_at) or "—", _stacked(one.deadline), warned or "—", outcome)
        )
    if rows:
        yield Grid(("时限", "规则", "起算", "到期", "预警", "结果"), tuple(rows), (14, 32, 13, 13, 14, 14))


def _stacked(at: datetime | None) -> str:
    """Day and time one above the other, for narrow columns."""
    return instant(at).replace(" ", "\n")


def filed(entries: Sequence[StoredEntry], bundles: Mapping[str, Bundle], words: Words) -> Iterator[Filing]:
    """Every submitted form with its values as filed, in order; one that was withdrawn later says so."""
    labels: dict[str, tuple[str, frozenset[str], str]] = {}
    awaited: dict[str, tuple[str, str]] = {}
    undone = {event["seq"] for entry in entries for event in entry.events if event["kind"] == "SubmissionWithdrawn"}
    for entry in entries:
        bundle, command = bundles[entry.bundle], entry.command
        form, label, clauses, unit = "", "", frozenset[str](), ""
        if command["kind"] == "OpenCase":
            form, label = bundle.start_form(str(command["process"])), "登记"
        elif command["kind"] == "SubmitTask":
            label, clauses, unit = labels.get(str(command["task"]), ("", clauses, ""))
        elif command["kind"] == "SendMessage":
            label, form = awaited.get(str(command["name"]), (str(command["name"]), ""))
        for event in entry.events:
            if event["kind"] == "TaskCreated":
                labels[event["task"]] = (
                    event["label"] or event["element"],
                    frozenset(event.get("clauses", ())),
                    str(event.get("unit") or ""),
                )
            elif event["kind"] == "MessageAwaited":
                awaited[event["message"]] = (event.get("label") or event["message"], event.get("form", ""))
            elif event["kind"] == "TaskCompleted" and event["task"] == command.get("task"):
                form = event.get("form", "")
        values = _with_file_names(command.get("values") or {}, command.get("files") or {})
        facts = case_facts.filed(bundle, form, values, words.values) if form else ()
        if facts:
            who = words.person(entry.actor)
            who += f"（代 {words.person(entry.on_behalf_of)}）" if entry.on_behalf_of else ""
            taken_back = "　后来撤回" if entry.seq in undone else ""
            note = f"{instant(entry.at)}　{who}{taken_back}"
            yield Filing(
                entry.seq, label, note, clauses, facts, form, unit, entry.at, who, entry.seq in undone
            )  # fmt: skip


def _with_file_names(values: Mapping[str, JSON], files: Mapping[str, JSON]) -> dict[str, JSON]:
    """Values in which a reference to uploaded files has become their names."""
    named = {ref: "、".join(str(fact["name"]) for fact in facts) for ref, facts in files.items()}
    return {name: named.get(value, value) if isinstance(value, str) else value for name, value in values.items()}


def _blocks(filings: Sequence[Filing], clauses: frozenset[str]) -> Iterator[Pairs]:
    yield from (_block(one) for one in filings if one.clauses & clauses)


def _block(one: Filing) -> Pairs:
    return Pairs(
        tuple((fact.label, fact_text(fact)) for fact in one.facts), one.label, f"{one.note}　第 {one.seq} 条记录"
    )


def fact_text(fact: Fact) -> str:
    if fact.kind == "flag":
        return known("app.yes" if fact.value else "app.no", str(fact.value))
    if fact.kind == "instant":
        return instant(str(fact.value))
    if fact.kind == "rows":
        return "\n".join("；".join(f"{one.label} {fact_text(one)}" for one in row) for row in fact.value)
    return str(fact.value)


def _decisions(entries: Sequence[StoredEntry], bundles: Mapping[str, Bundle], words: Words) -> Iterator[Pairs]:
    for entry in entries:
        for made in case_decisions.made_in(bundles[entry.bundle], entry):
            rows = [("依据的数据", "；".join(f"{name} {words.cell(value)}" for name, value in made.inputs) or "—")]
            for rule in made.rules:
                tests = "，".join(f"{name} {words.cell(cell)}" for name, cell in rule.conditions) or "任何情况"
                gives = "，".join(f"{name} {words.cell(cell)}" for name, cell in rule.results)
                remark = f"（{rule.annotation}）" if rule.annotation else ""
                rows.append((f"第 {rule.number} 条规则", f"{tests} → {gives}{remark}"))
            rows.append(("结果", words.cell(made.result)))
            yield Pairs(tuple(rows), made.decision, f"{instant(made.at)}　{made.step}　第 {made.seq} 条记录")


def _timeline(entries: Sequence[StoredEntry], words: Words) -> Grid:
    rows = []
    for one in timeline.build(entries, words.group):
        lines = [words.line(item) for item in one.items if not item.minor]
        if one.withdrawn:
            lines.append(known("timeline.taken_back", ""))
        if lines:
            behalf = f"（代 {one.on_behalf_of_name}）" if one.on_behalf_of else ""
            rows.append((str(one.seq), instant(one.at), f"{one.actor_name}{behalf}", "\n".join(lines)))
    return Grid(("序号", "时间", "人员", "事项"), tuple(rows), (7, 18, 13, 62))


def _documents(conn: Connection, case_id: str, words: Words) -> Iterator[Pairs]:
    for one in dossier.documents_of(conn, case_id):
        rows = tuple((one_of("field.", name, name), _said(value, words)) for name, value in one.content.items())
        yield Pairs(rows, one_of("document.kind.", one.document, one.title), f"{instant(one.at)}　第 {one.seq} 条记录")


def _said(value: JSON, words: Words) -> str:
    if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\dT", value):
        return instant(value)
    if isinstance(value, Mapping):
        return "；".join(f"{one_of('field.', name, name)} {_said(one, words)}" for name, one in value.items())
    if isinstance(value, list):
        return "\n".join(_said(one, words) for one in value) or "—"
    text = words.cell(value)
    return words.group(text) if text == str(value) else text


def _files(conn: Connection, case_id: str, words: Words) -> Iterator[Grid]:
    files = dossier.files_of(conn, case_id)
    labels = {task.task: task.label for task in dossier.tasks_of(conn, case_id)}
    rows = tuple(
        (
            one.name,
            f"{one.size:,} 字节",
            f"{instant(one.at)}\n{words.person(one.author)}",
            labels.get(one.task, "") or one.note or "—",
            one.sha256,
        )
        for one in sorted(files, key=lambda one: (one.seq, one.name))
    )
    if rows:
        yield Grid(("文件名", "大小", "上传", "用于", "SHA-256"), rows, (22, 12, 18, 16, 32))


def _clauses(entries: Sequence[StoredEntry], bundle: Bundle) -> Iterator[Grid]:
    used = {
        clause
        for entry in entries
        for event in entry.events
        if event["kind"] in ("TaskCreated", "TimerArmed", "LimitBreached")
        for clause in event.get("clauses", ())
    }
    known_clauses = bundle.regulation.get("clauses", {})
    rows = tuple(
        (
            clause,
            str(known_clauses.get(clause, {}).get("title", "")),
            str(known_clauses.get(clause, {}).get("quote", "")),
        )
        for clause in sorted(used)
    )
    if rows:
        yield Grid(("条款", "要点", "原文"), rows, (10, 20, 70))


def _records(entries: Sequence[StoredEntry]) -> Pairs:
    first, last = entries[0], entries[-1]
    versions = dict.fromkeys(entry.bundle[:12] for entry in entries)
    return Pairs(
        (
            ("记录条数", str(last.seq)),
            ("首条记录", f"{instant(first.at)}　{first.hash}"),
            ("末条记录", f"{instant(last.at)}　{last.hash}"),
            ("流程包版本", "、".join(versions)),
        )
    )
