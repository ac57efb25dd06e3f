"""Rows of a busy office, written straight into the read models: what queries are measured against."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Table, insert

from engine.domain.codec import instant_text
from engine.readmodels.schema import case_access, cases, copies, limits, task_groups, tasks
from engine.readmodels.statements import blank_row

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
UNITS = tuple(f"unit_{number:02}" for number in range(30))
DISTRICTS = ("建安区", "魏都区", "禹州市", "长葛市", "襄城县", "鄢陵县")
GRADES = ("positive", "ordinary_negative", "ordinary_negative", "major_negative")
BODY = (
    "业主反映小区东侧规划公示为公共绿地,近日被围挡并进场施工,现场无公示牌,多名业主询问规划是否调整、手续是否齐全。" * 4
)
PAST_TASKS = 3
"""Finished tasks of each case."""


def crowd(conn: Connection, open_cases: int) -> None:
    """`open_cases` open cases with one open task and one running limit each; half of the tasks are the office's, the
    rest lies with 30 units; a tenth is claimed by `wangfang`, a tenth overdue at NOW."""
    rows: dict[Table, list[dict[str, Any]]] = {
        table: [] for table in (cases, case_access, tasks, task_groups, limits, copies)
    }
    for number in range(open_cases):
        _case(rows, number)
    for table, made in rows.items():
        conn.execute(insert(table), made)


def _case(rows: dict[Table, list[dict[str, Any]]], number: int) -> None:
    case_id, unit = f"WQ-2026-{number:06}", UNITS[number % len(UNITS)]
    due = instant_text(NOW + timedelta(minutes=(number * 7919) % 10000 - 1000))
    title = f"{DISTRICTS[number % 6]}绿地被围挡施工 {number}"
    at = instant_text(NOW - timedelta(hours=number % 500))
    rows[cases].append(
        {
            **blank_row(cases),
            "case_id": case_id,
            "title": title,
            "body": f"{BODY}{number}",
            "status": "open",
            "grade": GRADES[number % 4],
            "district": DISTRICTS[number % 6],
            "stage": "handling",
            "stage_label": "核实处置",
            "opened_at": at,
            "updated_at": at,
            "next_due": due,
        }
    )
    groups = ["office"] if number % 2 else [f"unit:{unit}", f"head:{unit}"]
    rows[case_access] += [{"case_id": case_id, "grp": group} for group in {*groups, "office", "user:wangfang"}]
    task = "Call_units#1[0]/Task_opinion#1"
    common = {**blank_row(tasks), "case_id": case_id, "element": "Task_opinion", "label": "提出回复意见", "unit": unit}
    rows[tasks].append(
        {
            **common,
            "task": task,
            "state": "open",
            "assignee": "wangfang" if number % 10 == 1 else "",
            "next_due": due,
            "limit_id": "eight_hours",
            "created_at": at,
            "candidates": "[]",
        }
    )
    rows[tasks] += [
        {**common, "task": f"Task_past#{n}", "state": "done", "completed_by": "wangfang" if n == 1 else "x",
         "completed_at": at, "next_due": due}
        for n in range(PAST_TASKS)
    ]  # fmt: skip
    held = number % 10 == 1
    inbox = {"case_id": case_id, "task": task, "next_due": due}
    rows[task_groups] += [
        {**inbox, "grp": group, "state": "taken" if held else "offered", "candidate": 1} for group in groups
    ]
    if held:
        rows[task_groups].append({**inbox, "grp": "user:wangfang", "state": "held", "candidate": 0})
    rows[limits].append(
        {
            **blank_row(limits),
            "case_id": case_id,
            "timer": "Call_units#1[0]/Timer_8h#1",
            "armed_seq": 1,
            "limit_id": "eight_hours",
            "host": "Call_units#1",
            "deadline": due,
            "state": "running",
            "unit": unit,
        }
    )
    if number % 20 == 0:
        rows[copies].append({"case_id": case_id, "grp": "office", "author": "zhangmin", "note": "请阅", "at": at})


def past(conn: Connection, closed_cases: int, batch: int = 20_000) -> None:
    """`closed_cases` closed cases beside those of `crowd`: their finished tasks, limits, readers; nothing open."""
    for first in range(0, closed_cases, batch):
        rows: dict[Table, list[dict[str, Any]]] = {table: [] for table in (cases, case_access, tasks, limits)}
        for number in range(first, min(first + batch, closed_cases)):
            _closed(rows, number)
        for table, made in rows.items():
            conn.execute(insert(table), made)


def _closed(rows: dict[Table, list[dict[str, Any]]], number: int) -> None:
    case_id, unit = f"WQ-2025-{number:07}", UNITS[number % len(UNITS)]
    at = instant_text(NOW - timedelta(days=40, minutes=number % 400_000))
    title = f"{DISTRICTS[number % 6]}绿地被围挡施工 {number}"
    rows[cases].append(
        {
            **blank_row(cases), "case_id": case_id, "title": title, "body": f"{BODY}{number}", "status": "closed",
            "outcome": "archived", "grade": GRADES[number % 4], "district": DISTRICTS[number % 6], "stage": "tracking",
            "stage_label": "跟踪管理", "opened_at": at, "updated_at": at, "closed_at": at,
        }
    )  # fmt: skip
    rows[case_access] += [{"case_id": case_id, "grp": group} for group in (f"unit:{unit}", "office", "user:wangfang")]
    rows[tasks] += [
        {
            **blank_row(tasks), "case_id": case_id, "task": f"Task_past#{n}", "element": "Task_opinion",
            "label": "提出回复意见", "unit": unit, "state": "done", "completed_at": at, "next_due": at,
            "completed_by": "wangfang" if n == 1 and number % 20 == 0 else "x",
        }
        for n in range(PAST_TASKS)
    ]  # fmt: skip
    rows[limits].append(
        {
            **blank_row(limits), "case_id": case_id, "timer": "Call_units#1[0]/Timer_8h#1", "armed_seq": 1,
            "limit_id": "eight_hours", "host": "Call_units#1", "deadline": at, "state": "met", "unit": unit,
            "finished_at": at,
        }
    )  # fmt: skip
