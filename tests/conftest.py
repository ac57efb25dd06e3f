"""Fixtures that every test may ask for, and what holds for the whole run."""

import gc
from pathlib import Path

import pytest
from hypothesis import settings

from engine.cli import YOUNG_OBJECTS

# How long one example takes says more of what else the machine does than of the program.
settings.register_profile("steady", settings(), deadline=None)
settings.load_profile("steady")

pytest_plugins = ["tests.support.postgres", "tests.support.browser", "tests.support.desk", "tests.support.small_font"]


LONGEST = (
    "crash/test_kill.py",
    "browser/test_regulation.py",
    "tamper/test_tampering.py",
    "browser/test_accessible.py",
    "browser/test_one_event.py",
    "web/test_access_matrix.py",
    "crash/test_double_click.py",
    "web/test_auditor.py",
    "crash/test_two_machines.py",
    "serving/test_graceful_stop.py",
    "serving/test_rolling_upgrade.py",
    "clocks/test_race.py",
    "browser/test_compare.py",
    "unit/checks/test_regulation.py",
    "package/test_own_log.py",
    "intake/test_command.py",
    "clocks/test_jumps.py",
    "kernel/test_token_game.py",
    "browser/test_replay.py",
    "browser/test_studio_change.py",
    "clocks/test_waiting.py",
)
"""Files that take more than half a minute."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files begin, so that none of them is left for the end, when one core would wait for the other."""
    here = Path(__file__).parent
    rank = {here / name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path, len(LONGEST)))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Seven thousand tests and their modules stay until the end: no collection of garbage is to look through them, and
    it runs as seldom as in the program. A fifth of the processor time of tests that compile bundles (measured)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 50)
