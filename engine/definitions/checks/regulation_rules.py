"""One function for each kind of rule but limits: what of it the states of the walk break, as findings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from engine.definitions.bundle import Bundle
from engine.definitions.model import GATEWAYS, Finding, Node, Process

from .regulation_duties import Duty
from .regulation_fields import by, is_one, kept_off
from .regulation_knowledge import END, State
from .regulation_places import Place
from .regulation_profile import Profile, Rule, What, matches
from .regulation_values import names_in
from .regulation_walk import Walk

LONGEST_PATH = 8
"""Steps of a way that are told by name; all are in the finding's `path`."""
WHO = Rule(0, "R09", "who", "谁主管、谁负责", "Who is in charge is responsible")


@dataclass(slots=True)
class Checker:
    """Findings about one walk. `add` keeps the first finding of a rule about an element."""

    bundle: Bundle
    profile: Profile
    walk: Walk
    findings: dict[tuple[str, str, str], Finding] = field(default_factory=dict)
    edges: list[tuple[State, State]] = field(default_factory=list)
    kinds: dict[What, frozenset[int]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    """Of the elements that a way tells: what somebody does, and what happens."""

    def __post_init__(self) -> None:
        for place in self.walk.places:
            if place.node.kind not in GATEWAYS and place.node.kind != "scriptTask":
                self.names[place.node.id] = place.node.name
        for state, choices in self.walk.choices.items():
            self.edges += [(state, target) for choice in choices for target in choice]
        for state, begun in self.walk.sides.items():
            self.edges += [(state, target) for target in begun]

    # -- saying it -----------------------------------------------------------------------------------------------

    def add(
        self, key: str, rule: Rule, place: Place | None, way: Iterable[str] = (), clause: str = "", **details: object
    ) -> None:
        node = place.node if place is not None else None
        scope = self.walk.places.scopes[place.scope].process if place is not None else self.walk.places.root
        self.say(key, clause or rule.clause, rule, scope, node, way, **details)

    def say(
        self,
        key: str,
        clause: str,
        rule: Rule,
        scope: Process,
        node: Node | None,
        way: Iterable[str],
        **details: object,
    ) -> None:
        entry = self.bundle.regulation.get("clauses", {}).get(clause, {})
        ids = list(way)
        told: dict[str, object] = {
            "clause": clause,
            "quote": str(entry.get("quote", "")) if isinstance(entry, dict) else "",
            "says": rule.says or rule.kind,
            "says_en": rule.says_en or rule.says or rule.kind,
            "path": ids,
            "way": self.words(ids),
            **details,
        }
        element = node.shown if node is not None else scope.id
        name = node.name if node is not None else scope.name
        line = node.line if node is not None else scope.line
        self.findings.setdefault(
            (key, f"{clause}/{rule.number}", element), Finding("error", scope.file, element, name, line, key, told)
        )

    def words(self, ids: list[str]) -> str:
        """The last steps of a way that people would know, by name; "-" for none."""
        named = [name for ident in ids if (name := self.names.get(ident, ""))]
        return ("… → " if len(named) > LONGEST_PATH else "") + " → ".join(named[-LONGEST_PATH:]) or "-"

    def way(self, first: State, states: list[State]) -> list[str]:
        """Element ids from the beginning of the case to `first` and on over `states`."""
        ids = self.walk.path(first)
        for state in states[1:]:
            if state.at != END and ids[-1:] != [self.walk.place(state).node.id]:
                ids.append(self.walk.place(state).node.id)
        return ids

    def grade(self, state: State) -> str:
        data = self.walk.data(state)
        return ", ".join(str(data.get(name, "-")) for name in sorted(self.profile.steady))

    # -- what holds where ----------------------------------------------------------------------------------------

    def beginnings(self, text: str) -> list[State]:
        """States in which a condition has just become true."""
        verdict = self.walk.verdict
        pick, _ = self.walk.question(text)
        found = [
            state for state, origin in self.walk.origin.items() if origin is None and verdict(text, state.data) == 2
        ]
        for state, target in self.edges:
            if (
                pick(state.data) != pick(target.data)
                and verdict(text, target.data) == 2
                and not verdict(text, state.data)
            ):
                found.append(target)
        return list(dict.fromkeys(found))

    def by_whom(self, rule: Rule, state: State) -> bool:
        """Whether the named fields were last written by tasks of the right groups."""
        for name, patterns in rule.by.items():
            number = self.walk.fields.number[by(name)]
            groups = self.walk.store.values[state.data[number]] if state.data[number] > 1 else None
            if not groups or not all(matches(group, patterns) for group in groups):
                return False
        return True

    def done(self, rule: Rule) -> Callable[[State], bool]:
        """When the rule is fulfilled in a state: `until` and `by` hold, and it does what `reaches` names."""
        if rule.reaches != What():
            return lambda state: self.does(rule.reaches, state)
        return lambda state: self.walk.holds(rule.until, state) and self.by_whom(rule, state)

    def freed(self, rule: Rule) -> Callable[[State], bool]:
        walk = self.walk

        def free(state: State) -> bool:
            if rule.starts and not walk.may_hold(rule.starts, state):
                return True
            return state.at == END and bool(rule.unless) and walk.holds(rule.unless, state)

        return free

    def places_of(self, what: What) -> frozenset[int]:
        """Places of the kind that `what` describes, whoever is asked."""
        known = self.kinds.get(what)
        if known is None:
            forms = self.walk.fields.forms
            known = frozenset(p.index for p in self.walk.places if is_one(what, p, forms[p.index]))
            self.kinds[what] = known
        return known

    def does(self, what: What, state: State) -> bool:
        """Whether a state is at such an element, and it turns to the right people."""
        if state.at not in self.places_of(what):
            return False
        if not what.only and not what.some:
            return True
        lists = self.walk.groups(state)
        if what.only and not all(one and all(matches(g, what.only) for g in one) for one in lists):
            return False
        return not what.some or all(any(matches(g, what.some) for g in one) for one in lists)

    def states_at(self, rule: Rule) -> Iterator[tuple[Place, State]]:
        """States before each element that a rule is about."""
        for index in sorted(self.places_of(rule.at)):
            for state in self.walk.at.get(index, []):
                if not rule.given or self.walk.may_hold(rule.given, state):
                    yield self.walk.places[index], state

    # -- the kinds -----------------------------------------------------------------------------------------------

    def check(self, rule: Rule) -> None:
        {"must": self.must, "before": self.before, "who": self.who, "person": self.person}[rule.kind](rule)

    def settled(self, rule: Rule) -> frozenset[int]:
        """Places where an instance ends that alone knows what `until` asks for: what is not done there never is."""
        names = names_in(rule.until, self.walk.fields.written)
        local = self.walk.fields.local
        return frozenset(self.walk.places[host].exit for host, own in local.items() if own & names)

    def must(self, rule: Rule) -> None:
        """From where `starts` becomes true, on every path, something comes before the case ends."""
        starts = self.beginnings(rule.starts) if rule.starts else self.firsts()
        if not starts:
            self.add("regulation.never", rule, None, what=rule.starts)
        duty = Duty(self.walk, self.done(rule), self.freed(rule), settled=self.settled(rule))
        for first, states, _ in duty.failures(starts):
            self.add("regulation.not_done", rule, self.last(states), self.way(first, states), grade=self.grade(first))

    def firsts(self) -> list[State]:
        return [state for state, origin in self.walk.origin.items() if origin is None]

    def last(self, states: list[State]) -> Place:
        return self.walk.place(next(state for state in reversed(states) if state.at != END))

    def before(self, rule: Rule) -> None:
        """Whenever the element is come to, `require` holds and `by` wrote it."""
        met = False
        for place, state in self.states_at(rule):
            met = True
            if not (not rule.require or self.walk.holds(rule.require, state)):
                self.add("regulation.too_early", rule, place, self.walk.path(state), grade=self.grade(state))
            elif not self.by_whom(rule, state):
                self.add("regulation.wrong_approver", rule, place, self.walk.path(state), grade=self.grade(state))
        if not met:
            self.add("regulation.never", rule, None, what=self._named(rule.at))

    def who(self, rule: Rule) -> None:
        """The people whom the element turns to."""
        met = False
        for place, state in self.states_at(rule):
            met = True
            lists = self.walk.groups(state)
            for groups in lists:
                wrong = [g for g in groups if matches(g, rule.never) or (rule.only and not matches(g, rule.only))]
                if wrong or not any(lists):
                    shown = ", ".join(wrong) or "-"
                    self.add("regulation.wrong_people", rule, place, self.walk.path(state), groups=shown)
            if rule.recuse and not self.walk.holds(_all_kept_off(rule, place.node), state):
                self.add("regulation.not_recused", rule, place, self.walk.path(state), units=rule.recuse)
        if not met:
            self.add("regulation.never", rule, None, what=self._named(rule.at))

    def person(self, rule: Rule) -> None:
        """A field is given by a person: tasks offer every choice; the flow may only take over what a person chose."""
        given: set[str] = set()
        for place in self.walk.places:
            if place.role != "node":
                continue
            for one in self.walk.fields.forms[place.index]:
                if one.name == rule.field and place.node.kind in ("userTask", "startEvent"):
                    given |= {str(value) for value in one.options}
            if place.node.result == rule.field:
                self._taken_over(rule, place)
        missing = [choice for choice in rule.choices if choice not in given]
        if missing:
            self.add("regulation.choice_missing", rule, None, field=rule.field, missing=", ".join(missing))

    def _taken_over(self, rule: Rule, place: Place) -> None:
        number = self.walk.fields.number.get(rule.field)
        sources = [self.walk.fields.number[n] for n in (rule.field, *rule.taken_from) if n in self.walk.fields.number]
        for state in self.walk.at.get(place.index, []):
            for choice in self.walk.choices[state]:
                for target in choice:
                    if (
                        number is not None
                        and target.at != END
                        and target.data[number] not in {state.data[n] for n in sources}
                    ):
                        self.add("regulation.not_a_person", rule, place, self.walk.path(state), field=rule.field)

    def _named(self, what: What) -> str:
        return ", ".join((*what.writes, *what.script, what.topic, what.outcome)).strip(", ")


def lanes(checker: Checker) -> None:
    """Tasks drawn in the lane of people who are not asked: the drawing must not say other than what runs."""
    walk = checker.walk
    drawn: dict[str, list[Place]] = {}
    for place in walk.places:
        if place.node.kind == "userTask" and place.node.lane in checker.profile.lanes and place.index in walk.at:
            drawn.setdefault(place.node.id, []).append(place)
    for places in drawn.values():
        place = places[0]
        asked = {g for p in places for state in walk.at[p.index] for one in walk.groups(state) for g in one}
        if not any(matches(group, checker.profile.lanes[place.node.lane]) for group in asked):
            rules = [r for r in checker.profile.rules if r.kind == "who" and place.index in checker.places_of(r.at)]
            shown, way = ", ".join(sorted(asked)) or "-", walk.path(walk.at[place.index][0])
            checker.add("regulation.wrong_lane", [*rules, WHO][0], place, way, lane=place.node.lane, groups=shown)


def _all_kept_off(rule: Rule, node: Node) -> str:
    """The condition that a task keeps off the people of every unit that the rule names."""
    listed = ", ".join(f"({text})" for text in kept_off(node))
    return f"every kept_off_unit in ({rule.recuse}) satisfies list contains(flatten([{listed}]), kept_off_unit)"


def fallen(checker: Checker, rule: Rule) -> None:
    """A gateway that has no way for some of the data it can meet (R40: every grade is handled)."""
    for state in checker.walk.fallen:
        data: dict[str, Any] = checker.walk.data(state)
        place = checker.walk.place(state)
        read = {n for flow, _ in place.outs for n in names_in(flow.condition)} if place.outs else set()
        shown = ", ".join(f"{n} = {data.get(n)}" for n in sorted(read))
        checker.add("regulation.falls_through", rule, place, checker.walk.path(state), data=shown)
