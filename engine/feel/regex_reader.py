"""Pattern text to a tree: which regular expressions `engine.feel.regex` reads."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

MAX_NESTING: Final = 30

Test = Callable[[str], bool]


class Unreadable(Exception):
    """The pattern is outside what is read here."""


@dataclass(frozen=True, slots=True)
class Node:
    """`kind`: char, empty, sequence, choice, repeat, group, assertion."""

    kind: str
    parts: tuple[Node, ...] = ()
    test: Test | None = None
    low: int = 0
    high: int | None = 0
    lazy: bool = False
    name: str = ""
    number: int = 0


_HAN = ((0x3005, 0x3007), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFD))
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v"}


def is_word(character: str) -> bool:
    return character == "_" or character.isalnum()


def is_digit(character: str) -> bool:
    return "0" <= character <= "9"


def _not(test: Test) -> Test:
    return lambda character: not test(character)


def _property(name: str) -> Test:
    if name in ("Script=Han", "sc=Han", "IsHan"):
        return lambda character: any(low <= ord(character) <= high for low, high in _HAN)
    if len(name) in (1, 2) and name[0] in "LMNPZSC":
        return lambda character: unicodedata.category(character).startswith(name)
    raise Unreadable


class Reader:
    """Pattern text to a tree."""

    def __init__(self, pattern: str, flags: str) -> None:
        self.text, self.flags, self.at = pattern, flags, 0
        self.groups = 0
        self.nesting = 0

    def read(self) -> Node:
        node = self._choice()
        if self.at < len(self.text):
            raise Unreadable
        return node

    def _peek(self) -> str:
        if "x" in self.flags:
            while self.at < len(self.text) and self.text[self.at].isspace():
                self.at += 1
        return self.text[self.at : self.at + 1]

    def _take(self) -> str:
        character = self.text[self.at : self.at + 1]
        if not character:
            raise Unreadable
        self.at += 1
        return character

    def _choice(self) -> Node:
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            raise Unreadable
        parts = [self._sequence()]
        while self._peek() == "|":
            self.at += 1
            parts.append(self._sequence())
        self.nesting -= 1
        return parts[0] if len(parts) == 1 else Node("choice", tuple(parts))

    def _sequence(self) -> Node:
        parts: list[Node] = []
        while self._peek() not in ("", "|", ")"):
            parts.append(self._repeated(self._atom()))
        return Node("sequence", tuple(parts))

    def _repeated(self, node: Node) -> Node:
        mark = self._peek()
        if mark not in ("*", "+", "?", "{") or not mark:
            return node
        if node.kind == "assertion":
            raise Unreadable
        low, high = self._bounds()
        lazy = self._peek() == "?"
        if lazy:
            self.at += 1
        if self._peek() in ("*", "+", "{") and self._peek():
            raise Unreadable
        return Node("repeat", (node,), low=low, high=high, lazy=lazy)

    def _bounds(self) -> tuple[int, int | None]:
        mark = self._take()
        if mark != "{":
            return {"*": (0, None), "+": (1, None), "?": (0, 1)}[mark]
        inside, closed, _ = self.text[self.at :].partition("}")
        low, comma, high = inside.partition(",")
        if not closed or not low.isdecimal() or not (high.isdecimal() or not high) or len(inside) > 9:
            raise Unreadable
        self.at += len(inside) + 1
        most = int(low) if not comma else (int(high) if high else None)
        if most is not None and most < int(low):
            raise Unreadable
        return int(low), most

    def _atom(self) -> Node:
        character = self._take()
        if character == "(":
            return self._group()
        if character == "[":
            return Node("char", test=self._class())
        if character == ".":
            return Node("char", test=(lambda one: True) if "s" in self.flags else (lambda one: one not in "\n\r"))
        if character == "^":
            return Node("assertion", name="line_start" if "m" in self.flags else "start")
        if character == "$":
            return Node("assertion", name="line_end" if "m" in self.flags else "end")
        if character == "\\":
            return self._escape()
        if character in "*+?{}])":
            raise Unreadable
        return Node("char", test=self._literal(character))

    def _group(self) -> Node:
        number = 0
        if self.text.startswith("?:", self.at):
            self.at += 2
        elif self._peek() == "?":
            raise Unreadable
        else:
            self.groups += 1
            number = self.groups
        inside = self._choice()
        if self._peek() != ")":
            raise Unreadable
        self.at += 1
        return Node("group", (inside,), number=number)

    def _literal(self, character: str) -> Test:
        if "i" in self.flags:
            folded = character.casefold()
            return lambda one: one.casefold() == folded
        return lambda one: one == character

    def _escape(self) -> Node:
        character = self._take()
        if character in "bB":
            return Node("assertion", name="word" if character == "b" else "not_word")
        test = self._class_escape(character)
        return Node("char", test=test if test is not None else self._literal(self._escaped(character)))

    def _class_escape(self, character: str) -> Test | None:
        tests: dict[str, Test] = {"d": is_digit, "w": is_word, "s": str.isspace}
        if character.lower() in tests:
            test = tests[character.lower()]
            return _not(test) if character.isupper() else test
        if character in "pP":
            if self._take() != "{":
                raise Unreadable
            name, closed, _ = self.text[self.at :].partition("}")
            if not closed:
                raise Unreadable
            self.at += len(name) + 1
            return _not(_property(name)) if character == "P" else _property(name)
        return None

    def _escaped(self, character: str) -> str:
        if character in _CONTROLS:
            return _CONTROLS[character]
        if character in "ux":
            size = 4 if character == "u" else 2
            digits = self.text[self.at : self.at + size]
            if len(digits) != size or not all(one in "0123456789abcdefABCDEF" for one in digits):
                raise Unreadable
            self.at += size
            return chr(int(digits, 16))
        if character.isalnum():
            raise Unreadable
        return character

    def _class(self) -> Test:
        negated = self.text[self.at : self.at + 1] == "^"
        self.at += negated
        tests: list[Test] = []
        ranges: list[tuple[str, str]] = []
        without: Test | None = None
        first = True
        while first or self.text[self.at : self.at + 1] != "]":
            first = False
            if (tests or ranges) and self.text.startswith("-[", self.at):
                self.at += 2
                self.nesting += 1
                if self.nesting > MAX_NESTING:
                    raise Unreadable
                without = self._class()
                self.nesting -= 1
                break
            self._class_item(tests, ranges)
        if self._take() != "]":
            raise Unreadable
        return self._class_test(tests, ranges, negated, without)

    def _class_item(self, tests: list[Test], ranges: list[tuple[str, str]]) -> None:
        low = self._class_character(tests)
        if low is None:
            return
        following = self.text[self.at + 1 : self.at + 2]
        if self.text[self.at : self.at + 1] == "-" and following not in ("]", "[", ""):
            self.at += 1
            high = self._class_character(tests)
            if high is None or high < low:
                raise Unreadable
            ranges.append((low, high))
        else:
            ranges.append((low, low))

    def _class_character(self, tests: list[Test]) -> str | None:
        character = self._take()
        if character == "[":
            raise Unreadable
        if character != "\\":
            return character
        character = self._take()
        test = self._class_escape(character)
        if test is not None:
            tests.append(test)
            return None
        return self._escaped(character)

    def _class_test(
        self, tests: list[Test], ranges: list[tuple[str, str]], negated: bool, without: Test | None
    ) -> Test:
        fold = "i" in self.flags

        def inside(one: str) -> bool:
            if any(low <= one <= high for low, high in ranges) or any(test(one) for test in tests):
                return True
            return fold and any(
                low <= other <= high for other in (one.lower(), one.upper()) if len(other) == 1 for low, high in ranges
            )

        def found(one: str) -> bool:
            return inside(one) is not negated and not (without is not None and without(one))

        return found
