"""Every FEEL text of the shipped bundle and of docs/feel.md, with made-up case data to try it on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from lxml import etree

from engine.definitions.form_expressions import is_template
from engine.definitions.xml import local, parse
from engine.feel import FeelSyntaxError, compile_expression, compile_unary_tests
from engine.feel.functions import BUILTINS
from tests.support.feelin_batch import Item

ROOT = Path(__file__).parents[2]
ROUNDS = 3
"""Sets of made-up data that each text is tried on."""
_INSERT = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_BPMN_TEXTS = frozenset(
    {"conditionExpression", "script", "timeDate", "timeDuration", "timeCycle", "loopCardinality", "completionCondition"}
)
_OWN = tuple(f"{name}(" for name, signatures in BUILTINS.items() if signatures[0].own or name in ("now", "today"))


def texts() -> list[tuple[str, str, str]]:
    """(file, `expression` or `tests`, FEEL text), each text of a file once."""
    found: dict[tuple[str, str, str], None] = {}
    for path in sorted([*ROOT.glob("forms/*.form"), *ROOT.glob("bpmn/*.*mn"), ROOT / "docs" / "feel.md"]):
        name = str(path.relative_to(ROOT))
        for kind, text in _in_file(path):
            if _reads(kind, text):
                found.setdefault((name, kind, text))
    return list(found)


def _in_file(path: Path) -> Iterator[tuple[str, str]]:
    if path.suffix == ".form":
        yield from (("expression", text) for text in _in_json(json.loads(path.read_text("utf-8"))))
    elif path.suffix == ".md":
        examples = False
        for line in path.read_text("utf-8").splitlines():
            if line.startswith("## "):
                examples = line.startswith(("## 函数", "## 运算"))
            codes = re.findall(r"`([^`]+)`", line) if line.startswith("|") else []
            # A row of a function or operator: how it is written, an example, what the example gives.
            yield from (("expression", text) for text in (codes[-2:-1] if examples else codes))
    else:
        yield from _in_xml(parse(path.read_bytes()))


def _in_json(value: Any) -> Iterator[str]:
    if isinstance(value, str) and value.startswith("="):
        yield value[1:]
    elif isinstance(value, str) and is_template(value):
        yield from (text.strip() for text in _INSERT.findall(value))
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _in_json(item)


def _in_xml(root: etree._Element) -> Iterator[tuple[str, str]]:
    for element in root.iter():
        name = local(element)[1]
        text = "".join(str(part) for part in element.itertext()).strip()
        if name == "inputEntry":
            yield "tests", text
        elif name in _BPMN_TEXTS or name in ("inputExpression", "outputEntry", "literalExpression"):
            yield "expression", text.removeprefix("=")
        for value in element.attrib.values():
            if str(value).startswith("="):
                yield "expression", str(value)[1:]


def _reads(kind: str, text: str) -> bool:
    try:
        (compile_unary_tests if kind == "tests" else compile_expression)(text)
    except FeelSyntaxError:
        return False
    return bool(text)


def items(seed: int) -> list[Item]:
    """The texts that feelin has every function for, each with ROUNDS sets of made-up data."""
    made: list[Item] = []
    for file, kind, text in texts():
        if any(own in text for own in _OWN):
            continue
        compiled = (compile_unary_tests if kind == "tests" else compile_expression)(text)
        for number in range(ROUNDS):
            random = Random(f"{seed} {number} {text}")
            variables = {name: _value(random, name) for name in sorted(compiled.names | compiled.inner_names)}
            tested = _tested(random, text) if kind == "tests" else None
            made.append(Item("tests" if kind == "tests" else "expression", text, variables, tested, file))
    return made


def _value(random: Random, name: str) -> Any:
    """Case data as fields of that name hold it."""
    moment = "2026-11-20T08:30:00+08:00"
    pools: dict[str, tuple[Any, ...]] = {
        "_at": (moment, "2026-11-21T00:00:00+08:00", None),
        "s": (
            ["耕保科", "禹州局"],
            [],
            [{"name": "甲", "ok": True, "unit": "禹州局"}, {"name": "乙", "ok": False}],
            None,
        ),
    }
    other = ("major_negative", "general", "", 0, 3, 12, True, False, None, {"name": "甲", "ok": True, "at": moment})
    pool = next((values for end, values in pools.items() if name.endswith(end)), other)
    return pool[random.randrange(len(pool))]


def _tested(random: Random, text: str) -> Any:
    """A value for a cell: one of its own literals or another."""
    literals = [json.loads(found) for found in re.findall(r'"[^"\\]*"|\b\d+\b', text)]
    values = [*literals, *literals, "other", 5, True, None]
    return values[random.randrange(len(values))]
