"""Findings as other programs and people at a terminal read them: rows in words, JSON, plain text.

A row always names an element. Where a finding is about the file as a whole, or about an element that has no id, the
nearest element around it that has one stands for it, else the tag of the root.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from engine.definitions.model import Finding

from .catalogue import advice, said, sentence

_SEVERITY: Final = "deploy.severity."
_TAG: Final = re.compile(r"<(/?)([A-Za-z_][\w.:-]*)([^<>]*)")
_ID: Final = re.compile(r"""\sid\s*=\s*["']([^"'<>]+)["']""")


@dataclass(frozen=True, slots=True)
class Row:
    """One finding. `file`: as the caller named it; `code`: key of the catalogue; `severity`: error (refused), warning
    or info; `line`: from 1, 0 when there is no such line; `hint`: what to do, "" if nothing is known."""

    file: str
    code: str
    severity: str
    element_id: str
    element_name: str
    line: int
    message: str
    hint: str


class Outline:
    """Which element of a file stands for a line. Works on text, not on a tree: it also has to serve files that are no
    XML, and is made in one pass however broken they are."""

    def __init__(self, data: bytes) -> None:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8", "replace")
        self._lines: list[int] = []
        self._names: list[str] = []
        around: list[str] = []
        line, seen = 1, 0
        for found in _TAG.finditer(text):
            if found[1]:
                del around[-1:]
                continue
            line += text.count("\n", seen, found.start())
            seen = found.start()
            ident = _ID.search(found[3])
            own = ident[1].strip() if ident else ""
            name = own or (around[-1] if around else found[2].rstrip(":").rpartition(":")[2])
            self._lines.append(line)
            self._names.append(name)
            if not found[3].endswith("/"):
                around.append(name)

    def place(self, line: int) -> tuple[str, int]:
        """(id or tag, line) of the last element that begins at or before `line`, by its own id or that of the nearest
        element around it; of the root where `line` is 0. A file without any tag lacks its `definitions`."""
        if not self._lines:
            return "definitions", max(line, 1)
        at = max(bisect_right(self._lines, line) - 1, 0) if line else 0
        return self._names[at], line or self._lines[0]


def rows(findings: Iterable[Finding], file: str, data: bytes, language: str) -> list[Row]:
    """The rows of findings about `file`, whose bytes are `data` (empty when it could not be read)."""
    outline: Outline | None = None
    made = []
    for finding in findings:
        element, line = finding.element, finding.line
        if not element and finding.file:
            outline = outline or Outline(data)
            element, line = outline.place(line)
        made.append(_row(finding, file, element, line, language))
    return made


def _row(finding: Finding, file: str, element: str, line: int, language: str) -> Row:
    message = said(finding.key, finding.details, language)
    if element:
        named = "finding.named" if finding.name and finding.name != element else "finding.element"
        blanks = {"name": finding.name, "element": element, "message": message}
        message = sentence(named, blanks, language)
    hint = advice(finding.key, finding.details, language)
    return Row(file, finding.key, finding.severity, element, finding.name, line, message, hint)


def as_json(found: Iterable[Row]) -> str:
    """A JSON list of objects with the fields of `Row`."""
    return json.dumps([asdict(one) for one in found], ensure_ascii=False, indent=1)


def as_text(found: Sequence[Row], language: str) -> str:
    """`file:line: severity: message [code]` with what to do below; notes after what matters more; then how it went."""
    lines = []
    for one in sorted(found, key=lambda one: one.severity == "info"):
        where = f"{one.file}:{one.line}" if one.line else one.file
        lines.append(f"{where}: {sentence(_SEVERITY + one.severity, {}, language)}: {one.message} [{one.code}]")
        if one.hint:
            lines.append(f"    {one.hint}")
    counts = {
        name: sum(one.severity == severity for one in found)
        for name, severity in (("errors", "error"), ("warnings", "warning"), ("notes", "info"))
    }
    passed = not counts["errors"] and not counts["warnings"]
    ending = "finding.counts" if not passed else "finding.passed_notes" if counts["notes"] else "finding.passed"
    return "\n".join([*lines, sentence(ending, counts, language)])
