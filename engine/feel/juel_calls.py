"""Methods and functions of Camunda 7 expressions that have a counterpart in FEEL: of texts, lists, dates, variables.

Each gives FEEL text for its parts, which are FEEL text themselves. A method that means one thing for a text and
another for a list (`contains`, `size`) becomes a question for the kind.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from engine.feel.lexer import KEYWORDS

_WORD: Final = re.compile(r"[^\W\d]\w*")
_WHOLE: Final = re.compile(r"[0-9]{1,9}")
_TEXT: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_UNITS: Final[Mapping[str, str]] = {
    "Years": "P{}Y", "Months": "P{}M", "Weeks": "P{}D", "Days": "P{}D", "Hours": "PT{}H", "Minutes": "PT{}M",
    "Seconds": "PT{}S",
}  # fmt: skip
_SHIFT: Final = re.compile(rf"(plus|minus)({'|'.join(_UNITS)})")


class Untranslatable(Exception):
    """Outside the subset."""


def quoted(name: str) -> str:
    """A name between backticks."""
    return f"`{name}`"


def quoted_text(text: str) -> str:
    """A FEEL string literal."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'


_NONE: Final[Mapping[str, Callable[[str], str]]] = {
    "size": lambda owner: f"(if {owner} instance of context then count(get entries({owner})) else count({owner}))",
    "length": lambda owner: f"string length({owner})",
    "isEmpty": lambda owner: f"is empty({owner})",
    "toUpperCase": lambda owner: f"upper case({owner})",
    "toLowerCase": lambda owner: f"lower case({owner})",
    "trim": lambda owner: f"trim({owner})",
    "toString": lambda owner: f"string({owner})",
    # Both are instants here.
    "toDate": lambda owner: owner,
    "toDateTime": lambda owner: owner,
}
_ONE: Final[Mapping[str, Callable[[str, str], str]]] = {
    "contains": lambda owner, part: (
        f"(if {owner} instance of list then list contains({owner}, {part}) else contains({owner}, {part}))"
    ),
    "startsWith": lambda owner, part: f"starts with({owner}, {part})",
    "endsWith": lambda owner, part: f"ends with({owner}, {part})",
    "equals": lambda owner, other: f"({owner} = {other})",
    "equalsIgnoreCase": lambda owner, other: f"(lower case({owner}) = lower case({other}))",
}


def method(owner: str, name: str, arguments: Sequence[str]) -> str:
    """FEEL of `owner.name(arguments)`. Raises Untranslatable."""
    if not arguments and name in _NONE:
        return _NONE[name](owner)
    if len(arguments) == 1:
        if name in _ONE:
            return _ONE[name](owner, arguments[0])
        if name == "get":
            return _item(owner, arguments[0])
        if name == "substring" and _WHOLE.fullmatch(arguments[0]):
            return f"substring({owner}, {int(arguments[0]) + 1})"
        shift = _SHIFT.fullmatch(name)
        if shift is not None:
            return f"({owner} {'+' if shift[1] == 'plus' else '-'} {_duration(shift[2], arguments[0])})"
    raise Untranslatable


def _item(owner: str, key: str) -> str:
    """An item of a list by its place from 0, an entry of a map by its name."""
    if _WHOLE.fullmatch(key):
        return f"{owner}[{int(key) + 1}]"
    if _TEXT.fullmatch(key):
        return f"get value({owner}, {key})"
    raise Untranslatable


def _duration(unit: str, amount: str) -> str:
    factor = 7 if unit == "Weeks" else 1
    if _WHOLE.fullmatch(amount):
        return f'duration("{_UNITS[unit].format(int(amount) * factor)}")'
    return f'({amount}) * duration("{_UNITS[unit].format(factor)}")'


def function(owner: str, name: str, arguments: Sequence[str]) -> str:
    """FEEL of `name(...)` and `execution.name(...)`. Raises Untranslatable."""
    if not owner and name in ("now", "dateTime") and not arguments:
        return "now()"
    if owner == "execution" and len(arguments) == 1 and _TEXT.fullmatch(arguments[0]):
        variable = arguments[0][1:-1]
        if _WORD.fullmatch(variable):
            read = quoted(variable) if variable in KEYWORDS else variable
            if name in ("getVariable", "getVariableLocal"):
                return read
            if name == "hasVariable":
                return f"({read} != null)"
    raise Untranslatable
