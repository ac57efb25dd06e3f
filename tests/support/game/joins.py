"""Joins: BPMN 13.4.1 parallel, 13.4.3 inclusive, 13.4.5 complex."""

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
    take(place, {f.id for f in place.graph.into(node.id)})
    game.enter(place, node)


def take(place: Place, flows: set[str]) -> set[str]:
    """Takes one token from each of the flows that has one; those flows."""
    full = {f for f in flows if place.parked.get(f)}
    for flow in full:
        place.parked[flow].pop(0)
    return full


def try_complex(game: Game, place: Place, node: Node) -> None:
    """13.4.5, waiting for start: as soon as its condition holds the join takes one token of each flow that has one, and
    expects those of the other flows from then on."""
    if node.id in place.resets:
        return
    flows = {f.id for f in place.graph.into(node.id)}
    count = sum(len(place.parked.get(f, ())) for f in flows)
    assert node.activation is not None
    if count and node.activation.true({**place.data.view(), "activationCount": count}):
        place.resets[node.id] = flows - take(place, flows)
        game.enter(place, node)


def reset(game: Game, place: Place, node: Node) -> bool:
    """13.4.5, waiting for reset: when each flow still expected has a token or can get none any more, these are taken
    and go nowhere, and the join begins anew."""
    expected = place.resets.get(node.id)
    if expected is None or awaited(place, node, expected):
        return False
    del place.resets[node.id]
    if take(place, expected):
        game.enter(place, node).after = lambda: None
    try_complex(game, place, node)
    return True


def awaited(place: Place, node: Node, flows: set[str]) -> bool:
    """Whether some token can still come to one of the flows that has none."""
    empty = {f for f in flows if not place.parked.get(f)}
    return any(reachable(place.graph, first, node.id) & empty for first in token_flows(place))


def fire_one(game: Game) -> bool:
    """Lets the first inclusive or complex join that may fire do so. Requires that nothing else can move."""
    for place in game.places:
        for node in place.graph.nodes.values():
            if node.kind == "complexGateway" and reset(game, place, node):
                return True
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
