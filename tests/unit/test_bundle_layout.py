"""The shipped bundle as files: what Camunda Modeler and bpmn.io show, and that everything named in it exists."""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from engine.definitions import xml
from engine.definitions.bundle import Bundle, read_bundle
from engine.definitions.model import Node, Process
from engine.kernel.compile import compile_bundle
from engine.service.bundle_folder import from_folder

ROOT = Path(__file__).parents[2]
BPMN_FILES = sorted((ROOT / "bpmn").glob("*.bpmn"))
DMN_FILES = sorted((ROOT / "bpmn").glob("*.dmn"))
DC = "http://www.omg.org/spec/DD/20100524/DC"
DI = "http://www.omg.org/spec/DD/20100524/DI"
DMN = "https://www.omg.org/spec/DMN/20191111/MODEL/"
DMNDI = "https://www.omg.org/spec/DMN/20191111/DMNDI/"
CHINESE = re.compile("[\u4e00-\u9fff]")
CAMUNDA_ATTRIBUTES = {
    *("assignee", "candidateGroups", "candidateUsers", "collection", "decisionRef", "dueDate", "elementVariable"),
    *("formRef", "formRefBinding", "mapDecisionResult", "priority", "resultVariable", "topic", "type"),
}
"""Those of camunda-bpmn-moddle that the bundle uses; any other one would be a typing error that no modeler shows."""
CLAUSES = frozenset(f"R{number:02d}" for number in range(1, 75))
GATEWAYS_ASKING = ("exclusiveGateway", "inclusiveGateway")
TOLERANCE = 1.0
"""Pixels: modelers round coordinates."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    x: float
    y: float
    width: float
    height: float

    @property
    def centre(self) -> Point:
        return self.x + self.width / 2, self.y + self.height / 2

    def holds(self, other: Box) -> bool:
        return (
            self.x - TOLERANCE <= other.x
            and self.y - TOLERANCE <= other.y
            and other.x + other.width <= self.x + self.width + TOLERANCE
            and other.y + other.height <= self.y + self.height + TOLERANCE
        )

    def overlaps(self, other: Box) -> bool:
        return (
            self.x < other.x + other.width
            and other.x < self.x + self.width
            and self.y < other.y + other.height
            and other.y < self.y + self.height
        )

    def on_border(self, point: Point) -> bool:
        """On the outline; for round and rhombic shapes the middle of a side is on the box's outline as well."""
        x, y = point[0] - self.x, point[1] - self.y
        inside = -TOLERANCE <= x <= self.width + TOLERANCE and -TOLERANCE <= y <= self.height + TOLERANCE
        return inside and min(abs(x), abs(x - self.width), abs(y), abs(y - self.height)) <= TOLERANCE

    def crossed_by(self, start: Point, end: Point) -> bool:
        left, right = sorted((start[0], end[0]))
        top, bottom = sorted((start[1], end[1]))
        return self.overlaps(Box(left, top, right - left, bottom - top))


@dataclass
class Drawing:
    """One file: its process and where everything is drawn."""

    name: str
    root: etree._Element
    process: Process
    shapes: dict[str, Box] = field(default_factory=dict)
    labels: dict[str, Box] = field(default_factory=dict)
    edges: dict[str, list[Point]] = field(default_factory=dict)
    lanes: dict[str, set[str]] = field(default_factory=dict)
    pool: str = ""

    def nodes(self) -> Iterator[Node]:
        yield from self.process.nodes.values()


@cache
def bundle() -> Bundle:
    return read_bundle(from_folder(ROOT))


@cache
def regulation() -> dict[str, Any]:
    return tomllib.loads((ROOT / "bpmn" / "regulation.toml").read_text(encoding="utf-8"))


