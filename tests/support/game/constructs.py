"""What of BPMN a diagram holds, by element: for the count of what the random diagrams have put to the test."""

from __future__ import annotations

from .diagram import ACTIVITIES, Diagram, Graph, Node

PLAIN = {
    "task": "task", "manualTask": "manual task", "userTask": "user task", "scriptTask": "script task",
    "receiveTask": "receive task", "sendTask": "send task", "subProcess": "sub-process", "transaction": "transaction",
    "callActivity": "call activity", "exclusiveGateway": "exclusive gateway", "parallelGateway": "parallel gateway",
    "inclusiveGateway": "inclusive gateway", "complexGateway": "complex join",
    "eventBasedGateway": "event-based gateway",
}  # fmt: skip


def of_diagram(diagram: Diagram) -> dict[str, set[str]]:
    """Element id -> its constructs."""
    found = {node.id: of_node(graph, node) for graph, node in diagram.walk()}
    for _, node in diagram.walk():
        if node.handler:
            found[node.handler].add("compensation handler")
        if node.undone_inside:
            found[node.id].add("sub-process undone by its event sub-process")
        if node.body is not None and not any(n.kind == "startEvent" for n in node.body.nodes.values()):
            found[node.id].add("sub-process without start event")
    for pool in diagram.pools:
        for node in diagram.processes[pool].nodes.values():
            if node.kind == "startEvent":
                found[node.id].add(f"pool started by {node.event.kind}")
    return found


def of_node(graph: Graph, node: Node) -> set[str]:
    found = {PLAIN[node.kind]} if node.kind in PLAIN and not node.triggered else set()
    event = node.event
    how = "interrupting" if node.interrupting else "non-interrupting"
    into, out = graph.into(node.id), graph.out_of(node.id)
    if node.kind == "boundaryEvent":
        found.add(f"boundary {event.kind} {how}")
    elif node.triggered:
        assert node.body is not None
        start = next(n for n in node.body.nodes.values() if n.kind == "startEvent")
        how = "interrupting" if start.interrupting else "non-interrupting"
        found.add(f"event sub-process {start.event.kind} {how}")
        found |= timers(start)
    elif node.kind in ("intermediateThrowEvent", "intermediateCatchEvent", "endEvent"):
        found.add(
            {"intermediateT": "throw", "intermediateC": "catch", "endEvent": "end"}[node.kind[:13]] + f" {event.kind}"
        )
        if event.activity:
            found.add("throw compensate one activity")
    found |= timers(node)
    if node.kind in ("parallelGateway", "inclusiveGateway") and len(into) > 1:
        found.add(f"{node.kind[:-7]} join")
    if node.kind in ACTIVITIES and len(into) > 1:
        found.add("implicit merge")
    if node.kind in ACTIVITIES and len(out) > 1:
        found.add("implicit split" + (" with conditions" if any(f.condition for f in out) else ""))
    return found | repeated(node)


def timers(node: Node) -> set[str]:
    timer = node.event.timer
    if timer is None:
        return set()
    fixed = " with start" if timer.kind == "cycle" and timer.start else " with end" if timer.end else ""
    return {f"timer {timer.kind}{fixed}"}


def repeated(node: Node) -> set[str]:
    found = set()
    if node.multi is not None:
        found.add(f"multi-instance {'sequential' if node.multi.sequential else 'parallel'}")
        found.add("multi-instance over a " + ("collection" if node.multi.collection else "cardinality"))
        if node.multi.completion is not None:
            found.add("multi-instance completion condition")
        if node.multi.into:
            found.add("multi-instance collecting")
    if node.loop is not None:
        found.add(f"standard loop, tested {'before' if node.loop.before else 'after'}")
        if node.loop.maximum:
            found.add("standard loop with a maximum")
    return found
