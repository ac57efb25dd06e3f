"""A world for each process test: the shipped bundle, the cast, a clock that stands still."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from engine.kernel.replay import replay
from engine.readmodels.schema import READ_MODELS
from engine.service.verify import rebuild_read_models
from tests.support.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    _replays(made)
    made.services.engine.dispose()


def _replays(world: World) -> None:
    """Every history that a process test leaves must replay to the same digests."""
    with world.services.journal.reading() as tx:
        for stream in tx.streams():
            if not stream.startswith("_"):
                last = list(replay(tx.read(stream), world.services.application.live.loader(tx)))[-1]
                assert last.divergence is None, last.divergence
    before = _rows(world)
    rebuild_read_models(world.services)
    assert _rows(world) == before, "a rebuild must give the rows that were projected live"


def _rows(world: World) -> dict[str, list[tuple[object, ...]]]:
    """Every read-model row, sorted."""
    with world.services.engine.connect() as conn:
        return {table.name: sorted(map(tuple, conn.execute(select(table))), key=repr) for table in READ_MODELS}
