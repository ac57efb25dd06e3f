"""Reads the plain YAML of our own deployment files: mappings, lists, scalars, anchors and merges. Nothing more.

Strict where YAML is lax: tabs, doubled keys, odd indentation and unknown aliases raise ValueError.
"""

from __future__ import annotations

import json
import re
from typing import Any

_KEY = re.compile(r"([A-Za-z_<][\w.<-]*):(?: +(.*))?$")
_ANCHOR = re.compile(r"&(\w+)(?: +(.*))?$")


def read(text: str) -> Any:
    """The document as dicts, lists and strings."""
    lines = []
    for number, line in enumerate(text.splitlines(), 1):
        if "\t" in line:
            raise ValueError(f"line {number}: a tab")
        if line.strip() and not line.lstrip().startswith("#"):
            lines.append((number, len(line) - len(line.lstrip()), line.strip()))
    reader = _Reader(lines)
    value = reader.block(0)
    if reader.lines:
        raise ValueError(f"line {reader.lines[0][0]}: indented by an odd amount")
    return value


class _Reader:
    def __init__(self, lines: list[tuple[int, int, str]]) -> None:
        self.lines = lines
        self.anchors: dict[str, Any] = {}

    def block(self, indent: int) -> Any:
        is_list = self.lines[0][2].startswith("- ")
        return self._list(indent) if is_list else self._mapping(indent)

    def _list(self, indent: int) -> list[Any]:
        found = []
        while self.lines and self.lines[0][1] == indent and self.lines[0][2].startswith("- "):
            number, _, line = self.lines[0]
            rest = line[2:]
            if _KEY.match(rest) and not rest.startswith(('"', "'")):
                self.lines[0] = (number, indent + 2, rest)  # a mapping that begins on the line of its dash
                found.append(self._mapping(indent + 2))
            else:
                self.lines.pop(0)
                found.append(self._scalar(number, rest))
        return found

    def _mapping(self, indent: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        while self.lines and self.lines[0][1] == indent and not self.lines[0][2].startswith("- "):
            number, _, line = self.lines.pop(0)
            match = _KEY.match(line)
            if match is None:
                raise ValueError(f"line {number}: expected `key: value`, got {line!r}")
            key, value = match[1], self._value(number, match[2] or "", indent)
            if key == "<<":
                merged |= value
            elif key in found:
                raise ValueError(f"line {number}: {key} is there twice")
            else:
                found[key] = value
        return {**merged, **found}

    def _value(self, number: int, text: str, indent: int) -> Any:
        anchor = _ANCHOR.match(text)
        if anchor:
            text = anchor[2] or ""
        deeper = self.lines and (
            self.lines[0][1] > indent or (self.lines[0][1] == indent and self.lines[0][2].startswith("- "))
        )
        value = self._scalar(number, text) if text else self.block(self.lines[0][1]) if deeper else None
        if anchor:
            self.anchors[anchor[1]] = value
        return value

    def _scalar(self, number: int, text: str) -> Any:
        if text.startswith("*"):
            if text[1:] not in self.anchors:
                raise ValueError(f"line {number}: unknown alias {text}")
            return self.anchors[text[1:]]
        if text[0] in '"[':
            return json.loads(text)
        return text
