"""Every state that one token of a case can be in: a place of the composed bundle and sampled case data.

A thread is followed by itself. What other threads may write meanwhile is STAR for it, until it meets them: a joining
gateway, the end of a body, or a signal tells it what they know. So the number of states grows with the diagrams, not
with the product of what runs side by side. Steady fields (the grade) are not touched by others: one scenario each.

Read as AND/OR graph: `choices[state]` lists what may happen next, each as the tokens that then run side by side;
`sides[state]` the threads that non-interrupting events may begin.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from engine.definitions.bundle import Bundle

from .regulation_fields import BRANCH, SIDE, Fields, collected
from .regulation_knowledge import END, Data, State
from .regulation_places import Place, Places
from .regulation_values import NULL, STAR
from .regulation_work import Work

MAX_STATES = 40_000
"""Ten times those of the shipped bundle, some five seconds."""


class Walk(Work):
    """All states. `cut`: there were more than MAX_STATES, so nothing that needs all of them is decided."""

    def __init__(self, bundle: Bundle, places: Places, fields: Fields, steady: frozenset[str]) -> None:
        super().__init__(bundle, places, fields, steady)
        self.choices: dict[State, list[tuple[State, ...]]] = {}
        self.sides: dict[State, list[State]] = {}
        self.origin: dict[State, State | None] = {}
        self.at: dict[int, list[State]] = {}
        self.cut = places.cut
        self.fallen: list[State] = []
        self._states: dict[tuple[int, Data], State] = {}
        self._queue: deque[State] = deque()
        self._arrived: dict[int, dict[str, list[State]]] = {}
        self._ended: dict[int, list[tuple[int, Data]]] = {}
        self._waiting: set[tuple[int, int, int]] = set()
        self._throwers: dict[str, list[State]] = {}
        self._taught: dict[tuple[int, int], frozenset[int]] = {}
        self._catchers: dict[str, list[State]] = {}
        self._sources: dict[tuple[int, tuple[int, Data]], list[State]] = {}
        self._run()

    def path(self, state: State, since: State | None = None) -> list[str]:
        """Element ids from `since` (else from the beginning) to a state, each once in a row."""
        found: list[str] = []
        current: State | None = state
        while current is not None:
            if current.at != END:
                ident = self.place(current).node.id
                if not found or found[-1] != ident:
                    found.append(ident)
            if current == since:
                break
            current = self.origin.get(current)
        return found[::-1]

    # -- the walk ------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        start = self._begin()
        for entry in self.places.scopes[0].entries:
            self._go(None, entry, start)
        while not self.cut:
            while self._queue:
                self._expand(self._queue.popleft())
                if len(self.origin) > MAX_STATES:
                    self.cut = True
                    return
            if not self._waiting:
                return
            self._settle()

    def _go(self, source: State | None, target: int, data: Data) -> State:
        if target != END:
            data = tuple([v if keep else STAR for v, keep in zip(data, self._live[target], strict=True)])
        state = self._states.get((target, data))
        if state is None:
            state = self._states[target, data] = State(target, data)
            self.origin[state] = source
            self.choices[state] = []
            self.at.setdefault(target, []).append(state)
            if target != END:
                self._queue.append(state)
        return state

    def _choose(self, state: State, *targets: State) -> None:
        if targets not in self.choices[state]:
            self.choices[state].append(targets)

    def _expand(self, state: State) -> None:
        place = self.places[state.at]
        if place.role == "arrive":
            self._arrived.setdefault(place.exit, {}).setdefault(place.flow, []).append(state)
            self._waiting.add((-self._depth(place.scope), 0, place.exit))
        elif place.role == "exit":
            self._leave(state, place)
        elif place.role == "host":
            self._enter(state, place)
        else:
            self._act(state, place)

    def _depth(self, scope: int) -> int:
        depth = 0
        host = self.places.scopes[scope].host
        while host >= 0:
            depth += 1
            host = self.places.scopes[self.places[host].scope].host
        return depth

    def _act(self, state: State, place: Place) -> None:
        node, data = place.node, state.data
        kind = node.event.kind
        if node.kind in ("userTask", "receiveTask") or (place.boundary and node.kind not in ("scriptTask",)):
            data = self._attached(state, place, data, frozenset())
        if node.kind == "endEvent":
            self._end(state, place, data)
            return
        if node.kind == "intermediateThrowEvent":
            if kind == "signal":
                self._throw(node.event.name, state)
            elif kind == "escalation":
                self._escape(state, place, "escalation", node.event.name)
        if node.kind in ("boundaryEvent", "intermediateCatchEvent", "receiveTask", "startEvent") and kind == "signal":
            self._catchers.setdefault(node.event.name, []).append(state)
            for thrower in self._throwers.get(node.event.name, []):
                self._hear(state, thrower)
            return
        for after in self._results(place, data):
            self._follow(state, place, after)

    def _follow(self, state: State, place: Place, data: Data) -> None:
        """The token goes on by the outgoing flows; without any it is done."""
        node = place.node
        if not place.outs:
            self._end(state, place, data)
        elif len(place.outs) == 1:
            self._choose(state, self._go(state, place.outs[0][1], data))
        elif node.kind == "exclusiveGateway":
            self._decide(state, place, data)
        elif node.kind == "eventBasedGateway":
            for _, target in place.outs:
                self._choose(state, self._go(state, target, data))
        elif node.kind in ("inclusiveGateway", "complexGateway"):
            self._include(state, place, data)
        else:
            self._fork(state, [target for _, target in place.outs], data)

    def _decide(self, state: State, place: Place, data: Data) -> None:
        rest = [data]
        default = [target for flow, target in place.outs if flow.id == place.node.default]
        for flow, target in place.outs:
            if flow.id == place.node.default:
                continue
            still: list[Data] = []
            for one in rest:
                for value, after in (
                    self.outcomes(flow.condition, one, place, True) if flow.condition else [(True, one)]
                ):
                    if value is True:
                        self._choose(state, self._go(state, target, after))
                    else:
                        still.append(after)
            rest = list(dict.fromkeys(still))
        if rest and not default:
            self.fallen.append(state)
        for one in rest:
            for target in default:
                self._choose(state, self._go(state, target, one))

    def _include(self, state: State, place: Place, data: Data) -> None:
        ways: list[tuple[Data, tuple[int, ...]]] = [(data, ())]
        for flow, target in place.outs:
            if flow.id == place.node.default:
                continue
            grown = []
            for one, taken in ways:
                for value, after in (
                    self.outcomes(flow.condition, one, place, True) if flow.condition else [(True, one)]
                ):
                    grown.append((after, (*taken, target) if value is True else taken))
            ways = list(dict.fromkeys(grown))
        for one, taken in ways:
            targets = list(taken) or [target for flow, target in place.outs if flow.id == place.node.default]
            if targets:
                self._fork(state, targets, one)

    def _fork(self, state: State, targets: list[int], data: Data) -> None:
        reaches = [self.places.reach([target]) for target in targets]
        made = []
        for number, target in enumerate(targets):
            others = [one for n, one in enumerate(targets) if n != number]
            starred = self._star(data, self.fields.written_from(others, reaches[number])) if others else data
            if others:
                starred = self._branched(starred, state.at, number)
            made.append(self._go(state, target, starred))
        self._choose(state, *made)

    # -- composites and events -----------------------------------------------------------------------------------

    def _attached(self, state: State, place: Place, data: Data, inside: frozenset[str]) -> Data:
        """Threads that the attached events may begin; the data of the activity itself, which runs beside them."""
        around = self._star(data, inside)
        events = [*place.boundary, *(self.places.scopes[place.body].events if place.body >= 0 else [])]
        for index in events:
            event = self.places[index]
            trigger = event.node
            if event.role == "host":
                starts = self.places.scopes[event.body].entries
                trigger = self.places[starts[0]].node if starts else event.node
            if trigger.event.kind in ("error", "escalation", "cancel", "compensate") and place.body >= 0:
                continue
            if trigger.event.kind in ("escalation", "cancel", "compensate"):
                continue
            if trigger.interrupting:
                self._choose(state, self._go(state, index, around))
            else:
                side = self._set(around, SIDE, place.scope if event.role == "node" else place.body)
                self._aside(state, index, side)
                data = self._star(data, self.fields.written_from([index]))
        return data

    def _aside(self, state: State, target: int, data: Data) -> None:
        begun = self._go(state, target, data)
        if begun not in self.sides.setdefault(state, []):
            self.sides[state].append(begun)

    def _enter(self, state: State, place: Place) -> None:
        node, data = place.node, state.data
        scope = self.places.scopes[place.body]
        loop = node.loop.condition if node.loop is not None and node.loop.test_before else ""
        if loop and any(value is not True for value, _ in self.outcomes(loop, data, place)):
            self._choose(state, self._go(state, place.exit, data))
        befores: list[Data] = [data]
        if node.multi is not None:
            befores = []
            for one in self._instances(node, data, place):
                if one is None:
                    self._choose(state, self._go(state, place.exit, data))
                else:
                    befores.append(one)
        inside = self.fields.written_from(scope.entries)
        for before in befores:
            for assignment in node.inputs:
                before = self._assign(assignment.target, assignment.value, before, place)
            body = self._attached(state, place, before, inside)
            if len(scope.entries) > 1 and not node.triggered:
                self._fork(state, list(scope.entries), body)
            else:
                for entry in scope.entries:
                    self._choose(state, self._go(state, entry, body))

    def _leave(self, state: State, place: Place) -> None:
        node, data = place.node, state.data
        for assignment in node.outputs:
            data = self._assign(assignment.target, assignment.value, data, place)
        if collected(node):
            data = self._gathered(node, data)
        if node.triggered:
            self._close(state, place.scope, data)
        else:
            self._follow(state, place, data)

    def _end(self, state: State, place: Place, data: Data) -> None:
        node = place.node
        if node.kind == "endEvent":
            if node.event.kind == "signal":
                self._throw(node.event.name, state)
            elif node.event.kind in ("error", "escalation"):
                caught = self._escape(state, place, node.event.kind, node.event.name)
                if caught and node.event.kind == "error":
                    return
            if node.event.kind in ("terminate", "error", "cancel"):
                self._clear_scope(state, place.scope, data)
                return
        self._close(state, place.scope, data)

    def _clear_scope(self, state: State, scope: int, data: Data) -> None:
        """The body ends at once: what its other threads would have done is not known to be done."""
        side = data[self._side]
        if side != NULL and self.store.values[side] == scope:
            data = self._set(data, SIDE, None)
        host = self.places.scopes[scope].host
        target = self.places[host].exit if host >= 0 else END
        self._choose(state, self._go(state, target, self._outside(data, scope)))

    def _close(self, state: State, scope: int, data: Data) -> None:
        """The token's body is done as far as this thread is concerned; a side thread ends unheard."""
        side = data[self._side]
        if side != NULL and self.store.values[side] == scope:
            return
        self._ended.setdefault(scope, []).append((state.at, data))
        self._sources.setdefault((scope, (state.at, data)), []).append(state)
        self._waiting.add((-self._depth(scope), 1, scope))

    def _escape(self, state: State, place: Place, kind: str, code: str) -> bool:
        """An error or escalation goes to the nearest event around that catches it. Whether one did."""
        for host in self.places.hosts(place.index):
            for index in self.places[host].boundary:
                event = self.places[index].node
                if event.event.kind == kind and event.event.name in ("", code):
                    if event.interrupting:
                        self._choose(state, self._go(state, index, state.data))
                    else:
                        self._aside(state, index, self._set(state.data, SIDE, self.places[host].scope))
                    return True
        return False

    def _throw(self, name: str, state: State) -> None:
        self._throwers.setdefault(name, []).append(state)
        for catcher in self._catchers.get(name, []):
            self._hear(catcher, state)

    def _hear(self, catcher: State, thrower: State) -> None:
        """The catching thread learns what the throwing one knows; a regrading thread brings its grade along."""
        place = self.places[catcher.at]
        new = list(catcher.data)
        taught = self._taught.get((thrower.at, catcher.at))
        if taught is None:
            # What the thrower's branch may write after the signal is not settled by it.
            onward = self.fields.written_from(self.places.next(thrower.at))
            names = self.fields.told(thrower.at, catcher.at) - onward - self.fields.collects.keys()
            taught = frozenset(n for name, n in self.fields.number.items() if name in names)
            self._taught[thrower.at, catcher.at] = taught
        for number, (mine, theirs) in enumerate(zip(catcher.data, thrower.data, strict=True)):
            if mine == theirs or theirs == STAR or number in (self._side, self._branch):
                continue
            if not self._live[catcher.at][number]:
                continue
            if mine == STAR:
                new[number] = theirs if number in taught else STAR
            elif self.fields.names[number] in self.steady and thrower.data[self._side] != NULL:
                new[number] = theirs
            elif number not in self._apart:
                return
        self._follow(catcher, place, tuple(new))

    # -- where threads meet --------------------------------------------------------------------------------------

    def _settle(self) -> None:
        """One join or one end of a body, the innermost first: all that can arrive there has."""
        pending = sorted(self._waiting)
        chosen = pending[0]
        for one in pending:
            if one[:2] != chosen[:2]:
                break
            if one[1] == 0 and not any(
                other != one and other[1] == 0 and one[2] in self.places.reach([other[2]]) for other in pending
            ):
                chosen = one
                break
        self._waiting.discard(chosen)
        if chosen[1] == 0:
            self._join(chosen[2])
        else:
            self._finish(chosen[2])

    def _join(self, index: int) -> None:
        place = self.places[index]
        arrived = self._arrived[index]
        wanted = [flow for flow in place.node.incoming if flow in arrived or place.node.kind == "parallelGateway"]
        for flow, states in arrived.items():
            for state in states:
                others = [
                    [s.data for s in arrived.get(g, []) if self._agree(state.data, s.data)] for g in wanted if g != flow
                ]
                if place.node.kind == "parallelGateway" and not all(others):
                    continue
                known = [data for one in others for data in one]
                way = self.store.values[state.data[self._branch]] or []
                shared = min((n for data in known if (n := self._beside(state.data, data)) >= 0), default=len(way))
                for data in self._filled(state.data, known, index):
                    self._choose(state, self._go(state, index, self._set(data, BRANCH, way[:shared] or None)))

    def _finish(self, scope: int) -> None:
        host = self.places.scopes[scope].host
        target = self.places[host].exit if host >= 0 else END
        ended = list(dict.fromkeys(self._ended[scope]))
        for one in ended:
            known = [d for _, d in ended if self._beside(one[1], d) >= 0 and self._agree(one[1], d)]
            for filled in self._filled(one[1], known, target):
                data = self._outside(filled, scope)
                for source in self._sources[(scope, one)]:
                    self._choose(source, self._go(source, target, data))

    def facts(self) -> Mapping[str, int]:
        """Counts, for measuring."""
        return {"places": len(self.places.places), "states": len(self.origin), "fields": len(self.fields.names)}