@cache
def drawing(path: Path) -> Drawing:
    root = xml.parse(path.read_bytes())
    (process,) = [p for p in bundle().processes.values() if p.file.endswith("/" + path.name)]
    drawn = Drawing(path.name, root, process)
    for shape in root.iter(f"{{{xml.BPMNDI}}}BPMNShape"):
        drawn.shapes[shape.get("bpmnElement", "")] = _box(shape.find(f"{{{DC}}}Bounds"))
        label = shape.find(f"{{{xml.BPMNDI}}}BPMNLabel/{{{DC}}}Bounds")
        if label is not None:
            drawn.labels[shape.get("bpmnElement", "")] = _box(label)
    for edge in root.iter(f"{{{xml.BPMNDI}}}BPMNEdge"):
        drawn.edges[edge.get("bpmnElement", "")] = [
            (float(p.get("x", "")), float(p.get("y", ""))) for p in edge.iterfind(f"{{{DI}}}waypoint")
        ]
        label = edge.find(f"{{{xml.BPMNDI}}}BPMNLabel/{{{DC}}}Bounds")
        if label is not None:
            drawn.labels[edge.get("bpmnElement", "")] = _box(label)
    for lane in root.iter(f"{{{xml.BPMN}}}lane"):
        drawn.lanes[lane.get("id", "")] = {
            (ref.text or "").strip() for ref in lane.iterfind(f"{{{xml.BPMN}}}flowNodeRef")
        }
    drawn.pool = next(root.iter(f"{{{xml.BPMN}}}participant")).get("id", "")
    return drawn


def _box(bounds: etree._Element | None) -> Box:
    assert bounds is not None
    return Box(*(float(bounds.get(name, "")) for name in ("x", "y", "width", "height")))


every_diagram = pytest.mark.parametrize("path", BPMN_FILES, ids=lambda p: p.stem)


def test_bundle_has_the_main_process_and_its_called_ones() -> None:
    assert len(BPMN_FILES) >= 15
    assert "opinion_case" in bundle().processes
    assert {path.stem for path in BPMN_FILES} == set(bundle().processes)


def test_bundle_is_read_and_compiled_without_a_finding() -> None:
    assert bundle().findings == []
    assert compile_bundle(bundle()).findings == []


@every_diagram
def test_every_node_is_drawn_inside_its_lane(path: Path) -> None:
    drawn = drawing(path)
    lane_of = {node: lane for lane, nodes in drawn.lanes.items() for node in nodes}

    for node in drawn.nodes():
        lane = drawn.shapes[lane_of[node.id]]
        box = drawn.shapes[node.id]
        assert lane.holds(box), f"{node.id} is not inside {lane_of[node.id]}"
    for lane_id in drawn.lanes:
        assert drawn.shapes[drawn.pool].holds(drawn.shapes[lane_id])
    assert sum(map(len, drawn.lanes.values())) == len(drawn.process.nodes), "a node stands in two lanes"


@every_diagram
def test_no_two_shapes_overlap(path: Path) -> None:
    drawn = drawing(path)
    nodes = {node.id: node for node in drawn.nodes()}

    for a, b in itertools.combinations(nodes.values(), 2):
        if a.attached_to != b.id and b.attached_to != a.id:
            assert not drawn.shapes[a.id].overlaps(drawn.shapes[b.id]), f"{a.id} overlaps {b.id}"
    for lane_a, lane_b in itertools.combinations(drawn.lanes, 2):
        assert not drawn.shapes[lane_a].overlaps(drawn.shapes[lane_b])


@every_diagram
def test_boundary_events_sit_on_the_border_of_their_activity(path: Path) -> None:
    drawn = drawing(path)

    for node in drawn.nodes():
        if node.attached_to:
            assert drawn.shapes[node.attached_to].on_border(drawn.shapes[node.id].centre), node.id


@every_diagram
def test_every_flow_runs_from_its_source_to_its_target_around_the_others(path: Path) -> None:
    drawn = drawing(path)

    for flow in drawn.process.flows.values():
        points = drawn.edges[flow.id]
        assert len(points) >= 2
        assert drawn.shapes[flow.source].on_border(points[0]), f"{flow.id} does not start on {flow.source}"
        assert drawn.shapes[flow.target].on_border(points[-1]), f"{flow.id} does not end on {flow.target}"
        for start, end in itertools.pairwise(points):
            assert start[0] == end[0] or start[1] == end[1], f"{flow.id} has a slanting piece"
            for node in drawn.nodes():
                if node.id not in (flow.source, flow.target):
                    assert not drawn.shapes[node.id].crossed_by(start, end), f"{flow.id} runs through {node.id}"


