"""Filters, calls, conditions, loops, quantifiers and functions as closures: all that repeats, and so pays as it runs.

One method per rule of `engine.feel.grammar`, mixed into the Builder. A closure takes a Frame and gives a FEEL value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from lark import Token

from engine.feel.functions import BUILTINS
from engine.feel.functions.lists import items_of, steps
from engine.feel.functions.registry import UNFIT, by_names, by_position
from engine.feel.nodes import Named, Node, invoke, join, nodes_in, problem
from engine.feel.run import Code, Frame, Run
from engine.feel.types import TypeTest
from engine.feel.values import Function, Range


@dataclass(frozen=True, slots=True)
class _Iterator:
    """One `name in domain`; `last` is the end of `domain..last`."""

    name: str
    domain: Node
    last: Node | None


@dataclass(frozen=True, slots=True)
class _Parameter:
    name: str
    fits: TypeTest | None


def _one_argument(function: Callable[..., object], fit: Callable[[object], object] | None, argument: Code) -> Code:
    """The commonest call made short: `count(x)`, `date(x)`, `not(x)`."""
    if fit is None:
        return lambda frame: function(frame.run, argument(frame))
    fitted = fit

    def code(frame: Frame) -> object:
        value = fitted(argument(frame))
        return None if value is UNFIT else function(frame.run, value)

    return code


def _item_at(items: list[object], position: Decimal) -> object:
    if position != position.to_integral_value() or not position or abs(position) > len(items):
        return None
    return items[int(position) - 1 if position > 0 else int(position)]


def _item_frame(item: object, frame: Frame) -> Frame:
    """Inside a filter: `item`, and the entries of the item before everything else."""
    outer = Frame({"item": item}, frame, frame.run)
    return Frame(item, outer, frame.run) if type(item) is dict else outer


def _domain(iterator: _Iterator, frame: Frame) -> list[object] | None:
    value = iterator.domain.code(frame)
    if iterator.last is not None:
        return steps(frame.run, value, iterator.last.code(frame))
    if type(value) is list:
        return value
    if type(value) is Range:
        return items_of(frame.run, value)
    return None if value is None else [value]


def _frames(iterators: Sequence[_Iterator], frame: Frame, first: int = 0) -> Iterator[Frame | None]:
    """One frame per combination, the last iterator fastest; None when a domain is no list."""
    values = _domain(iterators[first], frame)
    if values is None:
        yield None
        return
    name, last = iterators[first].name, first + 1 == len(iterators)
    for value in values:
        frame.run.charge(1)
        inside = Frame({name: value}, frame, frame.run)
        if last:
            yield inside
        else:
            yield from _frames(iterators, inside, first + 1)


class CallRules:
    """Actions for what calls or repeats."""

    def filtered(self, children: list[Any]) -> Node:
        owner, condition = nodes_in(children)
        of, test, size = owner.code, condition.code, condition.size

        def code(frame: Frame) -> object:
            value = of(frame)
            run = frame.run
            items = cast("list[object]", value) if type(value) is list else ([] if value is None else [value])
            if isinstance(condition.constant, Decimal):
                return _item_at(items, condition.constant)
            run.room_for(len(items))
            result: list[object] = []
            for place, item in enumerate(items):
                run.charge(size)
                verdict = test(_item_frame(item, frame))
                if verdict is True:
                    result.append(item)
                elif place == 0 and type(verdict) is Decimal:
                    return _item_at(items, verdict)
            return result

        node = join(code, (owner, condition))
        inside = (condition.names | condition.inner_names) - {"item"}
        # What a filter reads may be an entry of the item; only the list itself is surely a free name.
        return Node(node.code, node.size, node.depth, owner.names, owner.inner_names | (inside - owner.names))

    def call(self, children: list[Any]) -> Node:
        callee, *arguments = nodes_in(children)
        if callee.name in BUILTINS:
            return self._call_builtin(callee.name, arguments, children[1])
        codes = tuple(argument.code for argument in arguments)
        function = callee.code

        def code(frame: Frame) -> object:
            called = function(frame)
            if type(called) is not Function or len(called.parameters) != len(codes):
                return None
            return invoke(called, frame.run, [argument(frame) for argument in codes])

        return join(code, (callee, *arguments))

    def _call_builtin(self, name: str, arguments: list[Node], token: Token) -> Node:
        found = by_position(name, len(arguments))
        if found is None:
            raise problem(token, "arguments", function=name, given=len(arguments))
        signatures = [one for one in BUILTINS[name] if one.takes(len(arguments))]
        codes = tuple(argument.code for argument in arguments)
        if len(signatures) == 1:
            call = found.call
            if len(codes) == 1 and not found.variadic:
                return join(_one_argument(found.run, found.parameters[0].fit, codes[0]), arguments)
            return join(lambda frame: call(frame.run, [argument(frame) for argument in codes]), arguments)

        def code(frame: Frame) -> object:
            values = [argument(frame) for argument in codes]
            for one in signatures:
                if one.fits(values):
                    return one.call(frame.run, values)
            return None

        return join(code, arguments)

    def named(self, children: list[Any]) -> Named:
        return Named(str(children[0]), children[2])

    def call_named(self, children: list[Any]) -> Node:
        callee = cast(Node, children[0])
        given = [child for child in children if isinstance(child, Named)]
        names = [one.name for one in given]
        parts = [one.value for one in given]
        codes = tuple(part.code for part in parts)
        if callee.name in BUILTINS:
            found = by_names(callee.name, names)
            if found is None:
                raise problem(children[1], "arguments_named", function=callee.name, given=", ".join(names))
            builtin, places = found

            def call(frame: Frame) -> object:
                values = [argument(frame) for argument in codes]
                return builtin.call(frame.run, [UNFIT if place is None else values[place] for place in places])

            return join(call, parts)
        function = callee.code

        def code(frame: Frame) -> object:
            called = function(frame)
            values = {name: argument(frame) for name, argument in zip(names, codes, strict=True)}
            if type(called) is not Function or set(values) != set(called.parameters) or len(values) != len(names):
                return None
            return invoke(called, frame.run, [values[name] for name in called.parameters])

        return join(code, (callee, *parts))

    # --- if, loops, quantifiers, functions

    def if_else(self, children: list[Any]) -> Node:
        parts = nodes_in(children)
        condition, then, otherwise = (part.code for part in parts)
        return join(lambda frame: then(frame) if condition(frame) is True else otherwise(frame), parts)

    def iterator(self, children: list[Any]) -> _Iterator:
        return _Iterator(str(children[0]), children[2], None)

    def range_iterator(self, children: list[Any]) -> _Iterator:
        return _Iterator(str(children[0]), children[2], children[4])

    def _loop(self, children: list[Any]) -> tuple[list[_Iterator], Node, Callable[[Callable[..., object]], Node]]:
        """Iterators, body, and a maker of the loop's node with the right free names."""
        iterators = [child for child in children if isinstance(child, _Iterator)]
        body = nodes_in(children)[-1]

        def make(code: Callable[..., object]) -> Node:
            parts = [part for one in iterators for part in (one.domain, one.last) if part is not None]
            node = join(code, [*parts, body])
            bound: set[str] = set()
            free: frozenset[str] = frozenset()
            for one in iterators:
                free |= one.domain.names - bound
                if one.last is not None:
                    free |= one.last.names - bound
                bound.add(one.name)
            return Node(node.code, node.size, node.depth, free | (body.names - bound - {"partial"}), node.inner_names)

        return iterators, body, make

    def for_return(self, children: list[Any]) -> Node:
        iterators, body, make = self._loop(children)
        code, size, with_partial = body.code, body.size, "partial" in body.names | body.inner_names

        def loop(frame: Frame) -> object:
            run = frame.run
            result: list[object] = []
            for inside in _frames(iterators, frame):
                if inside is None:
                    return None
                run.charge(size + 1)
                if with_partial:
                    run.room_for(len(result))
                    inside = Frame({"partial": result.copy()}, inside, run)
                result.append(code(inside))
                if len(result) > run.env.max_items:
                    run.room_for(len(result))
            return result

        return make(loop)

    def _quantified(self, children: list[Any], decisive: bool) -> Node:
        iterators, body, make = self._loop(children)
        code, size = body.code, body.size

        def loop(frame: Frame) -> object:
            verdict: object = not decisive
            for inside in _frames(iterators, frame):
                if inside is None:
                    return None
                frame.run.charge(size + 1)
                value = code(inside)
                if value is decisive:
                    return decisive
                if type(value) is not bool:
                    verdict = None
            return verdict

        return make(loop)

    def some(self, children: list[Any]) -> Node:
        return self._quantified(children, True)

    def every(self, children: list[Any]) -> Node:
        return self._quantified(children, False)

    def parameter(self, children: list[Any]) -> _Parameter:
        return _Parameter(str(children[0]), children[2] if len(children) == 3 else None)

    def function_made(self, children: list[Any]) -> Node:
        parameters = [child for child in children if isinstance(child, _Parameter)]
        body = nodes_in(children)[-1]
        names = tuple(one.name for one in parameters)
        tests = tuple(one.fits for one in parameters)
        if len(set(names)) != len(names):
            raise problem(children[0], "parameter_twice")
        code, size = body.code, body.size

        def make(frame: Frame) -> object:
            def call(run: object, arguments: Sequence[object]) -> object:
                own = cast(Run, run)
                own.charge(size + 1)
                own.enter()
                for fits, value in zip(tests, arguments, strict=True):
                    if fits is not None and value is not None and not fits(value, own):
                        own.leave()
                        return None
                result = code(Frame(dict(zip(names, arguments, strict=True)), frame, own))
                own.leave()
                return result

            return Function(names, call)

        return join(make, (body,), without=names)
