"""Activities that run several times: multi-instance and standard loops (BPMN 13.3.6, 13.3.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import activities, events
from .state import Data, Work

if TYPE_CHECKING:
    from .play import Game


def begin_instances(game: Game, work: Work) -> None:
    multi = work.node.multi
    assert multi is not None
    if multi.collection:
        work.values = list(work.data.view().get(multi.collection) or [])
    else:
        work.values = [None] * multi.cardinality
    if multi.into:
        game.write(game.data, multi.into, [])
    if not work.values:
        activities.complete(game, work)
    elif multi.sequential:
        instance(game, work, 0, work.values[0])
    else:
        for index, value in enumerate(work.values):
            instance(game, work, index, value)


def instance(game: Game, whole: Work, index: int, value: object) -> None:
    multi = whole.node.multi
    own: dict[str, object] = {"loopCounter": index}
    if multi is not None and multi.collection:
        own[multi.variable] = value
    data = Data(whole.data, own, only=multi is None)
    work = Work(whole.place, whole.node, f"{whole.name}[{index}]", data, whole, index)
    whole.instances.append(work)
    if multi is not None and multi.into:
        game.data.own[multi.into].append(own)
    game.note(whole.place, whole.node.id, "entered")
    if whole.node.kind == "receiveTask":
        events.receive(game, work)
    game.ready.append(lambda: activities.body(game, work) if work.alive else None)


def next_instance(game: Game, whole: Work, last: Work) -> None:
    """After an instance: more of them, or the whole has ended."""
    multi, loop = whole.node.multi, whole.node.loop
    if loop is not None:
        again = loop.condition.true(last.data.view()) and (not loop.maximum or whole.finished < loop.maximum)
        if again:
            number = whole.finished
            game.ready.append(lambda: instance(game, whole, number, None) if whole.alive else None)
        else:
            activities.complete_soon(game, whole)
        return
    assert multi is not None
    counts = {
        "nrOfInstances": len(whole.values),
        "nrOfCompletedInstances": whole.finished,
        "nrOfActiveInstances": len(whole.instances),
    }
    enough = multi.completion is not None and multi.completion.true({**last.data.view(), **counts})
    if enough:
        for inner in list(whole.instances):
            activities.abort(game, inner)
        activities.complete_soon(game, whole)
    elif multi.sequential and whole.finished < len(whole.values):
        instance(game, whole, whole.finished, whole.values[whole.finished])
    elif not whole.instances:
        activities.complete_soon(game, whole)
