"""Regular expressions that cannot run away: a Pike machine, time bounded by pattern length times text length.

Python's `re` backtracks and has no time limit, and patterns are drawn by process owners, so it is not used. Read:
literals, `.`, classes with ranges, negation and subtraction, `\\d \\w \\s \\p{..}`, groups, `|`, greedy and lazy
`* + ? {m,n}`, `^ $ \\b`. Flags `i s m x q` (XPath). Not read, and so null: back references, look-around, atomic groups.
`\\d` is 0-9; `\\w` letters, digits of any script and `_`; `\\p{Script=Han}` Chinese characters.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from engine.feel.regex_reader import Node, Reader, Test, Unreadable, is_digit, is_word
from engine.feel.run import Run

MAX_PATTERN: Final = 500
MAX_PROGRAM: Final = 2_000
"""Instructions: `{m,n}` is written out, so this bounds it."""
OPERATIONS_PER_STEP: Final = 4
"""Machine operations that cost one step of the evaluation's budget."""

Saves = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Instruction:
    """`kind`: char, split, jump, save, start, end, line_start, line_end, word, not_word, match."""

    kind: str
    test: Test | None = None
    to: int = 0
    other: int = 0


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled pattern; `literal`: the text it stands for, if it is only text. `groups`: number of groups."""

    code: tuple[_Instruction, ...]
    groups: int
    literal: str | None


class _Writer:
    """A tree to instructions (R. Cox, "Regular Expression Matching: the Virtual Machine Approach")."""

    def __init__(self) -> None:
        self.code: list[_Instruction] = []
        self.visits = 0

    def put(self, instruction: _Instruction) -> int:
        if len(self.code) >= MAX_PROGRAM:
            raise Unreadable
        self.code.append(instruction)
        return len(self.code) - 1

    def write(self, node: Node) -> None:
        # Repeats of nothing write no instruction, but nested they would still be visited without end.
        self.visits += 1
        if self.visits > 10 * MAX_PROGRAM:
            raise Unreadable
        if node.kind == "char":
            self.put(_Instruction("char", node.test))
        elif node.kind == "assertion":
            self.put(_Instruction(node.name))
        elif node.kind == "sequence":
            for part in node.parts:
                self.write(part)
        elif node.kind == "group":
            if node.number:
                self.put(_Instruction("save", to=2 * node.number))
            self.write(node.parts[0])
            if node.number:
                self.put(_Instruction("save", to=2 * node.number + 1))
        elif node.kind == "choice":
            self._write_choice(node)
        else:
            self._write_repeat(node)

    def _write_choice(self, node: Node) -> None:
        jumps: list[int] = []
        for part in node.parts[:-1]:
            split = self.put(_Instruction("split"))
            self.write(part)
            jumps.append(self.put(_Instruction("jump")))
            self.code[split] = _Instruction("split", to=split + 1, other=len(self.code))
        self.write(node.parts[-1])
        for jump in jumps:
            self.code[jump] = _Instruction("jump", to=len(self.code))

    def _fork(self, split: int, into: int, past: int, lazy: bool) -> None:
        first, second = (past, into) if lazy else (into, past)
        self.code[split] = _Instruction("split", to=first, other=second)

    def _write_repeat(self, node: Node) -> None:
        for _ in range(node.low):
            self.write(node.parts[0])
        if node.high is None:
            split = self.put(_Instruction("split"))
            self.write(node.parts[0])
            self.put(_Instruction("jump", to=split))
            self._fork(split, split + 1, len(self.code), node.lazy)
            return
        splits: list[int] = []
        for _ in range(node.high - node.low):
            splits.append(self.put(_Instruction("split")))
            self.write(node.parts[0])
        for split in splits:
            self._fork(split, split + 1, len(self.code), node.lazy)


@lru_cache(maxsize=512)
def compile_pattern(pattern: str, flags: str = "") -> Program | None:
    """The program of a pattern, or None when pattern or flags cannot be read (see the module)."""
    if len(pattern) > MAX_PATTERN or set(flags) - set("ismxq"):
        return None
    if "q" in flags and "i" not in flags:
        return Program((), 0, pattern)
    reader = Reader(
        "".join(f"\\{one}" if not one.isalnum() else one for one in pattern) if "q" in flags else pattern, flags
    )
    writer = _Writer()
    try:
        node = reader.read()
        writer.put(_Instruction("save", to=0))
        writer.write(node)
        writer.put(_Instruction("save", to=1))
        writer.put(_Instruction("match"))
    except Unreadable:
        return None
    plain = not set(flags) & set("ix") and not any(one in r"\^$.|?*+()[]{}" for one in pattern)
    return Program(tuple(writer.code), reader.groups, pattern if plain else None)


def _holds(kind: str, text: str, at: int) -> bool:
    if kind == "start":
        return at == 0
    if kind == "end":
        return at == len(text)
    if kind == "line_start":
        return at == 0 or text[at - 1] == "\n"
    if kind == "line_end":
        return at == len(text) or text[at] == "\n"
    left = at > 0 and is_word(text[at - 1])
    right = at < len(text) and is_word(text[at])
    return (left != right) == (kind == "word")


class _Machine:
    """Threads of one search, in order of preference; each place of the program at most once per character."""

    def __init__(self, program: Program, text: str) -> None:
        self.code, self.text = program.code, text
        self.operations = 0

    def follow(self, threads: dict[int, Saves], place: int, saves: Saves, at: int) -> None:
        """Adds the thread at `place` and all it reaches without reading a character."""
        waiting = [(place, saves)]
        while waiting:
            place, saves = waiting.pop()
            if place in threads:
                continue
            self.operations += 1
            threads[place] = saves
            step = self.code[place]
            kind = step.kind
            if kind == "jump":
                waiting.append((step.to, saves))
            elif kind == "split":
                waiting.append((step.other, saves))
                waiting.append((step.to, saves))
            elif kind == "save":
                waiting.append((place + 1, (*saves[: step.to], at, *saves[step.to + 1 :])))
            elif kind not in ("char", "match") and _holds(kind, self.text, at):
                waiting.append((place + 1, saves))


def search(program: Program, text: str, start: int, run: Run) -> Saves | None:
    """The leftmost match at or after `start`, as begin, end, then begin and end of each group (-1: not matched).

    Of several at one place the one a backtracking engine prefers. Charges the run; raises `feel.budget`.
    """
    if program.literal is not None:
        run.charge(1 + (len(text) >> 8))
        found = text.find(program.literal, start)
        return None if found < 0 else (found, found + len(program.literal))
    machine = _Machine(program, text)
    unset = (-1,) * (2 * program.groups + 2)
    threads: dict[int, Saves] = {}
    best: Saves | None = None
    for at in range(start, len(text) + 1):
        if best is None:
            machine.follow(threads, 0, unset, at)
        if not threads:
            break
        following: dict[int, Saves] = {}
        for place, saves in threads.items():
            step = program.code[place]
            if step.kind == "match":
                best = saves
                break
            if step.kind == "char" and at < len(text):
                machine.operations += 1
                if step.test is not None and step.test(text[at]):
                    machine.follow(following, place + 1, saves, at + 1)
        threads = following
        if machine.operations > OPERATIONS_PER_STEP:
            run.charge(machine.operations // OPERATIONS_PER_STEP)
            machine.operations %= OPERATIONS_PER_STEP
    run.charge(3)
    return best


def find_all(program: Program, text: str, run: Run) -> Iterator[Saves]:
    """Matches from left to right that do not overlap; empty ones are passed over."""
    at = 0
    while at <= len(text):
        run.charge(1)
        found = search(program, text, at, run)
        if found is None:
            return
        if found[1] > found[0]:
            yield found
            at = found[1]
        else:
            at = found[1] + 1


def _matches_nothing(program: Program, run: Run) -> bool:
    return search(program, "", 0, run) is not None


def replace(program: Program, text: str, replacement: str, run: Run, *, literal: bool = False) -> str | None:
    """`text` with every match replaced; null when the pattern matches the empty text or `replacement` is malformed."""
    if _matches_nothing(program, run):
        return None
    parts = [replacement] if literal else _template(replacement, program.groups)
    if parts is None:
        return None
    pieces: list[str] = []
    size = last = 0
    for found in find_all(program, text, run):
        new = "".join(part if isinstance(part, str) else _group(text, found, part) for part in parts)
        pieces += [text[last : found[0]], new]
        size += found[0] - last + len(new)
        run.room_for_text(size)
        last = found[1]
    run.room_for_text(size + len(text) - last)
    return "".join(pieces) + text[last:]


def _group(text: str, saves: Saves, number: int) -> str:
    begin, end = saves[2 * number : 2 * number + 2]
    return text[begin:end] if begin >= 0 <= end else ""


def _template(replacement: str, groups: int) -> list[str | int] | None:
    """Text and group numbers of a replacement; null for a lone `$` or backslash (XPath 5.6.4)."""
    parts: list[str | int] = []
    at = 0
    while at < len(replacement):
        character = replacement[at]
        following = replacement[at + 1 : at + 2]
        if character == "\\":
            if following not in ("\\", "$") or not following:
                return None
            parts.append(following)
            at += 2
        elif character == "$":
            if not ("0" <= following <= "9"):
                return None
            size = 1
            while (
                is_digit(replacement[at + size + 1 : at + size + 2] or "-")
                and int(replacement[at + 1 : at + size + 2]) <= groups
            ):
                size += 1
            number = int(replacement[at + 1 : at + size + 1])
            parts.append(number if number <= groups else "")
            at += size + 1
        else:
            parts.append(character)
            at += 1
    return parts


def split(program: Program, text: str, run: Run) -> list[object] | None:
    """The texts between the matches; null when the pattern matches the empty text."""
    if _matches_nothing(program, run):
        return None
    pieces: list[object] = []
    last = 0
    for found in find_all(program, text, run):
        pieces.append(text[last : found[0]])
        run.room_for(len(pieces))
        last = found[1]
    return [*pieces, text[last:]]
