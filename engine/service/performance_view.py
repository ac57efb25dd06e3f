"""The performance view: figures of cases, put on the diagram of one process of one bundle version."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from engine.definitions.bundle import Bundle
from engine.definitions.model import Node, Process
from engine.readmodels import performance
from engine.readmodels.chosen import Choice, count
from engine.readmodels.performance import LimitFigures, Passed, Spread, Took

TASK_KINDS: Final = frozenset({"userTask", "manualTask"})
LEVELS: Final = 5
"""Heat levels on the diagram: 1 the least, 5 the most."""
COLOURS: Final = ("waited", "worked", "times")
"""What the heat may show."""


@dataclass(frozen=True, slots=True)
class Row:
    """One element. `times`: how often entered; `cancelled`: of them cut short; `took` of finished tasks, else None."""

    element: str
    label: str
    kind: str
    times: int
    cancelled: int
    took: Took | None

    @property
    def done(self) -> int:
        return 0 if self.took is None else self.took.done

    @property
    def waited(self) -> Spread | None:
        return None if self.took is None else self.took.waited

    @property
    def worked(self) -> Spread | None:
        return None if self.took is None else self.took.worked


@dataclass(frozen=True, slots=True)
class FlowRow:
    """One sequence flow, from element to element, and how often it was taken."""

    flow: str
    label: str
    source: str
    target: str
    times: int


@dataclass(frozen=True, slots=True)
class View:
    """`cases`: how many were chosen. `rows` and `flows` hold what was passed; `heat`: element or flow -> 1..LEVELS.

    `processes`: (id, name) of every process of the version that any case has been in, or all when none has.
    """

    version: str
    process: str
    name: str
    xml: str
    cases: int
    rows: tuple[Row, ...]
    flows: tuple[FlowRow, ...]
    limits: tuple[LimitFigures, ...]
    processes: tuple[tuple[str, str], ...]
    heat: Mapping[str, int]


class NoProcess(LookupError):
    """There is no such version, or no such process in it."""


def view(
    services: Any,
    choice: Choice,
    *,
    process: str = "",
    version: str = "",
    only: bool = False,
    colour: str = "waited",
) -> View:
    """The figures of `choice` on `process` of bundle `version` (the live one if ""). Raises NoProcess.

    Cases of other versions count where they passed an element of the same id in the same process, unless `only`.
    `choice.since`, `choice.until` are beginnings of months.
    """
    try:
        bundle: Bundle = services.deployments.bundle(version)
    except KeyError:
        raise NoProcess(version) from None
    places = Places(bundle)
    with services.engine.connect() as conn:
        cases = count(conn, choice)
        passed = performance.passed(conn, choice, bundle.version if only else "")
        been = {name for root, path, _ in passed if (name := places.process(root, path))}
        shown = process or _first(bundle, been)
        if shown not in bundle.processes:
            raise NoProcess(shown)
        here = _merged(passed, lambda root, path: places.process(root, path) == shown)
        took = performance.took(
            conn, choice, bundle.version if only else "", lambda root, path: places.process(root, path) == shown
        )
        limits = performance.broken_limits(conn, choice, bundle.version if only else "")
    drawn = bundle.processes[shown]
    rows = _rows(drawn, here, took)
    flows = _flows(drawn, here)
    return View(
        bundle.version,
        shown,
        drawn.name or drawn.id,
        bundle.files[drawn.file].decode("utf-8-sig"),
        cases,
        rows,
        flows,
        limits,
        tuple((one.id, one.name or one.id) for one in bundle.processes.values() if one.id in been or not been),
        heat(rows, colour) | _thickness(flows),
    )


class Places:
    """Which process a path of calls leads into, on one bundle."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._known: dict[tuple[str, str], str] = {}

    def process(self, root: str, path: str) -> str:
        """The process drawn at `path` below the opened process `root`; "" where this version has no such path."""
        key = (root, path)
        if key not in self._known:
            self._known[key] = self._find(root, path)
        return self._known[key]

    def _find(self, root: str, path: str) -> str:
        process = self._bundle.processes.get(root)
        bodies = [process] if process is not None else []
        for step in path.split("/") if path else ():
            node = next((body.nodes[step] for body in reversed(bodies) if step in body.nodes), None)
            if node is not None and node.body is not None:
                bodies.append(node.body)
                continue
            process = self._bundle.processes.get(step if node is None else node.called)
            if process is None:
                return ""
            bodies = [process]
        return process.id if process is not None else ""


def heat(rows: tuple[Row, ...], colour: str) -> dict[str, int]:
    """Element -> level by its median (or by how often), as a share of the highest of the diagram."""
    values = {row.element: value for row in rows if (value := _heat_of(row, colour))}
    most = max(values.values(), default=0)
    return {element: -(-value * LEVELS // most) for element, value in values.items()}


def _heat_of(row: Row, colour: str) -> int:
    if colour == "times":
        return row.times
    one = row.waited if colour == "waited" else row.worked
    return 0 if one is None else one.median


def _thickness(flows: tuple[FlowRow, ...]) -> dict[str, int]:
    most = max((flow.times for flow in flows), default=0)
    return {flow.flow: -(-flow.times * LEVELS // most) for flow in flows}


def _first(bundle: Bundle, been: set[str]) -> str:
    return next((one for one in bundle.processes if one in been), next(iter(bundle.processes), ""))


def _merged(passed: Mapping[performance.Place, Passed], here: Callable[[str, str], bool]) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for (root, path, element), one in passed.items():
        if here(root, path):
            times, cancelled = found.get(element, (0, 0))
            found[element] = (times + one.times, cancelled + one.cancelled)
    return found


def nodes(process: Process) -> dict[str, Node]:
    """Every node drawn in a process by the id it has in the drawing, those of embedded sub-processes too."""
    found: dict[str, Node] = {}
    for node in process.nodes.values():
        found.setdefault(node.drawn or node.id, node)
        if node.body is not None:
            found |= nodes(node.body)
    return found


def _rows(process: Process, here: Mapping[str, tuple[int, int]], took: Mapping[str, Took]) -> tuple[Row, ...]:
    found = []
    for element, node in nodes(process).items():
        times, cancelled = here.get(element, (0, 0))
        if times or element in took:
            found.append(Row(element, node.name or element, node.kind, times, cancelled, took.get(element)))
    return tuple(found)


def _flows(process: Process, here: Mapping[str, tuple[int, int]]) -> tuple[FlowRow, ...]:
    known = nodes(process)
    found = []
    for flow in _all_flows(process):
        times = here.get(flow.id, (0, 0))[0]
        if times:
            ends = [known[end].name or end if end in known else end for end in (flow.source, flow.target)]
            found.append(FlowRow(flow.id, flow.name, ends[0], ends[1], times))
    return tuple(sorted(found, key=lambda flow: -flow.times))


def _all_flows(process: Process) -> list[Any]:
    found = list(process.flows.values())
    for node in process.nodes.values():
        if node.body is not None:
            found += _all_flows(node.body)
    return found
