"""Literals, names, lists, contexts, ranges, paths and types as closures.

One method per rule of `engine.feel.grammar`, mixed into the Builder. A closure takes a Frame and gives a FEEL value.
"""

from __future__ import annotations

from typing import Any, Final, cast

from lark import Token

from engine.feel import operators, temporal, types
from engine.feel.errors import FeelSyntaxError
from engine.feel.functions import BUILTINS
from engine.feel.functions.numeric import number_of
from engine.feel.functions.registry import as_function
from engine.feel.nodes import Named, Node, constant, join, nodes_in, problem
from engine.feel.properties import property_of
from engine.feel.run import Frame
from engine.feel.types import TypeTest
from engine.feel.values import READY, Range

INPUT: Final = "?"
"""The name under which unary tests see the value they test."""


def name_node(key: str) -> Node:
    """Reads `key` from the nearest frame that has it; a built-in function when none has; else null."""
    builtin = as_function(key) if key in BUILTINS else None

    def code(frame: Frame) -> object:
        names = frame.names
        if key in names:
            value = names[key]
            return value if type(value) in READY else frame.run.lift(value)
        here = frame.up
        while here is not None:
            if key in here.names:
                return here.run.lift(here.names[key])
            here = here.up
        return builtin

    return Node(code, names=frozenset((key,)), name=key)


def _unary_range(comparator: str, end: object) -> object:
    """The interval `(> 5)`, `(<= 5)`, `(= 5)`; `(!= 5)` is written as the one point without both its ends."""
    if comparator == "EQ":
        return Range(end, end, True, True, unary=True)
    if comparator == "NE":
        return Range(end, end, False, False, unary=True)
    if end is None:
        return None
    if comparator in ("LT", "LE"):
        return Range(None, end, False, comparator == "LE", unary=True)
    return Range(end, None, comparator == "GE", False, unary=True)


class ValueRules:
    """Actions for everything that makes or takes apart a value."""

    # --- literals and names

    def number(self, children: list[Any]) -> Node:
        value = number_of(str(children[0]))
        if value is None:
            raise problem(children[0], "number", found=str(children[0])[:60])
        return constant(value)

    def string(self, children: list[Any]) -> Node:
        return constant(str(children[0]))

    def at_literal(self, children: list[Any]) -> Node:
        value = temporal.parse_temporal(str(children[0])[:100])
        if value is None:
            raise problem(children[0], "date_literal", found=str(children[0])[:60])
        return constant(value)

    def true(self, children: list[Any]) -> Node:
        return constant(True)

    def false(self, children: list[Any]) -> Node:
        return constant(False)

    def null(self, children: list[Any]) -> Node:
        return constant(None)

    def name(self, children: list[Any]) -> Node:
        return name_node(str(children[0]))

    def group(self, children: list[Any]) -> Node:
        inside = cast(Node, children[1])
        return join(inside.code, (inside,))

    # --- lists, contexts, ranges

    def list_made(self, children: list[Any]) -> Node:
        parts = nodes_in(children)
        codes = tuple(part.code for part in parts)
        return join(lambda frame: [code(frame) for code in codes], parts)

    def context_entry(self, children: list[Any]) -> Named:
        key, _, value = children
        return Named(str(key), value)

    def context(self, children: list[Any]) -> Node:
        entries = [child for child in children if isinstance(child, Named)]
        names: set[str] = set()
        for key in (entry.name for entry in entries):
            if key in names:
                raise FeelSyntaxError("feel.syntax.entry_twice", details={"name": key})
            names.add(key)
        codes = tuple((entry.name, entry.value.code) for entry in entries)

        def code(frame: Frame) -> object:
            made: dict[str, object] = {}
            inside = Frame(made, frame, frame.run)
            for key, one in codes:
                made[key] = one(inside)
            # A copy, because functions made inside keep seeing the frame.
            return dict(made)

        free: frozenset[str] = frozenset()
        before: set[str] = set()
        for entry in entries:
            free |= entry.value.names - before
            before.add(entry.name)
        node = join(code, [entry.value for entry in entries])
        return Node(node.code, node.size, node.depth, free, node.inner_names - names)

    def range_close(self, children: list[Any]) -> Token:
        return cast(Token, children[0])

    def range_made(self, children: list[Any]) -> Node:
        opening, start, _, end, closing = children
        low, high = start.code, end.code
        with_start, with_end = opening.type == "LSQB", closing.type == "RSQB"

        def code(frame: Frame) -> object:
            first, last = low(frame), high(frame)
            if first is not None and last is not None and operators.order(first, last) is None:
                return None
            return Range(first, last, with_start, with_end)

        return join(code, (start, end))

    def unary_range(self, children: list[Any]) -> Node:
        comparator, end = children[1:3]
        code = end.code
        return join(lambda frame: _unary_range(comparator.type, code(frame)), (end,))

    # --- paths, filters, calls

    def path(self, children: list[Any]) -> Node:
        owner, name = cast(Node, children[0]), str(children[2])
        code = owner.code

        def read(frame: Frame) -> object:
            value = code(frame)
            if type(value) is dict:
                return frame.run.lift(value.get(name))
            return property_of(value, name, frame.run)

        return join(read, (owner,))

    # --- types

    def instance_of(self, children: list[Any]) -> Node:
        node, _, test = children
        code = node.code
        return join(lambda frame: test(code(frame), frame.run), (node,))

    def written_type(self, children: list[Any]) -> TypeTest:
        first = children[0]
        tests = [child for child in children if callable(child) and not isinstance(child, Token)]
        members = tuple(child for child in children if isinstance(child, tuple))
        if first.type == "FUNCTION":
            return types.function_of(len(tests) - 1) if tests else cast(TypeTest, types.simple("function"))
        name = str(first)
        if members and name == "context":
            return types.context_of(members)
        if tests:
            if len(tests) == 1 and name in ("list", "range"):
                return types.list_of(tests[0]) if name == "list" else types.range_of(tests[0])
            raise problem(first, "type", found=name)
        found = types.simple(name)
        if found is None or members:
            raise problem(first, "type", found=name)
        return found

    def member_type(self, children: list[Any]) -> tuple[str, TypeTest]:
        return str(children[0]), children[2]
