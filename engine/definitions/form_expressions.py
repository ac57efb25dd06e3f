"""FEEL inside forms: values, conditions and templates, evaluated as form-js evaluates them.

In a `.form` file an expression begins with `=`. Conditions (`conditional.hide`, `readonly`) are unary tests without an
input value, which has one surprising consequence, measured with the viewer: a condition that is null HOLDS
(`=count > 5` hides its field while `count` is empty), because null is then compared with the missing input, null.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Final

from engine import feel
from engine.definitions.form_javascript import json_number, text_of
from engine.domain.codec import JSON
from engine.feel import Environment, FeelSyntaxError

_NOT: Final = re.compile(r"\s*not\s*\(", re.ASCII)
_INSERT: Final = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_KEYWORDS: Final = frozenset(
    (
        *("if", "then", "else", "for", "in", "return", "some", "every", "satisfies", "and", "or", "between"),
        *("function", "external", "true", "false", "null", "not"),
    )
)
_TOKEN: Final = re.compile(r"`[^`\n]+`|[^\W\d]\w*|\S", re.UNICODE)


def is_expression(value: object) -> bool:
    return isinstance(value, str) and value.startswith("=")


def is_template(value: object) -> bool:
    """Whether a text holds `{{...}}`."""
    return isinstance(value, str) and _INSERT.search(value) is not None


def value_of(value: object, names: Mapping[str, object], env: Environment) -> object:
    """The FEEL value of an expression; anything else as it is. Raises FeelEvaluationError (budget)."""
    if not is_expression(value):
        return value
    compiled = _compiled(str(value)[1:])
    return None if compiled is None else compiled.evaluate(names, env)


def json_of(value: object, names: Mapping[str, object], env: Environment) -> JSON:
    """The same as JSON: numbers as int or float, dates as ISO text."""
    found = value_of(value, names, env)
    if not is_expression(value):
        return found
    whole = feel.to_json(found)
    return _doubles(found, whole)


def _doubles(value: object, lowered: JSON) -> JSON:
    """`lowered` with numbers as JavaScript has them: a third is 0.3333333333333333, not the text of 34 digits."""
    if isinstance(value, Decimal):
        return json_number(value)
    if isinstance(value, list):
        return [_doubles(item, low) for item, low in zip(value, lowered, strict=True)]
    if isinstance(value, dict):
        return {str(key): _doubles(item, lowered[str(key)]) for key, item in value.items()}
    return lowered


def holds(condition: str, names: Mapping[str, object], env: Environment) -> bool:
    """Whether a condition holds, in the sense above. A text that is no expression never does."""
    if not is_expression(condition):
        return False
    negated, parts = _parts(condition[1:])
    return any(_part_holds(part, names, env) for part in parts) != negated


def _part_holds(part: str, names: Mapping[str, object], env: Environment) -> bool:
    if part == "-":
        return True
    compiled = _compiled(part)
    if compiled is None:
        return False  # `> 5` and the like compare with the missing input: never true
    value = compiled.evaluate(names, env)
    return value is None or value is True or (isinstance(value, list) and None in value)


def syntax_error(text: object, *, condition: bool = False) -> FeelSyntaxError | None:
    """Why an expression of a form cannot be read, or None."""
    if not is_expression(text):
        return None
    try:
        (feel.compile_unary_tests if condition else feel.compile_expression)(str(text)[1:])
    except FeelSyntaxError as error:
        return error
    return None


def line_break(text: object) -> bool:
    """Whether a text in an expression is broken over lines, which DMN does not allow and form-js cannot read."""
    return isinstance(text, str) and any("\n" in quoted for quoted in _QUOTED.findall(text))


def filled(text: str, names: Mapping[str, object], env: Environment) -> str:
    """A label with its expressions filled in, first line only; blocks (`{{#if}}`) and faults leave nothing."""

    def insert(found: re.Match[str]) -> str:
        return "" if found[1][:1] in ("#", "/") else _shown(f"={found[1]}", names, env)

    return (_shown(text, names, env) if is_expression(text) else _INSERT.sub(insert, text)).split("\n")[0]


def template_expressions(text: str) -> Iterator[tuple[str, int]]:
    """The expressions in `{{...}}` with how many loops enclose each; inside a loop names mean the item's entries."""
    loops = 0
    for found in _INSERT.finditer(text):
        inner = found[1].strip()
        if inner.startswith("/loop"):
            loops -= 1
        elif inner.startswith("#"):
            kind, _, expression = inner[1:].partition(" ")
            yield expression, loops
            loops += kind == "loop"
        elif not inner.startswith("/"):
            yield inner, loops


