"""Every place of a file where an attribute, a text or a value can be changed, and the file with that one changed."""

from __future__ import annotations

import copy
import json
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from lxml import etree

from engine.definitions.xml import XmlRefused, parse

MARK = "Zz9"
"""What a mutation appends; nothing shipped contains it."""


@dataclass(frozen=True)
class Mutation:
    """`kind`: of the element and of what is changed in it; `make`: the changed file, None where that is no file."""

    what: str
    kind: tuple[str, str]
    make: Callable[[], bytes | None]


def of_file(path: str, data: bytes) -> Iterator[Mutation]:
    """Every mutation of a file."""
    if path.endswith(".form"):
        return _json(json.loads(data))
    return _toml(data) if path.endswith(".toml") else of_xml(data)


def of_xml(data: bytes) -> Iterator[Mutation]:
    """Every attribute changed and taken away, every text changed, a text put where there is none."""
    try:
        root = parse(data)
    except XmlRefused:
        return
    for element in root.iter():
        tag, local = str(element.tag), etree.QName(element).localname
        for name, value in element.items():
            where = f"{local}@{name} {value}"
            yield Mutation(where, (tag, str(name)), partial(_attribute, element, name, f"{value}{MARK}"))
            yield Mutation(f"without {where}", (tag, f"-{name}"), partial(_attribute, element, name, None))
        text = element.text or ""
        if text.strip():
            yield Mutation(f"{local} {text}", (tag, "text"), partial(_text, element, f"{text}{MARK}"))
        elif len(element) == 0:
            yield Mutation(f"{local} empty", (tag, "empty"), partial(_text, element, MARK))


def _attribute(element: etree._Element, name: Any, value: str | None) -> bytes:
    before = list(element.items())
    if value is None:
        del element.attrib[name]
    else:
        element.attrib[name] = value
    made = etree.tostring(element.getroottree())
    element.attrib.clear()
    element.attrib.update(before)
    return made


def _text(element: etree._Element, text: str) -> bytes:
    before, element.text = element.text, text
    made = etree.tostring(element.getroottree())
    element.text = before
    return made


def _json(loaded: Any) -> Iterator[Mutation]:
    for path, value in _leaves(loaded):
        kind = ("json", path[-1] if isinstance(path[-1], str) else "item")
        yield Mutation("/".join(map(str, path)), kind, partial(_put, loaded, path, value))


def _put(loaded: Any, path: tuple[Any, ...], value: Any) -> bytes:
    changed = copy.deepcopy(loaded)
    holder = changed
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = _other(value)
    return json.dumps(changed, ensure_ascii=False).encode()


def _other(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + 1
    return MARK if value is None else f"{value}{MARK}"


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if isinstance(value, dict):
        for name, inside in value.items():
            yield from _leaves(inside, (*path, name))
    elif isinstance(value, list):
        for place, inside in enumerate(value):
            yield from _leaves(inside, (*path, place))
    else:
        yield path, value


def _toml(data: bytes) -> Iterator[Mutation]:
    """Every key is renamed, every text, number or truth changed, in the file as it is written."""
    lines = data.decode().split("\n")
    table = ""
    for number, line in enumerate(lines):
        if line.startswith("["):
            table = line
        name, equals, _ = line.partition(" = ")
        if equals and not line.startswith("#"):
            for what, changed in (("key", f"{name}{MARK}{line[len(name) :]}"), ("value", _value(line))):
                kind = (table.partition(".")[0], what)
                text = "\n".join([*lines[:number], changed, *lines[number + 1 :]])
                yield Mutation(f"{table} {name} {what}", kind, partial(_if_read, text, data))


def _if_read(text: str, before: bytes) -> bytes | None:
    try:
        said = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None
    return text.encode() if said != tomllib.loads(before.decode()) else None


def _value(line: str) -> str:
    """The line with its first text, number or truth changed."""
    name, _, value = line.partition(" = ")
    for quote in ('"', "'"):
        if quote in value:
            at = value.index(quote) + 1
            return f"{name} = {value[:at]}{MARK}{value[at:]}"
    digits = next((at for at, letter in enumerate(value) if letter.isdigit()), None)
    if digits is not None:
        return f"{name} = {value[:digits]}1{value[digits:]}"
    return f"{name} = false" if value.startswith("true") else f"{name} = true"