@every_diagram
def test_names_and_labels_are_chinese_and_legible(path: Path) -> None:
    drawn = drawing(path)

    assert CHINESE.search(drawn.process.name)
    for node in drawn.nodes():
        asks = node.kind in GATEWAYS_ASKING and len(node.outgoing) > 1
        if asks or node.kind not in ("parallelGateway", *GATEWAYS_ASKING):
            assert CHINESE.search(node.name), f"{node.id} has no Chinese name"
        if asks:
            for flow in node.outgoing:
                assert CHINESE.search(drawn.process.flows[flow].name), f"{flow} does not say when it is taken"
    for owner, label in drawn.labels.items():
        assert drawn.shapes[drawn.pool].holds(label), f"label of {owner} leaves the pool"
        for node in drawn.nodes():
            assert not drawn.shapes[node.id].overlaps(label), f"label of {owner} covers {node.id}"
    for (a, box), (b, other) in itertools.combinations(drawn.labels.items(), 2):
        assert not box.overlaps(other), f"labels of {a} and {b} overlap"


@every_diagram
def test_user_tasks_say_who_does_what_under_which_clause(path: Path) -> None:
    for node in drawing(path).nodes():
        if node.kind == "userTask":
            assert node.groups, f"{node.id} has no candidate groups"
            assert node.form in bundle().forms, f"{node.id}: form {node.form}"
            assert node.clauses, f"{node.id} names no clause"
        assert set(node.clauses) <= CLAUSES, f"{node.id}: {node.clauses}"


@every_diagram
def test_everything_named_in_a_diagram_exists(path: Path) -> None:
    for node in drawing(path).nodes():
        if node.called:
            assert node.called in bundle().processes, node.id
        if node.decision:
            assert bundle().has_decision(node.decision), node.id
        form = node.properties.get("form")
        if form is not None:
            assert form in bundle().forms, node.id
        if node.event.kind == "message":
            assert node.properties.get("action") and node.properties.get("role"), f"nobody can send {node.id}"


@every_diagram
def test_camunda_attributes_are_those_that_the_modeler_writes(path: Path) -> None:
    prefix = f"{{{xml.CAMUNDA}}}"
    for element in drawing(path).root.iter():
        for name in element.attrib:
            if isinstance(name, str) and name.startswith(prefix):
                assert name.removeprefix(prefix) in CAMUNDA_ATTRIBUTES, f"{element.get('id')}: {name}"
        if element.get(f"{prefix}formRef"):
            assert element.get(f"{prefix}formRefBinding") == "deployment", element.get("id")


@every_diagram
def test_every_node_leads_to_an_end(path: Path) -> None:
    process = drawing(path).process
    reach = {node.id for node in process.nodes.values() if node.kind == "endEvent"}
    grown = True
    while grown:
        more = {f.source for f in process.flows.values() if f.target in reach}
        more |= {
            node.attached_to
            for node in process.nodes.values()
            if node.id in reach and node.interrupting and node.attached_to
        }
        grown = not more <= reach
        reach |= more

    assert set(process.nodes) <= reach


def test_no_form_is_left_over() -> None:
    nodes = [node for process in bundle().processes.values() for node in process.nodes.values()]
    used = {node.form for node in nodes} | {node.properties.get("form", "") for node in nodes}

    assert set(bundle().forms) == used - {""}


def test_forms_are_written_as_the_form_editor_writes_them() -> None:
    for ident, form in bundle().forms.items():
        assert form.schema["schemaVersion"] == 19
        assert form.schema["type"] == "default"
        assert (ROOT / "forms" / f"{ident}.form").exists()
        for component in _components(form.schema["components"]):
            assert component["layout"]["row"], f"{ident}: {component['id']}"
            if component.get("subtype") == "datetime":
                assert component["timeSerializingFormat"] == "utc_offset", f"{ident}: {component['key']} has no offset"
            label = component.get("label") or component.get("dateLabel") or component.get("text")
            assert label and CHINESE.search(label) or component["type"] == "text", f"{ident}: {component['id']}"


