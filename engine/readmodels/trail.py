"""Where a case has been: visits of elements and taken flows, for the diagram."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from .schema import trail


@dataclass(frozen=True, slots=True)
class ElementTrail:
    """`visits`: how often entered. `active`: tokens there now. `cancelled`: visits that were cut short."""

    visits: int
    active: int
    cancelled: int


@dataclass(frozen=True, slots=True)
class ScopeTrail:
    """The trail inside one visit of a sub-process or call activity (`scope` "": the case's own process).

    `elements`: by element id. `flows`: how often each sequence flow was taken.
    """

    scope: str
    elements: Mapping[str, ElementTrail]
    flows: Mapping[str, int]


def summary(conn: Connection, case_id: str) -> tuple[ScopeTrail, ...]:
    """Every scope the case has been in, first entered first; one statement."""
    columns = (trail.c.scope, trail.c.element, trail.c.action)
    counted = select(*columns, func.count(), func.min(trail.c.seq)).where(trail.c.case_id == case_id)
    acts: dict[str, dict[str, dict[str, int]]] = {}
    since: dict[str, int] = {}
    for scope, element, action, number, seq in conn.execute(counted.group_by(*columns)):
        acts.setdefault(scope, {}).setdefault(element, {})[action] = number
        since[scope] = min(since.get(scope, seq), seq)
    return tuple(scope_of(scope, acts[scope]) for scope in sorted(acts, key=lambda scope: (since[scope], scope)))


def merged(scopes: Iterable[ScopeTrail]) -> ScopeTrail:
    """Several visits drawn on one diagram: sums by element and flow. `scope` is that of the first."""
    elements: dict[str, ElementTrail] = {}
    flows: dict[str, int] = {}
    first = ""
    for index, scope in enumerate(scopes):
        first = scope.scope if index == 0 else first
        for name, one in scope.elements.items():
            had = elements.get(name, ElementTrail(0, 0, 0))
            elements[name] = ElementTrail(
                had.visits + one.visits, had.active + one.active, had.cancelled + one.cancelled
            )
        for name, number in scope.flows.items():
            flows[name] = flows.get(name, 0) + number
    return ScopeTrail(first, elements, flows)


def scope_of(scope: str, acts: Mapping[str, Mapping[str, int]]) -> ScopeTrail:
    """The trail of one scope from counts: element -> action -> how often."""
    elements, flows = {}, {}
    for name in sorted(acts):
        number = acts[name]
        if "taken" in number:
            flows[name] = number["taken"]
        visits, cancelled = number.get("entered", 0), number.get("cancelled", 0)
        if visits or cancelled or "left" in number:
            active = max(0, visits - number.get("left", 0) - cancelled)
            elements[name] = ElementTrail(visits, active, cancelled)
    return ScopeTrail(scope, elements, flows)
