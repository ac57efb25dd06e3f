"""Text to tokens. What makes FEEL hard to read is settled here, so that the grammar can stay LALR(1):

1. Names may hold blanks: names that follow each other are one name (`string length`); phrases that hold a keyword
   (`date and time`, `working hours between`) are known, and a caller may add more (names in a DMN model).
2. After a dot, before a colon in `{...}`, a keyword is a name. `` `any text` `` is always a name.
3. `]1..5[` uses brackets the other way round: they become RANGE_OPEN and RANGE_CLOSE.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from lark import Token

from engine.feel.errors import FeelSyntaxError

MAX_SOURCE: Final = 20_000
"""Characters of one expression: a page of text; longer ones belong in a decision table."""
MAX_TOKENS: Final = 5_000
MAX_BRACKETS: Final = 60
"""Brackets inside brackets: far more than anyone can read."""

KEYWORDS: Final = frozenset(
    {
        "if", "then", "else", "for", "in", "return", "some", "every", "satisfies", "and", "or", "between", "function",
        "external", "true", "false", "null",
    }
)  # fmt: skip
PHRASES: Final = (
    "date and time",
    "days and time duration",
    "get or else",
    "instance of",
    "working hours between",
    "years and months duration",
)
_SYMBOLS: Final = {
    "..": "DOTDOT",
    "->": "ARROW",
    "**": "POW",
    "!=": "NE",
    "<=": "LE",
    ">=": "GE",
    "<": "LT",
    ">": "GT",
    "=": "EQ",
    "+": "PLUS",
    "-": "MINUS",
    "*": "STAR",
    "/": "SLASH",
    "(": "LPAR",
    ")": "RPAR",
    "[": "LSQB",
    "]": "RSQB",
    "{": "LBRACE",
    "}": "RBRACE",
    ",": "COMMA",
    ":": "COLON",
    ".": "DOT",
}
_WIDE = "\U00010000-\U000effff"
_NAME = rf"[^\W\d{_WIDE}][\w{_WIDE}]*|[{_WIDE}][\w{_WIDE}]*"
_TOKEN = re.compile(
    rf"""(?P<SKIP>(?:[\s\ufeff\u200b]+|//[^\n]*|/\*(?:[^*]|\*(?!/))*\*/)+)
    |(?P<NUMBER>(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    |(?P<STRING>@?"(?:[^"\\]|\\.)*")
    |(?P<QUOTED>`[^`\n]+`)
    |(?P<NAME>{_NAME})
    |(?P<INPUT>\?)
    |(?P<SYMBOL>\.\.|->|\*\*|!=|<=|>=|[<>=+\-*/()\[\]{{}},:.])
    """,
    re.VERBOSE | re.DOTALL,
)
_ENTRY_KEY = re.compile(r'[^\s:,{}"\[\]()][^:,{}"\[\]()\n]{0,200}?(?=\s*:)')
_BLANK = re.compile(r"\s+")
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{6})|(.))", re.DOTALL)
_PLAIN_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "'": "'", "/": "/", "b": "\b", "f": "\f"}
_FULL_WIDTH = {
    "，": ",", "。": ".", "：": ":", "（": "(", "）": ")", "【": "[", "】": "]", "“": '"', "”": '"', "‘": '"', "’": '"',
    "＝": "=", "＞": ">", "＜": "<", "！": "!=", "＋": "+", "－": "-", "×": "*", "÷": "/", "；": ",", "、": ",",
    "≥": ">=", "≤": "<=", "≠": "!=", "'": '"', "&": "and", "|": "or", "!": "not(...)", ";": ",", "%": "/ 100",
}  # fmt: skip
_ENDS_OPERAND = frozenset(
    {"NAME", "NUMBER", "STRING", "AT", "RPAR", "RSQB", "RBRACE", "RANGE_CLOSE", "TRUE", "FALSE", "NULL"}
)
_AFTER_RANGE = re.compile(
    r"\s*(?:$|[,)\]}=<>!*/+]|\.(?![0-9])|(?:and|or|then|else|return|satisfies|in|instance|between)\b)"
)
# Nothing but an operator or the end follows an empty list, so in `[]1..5]` the second bracket opens a range.
_OPENS_IN_LIST = re.compile(
    r"""\s*(?:[0-9"@]|(?!(?:and|or|then|else|return|satisfies|in|instance|between)\b)[^\W\d])"""
)
_OPENERS = {"LPAR": "RPAR", "LSQB": "RSQB", "LBRACE": "RBRACE"}


def place(text: str, position: int) -> tuple[int, int]:
    """Line and column, both from 1, of a position in `text`."""
    return text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position)


def syntax_error(text: str, position: int, key: str, **details: object) -> FeelSyntaxError:
    """The error `feel.syntax.<key>` at a position in `text`."""
    line, column = place(text, position)
    return FeelSyntaxError(f"feel.syntax.{key}", line, column, details)


def needed(names: Iterable[str]) -> frozenset[str]:
    """Those of `names` that hold a keyword or an operator: only they must be announced to be read as one name."""
    return frozenset(
        name
        for name in names
        if name.strip() and not all(word.isidentifier() and word not in KEYWORDS for word in name.split())
    )


@lru_cache(maxsize=256)
def _phrase_pattern(names: frozenset[str]) -> re.Pattern[str]:
    """Phrases longest first; a blank in a phrase stands for any white space."""
    phrases = sorted({*PHRASES, *names}, key=lambda text: (-len(text), text))
    parts = [r"\s+".join(re.escape(word) for word in phrase.split()) for phrase in phrases]
    return re.compile(rf"(?:{'|'.join(parts)})(?![\w{_WIDE}])")


def unescape(text: str, source: str, position: int) -> str:
    """The string a literal's inside stands for; a pair of surrogate escapes is one character."""
    if "\\" not in text:
        return text

    def one(found: re.Match[str]) -> str:
        if found[3] is None:
            code = int(found[1] or found[2], 16)
            return chr(code) if code <= 0x10FFFF else "\ufffd"
        return _PLAIN_ESCAPES.get(found[3], found[0])

    raw = _ESCAPE.sub(one, text)
    try:
        return raw.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise syntax_error(source, position, "escape") from None


class _Reader:
    """The tokens of one text; see the module."""

    def __init__(self, text: str, names: frozenset[str]) -> None:
        self.text = text
        self.phrase = _phrase_pattern(names)
        self.tokens: list[Token] = []
        # One entry per open bracket: its kind, position, and whether `..` was seen directly inside.
        self.open: list[tuple[str, int]] = [("", 0)]
        self.dots = [False]

    def read(self) -> list[Token]:
        text, position, end = self.text, 0, len(self.text)
        while position < end:
            position = self._special(position) or self._plain(position)
            if len(self.tokens) > MAX_TOKENS:
                raise syntax_error(text, position, "too_long", allowed=MAX_TOKENS)
        if len(self.open) > 1:
            raise syntax_error(text, self.open[-1][1], "unclosed", bracket=text[self.open[-1][1]])
        return self.tokens

    def _last(self) -> str:
        return self.tokens[-1].type if self.tokens else ""

    def _put(self, kind: str, value: str, position: int) -> None:
        if kind == "NAME" and self._last() == "NAME" and "?" not in (value, self.tokens[-1]):
            previous = self.tokens.pop()
            position, value = previous.start_pos or 0, f"{previous} {value}"
        self.tokens.append(Token(kind, value, start_pos=position))

    def _special(self, position: int) -> int | None:
        """Where reading goes on after a phrase or a context key; None when neither begins here."""
        last = self._last()
        if last in ("LBRACE", "COMMA") and self.open[-1][0] == "LBRACE":
            found = _ENTRY_KEY.match(self.text, position)
            if found and self.text[position] != "`" and not self.text.startswith(("//", "/*"), position):
                self.tokens.append(Token("NAME", _BLANK.sub(" ", found[0].strip()), start_pos=position))
                return found.end()
        previous = self.text[position - 1] if position else " "
        if previous == "_" or previous.isalnum():
            return None
        found = self.phrase.match(self.text, position)
        if found is None:
            return None
        phrase = _BLANK.sub(" ", found[0])
        self._put("INSTANCE_OF" if phrase == "instance of" else "NAME", phrase, position)
        return found.end()

    def _plain(self, position: int) -> int:
        text = self.text
        found = _TOKEN.match(text, position)
        if found is None:
            raise self._refusal(position)
        kind, value = str(found.lastgroup), found[0]
        if kind == "NAME" and value in KEYWORDS and self._last() != "DOT":
            self._put(value.upper(), value, position)
        elif kind == "STRING":
            at = value[0] == "@"
            inside = unescape(value[2:-1] if at else value[1:-1], text, position)
            self._put("AT" if at else "STRING", inside, position)
        elif kind == "QUOTED":
            self._put("NAME", _BLANK.sub(" ", value[1:-1].strip()), position)
        elif kind == "INPUT":
            self._put("NAME", "?", position)
        elif kind == "SYMBOL":
            self._symbol(_SYMBOLS[value], value, position)
        elif kind != "SKIP":
            self._put(kind, value, position)
        return found.end()

    def _refusal(self, position: int) -> FeelSyntaxError:
        character = self.text[position]
        if character == '"':
            return syntax_error(self.text, position, "string_unclosed")
        if character in _FULL_WIDTH:
            return syntax_error(self.text, position, "write_instead", found=character, write=_FULL_WIDTH[character])
        return syntax_error(self.text, position, "character", found=character)

    def _symbol(self, kind: str, value: str, position: int) -> None:
        last = self._last()
        if kind == "DOTDOT":
            self.dots[-1] = True
        elif kind == "RSQB" and (
            last not in _ENDS_OPERAND if last != "LSQB" else _OPENS_IN_LIST.match(self.text, position + 1)
        ):
            kind = "RANGE_OPEN"
        elif kind == "LSQB" and last in _ENDS_OPERAND and self.dots[-1] and _AFTER_RANGE.match(self.text, position + 1):
            kind = "RANGE_CLOSE"
        if kind in ("LPAR", "LSQB", "LBRACE", "RANGE_OPEN"):
            self.open.append((kind, position))
            self.dots.append(False)
            if len(self.open) > MAX_BRACKETS:
                raise syntax_error(self.text, position, "too_deep", allowed=MAX_BRACKETS)
        elif kind in ("RPAR", "RSQB", "RBRACE", "RANGE_CLOSE"):
            if len(self.open) == 1:
                raise syntax_error(self.text, position, "unopened", bracket=value)
            self.open.pop()
            self.dots.pop()
        self._put(kind, value, position)


def tokenize(text: str, names: Iterable[str] = ()) -> list[Token]:
    """The tokens of `text` with their positions; `names`: names of the model that hold keywords or operators.

    Raises FeelSyntaxError for a character, string or bracket that cannot be read, and for too long a text.
    """
    if len(text) > MAX_SOURCE:
        raise syntax_error(text, MAX_SOURCE, "too_long", allowed=MAX_SOURCE)
    return _Reader(text, needed(names)).read()


def mark_negation(tokens: list[Token]) -> list[Token]:
    """Tokens of unary tests with `not(...)` around the whole cell marked, so that it is no call of `not`."""
    if len(tokens) < 3 or tokens[0] != "not" or tokens[1].type != "LPAR" or tokens[-1].type != "RPAR":
        return tokens
    depth = 0
    for token in tokens[1:-1]:
        depth += (token.type in _OPENERS or token.type == "RANGE_OPEN") - (
            token.type in _OPENERS.values() or token.type == "RANGE_CLOSE"
        )
        if depth == 0:
            return tokens
    return [Token("NOT_TESTS", "not", start_pos=tokens[0].start_pos), *tokens[1:]]
