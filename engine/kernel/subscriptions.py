"""Events of a case that don't come from outside: conditions that become true, messages that wait for their receiver."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.feel import Expression

if TYPE_CHECKING:
    from .case import Case
    from .tokens import Token


@dataclass(slots=True)
class Condition:
    """A conditional event that waits. `was`: whether it held when last looked at."""

    token: Token
    scope: str
    expression: Expression
    was: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """A message thrown inside the case before anybody waited for it. `key`: correlation, "" for none."""

    name: str
    key: str


class Subscriptions:
    """See the module. `settle` is asked before each step of a token."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.conditions: dict[str, Condition] = {}
        self.kept: list[Kept] = []
        self.wakes: deque[Token] = deque()
        self.changed = False
        """Data was written, or a condition was armed, since the conditions were last looked at."""

    def watch(self, token: Token, scope: str, expression: Expression) -> None:
        """Arms a conditional event; if it holds already it fires before the next step."""
        self.conditions[token.name] = Condition(token, scope, expression)
        self.changed = True

    def forget(self, name: str) -> None:
        self.conditions.pop(name, None)

    def keep(self, name: str, key: str) -> None:
        self.kept.append(Kept(name, key))

    def take(self, name: str, key: str) -> bool:
        """Takes the oldest kept message that fits; a message or receiver without a key fits any."""
        for kept in self.kept:
            if kept.name == name and (kept.key == key or not kept.key or not key):
                self.kept.remove(kept)
                return True
        return False

    def wake(self, token: Token) -> None:
        """Lets the event of a waiting token take effect before the next step."""
        self.wakes.append(token)

    def settle(self) -> bool:
        """Lets everything take effect that can. Returns whether anything did (BPMN 10.5.5: a condition fires when it
        becomes true, and again only after it was false)."""
        if not self.wakes and not self.changed:
            return False
        acted = False
        while self.wakes:
            token = self.wakes.popleft()
            if token.alive:
                self.case.trigger(token)
                acted = True
        if self.changed:
            self.changed = False
            for waiting in list(self.conditions.values()):
                acted = self._look(waiting) or acted
        return acted or self.changed

    def _look(self, waiting: Condition) -> bool:
        token = waiting.token
        if not token.alive or self.conditions.get(token.name) is not waiting:
            return False
        before = waiting.was
        waiting.was = self.case.engine.holds_in(waiting.scope, waiting.expression, token.task_spec.bpmn_id)
        if before or not waiting.was:
            return False
        self.case.guards.event(token.task_spec.bpmn_id)
        self.case.trigger(token)
        return True

    def state(self) -> dict[str, Any]:
        """What a later turn depends on, for the digest; {} when nothing waits."""
        found: dict[str, Any] = {}
        if self.conditions:
            found["conditions"] = [[name, c.was] for name, c in self.conditions.items()]
        if self.kept:
            found["kept"] = [[k.name, k.key] for k in self.kept]
        return found
