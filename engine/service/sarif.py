"""Findings as SARIF 2.1.0 (OASIS), the format in which code hosts take the results of checks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

from engine import VERSION

from .catalogue import sentences
from .finding_rows import Row

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS: Final = {"error": "error", "warning": "warning", "info": "note"}


def as_sarif(found: Sequence[Row], language: str) -> str:
    """One run; a rule for each code that occurs, a result for each row, in the order of the rows."""
    codes = sorted({one.code for one in found})
    run = {
        "tool": {
            "driver": {
                "name": "opinion-cases check",
                "version": VERSION,
                "semanticVersion": VERSION,
                "rules": [_rule(code, language) for code in codes],
            }
        },
        "columnKind": "utf16CodeUnits",
        "results": [_result(one, codes.index(one.code)) for one in found],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, ensure_ascii=False, indent=1)


def _rule(code: str, language: str) -> dict[str, Any]:
    known = sentences(language)
    rule: dict[str, Any] = {"id": code, "shortDescription": {"text": known.get(code, code)}}
    if f"{code}.todo" in known:
        rule["help"] = {"text": known[f"{code}.todo"]}
    return rule


def _result(one: Row, rule: int) -> dict[str, Any]:
    place: dict[str, Any] = {"physicalLocation": {"artifactLocation": {"uri": _uri(one.file)}}}
    if one.line:
        place["physicalLocation"]["region"] = {"startLine": one.line}
    if one.element_id:
        logical = {"name": one.element_name or one.element_id, "fullyQualifiedName": one.element_id, "kind": "element"}
        place["logicalLocations"] = [logical]
    text = f"{one.message}\n{one.hint}" if one.hint else one.message
    return {
        "ruleId": one.code,
        "ruleIndex": rule,
        "level": LEVELS[one.severity],
        "message": {"text": text},
        "locations": [place],
    }


def _uri(path: str) -> str:
    """A relative or absolute path as a URI reference (RFC 3986)."""
    text = quote(path.replace("\\", "/"), safe="/!")
    return f"file://{text}" if text.startswith("/") else text
