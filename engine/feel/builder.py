"""The semantic actions of the grammar in one class: tokens to closures, bottom up while the parser reduces.

No tree is kept and nothing recurses over the source. Straight code costs its size once, when an evaluation begins;
only what repeats (loops, filters, calls) pays again as it runs.
"""

from __future__ import annotations

from typing import Any, cast

from lark import Token, Transformer

from engine.feel.build_calls import CallRules
from engine.feel.build_logic import LogicRules
from engine.feel.build_values import INPUT, ValueRules
from engine.feel.nodes import Node

__all__ = ["INPUT", "Builder"]


class Builder(ValueRules, LogicRules, CallRules, Transformer[Token, Any]):
    """See `engine.feel.grammar` for the rules that its methods are named after."""

    def expression(self, children: list[Any]) -> Node:
        return cast(Node, children[0])
