"""List functions (DMN 1.5, tables 75 and 78): positions count from 1, negative ones from the end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from functools import cmp_to_key
from typing import cast

from engine.feel import operators
from engine.feel.functions.registry import builtin
from engine.feel.run import Run
from engine.feel.temporal import shift
from engine.feel.values import NUMBERS, Function, Range, YearsDuration, finite


def same(left: object, right: object, run: Run) -> bool:
    """Whether two items count as one: equal, both null, or intervals written alike."""
    return operators.equal(left, right, run) is True


@builtin("list contains", "list: list, element: any")
def list_contains(run: Run, items: list[object], element: object) -> object:
    run.charge(len(items))
    return any(same(item, element, run) for item in items)


@builtin("count", "list: list")
def count(run: Run, items: list[object]) -> object:
    return Decimal(len(items))


def _extreme(run: Run, items: list[object], wanted: int) -> object:
    run.charge(len(items))
    if not items:
        return None
    best = items[0]
    if operators.order(best, best) is None:
        return None
    for item in items[1:]:
        sign = operators.order(item, best)
        if sign is None:
            return None
        if sign == wanted:
            best = item
    return best


@builtin("min", "list*: any")
def minimum(run: Run, items: list[object]) -> object:
    return _extreme(run, items, -1)


@builtin("max", "list*: any")
def maximum(run: Run, items: list[object]) -> object:
    return _extreme(run, items, 1)


def _numbers(run: Run, items: list[object]) -> list[Decimal] | None:
    run.charge(len(items))
    numbers = [item for item in items if type(item) is Decimal]
    return numbers if len(numbers) == len(items) else None


def _total(numbers: list[Decimal]) -> Decimal:
    total = Decimal(0)
    for number in numbers:
        total = NUMBERS.add(total, number)
    return total


@builtin("sum", "list*: any")
def total(run: Run, items: list[object]) -> object:
    """Numbers, or durations of one kind (the latter as Camunda's FEEL does); null for none."""
    run.charge(len(items))
    if items and isinstance(items[0], (timedelta, YearsDuration)):
        result: object = items[0]
        for item in items[1:]:
            result = operators.add(result, item, run) if isinstance(item, (timedelta, YearsDuration)) else None
        return result
    numbers = _numbers(run, items)
    return finite(_total(numbers)) if numbers else None


@builtin("mean", "list*: any")
def mean(run: Run, items: list[object]) -> object:
    numbers = _numbers(run, items)
    return finite(NUMBERS.divide(_total(numbers), Decimal(len(numbers)))) if numbers else None


@builtin("product", "list*: any")
def product(run: Run, items: list[object]) -> object:
    numbers = _numbers(run, items)
    if not numbers:
        return None
    result = Decimal(1)
    for number in numbers:
        result = NUMBERS.multiply(result, number)
    return finite(result)


@builtin("median", "list*: any")
def median(run: Run, items: list[object]) -> object:
    numbers = _numbers(run, items)
    if not numbers:
        return None
    ordered = sorted(numbers)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return finite(NUMBERS.divide(NUMBERS.add(ordered[middle - 1], ordered[middle]), Decimal(2)))


@builtin("stddev", "list*: any")
def standard_deviation(run: Run, items: list[object]) -> object:
    """Of a sample (n - 1), as the standard's own examples."""
    numbers = _numbers(run, items)
    if not numbers or len(numbers) < 2:
        return None
    middle = NUMBERS.divide(_total(numbers), Decimal(len(numbers)))
    squares = [NUMBERS.power(NUMBERS.subtract(number, middle), Decimal(2)) for number in numbers]
    return finite(NUMBERS.sqrt(NUMBERS.divide(_total(squares), Decimal(len(numbers) - 1))))


@builtin("mode", "list*: any")
def mode(run: Run, items: list[object]) -> object:
    numbers = _numbers(run, items)
    if numbers is None:
        return None
    counts: dict[Decimal, int] = {}
    for number in numbers:
        counts[number] = counts.get(number, 0) + 1
    most = max(counts.values(), default=0)
    return sorted(number for number, times in counts.items() if times == most)


@builtin("all", "list*: any")
def all_true(run: Run, items: list[object]) -> object:
    run.charge(len(items))
    return operators.conjunction(items)


@builtin("any", "list*: any")
def any_true(run: Run, items: list[object]) -> object:
    run.charge(len(items))
    return operators.disjunction(items)


def _place(position: Decimal, length: int) -> int | None:
    """The index from 0 of a FEEL position, null when there is no such item."""
    if position != position.to_integral_value() or abs(position) > length or not position:
        return None
    number = int(position)
    return number - 1 if number > 0 else length + number


@builtin("sublist", "list: list, start position: number, length?: number")
def sublist(run: Run, items: list[object], start: Decimal, length: Decimal | None = None) -> object:
    begin = _place(start, len(items))
    if begin is None:
        return None
    if length is None:
        return items[begin:]
    if length < 1 or begin + length > len(items):
        return None
    return items[begin : begin + int(length)]


@builtin("append", "list: list, item*: any")
def append(run: Run, items: list[object], more: list[object]) -> object:
    run.room_for(len(items) + len(more))
    return [*items, *more]


@builtin("concatenate", "list*: any")
def concatenate(run: Run, lists: list[object]) -> object:
    result: list[object] = []
    for one in lists:
        if one is None:
            return None
        more = one if isinstance(one, list) else [one]
        run.room_for(len(result) + len(more))
        result.extend(more)
    return result


@builtin("insert before", "list: list, position: number, newItem: any")
def insert_before(run: Run, items: list[object], position: Decimal, item: object) -> object:
    begin = _place(position, len(items))
    if begin is None:
        return None
    run.room_for(len(items) + 1)
    return [*items[:begin], item, *items[begin:]]


@builtin("remove", "list: list, position: number")
def remove(run: Run, items: list[object], position: Decimal) -> object:
    begin = _place(position, len(items))
    if begin is None:
        return None
    return items[:begin] + items[begin + 1 :]


@builtin("list replace", "list: list, position: number, newItem: any")
def replace_at(run: Run, items: list[object], position: Decimal, item: object) -> object:
    begin = _place(position, len(items))
    if begin is None:
        return None
    run.room_for(len(items))
    return [*items[:begin], item, *items[begin + 1 :]]


@builtin("list replace", "list: list, match: function, newItem: any")
def replace_where(run: Run, items: list[object], match: Function, item: object) -> object:
    return _replace_where(run, items, match, item)


def _replace_where(run: Run, items: list[object], match: Function, new: object) -> object:
    if len(match.parameters) != 2:
        return None
    run.room_for(len(items))
    result: list[object] = []
    for item in items:
        verdict = match.call(run, [item, new])
        if type(verdict) is not bool:
            return None
        result.append(new if verdict else item)
    return result


@builtin("reverse", "list: list")
def reverse(run: Run, items: list[object]) -> object:
    run.room_for(len(items))
    return items[::-1]


@builtin("index of", "list: list, match: any")
def index_of(run: Run, items: list[object], match: object) -> object:
    run.charge(len(items))
    return [Decimal(place) for place, item in enumerate(items, 1) if same(item, match, run)]


def _distinct(run: Run, items: list[object]) -> list[object]:
    result: list[object] = []
    # Text and numbers are most lists: a set answers for them; the rest is compared one by one and pays for it.
    seen: set[object] = set()
    others: list[object] = []
    for item in items:
        if type(item) is str or type(item) is Decimal:
            if item in seen:
                continue
            seen.add(item)
        else:
            run.charge(1 + len(others))
            if any(same(item, other, run) for other in others):
                continue
            others.append(item)
        result.append(item)
    return result


@builtin("union", "list*: any")
def union(run: Run, lists: list[object]) -> object:
    joined = concatenate(run, lists)
    return None if joined is None else _distinct(run, cast("list[object]", joined))


@builtin("distinct values", "list: list")
def distinct_values(run: Run, items: list[object]) -> object:
    run.charge(len(items))
    return _distinct(run, items)


@builtin("duplicate values", "list: list", own=True)
def duplicate_values(run: Run, items: list[object]) -> object:
    run.charge(len(items) * (1 + len(items) // 8))
    repeated = [item for place, item in enumerate(items) if any(same(item, other, run) for other in items[:place])]
    return _distinct(run, repeated)


@builtin("flatten", "list: list")
def flatten(run: Run, items: list[object]) -> object:
    result: list[object] = []

    def walk(values: list[object]) -> None:
        run.enter()
        for value in values:
            if isinstance(value, list):
                walk(value)
            else:
                result.append(value)
                run.charge(1)
        run.room_for(len(result))
        run.leave()

    walk(items)
    return result


def _sorted(run: Run, items: list[object], before: Callable[[object, object], object]) -> object:
    failed: list[object] = []

    def sign(left: object, right: object) -> int:
        run.charge(1)
        verdict = before(left, right)
        if type(verdict) is not bool:
            failed.append(verdict)
            return 0
        return -1 if verdict else (1 if before(right, left) is True else 0)

    run.room_for(len(items))
    result = sorted(items, key=cmp_to_key(sign))
    return None if failed else result


@builtin("sort", "list: list, precedes?: any")
def sort(run: Run, items: list[object], precedes: object = None) -> object:
    """Stable; without `precedes` in ascending order."""
    if precedes is None:
        return _sorted(run, items, operators.less)
    if not isinstance(precedes, Function) or len(precedes.parameters) != 2:
        return None
    call = precedes.call
    return _sorted(run, items, lambda left, right: call(run, [left, right]))


@builtin("partition", "list: list, size: number", own=True)
def partition(run: Run, items: list[object], size: Decimal) -> object:
    if size < 1 or size != size.to_integral_value():
        return None
    step = int(min(size, Decimal(max(len(items), 1))))
    run.room_for(len(items))
    return [items[start : start + step] for start in range(0, len(items), step)]


@builtin("is empty", "list: any", own=True)
def is_empty(run: Run, value: object) -> object:
    """For lists, texts, contexts; null counts as empty, because an unanswered field is null."""
    return value is None or (isinstance(value, (list, str, dict)) and not value)


def items_of(run: Run, interval: Range) -> list[object] | None:
    """The whole numbers or days of an interval that has two ends, null otherwise."""
    start, end = interval.start, interval.end
    if operators.order(start, end) not in (-1, 0):
        return None
    values = steps(run, start, end)
    if values is None:
        return None
    if values and not interval.start_included:
        values = values[1:]
    if values and not interval.end_included and operators.equal(values[-1], end, run):
        values = values[:-1]
    return values


def steps(run: Run, start: object, end: object) -> list[object] | None:
    """`start..end` of a loop: whole numbers or days, upward or downward; null for anything else."""
    if isinstance(start, Decimal) and isinstance(end, Decimal):
        if start != start.to_integral_value() or end != end.to_integral_value():
            return None
        distance = abs(end - start)
        run.room_for(int(min(distance, Decimal(10**9))) + 1)
        first, last = int(start), int(end)
        step = 1 if last >= first else -1
        return [Decimal(number) for number in range(first, last + step, step)]
    if type(start) is type(end) and hasattr(start, "toordinal") and not hasattr(start, "hour"):
        days = end.toordinal() - start.toordinal()  # type: ignore[attr-defined]
        run.room_for(abs(days) + 1)
        sign = 1 if days >= 0 else -1
        return [shift(start, timedelta(days=sign * number)) for number in range(abs(days) + 1)]  # type: ignore[arg-type]
    return None
