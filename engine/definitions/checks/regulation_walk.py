"""Every state that one token of a case can be in: a place of the composed bundle and sampled case data.

A thread is followed by itself. What other threads may write meanwhile is STAR for it, until it meets them: a joining
gateway, the end of a body, or a signal tells it what they know. So the number of states grows with the diagrams, not
with the product of what runs side by side. Steady fields (the grade) are not touched by others: one scenario each.

Read as AND/OR graph: `choices[state]` lists what may happen next, each as the tokens that then run side by side;
`sides[state]` the threads that non-interrupting events may begin.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from operator import itemgetter
from typing import Any

from engine.definitions.bundle import Bundle
from engine.definitions.model import Node

from .regulation_fields import ARCHIVE_MISSING, BRANCH, EVERY, SIDE, Fields, by, collected, recipients
from .regulation_places import Place, Places
from .regulation_values import LATER, MAX_OUTCOMES, NOW, NULL, STAR, Store, evaluated, instant, json_of

Data = tuple[int, ...]
END = -1
"""Place of the states in which the case has ended."""
MAX_STATES = 60_000
MAX_RESULTS = 4
"""Values of a script that are told apart; more become STAR."""


class State:
    """A token at a place with what it knows. There is one object for each such pair, so identity is equality."""

    __slots__ = ("at", "data")

    def __init__(self, at: int, data: Data) -> None:
        self.at, self.data = at, data


class Walk:
    """All states. `cut`: there were more than MAX_STATES, so nothing that needs all of them is decided."""

    def __init__(self, bundle: Bundle, places: Places, fields: Fields, steady: frozenset[str]) -> None:
        self.bundle, self.places, self.fields = bundle, places, fields
        self.steady = steady
        self.store = Store()
        self.choices: dict[State, list[tuple[State, ...]]] = {}
        self.sides: dict[State, list[State]] = {}
        self.origin: dict[State, State | None] = {}
        self.at: dict[int, list[State]] = {}
        self.cut = places.cut
        self.fallen: list[State] = []
        self._states: dict[tuple[int, Data], State] = {}
        self._queue: deque[State] = deque()
        self._live = [[bool(bits >> n & 1) for n in range(len(fields.names))] for bits in fields.live]
        self._known: dict[tuple[Any, ...], list[tuple[Any, tuple[tuple[int, int], ...]]]] = {}
        self._reads: dict[tuple[str, tuple[str, ...]], tuple[int, ...]] = {}
        self._domains = {
            n: [self.store.id(v) for v in fields.domains.values.get(name, [None])] for n, name in enumerate(fields.names)
        }
        self._side = fields.number[SIDE]
        self._every = fields.number.get(EVERY, -1)
        self._branch = fields.number[BRANCH]
        own = {n for names in fields.local.values() for n in names} | {EVERY, SIDE, BRANCH}
        self._apart = frozenset(fields.number[name] for name in own if name in fields.number)
        self._arrived: dict[int, dict[str, list[State]]] = {}
        self._ended: dict[int, list[tuple[int, Data]]] = {}
        self._waiting: set[tuple[int, int, int]] = set()
        self._throwers: dict[str, list[State]] = {}
        self._questions: dict[str, tuple[Callable[[Data], Any], dict[Any, int]]] = {}
        self._taught: dict[tuple[int, int], frozenset[int]] = {}
        self._catchers: dict[str, list[State]] = {}
        self._sources: dict[tuple[int, tuple[int, Data]], list[State]] = {}
        self._run()

    # -- reading states ------------------------------------------------------------------------------------------

    def data(self, state: State) -> dict[str, Any]:
        """The fields of a state that are not null and not STAR."""
        values = self.store.values
        return {name: values[v] for name, v in zip(self.fields.names, state.data, strict=True) if v > STAR}

    def place(self, state: State) -> Place:
        return self.places[state.at]

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

    def groups(self, state: State) -> list[list[str]]:
        """Whom the element of a state turns to: each possible list of groups."""
        place = self.place(state)
        datas = [state.data]
        if place.node.multi is not None and place.role == "node":
            datas = [data for data in self._instances(place.node, state.data, place) if data is not None]
        found: dict[tuple[str, ...], None] = {}
        for data in datas:
            lists: list[list[str]] = [[]]
            for text in recipients(place.node):
                values = {self._group(value) for value, _ in self.outcomes(text, data)}
                lists = [[*one, value] if value else one for one in lists for value in sorted(values)][:MAX_OUTCOMES]
            found.update(dict.fromkeys(tuple(one) for one in lists))
        return [list(one) for one in found]

    @staticmethod
    def _group(value: Any) -> str:
        return value if isinstance(value, str) else ""

    def holds(self, text: str, state: State) -> bool:
        """Whether a condition holds whatever a STAR in it stands for."""
        return self.verdict(text, state.data) == 2

    def may_hold(self, text: str, state: State) -> bool:
        return self.verdict(text, state.data) > 0

    def verdict(self, text: str, data: Data) -> int:
        """2: the condition holds; 1: it depends on what a STAR stands for; 0: it does not hold."""
        question = self._questions.get(text)
        if question is None:
            numbers = [self.fields.number[n] for n in self.fields.names_read(text) if n in self.fields.number]
            pick = itemgetter(*numbers) if numbers else _nothing
            question = self._questions[text] = (pick, {})
        pick, known = question
        key = pick(data)
        found = known.get(key)
        if found is None:
            true = [value is True for value, _ in self.outcomes(text, data)]
            found = known[key] = 2 if all(true) else 1 if any(true) else 0
        return found

    # -- values --------------------------------------------------------------------------------------------------

    def outcomes(self, text: str, data: Data, place: Place | None = None, decides: bool = False) -> list[tuple[Any, Data]]:
        """Every value that an expression can have, with the data in which it has it."""
        lists = self.fields.collecting(text, place) if place is not None else ()
        reads = self._reads.get((text, lists))
        if reads is None:
            numbers = self.fields.number
            names = self.fields.names_read(text, place)
            reads = self._reads[text, lists] = tuple(sorted(numbers[n] for n in names if n in numbers))
        key = (text, tuple(data[n] for n in reads), lists, decides)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = list(self._evaluate(text, reads, data, lists, decides))
        found = []
        for value, changes in known:
            if changes:
                new = list(data)
                for number, one in changes:
                    new[number] = one
                found.append((value, tuple(new)))
            else:
                found.append((value, data))
        return found

    def _evaluate(
        self, text: str, reads: tuple[int, ...], data: Data, lists: tuple[str, ...], decides: bool
    ) -> Iterator[tuple[Any, tuple[tuple[int, int], ...]]]:
        names, values = self.fields.names, self.store.values
        stars = [n for n in reads if data[n] == STAR and names[n] not in lists]
        plain = {names[n]: values[data[n]] for n in reads if data[n] > STAR}
        timed = decides and ("now()" in text or "today()" in text)
        options = [self._domains[n] for n in stars]
        for chosen in itertools.islice(itertools.product(*options), MAX_OUTCOMES):
            known = dict(plain)
            known.update({names[n]: values[v] for n, v in zip(stars, chosen, strict=True)})
            for name in lists:
                own = {n: v for n, v in known.items() if n != EVERY}
                known[name] = [own, {} if known.get(EVERY) is False else own]
            changes = tuple(zip(stars, chosen, strict=True))
            moments = (NOW, LATER) if timed else (NOW,)
            for value in {repr(v): v for v in (evaluated(text, known, m, self.bundle) for m in moments)}.values():
                yield value, changes

    def _set(self, data: Data, name: str, value: Any) -> Data:
        number = self.fields.number.get(name)
        if number is None:
            return data
        return self._put(data, name, self.store.id(value))

    def _put(self, data: Data, name: str, value: int) -> Data:
        number = self.fields.number.get(name)
        if number is None:
            return data
        return (*data[:number], value, *data[number + 1 :])

    def _clear(self, data: Data, names: frozenset[str]) -> Data:
        numbers = {self.fields.number[n] for n in names if n in self.fields.number}
        return tuple([NULL if n in numbers else v for n, v in enumerate(data)]) if numbers else data

    def _star(self, data: Data, names: frozenset[str]) -> Data:
        new = list(data)
        for name in names:
            number = self.fields.number.get(name)
            # A steady field is given once; from then on it is one scenario.
            if number is not None and (name not in self.steady or new[number] == NULL):
                new[number] = STAR
        return tuple(new)

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

    def _begin(self) -> Data:
        """What every case begins with; a round that begins anew must stand by itself."""
        data: Data = (NULL,) * len(self.fields.names)
        for name, value in self.bundle.parameters.items():
            data = self._set(data, str(name), value)
        return self._set(data, "opened_at", instant(NOW))

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

    def _results(self, place: Place, data: Data) -> Iterator[Data]:
        """The data after an element has done its work, one for each way it can end."""
        node = place.node
        if self.fields.begins_round(place):
            data = self._begin()
        befores = [data]
        if node.multi is not None:
            befores = []
            for one in self._instances(node, data, place):
                if one is None:
                    yield data
                else:
                    befores.append(one)
        for before in befores:
            for assignment in node.inputs:
                before = self._assign(assignment.target, assignment.value, before, place)
            for after in self._work(place, before):
                for assignment in node.outputs:
                    after = self._assign(assignment.target, assignment.value, after, place)
                if collected(node):
                    after = self._gathered(node, after)
                yield after

    def _work(self, place: Place, data: Data) -> Iterator[Data]:
        node = place.node
        if self.fields.forms[place.index]:
            yield from self._submissions(place, data)
        elif node.script:
            # What a STAR stands for stays open: a script takes no decision.
            values = {self.store.id(json_of(value)) for value, _ in self.outcomes(node.script, data, place)}
            if len(values) > MAX_RESULTS:
                yield self._star(data, frozenset((node.result,)))
            else:
                for value in sorted(values):
                    yield self._put(data, node.result, value)
        elif node.decision:
            for value in self.fields.domains.values.get(node.result, [None])[1:] or [None]:
                yield self._set(data, node.result, value)
        elif node.topic == "draft-late-report":
            yield self._set(data, node.properties.get("into", "late_report"), self.fields.report(node))
        elif node.topic == "check-archive":
            for missing in ([], ["?"]):
                yield self._set(data, ARCHIVE_MISSING, missing)
        else:
            yield data

    def _assign(self, target: str, text: str, data: Data, place: Place) -> Data:
        value, after = self.outcomes(text, data, place)[0]
        return self._set(after, target, json_of(value))

    def _submissions(self, place: Place, data: Data) -> Iterator[Data]:
        """One for each combination of answers that still matters; a hidden field keeps what it had."""
        wanted = self._after(place)
        found = [data]
        for field in self.fields.forms[place.index]:
            number = self.fields.number.get(field.name)
            if number is None or not wanted >> number & 1:
                continue
            grown: list[Data] = []
            for one in found:
                shown = not any(self.holds(text, State(place.index, one)) for text in field.hide)
                grown += [self._set(one, field.name, v) for v in field.options] if shown else [one]
            found = list(dict.fromkeys(grown))
        writers = [f.name for f in self.fields.forms[place.index] if f.name in self.fields.by_fields]
        if writers:
            lists = self.groups(State(place.index, data)) if place.node.kind == "userTask" else [[]]
            for name in writers:
                found = [self._set(one, by(name), groups) for one in found for groups in lists]
        yield from found

    def _after(self, place: Place) -> int:
        bits = self.fields.mask(self.fields.pinned)
        for target in self.places.next(place.index):
            bits |= self.fields.live[target]
        names = [n for f in self.fields.forms[place.index] for t in f.hide for n in self.fields.names_read(t)]
        return bits | self.fields.mask(names)

    def _instances(self, node: Node, data: Data, place: Place) -> Iterator[Data | None]:
        """Data at the beginning of the instances that differ; None when there may be no instance at all."""
        multi = node.multi
        assert multi is not None
        text = multi.collection or multi.cardinality
        for value, after in self.outcomes(text, data, place):
            elements = json_of(value)
            if isinstance(elements, int | float) and not isinstance(elements, bool):
                elements = list(range(1, int(elements) + 1))
            if not isinstance(elements, list) or not elements:
                if elements == []:
                    yield None
                    continue
                elements = [None]
            several = len(elements) > 1 and place.role == "host"
            if len(elements) == 1 and place.role == "host" and collected(node):
                after = self._set(after, EVERY, True)
            for element in elements[:1] + elements[-1:] if len(elements) > 1 else elements:
                own = self._clear(after, self.fields.local.get(place.index, frozenset()))
                one = self._set(own, multi.variable, element) if multi.variable else own
                if several and collected(node):
                    yield self._set(one, EVERY, True)
                    yield self._set(one, EVERY, False)
                else:
                    yield one

    def _gathered(self, node: Node, data: Data) -> Data:
        values = self.fields.domains.values.get(collected(node), [None])
        data = self._set(data, collected(node), values[-1])
        if self._every >= 0 and data[self._every] != NULL and node.multi is not None:
            return self._set(data, EVERY, not node.multi.completion)
        return data

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
                for value, after in self.outcomes(flow.condition, one, place, True) if flow.condition else [(True, one)]:
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
                for value, after in self.outcomes(flow.condition, one, place, True) if flow.condition else [(True, one)]:
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

    def _branched(self, data: Data, fork: int, number: int) -> Data:
        """A thread that took one way of a fork; a fork met again in a loop begins anew."""
        way: list[list[int]] = self.store.values[data[self._branch]] or []
        before = list(itertools.takewhile(lambda one: one[0] != fork, way))
        return self._set(data, BRANCH, [*before, [fork, number]])

    def _beside(self, mine: Data, theirs: Data) -> int:
        """How many ways two threads share before they part at a fork; -1 for alternatives of one thread."""
        a = self.store.values[mine[self._branch]] or []
        b = self.store.values[theirs[self._branch]] or []
        for shared, (one, other) in enumerate(zip(a, b, strict=False)):
            if one != other:
                return shared if one[0] == other[0] else -1
        return -1

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
        if node.loop is not None and node.loop.test_before and node.loop.condition:
            if any(value is not True for value, _ in self.outcomes(node.loop.condition, data, place)):
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
                if self._escape(state, place, node.event.kind, node.event.name) and node.event.kind == "error":
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

    def _outside(self, data: Data, scope: int) -> Data:
        """Data as they are after a body: the forks in it no longer tell threads apart."""
        way = self.store.values[data[self._branch]] or []
        return self._set(data, BRANCH, [one for one in way if self.places[one[0]].scope < scope] or None)

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
                others = [[s.data for s in arrived.get(g, []) if self._agree(state.data, s.data)] for g in wanted if g != flow]
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

    def _agree(self, mine: Data, theirs: Data) -> bool:
        """Whether two threads can belong to the same case: what both know is the same."""
        for number, (a, b) in enumerate(zip(mine, theirs, strict=True)):
            if a != b and a != STAR and b != STAR and number not in self._apart:
                return False
        return True

    def _filled(self, data: Data, known: list[Data], target: int) -> list[Data]:
        """Data with each STAR that matters replaced by what the threads beside it know.

        Each of them is believed first once, then the others as far as they agree, in one order and in the other: so
        whatever one thread knows is met, though not every combination of three and more.
        """
        live = self._live[target] if target != END else [True] * len(data)
        distinct = list(dict.fromkeys(known))
        found: dict[Data, None] = {}
        for first in distinct:
            for order in (distinct, distinct[::-1]):
                one = self._told(data, first, live)
                for other in order:
                    if self._agree(one, other):
                        one = self._told(one, other, live)
                found[one] = None
        return list(found) or [data]

    def _told(self, mine: Data, theirs: Data, live: list[bool]) -> Data:
        return tuple([b if a == STAR and on else a for a, b, on in zip(mine, theirs, live, strict=True)])

    def facts(self) -> Mapping[str, int]:
        """Counts, for measuring."""
        return {"places": len(self.places.places), "states": len(self.origin), "fields": len(self.fields.names)}


def _nothing(data: Data) -> None:
    """What a condition without fields reads."""
