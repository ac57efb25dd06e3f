"""Camunda 7 expressions to FEEL: `${grade == "major" && !done}` becomes `(grade = "major" and not(done = true))`.

The subset that means the same in both languages: comparison, logic, `empty`, the ternary, arithmetic, dotted paths,
literals, the everyday methods of texts, lists and dates (`engine.feel.juel_calls`), and text with expressions in it.
Everything else is not translated: the element is refused, never guessed.

Three differences of the languages themselves stay, see docs/feel.md: JUEL turns texts into numbers and truth values
where the other side is one (`"5" == 5`), a method of null stops Camunda and is null here, and numbers are decimals.
"""

from __future__ import annotations

import re
from typing import Final

from engine.feel.juel_calls import Untranslatable, function, method, quoted, quoted_text
from engine.feel.lexer import KEYWORDS

MAX_TEXT: Final = 5_000
MAX_NESTING: Final = 30

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>[0-9]+(?:\.[0-9]+)?)|(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
    r"""|(?P<name>[^\W\d]\w*(?:\.[^\W\d]\w*)*)|(?P<mark>==|!=|<=|>=|&&|\|\||[<>!?:()+\-*/%.,]))""",
    re.DOTALL,
)
_OPENING: Final = re.compile(r"[$#]\{")
_STRING_OR_END: Final = re.compile(r"""\}|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'""", re.DOTALL)
_WORDS: Final = {
    "and": "&&", "or": "||", "not": "!", "eq": "==", "ne": "!=", "lt": "<", "gt": ">", "le": "<=", "ge": ">=",
    "div": "/", "mod": "%",
}  # fmt: skip
_UNSUPPORTED: Final = frozenset({"instanceof"})
_LITERALS: Final = frozenset({"true", "false", "null"})
_ENGINE: Final = frozenset({"execution", "task", "externalTask", "caseExecution", "authenticatedUserId", "mapper"})
"""What Camunda itself puts beside the variables: it has no counterpart in case data."""
_EQUALITY: Final = {"==": "=", "!=": "!="}
_ORDER: Final = frozenset({"<", ">", "<=", ">="})


class _Translator:
    """Recursive descent over the tokens; every method gives FEEL text."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.tokens, self.at, self.nesting = tokens, 0, 0

    def translate(self) -> str:
        text = self._ternary()
        if self.at != len(self.tokens):
            raise Untranslatable
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
            raise Untranslatable
        condition = self._chain("||", "or", self._and)
        if self._accept("?"):
            then = self._ternary()
            if not self._accept(":"):
                raise Untranslatable
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
            raise Untranslatable
        return text

    def _order(self) -> str:
        left = self._sum()
        mark = self._accept(*_ORDER)
        if not mark:
            return left
        text = f"({left} {mark} {self._sum()})"
        if self._peek() in _ORDER:
            raise Untranslatable
        return text

    def _sum(self) -> str:
        text = self._product()
        while mark := self._accept("-", "+"):
            text = f"({text} {mark} {self._product()})"
        return text

    def _product(self) -> str:
        text = self._unary()
        while mark := self._accept("*", "/", "%"):
            right = self._unary()
            text = _short(_remainder(text, right)) if mark == "%" else f"({text} {mark} {right})"
        return text

    def _unary(self) -> str:
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            raise Untranslatable
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
        return f"not({operand})" if operand.startswith("is empty(") else f"not({operand} = true)"

    def _operand(self) -> str:
        text = self._first()
        while self._accept("."):
            name = self._name()
            if not self._accept("("):
                raise Untranslatable
            text = _short(method(text, name, self._arguments()))
        return text

    def _first(self) -> str:
        if self._accept("("):
            inside = self._ternary()
            if not self._accept(")"):
                raise Untranslatable
            return f"({inside})"
        if self.at >= len(self.tokens):
            raise Untranslatable
        kind, text = self.tokens[self.at]
        self.at += 1
        if kind == "string":
            return _string(text)
        if kind == "mark":
            raise Untranslatable
        if kind == "number" or text in _LITERALS:
            return text
        owner, _, name = text.rpartition(".")
        if not self._accept("("):
            return self._path(text)
        arguments = self._arguments()
        if owner == "execution" or not owner:
            return function(owner, name, arguments)
        return _short(method(self._path(owner), name, arguments))

    def _path(self, text: str) -> str:
        first, _, rest = text.partition(".")
        if first in _ENGINE or set(text.split(".")) & {"class", "empty"}:
            raise Untranslatable
        return (quoted(first) if first in KEYWORDS else first) + (f".{rest}" if rest else "")

    def _name(self) -> str:
        kind, text = self.tokens[self.at] if self.at < len(self.tokens) else ("", "")
        if kind != "name" or "." in text:
            raise Untranslatable
        self.at += 1
        return text

    def _arguments(self) -> list[str]:
        """What stands between brackets, the first already read."""
        found: list[str] = []
        while not self._accept(")"):
            if found and not self._accept(","):
                raise Untranslatable
            found.append(self._ternary())
        return found


def _short(text: str) -> str:
    """The text, unless what repeats its parts has made it too long."""
    if len(text) > MAX_TEXT:
        raise Untranslatable
    return text


def _remainder(left: str, right: str) -> str:
    """Java's remainder: the sign is that of the dividend."""
    size = f"modulo(abs({left}), abs({right}))"
    return f"(if {left} < 0 then -{size} else {size})"


