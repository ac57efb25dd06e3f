"""What-if over a list of cases in processes of their own, so that pages of this process stay quick meanwhile.

Children are fresh programs, not forks: this process has threads. They run at lower priority, are few, read the database
themselves, and end with their input; what they find comes back a line a case.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import IO, Any, Final

from sqlalchemy import Engine, select

from engine.domain.codec import JSON, instant_text, parse_instant
from engine.journal.database import open_database
from engine.journal.store import SqlJournal
from engine.kernel.record import Loader
from engine.kernel.unaffected import Changes, changes
from engine.kernel.whatif import as_json, what_if
from engine.readmodels.schema import cases, tasks

from .deployments import Deployments

PROCESSES: Final = 2
"""Children at most; fewer where the machine has fewer processors."""
NICENESS: Final = 15
MODULE: Final = "engine.service.whatif_sample"
"""This module, as a program."""
CHUNK: Final = 40
"""Cases handed to a child at once: some tenths of a second."""
APART_FROM: Final = 25
"""Fewer cases are done in this process: a child takes longer to start."""


@dataclass(frozen=True, slots=True)
class Task:
    """What a child is told once. `until`: the present, for cases that run."""

    url: str
    algorithm: str
    version: str
    until: datetime


class Failed(Exception):
    """A child ended without having done its work; the text is what it said last."""


def over(task: Task, numbers: Sequence[str], engine: Engine, each: Callable[[list[JSON]], None]) -> int:
    """Runs the cases `numbers`; `each` gets the rows of whatif_cases (without run) as they are found, some at a time,
    in this thread; what it raises stops everything. Returns how many processes worked."""
    if len(numbers) < APART_FROM or task.url.endswith(":memory:") or "://" not in task.url:
        judge = Judge(SqlJournal(engine, task.algorithm), task)
        chunks = iter(numbers)
        while some := list(islice(chunks, CHUNK)):
            each(judge.rows(_facts(engine, some)))
        return 1
    many = max(1, min(PROCESSES, os.cpu_count() or 1))
    _apart(task, numbers, engine, many, each)
    return many


def _apart(task: Task, numbers: Sequence[str], engine: Engine, many: int, each: Callable[[list[JSON]], None]) -> None:
    waiting = iter([list(numbers[start : start + CHUNK]) for start in range(0, len(numbers), CHUNK)])
    found: queue.Queue[list[JSON] | Exception] = queue.Queue()
    guard = threading.Lock()
    children = [_child(task) for _ in range(many)]
    threads = [
        threading.Thread(target=_feed, args=(one, engine, waiting, guard, found), daemon=True) for one in children
    ]
    try:
        for thread in threads:
            thread.start()
        left = len(numbers)
        while left:
            rows = found.get()
            if isinstance(rows, Exception):
                raise rows
            left -= len(rows)
            each(rows)
    finally:
        for one in children:
            one.kill()
        for thread in threads:
            thread.join()
        for one in children:
            one.wait()
            for pipe in (one.stdin, one.stdout, one.stderr):
                if pipe is not None:
                    pipe.close()


def _child(task: Task) -> subprocess.Popen[bytes]:
    child = subprocess.Popen(
        [sys.executable, "-m", MODULE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    said = {"url": task.url, "algorithm": task.algorithm, "version": task.version, "until": instant_text(task.until)}
    _say(child.stdin, said)
    return child


def _feed(
    child: subprocess.Popen[bytes],
    engine: Engine,
    waiting: Iterator[list[str]],
    guard: threading.Lock,
    found: queue.Queue[list[JSON] | Exception],
) -> None:
    """One thread a child: a chunk goes in, its rows come out, until nothing waits."""
    assert child.stdout is not None and child.stderr is not None
    try:
        while True:
            with guard:
                chunk = next(waiting, None)
            if chunk is None:
                return
            _say(child.stdin, _facts(engine, chunk))
            line = child.stdout.readline()
            if not line:
                raise Failed(child.stderr.read().decode(errors="replace").strip().rpartition("\n")[2][:500])
            found.put(json.loads(line))
    except Exception as error:
        found.put(error)


def _say(pipe: IO[bytes] | None, what: JSON) -> None:
    assert pipe is not None
    pipe.write(json.dumps(what).encode() + b"\n")
    pipe.flush()


class Judge:
    """Compares cases of a journal with the candidate; remembers what differs from each version."""

    def __init__(self, journal: SqlJournal, task: Task) -> None:
        self._journal = journal
        self._task = task
        self._bundles = Deployments(journal, _Still(task.until))
        self._changes: dict[str, Changes] = {}

    def rows(self, known: Sequence[dict[str, Any]]) -> list[JSON]:
        """The rows of these cases, in their order. `known`: what read models say of each (`_facts`); a child has none,
        since on PostgreSQL those of several releases may stand side by side."""
        with self._journal.reading() as tx:

            def load(version: str) -> Any:
                return self._bundles.load(tx, version)

            return [self._row(tx.read(one["case_id"]), load, dict(one)) for one in known]

    def _row(self, entries: Sequence[Any], load: Loader, facts: dict[str, Any]) -> JSON:
        version = entries[0].bundle
        if version not in self._changes:
            self._changes[version] = changes(load(version), load(self._task.version))
        until = self._task.until if facts.pop("status") == "open" else None
        outcome = what_if(entries, load, self._task.version, until, self._changes[version])
        return {
            **facts,
            "verdict": outcome.verdict,
            "step": outcome.step,
            "entries": len(entries),
            "outcome": as_json(outcome),
        }


class _Still:
    """A clock that nobody reads: bundles are only looked at here."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        return self._at


def _facts(engine: Engine, numbers: Sequence[str]) -> list[dict[str, Any]]:
    """What lists show and filter by of each case, and its status, in the order of `numbers`."""
    wanted = select(cases.c.case_id, cases.c.grade, cases.c.status).where(cases.c.case_id.in_(list(numbers)))
    worked = select(tasks.c.case_id, tasks.c.unit).where(tasks.c.case_id.in_(list(numbers)), tasks.c.unit != "")
    with engine.connect() as conn:
        rows = {row.case_id: row for row in conn.execute(wanted)}
        units: dict[str, set[str]] = {}
        for row in conn.execute(worked.distinct()):
            units.setdefault(row.case_id, set()).add(row.unit)
    return [
        {
            "case_id": number,
            "grade": rows[number].grade,
            "status": rows[number].status,
            "units": f" {' '.join(sorted(units[number]))} " if number in units else "",
        }
        for number in numbers
    ]


def serve(asked: IO[bytes], told: IO[bytes]) -> None:
    """The child: the task on the first line, then what is known of some cases on each, answered by a line of rows."""
    os.nice(NICENESS)
    first = json.loads(asked.readline())
    task = Task(first["url"], first["algorithm"], first["version"], parse_instant(first["until"]))
    judge = Judge(SqlJournal(open_database(task.url), task.algorithm), task)
    for line in asked:
        _say(told, judge.rows(json.loads(line)))


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
