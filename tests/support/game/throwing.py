"""Who catches what is thrown (BPMN 10.5.1, 10.5.6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from . import events
from .diagram import Event, Node
from .state import Incident, Place, Work

if TYPE_CHECKING:
    from .play import Game


def catcher(place: Place, kind: str, code: str, own: Work | None) -> tuple[Place, Node, Work | None] | None:
    """Who catches an error or escalation: in each place outward first its event sub-processes, then the boundary of
    the activity it is the inside of. `own`: a task that throws; its own boundary is asked first."""

    here: Place | None = place
    asked, left = own, None
    while here is not None:
        if asked is not None and asked.after is None:
            # (A sub-process that is open again to be undone has no boundary events any more.)
            host = asked.whole or asked
            node = fitting(here.graph.boundary(host.node.id), kind, code, lambda n: n.event)
            if node is not None:
                return here, node, host
        if not here.interrupted:
            # A handler does not catch what it throws itself.
            able = [n for n in here.graph.event_subprocesses() if left is None or n is not left.node]
            node = fitting(able, kind, code, lambda n: events.start_of(n).event)
            if node is not None:
                return here, node, None
        asked = left = here.owner
        here = here.around
    return None


def fitting(nodes: list[Node], kind: str, code: str, event: Callable[[Node], Event]) -> Node | None:
    """The one that names the code, else one that catches any."""
    for wanted in (code, ""):
        for node in nodes:
            if event(node).kind == kind and event(node).name == wanted:
                return node
    return None


def throw_error(game: Game, place: Place, code: str, element: str, own: Work | None = None) -> bool:
    """False when nobody catches an error end event that is drawn in the process itself: the process ends (the
    project's choice). Anywhere else that is an incident."""
    found = catcher(place, "error", code, own)
    if found is None and place.owner is None and own is None:
        return False
    if found is None:
        raise Incident(element, "error uncaught")
    deliver(game, found)
    return True


def escalate(game: Game, place: Place, code: str, own: Work | None = None) -> None:
    """An escalation nobody catches is ignored."""
    found = catcher(place, "escalation", code, own)
    if found is not None:
        deliver(game, found)


def deliver(game: Game, found: tuple[Place, Node, Work | None]) -> None:
    place, node, host = found
    if host is not None:
        events.cross(game, host, node)
    else:
        events.start_handler(game, place, node)


def throw_signal(game: Game, name: str) -> None:
    """To all that wait for it, and to the pools that begin with it."""
    start_pools(game, "signal", name)
    for watch in events.waiting(game, "signal", name):
        events.fire(game, watch)


def throw_message(game: Game, name: str) -> None:
    """To the one who waits longest; else a pool that it starts; else kept until somebody waits for it."""
    found = events.waiting(game, "message", name)
    if found:
        events.fire(game, found[0])
        return
    if start_pools(game, "message", name):
        return
    if name in game.catchable:
        game.kept.append(name)


def start_pools(game: Game, kind: str, name: str) -> bool:
    """Starts the pools that begin with the event; False when there are none."""
    found = False
    for pool in game.diagram.pools:
        for node in game.diagram.processes[pool].nodes.values():
            if node.kind == "startEvent" and node.event.kind == kind and node.event.name == name:
                game.begin(pool, [node])
                found = True
    return found
