"""Which orders of independent steps need not be tried (persistent sets)."""

from __future__ import annotations

from collections.abc import Iterator

from .data import Data, Values
from .moves import Draft, Game
from .net import Net


class Reduction:
    """See the module."""

    def __init__(self, net: Net, data: Data, watch: frozenset[str]) -> None:
        self.net = net

    def ample(self, game: Game, bits: int, values: Values) -> Iterator[Draft]:
        """Enough of the moves of a settled state."""
        yield from game.successors((), bits, values)
