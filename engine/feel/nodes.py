"""Compiled parts of an expression: a closure with what is known about it before it runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from lark import Token

from engine.feel.errors import FeelSyntaxError
from engine.feel.run import Code, Run
from engine.feel.values import Function

MAX_NESTING: Final = 64
"""Expressions inside expressions, counted after reading: deep enough for any table, shallow enough for the stack."""


class _Missing:
    """Stands for "not a constant"."""


MISSING: Final = _Missing()


@dataclass(frozen=True, slots=True)
class Node:
    """`code` gives the value. `size`: parts it has, what one run of it costs. `depth`: levels of parts.

    `names`: free variables; `inner_names`: names read only inside filters, where they may be entries of the item.
    `constant`: its value if it is a literal. `name`: the plain name it is, if it is only that.
    """

    code: Code
    size: int = 1
    depth: int = 1
    names: frozenset[str] = frozenset()
    inner_names: frozenset[str] = frozenset()
    constant: object = MISSING
    name: str | None = None


def join(code: Code, parts: Sequence[Node], *, without: Iterable[str] = ()) -> Node:
    """The node that runs `code`, made of `parts`; `without`: names it binds itself."""
    depth = 1 + max((part.depth for part in parts), default=0)
    if depth > MAX_NESTING:
        raise FeelSyntaxError("feel.syntax.too_deep", details={"allowed": MAX_NESTING})
    names: frozenset[str] = frozenset().union(*(part.names for part in parts))
    inner: frozenset[str] = frozenset().union(*(part.inner_names for part in parts))
    bound = frozenset(without)
    return Node(code, 1 + sum(part.size for part in parts), depth, names - bound, inner - bound)


def constant(value: object) -> Node:
    """The node of a literal."""
    return Node(lambda frame: value, constant=value)


def invoke(function: Function, run: Run, arguments: Sequence[object]) -> object:
    """The result of a function value, one level deeper in the budget."""
    run.charge(1)
    run.enter()
    result = function.call(run, arguments)
    run.leave()
    return result


@dataclass(frozen=True, slots=True)
class Named:
    """`name: value` in a call or a context."""

    name: str
    value: Node


def nodes_in(children: Sequence[object]) -> list[Node]:
    """The nodes among what a rule was reduced from; the rest are its keywords and marks."""
    return [child for child in children if isinstance(child, Node)]


def problem(token: Token, key: str, **details: object) -> FeelSyntaxError:
    """An error found while building; the reader turns `position` into line and column."""
    return FeelSyntaxError(f"feel.syntax.{key}", details={**details, "position": token.start_pos or 0})
