"""Diagrams as other tools write them, drawn, with what only those tools understand: made from a seed, or the corpus."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

from lxml import etree

CORPUS = Path(__file__).parents[1] / "corpus"
MODEL = "http://www.omg.org/spec/BPMN/20100524/MODEL"
NAMESPACES = {
    "camunda": "http://camunda.org/schema/1.0/bpmn",
    "zeebe": "http://camunda.org/schema/zeebe/1.0",
    "modeler": "http://camunda.org/schema/modeler/1.0",
    "flowable": "http://flowable.org/bpmn",
    "activiti": "http://activiti.org/bpmn",
    "signavio": "http://www.signavio.com",
    "bioc": "http://bpmn.io/schema/bpmn/biocolor/1.0",
    "color": "http://www.omg.org/spec/BPMN/non-normative/color/1.0",
    "acme": "urn:acme:tool",
}
DRAWING = (
    'xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" '
    'xmlns:di="http://www.omg.org/spec/DD/20100524/DI"'
)
EXTENSIONS = (
    '<camunda:properties><camunda:property name="clause" value="R50 &amp; R56" /></camunda:properties>',
    '<camunda:executionListener class="a.B" event="start"><camunda:field name="f">'
    "<camunda:expression><![CDATA[${x < 1}]]></camunda:expression></camunda:field></camunda:executionListener>",
    '<zeebe:taskDefinition type="pay" retries="3" /><zeebe:ioMapping><zeebe:input source="= a" target="b" />'
    "</zeebe:ioMapping>",
    '<flowable:formProperty id="p" name="天数" type="long" required="true"><flowable:value id="v" name="一" />'
    "</flowable:formProperty>",
    '<activiti:taskListener event="create" delegateExpression="${bean}" /><activiti:formProperty id="d" type="date" />',
    '<signavio:signavioMetaData metaKey="bgcolor" metaValue="#ffffcc" />'
    '<signavio:signavioLabel ref="text_name" x="1.5" />',
    '<acme:note xml:lang="zh">  留意 &lt;时限&gt; <acme:b>粗</acme:b> 尾 </acme:note>',
    '<own:box xmlns:own="urn:own:inside" own:size="2"><own:item/></own:box>',
    '<box xmlns="urn:without:prefix" size="2"><item>1</item></box>',
)
ATTRIBUTES = (
    'camunda:asyncBefore="true"', 'camunda:assignee="${who}"', 'zeebe:modelerTemplate="t"', 'flowable:async="true"',
    'activiti:exclusive="false"', 'signavio:uuid="sid-1"', 'acme:owner="张三"', "acme:single='a &quot;b&quot;'",
)  # fmt: skip
REMARKS = ("<!-- 说明：先甄别 -->", "<?acme keep this?>", "<!-- a > b & c -->")
KINDS = ("userTask", "serviceTask", "scriptTask", "manualTask", "task", "exclusiveGateway", "intermediateThrowEvent")


class Pen:
    """Writes one diagram: a chain of nodes with everything that chance hangs on them."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.prefix = self.chance.choice(("bpmn:", "bpmn2:", "semantic:", ""))
        self.line = self.chance.choice(("\n", "\r\n", "\n\t"))
        self.quote = self.chance.choice(('"', "'"))

    def tag(self, name: str, attributes: str, inside: str = "") -> str:
        name = self.prefix + name
        space = self.chance.choice(("", " ", self.line))
        if inside:
            return f"<{name} {attributes}{space}>{inside}</{name}{self.chance.choice(('', ' '))}>"
        return f"<{name} {attributes}{space}/>"

    def some(self, choices: tuple[str, ...], most: int = 2) -> list[str]:
        return self.chance.sample(choices, self.chance.randint(0, most))

    def remark(self) -> str:
        return self.line + (self.chance.choice(REMARKS) if self.chance.random() < 0.25 else "")

    def node(self, ident: str, kind: str) -> str:
        quoted = f"id={self.quote}{ident}{self.quote} name={self.quote}环节 {ident}&#10;次行{self.quote}"
        inside = self.remark()
        if self.chance.random() < 0.4:
            inside += self.tag("documentation", 'textFormat="text/plain"', "<![CDATA[若 a < b && c]]> 见 R50")
        extensions = "".join(self.remark() + one for one in self.some(EXTENSIONS, 3))
        if extensions:
            inside += self.tag("extensionElements", "", extensions + self.line).replace(" >", ">")
        if kind == "scriptTask":
            inside += f"<{self.prefix}script><![CDATA[1 < 2]]></{self.prefix}script>"
        return self.tag(kind, " ".join([quoted, *self.some(ATTRIBUTES)]), inside + self.remark())

    def flow(self, ident: str, source: str, target: str) -> str:
        where = f'id="{ident}" sourceRef="{source}" targetRef="{target}"'
        if self.chance.random() < 0.3:
            kind = f'xsi:type="{self.prefix}tFormalExpression"'
            return self.tag("sequenceFlow", where, self.tag("conditionExpression", kind, "<![CDATA[${a < 1}]]>"))
        return self.tag("sequenceFlow", where)

    def shape(self, ident: str, place: int) -> str:
        colours = self.chance.choice(
            ("", ' bioc:stroke="#831311" bioc:fill="#ffcdd2"', ' color:border-color="#831311"')
        )
        label = '<bpmndi:BPMNLabel><dc:Bounds x="1" y="2" width="60" height="14"/></bpmndi:BPMNLabel>'
        return (
            f'<bpmndi:BPMNShape id="{ident}_di" bpmnElement="{ident}"{colours}>'
            f'<dc:Bounds x="{100 + 160 * place}" y="100.0" width="100" height="80"/>{self.chance.choice(("", label))}'
            f"</bpmndi:BPMNShape>{self.remark()}"
        )

    def document(self) -> str:
        kinds = ["startEvent", *self.chance.choices(KINDS, k=self.chance.randint(3, 8)), "endEvent"]
        names = [f"N{place}" for place in range(len(kinds))]
        links = list(zip(names, names[1:], strict=False))
        nodes = [self.node(name, kind) for name, kind in zip(names, kinds, strict=True)]
        flows = [self.flow(f"F{source}", source, target) for source, target in links]
        edges = [
            f'<bpmndi:BPMNEdge id="F{source}_di" bpmnElement="F{source}"><di:waypoint x="{200 + 160 * place}" y="140"/>'
            f'<di:waypoint x="{260 + 160 * place}" y="140"/></bpmndi:BPMNEdge>'
            for place, (source, _) in enumerate(links)
        ]
        shapes = [self.shape(name, place) for place, name in enumerate(names)]
        drawn = self.line.join([*shapes, *edges] if self.chance.random() < 0.5 else [*edges, *shapes])
        if self.chance.random() < 0.3:
            nodes += flows
            self.chance.shuffle(nodes)
            flows = []
        inside = "".join(self.remark() + one for one in [*nodes, *flows])
        colon = self.prefix.rstrip(":")
        declared = f'xmlns{":" if colon else ""}{colon}="{MODEL}" {DRAWING}' + "".join(
            f' xmlns:{name}="{address}"' for name, address in NAMESPACES.items()
        )
        head = self.chance.choice(
            ("", '<?xml version="1.0" encoding="UTF-8"?>\n', "<?xml version='1.0'?>\n<!-- 原件 -->\n")
        )
        process = self.tag("process", 'id="P" isExecutable="true" acme:rank="1"', inside + self.line)
        plane = f'<bpmndi:BPMNPlane id="Plane" bpmnElement="P">{drawn}</bpmndi:BPMNPlane>'
        extra = self.chance.choice(("", "<acme:settings><acme:grid>10</acme:grid></acme:settings>"))
        return (
            f'{head}<{self.prefix}definitions {declared} xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" id="D" '
            f'targetNamespace="urn:t" exporter="ACME" exporterVersion="9" modeler:executionPlatform="Camunda Platform">'
            f"{self.line}{process}{self.remark()}"
            f'<bpmndi:BPMNDiagram id="Diagram" name="图">{plane}</bpmndi:BPMNDiagram>'
            f"{extra}{self.line}</{self.prefix}definitions>{self.chance.choice(('', chr(10)))}"
        )


