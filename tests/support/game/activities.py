"""What an element does when its token's turn has come, and how activities and places end (BPMN 13.3, 13.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import events, instances, joins, throwing, undoing
from .diagram import ACTIVITIES, Node
from .state import Done, Place, Work

if TYPE_CHECKING:
    from .play import Game


def entered(game: Game, work: Work) -> None:
    """From the moment a token has reached an element its events can happen."""
    node = work.node
    if node.kind in ACTIVITIES:
        events.attach(game, work)
    if node.kind == "intermediateCatchEvent" and node.event.kind != "link":
        events.catch(game, work)
    elif node.kind == "receiveTask" and node.multi is None and node.loop is None:
        events.receive(game, work)


def act(game: Game, work: Work) -> None:
    """Carries out the element of a token that has reached it."""
    if not work.alive:
        return
    node = work.node
    if node.event.kind == "signal" and node.kind in ("endEvent", "intermediateThrowEvent"):
        game.signals.append(lambda: announced(game, work) if work.alive else None)
    elif node.kind in ACTIVITIES:
        begin_activity(game, work)
    elif node.kind == "endEvent":
        end(game, work)
    elif node.kind == "intermediateThrowEvent":
        throw(game, work)
    elif node.kind == "eventBasedGateway":
        events.race(game, work)
    elif node.kind != "intermediateCatchEvent" or node.event.kind == "link":
        leave(game, work)


def leave(game: Game, work: Work) -> None:
    """The token goes on by the outgoing flows; without any it is used up."""
    game.note(work.place, work.node.id, "left")
    game.gone(work)
    if work.after is None:
        game.depart(work.place, work.node)
    end_if_empty(game, work.place)


# -- activities ------------------------------------------------------------------------------------------------------
def begin_activity(game: Game, work: Work) -> None:
    node = work.node
    if node.multi is not None:
        instances.begin_instances(game, work)
    elif node.loop is not None:
        if node.loop.before and not node.loop.condition.true(work.data.view()):
            complete(game, work)
        else:
            instances.instance(game, work, 0, None)
    else:
        body(game, work)


def body(game: Game, work: Work) -> None:
    """The activity itself: once, or one instance of it."""
    node = work.node
    if node.kind == "userTask":
        work.open = True
        game.tasks[work.name] = work
    elif node.kind == "receiveTask":
        pass  # has waited for its message since the token came
    elif node.kind in ("subProcess", "transaction", "callActivity"):
        graph = game.diagram.processes[node.called] if node.called else node.body
        assert graph is not None
        work.inside = Place(graph, f"{work.name}/", work.data, work)
        open_place(game, work.inside, graph.entries())
    else:
        if node.kind == "sendTask":
            throwing.throw_message(game, node.event.name)
            if not work.alive:
                return
        if node.script is not None:
            game.write(work.data, node.variable, node.script.value(work.data.view()))
        complete(game, work)


def open_place(game: Game, place: Place, entries: list[Node]) -> None:
    """A place opens: its event sub-processes wait from now on, its entries get a token."""
    game.places.append(place)
    events.watch_starts(game, place)
    for node in entries:
        game.arrive(place, node)
    end_if_empty(game, place)


def complete(game: Game, work: Work) -> None:
    """An activity, or one instance of it, has ended as it should."""
    game.note(work.place, work.node.id, "left")
    remember(work)
    game.gone(work)
    if work.whole is not None:
        work.data.over = True
        work.whole.finished += 1
        instances.next_instance(game, work.whole, work)
    elif work.after is not None:
        work.after()
    else:
        game.depart(work.place, work.node)
        end_if_empty(game, work.place)


def complete_soon(game: Game, work: Work) -> None:
    """What is inside has ended; the activity ends when its turn comes, unless it is interrupted before."""
    game.ready.append(lambda: complete(game, work) if work.alive else None)


def remember(work: Work) -> None:
    """What has been done can be undone, if somebody drew how."""
    inner = work.inside.done if work.inside is not None else []
    repeated = work.node.multi is not None or work.node.loop is not None
    if work.after is not None or (repeated and work.whole is None):
        return
    if work.node.handler or inner or work.node.undone_inside is not None:
        work.place.done.append(Done(work.node, work.place, work.data, inner))


def end_if_empty(game: Game, place: Place) -> None:
    """BPMN 13.5.? : a place without tokens has ended, and with it the activity it is the inside of."""
    if not place.alive or not place.empty:
        return
    close_place(game, place)
    owner = place.owner
    if owner is None:
        if place.prefix:
            pool = place.scope.split("#")[0]
            game.ready.append(lambda: game.trail.append(("", pool, "left")))
    else:
        complete_soon(game, owner)


def finish(game: Game, place: Place) -> None:
    """Ends a place with all that is in it."""
    if place.alive:
        empty(game, place)
        close_place(game, place)


def close_place(game: Game, place: Place) -> None:
    place.alive = False
    events.forget(game, place.watches)
    if place in game.places:
        game.places.remove(place)


# -- ends and throws -------------------------------------------------------------------------------------------------
def end(game: Game, work: Work) -> None:
    place, event = work.place, work.node.event
    if event.kind == "terminate":
        empty(game, place, work)
        leave(game, work)
    elif event.kind == "error":
        # Whoever catches it interrupts: the token is taken away with all else.
        if not throwing.throw_error(game, place, event.name, work.node.id):
            empty(game, place, work)
            leave(game, work)
    elif event.kind == "cancel":
        undoing.cancel(game, work)
    elif event.kind == "compensate":
        undoing.throw(game, work)
    else:
        announced(game, work)


def throw(game: Game, work: Work) -> None:
    event = work.node.event
    if event.kind == "link":
        game.note(work.place, work.node.id, "left")
        game.gone(work)
        game.arrive(work.place, joins.link_target(work.place.graph, work.node))
    elif event.kind == "compensate":
        undoing.throw(game, work)
    else:
        announced(game, work)


def announced(game: Game, work: Work) -> None:
    """Throws, and goes on if that did not take the token away."""
    announce(game, work)
    if work.alive:
        leave(game, work)


def announce(game: Game, work: Work) -> None:
    event = work.node.event
    if event.kind == "message":
        throwing.throw_message(game, event.name)
    elif event.kind == "signal":
        throwing.throw_signal(game, event.name)
    elif event.kind == "escalation":
        throwing.escalate(game, work.place, event.name)


def empty(game: Game, place: Place, but: Work | None = None) -> None:
    """Takes every token out of a place, and what waits in it for events."""
    events.forget(game, place.watches)
    for work in [w for w in place.works if w is not but]:
        abort(game, work)
    for flow, tokens in place.parked.items():
        for _ in tokens:
            game.note(place, place.graph.flows[flow].target, "cancelled")
    place.parked.clear()


def abort(game: Game, work: Work) -> None:
    """The token is taken away, with all that is inside."""
    if not work.alive:
        return
    if work.node.kind == "eventBasedGateway":
        for watch in work.watches:
            game.note(work.place, watch.node.id, "cancelled")
    game.gone(work)
    for inner in list(work.instances):
        abort(game, inner)
    if work.inside is not None:
        finish(game, work.inside)
    game.note(work.place, work.node.id, "cancelled")
