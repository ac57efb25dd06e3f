"""New files of a bundle: as little as makes them readable, so that an editor can open them."""

from __future__ import annotations

import json
import re
from typing import Final

from engine.domain.rejection import FieldFault, Rejection

from .bundle_folder import TESTS

BPMN: Final = """<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" \
xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" \
xmlns:di="http://www.omg.org/spec/DD/20100524/DI" xmlns:camunda="http://camunda.org/schema/1.0/bpmn" \
id="Definitions_{name}" targetNamespace="http://bpmn.io/schema/bpmn">
  <bpmn:process id="{name}" name="{name}" isExecutable="true">
    <bpmn:startEvent id="Start_{name}">
      <bpmn:outgoing>Flow_{name}</bpmn:outgoing>
    </bpmn:startEvent>
    <bpmn:sequenceFlow id="Flow_{name}" sourceRef="Start_{name}" targetRef="End_{name}" />
    <bpmn:endEvent id="End_{name}">
      <bpmn:incoming>Flow_{name}</bpmn:incoming>
    </bpmn:endEvent>
  </bpmn:process>
  <bpmndi:BPMNDiagram id="Diagram_{name}">
    <bpmndi:BPMNPlane id="Plane_{name}" bpmnElement="{name}">
      <bpmndi:BPMNShape id="Start_{name}_di" bpmnElement="Start_{name}">
        <dc:Bounds x="160" y="100" width="36" height="36" />
      </bpmndi:BPMNShape>
      <bpmndi:BPMNShape id="End_{name}_di" bpmnElement="End_{name}">
        <dc:Bounds x="320" y="100" width="36" height="36" />
      </bpmndi:BPMNShape>
      <bpmndi:BPMNEdge id="Flow_{name}_di" bpmnElement="Flow_{name}">
        <di:waypoint x="196" y="118" />
        <di:waypoint x="320" y="118" />
      </bpmndi:BPMNEdge>
    </bpmndi:BPMNPlane>
  </bpmndi:BPMNDiagram>
</bpmn:definitions>
"""
DMN: Final = """<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" \
xmlns:dmndi="https://www.omg.org/spec/DMN/20191111/DMNDI/" xmlns:dc="http://www.omg.org/spec/DMN/20180521/DC/" \
id="Definitions_{name}" name="{name}" namespace="http://camunda.org/schema/1.0/dmn">
  <decision id="{name}" name="{name}">
    <decisionTable id="Table_{name}" hitPolicy="FIRST">
      <input id="Input_{name}" label="">
        <inputExpression id="Expression_{name}" typeRef="string">
          <text>grade</text>
        </inputExpression>
      </input>
      <output id="Output_{name}" label="" name="result" typeRef="string" />
      <rule id="Rule_{name}">
        <inputEntry id="Entry_{name}">
          <text></text>
        </inputEntry>
        <outputEntry id="Answer_{name}">
          <text>""</text>
        </outputEntry>
      </rule>
    </decisionTable>
  </decision>
  <dmndi:DMNDI>
    <dmndi:DMNDiagram id="Diagram_{name}">
      <dmndi:DMNShape id="Shape_{name}" dmnElementRef="{name}">
        <dc:Bounds height="80" width="180" x="160" y="100" />
      </dmndi:DMNShape>
    </dmndi:DMNDiagram>
  </dmndi:DMNDI>
</definitions>
"""
SCENARIO: Final = """# 测试情形：已知什么（data），谁在何时办了什么（step），应当怎样（expect）。发布前自动运行。
title = "{name}"
process = "opinion_case"
at = 2026-03-02T09:00:00+08:00

[data]
title = "示例"

[[step]]
expect = {{ status = "waiting" }}
"""
KINDS: Final = ("bpmn", "dmn", "form", "scenario")
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,59}")


def made(kind: str, name: str) -> tuple[str, bytes] | Rejection:
    """(path, content) of a new file. `invalid` for another kind, or a name that can't be an id of its contents."""
    if kind not in KINDS or not _NAME.fullmatch(name):
        return Rejection("invalid", "form.refused", {}, (FieldFault("name", "draft.bad_name"),))
    if kind == "scenario":
        return f"{TESTS}/{name}.scenario.toml", SCENARIO.format(name=name).encode()
    if kind == "form":
        form = {"schemaVersion": 16, "id": name, "type": "default", "components": []}
        return f"forms/{name}.form", (json.dumps(form, indent=2) + "\n").encode()
    text = BPMN if kind == "bpmn" else DMN
    return f"bpmn/{name}.{kind}", text.format(name=name).encode()
