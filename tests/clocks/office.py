"""An office with one small process whose only clock is a timer, and many cases of it made cheaply."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select

from engine.domain.codec import instant_text
from engine.domain.commands import OpenCase
from engine.journal.schema import entries
from engine.readmodels import schema
from engine.service.application import Done
from engine.service.bootstrap import Services
from tests.support.diagrams import Scope, document, timer
from tests.support.world import MONDAY, World

WAIT = timedelta(hours=1)
"""After so long the timer of a case of `one_timer` is due."""


def one_timer(kind: str = "duration", text: str = "PT1H", interrupting: bool = True) -> Mapping[str, bytes]:
    """A bundle: a user task with a timer on its edge."""
    s = Scope()
    s.chain(s.start(), s.user("a"), s.end())
    s.chain(s.boundary("t", "a", timer(kind, text), interrupting=interrupting), s.end("e2"))
    return {"bpmn/p.bpmn": document(p=s)}


def office(folder: Path, url: str = "", files: Mapping[str, bytes] | None = None, at: datetime = MONDAY) -> World:
    """An installation with the cast and the small bundle; nothing else."""
    folder.mkdir(parents=True, exist_ok=True)
    return World(folder, url, at=at, files=files or one_timer())


@contextmanager
def one_transaction(services: Services) -> Iterator[None]:
    """All commands inside share one transaction: a case then costs what it computes, not a commit."""
    application: Any = services.application
    whole = application._writing
    with whole() as tx:

        @contextmanager
        def same() -> Iterator[Any]:
            yield tx

        application._writing = same
        try:
            yield
        finally:
            application._writing = whole


def open_many(world: World, count: int, moment: Callable[[int], timedelta] = lambda number: timedelta(0)) -> list[str]:
    """Opens cases through the application, `moment(n)` after the clock's instant each; returns their numbers."""
    actor, begun = world.actor("wangfang"), world.clock.now()
    made: list[str] = []
    while len(made) < count:
        with one_transaction(world.services):
            for number in range(len(made), min(count, len(made) + 250)):
                world.clock.set(begun + moment(number))
                done = world.services.application.handle(OpenCase("p", {}), actor, command_id=f"open-{number}")
                assert isinstance(done, Done), done
                made.append(done.case_id)
    world.clock.set(begun)
    return made


def add_waiting_rows(world: World, count: int, due: datetime) -> None:
    """Rows of armed timers far in the future, without cases: what a waker must not trip over."""
    base = {"element": "t", "scope": "", "label": "", "limit_id": "", "warns_of": "", "mark": "", "stuck": 0}
    with world.services.engine.connect().execution_options(writing=True) as conn, conn.begin():
        for first in range(0, count, 5_000):
            rows = [
                {
                    **base,
                    "case_id": f"ZZ-{number:07d}",
                    "timer": "t#1",
                    "due": instant_text(due + timedelta(seconds=number)),
                    "armed_at": instant_text(world.clock.now()),
                }
                for number in range(first, min(count, first + 5_000))
            ]
            conn.execute(insert(schema.timers), rows)


def firings(services: Services) -> Counter[str]:
    """case -> entries by which the clock itself went on."""
    with services.engine.connect() as conn:
        found = conn.scalars(select(entries.c.case_id).where(entries.c.actor == "system:timer"))
        return Counter(found)
