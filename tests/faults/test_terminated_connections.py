"""PostgreSQL ends connections at random moments: nothing acknowledged is lost or doubled, and the pool recovers."""

from __future__ import annotations

import random
import threading
from collections import Counter
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import select, text

from engine.domain.commands import AddComment
from engine.domain.rejection import Rejection
from engine.journal.schema import entries
from engine.service.application import Done
from engine.service.outages import is_outage
from engine.service.verify import Asked, verify
from tests.support.walks import graded
from tests.support.world import World

SEED = 7
PAUSE_SECONDS = 0.05
"""At most, between two terminations: so that they fall into every part of a transaction."""
WRITERS = 4


class Executioner(threading.Thread):
    """Ends one random connection of the database after another, until `wanted` were ended or it is told to stop."""

    def __init__(self, url: str, wanted: int) -> None:
        super().__init__(daemon=True)
        self.url = url.replace("+psycopg", "")
        self.wanted = wanted
        self.ended = 0
        self.at_work = 0
        self.enough = threading.Event()

    def run(self) -> None:
        chance = random.Random(SEED)
        query = (
            "SELECT pid, state = 'idle' FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        with psycopg.connect(self.url, autocommit=True) as connection:
            while self.ended < self.wanted and not self.enough.wait(chance.random() * PAUSE_SECONDS):
                found = connection.execute(query).fetchall()
                busy = [pid for pid, idle in found if not idle]
                pids = busy or [pid for pid, _ in found]
                if pids:
                    connection.execute("SELECT pg_terminate_backend(%s)", [chance.choice(pids)])
                    self.ended += 1
                    self.at_work += bool(busy)


class Writer(threading.Thread):
    """Comments on its case until the executioner is done. A request that ended in an outage is sent again."""

    def __init__(self, world: World, number: int, case_id: str, over: Executioner) -> None:
        super().__init__(daemon=True)
        self.world, self.case_id, self.over = world, case_id, over
        self.name = f"writer-{number}"
        self.actor = world.actor("wangfang")
        self.acknowledged: list[str] = []
        self.told = 0
        self.failure: BaseException | None = None

    def run(self) -> None:
        number = 0
        try:
            while self.over.is_alive() and number < 5_000:
                number += 1
                self.submit(f"{self.name}/{number}")
        except BaseException as error:  # shown by the test
            self.failure = error

    def submit(self, command_id: str) -> None:
        app = self.world.services.application
        for _ in range(100):
            try:
                answer = app.handle(AddComment(command_id), self.actor, case_id=self.case_id, command_id=command_id)
            except Exception as error:
                if not is_outage(error):
                    raise
                self.told += 1
                continue
            if isinstance(answer, Done):
                self.acknowledged.append(command_id)
                return
            assert isinstance(answer, Rejection) and answer.key == "case.busy", answer
        raise AssertionError("never answered")


@pytest.mark.postgres
@pytest.mark.parametrize("kills", [40, pytest.param(1_000, marks=pytest.mark.long)])
def test_terminated_connections_lose_nothing_and_double_nothing(postgres_url: str, tmp_path: Path, kills):
    world = World(tmp_path, postgres_url)
    case_ids = [graded(world).id for _ in range(2)]
    executioner = Executioner(postgres_url, kills)
    writers = [Writer(world, number, case_ids[number % 2], executioner) for number in range(WRITERS)]

    executioner.start()
    for writer in writers:
        writer.start()
    executioner.join(60 + kills * 0.2)
    executioner.enough.set()
    for writer in writers:
        writer.join(60)

    assert [writer.failure for writer in writers if writer.failure] == []
    assert (executioner.ended, executioner.at_work > kills // 4) == (kills, True), executioner.at_work
    acknowledged = {command_id for writer in writers for command_id in writer.acknowledged}
    with world.services.engine.connect() as conn:
        found = Counter(conn.scalars(select(entries.c.command_id).where(entries.c.command_id.like("writer-%"))))
    assert found.keys() == acknowledged, "none lost, none done that was not acknowledged"
    assert set(found.values()) == {1}, "none twice"
    for _ in range(15):  # more than the pool holds: every connection in it works again
        with world.services.engine.connect() as conn:
            assert conn.scalar(text("SELECT 1")) == 1
    report = verify(world.services, Asked(parts=("chains", "tree", "replays", "models", "numbers")))
    assert report.faults == 0, report.as_json()
    world.services.engine.dispose()
