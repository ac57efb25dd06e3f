"""`jobs` on the command line: what waits in the background, what was given up, and having it done again."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.service.bootstrap import Services

Add = Callable[[str, Callable[[argparse.Namespace], int], str], argparse.ArgumentParser]
SHOWN = 50
"""Rows of a state."""


def declare(add: Add, services: Callable[[], Services]) -> None:
    """Adds the command to a parser. `services` opens the installation when the command runs."""
    made = add("jobs", _jobs, "background jobs: list, repeat or remove those given up / 后台任务")
    made.set_defaults(services=services)
    made.add_argument("action", nargs="?", choices=("list", "repeat", "remove"), default="list")
    made.add_argument("number", nargs="*", type=int, help="numbers of jobs that were given up / 已放弃任务的编号")


def _jobs(chosen: argparse.Namespace) -> int:
    if chosen.action != "list":
        return _change(chosen)
    from engine.service.jobs import STATES

    words = {"waiting": "等待", "running": "执行中", "failed": "已放弃"}
    services: Services = chosen.services()
    with services.engine.connect() as conn:
        counts = services.jobs.counts(conn)
        print(", ".join(f"{words[state]} {counts[state]}" for state in STATES))
        for state in STATES:
            for job in services.jobs.listed(conn, state, SHOWN):
                due = f" {job.due:%Y-%m-%d %H:%M:%S}Z" if job.due and state == "waiting" else ""
                tries = f" 失败 {job.attempts} 次" if job.attempts else ""
                print(f"{job.id:>8} {words[state]} {job.task}{due}{tries} {job.error}".rstrip())
    return 1 if counts["failed"] else 0


def _change(chosen: argparse.Namespace) -> int:
    from engine.service.transactions import writing

    services: Services = chosen.services()
    change = services.jobs.repeat if chosen.action == "repeat" else services.jobs.remove
    with writing(services.engine) as conn:
        unknown = [number for number in chosen.number if not change(conn, number)]
    for number in unknown:
        print(f"没有已放弃的任务 {number}", file=sys.stderr)
    if not chosen.number:
        print("请给出任务编号", file=sys.stderr)
    return 2 if unknown or not chosen.number else 0
