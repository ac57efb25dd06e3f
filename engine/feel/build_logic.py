"""Logic, comparison, unary tests and arithmetic as closures (DMN 1.5, 10.3.2.5 to 10.3.2.8).

One method per rule of `engine.feel.grammar`, mixed into the Builder. A closure takes a Frame and gives a FEEL value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final, cast

from lark import Token

from engine.feel import operators
from engine.feel.build_comparison import comparison
from engine.feel.build_values import INPUT, name_node
from engine.feel.nodes import MISSING, Node, constant, join, nodes_in
from engine.feel.run import Code, Frame


def _left_to_right(children: list[Any]) -> Node:
    """`a + b - c`: one loop over the operands, so that a long chain is not a deep one."""
    first, rest = children[0], children[1:]
    steps_: list[tuple[Callable[..., object], Code]] = [
        (_ARITHMETIC[operator.type], operand.code) for operator, operand in zip(rest[::2], rest[1::2], strict=True)
    ]
    start: Code = first.code
    if len(steps_) == 1:
        operation, second = steps_[0]
        return join(lambda frame: operation(start(frame), second(frame), frame.run), nodes_in(children))

    def code(frame: Frame) -> object:
        value = start(frame)
        for operation, operand in steps_:
            value = operation(value, operand(frame), frame.run)
        return value

    return join(code, nodes_in(children))


_ARITHMETIC: Final[dict[str, Callable[..., object]]] = {
    "PLUS": operators.add,
    "MINUS": lambda left, right, run: operators.subtract(left, right),
    "STAR": lambda left, right, run: operators.multiply(left, right),
    "SLASH": lambda left, right, run: operators.divide(left, right),
    "POW": operators.power,
}


def _both(first: Code, second: Code, decisive: bool) -> Code:
    """Logic of two operands, the commonest."""
    neutral = not decisive

    def code(frame: Frame) -> object:
        left = first(frame)
        if left is decisive:
            return decisive
        right = second(frame)
        if right is decisive:
            return decisive
        return neutral if left is neutral and right is neutral else None

    return code


def _is_literal(wanted: str | Decimal) -> Code:
    """The commonest cell: a text or a number."""
    kind = type(wanted)

    def test(frame: Frame) -> object:
        value = frame.names[INPUT]
        return value == wanted if type(value) is kind else operators.member(value, wanted, frame.run)

    return test


def _negated(verdict: object) -> object:
    return (not verdict) if isinstance(verdict, bool) else None


class LogicRules:
    """Actions for operators and tests."""

    # --- logic and comparison

    def disjunction(self, children: list[Any]) -> Node:
        return self._logic(children, True)

    def conjunction(self, children: list[Any]) -> Node:
        return self._logic(children, False)

    def _logic(self, children: list[Any], decisive: bool) -> Node:
        """Stops at the first operand that decides; what is not boolean counts as null."""
        parts = nodes_in(children)
        codes = tuple(part.code for part in parts)
        neutral = not decisive
        if len(codes) == 2:
            return join(_both(codes[0], codes[1], decisive), parts)

        def code(frame: Frame) -> object:
            verdict: object = neutral
            for one in codes:
                value = one(frame)
                if value is decisive:
                    return decisive
                if value is not neutral:
                    verdict = None
            return verdict

        return join(code, parts)

    def comparator(self, children: list[Any]) -> Token:
        return cast(Token, children[0])

    def compare(self, children: list[Any]) -> Node:
        left, comparator, right = children
        return comparison(comparator.type, left, right)

    def between(self, children: list[Any]) -> Node:
        parts = nodes_in(children)
        value, low, high = (part.code for part in parts)

        def code(frame: Frame) -> object:
            tested, start, end = value(frame), low(frame), high(frame)
            if type(tested) is Decimal and type(start) is Decimal and type(end) is Decimal:
                return start <= tested <= end
            lower = operators.greater_equal(tested, start)
            return operators.conjunction((lower, operators.less_equal(tested, end)))

        return join(code, parts)

    def is_in(self, children: list[Any]) -> Node:
        parts = nodes_in(children)
        value, of = (part.code for part in parts)
        return join(lambda frame: operators.member(value(frame), of(frame), frame.run), parts)

    def is_in_comparison(self, children: list[Any]) -> Node:
        left, _, comparator, right = children
        return comparison(comparator.type, left, right)

    def is_in_tests(self, children: list[Any]) -> Node:
        value, *tests = nodes_in(children)
        return self._with_input(value, self._any_test(tests))

    def _with_input(self, value: Node, tests: Node) -> Node:
        code, test = value.code, tests.code
        node = join(lambda frame: test(Frame({INPUT: code(frame)}, frame, frame.run)), (value, tests))
        # The tests' `?` is this value; a `?` in the value itself is that of a cell around all this.
        return replace(node, names=value.names | (tests.names - {INPUT}))

    # --- unary tests: nodes that give a verdict on `?`

    def comparison_test(self, children: list[Any]) -> Node:
        comparator, end = children
        return comparison(comparator.type, name_node(INPUT), end)

    def value_test(self, children: list[Any]) -> Node:
        node = cast(Node, children[0])
        code = node.code
        computed = node.constant is MISSING and node.name is None
        if INPUT in node.names | node.inner_names:
            return join(lambda frame: code(frame) is True, (node,))
        if type(node.constant) is str or type(node.constant) is Decimal:
            return join(_is_literal(node.constant), (node,))

        def test(frame: Frame) -> object:
            value, wanted = frame.names[INPUT], code(frame)
            # A condition that does not ask for `?` decides by itself; the literals true and false are compared.
            if computed and type(wanted) is bool and type(value) is not bool:
                return wanted
            return operators.member(value, wanted, frame.run)

        return join(test, (node,))

    def _any_test(self, tests: list[Node]) -> Node:
        if len(tests) == 1:
            return tests[0]
        codes = tuple(test.code for test in tests)

        def code(frame: Frame) -> object:
            verdict: object = False
            for one in codes:
                value = one(frame)
                if value is True:
                    return True
                if value is None:
                    verdict = None
            return verdict

        return join(code, tests)

    def any_value(self, children: list[Any]) -> Node:
        return constant(True)

    def some_test(self, children: list[Any]) -> Node:
        return self._any_test(nodes_in(children))

    def no_test(self, children: list[Any]) -> Node:
        tests = self._any_test(nodes_in(children))
        code = tests.code
        return join(lambda frame: _negated(code(frame)), (tests,))

    # --- arithmetic

    def additive(self, children: list[Any]) -> Node:
        return _left_to_right(children)

    multiplicative = additive
    power = additive

    def negation(self, children: list[Any]) -> Node:
        inside = cast(Node, children[1])
        if isinstance(inside.constant, Decimal):
            return constant(operators.negate(inside.constant))
        code = inside.code
        return join(lambda frame: operators.negate(code(frame)), (inside,))
