"""What a large past costs: submissions a second and page times with 1e3, 1e4 and, in the long run, 1e5 closed cases.

All sizes stand side by side and are measured in turns, so that a busy machine is busy for all of them. One closed case
of ten went the whole way of an ordinary case, the others were screened and handed over. Aim: flat within 20 %.
"""

from __future__ import annotations

import importlib
import statistics
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from engine.domain.clock import FixedClock
from engine.service.bootstrap import Services
from engine.service.demo import Walker, walker

from . import shipped, stores
from .copies import multiply
from .inbox import sign_in
from .shipped import ITEM, START

SIZES: Final = (1_000, 10_000, 100_000)
ELEMENTS: Final = ("Task_screen", "Task_grade", "Task_instruct_vice", "Task_assign")
CASES: Final = 8
"""New cases of a round: CASES * len(ELEMENTS) submissions."""
TO_THE_END: Final = (
    *shipped.TO_OPINION, "Task_compose_reply", "Task_approve_vice", "Task_publish_reply", "Task_supervision_group",
    "Task_supervision_office", "Task_feedback", "Task_receipt_leader", "Task_receipt_office", "Task_closing_review",
    "Task_supplement", "Task_archive",
)  # fmt: skip
PAGES: Final = ("/inbox?view=role", "/inbox?view=done", "/cases", "/cases?status=closed", "/clocks", "{case}", "{task}")


@dataclass(slots=True)
class Past:
    """A database with so many closed cases, and what was measured on it."""

    size: int
    services: Services
    walk: Walker
    client: Any
    case: str
    core: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)
    pages: dict[str, list[float]] = field(default_factory=lambda: {page: [] for page in PAGES})

    def submit(self) -> None:
        """One round of submissions: seconds of each, on the wall and on the processor."""
        opened = shipped.cases(self.walk, CASES)
        wall, core = time.perf_counter(), time.process_time()
        for element in ELEMENTS:
            for case_id in opened:
                self.walk.fill(case_id, element)
        count = len(ELEMENTS) * CASES
        self.wall.append((time.perf_counter() - wall) / count)
        self.core.append((time.process_time() - core) / count)

    def look(self, page: str) -> None:
        task = f"/tasks/{self.case}/Call_case_round%231/Call_triage%231/Task_screen%231"
        path = page.format(case=f"/cases/{self.case}", task=task)
        started = time.perf_counter()
        answer = self.client.get(path)
        self.pages[page].append(time.perf_counter() - started)
        assert answer.status_code == 200, (path, answer.status_code)


def closed(walk: Walker) -> list[str]:
    """One case that was archived and tracked for its 30 days, and nine that were handed over."""
    ordinary = shipped.cases(walk, 1, TO_THE_END)
    walk.wait(days=31)
    others = [walk.open(ITEM, timedelta(0)) for _ in range(9)]
    for case_id in others:
        walk.fill(case_id, "Task_screen", relevant=False, directly_related=False, screen_note="与本局无关。")
        walk.fill(case_id, "Task_handover")
    return ordinary + others


def past(store: stores.Store, stack: ExitStack, size: int) -> Past:
    place = stack.enter_context(stores.folder())
    clock = FixedClock(START)
    services = stores.office(store.fresh(place), place, clock)
    stack.callback(services.engine.dispose)
    walk = walker(services, START)
    multiply(services, closed(walk), size - 10)
    clock.set(walk.clock.now())
    stores.analyse(services)
    (waiting,) = shipped.cases(walk, 1)
    client = sign_in(importlib.import_module("webui").create_app(services), "wangfang")
    return Past(size, services, walk, client, waiting)


def measure(store: stores.Store, sizes: tuple[int, ...], rounds: int) -> list[Past]:
    with ExitStack() as stack:
        pasts = [past(store, stack, size) for size in sizes]
        for number in range(rounds + 1):
            for one in pasts:
                one.submit()
                for page in PAGES:
                    one.look(page)
            if number == 0:  # warm-up
                for one in pasts:
                    one.wall.clear()
                    one.core.clear()
                    for times in one.pages.values():
                        times.clear()
        return pasts


def flat(values: list[float], base: list[float]) -> float:
    """Median of the round-by-round ratios."""
    return statistics.median(a / b for a, b in zip(values, base, strict=True))


def report(options: stores.Options = stores.SHORT) -> None:
    sizes, rounds = (SIZES, 15) if options.full else (SIZES[:2], 5)
    print(f"growth: median of {rounds} rounds in turns, and the ratio to {sizes[0]:,} closed cases; aim: at most 1.20")
    with stores.stores(options.kinds) as every:
        for store in every:
            pasts = measure(store, sizes, rounds)
            for one in pasts:
                submissions = f"{1 / statistics.median(one.wall):6.0f} submissions/s"
                time_ratio, core_ratio = flat(one.wall, pasts[0].wall), flat(one.core, pasts[0].core)
                print(f"  {store.kind:<11} {one.size:>8,} closed  {submissions}")
                print(f"    {'a submission':<24} x {time_ratio:.2f}, on the processor x {core_ratio:.2f}")
                for page in PAGES:
                    median = statistics.median(one.pages[page]) * 1e3
                    print(f"    {page:<24} {median:7.1f} ms  x {flat(one.pages[page], pasts[0].pages[page]):.2f}")


if __name__ == "__main__":
    report(stores.Options.read())
