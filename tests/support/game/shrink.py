"""A smaller diagram that still shows the difference: elements are taken out as long as it does."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator

from .diagram import ACTIVITIES, Diagram, Event, Flow, Graph, Node


def shrunk(diagram: Diagram, fails: Callable[[Diagram], bool], budget: int = 250) -> Diagram:
    """`diagram` made smaller by at most `budget` trials; `fails` says whether one still fails."""
    done = 0
    for _ in range(budget):
        found = list(changes(diagram))
        if done >= len(found):
            return diagram
        trial = copy.deepcopy(diagram)
        found[done](trial)
        tidy(trial)
        if fails(trial):
            diagram = trial  # what stood behind the change has moved up
        else:
            done += 1
    return diagram


Change = Callable[[Diagram], None]


def graphs(diagram: Diagram) -> Iterator[Graph]:
    for graph in diagram.processes.values():
        yield graph
        for _, node in graph.walk():
            if node.body is not None:
                yield node.body


def changes(diagram: Diagram) -> Iterator[Change]:
    for number, graph in enumerate(graphs(diagram)):
        for ident, node in graph.nodes.items():
            yield from of_node(number, ident, node)
        for ident, flow in graph.flows.items():
            if len(graph.out_of(flow.source)) > 1:
                yield without_flow(number, ident)


def of_node(number: int, ident: str, node: Node) -> Iterator[Change]:
    def at(change: Callable[[Graph, Node], None]) -> Change:
        def done(d: Diagram) -> None:
            graph = list(graphs(d))[number]
            change(graph, graph.nodes[ident])

        return done

    if node.kind == "boundaryEvent" or node.triggered:
        yield at(remove)
    elif node.kind not in ("startEvent", "endEvent"):
        yield at(bypass)
        if node.kind in ACTIVITIES:
            yield at(plain)
            if node.kind != "task":
                yield at(lambda graph, node: simple(graph, node))
    elif node.kind == "endEvent" and node.event.kind != "none":
        yield at(lambda graph, node: setattr(node, "event", Event()))


def remove(graph: Graph, node: Node) -> None:
    del graph.nodes[node.id]
    for flow in [*graph.into(node.id), *graph.out_of(node.id)]:
        del graph.flows[flow.id]


def bypass(graph: Graph, node: Node) -> None:
    out = graph.out_of(node.id)
    targets = [f.target for f in out if f.target != node.id]
    for flow in graph.into(node.id):
        if targets:
            flow.target = targets[0]
        else:
            del graph.flows[flow.id]
    for event in graph.boundary(node.id):
        remove(graph, event)
    if node.id in graph.nodes:
        remove(graph, node)


def plain(graph: Graph, node: Node) -> None:
    node.multi = node.loop = None
    node.handler = ""


def simple(graph: Graph, node: Node) -> None:
    node.kind, node.body, node.called, node.script, node.event = "task", None, "", None, Event()


def without_flow(number: int, ident: str) -> Change:
    def done(d: Diagram) -> None:
        del list(graphs(d))[number].flows[ident]

    return done


def tidy(diagram: Diagram) -> None:
    """Takes out what nothing leads to any more, and defaults that are gone."""
    for graph in graphs(diagram):
        while True:
            gone = [n for n in graph.nodes.values() if lost(graph, n)]
            for node in gone:
                if node.id in graph.nodes:
                    remove(graph, node)
            if not gone:
                break
        for node in graph.nodes.values():
            if node.default not in graph.flows:
                node.default = ""
            if node.handler not in graph.nodes:
                node.handler = ""
    called = {node.called for _, node in diagram.walk()}
    for name in [n for n in diagram.processes if n != "p" and n not in called and n not in diagram.pools]:
        del diagram.processes[name]


def lost(graph: Graph, node: Node) -> bool:
    if node.kind == "boundaryEvent":
        return node.attached_to not in graph.nodes
    if node.undoes:
        return node.id not in {n.handler for n in graph.nodes.values()}
    if node.kind == "startEvent" or node.triggered:
        return False
    if node.kind == "intermediateCatchEvent" and node.event.kind == "link":
        return not any(n.kind == "intermediateThrowEvent" and n.event == node.event for n in graph.nodes.values())
    starts = any(n.kind == "startEvent" for n in graph.nodes.values())
    return starts and not graph.into(node.id)


def told(diagram: Diagram) -> str:
    """The diagram in a few lines, for people."""
    lines = [f"data {diagram.data} pools {diagram.pools}"]
    for name, graph in diagram.processes.items():
        lines.append(f"process {name}")
        lines += lines_of(graph, "  ")
    return "\n".join(lines)


def lines_of(graph: Graph, indent: str) -> list[str]:
    lines = []
    for node in graph.nodes.values():
        words = [node.id, node.kind]
        event = node.event
        if event.kind != "none":
            words.append(
                f"<{event.kind} {event.name}{event.timer.text if event.timer else ''}"
                f"{event.condition.text if event.condition else ''}{event.activity}>"
            )
        if node.attached_to:
            words.append(f"on {node.attached_to}")
        if not node.interrupting:
            words.append("non-interrupting")
        if node.multi:
            words.append(
                f"multi {'seq' if node.multi.sequential else 'par'} {node.multi.collection or node.multi.cardinality}"
                f" until {node.multi.completion.text if node.multi.completion else '-'} into {node.multi.into}"
            )
        if node.loop:
            words.append(f"loop {node.loop.condition.text} before={node.loop.before} max={node.loop.maximum}")
        if node.script:
            words.append(f"{node.variable} := {node.script.text}")
        words += [f"handler={node.handler}"] if node.handler else []
        words += ["undoes"] if node.undoes else []
        words += [f"calls {node.called}"] if node.called else []
        words += ["triggered"] if node.triggered else []
        out = " ".join(arrow(f, node) for f in graph.out_of(node.id))
        lines.append(f"{indent}{' '.join(words)} {out}")
        if node.body is not None:
            lines += lines_of(node.body, indent + "    ")
    return lines


def arrow(flow: Flow, node: Node) -> str:
    mark = "/" if flow.id == node.default else ""
    return f"-{flow.id}{mark}{'[' + flow.condition.text + ']' if flow.condition else ''}-> {flow.target}"
