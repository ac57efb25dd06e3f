"""Writes an event log as OCEL 2.0 (specification of 2023-10-16), as JSON or XML.

Both formats want the types first and the objects before the events, and an object may go on changing until the last
case is read: so cases are written to two temporary files, which are then put together. One case is in memory, and the
units and people of the whole log.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, Protocol

from lxml import etree

from engine.domain.codec import instant_text

from .mining_model import EVENT_FIELDS, OBJECT_FIELDS, Mined, MinedCase, MinedObject, Sink, Value
from .mining_xes import writable

TYPE_NAMES: Final[Mapping[str, str]] = {
    "string": "string",
    "date": "time",
    "int": "integer",
    "float": "float",
    "boolean": "boolean",
}
"""Types of XES -> types of OCEL."""
SHARED: Final = frozenset({"unit", "person"})
"""Objects of many cases."""
_COPY: Final = 1 << 20

Described = Callable[[MinedObject], MinedObject]
"""Gives an object of many cases what a directory knows of it."""


class Format(Protocol):
    """How one format writes the parts of a log, each as bytes of its own."""

    def types(self, events: Mapping[str, Mapping[str, str]], watermark: str) -> bytes: ...
    def object(self, one: MinedObject, first: bool) -> bytes: ...
    def event(self, one: Mined, first: bool) -> bytes: ...
    def between(self) -> bytes: ...
    def end(self) -> bytes: ...


def text(value: Value) -> str:
    """A value as the schemas of both formats want it: always a text, read by the type that was declared."""
    if isinstance(value, datetime):
        return instant_text(value)
    return str(value).lower() if isinstance(value, bool) else writable(str(value))


def write(cases: Iterable[MinedCase], out: Sink, watermark: str, form: Format, described: Described) -> None:
    """Writes the whole log."""
    types: dict[str, dict[str, str]] = {}
    shared: dict[str, MinedObject] = {}
    with tempfile.TemporaryFile() as objects, tempfile.TemporaryFile() as events:
        for case in cases:
            for one in case.objects:
                if one.type in SHARED:
                    shared.setdefault(one.id, one)
                else:
                    objects.write(form.object(one, objects.tell() == 0))
            for event in case.events:
                fields = types.setdefault(event.type, {})
                for name in event.fields:
                    fields[name] = EVENT_FIELDS[name]
                events.write(form.event(event, events.tell() == 0))
        for one in shared.values():
            objects.write(form.object(described(one), objects.tell() == 0))
        out.write(form.types(types, watermark))
        for part, after in ((objects, form.between()), (events, form.end())):
            part.seek(0)
            shutil.copyfileobj(part, out, _COPY)
            out.write(after)


def _declared(types: Mapping[str, Mapping[str, str]]) -> list[dict[str, Any]]:
    return [
        {
            "name": writable(name),
            "attributes": [{"name": field, "type": TYPE_NAMES[kind]} for field, kind in sorted(fields.items())],
        }
        for name, fields in sorted(types.items())
    ]


class Json:
    """`watermark` is a member of its own beside the four of the standard, which leaves room for it."""

    def types(self, events: Mapping[str, Mapping[str, str]], watermark: str) -> bytes:
        head = {"watermark": watermark, "objectTypes": _declared(OBJECT_FIELDS), "eventTypes": _declared(events)}
        return json.dumps(head, ensure_ascii=False)[:-1].encode() + b',\n"objects": [\n'

    def object(self, one: MinedObject, first: bool) -> bytes:
        made: dict[str, Any] = {
            "id": writable(one.id),
            "type": one.type,
            "attributes": [
                {"name": name, "time": instant_text(at), "value": text(value)} for name, value, at in one.changes
            ],
            "relationships": _related(one.related),
        }
        return _line(made, first)

    def event(self, one: Mined, first: bool) -> bytes:
        made: dict[str, Any] = {
            "id": one.id,
            "type": writable(one.type),
            "time": instant_text(one.at),
            "attributes": [{"name": name, "value": text(value)} for name, value in one.fields.items()],
            "relationships": _related(one.objects),
        }
        return _line(made, first)

    def between(self) -> bytes:
        return b'\n],\n"events": [\n'

    def end(self) -> bytes:
        return b"\n]}\n"


def _related(pairs: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"objectId": writable(ident), "qualifier": qualifier} for ident, qualifier in dict.fromkeys(pairs)]


def _line(made: Mapping[str, Any], first: bool) -> bytes:
    return (b"" if first else b",\n") + json.dumps(made, ensure_ascii=False).encode()


class Xml:
    """The watermark is a comment."""

    def types(self, events: Mapping[str, Mapping[str, str]], watermark: str) -> bytes:
        made = (
            '<?xml version="1.0" encoding="UTF-8"?>\n<!-- ' + writable(watermark).replace("--", "- -") + " -->\n<log>\n"
        )
        for holder, kind, types in (
            ("object-types", "object-type", OBJECT_FIELDS),
            ("event-types", "event-type", events),
        ):
            root = etree.Element(holder)
            for declared in _declared(types):
                attributes = etree.SubElement(etree.SubElement(root, kind, name=declared["name"]), "attributes")
                for attribute in declared["attributes"]:
                    etree.SubElement(attributes, "attribute", attribute)
            made += etree.tostring(root, encoding="unicode") + "\n"
        return (made + "<objects>\n").encode()

    def object(self, one: MinedObject, first: bool) -> bytes:
        made = etree.Element("object", id=writable(one.id), type=one.type)
        attributes = etree.SubElement(made, "attributes")
        for name, value, at in one.changes:
            etree.SubElement(attributes, "attribute", name=name, time=instant_text(at)).text = text(value)
        return _element(made, one.related)

    def event(self, one: Mined, first: bool) -> bytes:
        made = etree.Element("event", id=one.id, type=writable(one.type), time=instant_text(one.at))
        attributes = etree.SubElement(made, "attributes")
        for name, value in one.fields.items():
            etree.SubElement(attributes, "attribute", name=name).text = text(value)
        return _element(made, one.objects)

    def between(self) -> bytes:
        return b"</objects>\n<events>\n"

    def end(self) -> bytes:
        return b"</events>\n</log>\n"


def _element(made: etree._Element, related: Iterable[tuple[str, str]]) -> bytes:
    objects = etree.SubElement(made, "objects")
    for ident, qualifier in dict.fromkeys(related):
        etree.SubElement(objects, "relationship", {"object-id": writable(ident), "qualifier": qualifier})
    return etree.tostring(made, encoding="utf-8") + b"\n"
