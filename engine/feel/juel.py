"""Camunda 7 expressions to FEEL: `${grade == "major" && !done}` becomes `(grade = "major" and not(done = true))`.

Only the subset that means the same in both languages: comparison, logic, `empty`, the ternary, arithmetic, dotted
paths, literals. Calls, methods, indexing and the rest are not translated: the element is refused, never guessed.
"""

from __future__ import annotations

import re
from typing import Final

MAX_TEXT: Final = 5_000
MAX_NESTING: Final = 30

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>[0-9]+(?:\.[0-9]+)?)|(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
    r"""|(?P<name>[^\W\d]\w*(?:\.[^\W\d]\w*)*)|(?P<mark>==|!=|<=|>=|&&|\|\||[<>!?:()+\-*/]))""",
    re.DOTALL,
)
_PATH: Final = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_WORDS: Final = {
    "and": "&&", "or": "||", "not": "!", "eq": "==", "ne": "!=", "lt": "<", "gt": ">", "le": "<=", "ge": ">=",
    "div": "/",
}  # fmt: skip
_UNSUPPORTED: Final = frozenset({"mod", "instanceof"})
_LITERALS: Final = frozenset({"true", "false", "null"})
_FEEL_KEYWORDS: Final = frozenset(
    {"if", "then", "else", "for", "in", "return", "some", "every", "satisfies", "between", "function", "external"}
)
_EQUALITY: Final = {"==": "=", "!=": "!="}
_ORDER: Final = frozenset({"<", ">", "<=", ">="})


class _Untranslatable(Exception):
    """Outside the subset."""


class _Translator:
    """Recursive descent over the tokens; every method gives FEEL text."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.tokens, self.at, self.nesting = tokens, 0, 0

    def translate(self) -> str:
        text = self._ternary()
        if self.at != len(self.tokens):
            raise _Untranslatable
        return text

    def _peek(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) and self.tokens[self.at][0] == "mark" else ""

    def _accept(self, *marks: str) -> str:
        mark = self._peek()
        if mark and mark in marks:
            self.at += 1
            return mark
        return ""

    def _ternary(self) -> str:
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            raise _Untranslatable
        condition = self._chain("||", "or", self._and)
        if self._accept("?"):
            then = self._ternary()
            if not self._accept(":"):
                raise _Untranslatable
            condition = f"(if {condition} then {then} else {self._ternary()})"
        self.nesting -= 1
        return condition

    def _and(self) -> str:
        return self._chain("&&", "and", self._equality)

    def _chain(self, mark: str, word: str, part: object) -> str:
        assert callable(part)
        texts = [part()]
        while self._accept(mark):
            texts.append(part())
        return texts[0] if len(texts) == 1 else f"({f' {word} '.join(texts)})"

    def _equality(self) -> str:
        left = self._order()
        mark = self._accept(*_EQUALITY)
        if not mark:
            return left
        text = f"{left} {_EQUALITY[mark]} {self._order()}"
        if self._peek() in _EQUALITY:
            raise _Untranslatable
        return text

    def _order(self) -> str:
        left = self._sum()
        mark = self._accept(*_ORDER)
        if not mark:
            return left
        text = f"({left} {mark} {self._sum()})"
        if self._peek() in _ORDER:
            raise _Untranslatable
        return text

    def _sum(self) -> str:
        text = self._product()
        while mark := self._accept("-", "+"):
            text = f"({text} {mark} {self._product()})"
        return text

    def _product(self) -> str:
        text = self._unary()
        while mark := self._accept("*", "/"):
            text = f"({text} {mark} {self._unary()})"
        return text

    def _unary(self) -> str:
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            raise _Untranslatable
        if self._accept("!"):
            text = self._negation(self._unary())
        elif self._accept("-"):
            text = f"-{self._unary()}"
        elif self.at < len(self.tokens) and self.tokens[self.at] == ("name", "empty"):
            self.at += 1
            text = f"is empty({self._unary()})"
        else:
            text = self._operand()
        self.nesting -= 1
        return text

    def _negation(self, operand: str) -> str:
        """JUEL takes null for false: `!x` is true when x is null, which `not(x)` in FEEL is not."""
        return f"not({operand} = true)" if _PATH.fullmatch(operand) else f"not({operand})"

    def _operand(self) -> str:
        if self._accept("("):
            inside = self._ternary()
            if not self._accept(")"):
                raise _Untranslatable
            return f"({inside})"
        if self.at >= len(self.tokens):
            raise _Untranslatable
        kind, text = self.tokens[self.at]
        self.at += 1
        if kind == "string":
            return _string(text)
        if kind == "mark" or self._peek() == "(":
            raise _Untranslatable
        if kind == "name" and text not in _LITERALS and set(text.split(".")) & _FEEL_KEYWORDS:
            raise _Untranslatable
        return text


def _string(text: str) -> str:
    """A FEEL string literal; a backslash escapes only quotes and itself in both."""
    inside = re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)
    escaped = inside.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    at, text = 0, text.rstrip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise _Untranslatable
        kind = str(found.lastgroup)
        value = found[kind]
        if kind == "name" and value in _UNSUPPORTED:
            raise _Untranslatable
        tokens.append(("mark", _WORDS[value]) if kind == "name" and value in _WORDS else (kind, value))
        at = found.end()
    return tokens


def translate_juel(text: str) -> str | None:
    """FEEL text that means what the Camunda 7 expression `${...}` or `#{...}` means, or None outside the subset.

    One expression only: text around it, several of them, calls and methods give None.
    """
    text = text.strip()
    if len(text) > MAX_TEXT or text[:2] not in ("${", "#{") or not text.endswith("}"):
        return None
    try:
        return _Translator(_tokens(text[2:-1])).translate()
    except _Untranslatable:
        return None
