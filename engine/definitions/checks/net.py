"""`Process` values -> one finite net of sites: what the token game of `moves` is played on (BPMN 2.0 chapter 13).

A site is a flow node at one place of the call tree. A composite (sub-process, transaction, called process, event
sub-process) is either *inlined*, its body a scope of its own, or *atomic*: one activity that ends normally or by one
of the errors and escalations that may leave it. Calls that would nest for ever stay atomic.

Marks are bits of one whole number, so that clearing a scope is one operation: a site's own bit says that a token waits
there, a join has one bit for each incoming flow (`slot`), and an event that leaves its host alive has a bit that says
it comes no more during this activation (`spent`). Bit `mark + size` is the second token of the same mark; there
is no third.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from engine.definitions.model import EventText, Node, Process

from .thrown import Escapes

Role = Literal["pass", "wait", "and", "or", "race", "host"]
"""`pass`: acts at once; `wait`: until something outside ends it; `race`: event-based gateway; `host`: inlined."""

WAITING = frozenset(("userTask", "receiveTask", "intermediateCatchEvent"))


@dataclass(frozen=True, slots=True)
class Out:
    """An outgoing flow. `slot`: the mark it fills at a join, -1 where its target is none."""

    flow: str
    target: int
    slot: int
    condition: str
    default: bool


@dataclass(slots=True)
class Site:
    """A flow node in its scope. `path`: ids of the composites around it; `boundary`, `outs` by index.
    `slots`, `upstream`: of a join, for each incoming flow; `own`: both marks of all its slots.

    `escapes`: what may leave an atomic composite; `trigger`: the event that a race target, a boundary event or an event
    sub-process waits for; `spent`: mark, -1 for an interrupting boundary event; `host`: of a boundary event.
    `interrupts`: an event that ends its host or scope. `repeats`, `skips`: it may be done several times or not at all.
    `beside`: only a non-interrupting event leads to it. `closed`: its message comes from inside the case only.
    """

    index: int
    node: Node
    scope: int
    path: tuple[str, ...]
    role: Role
    trigger: EventText
    outs: list[Out] = field(default_factory=list)
    boundary: list[int] = field(default_factory=list)
    slots: list[int] = field(default_factory=list)
    spent: int = -1
    body: int = -1
    host: int = -1
    escapes: Escapes = Escapes()
    upstream: list[int] = field(default_factory=list)
    own: int = 0
    interrupts: bool = True
    repeats: bool = False
    skips: bool = False
    beside: bool = False
    closed: bool = False

    @property
    def name(self) -> str:
        """Ids from the outermost composite to the element: `Call_respond/Task_x`."""
        return "/".join((*self.path, self.node.id))


@dataclass(slots=True)
class Scope:
    """A body. `live`: marks of its own tokens; `all`: every mark in it and below; `inside`: itself and those below."""

    index: int
    process: Process
    host: int
    entries: list[int] = field(default_factory=list)
    others: list[int] = field(default_factory=list)
    events: list[int] = field(default_factory=list)
    joins: list[int] = field(default_factory=list)
    live: int = 0
    all: int = 0
    inside: frozenset[int] = frozenset()


@dataclass(slots=True)
class Mail:
    """Messages of one name that are thrown inside a case. `kept`: mark of one that waits for its receiver; `waiting`:
    (host, event) sites that may receive it; `starts`: (pool, start event) that it begins."""

    kept: int = -1
    waiting: list[tuple[int, int]] = field(default_factory=list)
    starts: list[tuple[int, int]] = field(default_factory=list)


@dataclass(slots=True)
class Net:
    """`size`: number of marks; bit `2 * size` means: the case has ended. `outside`: signal names that somebody outside
    the net may throw at any time; `throwers`: name -> bits of the atomic sites that may throw it while active;
    `shared`: somebody outside may change the data that conditional events look at; `vague`: it holds a complex join,
    which is played as an inclusive one; `mail`: by name, the messages that are thrown inside."""

    root: Process
    sites: list[Site] = field(default_factory=list)
    scopes: list[Scope] = field(default_factory=list)
    size: int = 0
    outside: frozenset[str] = frozenset()
    throwers: dict[str, int] = field(default_factory=dict)
    vague: bool = False
    shared: bool = True
    mail: dict[str, Mail] = field(default_factory=dict)
    site_of_mark: list[int] = field(default_factory=list)

    @property
    def ended(self) -> int:
        return 1 << (2 * self.size)

    def by_id(self, element: str) -> list[Site]:
        """Every site of an element: several where its process is called from several places."""
        return [site for site in self.sites if site.node.id == element]


def called_process(node: Node, processes: Mapping[str, Process]) -> Process | None:
    """The body of a composite: its own or the called one; None where there is none to be found."""
    if node.body is not None:
        return node.body
    return processes.get(node.called) if node.called else None


def within(process: Process, processes: Mapping[str, Process]) -> frozenset[str]:
    """Ids of every element that can run inside a process, in sub-processes and called processes too."""
    found: set[str] = set()
    seen: set[str] = set()
    todo = [process]
    while todo:
        current = todo.pop()
        for _, node in current.walk():
            found.add(node.id)
            if node.called in processes and node.called not in seen:
                seen.add(node.called)
                todo.append(processes[node.called])
    return frozenset(found)
