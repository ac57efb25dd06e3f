"""Random edits of a bundle as people make them in an editor, each with the changes that a diff must tell of it."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from tests.unit.checks.bundle_edits import DI, B, C, D, Files

Expected = tuple[str, str, str, tuple[str, ...]]
"""(file, kind, id of the subject, path)."""
FOREIGN = "{urn:another-vendor}"
NODES = ("userTask", "serviceTask", "scriptTask", "exclusiveGateway", "endEvent", "callActivity", "businessRuleTask")
Edit = Callable[["Bench"], list[Expected]]


@dataclass
class Bench:
    """The files under edit. `touched`: elements that were edited already and are left alone."""

    files: Files
    random: random.Random
    touched: set[str] = field(default_factory=set)

    def diagram(self) -> tuple[str, etree._Element]:
        path = self.random.choice(sorted(path for path in self.files if path.endswith(".bpmn")))
        return path, etree.fromstring(self.files[path])

    def keep(self, path: str, root: etree._Element) -> None:
        self.files[path] = etree.tostring(root, xml_declaration=True, encoding="UTF-8")

    def one(self, path: str, found: list[Any]) -> Any:
        """One of the elements that nobody has touched; None when there is none."""
        free = [one for one in found if f"{path} {one.get('id')}" not in self.touched]
        chosen = self.random.choice(free) if free else None
        if chosen is not None:
            self.touched.add(f"{path} {chosen.get('id')}")
        return chosen

    def node(self, path: str, root: etree._Element, *tags: str) -> Any:
        return self.one(path, [one for tag in tags or NODES for one in root.iter(f"{B}{tag}")])


def rename_in_words(bench: Bench) -> list[Expected]:
    path, root = bench.diagram()
    node = bench.node(path, root)
    if node is None or not node.get("name"):
        return []
    node.set("name", f"{node.get('name')}（改）")
    bench.keep(path, root)
    return [(path, "changed", node.get("id"), ("@name",))]


def give_to_others(bench: Bench) -> list[Expected]:
    path, root = bench.diagram()
    node = bench.node(path, root, "userTask")
    if node is None:
        return []
    kind = "changed" if node.get(f"{C}candidateGroups") else "added"
    node.set(f"{C}candidateGroups", "supervision-of-all")
    bench.keep(path, root)
    return [(path, kind, node.get("id"), ("@camunda:candidateGroups",))]


def change_a_timer(bench: Bench) -> list[Expected]:
    path, root = bench.diagram()
    event = bench.one(
        path, [one for one in root.iter(f"{B}boundaryEvent") if one.find(f"{B}timerEventDefinition") is not None]
    )
    if event is None:
        return []
    text = event.find(f"{B}timerEventDefinition")[0]
    text.text = "PT80H"
    bench.keep(path, root)
    return [(path, "changed", event.get("id"), ("timerEventDefinition", etree.QName(text).localname, "#text"))]


def change_a_condition(bench: Bench) -> list[Expected]:
    path, root = bench.diagram()
    flow = bench.one(path, [one for one in root.iter(f"{B}sequenceFlow") if len(one)])
    if flow is None:
        return []
    flow[0].text = f"{flow[0].text} and edited = true"
    bench.keep(path, root)
    return [(path, "changed", flow.get("id"), ("conditionExpression", "#text"))]


def change_a_property(bench: Bench) -> list[Expected]:
    path, root = bench.diagram()
    node = bench.one(path, [one for one in root.iter(f"{B}userTask") if one.find(f".//{C}property") is not None])
    if node is None:
        return []
    entry = node.find(f".//{C}property")
    entry.set("value", f"{entry.get('value')} R99")
    bench.keep(path, root)
    where = ("extensionElements", "camunda:properties", f"camunda:property[{entry.get('name')}]", "@value")
    return [(path, "changed", node.get("id"), where)]


def add_what_another_vendor_reads(bench: Bench) -> list[Expected]:
    path, root = bench.diagram()
    node = bench.node(path, root, "userTask", "serviceTask")
    if node is None or node.find(f"{B}extensionElements") is None:
        return []
    etree.SubElement(node.find(f"{B}extensionElements"), f"{FOREIGN}retries", {"count": "3"})
    bench.keep(path, root)
    return [(path, "added", node.get("id"), ("extensionElements", f"{FOREIGN}retries", "@count"))]


def lead_elsewhere(bench: Bench) -> list[Expected]:
    path, root = bench.diagram()
    flow = bench.one(path, list(root.iter(f"{B}sequenceFlow")))
    ends = [
        one
        for one in root.iter(f"{B}endEvent")
        if flow is not None and one.get("id") != flow.get("targetRef") and one.getparent() is flow.getparent()
    ]
    if not ends:
        return []
    old = next(one for one in root.iter() if one.get("id") == flow.get("targetRef"))
    entry = next(one for one in old.findall(f"{B}incoming") if one.text == flow.get("id"))
    ends[0].insert(0, entry)  # as a modeler does
    flow.set("targetRef", ends[0].get("id"))
    bench.keep(path, root)
    return [(path, "changed", flow.get("id"), ("@targetRef",))]


def take_a_flow_away(bench: Bench) -> list[Expected]:
    path, root = bench.diagram()
    flow = bench.one(path, list(root.iter(f"{B}sequenceFlow")))
    if flow is None or any(one.get("default") == flow.get("id") for one in root.iter()):
        return []
    ident = flow.get("id")
    for one in [*root.iter(f"{B}incoming", f"{B}outgoing")]:
        if one.text == ident:
            one.getparent().remove(one)
    for edge in [one for one in root.iter(f"{DI}BPMNEdge") if one.get("bpmnElement") == ident]:
        edge.getparent().remove(edge)
    flow.getparent().remove(flow)
    bench.keep(path, root)
    return [(path, "removed", ident, ())]


def add_a_task(bench: Bench) -> list[Expected]:
    path, root = bench.diagram()
    process = bench.random.choice(list(root.iter(f"{B}process")))
    ident = f"Activity_{bench.random.randrange(10**9)}"
    etree.SubElement(process, f"{B}userTask", {"id": ident, "name": "新任务"})
    plane = next(root.iter(f"{DI}BPMNPlane"))
    etree.SubElement(plane, f"{DI}BPMNShape", {"id": f"{ident}_di", "bpmnElement": ident})
    bench.touched.add(f"{path} {ident}")
    bench.keep(path, root)
    return [(path, "added", ident, ())]


def make_it_another_type(bench: Bench) -> list[Expected]:
    path, root = bench.diagram()
    node = bench.node(path, root, "scriptTask")
    if node is None:
        return []
    node.tag = f"{B}task"
    bench.keep(path, root)
    return [(path, "changed", node.get("id"), ("@type",))]


def drag(bench: Bench) -> list[Expected]:
    path, root = bench.diagram()
    shape = bench.one(path, list(root.iter(f"{DI}BPMNShape")))
    if shape is None:
        return []
    shape[0].set("x", "4711")
    bench.keep(path, root)
    return [(path, "changed", shape.get("bpmnElement"), ("@bounds",))]


def put_into_another_lane(bench: Bench) -> list[Expected]:
    path, root = bench.diagram()
    lanes = list(root.iter(f"{B}lane"))
    refs = [one for lane in lanes for one in lane.findall(f"{B}flowNodeRef")]
    free = [one for one in refs if f"{path} {one.text}" not in bench.touched]
    if len(lanes) < 2 or not free:
        return []
    ref = bench.random.choice(free)
    other = bench.random.choice([lane for lane in lanes if lane is not ref.getparent()])
    bench.touched.add(f"{path} {ref.text}")
    other.append(ref)
    bench.keep(path, root)
    return [(path, "changed", ref.text, ("@lane",))]


def give_a_new_id(bench: Bench) -> list[Expected]:
    path, root = bench.diagram()
    node = bench.node(path, root, "userTask", "exclusiveGateway", "serviceTask", "callActivity")
    if node is None:
        return []
    old, new = node.get("id"), f"Activity_{bench.random.randrange(10**9)}"
    bench.keep(path, root)
    bench.files[path] = re.sub(rb'(?<=[">])' + old.encode() + rb'(?=(_di)?["<])', new.encode(), bench.files[path])
    bench.touched.add(f"{path} {new}")
    return [(path, "renamed", new, ("@id",))]


def shuffle(bench: Bench) -> list[Expected]:
    """Order that means nothing: nodes of a process, properties, attributes, blanks."""
    path, root = bench.diagram()
    process = bench.random.choice(list(root.iter(f"{B}process")))
    nodes = [one for one in process if etree.QName(one).localname in NODES]
    places = sorted(process.index(one) for one in nodes)
    bench.random.shuffle(nodes)
    for one in nodes:
        process.remove(one)
    for place, one in zip(places, nodes, strict=True):
        process.insert(place, one)
    for entries in root.iter(f"{C}properties"):
        entries[:] = sorted(entries, key=lambda _: bench.random.random())
    for one in root.iter():
        said = sorted(one.items(), key=lambda _: bench.random.random())
        one.attrib.clear()
        one.attrib.update(said)
    bench.keep(path, root)
    return []


def _table(bench: Bench) -> tuple[str, etree._Element, Any]:
    path = bench.random.choice(sorted(path for path in bench.files if path.endswith(".dmn")))
    root = etree.fromstring(bench.files[path])
    return path, root, next(root.iter(f"{D}decisionTable"))


def change_a_cell(bench: Bench) -> list[Expected]:
    path, root, table = _table(bench)
    rule = bench.one(path, table.findall(f"{D}rule"))
    if rule is None:
        return []
    place = bench.random.randrange(len(rule.findall(f"{D}outputEntry")))
    text = rule.findall(f"{D}outputEntry")[place].find(f"{D}text")
    text.text = '"something else"'
    output = table.findall(f"{D}output")[place]
    bench.keep(path, root)
    label = output.get("label") or output.get("name")
    return [(path, "changed", rule.get("id"), (f"cell[{label}]",))]


def take_a_rule_away(bench: Bench) -> list[Expected]:
    path, root, table = _table(bench)
    rule = bench.one(path, table.findall(f"{D}rule"))
    if rule is None:
        return []
    table.remove(rule)
    bench.keep(path, root)
    return [(path, "removed", rule.get("id"), ())]


def change_how_rules_hit(bench: Bench) -> list[Expected]:
    path, root, table = _table(bench)
    if f"{path} {table.get('id')}" in bench.touched:
        return []
    bench.touched.add(f"{path} {table.get('id')}")
    kind = "changed" if table.get("hitPolicy") else "added"
    table.set("hitPolicy", "RULE ORDER")
    bench.keep(path, root)
    return [(path, kind, table.get("id"), ("@hitPolicy",))]


def _form(bench: Bench) -> tuple[str, Any, Any]:
    path = bench.random.choice(sorted(path for path in bench.files if path.endswith(".form")))
    form = json.loads(bench.files[path])
    found = [one for one in form["components"] if one.get("key") and f"{path} {one['key']}" not in bench.touched]
    if not found:
        return path, form, None
    chosen = bench.random.choice(found)
    bench.touched.add(f"{path} {chosen['key']}")
    return path, form, chosen


def _write(bench: Bench, path: str, form: Any) -> None:
    bench.files[path] = json.dumps(form, ensure_ascii=False, indent=1).encode()


def label_a_field(bench: Bench) -> list[Expected]:
    path, form, one = _form(bench)
    if one is None or "label" not in one:
        return []
    one["label"] += "（新）"
    _write(bench, path, form)
    return [(path, "changed", one["key"], ("label",))]


def demand_a_field(bench: Bench) -> list[Expected]:
    path, form, one = _form(bench)
    if one is None or "required" not in one.get("validate", {}):
        return []
    one["validate"]["required"] = not one["validate"]["required"]
    _write(bench, path, form)
    return [(path, "changed", one["key"], ("validate", "required"))]


def take_a_field_away(bench: Bench) -> list[Expected]:
    path, form, one = _form(bench)
    if one is None:
        return []
    form["components"].remove(one)
    _write(bench, path, form)
    return [(path, "removed", one["key"], ())]


def offer_another_choice(bench: Bench) -> list[Expected]:
    path, form, one = _form(bench)
    if one is None or not one.get("values"):
        return []
    one["values"].append({"label": "另一项", "value": "another"})
    _write(bench, path, form)
    return [(path, "added", one["key"], ("values", "[another]"))]


def change_a_parameter(bench: Bench) -> list[Expected]:
    path = "bpmn/regulation.toml"
    name = bench.random.choice(["report_limit", "triage_limit", "county_wait", "archive_limit", "feedback_limit"])
    if f"{path} {name}" in bench.touched:
        return []
    bench.touched.add(f"{path} {name}")
    bench.files[path] = re.sub(rf'(?m)^{name} = "\w+"'.encode(), f'{name} = "P77D"'.encode(), bench.files[path])
    return [(path, "changed", f"parameters.{name}", ())]


EDITS: tuple[Edit, ...] = (
    rename_in_words, give_to_others, change_a_timer, change_a_condition, change_a_property,
    add_what_another_vendor_reads, lead_elsewhere, take_a_flow_away, add_a_task, make_it_another_type, drag,
    put_into_another_lane, give_a_new_id, shuffle, change_a_cell, take_a_rule_away, change_how_rules_hit,
    label_a_field, demand_a_field, take_a_field_away, offer_another_choice, change_a_parameter,
)  # fmt: skip


def edited(files: Files, seed: int, count: int) -> tuple[Files, list[Expected]]:
    """The files after `count` random edits, and every change that a diff must tell, no more."""
    bench = Bench(dict(files), random.Random(seed))
    expected: list[Expected] = []
    for edit in bench.random.choices(EDITS, k=count):
        expected += edit(bench)
    return bench.files, expected
