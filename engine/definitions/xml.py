"""XML from strangers, parsed without surprises (no DOCTYPE, entities, network, huge trees)."""

from __future__ import annotations

from typing import Any

from lxml import etree

MAX_BYTES = 2_000_000
"""A diagram of 400 nodes is about 400 kB; larger files are not diagrams of one process."""

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
BPMNDI = "http://www.omg.org/spec/BPMN/20100524/DI"
CAMUNDA = "http://camunda.org/schema/1.0/bpmn"


class XmlRefused(Exception):
    """The bytes can't be read as a safe XML document. `key`: catalogue sentence; `line`: 0 when unknown."""

    def __init__(self, key: str, line: int = 0, **details: object) -> None:
        super().__init__(key)
        self.key = key
        self.line = line
        self.details = details


def parse(data: bytes) -> etree._Element:
    """The root element. Raises XmlRefused for anything that is not plain, small, well-formed XML."""
    if len(data) > MAX_BYTES:
        raise XmlRefused("xml.too_large", limit=MAX_BYTES, size=len(data))
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        line = getattr(error, "lineno", 0) or 0
        raise XmlRefused("xml.not_well_formed", line, message=str(error).partition(" (<string>")[0][:200]) from error
    info: Any = root.getroottree().docinfo
    if info.doctype or info.internalDTD is not None:
        raise XmlRefused("xml.doctype", 1)
    return root


def local(element: etree._Element) -> tuple[str, str]:
    """(namespace, local name) of an element."""
    name = etree.QName(element)
    return name.namespace or "", name.localname


def line_of(element: etree._Element) -> int:
    """1-based line of an element in its file, 0 when unknown."""
    return int(getattr(element, "sourceline", 0) or 0)
