"""One file being read: its findings, its declarations, and how an element's texts become FEEL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lxml import etree

from . import xml
from .bpmn_text import Untranslatable, feel_text, text_of
from .bpmn_vendor import properties, zeebe
from .model import Finding, MessageFlow

DECLARED = (("message", "name"), ("signal", "name"), ("error", "errorCode"), ("escalation", "escalationCode"))


@dataclass(frozen=True, slots=True)
class Declared:
    """A message, signal, error or escalation of the file. `correlation`: FEEL, ""."""

    kind: str
    name: str
    correlation: str = ""


class Reading:
    """`ids`: every element of the file by id; `declared`: what events refer to; `flows`: message flows."""

    def __init__(self, path: str, root: etree._Element) -> None:
        self.path = path
        self.root = root
        self.language = root.get("expressionLanguage") or ""
        self.findings: list[Finding] = []
        self.ids: dict[str, etree._Element] = {}
        self.declared: dict[str, Declared] = {}
        self.participants: dict[str, str] = {}
        self.flows: tuple[MessageFlow, ...] = ()

    def refuse(
        self,
        element: etree._Element,
        key: str,
        severity: Literal["error", "warning", "info"] = "error",
        **details: object,
    ) -> None:
        """A finding at an element; one without an id is named by the nearest element around it that has one."""
        named = element
        while not named.get("id"):
            parent = named.getparent()
            if parent is None:
                break
            named = parent
        self.findings.append(
            Finding(
                severity,
                self.path,
                named.get("id") or xml.local(named)[1],
                element.get("name") or named.get("name") or "",
                xml.line_of(element),
                key,
                details,
            )
        )

    def expression(self, element: etree._Element, text: str, language: str = "") -> str:
        """FEEL text; what can't be translated is refused at `element` and reads as null."""
        try:
            return feel_text(text, language or self.language)
        except Untranslatable as error:
            if error.language:
                self.refuse(element, "bpmn.expression_language", language=error.language, text=text[:200])
            else:
                self.refuse(element, "bpmn.juel", text=text[:200])
            return "null"

    def maybe(self, element: etree._Element, text: str) -> str:
        """A literal as it is, an expression with a leading `=`."""
        if text.startswith(("${", "#{")):
            return "=" + self.expression(element, text)
        return text

    def formal(self, owner: etree._Element, child: etree._Element | None) -> str:
        """FEEL of a child element that holds an expression, "" when it is absent or empty."""
        text = text_of(child)
        if child is None or not text:
            return ""
        return self.expression(owner, text, child.get("language") or "")

    def read_declarations(self) -> None:
        """Ids, then everything that events and pools refer to."""
        for element in self.root.iter(f"{{{xml.BPMN}}}*"):
            ident = element.get("id")
            if ident is None:
                continue
            if ident in self.ids:
                self.refuse(element, "bpmn.duplicate_id", first_line=xml.line_of(self.ids[ident]))
            self.ids.setdefault(ident, element)
        for kind, attribute in DECLARED:
            for declared in self.root.iterfind(f"{{{xml.BPMN}}}{kind}"):
                self._declare(declared, kind, (declared.get(attribute) or declared.get("name") or "").strip())
        for collaboration in self.root.iterfind(f"{{{xml.BPMN}}}collaboration"):
            for pool in collaboration.iterfind(f"{{{xml.BPMN}}}participant"):
                self.participants[local_name(pool.get("processRef") or "")] = pool.get("id") or ""
            self.flows += tuple(self._message_flow(f) for f in collaboration.iterfind(f"{{{xml.BPMN}}}messageFlow"))

    def _declare(self, element: etree._Element, kind: str, name: str) -> None:
        if name.startswith(("${", "#{", "=")):
            self.refuse(element, "bpmn.name_expression", text=name[:200])
            name = ""
        subscription = zeebe(element, "subscription")
        key = properties(element).get("correlation", "") if subscription is None else subscription.get("correlationKey")
        correlation = self.expression(element, key) if key else ""
        self.declared[element.get("id") or ""] = Declared(kind, name, correlation)

    def _message_flow(self, element: etree._Element) -> MessageFlow:
        return MessageFlow(
            element.get("id") or "",
            (element.get("name") or "").strip(),
            local_name(element.get("sourceRef") or ""),
            local_name(element.get("targetRef") or ""),
            xml.line_of(element),
        )


def flag(element: etree._Element, name: str, default: bool = False) -> bool:
    """A boolean attribute as XML Schema writes it: true, false, 1, 0, blanks around."""
    value = element.get(name)
    return default if value is None else value.strip() in ("true", "1")


def local_name(reference: str) -> str:
    """A QName without its prefix."""
    return reference.strip().rsplit(":", 1)[-1]


def child(element: etree._Element, tag: str) -> etree._Element | None:
    """The first child of the BPMN namespace with a tag."""
    return element.find(f"{{{xml.BPMN}}}{tag}")


def children(element: etree._Element, tag: str) -> list[etree._Element]:
    """All children of the BPMN namespace with a tag."""
    return element.findall(f"{{{xml.BPMN}}}{tag}")
