"""Events: who waits for what, and where it goes when it comes (BPMN 10.5, 13.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import activities
from .diagram import Node
from .state import Data, Incident, Place, Watch, Work
from .timers import instants

if TYPE_CHECKING:
    from collections.abc import Callable

    from .play import Game

LOOKED_UP = frozenset(("error", "escalation", "compensate", "cancel"))
"""Not waited for: who throws one looks for who catches it."""


# -- waiting ---------------------------------------------------------------------------------------------------------
def wait(
    game: Game, node: Node, name: str, place: Place, data: Data, fire: Callable[[Watch], None], held: list[Watch]
) -> None:
    """The event is waited for from now on. A message that was kept comes at once, as does a condition that holds."""
    watch = Watch(node, name, place.scope, data, fire)
    held.append(watch)
    game.watches.append(watch)
    if node.event.kind == "timer":
        arm(game, watch)
    elif node.event.kind == "message" and node.event.name in game.kept:
        game.kept.remove(node.event.name)
        game.woken.append(watch)
    elif node.event.kind == "conditional":
        game.changed = True


def arm(game: Game, watch: Watch) -> None:
    assert watch.node.event.timer is not None
    watch.later = instants(watch.node.event.timer, game.at)
    if watch.later:
        watch.due = watch.later.pop(0)
    elif watch.node.interrupting:
        raise Incident(watch.node.id, "no instant left")


def forget(game: Game, watches: list[Watch]) -> None:
    for watch in watches:
        watch.alive = False
        if watch in game.watches:
            game.watches.remove(watch)
    watches.clear()


def waiting(game: Game, kind: str, name: str) -> list[Watch]:
    """Who waits for a message or signal, the longest wait first."""
    return [w for w in game.watches if w.node.event.kind == kind and w.node.event.name == name]


def fire(game: Game, watch: Watch) -> None:
    """The event comes. What does not interrupt waits for the next one."""
    if not watch.alive:
        return
    watch.due = None
    if watch.later:
        watch.due, *watch.later = watch.later
    watch.fire(watch)


def settle(game: Game) -> bool:
    """After each step: kept messages are handed over, and when data has changed the conditions are looked at. True
    when something happened. A condition takes effect when it has become true since it was last looked at."""
    if game.woken:
        fire(game, game.woken.pop(0))
        return True
    if not game.changed:
        return False
    game.changed = False
    happened = False
    for watch in [w for w in game.watches if w.node.event.kind == "conditional"]:
        if not watch.alive:
            continue
        assert watch.node.event.condition is not None
        held, watch.held = watch.held, watch.node.event.condition.true(watch.data.view())
        if watch.held and not held:
            fire(game, watch)
            happened = True
    return happened


# -- catching in the flow --------------------------------------------------------------------------------------------
def catch(game: Game, work: Work) -> None:
    wait(game, work.node, work.name, work.place, work.data, lambda _: came(game, work, activities.leave), work.watches)


def came(game: Game, work: Work, then: Callable[[Game, Work], None]) -> None:
    """What was waited for is there; the token goes on when its turn comes."""
    forget(game, work.watches)
    game.ready.append(lambda: then(game, work) if work.alive else None)


def receive(game: Game, work: Work) -> None:
    wait(
        game, work.node, work.name, work.place, work.data, lambda _: came(game, work, activities.complete), work.watches
    )


def race(game: Game, work: Work) -> None:
    """Event-based gateway: all its events are waited for, the first takes the token."""
    for flow in work.place.graph.out_of(work.node.id):
        node = work.place.graph.nodes[flow.target]
        place = work.place
        place.visits[node.id] += 1
        game.note(place, node.id, "entered")
        name = f"{place.prefix}{node.id}#{place.visits[node.id]}"
        wait(game, node, name, place, work.data, lambda watch: won(game, work, watch), work.watches)


def won(game: Game, work: Work, watch: Watch) -> None:
    place = work.place
    for other in work.watches:
        if other is not watch:
            game.note(place, other.node.id, "cancelled")
    game.note(place, work.node.id, "left")
    flow = next(f for f in place.graph.out_of(work.node.id) if f.target == watch.node.id)
    game.note(place, flow.id, "taken")
    game.gone(work)
    token = Work(place, watch.node, watch.name, work.data)
    place.works.append(token)
    game.ready.append(lambda: activities.leave(game, token) if token.alive else None)


# -- boundary events -------------------------------------------------------------------------------------------------
def attach(game: Game, work: Work) -> None:
    """The boundary events of an activity wait while it is active."""
    place = work.place
    for node in place.graph.boundary(work.node.id):
        place.visits[node.id] += 1
        if node.event.kind not in LOOKED_UP:
            name = f"{place.prefix}{node.id}#{place.visits[node.id]}"
            wait(game, node, name, place, work.data, lambda watch: cross(game, work, watch.node), work.watches)


def cross(game: Game, work: Work, node: Node) -> None:
    """A boundary event takes effect: the activity ends if it interrupts, a token begins at the event."""
    place = work.place
    if not node.interrupting:
        place.visits[node.id] += 1
    token = Work(place, node, f"{place.prefix}{node.id}#{place.visits[node.id]}", place.data)
    place.works.append(token)
    game.note(place, node.id, "entered")
    if node.interrupting:
        activities.abort(game, work)
    game.ready.append(lambda: activities.leave(game, token) if token.alive else None)


# -- event sub-processes ---------------------------------------------------------------------------------------------
def watch_starts(game: Game, place: Place) -> None:
    for node in place.graph.event_subprocesses():
        start = start_of(node)
        if start.event.kind not in LOOKED_UP:
            place.visits[start.id] += 1
            name = f"{place.prefix}{start.id}#{place.visits[start.id]}"
            wait(game, start, name, place, place.data, starter(game, place, node), place.watches)


def starter(game: Game, place: Place, node: Node) -> Callable[[Watch], None]:
    return lambda _: start_handler(game, place, node)


def start_of(node: Node) -> Node:
    assert node.body is not None
    return next(n for n in node.body.nodes.values() if n.kind == "startEvent")


def start_handler(game: Game, place: Place, node: Node) -> None:
    """An event sub-process begins; an interrupting one takes everything else out of its place."""
    start = start_of(node)
    place.visits[node.id] += 1
    work = Work(place, node, f"{place.prefix}{node.id}#{place.visits[node.id]}", place.data)
    place.works.append(work)
    if start.interrupting:
        place.interrupted = True
        activities.empty(game, place, work)
    game.note(place, node.id, "entered")
    assert node.body is not None
    work.inside = Place(node.body, f"{work.name}/", work.data, work)
    inside = work.inside
    game.ready.append(lambda: activities.open_place(game, inside, [start]) if work.alive else None)
