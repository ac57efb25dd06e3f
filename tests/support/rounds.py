"""A loop with a boundary timer, run for thousands of rounds: what it must give, and what each round costs."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from engine.domain.commands import SubmitTask

from .diagrams import Run, Scope, bundle_of, timer

LATE_EVERY = 50
"""Each so many rounds the task is handed in after its hour."""
WINDOW = 50
"""Rounds whose median is taken: one round is too short to time, and a neighbour's burst must not count."""


def diagram(rounds: int) -> Scope:
    """Merge, user task with an hour to do it, count, and again; who is late is counted beside. A sub-process with a
    limit of its own stands around the task, so that a scope opens and closes in each round."""
    inner = Scope(prefix="i")
    inner.chain(inner.start(), inner.user("work"), inner.end())
    inner.chain(
        inner.boundary("hour", "work", timer("duration", "PT1H"), False),
        inner.script("count_late", "late", "late + 1"),
        inner.end("iend2"),
    )
    s = Scope()
    s.node("subProcess", "round", inner.text())
    s.chain(s.start(), s.node("exclusiveGateway", "merge"), "round", s.script("count", "n", "n + 1"))
    s.chain("count", s.node("exclusiveGateway", "again", default="out"))
    s.flow("again", "merge", f"n < {rounds}")
    s.flow("again", s.end(), ident="out")
    s.chain(s.boundary("day", "round", timer("duration", "P1D")), s.user("boss"), s.end("end2"))
    return s


@dataclass
class Rounds:
    """`seconds`: processor time of each round. `wrong`: what was not as it must be, "" for nothing."""

    run: Run
    seconds: list[float] = field(default_factory=list)
    wrong: str = ""

    def cost(self, first: int) -> float:
        """Median processor seconds of the rounds from `first` on."""
        return statistics.median(self.seconds[first : first + WINDOW])


def play_rounds(rounds: int) -> Rounds:
    """Runs the loop to its end and checks each round as it goes."""
    played = Rounds(Run(*bundle_of(p=diagram(rounds)), {"n": 0, "late": 0}))
    run = played.run
    for number in range(1, rounds + 1):
        entered = run.at
        played.wrong = played.wrong or faults(run, number, entered)
        run.at += timedelta(hours=2 if number % LATE_EVERY == 0 else 0, seconds=1)
        started = time.process_time()
        run.do(SubmitTask(f"round#{number}/work#1", {}))
        played.seconds.append(time.process_time() - started)
        run.entries.clear()
    return played


def faults(run: Run, number: int, entered: datetime) -> str:
    """What is not right at the beginning of a round."""
    due = {t.element: t.due for t in run.case.timers.values()}
    if run.open != [f"round#{number}/work#1"]:
        return f"round {number}: open {run.open}"
    if due != {"hour": entered + timedelta(hours=1), "day": entered + timedelta(days=1)}:
        return f"round {number}: due {due}"
    if (run.case.data["n"], run.case.data["late"]) != (number - 1, (number - 1) // LATE_EVERY):
        return f"round {number}: data {run.case.data}"
    return ""