def _components(components: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for component in components:
        yield component
        yield from _components(component.get("components", []))


def test_limits_of_the_profile_are_those_drawn() -> None:
    limits = regulation()["limits"]
    drawn: dict[str, list[Node]] = {}
    for process in bundle().processes.values():
        for node in process.nodes.values():
            if "limit" in node.properties and node.kind == "boundaryEvent":
                drawn.setdefault(node.properties["limit"], []).append(node)

    assert set(drawn) == set(limits)
    for ident, nodes in drawn.items():
        told = limits[ident]
        node = next(n for n in nodes if n.properties["anchor"] == told["anchor"])
        assert node.event.timer is not None
        assert node.event.timer.text == told["due"]
        assert [mark.strip() for mark in node.properties["warnings"].split(",")] == told["warnings"]
        for each in nodes:
            assert set(each.clauses) == set(told["clauses"])
            assert not each.interrupting, f"{each.id} would take the work away from those who are late"
            assert each.properties["breach"] == "true"
            assert each.properties["responsible"] and each.properties["rule"]


def test_a_broken_limit_always_leads_to_a_late_report() -> None:
    for process in bundle().processes.values():
        for node in process.nodes.values():
            if node.properties.get("breach") == "true":
                (flow,) = node.outgoing
                draft = process.nodes[process.flows[flow].target]
                assert draft.topic == "draft-late-report"
                assert draft.properties["limit"] == node.properties["limit"]
                (then,) = draft.outgoing
                assert process.nodes[process.flows[then].target].called == "late_report"


def test_every_clause_is_told_with_the_elements_that_carry_it() -> None:
    carried: dict[str, set[str]] = {}
    for process in bundle().processes.values():
        for node in process.nodes.values():
            for clause in node.clauses:
                carried.setdefault(clause, set()).add(f"{process.id}/{node.id}")

    clauses = regulation()["clauses"]
    assert set(clauses) == CLAUSES
    for ident, clause in clauses.items():
        assert clause["title"] and clause["quote"]
        assert set(clause.get("elements", ())) == carried.get(ident, set()), ident
        assert (clause["how"] == "diagram") == (ident in carried), ident
        assert clause["how"] in ("diagram", "system", "manual", "later")


def test_only_what_the_regulation_is_silent_about_is_not_quoted_from_it() -> None:
    silent = {ident for ident, clause in regulation()["clauses"].items() if clause["quote"].startswith("（")}

    assert silent == {"R15", "R28"}


def test_every_open_point_has_a_default() -> None:
    points = regulation()["open_points"]

    assert [point["id"] for point in points] == [f"G-{number}" for number in range(1, 16)]
    assert all(point["question"] and point["chosen"] for point in points)


@pytest.mark.parametrize("path", DMN_FILES, ids=lambda p: p.stem)
def test_decision_tables_are_drawn_and_each_rule_names_its_clause(path: Path) -> None:
    root = xml.parse(path.read_bytes())

    shapes = {shape.get("dmnElementRef") for shape in root.iter(f"{{{DMNDI}}}DMNShape")}
    for decision in root.iter(f"{{{DMN}}}decision"):
        assert decision.get("id") in shapes
        assert CHINESE.search(decision.get("name", ""))
    for rule in root.iter(f"{{{DMN}}}rule"):
        note = rule.findtext(f"{{{DMN}}}description") or ""
        assert re.search(r"\bR\d\d|\bG-\d", note), f"{rule.get('id')}: {note}"


def test_every_parameter_is_used_by_a_diagram_or_a_table() -> None:
    texts = "".join(path.read_text(encoding="utf-8") for path in [*BPMN_FILES, *DMN_FILES])

    for name in regulation()["parameters"]:
        assert name in texts, f"{name} changes nothing"
