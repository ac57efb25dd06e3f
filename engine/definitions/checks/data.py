"""The part of the case data that an exploration follows: a few guard variables with enumerated values.

Everything else is free: a condition that can't be decided may hold or not. A condition is decided when it reads guard
variables only and none of them is unknown or may just be changing; it is then evaluated as FEEL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import prod

from engine import feel
from engine.definitions.forms import Form
from engine.definitions.model import Process

from .net import Net, Out, Site, called_process
from .writes import CLOCK, fields, names_in, written_by, written_inside

MAX_SUBSETS = 8
"""Conditional flows of one split of which every subset is tried (255); beyond, none, single ones, pairs and all."""
NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
UNKNOWN = -1
MAX_LOOKUPS = 256
"""Assignments tried at one gateway; where its conditions read more unknown values at once, they stay undecided."""

Values = tuple[int, ...]
"""For each guard the position of its value in the domain, or UNKNOWN."""


@dataclass(frozen=True, slots=True)
class Guard:
    """A case variable that is part of the state. `domain`: every value it may take, JSON; None is "not set".

    `initial`: values at the beginning, each tried. `lazy`: the value is chosen when a condition first asks for it and
    forgotten when something writes it; such a guard ties conditions over the same data to each other and costs little.
    `condition`: the guard is not a variable but whether this FEEL text is true; lazy, domain (True, False).
    """

    name: str
    domain: tuple[object, ...]
    initial: tuple[object, ...] = (None,)
    lazy: bool = False
    condition: str = ""


@dataclass(frozen=True, slots=True)
class Chosen:
    """One way to leave an element: flows that get a token, the values after it, whether data decided nothing."""

    outs: tuple[Out, ...]
    values: Values
    free: bool


class Data:
    """Guards over one net; see the module."""

    def __init__(
        self, guards: Sequence[Guard], net: Net, processes: Mapping[str, Process], forms: Mapping[str, Form]
    ) -> None:
        self.guards = tuple(guards)
        self.index = {guard.name: number for number, guard in enumerate(self.guards) if not guard.condition}
        self.conditions = {guard.condition: number for number, guard in enumerate(self.guards) if guard.condition}
        self.of_name: dict[str, set[int]] = {name: {number} for name, number in self.index.items()}
        for text, number in self.conditions.items():
            for name in names_in(text) or ():
                self.of_name.setdefault(name, set()).add(number)
        self.forms = forms
        self.environment = feel.Environment(now=NOW)
        self.exact = True
        self.unstable = [0] * len(self.guards)
        self._writes: dict[int, tuple[int, ...]] = {}
        if not self.guards:
            return
        for site in net.sites:
            names = written_by(site.node, forms)
            body = called_process(site.node, processes) if site.role == "wait" else None
            if body is not None:
                inner = written_inside(body, processes, forms)
                names = names | inner
                for name in inner & self.of_name.keys():
                    for number in self.of_name[name]:
                        self.unstable[number] |= 1 << site.index | 1 << (site.index + net.size)
            found = {number for name in names & self.of_name.keys() for number in self.of_name[name]}
            if found:
                self._writes[site.index] = tuple(sorted(found))

    def writes(self, site: Site) -> bool:
        """Whether a site writes a guard."""
        return site.index in self._writes

    def initial(self) -> list[Values]:
        """Every assignment at the beginning."""
        found: list[Values] = [()]
        for guard in self.guards:
            starts = (UNKNOWN,) if guard.lazy else tuple(guard.domain.index(value) for value in guard.initial)
            found = [(*values, start) for values in found for start in starts]
        return found

    def written(self, site: Site, values: Values) -> list[Values]:
        """The assignments that are possible after a site did its work."""
        found = [values]
        for number in self._writes.get(site.index, ()):
            found = [
                (*before[:number], value, *before[number + 1 :])
                for before in found
                for value in self._results(site, number, before)
            ]
        return found

    def _results(self, site: Site, number: int, values: Values) -> Sequence[int]:
        guard, node = self.guards[number], site.node
        # The value of a lazy guard stands for many: only a constant may be taken over.
        if node.kind == "scriptTask" and node.result == guard.name and not (guard.lazy and names_in(node.script)):
            known, value = self._evaluate(node.script, values)
            if known and value in guard.domain:
                return (guard.domain.index(value),)
        if guard.lazy:
            return (UNKNOWN,)
        form = self.forms.get(node.form)
        if node.kind == "userTask" and form is not None:
            return _offered(form, guard, values[number])
        return range(len(guard.domain))

    def chosen(self, site: Site, values: Values, bits: int) -> list[Chosen]:
        """The ways to leave a site; none where the data followed says that no flow can be taken."""
        outs = site.outs
        kind = site.node.kind
        if kind == "parallelGateway" or (len(outs) < 2 and not any(out.condition for out in outs)):
            return [Chosen(tuple(outs), values, False)]
        exclusive = kind == "exclusiveGateway"
        gateway = exclusive or kind in ("inclusiveGateway", "complexGateway")
        bare = [out for out in outs if not out.condition and not out.default]
        found: list[Chosen] = []
        for assigned in self._looked_up(outs, values, bits):
            verdicts: list[tuple[Out, bool | None]] = []
            for out in outs:
                if out.default:
                    continue
                if out.condition:
                    verdicts.append((out, self._holds(out.condition, assigned, bits)))
                else:
                    # Gateways drawn without conditions say nothing about the data: any branch.
                    verdicts.append((out, None if gateway and len(bare) + len(outs) > 2 else True))
            default = next((out for out in outs if out.default), None)
            ways = _first(verdicts, default) if exclusive else self._subsets(verdicts, default)
            found.extend(Chosen(way, assigned, len(ways) > 1) for way in ways)
        return found

    def _looked_up(self, outs: Sequence[Out], values: Values, bits: int) -> list[Values]:
        """The assignments after the conditions have looked at guards whose value was unknown."""
        if UNKNOWN not in values:
            return [values]
        asked: set[int] = set()
        for out in outs:
            names = names_in(out.condition)
            if out.condition in self.conditions:
                asked.add(self.conditions[out.condition])
            elif names and names <= self.index.keys():
                asked |= {self.index[name] for name in names}
        open_ones = [n for n in asked if values[n] == UNKNOWN and not bits & self.unstable[n]]
        if prod(len(self.guards[n].domain) for n in open_ones) > MAX_LOOKUPS:
            return [values]
        found = [values]
        for number in sorted(open_ones):
            domain = range(len(self.guards[number].domain))
            found = [(*v[:number], value, *v[number + 1 :]) for v in found for value in domain]
        return found

    def _holds(self, condition: str, values: Values, bits: int) -> bool | None:
        known = self.conditions.get(condition, UNKNOWN)
        if known >= 0:
            value = values[known]
            decided = value != UNKNOWN and not bits & self.unstable[known]
            return bool(self.guards[known].domain[value]) if decided else None
        names = names_in(condition)
        if not names or any(bits & self.unstable[self.index[n]] for n in names if n in self.index):
            return _constant(condition) if not names else None
        evaluated, result = self._evaluate(condition, values)
        return result is True if evaluated else None

    def _evaluate(self, text: str, values: Values) -> tuple[bool, object]:
        """Whether the guards decide the expression, and its value."""
        names = names_in(text)
        if names is None or not names <= self.index.keys() or any(clock in text for clock in CLOCK):
            return False, None
        if any(values[self.index[name]] == UNKNOWN for name in names):
            return False, None
        known = {name: self.guards[self.index[name]].domain[values[self.index[name]]] for name in names}
        try:
            return True, feel.to_json(feel.compile_expression(text, equals=True).evaluate(known, self.environment))
        except (feel.FeelEvaluationError, feel.FeelSyntaxError):
            return False, None

    def _subsets(self, verdicts: Sequence[tuple[Out, bool | None]], default: Out | None) -> list[tuple[Out, ...]]:
        """Every set of flows that a split may give tokens to: those without a condition always, the default when no
        condition holds (BPMN 13.3.1)."""
        free = [out for out, verdict in verdicts if verdict is None]
        if len(free) <= MAX_SUBSETS:
            picks = [{o.flow for n, o in enumerate(free) if number >> n & 1} for number in range(1 << len(free))]
        else:
            self.exact = False
            pairs = [{a.flow, b.flow} for n, a in enumerate(free) for b in free[n + 1 :]]
            picks = [set(), *({o.flow} for o in free), *pairs, {o.flow for o in free}]
        found: list[tuple[Out, ...]] = []
        for pick in picks:
            way = tuple(out for out, verdict in verdicts if verdict or out.flow in pick)
            if default is not None and not pick and not any(out.condition for out in way):
                way = (*way, default)
            if way:
                found.append(way)
        return found


def _first(verdicts: Sequence[tuple[Out, bool | None]], default: Out | None) -> list[tuple[Out, ...]]:
    """The flows an exclusive split may take: each whose condition may be the first to hold."""
    found: list[tuple[Out, ...]] = []
    for out, verdict in verdicts:
        if verdict is not False:
            found.append((out,))
        if verdict:
            return found
    return [*found, (default,)] if default is not None else found


def _constant(condition: str) -> bool | None:
    """The value of a condition that is plainly `true` or `false`."""
    return {"true": True, "false": False}.get(condition.removeprefix("=").strip())


def read_by(outs: Sequence[Out]) -> frozenset[str]:
    """Variables that the conditions of some flows read."""
    return frozenset().union(*(names_in(out.condition) or () for out in outs))


def _offered(form: Form, guard: Guard, before: int) -> list[int]:
    """What a form can make of a guard: its options where they are listed, unchanged where it may stay hidden."""
    found: set[int] = set()
    for component in fields(form, guard.name):
        options = component.attributes.get("values")
        if component.type in ("radio", "select") and isinstance(options, list):
            listed = [option.get("value") for option in options if isinstance(option, Mapping)]
            found |= {guard.domain.index(value) for value in listed if value in guard.domain}
            if not component.validate.get("required") and None in guard.domain:
                found.add(guard.domain.index(None))
        else:
            found |= set(range(len(guard.domain)))
        if component.hide or component.disabled or component.attributes.get("readonly"):
            found.add(before)
    return sorted(found) or [before]
