"""Range functions (DMN 1.5, table 81, after Allen's interval relations) and `range`.

A point is any ordered value. An end that is open for ever (`null` in a unary range) lies beyond every point.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.feel import operators
from engine.feel.functions.registry import builtin
from engine.feel.run import Run
from engine.feel.values import Range

_Verdict = bool | None


def _compare(left: object, right: object, open_sign: int) -> int | None:
    """Order of two ends of the same side; an open end is `open_sign` away from any other."""
    if left is None and right is None:
        return 0
    if left is None:
        return open_sign
    if right is None:
        return -open_sign
    return operators.order(left, right)


def _starts(left: Range, right: Range) -> int | None:
    """Order of two starts; of equal ones the included comes first."""
    sign = _compare(left.start, right.start, -1)
    return (right.start_included - left.start_included) if sign == 0 and left.start is not None else sign


def _ends(left: Range, right: Range) -> int | None:
    """Order of two ends; of equal ones the included comes last."""
    sign = _compare(left.end, right.end, 1)
    return (left.end_included - right.end_included) if sign == 0 and left.end is not None else sign


def _end_to_start(left: Range, right: Range) -> int | None:
    """Where `left` ends relative to where `right` starts: -1 before, 0 sharing that one point, 1 beyond."""
    if left.end is None or right.start is None:
        return 1
    sign = operators.order(left.end, right.start)
    if sign == 0:
        return 0 if left.end_included and right.start_included else -1
    return sign


def _both(first: _Verdict, second: _Verdict) -> _Verdict:
    return operators.conjunction((first, second))


def _is(sign: int | None, test: Callable[[int], bool]) -> _Verdict:
    return None if sign is None else test(sign)


def _point(value: object) -> bool:
    return value is not None and operators.order(value, value) is not None


MAX_RANGE_TEXT = 300
"""Characters of a range read at run time."""


@builtin("range", "from: string")
def range_from(run: Run, text: str) -> object:
    """The interval a text such as `[1..5)` writes, its ends literals; null for anything else."""
    # The reader needs the functions, so it can only be asked for once both are loaded.
    from engine.feel.expression import read_range

    run.charge(20 + 4 * len(text))
    return read_range(text, run) if len(text) <= MAX_RANGE_TEXT else None


@builtin("before", "point1: some, point2: some")
def before(run: Run, first: object, second: object) -> object:
    if isinstance(first, Range) and isinstance(second, Range):
        return _is(_end_to_start(first, second), lambda sign: sign < 0)
    if isinstance(first, Range):
        upper = None if first.end is None else (operators.less if first.end_included else operators.less_equal)
        return False if upper is None else upper(first.end, second)
    if isinstance(second, Range):
        lower = None if second.start is None else (operators.less if second.start_included else operators.less_equal)
        return False if lower is None else lower(first, second.start)
    return operators.less(first, second)


@builtin("after", "point1: some, point2: some")
def after(run: Run, first: object, second: object) -> object:
    return before(run, second, first)


@builtin("meets", "range1: range, range2: range")
def meets(run: Run, first: Range, second: Range) -> object:
    if not (first.end_included and second.start_included) or first.end is None:
        return False
    return operators.equal(first.end, second.start, run)


@builtin("met by", "range1: range, range2: range")
def met_by(run: Run, first: Range, second: Range) -> object:
    return meets(run, second, first)


@builtin("overlaps", "range1: range, range2: range")
def overlaps(run: Run, first: Range, second: Range) -> object:
    return _both(
        _is(_end_to_start(first, second), lambda sign: sign >= 0),
        _is(_end_to_start(second, first), lambda sign: sign >= 0),
    )


@builtin("overlaps before", "range1: range, range2: range")
def overlaps_before(run: Run, first: Range, second: Range) -> object:
    """Starts first, does not end last, and shares a point."""
    return operators.conjunction(
        (
            _is(_starts(first, second), lambda sign: sign < 0),
            _is(_end_to_start(first, second), lambda sign: sign >= 0),
            _is(_ends(first, second), lambda sign: sign <= 0),
        )
    )


@builtin("overlaps after", "range1: range, range2: range")
def overlaps_after(run: Run, first: Range, second: Range) -> object:
    """Starts last, does not end first, and shares a point."""
    return operators.conjunction(
        (
            _is(_starts(second, first), lambda sign: sign < 0),
            _is(_end_to_start(second, first), lambda sign: sign >= 0),
            _is(_ends(second, first), lambda sign: sign <= 0),
        )
    )


@builtin("finishes", "point: some, range: range")
def finishes(run: Run, first: object, second: Range) -> object:
    if isinstance(first, Range):
        return _both(
            _is(_ends(first, second), lambda sign: sign == 0), _is(_starts(first, second), lambda sign: sign >= 0)
        )
    return second.end_included and operators.equal(first, second.end, run)


@builtin("finished by", "range: range, point: some")
def finished_by(run: Run, first: Range, second: object) -> object:
    return finishes(run, second, first)


@builtin("includes", "range: range, point: some")
def includes(run: Run, first: Range, second: object) -> object:
    if isinstance(second, Range):
        return _both(
            _is(_starts(first, second), lambda sign: sign <= 0), _is(_ends(first, second), lambda sign: sign >= 0)
        )
    return operators.within(second, first)


@builtin("during", "point: some, range: range")
def during(run: Run, first: object, second: Range) -> object:
    return includes(run, second, first)


@builtin("starts", "point: some, range: range")
def starts(run: Run, first: object, second: Range) -> object:
    if isinstance(first, Range):
        return _both(
            _is(_starts(first, second), lambda sign: sign == 0), _is(_ends(first, second), lambda sign: sign <= 0)
        )
    return second.start_included and operators.equal(first, second.start, run)


@builtin("started by", "range: range, point: some")
def started_by(run: Run, first: Range, second: object) -> object:
    return starts(run, second, first)


@builtin("coincides", "point1: some, point2: some")
def coincides(run: Run, first: object, second: object) -> object:
    if isinstance(first, Range) != isinstance(second, Range):
        return None
    if not isinstance(first, Range) and not (_point(first) and _point(second)):
        return None
    return operators.equal(first, second, run)
