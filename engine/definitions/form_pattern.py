"""JavaScript regular expressions as form-js uses them: `new RegExp(pattern).test(value)`, no flags.

Not translated to Python's `re`: that engine backtracks (a pattern such as `(a+)+$` hangs a server) and differs in
`$`, `.`, `\\d`, `\\w`, `\\s` and in counting characters. A pattern is read here, turned into an automaton and run over
the UTF-16 units of the text in time proportional to text x pattern, under a step budget.

Refused when a form is published (PatternUnsupported): back-references, look-behind, `\\p{..}`, inline modifiers,
octal escapes. Source: ECMA-262 22.2 with annex B.1.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NoReturn

Ranges = tuple[tuple[int, int], ...]
DIGITS: Final[Ranges] = ((0x30, 0x39),)
WORD: Final[Ranges] = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
SPACE: Final[Ranges] = (
    (0x09, 0x0D), (0x20, 0x20), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029), (0x202F, 0x202F),
    (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF),
)  # fmt: skip
LINE_ENDS: Final[Ranges] = ((0x0A, 0x0A), (0x0D, 0x0D), (0x2028, 0x2029))
LAST_UNIT: Final = 0xFFFF
MAX_STATES: Final = 1_000
MAX_STEPS: Final = 500_000
"""Some tenths of a second; only a pattern made to be slow comes near it."""
MAX_PATTERN: Final = 2_000


class PatternUnsupported(ValueError):
    """A pattern that is no JavaScript or is outside the supported part; `reason` and `position` say where."""

    def __init__(self, reason: str, position: int) -> None:
        super().__init__(f"{reason} at {position}")
        self.reason = reason
        self.position = position


class PatternBudget(Exception):
    """Matching took more than MAX_STEPS."""


def complement(ranges: Ranges) -> Ranges:
    """All UTF-16 units that are not in `ranges`."""
    out: list[tuple[int, int]] = []
    start = 0
    for low, high in sorted(ranges):
        if low > start:
            out.append((start, low - 1))
        start = max(start, high + 1)
    if start <= LAST_UNIT:
        out.append((start, LAST_UNIT))
    return tuple(out)


CLASSES: Final[dict[str, Ranges]] = {
    "d": DIGITS, "D": complement(DIGITS), "w": WORD, "W": complement(WORD), "s": SPACE, "S": complement(SPACE),
}  # fmt: skip
CONTROLS: Final = {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13}


@dataclass(frozen=True, slots=True)
class Units:
    """One unit out of `ranges`."""

    ranges: Ranges


@dataclass(frozen=True, slots=True)
class Assertion:
    """`^`, `$`, `b` or `B`: takes no unit."""

    kind: str


@dataclass(frozen=True, slots=True)
class Look:
    """`(?=...)` or `(?!...)`."""

    body: Node
    wanted: bool


@dataclass(frozen=True, slots=True)
class Sequence_:
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    options: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    body: Node
    least: int
    most: int | None


Node = Units | Assertion | Look | Sequence_ | Choice | Repeat


class Reader:
    """Recursive descent over the pattern's characters; nesting is bounded by MAX_DEPTH."""

    MAX_DEPTH: Final = 50

    def __init__(self, pattern: str) -> None:
        # without the u flag JavaScript reads the pattern by units too: `😀*` repeats only the second half
        self.text = "".join(map(chr, utf16_units(pattern)))
        self.at = 0
        self.depth = 0
        self.group_names: set[str] = set()

    def fail(self, reason: str) -> NoReturn:
        raise PatternUnsupported(reason, self.at)

    def peek(self, count: int = 1) -> str:
        return self.text[self.at : self.at + count]

    def take(self, expected: str) -> bool:
        if self.text.startswith(expected, self.at):
            self.at += len(expected)
            return True
        return False

    def whole(self) -> Node:
        node = self.choice()
        if self.at < len(self.text):
            self.fail("unmatched_parenthesis")
        return node

    def choice(self) -> Node:
        self.depth += 1
        if self.depth > self.MAX_DEPTH:
            self.fail("too_deep")
        options = [self.sequence()]
        while self.take("|"):
            options.append(self.sequence())
        self.depth -= 1
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def sequence(self) -> Node:
        parts: list[Node] = []
        while self.peek() not in ("", "|", ")"):
            parts.append(self.term())
        return parts[0] if len(parts) == 1 else Sequence_(tuple(parts))

    def term(self) -> Node:
        if self.bounds_ahead():
            self.fail("nothing_to_repeat")
        atom = self.atom()
        bounds = self.bounds()
        if bounds is None:
            return atom
        if isinstance(atom, Assertion):
            self.fail("nothing_to_repeat")
        self.take("?")  # lazy or greedy: the same question when only "does it match" is asked
        return Repeat(atom, *bounds)

    def bounds_ahead(self) -> bool:
        here = self.at
        found = self.bounds() is not None
        self.at = here
        return found

    def bounds(self) -> tuple[int, int | None] | None:
        """The quantifier at this place; a brace that is no quantifier is an ordinary character (annex B)."""
        for mark, least, most in (("*", 0, None), ("+", 1, None), ("?", 0, 1)):
            if self.take(mark):
                return (least, most)
        if self.peek() != "{":
            return None
        end = self.text.find("}", self.at)
        low, comma, high = self.text[self.at + 1 : end].partition(",") if end > 0 else ("", "", "")
        if not (low.isascii() and low.isdigit()) or (high and not (high.isascii() and high.isdigit())):
            return None
        if max(len(low), len(high)) > 4:
            self.fail("too_large")
        self.at = end + 1
        least = int(low)
        most = least if not comma else int(high) if high else None
        if most is not None and most < least:
            self.fail("bounds_out_of_order")
        return (least, most)

    def atom(self) -> Node:
        char = self.peek()
        if char == "(":
            return self.group()
        self.at += 1
        if char == "[":
            return Units(self.char_class())
        if char == "\\":
            return self.escape()
        if char == ".":
            return Units(complement(LINE_ENDS))
        if char in "^$":
            return Assertion(char)
        return unit(ord(char))

    def group(self) -> Node:
        self.at += 1
        look: bool | None = None
        if self.take("?="):
            look = True
        elif self.take("?!"):
            look = False
        elif self.peek(3) in ("?<=", "?<!"):
            self.fail("look_behind")
        elif self.take("?<"):
            end = self.text.find(">", self.at)
            name = self.text[self.at : end] if end > 0 else ""
            if not name.isidentifier() or name in self.group_names:
                self.fail("group_name")
            self.group_names.add(name)
            self.at = end + 1
        elif self.peek() == "?" and not self.take("?:"):
            self.fail("modifier")
        body = self.choice()
        if not self.take(")"):
            self.fail("unclosed_group")
        return body if look is None else Look(body, look)

    def escape(self) -> Node:
        char = self.peek()
        if char in ("b", "B") and char:
            self.at += 1
            return Assertion(char)
        found = self.class_escape()
        return found if isinstance(found, Units) else unit(found)

    def class_escape(self) -> Units | int:
        """What follows a backslash: a class of units, or one unit."""
        char = self.peek()
        if not char:
            self.fail("trailing_backslash")
        self.at += 1
        if char in CLASSES:
            return Units(CLASSES[char])
        if char in CONTROLS:
            return CONTROLS[char]
        if char in "pP" and self.peek() == "{":
            self.fail("unicode_property")
        if char == "k" and self.peek() == "<":
            self.fail("back_reference")
        if char.isdigit():
            if char != "0" or self.peek().isdigit():
                self.fail("back_reference")
            return 0
        if char == "c":
            letter = self.peek()
            if not (letter.isascii() and letter.isalpha()):
                self.fail("control_letter")
            self.at += 1
            return ord(letter) % 32
        for mark, length in (("x", 2), ("u", 4)):
            digits = self.peek(length)
            if char == mark and len(digits) == length and all(d in "0123456789abcdefABCDEF" for d in digits):
                self.at += length
                return int(digits, 16)
        return ord(char)

    def char_class(self) -> Ranges:
        negated = self.take("^")
        ranges: list[tuple[int, int]] = []
        while not self.take("]"):
            left = self.class_atom()
            if self.peek() == "-" and self.peek(2) not in ("-]", "-"):
                self.at += 1
                right = self.class_atom()
                if isinstance(left, int) and isinstance(right, int):
                    if right < left:
                        self.fail("range_out_of_order")
                    ranges.append((left, right))
                    continue
                ranges.append((0x2D, 0x2D))  # `[\\d-x]`: the dash is itself (annex B)
                ranges.extend(right.ranges if isinstance(right, Units) else [(right, right)])
            ranges.extend(left.ranges if isinstance(left, Units) else [(left, left)])
        return complement(tuple(ranges)) if negated else tuple(ranges)

    def class_atom(self) -> Units | int:
        char = self.peek()
        if not char:
            self.fail("unclosed_class")
        if char == "\\":
            self.at += 1
            if self.take("b"):
                return 8
            return self.class_escape()
        self.at += 1
        return ord(char)


def unit(code: int) -> Node:
    return Units(((code, code),))


def utf16_units(text: str) -> tuple[int, ...]:
    """The text as JavaScript counts it: UTF-16 code units, lone surrogates kept."""
    raw = text.encode("utf-16-le", "surrogatepass")
    return tuple(raw[i] | raw[i + 1] << 8 for i in range(0, len(raw), 2))


@lru_cache(maxsize=512)
def parse_pattern(pattern: str) -> Node:
    """The tree of a JavaScript pattern. Raises PatternUnsupported."""
    if len(pattern) > MAX_PATTERN:
        raise PatternUnsupported("too_large", MAX_PATTERN)
    return Reader(pattern).whole()
