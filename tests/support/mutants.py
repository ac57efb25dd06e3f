"""Damaged diagrams: a seed file with a few changes that respect XML, mostly, and the standard, hardly."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Mapping

from lxml import etree

BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
TAGS = (
    "task", "userTask", "scriptTask", "serviceTask", "sendTask", "receiveTask", "businessRuleTask", "manualTask",
    "subProcess", "transaction", "adHocSubProcess", "callActivity", "startEvent", "endEvent", "boundaryEvent",
    "intermediateCatchEvent", "intermediateThrowEvent", "exclusiveGateway", "parallelGateway", "inclusiveGateway",
    "eventBasedGateway", "complexGateway", "process", "collaboration", "participant", "message", "extensionElements",
    "timerEventDefinition", "messageEventDefinition", "linkEventDefinition", "compensateEventDefinition",
    "conditionalEventDefinition", "cancelEventDefinition", "terminateEventDefinition", "eventDefinitionRef",
    "standardLoopCharacteristics", "multiInstanceLoopCharacteristics", "nonsense",
)  # fmt: skip
ATTRIBUTES = (
    "id", "name", "sourceRef", "targetRef", "attachedToRef", "default", "triggeredByEvent", "isInterrupting",
    "cancelActivity", "isForCompensation", "isExecutable", "isSequential", "calledElement", "processRef", "messageRef",
    "errorRef", "signalRef", "activityRef", "startQuantity", "instantiate", "isMarkerVisible",
)  # fmt: skip
VALUES = (
    "",
    " ",
    "true",
    "false",
    "1",
    "0",
    "-1",
    "nowhere",
    "a:b",
    "😀",
    "${x}",
    "=",
    "=1/0",
    "R/PT0S",
    "P",
    "x" * 300,
)


class Mutator:
    """Makes mutants of the seeds, the same ones for the same number."""

    def __init__(self, seed: int, seeds: Mapping[str, bytes]) -> None:
        self.chance = random.Random(seed)
        self.seeds = seeds
        self.trees: dict[str, etree._Element] = {}
        for name, data in seeds.items():
            try:
                self.trees[name] = etree.fromstring(data, etree.XMLParser(resolve_entities=False))
            except etree.XMLSyntaxError:
                continue

    def mutant(self) -> tuple[str, bytes]:
        """(name of the seed, damaged file). One in ten is damaged as bytes, not as a tree."""
        name = self.chance.choice(sorted(self.trees))
        if self.chance.random() < 0.1:
            return name, self.bytes_of(self.seeds[name])
        root = copy.deepcopy(self.trees[name])
        ways: list[Callable[[list[etree._Element]], None]] = [
            self.drop, self.double, self.move, self.swap, self.retag,
            self.set, self.unset, self.refer, self.put, self.text,
        ]  # fmt: skip
        for _ in range(self.chance.choice((1, 1, 2, 3, 5, 8))):
            found = list(root.iter(BPMN + "*"))
            if len(found) > 2:
                self.chance.choice(ways)(found[1:])
        return name, etree.tostring(root)

    def bytes_of(self, data: bytes) -> bytes:
        """Cut off, a stretch doubled or left out, or some bytes changed."""
        at, to = sorted(self.chance.randrange(len(data) + 1) for _ in range(2))
        way = self.chance.randrange(4)
        if way == 0:
            return data[:at]
        if way == 1:
            return data[:at] + data[to:]
        if way == 2:
            return data[:to] + data[at:]
        changed = bytearray(data)
        for _ in range(self.chance.randrange(1, 6)):
            if changed:
                changed[self.chance.randrange(len(changed))] = self.chance.randrange(256)
        return bytes(changed)

    # -- changes of a tree: each is given the BPMN elements below the root -----------------------------------------
    def drop(self, found: list[etree._Element]) -> None:
        self._take(self.chance.choice(found))

    def double(self, found: list[etree._Element]) -> None:
        chosen = self.chance.choice(found)
        chosen.addnext(copy.deepcopy(chosen))

    def move(self, found: list[etree._Element]) -> None:
        chosen, into = self.chance.choice(found), self.chance.choice(found)
        if into not in list(chosen.iter()):
            into.append(chosen)

    def swap(self, found: list[etree._Element]) -> None:
        one, other = self.chance.choice(found), self.chance.choice(found)
        name = self.chance.choice(ATTRIBUTES)
        a, b = one.get(name, ""), other.get(name, "")
        one.set(name, b)
        other.set(name, a)

    def retag(self, found: list[etree._Element]) -> None:
        self.chance.choice(found).tag = BPMN + self.chance.choice(TAGS)

    def set(self, found: list[etree._Element]) -> None:
        self.chance.choice(found).set(self.chance.choice(ATTRIBUTES), self.chance.choice(VALUES))

    def unset(self, found: list[etree._Element]) -> None:
        chosen = self.chance.choice(found)
        if chosen.attrib:
            del chosen.attrib[self.chance.choice(sorted(chosen.attrib))]

    def refer(self, found: list[etree._Element]) -> None:
        """A reference to some other element of the file."""
        ids = [e.get("id", "") for e in found]
        names = [n for n in ATTRIBUTES if n.endswith("Ref") or n == "default"]
        self.chance.choice(found).set(self.chance.choice(names), self.chance.choice(ids))

    def put(self, found: list[etree._Element]) -> None:
        etree.SubElement(self.chance.choice(found), BPMN + self.chance.choice(TAGS))

    def text(self, found: list[etree._Element]) -> None:
        self.chance.choice(found).text = self.chance.choice(VALUES)

    def _take(self, element: etree._Element) -> None:
        parent = element.getparent()
        if parent is not None:
            parent.remove(element)
