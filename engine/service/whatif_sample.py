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

from sqlalchemy import Connection, select

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


def over(task: Task, numbers: Sequence[str], engine: Any, each: Callable[[list[JSON]], None]) -> int:
    """Runs the cases `numbers`; `each` gets the rows of whatif_cases (without run) as they are found, some at a time,
    in this thread; what it raises stops everything. Returns how many processes worked."""
    if len(numbers) < APART_FROM or task.url.endswith(":memory:") or "://" not in task.url:
        judge = Judge(SqlJournal(engine, task.algorithm), task)
        chunks = iter(numbers)
        while some := list(islice(chunks, CHUNK)):
            each(judge.rows(some))
        return 1
    many = max(1, min(PROCESSES, os.cpu_count() or 1))
    _apart(task, numbers, many, each)
    return many


def _apart(task: Task, numbers: Sequence[str], many: int, each: Callable[[list[JSON]], None]) -> None:
    waiting = iter([list(numbers[start : start + CHUNK]) for start in range(0, len(numbers), CHUNK)])
    found: queue.Queue[list[JSON] | Exception] = queue.Queue()
    guard = threading.Lock()
    children = [_child(task) for _ in range(many)]
    threads = [threading.Thread(target=_feed, args=(one, waiting, guard, found), daemon=True) for one in children]
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
            _say(child.stdin, chunk)
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

    def rows(self, numbers: Sequence[str]) -> list[JSON]:
        """The rows of these cases, in their order."""
        with self._journal.reading() as tx:
            facts = _facts(tx.connection, numbers)

            def load(version: str) -> Any:
                return self._bundles.load(tx, version)

            return [self._row(tx.read(number), load, facts[number]) for number in numbers]

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


def _facts(conn: Connection, numbers: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Number -> what lists show and filter by."""
    wanted = select(cases.c.case_id, cases.c.grade, cases.c.status).where(cases.c.case_id.in_(list(numbers)))
    found: dict[str, dict[str, Any]] = {
        row.case_id: {"case_id": row.case_id, "grade": row.grade, "status": row.status, "units": set()}
        for row in conn.execute(wanted)
    }
    worked = select(tasks.c.case_id, tasks.c.unit).where(tasks.c.case_id.in_(list(numbers)), tasks.c.unit != "")
    for row in conn.execute(worked.distinct()):
        found[row.case_id]["units"].add(row.unit)
    for one in found.values():
        one["units"] = f" {' '.join(sorted(one['units']))} " if one["units"] else ""
    return found


def serve(asked: IO[bytes], told: IO[bytes]) -> None:
    """The child: the task on the first line, then a list of case numbers a line, each answered by a line of rows."""
    os.nice(NICENESS)
    first = json.loads(asked.readline())
    task = Task(first["url"], first["algorithm"], first["version"], parse_instant(first["until"]))
    judge = Judge(SqlJournal(open_database(task.url), task.algorithm), task)
    for line in asked:
        _say(told, judge.rows(json.loads(line)))


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
