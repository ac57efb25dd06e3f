"""What modelers write beside BPMN: Camunda 7 and its relatives, Camunda 8 (zeebe); read, passed over or refused.

Activiti and Flowable use Camunda's words in namespaces of their own. Camunda 8 keeps its facts in extension elements,
with FEEL expressions. Everything else in a foreign namespace describes the drawing, unless it is code to run.
"""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from . import xml

FAMILY = (xml.CAMUNDA, "http://activiti.org/bpmn", "http://flowable.org/bpmn", "http://operaton.org/schema/1.0/bpmn")
ZEEBE = "http://camunda.org/schema/zeebe/1.0"

READ = frozenset(
    (
        "formRef", "formRefBinding", "formKey", "candidateGroups", "candidateUsers", "assignee", "dueDate", "priority",
        "resultVariable", "decisionRef", "mapDecisionResult", "topic", "type", "collection", "elementVariable",
        "decisionRefBinding", "calledElementBinding", "calledElementVersion", "calledElementVersionTag", "versionTag",
        "errorCodeVariable", "errorMessageVariable", "escalationCodeVariable",
        "class", "delegateExpression", "expression",
    )
)  # fmt: skip
"""Attributes whose meaning the reader takes over, or whose absence of meaning it reports at the element."""
HARMLESS = frozenset(
    (
        "asyncBefore", "asyncAfter", "exclusive", "jobPriority", "taskPriority", "historyTimeToLive", "initiator",
        "isStartableInTasklist", "candidateStarterGroups", "candidateStarterUsers", "followUpDate", "async",
        "modelerTemplate", "modelerTemplateVersion", "modelerTemplateIcon", "diagramRelationId", "errorMessage",
        "executionPlatform", "executionPlatformVersion", "delegateExecution", "skipExpression", "category",
        "formHandlerClass", "historyLevel", "includeInHistory", "formFieldValidation", "customResource",
    )
)  # fmt: skip
"""They tune another engine's transactions, histories and start pages; the path of a token does not depend on them."""
CODE = frozenset(("variableMappingClass", "variableMappingDelegateExpression", "caseRef", "caseBinding", "resource"))

ELEMENTS_READ = frozenset(
    (
        "properties", "inputOutput", "in", "out", "formData", "formField", "field", "eventInParameter",
        "eventOutParameter", "httpRequestHandler", "httpResponseHandler", "mapException",
    )
)  # fmt: skip
"""The reader takes them over, or they belong to code that is reported at the element (service_code)."""
ELEMENTS_HARMLESS = frozenset(
    (
        "failedJobRetryTimeCycle", "potentialStarter", "property", "formProperty", "modelerTemplateIcon",
        "diagramRelationId", "executionTreeId", "userTaskForm", "versionTag", "task-candidates-type",
        "work-form-field-validation", "localization", "element-name", "customResource", "candidateStarterGroup",
    )
)  # fmt: skip
ZEEBE_READ = frozenset(
    (
        "taskDefinition", "calledElement", "loopCharacteristics", "script", "assignmentDefinition", "formDefinition",
        "ioMapping", "subscription", "calledDecision", "taskSchedule", "properties", "priorityDefinition",
    )
)  # fmt: skip
ZEEBE_HARMLESS = frozenset(["taskHeaders", "userTask", "userTaskForm", "versionTag", "property", "adHoc"])
ENGINES = ("jboss", "drools", "kie.org", "spiffworkflow")
"""Marks of namespaces whose extension elements an engine carries out; modelers' own describe the drawing."""
RUNS_CODE = ("listener", "script", "connector", "mapping", "operator", "decision", "loop")
"""Part of the local name of an extension element that another engine would carry out."""


def attribute(element: etree._Element, name: str) -> str:
    """An attribute of the Camunda family, "" if absent."""
    for namespace in FAMILY:
        value = element.get(f"{{{namespace}}}{name}")
        if value is not None:
            return str(value).strip()
    return ""


def extensions(element: etree._Element) -> Iterator[etree._Element]:
    """The elements inside an element's own extensionElements."""
    for holder in element.iterfind(f"{{{xml.BPMN}}}extensionElements"):
        yield from holder


def family(element: etree._Element, name: str) -> Iterator[etree._Element]:
    """Extension elements of the Camunda family with a name."""
    for child in extensions(element):
        namespace, tag = xml.local(child)
        if namespace in FAMILY and tag == name:
            yield child


def zeebe(element: etree._Element, name: str) -> etree._Element | None:
    """The Camunda 8 extension element with a name."""
    return next((c for c in extensions(element) if xml.local(c) == (ZEEBE, name)), None)


def properties(element: etree._Element) -> dict[str, str]:
    """`camunda:property` and `zeebe:property` entries: name -> value."""
    found: dict[str, str] = {}
    for child in extensions(element):
        if xml.local(child)[1] != "properties" or xml.local(child)[0] not in (*FAMILY, ZEEBE):
            continue
        for entry in child:
            if xml.local(entry)[1] == "property":
                found[entry.get("name") or ""] = (entry.get("value") or "").strip()
    return found


def unread(element: etree._Element) -> Iterator[tuple[str, str]]:
    """(severity, what) of each extension of an element that is not carried out: `error` if another engine would run
    something for it, `warning` if its meaning is unknown."""
    for key in element.attrib:
        name = etree.QName(key)
        if name.namespace in FAMILY and name.localname not in READ and name.localname not in HARMLESS:
            yield ("error" if name.localname in CODE else "warning"), name.localname
    for child in extensions(element):
        namespace, tag = xml.local(child)
        if namespace in FAMILY:
            if tag in ELEMENTS_READ or tag in ELEMENTS_HARMLESS:
                continue
            yield "error", tag
        elif namespace == ZEEBE:
            if tag in ZEEBE_READ or tag in ZEEBE_HARMLESS:
                continue
            yield ("error" if _code(tag) else "warning"), tag
        elif any(mark in namespace for mark in ENGINES) and _code(tag):
            yield "error", tag


def _code(tag: str) -> bool:
    return any(word in tag.lower() for word in RUNS_CODE)
