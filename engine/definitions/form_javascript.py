"""Values as JavaScript sees them, where form-js shows it: equality, numbers as text, trimming, big.js decimals."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from decimal import ROUND_DOWN, Context, Decimal
from typing import Final

from engine.definitions.form_pattern import SPACE, utf16_units

MAX_SAFE_INTEGER: Final = 2**53 - 1
_BIG: Final = re.compile(r"-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?", re.ASCII)
_BLANK: Final = "".join(chr(code) for low, high in SPACE for code in range(low, high + 1))
_EXACT: Final = Context(prec=1_000, rounding=ROUND_DOWN)
"""Wide enough that min, max and increment are compared without rounding for numbers of MAX_DIGITS digits."""
MAX_DIGITS: Final = 400


def is_number(value: object) -> bool:
    """Whether a JSON value is a number; a boolean, an int to Python, is not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def equal(left: object, right: object) -> bool:
    """Deep equality of JSON values: 1 equals 1.0, but not true and not "1" (lodash isEqual)."""
    if type(left) is str or type(right) is str:
        return left == right
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(equal(item, right[key]) for key, item in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    return left == right


def truthy(value: object) -> bool:
    """Whether JavaScript takes the value as true: "", 0, null and false are not, empty lists and objects are."""
    return bool(value) or isinstance(value, Sequence | Mapping) and not isinstance(value, str)


def trim(text: str) -> str:
    """`String.prototype.trim`: also the ideographic blank and the byte order mark."""
    return text.strip(_BLANK)


def length(text: str) -> int:
    """`String.prototype.length`: UTF-16 units, so an emoji counts 2."""
    return len(text) if text.isascii() else len(utf16_units(text))


def number_text(number: int | float) -> str:
    """`String(number)`: 5.0 is "5", 1e21 is "1e+21", 0.0000001 is "1e-7"."""
    if isinstance(number, int) and abs(number) <= MAX_SAFE_INTEGER:
        return str(number)
    value = float(number)
    if value == 0:
        return "0"
    mantissa, _, exponent = f"{Decimal(repr(value)).normalize():e}".partition("e")
    sign = "-" if mantissa.startswith("-") else ""
    digits = mantissa.lstrip("-").replace(".", "")
    point = int(exponent) + 1
    if not -6 < point <= 21:
        tail = f".{digits[1:]}" if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{tail}e{point - 1:+d}"
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    if point >= len(digits):
        return f"{sign}{digits}{'0' * (point - len(digits))}"
    return f"{sign}{digits[:point]}.{digits[point:]}"


def text_of(value: object) -> str:
    """`String(value)` of a JSON value, as `RegExp.test` does to what is no string."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return number_text(value)
    if isinstance(value, list):
        return ",".join("" if item is None else text_of(item) for item in value)
    return "null" if value is None else "[object Object]"


def big(value: object) -> Decimal | None:
    """`Big(value)`: the exact decimal of a finite number or of a plain decimal text, else None."""
    if type(value) is int and -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER:
        return Decimal(value)
    if isinstance(value, Decimal):
        return value if value.is_finite() and abs(value.adjusted()) <= MAX_DIGITS else None
    if isinstance(value, str):
        if len(value) > MAX_DIGITS or not _BIG.fullmatch(value):
            return None
        number = Decimal(value)
    elif is_number(value) and math.isfinite(value):  # type: ignore[arg-type]
        number = Decimal(number_text(value))  # type: ignore[arg-type]
    else:
        return None
    return number if abs(number.adjusted()) <= MAX_DIGITS else None


def decimals(number: Decimal) -> int:
    """How many digits follow the decimal point, trailing zeros not counted."""
    exponent = _EXACT.normalize(number).as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def steps(number: Decimal, increment: Decimal) -> tuple[Decimal, Decimal] | None:
    """The multiples of `increment` before and after `number`, or None when it is one (remainder toward zero)."""
    if increment == 0:
        return None
    offset = _EXACT.remainder(number, increment)
    if offset == 0:
        return None
    previous = _EXACT.subtract(number, offset)
    return previous, _EXACT.add(previous, increment)


def plain(number: Decimal) -> str:
    """The decimal without exponent and trailing zeros, for a message."""
    return f"{_EXACT.normalize(number):f}"


def json_number(number: Decimal) -> int | float:
    """The decimal as JSON writes it: whole numbers as int as far as JavaScript counts exactly, else a double."""
    if abs(number) <= MAX_SAFE_INTEGER and number == number.to_integral_value():
        return int(number)
    return float(number)
