"""Names of things: typed strings, so that a task is never passed where a case is meant."""

from __future__ import annotations

from typing import NewType

CaseId = NewType("CaseId", str)
"""`WQ-2026-000123`: prefix, year of opening in Asia/Shanghai, running number. Also the journal's stream name."""

TaskId = NewType("TaskId", str)
"""Stable name of one visit to one element: `scope/element#visit`, scope being the names of the enclosing
sub-process and call-activity visits; a multi-instance instance adds `[index]`. Never a uuid, so that a replay
gives the same name. Example: `Call_units#1[0]/Task_opinion#2`."""

TimerId = NewType("TimerId", str)
"""Name of one armed timer: the task name of its event, `!` and the mark for a warning (`...#1!75%`)."""

UserId = NewType("UserId", str)
"""Login name of a person, or `system:timer` for the worker."""

UnitId = NewType("UnitId", str)
GroupId = NewType("GroupId", str)
"""Who may take a task. One of: a role (`office`), `unit:<unit>` (its people), `head:<unit>` (its head),
`line:<line>` (the leader in charge of a business line), `user:<login>`."""

BundleVersion = NewType("BundleVersion", str)
"""sha256 of a bundle's files, hex; the first 12 digits are shown to people."""

TIMER_ACTOR = UserId("system:timer")
