"""String functions (DMN 1.5, table 74): positions count characters (code points) from 1."""

from __future__ import annotations

from decimal import Decimal

from engine.feel import regex
from engine.feel.functions.registry import builtin
from engine.feel.run import Run
from engine.feel.text import text_of


@builtin("string", "from: some")
def string(run: Run, value: object) -> object:
    return text_of(value, run)


@builtin("substring", "string: string, start position: number, length?: number")
def substring(run: Run, text: str, start: Decimal, length: Decimal | None = None) -> object:
    if start != start.to_integral_value() or not start or abs(start) > len(text):
        return None
    begin = int(start) - 1 if start > 0 else len(text) + int(start)
    if length is None:
        return text[begin:]
    if length < 1:
        return None
    return text[begin : begin + int(min(length, Decimal(len(text))))]


@builtin("string length", "string: string")
def string_length(run: Run, text: str) -> object:
    return Decimal(len(text))


@builtin("upper case", "string: string")
def upper_case(run: Run, text: str) -> object:
    run.room_for_text(len(text) * 3)
    return text.upper()


@builtin("lower case", "string: string")
def lower_case(run: Run, text: str) -> object:
    run.room_for_text(len(text) * 3)
    return text.lower()


@builtin("substring before", "string: string, match: string")
def substring_before(run: Run, text: str, match: str) -> object:
    return text.partition(match)[0] if match and match in text else ""


@builtin("substring after", "string: string, match: string")
def substring_after(run: Run, text: str, match: str) -> object:
    return text.partition(match)[2] if match else text


@builtin("contains", "string: string, match: string")
def contains(run: Run, text: str, match: str) -> object:
    return match in text


@builtin("starts with", "string: string, match: string")
def starts_with(run: Run, text: str, match: str) -> object:
    return text.startswith(match)


@builtin("ends with", "string: string, match: string")
def ends_with(run: Run, text: str, match: str) -> object:
    return text.endswith(match)


def _program(run: Run, pattern: str, flags: object = None) -> regex.Program | None:
    if flags is not None and not isinstance(flags, str):
        return None
    run.charge_once(pattern, 4 + len(pattern))
    return regex.compile_pattern(pattern, flags or "")


@builtin("matches", "input: string, pattern: string, flags?: any")
def matches(run: Run, text: str, pattern: str, flags: object = None) -> object:
    """Whether the pattern is found anywhere in the text; null for a pattern that cannot be read."""
    program = _program(run, pattern, flags)
    return None if program is None else regex.search(program, text, 0, run) is not None


@builtin("replace", "input: string, pattern: string, replacement: string, flags?: any")
def replace(run: Run, text: str, pattern: str, replacement: str, flags: object = None) -> object:
    """Every match replaced; `$1` to `$9` stand for groups, `$0` for the match. Null for a pattern that matches ""."""
    program = _program(run, pattern, flags)
    if program is None:
        return None
    literal = isinstance(flags, str) and "q" in flags
    return regex.replace(program, text, replacement, run, literal=literal)


@builtin("split", "string: string, delimiter: string")
def split(run: Run, text: str, delimiter: str) -> object:
    program = _program(run, delimiter)
    return None if program is None else regex.split(program, text, run)


@builtin("string join", "list: list, delimiter?: any")
def string_join(run: Run, items: list[object], delimiter: object = None) -> object:
    """Texts joined; null items are left out, any other item makes it null."""
    between = delimiter if isinstance(delimiter, str) else ""
    texts = [item for item in items if item is not None]
    if delimiter is not None and not isinstance(delimiter, str):
        return None
    size = 0
    for item in texts:
        if not isinstance(item, str):
            return None
        size += len(item) + len(between)
    run.charge(len(items))
    run.room_for_text(size)
    return between.join(str(item) for item in texts)


@builtin("extract", "input: string, pattern: string", own=True)
def extract(run: Run, text: str, pattern: str) -> object:
    """All matches of the pattern, in order."""
    program = _program(run, pattern)
    if program is None:
        return None
    return [text[found[0] : found[1]] for found in regex.find_all(program, text, run)]


@builtin("trim", "string: string", own=True)
def trim(run: Run, text: str) -> object:
    """Without white space (the ideographic blank too) at both ends."""
    return text.strip()


@builtin("is blank", "string: any", own=True)
def is_blank(run: Run, text: object) -> object:
    """True for null and for text of white space only, because an unanswered field is either."""
    return text is None or (isinstance(text, str) and not text.strip())
