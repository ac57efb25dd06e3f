"""Fixtures that every test may ask for, and what holds for the whole run."""

import gc

import pytest

from engine.cli import YOUNG_OBJECTS

pytest_plugins = ["tests.support.postgres", "tests.support.browser", "tests.support.desk"]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Seven thousand tests and their modules stay until the end: no collection of garbage is to look through them, and
    it runs as seldom as in the program. A fifth of the processor time of tests that compile bundles (measured)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 50)
