"""The data of one case: its fields, and the data scopes of instances and of activities with mapped data beside them."""

from __future__ import annotations

import hashlib
from collections import ChainMap
from collections.abc import Mapping, MutableMapping
from typing import TYPE_CHECKING

from engine.domain import events as ev
from engine.domain.codec import JSON, canonical
from engine.domain.events import Event

from .guards import Guards

if TYPE_CHECKING:
    from .subscriptions import Subscriptions
    from .tokens import Token


class CaseData:
    """`data`: the case's fields, with the hash and size of each. `locals`: fields of a data scope by its name; `outer`:
    the scope around it. `narrow` scopes keep only fields they have, `isolated` ones see only their own."""

    subscriptions: Subscriptions

    def __init__(self, guards: Guards) -> None:
        self.guards = guards
        self.events: list[Event] = []
        self.data: dict[str, JSON] = {}
        self.hashes: dict[str, str] = {}
        self.sizes: dict[str, int] = {}
        self.locals: dict[str, dict[str, JSON]] = {}
        self.outer: dict[str, str] = {}
        self.narrow: set[str] = set()
        self.isolated: set[str] = set()
        self.collected: dict[str, str] = {}

    def emit(self, event: Event) -> None:
        self.events.append(event)

    def variables(self, scope: str) -> Mapping[str, JSON]:
        """What expressions see in a data scope: its own fields over those of the scopes around it."""
        if not scope:
            return self.data
        maps: list[MutableMapping[str, JSON]] = []
        while scope:
            maps.append(self.locals[scope])
            if scope in self.isolated:
                return ChainMap(*maps)
            scope = self.outer[scope]
        return ChainMap(*maps, self.data)

    def write(self, values: Mapping[str, JSON], scope: str, by: str, own: bool = False) -> None:
        """Sets fields of a data scope and records it. A narrow scope (an activity with mapped inputs) takes the fields
        it has, and with `own` new ones; what else is written goes to the scope around it."""
        if scope in self.narrow and not own:
            mine = {name: value for name, value in values.items() if name in self.locals[scope]}
            self.write({n: v for n, v in values.items() if n not in mine}, self.outer[scope], by)
            values = mine
        if not values:
            return
        self.subscriptions.changed = True
        target = self.locals[scope] if scope else self.data
        target.update(values)
        if scope:
            inner = scope
            while inner:
                into = self.collected.get(inner, "")
                if into:
                    self._touch(into, by)
                inner = self.outer[inner]
        else:
            for name in values:
                self._touch(name, by)
        self.emit(ev.DataWritten(dict(values), scope, by))

    def _touch(self, name: str, by: str) -> None:
        text = canonical(self.data.get(name))
        self.hashes[name] = hashlib.sha256(text).hexdigest()
        self.sizes[name] = len(text)
        self.guards.data(by, sum(self.sizes.values()))

    def open_scope(self, scope: str, outer: str, narrow: bool = False) -> None:
        self.locals[scope] = {}
        self.outer[scope] = outer
        if narrow:
            self.narrow.add(scope)

    def isolate(self, scope: str) -> None:
        """From now on the scope sees its own fields only (a call with mapped data)."""
        self.isolated.add(scope)

    def close_scope(self, scope: str) -> None:
        self.locals.pop(scope, None)
        self.outer.pop(scope, None)
        self.collected.pop(scope, None)
        self.narrow.discard(scope)
        self.isolated.discard(scope)

    def collect(self, token: Token, into: str) -> None:
        """Begins the list `into` of a multi-instance activity."""
        self.write({into: []}, "", token.task_spec.bpmn_id)
        # A list of its own: the event just recorded must not grow with it.
        self.data[into] = []

    def collect_scope(self, token: Token, into: str, scope: str) -> None:
        """Adds an instance's own fields to the list: the same dict, so the list is always up to date."""
        self.data[into].append(self.locals[scope])
        self.collected[scope] = into
