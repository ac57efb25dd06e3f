"""Joins: BPMN 13.4.1 parallel, 13.4.3 inclusive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .diagram import Flow, Graph, Node
from .state import Place

if TYPE_CHECKING:
    from .play import Game


def try_parallel(game: Game, place: Place, node: Node) -> None:
    """One token on each incoming flow is taken; what is over stays."""
    if all(place.parked.get(f.id) for f in place.graph.into(node.id)):
        activate(game, place, node)


def activate(game: Game, place: Place, node: Node) -> None:
    for flow in place.graph.into(node.id):
        if place.parked.get(flow.id):
            place.parked[flow.id].pop(0)
    game.enter(place, node)


def fire_one(game: Game) -> bool:
    """Lets the first inclusive join that may fire do so. Requires that nothing else can move."""
    for place in game.places:
        for node in place.graph.nodes.values():
            if node.kind == "inclusiveGateway" and enabled(place, node):
                activate(game, place, node)
                return True
    return False


def enabled(place: Place, join: Node) -> bool:
    """13.4.3: there is a token on some incoming flow, and each token from which a path leads to an empty incoming
    flow without visiting the join also has such a path to one that is not empty."""
    incoming = place.graph.into(join.id)
    full = {f.id for f in incoming if place.parked.get(f.id)}
    if len(incoming) < 2 or not full:
        return False
    empty = {f.id for f in incoming} - full
    for first in token_flows(place):
        reached = reachable(place.graph, first, join.id)
        if reached & empty and not reached & full:
            return False
    return True


def token_flows(place: Place) -> list[list[Flow]]:
    """For each token of the place the flows on which its way begins: the one it stands on, or all that leave the
    element it is in, its boundary events included."""
    found = [[flow] for flows in place.parked.values() for flow in flows]
    for work in place.works:
        found.append(onward(place.graph, work.node))
    return found


def onward(graph: Graph, node: Node) -> list[Flow]:
    flows = list(graph.out_of(node.id))
    for event in graph.boundary(node.id):
        flows += graph.out_of(event.id)
    if node.event.kind == "link" and node.kind == "intermediateThrowEvent":
        flows += graph.out_of(link_target(graph, node).id)
    return flows


def link_target(graph: Graph, throw: Node) -> Node:
    return next(
        n
        for n in graph.nodes.values()
        if n.kind == "intermediateCatchEvent" and n.event.kind == "link" and n.event.name == throw.event.name
    )


def reachable(graph: Graph, first: list[Flow], join: str) -> set[str]:
    """Ids of the flows on paths that begin with `first` and do not pass through the join."""
    seen: set[str] = set()
    todo = list(first)
    while todo:
        flow = todo.pop()
        if flow.id in seen:
            continue
        seen.add(flow.id)
        if flow.target != join:
            todo += onward(graph, graph.nodes[flow.target])
    return seen
