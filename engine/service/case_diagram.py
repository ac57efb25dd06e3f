"""Where a case stands, drawn: one diagram for each process it has been in, with what was visited and what waits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from engine.definitions.bundle import Bundle
from engine.definitions.model import Process
from engine.readmodels import cases, clocks, dossier, trail

SOON: Final = timedelta(hours=1)
"""An element whose limit ends within this time is marked before it is late."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One element. `state`: running, waiting (for a person), soon, overdue, incident, completed or cancelled.

    `visits`: how often entered; `active`: tokens there now; `who`: holders of its open tasks, groups when unclaimed.
    `due`: earliest deadline of what waits there.
    """

    visits: int
    active: int
    state: str
    who: tuple[str, ...] = ()
    due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Diagram:
    """One visit of one process. `scope`: "" for the case's own process, else the call's name (`Call_unit#1[0]`).

    `parent`: scope of the diagram that the call stands in. `unit`: whose instance it is, "" if nobody's. `calls`:
    call activity -> scopes it opened. `elements` and `flows` hold what the case has touched.
    """

    scope: str
    parent: str
    process: str
    name: str
    file: str
    xml: str
    unit: str
    elements: Mapping[str, Mark]
    flows: tuple[str, ...]
    calls: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def active(self) -> bool:
        return any(mark.active for mark in self.elements.values())


class TaskLike(Protocol):
    """What a diagram needs of a task: of a row of now, or of one of a replay."""

    @property
    def element(self) -> str: ...
    @property
    def scope(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def assignee(self) -> str: ...
    @property
    def candidates(self) -> tuple[str, ...]: ...
    @property
    def due(self) -> datetime | None: ...
    @property
    def state(self) -> str: ...


def diagram(services: Any, case_id: str) -> list[Diagram]:
    """Every process the case has been in, its own first, then in the order of entering. [] for an unknown case.

    Requires that the caller asked who may read the case.
    """
    with services.engine.connect() as conn:
        row = cases.get(conn, case_id)
        if row is None:
            return []
        trails = trail.summary(conn, case_id)
        tasks = dossier.tasks_of(conn, case_id)
        incidents = dossier.incidents_of(conn, case_id, open_only=True)
    bundle: Bundle = services.deployments.bundle(row.bundle)
    now = services.clock.now()
    return diagrams_of(bundle, row.process, trails, tasks, {incident.element for incident in incidents}, now)


def diagrams_of(
    bundle: Bundle,
    process: str,
    trails: Iterable[trail.ScopeTrail],
    tasks: Sequence[TaskLike],
    faulty: set[str],
    now: datetime,
) -> list[Diagram]:
    """Every process that `trails` lead through, `process` first, as it stood at `now` with these open `tasks` and
    elements with an incident."""
    drawn: dict[str, list[trail.ScopeTrail]] = {"": []}
    processes: dict[str, Process] = {"": bundle.processes[process]}
    parents: dict[str, tuple[str, str]] = {}
    for one in trails:
        scope = _drawing(bundle, processes[""], one.scope, processes, parents)
        if scope is not None:
            drawn.setdefault(scope, []).append(one)
    return [
        _diagram(bundle, scope, processes[scope], parents, trail.merged(found), tasks, faulty, now)
        for scope, found in drawn.items()
    ]


def _drawing(
    bundle: Bundle,
    root: Process,
    scope: str,
    processes: dict[str, Process],
    parents: dict[str, tuple[str, str]],
) -> str | None:
    """The scope of the diagram that a trail belongs to: that of the innermost call, since an embedded sub-process is
    drawn where it stands. Notes the process of each call and the call activity that opened it. None for a scope that
    the version the case runs on does not know: the case was there before it was migrated."""
    bodies, drawing, path = [root], "", ""
    for step in scope.split("/") if scope else ():
        path = f"{path}/{step}" if path else step
        ident = step.partition("#")[0]
        # A compensation handler runs in the scope that asked for it, and stands in one around that.
        node = next((body.nodes[ident] for body in reversed(bodies) if ident in body.nodes), None)
        if node is not None and node.body is not None:
            bodies.append(node.body)
            continue
        # No element of that name: another pool of the file, which a message or signal has started.
        process = bundle.processes.get(ident if node is None else node.called)
        if process is None:
            return None
        bodies = [process]
        processes[path] = bodies[0]
        parents[path] = (drawing, ident)
        drawing = path
    return drawing


def _diagram(
    bundle: Bundle,
    scope: str,
    process: Process,
    parents: Mapping[str, tuple[str, str]],
    been: trail.ScopeTrail,
    tasks: Sequence[TaskLike],
    faulty: set[str],
    now: datetime,
) -> Diagram:
    inside = (
        [task for task in tasks if task.scope == scope or clocks.covers(scope, task.scope)] if scope else list(tasks)
    )
    here = [task for task in inside if task.state == "open" and _innermost(task.scope, parents) == scope]
    calls: dict[str, tuple[str, ...]] = {}
    for child, (parent, element) in parents.items():
        if parent == scope:
            calls[element] = (*calls.get(element, ()), child)
    marks = {
        element: _mark(one, [task for task in here if task.element == element], element in faulty, now)
        for element, one in been.elements.items()
    }
    return Diagram(
        scope,
        parents[scope][0] if scope else "",
        process.id,
        process.name or process.id,
        process.file,
        bundle.files[process.file].decode("utf-8-sig"),
        next((task.unit for task in inside if task.unit), "") if "[" in scope else "",
        marks,
        tuple(been.flows),
        calls,
    )


def _innermost(scope: str, drawings: Iterable[str]) -> str:
    """The drawing that tasks of `scope` appear in."""
    return max((one for one in drawings if clocks.covers(one, scope)), key=len, default="")


def _mark(one: trail.ElementTrail, open_tasks: Sequence[TaskLike], faulty: bool, now: datetime) -> Mark:
    who = dict.fromkeys(name for task in open_tasks for name in _holders(task))
    due = min((task.due for task in open_tasks if task.due is not None), default=None)
    if faulty:
        state = "incident"
    elif one.active:
        state = "running" if not open_tasks else "waiting" if due is None or due > now + SOON else "soon"
        state = "overdue" if due is not None and due <= now else state
    else:
        state = "completed" if one.visits > one.cancelled else "cancelled"
    return Mark(one.visits, one.active, state, tuple(who), due)


def _holders(task: TaskLike) -> tuple[str, ...]:
    return (f"user:{task.assignee}",) if task.assignee else task.candidates
