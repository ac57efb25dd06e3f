"""Projects what the performance view counts: passages of elements and flows, and how long finished tasks took.

Passages are sums over many cases, so that a page need not read a hundred steps a case. A step is counted under what its
case is now: when the grade or the bundle changes, or a submission is taken back, the whole case is counted out as it
was and in as it is.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from zlib import crc32

from engine.domain.calendar import ZONE
from engine.domain.codec import parse_instant

from .schema import passages, task_times
from .statements import Statement, Writer, remove, upsert
from .turn import Handler, Happened, Row, Turn

COUNTED: Final = ("entered", "cancelled", "taken")
"""Actions of the trail that are counted; `left` follows from the others."""
UNKNOWN: Final = -1
"""Seconds of work of a task that was submitted without being taken first."""
_VISIT = re.compile(r"#[^/]*")

Passage = tuple[Any, ...]
"""The key of `passages`: process, bundle, grade, month, part, path, element, action."""
Facets = tuple[str, str, str, str, int]
PARTS: Final = 16
"""On PostgreSQL a row stays locked until the submission that adds to it is committed."""

TOOK = upsert(task_times)
NOT_DONE = remove(task_times, "process", "path", "element", "case_id", "task")
FACETS = Statement("SELECT process, bundle, grade, opened_at FROM cases WHERE case_id = :case_id")
TIMES = Statement(
    "SELECT unit, created_at, claimed_at, completed_at FROM tasks "
    "WHERE case_id = :case_id AND task = :task AND state = 'done'"
)
STEPS = Statement(
    "SELECT scope, element, action, count(*) FROM trail WHERE case_id = :case_id GROUP BY scope, element, action"
)
COUNT = upsert(passages, times="passages.times + excluded.times")
_NAMES: Final = tuple(column.name for column in passages.primary_key)
FORGET = remove(passages, *_NAMES, "times")


@lru_cache(4096)
def path_of(scope: str) -> str:
    """`Call_round/Call_triage` of the visit `Call_round#2/Call_triage#1[0]`: where in the diagrams it is."""
    return _VISIT.sub("", scope)


def place_of(task: str) -> tuple[str, str]:
    """Path and element of a task's or token's name."""
    path, _, element = path_of(task).rpartition("/")
    return path, element


def month_of(at: datetime) -> str:
    """`2026-03` in Asia/Shanghai."""
    return f"{at.astimezone(ZONE):%Y-%m}"


def before(writer: Writer, turn: Turn) -> Counter[Passage]:
    """What the case is counted out of before the entry is written; empty when it stays under what it is."""
    turn.recounted = turn.opened is None and (turn.withdraws or "grade" in turn.case or "bundle" in turn.case)
    if not turn.recounted:
        return Counter()
    return Counter({key: -number for key, number in _whole(writer, turn, _facets(writer, turn)).items()})


def write_performance(writer: Writer, turn: Turn, out: Counter[Passage]) -> Counter[Passage]:
    """Writes the times of the tasks that were finished; returns what is to be added to the passages."""
    counted = Counter((path_of(scope), element, action) for scope, element, action in turn.steps if action in COUNTED)
    timed = bool(turn.done) or (turn.withdraws and bool(turn.tasks))
    if not (counted or timed or turn.recounted):
        return Counter()
    facets = _facets(writer, turn)
    if timed:
        _write_times(writer, turn, facets[0])
    if turn.recounted:
        found = _whole(writer, turn, facets)
        found.update(out)
        return found
    return Counter({(*facets, *step): number for step, number in counted.items()})


def write_passages(writer: Writer, counted: Counter[Passage]) -> None:
    """Adds to the sums; a sum of nothing is no row.

    Requires that nothing else is written in the transaction afterwards: on PostgreSQL rows that many cases share stay
    locked until it ends, and as they are locked in the same order by all, no two wait for each other.
    """
    keys = [key for key in sorted(counted) if counted[key]]
    rows: list[Row] = [{**dict(zip(_NAMES, key, strict=True)), "times": counted[key]} for key in keys]
    writer.run(COUNT, rows)
    writer.run(FORGET, [{**row, "times": 0} for row in rows if row["times"] < 0])


def _facets(writer: Writer, turn: Turn) -> Facets:
    process, bundle, grade, opened_at = writer.fetch(FACETS, {"case_id": turn.case_id})[0]
    return process, bundle, grade, month_of(parse_instant(opened_at)), crc32(turn.case_id.encode()) % PARTS


def _whole(writer: Writer, turn: Turn, facets: Facets) -> Counter[Passage]:
    found: Counter[Passage] = Counter()
    for scope, element, action, number in writer.fetch(STEPS, {"case_id": turn.case_id}):
        if action in COUNTED:
            found[(*facets, path_of(scope), element, action)] += number
    return found


def _write_times(writer: Writer, turn: Turn, process: str) -> None:
    def key(task: str) -> Row:
        path, element = place_of(task)
        return {"process": process, "path": path, "element": element, "case_id": turn.case_id, "task": task}

    if turn.withdraws:
        writer.run(NOT_DONE, [key(task) for task in turn.tasks])
    rows = []
    for task in turn.done:
        for unit, created, claimed, completed in writer.fetch(TIMES, {"case_id": turn.case_id, "task": task}):
            if not completed:
                continue  # taken back by the same entry
            worked = seconds(claimed, completed) if claimed else UNKNOWN
            waited = seconds(created, claimed or completed)
            rows.append({**key(task), "unit": unit, "waited": waited, "worked": worked})
    writer.run(TOOK, rows)


def seconds(since: str, until: str) -> int:
    """Whole seconds between two stored instants."""
    return int((parse_instant(until) - parse_instant(since)).total_seconds())


def _moved(turn: Turn, event: Happened) -> None:
    if not turn.withdraws:
        turn.steps += [(scope, element, action) for scope, element, action in event["steps"]]


ALSO: dict[str, Handler] = {"TokensMoved": _moved}
"""Events that another module handles too. What was submitted, `turn.done`, project_tasks tells."""
