"""Limits: from where a duty begins until it is done a timer runs that is due in time; its breach has consequences."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .regulation_clocks import lateness, timer_of, timers_around
from .regulation_duties import Duty
from .regulation_knowledge import END, State
from .regulation_places import Place, waits
from .regulation_profile import Rule, What
from .regulation_rules import Checker
from .regulation_values import json_of, names_in


def check_limit(checker: Checker, rule: Rule) -> None:
    """From where `starts` becomes true until `until` holds, a timer runs that is due no later than `at_most`."""
    starts = checker.beginnings(rule.starts)
    if not starts:
        checker.add("regulation.never", rule, None, what=rule.starts)
    names = sorted(names_in(rule.at_most, checker.walk.fields.written))
    bounds: dict[str, list[State]] = {}
    for state in starts:
        data = checker.walk.data(state)
        bounds.setdefault(repr([data.get(name) for name in names]), []).append(state)
    for states in bounds.values():
        Limit(checker, rule, states).check()


class Limit:
    """One limit rule from beginnings that have the same bound."""

    def __init__(self, checker: Checker, rule: Rule, starts: list[State]) -> None:
        self.breaches = Breaches(checker)
        self.checker, self.rule, self.starts = checker, rule, starts
        self.walk = checker.walk
        self.verdicts: dict[int, tuple[str, str, str]] = {}
        self.entered: dict[int, list[State]] = {}
        self.begun = self.walk.data(starts[0])
        self.interrupting: frozenset[int] = frozenset()
        self.meant: list[int] | None = None

    def check(self) -> None:
        rule, walk, checker = self.rule, self.walk, self.checker
        done, freed = checker.done(rule), checker.freed(rule)
        first = Duty(walk, done, freed, settled=checker.settled(rule))
        first.explore(self.starts)
        for state, _ in first.seen:
            self.entered.setdefault(state.at, []).append(state)
        interrupting = frozenset(
            index
            for index in self.entered
            if index != END and self._is_limit_event(walk.places[index]) and self._keeps(index)
        )
        self.interrupting = interrupting
        duty = self._duty()
        for begun, states, why in duty.failures(self.starts):
            self._tell(begun, states, why)
        self._consequences(duty)
        if rule.each:
            self._each(duty, done)

    def _duty(self) -> Duty:
        checker, rule = self.checker, self.rule
        done, freed = checker.done(rule), checker.freed(rule)
        return Duty(self.walk, done, freed, self._uncovered, self.interrupting, checker.settled(rule))

    def _is_limit_event(self, place: Place) -> bool:
        return place.node.kind == "boundaryEvent" and place.node.event.timer is not None and place.node.interrupting

    def _keeps(self, index: int) -> bool:
        place = self.walk.places[index]
        scope = self.walk.places.scopes[place.scope]
        hosts = [p for p in self.walk.places if p.scope == scope.index and index in p.boundary]
        return bool(hosts) and self._verdict(index, hosts[0].index)[0] == ""

    def _verdict(self, timer: int, host: int) -> tuple[str, str, str]:
        """ "" for a timer that is a limit of this rule; else why not, with the due instant and the bound."""
        known = self.verdicts.get(timer)
        if known is not None:
            return known
        text = timer_of(self.walk.places, timer)
        assert text is not None
        states = self.entered.get(host) or self.walk.at.get(host, []) if host >= 0 else self.checker.firsts()
        names = names_in(text.text, self.walk.fields.written)
        found = ("", "", "")
        for data in {
            repr(d): d for d in ({n: v for n, v in self.walk.data(s).items() if n in names} for s in states)
        }.values():
            why, at, bound = lateness(self.walk, text, data, self.begun, self.rule.at_most)
            if why:
                found = (
                    why,
                    at.strftime("%m-%d %H:%M") if at else "-",
                    bound.strftime("%m-%d %H:%M") if bound else "-",
                )
                break
        self.verdicts[timer] = found
        return found

    def _around(self, state: State) -> list[int]:
        """Timers that run in a state and keep the bound."""
        return [t for t, host in timers_around(self.walk.places, state.at) if self._verdict(t, host)[0] == ""]

    def _uncovered(self, state: State) -> bool:
        return waits(self.walk.place(state)) and not self._around(state)

    def _tell(self, begun: State, states: list[State], why: str) -> None:
        checker, rule = self.checker, self.rule
        way, grade = checker.way(begun, states), checker.grade(begun)
        place = checker.last(states)
        if why != "waits":
            checker.add("regulation.not_done", rule, place, way, grade=grade)
            return
        keys = {"late": "regulation.limit_late", "moves": "regulation.limit_moves", "never": "regulation.limit_null"}
        for timer in self._meant():
            verdict, at, bound = self.verdicts[timer]
            event = self.walk.places[timer]
            way = [*self.walk.path(self.walk.at[timer][0])] if self.walk.at.get(timer) else way
            checker.add(keys[verdict], rule, event, way, grade=grade, due=at, bound=bound, waiting=place.node.label)
            return
        checker.add("regulation.limit_missing", rule, place, way, grade=grade)

    def _meant(self) -> list[int]:
        """Timers that would be the limit of this rule, were they not due too late."""
        if self.meant is None:
            self.meant = []
            for timer in [t for t, verdict in self.verdicts.items() if verdict[0]]:
                kept, self.verdicts[timer] = self.verdicts[timer], ("", "", "")
                if not self._duty().failures(self.starts):
                    self.meant.append(timer)
                self.verdicts[timer] = kept
        return self.meant

    def _consequences(self, duty: Duty) -> None:
        """Of the limits that run in a state at least one must, when broken, reach whom the profile names."""
        checked: set[tuple[int, ...]] = set()
        for state, late in duty.seen:
            if state.at == END or late or not waits(self.walk.place(state)) or duty.done(state) or duty.freed(state):
                continue
            timers = tuple(self._around(state))
            if not timers or timers in checked:
                continue
            checked.add(timers)
            best = min(timers, key=lambda t: len(self.breaches.missing(t)))
            for key in self.breaches.missing(best):
                event = self.walk.places[best]
                clause = "R38" if key == "regulation.breach_office" else "R39"
                self.checker.add(key, self.rule, event, self.walk.path(state), clause, limit_clause=self.rule.clause)

    def _each(self, duty: Duty, done: Callable[[State], bool]) -> None:
        """Every unit has an instance of its own, all begun at once, none given up when others are done."""
        hosts = {h for state, _ in duty.seen if state.at != END and done(state) for h in self._instances(state)}
        if not hosts:
            self.checker.add("regulation.not_each", self.rule, self.checker.last([self.starts[0]]))
        for host in hosts:
            place = self.walk.places[host]
            multi = place.node.multi
            assert multi is not None
            for state in self.walk.at.get(host, []):
                wanted = json_of(self.walk.outcomes(self.rule.each, state.data)[0][0])
                has = json_of(self.walk.outcomes(multi.collection or multi.cardinality, state.data)[0][0])
                whole = isinstance(has, list) and isinstance(wanted, list) and all(one in has for one in wanted)
                if multi.completion or multi.sequential or not whole:
                    self.checker.add("regulation.not_each", self.rule, place, self.walk.path(state))

    def _instances(self, state: State) -> list[int]:
        return [h for h in self.walk.places.hosts(state.at) if self.walk.places[h].node.multi is not None][:1]


class Breaches:
    """What happens when a timer fires that is a limit."""

    def __init__(self, checker: Checker) -> None:
        self.checker = checker
        self.known: dict[int, list[str]] = {}

    def missing(self, timer: int) -> list[str]:
        """Keys of what a broken limit does not reach: leader, office, report; and whether the breach is recorded."""
        known = self.known.get(timer)
        if known is None:
            known = self.known[timer] = list(self._missing(timer))
        return known

    def _missing(self, timer: int) -> Iterator[str]:
        breach, walk = self.checker.profile.breach, self.checker.walk
        node = walk.places[timer].node
        trigger = node.body.trigger if node.triggered and node.body is not None else None
        node = trigger or node
        limit = node.properties.get("limit", "")
        states = walk.at.get(timer, [])
        if node.properties.get("breach") != "true":
            yield "regulation.breach_unrecorded"
        if breach.leader and not self._reached(states, What(task=True, notify=True, some=breach.leader)):
            yield "regulation.breach_leader"
        if breach.office and not self._reached(states, What(task=True, notify=True, some=breach.office)):
            yield "regulation.breach_office"
        if breach.report:
            drafted = Duty(
                walk,
                lambda s: (
                    s.at != END
                    and walk.place(s).node.topic == breach.report
                    and walk.place(s).node.properties.get("limit", "") in ("", limit)
                ),
            )
            if not states or drafted.failures(states):
                yield "regulation.breach_report"

    def _reached(self, states: list[State], what: What) -> bool:
        return bool(states) and not Duty(self.checker.walk, lambda state: self.checker.does(what, state)).failures(
            states
        )
