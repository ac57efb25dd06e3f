"""Comparisons as closures, short where a condition of a diagram is: a name beside a literal, two numbers, two texts.

Every short way gives what `engine.feel.operators` gives; whatever it does not cover is handed on to there.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from engine.feel import operators
from engine.feel.nodes import Node, join
from engine.feel.run import Code, Frame

Compare = Callable[[Any, Any], bool]

_ORDERS: Final[dict[str, tuple[Compare, Callable[[object, object], bool | None]]]] = {
    "LT": (operator.lt, operators.less),
    "LE": (operator.le, operators.less_equal),
    "GT": (operator.gt, operators.greater),
    "GE": (operator.ge, operators.greater_equal),
}
_WHOLE: Final = 2**63
"""Whole numbers of case data below this are compared as they are: making a FEEL number of them changes nothing."""


def comparison(comparator: str, left: Node, right: Node) -> Node:
    """The node of `left <comparator> right`, by the token type of the comparator."""
    parts = (left, right)
    if comparator in _ORDERS:
        plain, full = _ORDERS[comparator]
        if type(right.constant) is Decimal:
            return join(_number_beside(left, right.constant, plain, full), parts)
        return join(_ordered(left.code, right.code, plain, full), parts)
    if comparator == "NE":
        return join(_different(left.code, right.code), parts)
    if type(right.constant) is str:
        return join(_text_beside(left, right.constant), parts)
    first, second = left.code, right.code
    return join(lambda frame: operators.equal(first(frame), second(frame), frame.run), parts)


def _ordered(first: Code, second: Code, plain: Compare, full: Callable[[object, object], bool | None]) -> Code:
    def code(frame: Frame) -> object:
        left, right = first(frame), second(frame)
        if type(left) is Decimal and type(right) is Decimal:
            return plain(left, right)
        return full(left, right)

    return code


def _number_beside(left: Node, wanted: Decimal, plain: Compare, full: Callable[[object, object], bool | None]) -> Code:
    first, name = left.code, left.name
    small = abs(wanted) < _WHOLE
    number = int(wanted) if small and wanted == wanted.to_integral_value() else wanted

    def code(frame: Frame) -> object:
        value = first(frame)
        return plain(value, wanted) if type(value) is Decimal else full(value, wanted)

    if name is None or not small:
        return code

    def named(frame: Frame) -> object:
        names = frame.names
        value = names[name] if name in names else first(frame)
        if type(value) is int and -_WHOLE < value < _WHOLE:
            return plain(value, number)
        if type(value) is Decimal:
            return plain(value, wanted)
        return full(frame.run.lift(value), wanted)

    return named


def _text_beside(left: Node, wanted: str) -> Code:
    first, name = left.code, left.name

    def code(frame: Frame) -> object:
        value = first(frame)
        return value == wanted if type(value) is str else operators.equal(value, wanted, frame.run)

    if name is None:
        return code

    def named(frame: Frame) -> object:
        names = frame.names
        value = names[name] if name in names else first(frame)
        if type(value) is str:
            return value == wanted
        return operators.equal(frame.run.lift(value), wanted, frame.run)

    return named


def _different(first: Code, second: Code) -> Code:
    def code(frame: Frame) -> object:
        left, right = first(frame), second(frame)
        if type(left) is str and type(right) is str:
            return left != right
        same = operators.equal(left, right, frame.run)
        return None if same is None else not same

    return code
