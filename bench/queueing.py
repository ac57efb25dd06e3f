"""A small discrete-event simulation of many offices on shared databases, and the formulas that it is checked against.

Stations are first come, first served with so many servers. `offices` strings three of them together for each shard:
web processes, the database's writer, and the disk's commit; service times are arguments, to be put in as measured.
What comes out is simulated, not measured.
"""

from __future__ import annotations

import heapq
import math
import random
import statistics
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

Draw = Callable[[random.Random], float]
"""One service time in seconds."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A station that each job passes: `servers` work at once, each job takes `service` seconds of one."""

    name: str
    servers: int
    service: Draw


@dataclass(slots=True)
class Outcome:
    """`stays`: seconds from arrival to end of each job counted; `waits`: seconds of it spent waiting; `busy`: share of
    the servers' time by stage."""

    stays: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    busy: dict[str, float] = field(default_factory=dict)

    def stay(self, share: float) -> float:
        return sorted(self.stays)[min(len(self.stays) - 1, int(share * len(self.stays)))]


def exponential(mean: float) -> Draw:
    return lambda chance: chance.expovariate(1 / mean)


def constant(seconds: float) -> Draw:
    return lambda chance: seconds


def simulate(arrivals_a_second: float, stages: Sequence[Stage], jobs: int, seed: int, warm_up: int = 0) -> Outcome:
    """Jobs that come by chance (Poisson) and pass the stages in order. The first `warm_up` are not counted."""
    chance = random.Random(seed)
    events: list[tuple[float, int, str, int, int]] = []  # at, order, kind, job, stage
    order = iter(range(10**12))
    waiting: list[deque[int]] = [deque() for _ in stages]
    free = [stage.servers for stage in stages]
    began, queued, waited = [0.0] * jobs, [0.0] * jobs, [0.0] * jobs
    working = [0.0] * len(stages)
    outcome, last = Outcome(), 0.0

    def begin(at: float, job: int, place: int) -> None:
        free[place] -= 1
        took = stages[place].service(chance)
        working[place] += took
        waited[job] += at - queued[job]
        heapq.heappush(events, (at + took, next(order), "done", job, place))

    def arrive(at: float, job: int, place: int) -> None:
        queued[job] = at
        if free[place]:
            begin(at, job, place)
        else:
            waiting[place].append(job)

    at = 0.0
    for job in range(jobs):
        at += chance.expovariate(arrivals_a_second)
        heapq.heappush(events, (at, next(order), "arrives", job, 0))
    while events:
        now, _, kind, job, place = heapq.heappop(events)
        last = now
        if kind == "arrives":
            began[job] = now
            arrive(now, job, 0)
            continue
        free[place] += 1
        if waiting[place]:
            begin(now, waiting[place].popleft(), place)
        if place + 1 < len(stages):
            arrive(now, job, place + 1)
        elif job >= warm_up:
            outcome.stays.append(now - began[job])
            outcome.waits.append(waited[job])
    outcome.busy = {stage.name: work / (stage.servers * last) for stage, work in zip(stages, working, strict=True)}
    return outcome


def erlang_c(servers: int, load: float) -> float:
    """Probability that a job of M/M/c must wait; `load`: arrivals times mean service, below `servers`."""
    blocked = 1.0
    for count in range(1, servers + 1):  # Erlang B by its recursion, which does not overflow
        blocked = load * blocked / (count + load * blocked)
    return servers * blocked / (servers - load * (1 - blocked))


def mean_wait(servers: int, arrivals_a_second: float, service_seconds: float) -> float:
    """Mean seconds that a job of M/M/c waits."""
    load = arrivals_a_second * service_seconds
    return erlang_c(servers, load) * service_seconds / (servers - load)


def wait_within(seconds: float, servers: int, arrivals_a_second: float, service_seconds: float) -> float:
    """Probability that a job of M/M/c waits at most so long."""
    load = arrivals_a_second * service_seconds
    return 1 - erlang_c(servers, load) * math.exp(-(servers - load) * seconds / service_seconds)


# --- a province, a country -----------------------------------------------------------------------------------------

