"""One evaluation: what it may use (time, calendar, budget) and what it has used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, cast

from engine.domain.calendar import Calendar
from engine.feel.errors import budget_exceeded
from engine.feel.values import READY, lift_scalar

_SMALL: Final = tuple(Decimal(number) for number in range(256))
"""Numbers of everyday: counters, percentages, hours."""
_SHORT: Final = 16
"""Items of a list that is looked through again rather than remembered."""


@dataclass(frozen=True, slots=True)
class Environment:
    """What the world gives to an expression. `now`: aware, the journal entry's time. The rest are bounds.

    `max_steps`: operations; a loop pays for its body at every item. `max_items`: length of one list.
    `max_text`: characters of one string. `max_depth`: nesting of values and of function calls.
    `calendar`: needed by the working-hour functions only.
    """

    now: datetime
    calendar: Calendar | None = None
    max_steps: int = 20_000
    max_items: int = 10_000
    max_text: int = 100_000
    max_depth: int = 64


class Run:
    """The budget of one evaluation. Mutable, used once, never shared.

    A step is charged for about 5 microseconds of work, so that a whole budget is used up in a tenth of a second.
    """

    __slots__ = ("_lists", "_once", "depth", "env", "left")

    def __init__(self, env: Environment) -> None:
        self.env = env
        self.left = env.max_steps
        self.depth = 0
        # By identity, with the list kept alive so that the identity stays its own. Made when first needed.
        self._once: set[str] | None = None
        self._lists: dict[int, tuple[object, list[object]]] | None = None

    def lift(self, value: object) -> object:
        """The FEEL value of a JSON or Python value; lists with all they hold, once a run; a context stays as it is.

        Whoever reads an entry of a context lifts it, so a large one costs only what is read of it.
        """
        kind = type(value)
        if kind in READY:
            return value
        if kind is int:
            number = cast(int, value)
            return _SMALL[number] if 0 <= number < len(_SMALL) else lift_scalar(number)
        if kind is not list and kind is not tuple:
            return lift_scalar(value)
        source = cast("list[object]", value)
        if kind is list and len(source) <= _SHORT and READY.issuperset(map(type, source)):
            self.charge(1)
            return source
        if self._lists is None:
            self._lists = {}
        known = self._lists.get(id(value))
        if known is not None:
            return known[1]
        self.enter()
        self.charge(1 + (len(source) >> 3))
        lifted = [self.lift(item) for item in source]
        self.leave()
        self._lists[id(source)] = (source, lifted)
        self._lists[id(lifted)] = (lifted, lifted)
        return lifted

    def entry(self, context: Mapping[str, object], key: str) -> object:
        """The lifted value of `key`, null when absent."""
        return self.lift(context.get(key))

    def charge(self, steps: int) -> None:
        """Takes `steps` from the budget; raises FeelEvaluationError `feel.budget` when it is used up."""
        self.left -= steps
        if self.left < 0:
            raise budget_exceeded("steps", self.env.max_steps)

    def charge_once(self, what: str, steps: int) -> None:
        """Takes `steps` when the evaluation does `what` for the first time: later it is remembered."""
        if self._once is None:
            self._once = set()
        if what not in self._once:
            self.charge(steps)
            self._once.add(what)

    def room_for(self, items: int) -> None:
        """Raises unless a list of `items` may be made; charges its length before it is made."""
        if items > self.env.max_items:
            raise budget_exceeded("items", self.env.max_items)
        self.charge(items >> 3)

    def room_for_text(self, characters: int) -> None:
        """Raises unless a string of `characters` may be made."""
        if characters > self.env.max_text:
            raise budget_exceeded("text", self.env.max_text)
        self.charge(characters >> 8)

    def enter(self) -> None:
        """One level deeper, into a value or a function; `leave` must follow when it succeeds."""
        self.depth += 1
        if self.depth > self.env.max_depth:
            raise budget_exceeded("depth", self.env.max_depth)

    def leave(self) -> None:
        """One level up."""
        self.depth -= 1


class Frame:
    """Names in sight: `names` first, then those of `up`."""

    __slots__ = ("names", "run", "up")

    def __init__(self, names: Mapping[str, object], up: Frame | None, run: Run) -> None:
        self.names = names
        self.up = up
        self.run = run


Code = Callable[[Frame], object]
"""A compiled expression: gives the value in a frame."""
