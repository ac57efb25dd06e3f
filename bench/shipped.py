"""The shipped bundle in an office of its own, with ordinary cases walked through their first steps: for the benches."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from engine.domain.clock import FixedClock
from engine.service import cast
from engine.service.bootstrap import Services, build
from engine.service.bundle_folder import from_folder
from engine.service.demo import ROOT, Walker, walker
from engine.service.settings import Settings
from engine.service.transactions import writing

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
ITEM = {"title": "耕地被占用", "body": "网帖称耕地被硬化", "source_type": "论坛", "source_name": "某论坛",
        "url": "https://d.example/1", "district": "市本级"}  # fmt: skip
TO_OPINION = (
    "Task_screen", "Task_grade", "Task_contact", "Task_instruct_vice", "Task_confirm_subject", "Task_assign",
    "Task_sign", "Task_verify", "Task_opinion", "Task_confirm",
)  # fmt: skip
"""The way of an ordinary case up to the unit's opinion."""


def office(folder: Path) -> tuple[Services, Walker]:
    """The cast and the shipped bundle on SQLite in `folder`, and somebody who walks cases at START."""
    services = build(Settings(database_url=f"sqlite:///{folder}/office.db", data_dir=folder), FixedClock(START))
    with writing(services.engine) as conn:
        cast.found(conn, START)
    services.deployments.deploy(from_folder(ROOT), "sunli", "bench", "bench-deploy")
    return services, walker(services, START)


def cases(walk: Walker, count: int, elements: Iterable[str] = ()) -> list[str]:
    """Opens `count` cases and fills in these tasks of each; returns their numbers."""
    opened = []
    for _ in range(count):
        opened.append(walk.open(ITEM, timedelta(0)))
        for element in elements:
            walk.fill(opened[-1], element)
    return opened
