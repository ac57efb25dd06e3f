"""Numeric functions (DMN 1.5, table 76) and `number`, `decimal`: exact decimals throughout."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Context,
    Decimal,
)

from engine.feel.functions.registry import builtin
from engine.feel.run import Run
from engine.feel.values import NUMBERS, YearsDuration, finite

_MIN_SCALE, _MAX_SCALE = -6111, 6176
"""The scales DMN allows: the exponents of decimal128."""
_NUMBER = re.compile(r"-?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,5})?", re.ASCII)
_WIDE = Context(prec=7000, Emin=-20000, Emax=20000, traps=[])
"""Enough digits to round any decimal128 at any allowed scale without losing one."""


def _rounded(number: Decimal, scale: Decimal, rounding: str) -> Decimal | None:
    """`number` with `scale` digits after the point; null for a scale outside what DMN allows."""
    digits = int(scale) if abs(scale) < 10_000 else 10_000
    if not _MIN_SCALE <= digits <= _MAX_SCALE:
        return None
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and -exponent <= digits:
        return number
    return finite(NUMBERS.plus(number.quantize(Decimal(1).scaleb(-digits, _WIDE), rounding, _WIDE)))


def _rounding(rounding: str) -> object:
    def rounded(run: Run, number: Decimal, scale: Decimal) -> object:
        return _rounded(number, scale, rounding)

    return rounded


builtin("decimal", "n: number, scale: number")(_rounding(ROUND_HALF_EVEN))  # type: ignore[arg-type]
builtin("round up", "n: number, scale: number")(_rounding(ROUND_UP))  # type: ignore[arg-type]
builtin("round down", "n: number, scale: number")(_rounding(ROUND_DOWN))  # type: ignore[arg-type]
builtin("round half up", "n: number, scale: number")(_rounding(ROUND_HALF_UP))  # type: ignore[arg-type]
builtin("round half down", "n: number, scale: number")(_rounding(ROUND_HALF_DOWN))  # type: ignore[arg-type]


@builtin("floor", "n: number, scale?: number")
def floor(run: Run, number: Decimal, scale: Decimal | None = None) -> object:
    return _rounded(number, scale or Decimal(0), ROUND_FLOOR)


@builtin("ceiling", "n: number, scale?: number")
def ceiling(run: Run, number: Decimal, scale: Decimal | None = None) -> object:
    return _rounded(number, scale or Decimal(0), ROUND_CEILING)


@builtin("abs", "n: some")
def absolute(run: Run, value: object) -> object:
    if isinstance(value, Decimal):
        return NUMBERS.abs(value)
    if isinstance(value, timedelta):
        return abs(value)
    return YearsDuration(abs(value.months)) if isinstance(value, YearsDuration) else None


@builtin("modulo", "dividend: number, divisor: number")
def modulo(run: Run, dividend: Decimal, divisor: Decimal) -> object:
    """Takes the sign of the divisor: `dividend - divisor * floor(dividend / divisor)`."""
    if not divisor:
        return None
    rest = _WIDE.remainder(dividend, divisor)
    if rest and (rest < 0) != (divisor < 0):
        rest = _WIDE.add(rest, divisor)
    return finite(NUMBERS.plus(rest))


@builtin("sqrt", "number: number")
def square_root(run: Run, number: Decimal) -> object:
    return finite(NUMBERS.sqrt(number))


@builtin("log", "number: number")
def logarithm(run: Run, number: Decimal) -> object:
    run.charge(10)
    return finite(NUMBERS.ln(number))


@builtin("exp", "number: number")
def exponential(run: Run, number: Decimal) -> object:
    run.charge(5)
    return finite(NUMBERS.exp(number))


@builtin("odd", "number: number")
def odd(run: Run, number: Decimal) -> object:
    return _WIDE.remainder(abs(number), Decimal(2)) == 1 if _whole(number) else None


@builtin("even", "number: number")
def even(run: Run, number: Decimal) -> object:
    return _WIDE.remainder(abs(number), Decimal(2)) == 0 if _whole(number) else None


def _whole(number: Decimal) -> bool:
    return number == number.to_integral_value()


def number_of(text: str) -> Decimal | None:
    """The number a plain text such as `-1234.5` writes, else null."""
    return finite(NUMBERS.create_decimal(text)) if len(text) <= 500 and _NUMBER.fullmatch(text) else None


@builtin("number", "from: some")
def number_from(run: Run, value: object) -> object:
    if isinstance(value, Decimal):
        return value
    return number_of(value) if isinstance(value, str) else None


@builtin("number", "from: string, grouping separator: any, decimal separator?: any")
def number_with_separators(run: Run, text: str, grouping: object, point: object = None) -> object:
    if grouping not in (None, " ", ",", ".") or point not in (None, ",", ".") or (grouping and grouping == point):
        return None
    if isinstance(grouping, str):
        text = text.replace(grouping, "")
    if isinstance(point, str):
        if point == "," and "." in text:
            return None
        text = text.replace(point, ".")
    return number_of(text)
