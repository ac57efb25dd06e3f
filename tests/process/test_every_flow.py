"""Together the roads of `test_paths` take every sequence flow and enter every element of all diagrams."""

import inspect
import re
from collections.abc import Callable, Iterable

from engine.definitions.bundle import Bundle
from tests.process import test_paths
from tests.support.walks import archived, graded
from tests.support.world import World

Place = tuple[str, str]
"""A process and an element or flow of it."""

VISIT = re.compile(r"#\d+(\[\d+\])?$")


def roads() -> dict[str, Callable[[World], None]]:
    """Every test of `test_paths`, by name."""
    return dict(
        inspect.getmembers(test_paths, lambda one: inspect.isfunction(one) and one.__name__.startswith("test_"))
    )


def drawn(bundle: Bundle) -> tuple[set[Place], set[Place]]:
    """All flows and all elements of the bundle."""
    flows = {(process.id, flow) for process in bundle.processes.values() for flow in process.flows}
    return flows, {(process.id, node) for process in bundle.processes.values() for node in process.nodes}


def walked(world: World) -> tuple[set[Place], set[Place]]:
    """The flows taken and the elements entered by all cases of a world."""
    bundle = world.services.deployments.bundle()
    with world.services.journal.reading() as tx:
        entries = [e for stream in tx.streams() if not stream.startswith("_") for e in tx.read(stream)]
    steps: Iterable[tuple[str, str, str]] = [
        step for entry in entries for event in entry.events if event["kind"] == "TokensMoved" for step in event["steps"]
    ]
    flows, elements = set(), set()
    for scope, element, action in steps:
        place = process_of(bundle, scope), element
        if action == "taken":
            flows.add(place)
        elif action == "entered":
            elements.add(place)
    return flows, elements


def process_of(bundle: Bundle, scope: str) -> str:
    """The process that a scope (`Call_case_round#1/Call_units#1[0]`) runs: calls followed from the case's own."""
    process = "opinion_case"
    for visit in filter(None, scope.split("/")):
        process = bundle.processes[process].nodes[VISIT.sub("", visit)].called
    return process


def test_every_flow_of_every_diagram_is_taken_by_some_road(tmp_path):
    taken: set[Place] = set()
    entered: set[Place] = set()
    for number, road in enumerate(roads().values()):
        world = World(tmp_path / str(number))
        road(world)
        flows, elements = walked(world)
        taken |= flows
        entered |= elements
        bundle = world.services.deployments.bundle()
        world.services.engine.dispose()

    flows, elements = drawn(bundle)
    assert len(bundle.processes) == 19
    assert sorted(flows - taken) == []
    assert sorted(elements - entered) == []
    assert taken <= flows
    assert entered <= elements


def test_a_flow_that_no_case_took_is_named(world):
    graded(world)
    archived(world)

    flows, _ = drawn(world.services.deployments.bundle())
    missing = flows - walked(world)[0]

    assert ("archive", "Flow_supplemented__to_check") in missing
    assert ("case_round", "Flow_major__no_statement") not in missing
