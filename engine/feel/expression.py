"""Compiled expressions and unary tests, and how to get them from text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache, lru_cache
from typing import Any, Final

from lark import Token

from engine.feel.builder import INPUT, Builder
from engine.feel.errors import FeelSyntaxError, budget_exceeded
from engine.feel.grammar import make_parser
from engine.feel.lexer import mark_negation, needed, place, tokenize
from engine.feel.nodes import Node
from engine.feel.operators import order
from engine.feel.run import Environment, Frame, Run
from engine.feel.values import Range

CACHED: Final = 4096
"""Compiled texts kept: more than the expressions of any bundle the office will run side by side."""


@cache
def _parser() -> Callable[[str, list[Token], str], Any]:
    """Made at the first expression, not when the module is loaded: the table takes 0.1 s, and a diagram without any
    expression is checked without it."""
    return make_parser(Builder())


class _Compiled:
    """What expressions and tests share. Immutable; safe to share between threads."""

    __slots__ = ("_code", "_size", "inner_names", "names", "text")

    def __init__(self, text: str, node: Node) -> None:
        self.text = text
        self.names: frozenset[str] = node.names - {INPUT}
        """Free variables: names the case data must know. Names of built-in functions being called are not in it."""
        self.inner_names: frozenset[str] = node.inner_names - {INPUT}
        """Names read inside filters only, which may be entries of the filtered item or variables."""
        self._code = node.code
        self._size = node.size

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.text!r})"

    def _run(self, frame: Frame) -> object:
        frame.run.charge(self._size)
        try:
            return self._code(frame)
        except RecursionError:
            # The budget stops recursion long before; this is for a caller that is itself deep in the stack.
            raise budget_exceeded("depth", frame.run.env.max_depth) from None

    @property
    def size(self) -> int:
        """Parts of the expression: what evaluating it once costs before loops."""
        return self._size

    def value_in(self, frame: Frame) -> object:
        """The value in a frame that is already there, on its budget; for tables, which evaluate many cells at once."""
        return self._code(frame)


class Expression(_Compiled):
    """A compiled FEEL expression."""

    __slots__ = ()

    def evaluate(self, variables: Mapping[str, object], env: Environment) -> object:
        """The FEEL value (see `engine.feel.values`) with `variables` as JSON or FEEL values; unknown names are null.

        The result may share parts with `variables`: change neither. Raises FeelEvaluationError.
        """
        run = Run(env)
        # As `_run` does, without a call: this is what every condition, script and limit goes through.
        run.left -= self._size
        if run.left < 0:
            raise budget_exceeded("steps", env.max_steps)
        try:
            return self._code(Frame(variables, None, run))
        except RecursionError:
            raise budget_exceeded("depth", env.max_depth) from None


class UnaryTests(_Compiled):
    """A compiled cell of a decision table."""

    __slots__ = ()

    def matches(self, value: object, variables: Mapping[str, object], env: Environment) -> bool | None:
        """Whether `value` passes; null when that cannot be said (text compared with a number). `?` is the value.

        Raises FeelEvaluationError.
        """
        run = Run(env)
        verdict = self._run(Frame({INPUT: run.lift(value)}, Frame(variables, None, run), run))
        return verdict if isinstance(verdict, bool) else None


def _compile(text: str, start: str, names: frozenset[str]) -> Node:
    tokens = tokenize(text, names)
    if not tokens:
        raise FeelSyntaxError("feel.syntax.empty")
    if start == "tests":
        tokens = mark_negation(tokens)
    try:
        node = _parser()(text, tokens, start)
    except FeelSyntaxError as error:
        if "position" not in error.details:
            raise
        details = {key: value for key, value in error.details.items() if key != "position"}
        line, column = place(text, int(str(error.details["position"])))
        raise FeelSyntaxError(error.message_key, line, column, details) from None
    assert isinstance(node, Node)
    return node


def called_names(text: str) -> frozenset[str]:
    """The names that stand before a bracket as functions do, built in or not; none for a text that cannot be read."""
    try:
        tokens = tokenize(text)
    except FeelSyntaxError:
        return frozenset()
    return frozenset(
        str(token)
        for before, token, after in zip([None, *tokens], tokens, tokens[1:], strict=False)
        if token.type == "NAME" and after.type == "LPAR" and (before is None or before.type != "DOT")
    )


def read_range(text: str, run: Run) -> Range | None:
    """The interval `text` writes with literal ends, null for anything else."""
    try:
        node = _compile(text, "expression", frozenset())
    except FeelSyntaxError:
        return None
    run.charge(node.size)
    value = None if node.names or node.inner_names else node.code(Frame({}, None, run))
    if not isinstance(value, Range) or order(value.start, value.end) not in (-1, 0):
        return None
    return value


@lru_cache(maxsize=CACHED)
def _expression(text: str, names: frozenset[str]) -> Expression:
    return Expression(text, _compile(text, "expression", names))


@lru_cache(maxsize=CACHED)
def _unary_tests(text: str, names: frozenset[str]) -> UnaryTests:
    source = text if text.strip() else "-"
    return UnaryTests(text, _compile(source, "tests", names))


def compile_expression(text: str, *, equals: bool = False, names: Iterable[str] = ()) -> Expression:
    """The compiled expression, from a cache when the text was seen before.

    `equals`: a leading "=" is dropped, as form-js and Camunda 8 files write it. `names`: names of the model that hold
    a keyword or an operator (`Dish - season`); other names with blanks need no announcing.
    Raises FeelSyntaxError with line and column in `text`.
    """
    if equals and text.lstrip().startswith("="):
        # A blank in its place keeps the columns right.
        text = text.replace("=", " ", 1)
    return _expression(text, needed(names))


def compile_unary_tests(text: str, *, names: Iterable[str] = ()) -> UnaryTests:
    """The compiled cell, from a cache when seen before; an empty cell and `-` pass every value.

    Raises FeelSyntaxError with line and column in `text`.
    """
    return _unary_tests(text, needed(names))
