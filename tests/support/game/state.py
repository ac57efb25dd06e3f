"""What there is while the game is played: places with their data, works in them, watches for events."""

from __future__ import annotations

from collections import ChainMap, Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .diagram import Flow, Graph, Node


class Incident(Exception):
    """The diagram can't go on at `element`; the command is undone."""

    def __init__(self, element: str, why: str) -> None:
        super().__init__(f"{why} at {element}")
        self.element = element
        self.why = why


class Data:
    """Fields of the case, or of one instance of a multi-instance activity over those around it. `only`: takes no
    other fields than its own (a round of a standard loop). `over`: the instance has ended."""

    def __init__(self, around: Data | None = None, own: dict[str, Any] | None = None, only: bool = False) -> None:
        self.around = around
        self.own: dict[str, Any] = own if own is not None else {}
        self.only = only
        self.over = False

    def kept(self, memo: dict[int, Data]) -> Data:
        """These fields for a handler: those of instances that have ended as they were then, in a copy of their own,
        which the handlers of one instance share."""
        if self.around is None or not self.over:
            return self
        if id(self) not in memo:
            memo[id(self)] = Data(self.around.kept(memo), dict(self.own), self.only)
        return memo[id(self)]

    def view(self) -> Mapping[str, Any]:
        maps, data = [], self
        while True:
            maps.append(data.own)
            if data.around is None:
                return ChainMap(*maps)
            data = data.around

    def write(self, name: str, value: Any) -> None:
        if self.only and name not in self.own and self.around is not None:
            self.around.write(name, value)
        else:
            self.own[name] = value


@dataclass(eq=False)
class Place:
    """One run of a process, a sub-process or an event sub-process. `owner`: the activity it is the inside of;
    `works`: everything in it that is alive, oldest first; `parked`: tokens on the incoming flows of joins, by flow;
    `resets`: complex joins that have fired, and the flows whose tokens they still expect;
    `done`: what could be compensated, oldest first; `interrupted`: only its interrupting handler is left."""

    graph: Graph
    prefix: str
    data: Data
    owner: Work | None
    visits: Counter[str] = field(default_factory=Counter)
    works: list[Work] = field(default_factory=list)
    parked: dict[str, list[Flow]] = field(default_factory=dict)
    resets: dict[str, set[str]] = field(default_factory=dict)
    watches: list[Watch] = field(default_factory=list)
    done: list[Done] = field(default_factory=list)
    interrupted: bool = False
    alive: bool = True

    @property
    def scope(self) -> str:
        return self.prefix[:-1]

    @property
    def empty(self) -> bool:
        return not self.works and not any(self.parked.values())

    @property
    def around(self) -> Place | None:
        return self.owner.place if self.owner is not None else None


@dataclass(eq=False)
class Work:
    """A token in an element. `instances`: of a multi-instance or looping activity, `whole` leads back; `inside`: the
    place of a sub-process; `watches`: events it waits for, its boundary events included. `after`: what follows when
    it is no flow (a compensation handler)."""

    place: Place
    node: Node
    name: str
    data: Data
    whole: Work | None = None
    index: int = 0
    instances: list[Work] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    finished: int = 0
    inside: Place | None = None
    watches: list[Watch] = field(default_factory=list)
    race: Work | None = None
    after: Callable[[], None] | None = None
    open: bool = False
    alive: bool = True


@dataclass(eq=False)
class Watch:
    """An event that is waited for. `fire`: what happens when it comes. `due`, `left`: of a timer, its instant and the
    firings after it; `held`: of a condition, whether it held when last looked at."""

    node: Node
    name: str
    scope: str
    data: Data
    fire: Callable[[Watch], None]
    due: datetime | None = None
    later: list[datetime] = field(default_factory=list)
    held: bool = False
    alive: bool = True


@dataclass(eq=False)
class Done:
    """A completed activity that can be undone: by its handler, or by undoing what was done `inner`."""

    node: Node
    place: Place
    data: Data
    inner: list[Done]


@dataclass(eq=False)
class Job:
    """One handler to run. Where it is an event sub-process, `again` is the sub-process that is opened once more for it,
    and `inner` what was done there."""

    handler: Node
    data: Data
    again: Node | None = None
    inner: list[Done] = field(default_factory=list)
