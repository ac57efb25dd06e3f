"""Writes an event log as XES (IEEE 1849-2016, 1849-2023): a trace a case, streamed; and our own extension to it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from lxml import etree

from engine.domain.calendar import ZONE

from .mining_model import CASE_FIELDS, EVENT_FIELDS, TYPES, Mined, MinedCase, Sink, Value, called

VERSION: Final = "2.0"
"""Version of the standard; a decimal in its schema."""
PREFIX: Final = "opinion"
OWN_URI: Final = "urn:opinion-handling:xes:opinion.xesext"
"""Names our extension; its text is `extension()`, which needs no server on the network."""
EXTENSIONS: Final = (
    ("Concept", "concept", "http://www.xes-standard.org/concept.xesext"),
    ("Lifecycle", "lifecycle", "http://www.xes-standard.org/lifecycle.xesext"),
    ("Time", "time", "http://www.xes-standard.org/time.xesext"),
    ("Organizational", "org", "http://www.xes-standard.org/org.xesext"),
    ("ID", "identity", "http://www.xes-standard.org/identity.xesext"),
    ("Opinion", PREFIX, OWN_URI),
)
"""Name, prefix, URI: standard extensions (clause 7 of the standard), then ours."""
CLASSIFIERS: Final = (
    ("Activity", "concept:name"),
    ("ActivityAndTransition", "concept:name lifecycle:transition"),
    ("Element", "opinion:element"),
    ("Resource", "org:resource"),
)
"""By what events may be compared; each key is a global attribute of events."""
_NOTHING: Final = "1970-01-01T00:00:00.000+00:00"
GLOBAL_EVENT: Final = (
    ("string", "concept:name", "unknown"),
    ("string", "concept:instance", "unknown"),
    ("string", "lifecycle:transition", "complete"),
    ("date", "time:timestamp", _NOTHING),
    ("string", "org:resource", "unknown"),
    ("id", "identity:id", "00000000-0000-8000-8000-000000000000"),
    ("string", "opinion:kind", "unknown"),
    ("string", "opinion:element", "unknown"),
    ("int", "opinion:seq", "0"),
)
GLOBAL_TRACE: Final = (
    ("string", "concept:name", "unknown"),
    ("id", "identity:id", "00000000-0000-8000-8000-000000000000"),
    ("string", "opinion:status", "unknown"),
)
"""What every event and every trace has: element, key, value where a reader finds none."""
_UNWRITABLE: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def writable(text: str) -> str:
    """Without the characters that XML 1.0 cannot hold."""
    return _UNWRITABLE.sub("\ufffd", text)


def identity(name: str) -> str:
    """The same UUID for the same name (RFC 9562 version 8: bits of a hash)."""
    digest = hashlib.sha256(f"{OWN_URI}#{name}".encode()).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-8{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}"


def moment(at: datetime) -> str:
    """An instant in Asia/Shanghai with its offset, as xs:dateTime."""
    return at.astimezone(ZONE).isoformat(timespec="microseconds")


def _text(value: Value) -> str:
    if isinstance(value, datetime):
        return moment(value)
    return str(value).lower() if isinstance(value, bool) else writable(str(value))


def _add(parent: etree._Element, kind: str, key: str, value: str) -> None:
    etree.SubElement(parent, kind, {"key": key, "value": value})


def _own(parent: etree._Element, fields: Mapping[str, Value], known: Mapping[str, str]) -> None:
    for name in known:
        if name in fields:
            value = fields[name]
            _add(parent, TYPES[type(value)], f"{PREFIX}:{name}", _text(value))


def write(cases: Iterable[MinedCase], out: Sink, watermark: str, about: str) -> None:
    """Writes the whole log. `watermark`: who took it out; `about`: what was asked for. One case in memory."""
    with etree.xmlfile(out, encoding="utf-8") as xml:
        xml.write_declaration()
        with xml.element("log", {"xes.version": VERSION, "xes.features": "nested-attributes"}):
            for name, prefix, uri in EXTENSIONS:
                xml.write(etree.Element("extension", {"name": name, "prefix": prefix, "uri": uri}), pretty_print=True)
            for scope, attributes in (("trace", GLOBAL_TRACE), ("event", GLOBAL_EVENT)):
                given = etree.Element("global", {"scope": scope})
                for kind, key, value in attributes:
                    _add(given, kind, key, value)
                xml.write(given, pretty_print=True)
            for name, keys in CLASSIFIERS:
                shown = {"name": name, "scope": "event", "keys": keys}
                xml.write(etree.Element("classifier", shown), pretty_print=True)
            for key, value in (
                ("concept:name", writable(about)),
                ("lifecycle:model", "standard"),
                (f"{PREFIX}:watermark", writable(watermark)),
            ):
                xml.write(etree.Element("string", {"key": key, "value": value}), pretty_print=True)
            for case in cases:
                xml.write(_trace(case), pretty_print=True)


def _trace(case: MinedCase) -> etree._Element:
    trace = etree.Element("trace")
    _add(trace, "string", "concept:name", case.case_id)
    _add(trace, "id", "identity:id", identity(case.case_id))
    _own(trace, case.fields, CASE_FIELDS)
    for event in case.events:
        _event(etree.SubElement(trace, "event"), event)
    return trace


def _event(made: etree._Element, event: Mined) -> None:
    _add(made, "string", "concept:name", writable(event.activity))
    _add(made, "string", "concept:instance", writable(event.instance))
    _add(made, "string", "lifecycle:transition", event.transition)
    _add(made, "date", "time:timestamp", moment(event.at))
    _add(made, "string", "org:resource", writable(event.resource))
    if event.role:
        _add(made, "string", "org:role", event.role)
    if event.fields.get("unit"):
        _add(made, "string", "org:group", _text(event.fields["unit"]))
    _add(made, "id", "identity:id", identity(event.id))
    _own(made, event.fields, EVENT_FIELDS)


def extension() -> bytes:
    """The definition of our extension (XESEXT, clause 6 of the standard): every attribute with its type and name."""
    root = etree.Element("xesextension", {"name": "Opinion", "prefix": PREFIX, "uri": OWN_URI})
    for level, fields in (("log", {"watermark": "string"}), ("trace", CASE_FIELDS), ("event", EVENT_FIELDS)):
        holder = etree.SubElement(root, level)
        for name, kind in fields.items():
            attribute = etree.SubElement(holder, kind, {"key": name})
            for language in ("en", "zh"):
                named = etree.SubElement(attribute, "alias", {"mapping": language.upper()})
                named.set("name", called(name, language))
    return etree.tostring(root, xml_declaration=True, encoding="utf-8", pretty_print=True)