@lru_cache(maxsize=4_096)
def names_read(expression: str) -> frozenset[tuple[str, ...]]:
    """The names that an expression (without `=`) may read, as paths: `a.b > c` gives ("a", "b") and ("c",).

    A text that is no expression, which the viewer cannot evaluate either, reads nothing.
    """
    compiled = _reader(expression)
    if compiled is None:
        return frozenset()
    free = compiled.names | compiled.inner_names
    found = {path for path in _dotted_names(expression) if path[0] in free}
    return frozenset(found | {(name,) for name in free - {path[0] for path in found}})


def _dotted_names(expression: str) -> set[tuple[str, ...]]:
    """Every dotted name in the text that is not called as a function; more than the free ones."""
    tokens = _TOKEN.findall(_QUOTED.sub('""', expression))
    out: set[tuple[str, ...]] = set()
    at = 0
    while at < len(tokens):
        if not _is_name(tokens[at]) or tokens[at] in _KEYWORDS or (at and tokens[at - 1] == "."):
            at += 1
            continue
        words = at
        while words + 1 < len(tokens) and _is_name(tokens[words + 1]) and tokens[words + 1] not in _KEYWORDS:
            words += 1
        chain, end = [" ".join(map(_bare, tokens[at : words + 1]))], words + 1
        while end + 1 < len(tokens) and tokens[end] == "." and _is_name(tokens[end + 1]):
            chain.append(_bare(tokens[end + 1]))
            end += 2
        following = tokens[end] if end < len(tokens) else ""
        if following != "(" and not (following == ":" and len(chain) == 1):
            out.add(tuple(chain))
            out.update((_bare(word),) for word in tokens[at : words + 1] if words > at)
        at = end
    return out


def _is_name(token: str) -> bool:
    return token[0] == "`" or token[0].isalpha() or token[0] == "_"


def _bare(token: str) -> str:
    return token.strip("`")


def _shown(expression: str, names: Mapping[str, object], env: Environment) -> str:
    value = json_of(expression, names, env)
    return "" if value is None else text_of(value)


def _compiled(text: str) -> feel.Expression | None:
    try:
        return feel.compile_expression(text)
    except FeelSyntaxError:
        return None


def _reader(text: str) -> feel.Expression | feel.UnaryTests | None:
    """What knows the names of a text: the expression, or the unary tests of a condition."""
    try:
        return _compiled(text) or feel.compile_unary_tests(text)
    except FeelSyntaxError:
        return None


@lru_cache(maxsize=1_024)
def _parts(text: str) -> tuple[bool, tuple[str, ...]]:
    """The tests of a condition, and whether `not(...)` is around them all."""
    found = _NOT.match(text)
    negated = found is not None and _closes_at_end(text, found.end())
    body = text.rstrip()[found.end() : -1] if found is not None and negated else text
    marks = [at for at, depth in _depths(body) if body[at] == "," and depth == 0]
    edges = zip([-1, *marks], [*marks, len(body)], strict=True)
    return negated, tuple(body[start + 1 : end].strip() for start, end in edges)


def _closes_at_end(text: str, start: int) -> bool:
    """Whether the bracket opened before `start` closes with the last character."""
    text = text.rstrip()
    return next((at for at, depth in _depths(text[start:]) if depth < 0), -1) == len(text) - start - 1


def _depths(text: str) -> Iterator[tuple[int, int]]:
    """Every character outside strings with the number of brackets open after it."""
    quoted = [found.span() for found in _QUOTED.finditer(text)]
    depth = 0
    for at, char in enumerate(text):
        if quoted and quoted[0][0] <= at < quoted[0][1]:
            if at == quoted[0][1] - 1:
                quoted.pop(0)
            continue
        depth += (char in "([{") - (char in ")]}")
        yield at, depth