ITEMS_A_DAY: Final = 5.0
"""Of a prefecture-level bureau: the load model's own assumption."""
SUBMISSIONS_OF_AN_ITEM: Final = 22
"""Human steps of an ordinary case (bench/submissions.py)."""
ENTRIES_OF_A_CASE: Final = 25
"""Of the load model's cases on the shipped bundle, firings included: 2,207 entries of 102 cases, rounded up."""
ENTRY_BYTES: Final = 4_800
"""Mean size of an entry of the shipped bundle (bench/verify.py)."""
PAGES_OF_A_SUBMISSION: Final = 3.0
"""Assumed: inbox, task, and another look."""
BUSIEST_HOUR: Final = 7.5 / 101.5
"""Share of a day's items in its busiest hour: the load model's hours."""
PEAK: Final = 5.0
"""Assumed: a day of a scandal against a middling one, and everybody on the same day."""
PLACES: Final = (("bureau", 1), ("province", 18), ("country", 340))
"""Prefecture-level bureaus; about 340 in the country (2023: 333 prefecture-level divisions and 4 municipalities)."""


@dataclass(frozen=True, slots=True)
class Costs:
    """Seconds, as measured by the benches on one machine: a submission on the processor, a page on the processor, a
    durable commit. The defaults are placeholders of the order of magnitude; `--costs` puts others in."""

    submission: float = 0.004
    page: float = 0.010
    commit: float = 0.001


def at_the_peak(bureaus: int, peak: float = PEAK) -> float:
    """Submissions a second in the busiest hour of the worst day."""
    return bureaus * ITEMS_A_DAY * peak * SUBMISSIONS_OF_AN_ITEM * BUSIEST_HOUR / 3600


def offices(arrivals: float, cores: int, shards: int, costs: Costs, jobs: int, seed: int) -> Outcome:
    """One of `shards` equal databases: web cores, then the commit, one at a time. A job is a submission with the pages
    around it; what the pages cost is drawn with it."""
    work = costs.submission + PAGES_OF_A_SUBMISSION * costs.page
    stages = (Stage("web", cores, exponential(work)), Stage("commit", 1, exponential(costs.commit)))
    return simulate(arrivals / shards, stages, jobs, seed, warm_up=jobs // 10)


def cores_needed(arrivals: float, costs: Costs, utilisation: float = 0.6) -> int:
    """Web cores for these submissions, so that no more than this share of their time is used."""
    return max(2, math.ceil(arrivals * (costs.submission + PAGES_OF_A_SUBMISSION * costs.page) / utilisation))


def volume(bureaus: int) -> tuple[float, float, float]:
    """Of a year: cases, entries, bytes of the journal's bodies."""
    cases = bureaus * ITEMS_A_DAY * 365
    return cases, cases * ENTRIES_OF_A_CASE, cases * ENTRIES_OF_A_CASE * ENTRY_BYTES


def report(costs: Costs = Costs(), jobs: int = 40_000) -> None:
    """Simulated, from `costs`."""
    print(
        f"simulated: submission {costs.submission * 1e3:.1f} ms, page {costs.page * 1e3:.1f} ms,"
        f" commit {costs.commit * 1e3:.1f} ms; worst day {PEAK:.0f} x, busiest hour"
    )
    for name, bureaus in PLACES:
        arrivals = at_the_peak(bureaus)
        for shards in (1,) if bureaus < 340 else (1, 31):
            cores = cores_needed(arrivals / shards, costs)
            found = offices(arrivals, cores, shards, costs, jobs, seed=1)
            print(
                f"  {name:<9} {bureaus:>4} bureaus  {arrivals:7.2f} submissions/s  {shards:>3} database(s) with"
                f" {cores:>2} web cores each: p50 {statistics.median(found.stays) * 1e3:6.0f} ms,"
                f" p95 {found.stay(0.95) * 1e3:6.0f} ms, web {found.busy['web']:.0%}, commit {found.busy['commit']:.0%}"
            )
        cases, entries, size = volume(bureaus)
        print(f"            a year: {cases:,.0f} cases, {entries:,.0f} entries, {size / 1e9:,.1f} GB of journal")
    for shards in (1, 31):
        limit = shards / costs.commit
        print(f"  writer's limit of {shards:>2} database(s): {limit:,.0f} submissions/s, if each is one commit")


if __name__ == "__main__":
    import argparse

    parser = argparse.ArgumentParser()
    parser.add_argument("--costs", nargs=3, type=float, metavar="MS", help="of a submission, a page, a commit")
    chosen = parser.parse_args()
    report(Costs(*(ms / 1e3 for ms in chosen.costs)) if chosen.costs else Costs())