def generated(seed: int) -> str:
    """One diagram; the same for the same seed."""
    return Pen(seed).document()


def drawn_corpus() -> Iterator[tuple[str, str]]:
    """(name, text) of the corpus, each with a picture laid over the nodes of its first process."""
    for path in sorted(CORPUS.iterdir()):
        text = path.read_bytes()
        try:
            root = etree.fromstring(text, etree.XMLParser(resolve_entities=False))
        except etree.XMLSyntaxError:
            continue
        process = root.find(f"{{{MODEL}}}process")
        if process is None or process.get("id") is None or b"BPMNDiagram" in text:
            continue
        nodes = [one for one in process.iterchildren(tag=etree.Element) if one.get("id") and _has_shape(one)]
        yield path.name, _with_picture(text.decode(), str(process.get("id")), [str(one.get("id")) for one in nodes])


def _has_shape(one: etree._Element) -> bool:
    return bool(re.search(r"(Task|task|Event|Gateway|Activity|Process|transaction)$", str(etree.QName(one).localname)))


def _with_picture(text: str, process: str, nodes: list[str]) -> str:
    shapes = "".join(
        f'<bpmndi:BPMNShape id="S{place}" bpmnElement="{node}">'
        f'<dc:Bounds x="{150 * place}" y="90" width="100" height="80"/></bpmndi:BPMNShape>'
        for place, node in enumerate(nodes)
    )
    plane = f'<bpmndi:BPMNPlane id="Plane" bpmnElement="{process}">{shapes}</bpmndi:BPMNPlane>'
    picture = f'<bpmndi:BPMNDiagram {DRAWING} id="Diagram">{plane}</bpmndi:BPMNDiagram>'
    end = text.rindex("</")
    return text[:end] + picture + text[end:]
