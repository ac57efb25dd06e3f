"""An office on each database, shared by the tests of a module that each bring cases and items of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.world import World


@pytest.fixture(scope="module")
def one_database(postgres_database) -> str:
    return postgres_database()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], scope="module")
def world(request, tmp_path_factory) -> Iterator[World]:
    url = "" if request.param == "sqlite" else request.getfixturevalue("one_database")
    made = World(tmp_path_factory.mktemp("office"), url)
    yield made
    made.services.engine.dispose()
