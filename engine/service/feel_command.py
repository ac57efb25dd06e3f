"""`feel EXPR`: what an expression gives on case data, for process owners who try one out before they draw it."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from engine.definitions.checks.names import near
from engine.domain.calendar import Calendar, CalendarError, calendar_from
from engine.domain.codec import parse_instant
from engine.feel import (
    Environment,
    FeelEvaluationError,
    FeelSyntaxError,
    called_names,
    compile_expression,
    compile_unary_tests,
    to_json,
    translate_juel,
)
from engine.feel.functions import BUILTINS

from .catalogue import said, sentence


class Unusable(Exception):
    """What was given cannot be tried at all: data that is no JSON object, an instant that is none, no such file."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The arguments of a call, as typed. `cell`: JSON of a value that `expression`, a cell of a table, is tested with;
    "" when it is no cell. `now`: ISO 8601 with offset, "" for the machine's clock."""

    expression: str
    data: str = "{}"
    now: str = ""
    cell: str = ""
    calendar: str = ""
    language: str = "zh"


def feel(asked: Asked, clock: Callable[[], datetime], write: Callable[[str], None], warn: Callable[[str], None]) -> int:
    """Writes the value as JSON and returns 0, or says what is wrong with the expression and returns 1. Names that the
    data lacks are told by the way. Raises Unusable."""
    data = _json(asked.data, "data")
    if not isinstance(data, dict):
        raise Unusable("data: expected a JSON object")
    try:
        now = parse_instant(asked.now) if asked.now else clock()
    except ValueError as error:
        raise Unusable(f"now: {error}") from error
    env = Environment(now, _calendar(asked.calendar))
    text = asked.expression
    if "${" in text or "#{" in text:
        translated = translate_juel(text)
        if translated is None:
            warn(said("dmn.juel", {"text": text}, asked.language))
            return 1
        warn(f"FEEL: {translated}")
        text = translated
    try:
        compiled = compile_unary_tests(text) if asked.cell else compile_expression(text, equals=True)
        unknown = called_names(compiled.text) & (compiled.names | compiled.inner_names)
        for name in sorted(unknown - BUILTINS.keys()):
            warn(_unknown(name, text, asked.language))
            return 1
        for name in sorted(compiled.names - data.keys() - BUILTINS.keys()):
            warn(sentence("feel.no_data", {"name": name}, asked.language))
        if asked.cell:
            value: object = compile_unary_tests(text).matches(_json(asked.cell, "cell"), data, env)
        else:
            value = compile_expression(text, equals=True).evaluate(data, env)
        write(json.dumps(to_json(value), ensure_ascii=False))
    except FeelSyntaxError as error:
        details = {
            "line": error.line,
            "column": error.column,
            "message": said(error.message_key, error.details, asked.language),
        }
        warn(sentence("feel.at", details, asked.language))
        return 1
    except FeelEvaluationError as error:
        warn(said(error.message_key, error.details, asked.language))
        return 1
    return 0


def _unknown(name: str, text: str, language: str) -> str:
    found = near(name, BUILTINS)
    key = "bpmn.unknown_function_near" if found else "bpmn.unknown_function"
    return sentence(key, {"name": name, "text": text, "near": found}, language)


def _json(text: str, what: str) -> object:
    """JSON as typed, or of the file named after `@`."""
    try:
        source = Path(text[1:]).read_text(encoding="utf-8") if text.startswith("@") else text
        return json.loads(source)
    except (OSError, ValueError, RecursionError) as error:
        raise Unusable(f"{what}: {error}") from error


def _calendar(path: str) -> Calendar | None:
    """The calendar of a profile (regulation.toml); none where none is named."""
    if not path:
        return None
    try:
        found = tomllib.loads(Path(path).read_text(encoding="utf-8")).get("calendar")
        return calendar_from(found) if found else None
    except (OSError, ValueError, TypeError, KeyError, CalendarError) as error:
        raise Unusable(f"calendar: {error}") from error
