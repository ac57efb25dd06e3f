"""feelin, the FEEL of JavaScript, for comparison: one start of node for a whole batch of expressions.

`make feelin` installs it (tests/support/feelin). Values come back tagged by kind, so that a date is no text, and are
compared with ours by `same`: numbers to 12 digits (feelin's are doubles), moments and durations by what they mean.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from engine.feel import (
    Environment,
    FeelEvaluationError,
    FeelSyntaxError,
    compile_expression,
    compile_unary_tests,
    from_json,
    temporal,
)
from engine.feel.values import Function, Range, YearsDuration

FOLDER = Path(__file__).parent / "feelin"
VIEWER = Path(__file__).parents[2] / "webui" / "node_modules" / "@bpmn-io" / "feelin" / "dist" / "index.js"
"""The FEEL that the pages show forms with, an older feelin."""
CLOSE = 1e-12
SYNTAX = {"$": "syntax"}


@dataclass(frozen=True, slots=True)
class Item:
    """One expression, or one cell of a table tested with `input`; `source`: where it stands."""

    kind: Literal["expression", "tests"]
    text: str
    variables: dict[str, Any] = field(default_factory=dict)
    input: Any = None
    source: str = ""


def node() -> str:
    """The node that the front end is built with: of the environment, else of the machine."""
    beside = Path(sys.executable).with_name("node")
    found = str(beside) if beside.exists() else shutil.which("node")
    if found is None or not (FOLDER / "node_modules" / "feelin").exists():
        raise FileNotFoundError("feelin is not installed: make feelin")
    return found


def ask(question: dict[str, Any], module: str = "") -> Any:
    """What evaluate.mjs answers, asking `module` instead of feelin. Raises FileNotFoundError without feelin,
    CalledProcessError if node fails."""
    done = subprocess.run(
        [node(), "evaluate.mjs", *([module] if module else [])],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        cwd=FOLDER,
        env={**os.environ, "TZ": "Asia/Shanghai"},
        check=True,
    )
    return json.loads(done.stdout)


def theirs(items: Sequence[Item]) -> list[dict[str, Any]]:
    """feelin's answers, one an item: `value` (tagged), or `syntax`, or `crash`; `warnings`: kinds of them."""
    answers: list[dict[str, Any]] = ask({"items": [asdict(item) for item in items]})
    return answers


def unread_by_viewer(texts: Sequence[str]) -> list[tuple[str, str]]:
    """The expressions that the pages cannot read, each with what their FEEL says."""
    if not VIEWER.exists():
        raise FileNotFoundError("the pages' libraries are not installed: make assets")
    answers = ask({"items": [asdict(Item("expression", text)) for text in texts]}, VIEWER.as_uri())
    return [(text, answer["syntax"]) for text, answer in zip(texts, answers, strict=True) if "syntax" in answer]


def ours(item: Item, env: Environment) -> Any:
    """Our value, tagged as evaluate.mjs tags; `{"$": "syntax"}` or `{"$": key}` for what is refused."""
    try:
        if item.kind == "tests":
            return compile_unary_tests(item.text).matches(from_json(item.input), item.variables, env)
        return tagged(compile_expression(item.text).evaluate(item.variables, env))
    except FeelSyntaxError as error:
        return {**SYNTAX, "key": error.message_key}
    except FeelEvaluationError as error:
        return {"$": error.message_key}


def tagged(value: Any) -> Any:
    """A FEEL value as JSON with tags for what JSON cannot say; null end points of ranges as null."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | float | Decimal):
        return float(value)
    if isinstance(value, datetime):
        return {"$": "date and time", "text": temporal.date_time_text(value)}
    if isinstance(value, date):
        return {"$": "date", "text": temporal.date_text(value)}
    if isinstance(value, time):
        return {"$": "time", "text": temporal.time_text(value)}
    if isinstance(value, timedelta):
        return {"$": "duration", "text": temporal.days_text(value)}
    if isinstance(value, YearsDuration):
        return {"$": "duration", "text": temporal.years_text(value)}
    if isinstance(value, Function):
        return {"$": "function"}
    if isinstance(value, Range):
        ends = [value.start_included, value.end_included]
        return {"$": "range", "ends": ends, "start": tagged(value.start), "end": tagged(value.end)}
    if isinstance(value, dict):
        return {key: tagged(from_json(item)) for key, item in value.items()}
    return [tagged(item) for item in value]


def same(our: Any, their: Any) -> bool:
    """Whether two tagged values mean the same."""
    if isinstance(our, bool) or isinstance(their, bool):
        return our is their
    if isinstance(our, int | float) and isinstance(their, int | float):
        return math.isclose(our, their, rel_tol=CLOSE, abs_tol=1e-15)
    if isinstance(our, list) and isinstance(their, list):
        return len(our) == len(their) and all(map(same, our, their))
    if isinstance(our, dict) and isinstance(their, dict):
        if "$" in our and "text" in our and our["$"] == their.get("$"):
            return bool(_meaning(our) == _meaning(their))
        return our.keys() == their.keys() and all(same(our[key], their[key]) for key in our)
    return bool(our == their)


def _meaning(value: dict[str, Any]) -> Any:
    """A temporal value by what it means: its text where it cannot be read."""
    text = value["text"]
    readers: dict[str, Any] = {
        "date": temporal.parse_date,
        "time": temporal.parse_time,
        "date and time": temporal.parse_date_time,
        "duration": temporal.parse_duration,
    }
    found = readers[value["$"]](text) if value["$"] in readers else None
    return text if found is None else (found, getattr(found, "tzinfo", None) is None)