def _string(text: str) -> str:
    """A FEEL string literal; a backslash escapes only quotes and itself in both."""
    return quoted_text(re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL))


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    at, text = 0, text.rstrip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise Untranslatable
        kind = str(found.lastgroup)
        value = found[kind]
        if kind == "name" and value in _UNSUPPORTED:
            raise Untranslatable
        tokens.append(("mark", _WORDS[value]) if kind == "name" and value in _WORDS else (kind, value))
        at = found.end()
    return tokens


def translate_juel(text: str) -> str | None:
    """FEEL text that means what a Camunda 7 text with `${...}` or `#{...}` in it means, or None outside the subset.

    One expression alone keeps its value; text around it, or several of them, are joined to one text in which null is
    nothing. A text without any expression gives None.
    """
    text = text.strip()
    if len(text) > MAX_TEXT:
        return None
    parts = _split(text)
    try:
        if parts is None:
            return None
        if len(parts) == 1 and parts[0][0]:
            return _Translator(_tokens(parts[0][1])).translate()
        if not any(inside for inside, _ in parts):
            return None
        return f"({' + '.join(_piece(inside, part) for inside, part in parts)})"
    except Untranslatable:
        return None


def _piece(inside: bool, text: str) -> str:
    if not inside:
        return quoted_text(text)
    return f'get or else(string({_Translator(_tokens(text)).translate()}), "")'


def _split(text: str) -> list[tuple[bool, str]] | None:
    """(is it an expression, text) of the pieces of a text; None for a bracket never closed, a backslash before one."""
    pieces: list[tuple[bool, str]] = []
    at = 0
    for found in _OPENING.finditer(text):
        if found.start() < at:
            continue
        if found.start() > 0 and text[found.start() - 1] == "\\":
            return None
        end = _closing(text, found.end())
        if end < 0:
            return None
        if found.start() > at:
            pieces.append((False, text[at : found.start()]))
        pieces.append((True, text[found.end() : end]))
        at = end + 1
    if at < len(text):
        pieces.append((False, text[at:]))
    return pieces


def _closing(text: str, start: int) -> int:
    """Where the expression that begins at `start` ends: at the first `}` outside its strings; -1 for nowhere."""
    for found in _STRING_OR_END.finditer(text, start):
        if found[0] == "}":
            return found.start()
    return -1
