"""Compensation and the cancelling of transactions (BPMN 10.7, 13.5.5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from . import activities, events
from .state import Data, Done, Job, Place, Work

if TYPE_CHECKING:
    from .play import Game


def jobs(done: list[Done], activity: str = "", memo: dict[int, Data] | None = None) -> list[Job]:
    """The handlers to run, last done first; they are not run a second time."""
    found: list[Job] = []
    memo = {} if memo is None else memo
    for item in reversed([d for d in done if activity in ("", d.node.id)]):
        done.remove(item)
        if item.node.handler:
            found.append(Job(item.place.graph.nodes[item.node.handler], item.data.kept(memo)))
        elif item.node.undone_inside is not None:
            found.append(Job(item.node.undone_inside, item.data.kept(memo), item.node, item.inner))
        else:
            found += jobs(item.inner, "", memo)
    return found


def run(game: Game, place: Place, todo: list[Job], by: Work, then: Callable[[], None]) -> None:
    """One handler after the other, then `then`; no further one when the event `by` that throws is taken away."""
    if not todo:
        then()
        return
    first, *rest = todo
    work = again(game, place, first) if first.again is not None else game.enter(place, first.handler, first.data)
    work.after = lambda: game.ready.append(lambda: run(game, place, rest, by, then) if by.alive else None)


def again(game: Game, place: Place, job: Job) -> Work:
    """Opens a sub-process that has ended once more, for nothing but the event sub-process that undoes it."""
    node = job.again
    assert node is not None and node.body is not None
    place.visits[node.id] += 1
    work = Work(place, node, f"{place.prefix}{node.id}#{place.visits[node.id]}", job.data)
    place.works.append(work)
    game.note(place, node.id, "entered")
    inside = Place(node.body, f"{work.name}/", job.data, work, done=job.inner)
    work.inside = inside

    def open_again() -> None:
        if work.alive:
            game.places.append(inside)
            events.start_handler(game, inside, job.handler)

    game.ready.append(open_again)
    return work


def throw(game: Game, work: Work) -> None:
    """The event goes on when all handlers have ended, or at once if it does not wait."""
    todo = jobs(done_in(work.place, work.node.event.activity), work.node.event.activity)
    if todo:
        run(game, work.place, todo, work, lambda: activities.leave(game, work))
    else:
        activities.leave(game, work)


def done_in(place: Place, activity: str) -> list[Done]:
    """What a handler undoes is what was done in the scope it belongs to, unless the activity is its own."""
    while place.owner is not None and place.owner.node.triggered and activity not in place.graph.nodes:
        place = place.owner.place
    return place.done


def cancel(game: Game, work: Work) -> None:
    """A transaction is cancelled: everything stops, what was done is undone, the cancel boundary event takes over."""
    place = work.place
    while place.owner is not None and place.owner.node.kind != "transaction":
        place = place.owner.place
    owner = place.owner
    assert owner is not None
    activities.empty(game, place, work)

    def over() -> None:
        host = owner.whole or owner
        node = next(n for n in host.place.graph.boundary(host.node.id) if n.event.kind == "cancel")
        events.cross(game, host, node)

    todo = jobs(place.done)
    if todo:
        run(game, place, todo, work, over)
    else:
        over()
