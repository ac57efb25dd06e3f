"""Which case fields each place writes and reads, what values they can have, and where a value still matters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from engine.definitions.bpmn import split_list
from engine.definitions.bundle import Bundle
from engine.definitions.model import Node

from .regulation_places import Place, Places, waits
from .regulation_profile import Profile, Rule, What
from .regulation_values import (
    NOW,
    OTHER_MOMENT,
    Domains,
    Field,
    decision_options,
    evaluated,
    form_fields,
    instant,
    json_of,
    names_in,
    spoken_in,
)

EVERY = "every_instance"
"""Pseudo field: whether all instances of a multi-instance activity have got as far as the one that is followed."""
BRANCH = "_branch"
"""Pseudo field: the ways taken at forks, as a list of [place, way]: who runs beside whom."""
SIDE = "_side"
"""Pseudo field: the body that a thread begun by a non-interrupting event belongs to; it ends there unheard."""
ARCHIVE_MISSING = "archive_missing"
AFTER_DOT = re.compile(r"\.\s*([^\W\d]\w*)")


def by(field: str) -> str:
    """Pseudo field: the groups of the task that wrote a field last."""
    return f"{field}_by"


def collected(node: Node) -> str:
    """The field that becomes the list of a multi-instance activity's results, "" for none."""
    if node.multi is None:
        return ""
    return node.properties.get("collectInto", "") or node.multi.output


def expression_of(text: str) -> str:
    """FEEL of an entry of a list of groups: `=x` is an expression, anything else a literal."""
    return text[1:].strip() if text.startswith("=") else f'"{text}"'


def recipients(node: Node) -> list[str]:
    """FEEL texts of whom an element turns to: candidates of a task, `to` of a notification."""
    if node.kind == "userTask":
        people = [f"=user: {user}" if user.startswith("=") else f"user:{user}" for user in node.users]
        found = [*node.groups, *(p for p in people if not p.startswith("="))]
        return [expression_of(text) for text in found] + (['"user:?"'] if node.assignee else [])
    return [expression_of(text) for text in split_list(node.properties.get("to", ""))]


def kept_off(node: Node) -> list[str]:
    """FEEL texts of the units whose people may not do a task."""
    return [expression_of(text) for text in split_list(node.properties.get("recuse", ""))]


class Fields:
    """Everything that is known of the case's fields before the walk.

    `names`: tracked fields in a fixed order; `live[place]`: their numbers, as bits, that matter from there on.
    """

    def __init__(self, bundle: Bundle, places: Places, profile: Profile) -> None:
        self.bundle, self.places, self.fresh = bundle, places, profile.fresh
        self.rules = profile.rules
        asked = [text for rule in profile.rules for text in rule.expressions]
        self.by_fields = frozenset(name for rule in profile.rules for name in rule.by)
        self.domains = Domains()
        self.start_form = bundle.start_form(places.root.id) if places.root.nodes else ""
        spoken = spoken_in([*asked, *(text for p in places for text in _texts(p))])
        self.forms: dict[int, list[Field]] = {p.index: form_fields(bundle, self._form(p), spoken) for p in places}
        self.collects = {c: p for p in places if p.role == "host" and (c := collected(p.node))}
        self.writes: list[frozenset[str]] = [frozenset(self._writes(p)) for p in places]
        self.written: frozenset[str] = frozenset().union(*self.writes) if self.writes else frozenset()
        self.local = self._locals()
        self._fill_domains()
        self.pinned = profile.steady | {SIDE, BRANCH}
        self._reads = [self._read(p) | extra for p, extra in zip(places, self._asked(), strict=True)]
        tracked = self.pinned.union(*(reads for reads in self._reads))
        scripts = [p for p in places if p.node.script]
        grown = True
        while grown:
            more = {n for p in scripts if p.node.result in tracked for n in self.names_read(p.node.script, p)}
            more |= {n for p in places for f in self.forms[p.index] if f.name in tracked for n in self._hide_names(f)}
            grown = not more <= tracked
            tracked |= more
        self.names = tuple(sorted(tracked))
        self.number = {name: number for number, name in enumerate(self.names)}
        self.live = self._live()

    def mask(self, names: Iterable[str]) -> int:
        bits = 0
        for name in names:
            number = self.number.get(name)
            if number is not None:
                bits |= 1 << number
        return bits

    def names_read(self, text: str, place: Place | None = None) -> frozenset[str]:
        """Fields that a text reads; where it reads a list that is being collected around it, the entries' fields."""
        found = names_in(text, self.written)
        if place is not None and self.collecting(text, place):
            found |= set(AFTER_DOT.findall(text)) & self.written
            found |= {EVERY}
        return found

    def collecting(self, text: str, place: Place) -> tuple[str, ...]:
        """Lists of results that are being collected around a place and that the text reads."""
        if not any(name in text for name in self.collects):
            return ()
        around = [self.places[h].node for h in self.places.hosts(place.index)]
        return tuple(c for c in (collected(node) for node in around) if c and c in text)

    def begins_round(self, place: Place) -> bool:
        """Whether the element begins a round: it writes the field that tells when the matter was discovered."""
        return bool(self.fresh) and place.role == "node" and self.fresh in (f.name for f in self.forms[place.index])

    def _locals(self) -> dict[int, frozenset[str]]:
        """For each composite with several instances, the fields that each instance has to itself."""
        found: dict[int, frozenset[str]] = {}
        for place in self.places:
            if place.role != "host" or place.node.multi is None or place.body < 0:
                continue
            inside = self.places.reach([*self.places.scopes[place.body].entries])
            own: set[str] = set()
            for index in inside:
                own |= self.writes[index]
            own |= {place.node.multi.variable} - {""}
            outside: set[str] = set()
            for other in self.places:
                if other.index not in inside and other.node is not place.node and not self._in_instances(other):
                    outside |= self.writes[other.index]
            found[place.index] = frozenset(own - outside - {EVERY})
        return found

    def _asked(self) -> list[frozenset[str]]:
        """For each place, fields that a rule asks for there: before the element it is about; where a field of it is
        written, and from there on until something waits; where the case ends."""
        asked: list[set[str]] = [set() for _ in self.places]
        for rule in self.rules:
            by_whom = rule.by if rule.kind == "before" else ()
            names = self._names(rule, rule.require, rule.given, rule.recuse, *by_whom)
            for place in self.places:
                if names and is_one(rule.at, place, self.forms[place.index]):
                    asked[place.index] |= names
                if rule.each and place.role == "host" and place.node.multi is not None:
                    asked[place.index] |= self._names(rule, rule.each)
            if rule.kind in ("must", "limit", "person"):
                fields = (rule.field, *rule.taken_from) if rule.kind == "person" else tuple(rule.by)
                names = self._names(rule, rule.until, *fields)
                for index in self._downstream(names):
                    asked[index] |= names
                begin, more = self._names(rule, rule.starts), self._names(rule, rule.at_most)
                for index in self._writers(begin):
                    for one in (index, *self._onward(index)):
                        asked[one] |= begin | more
                for place in self.places:
                    if rule.unless and place.scope == 0 and not place.outs:
                        asked[place.index] |= self._names(rule, rule.unless)
        return [frozenset(names) for names in asked]

    def _names(self, rule: Rule, *texts: str) -> frozenset[str]:
        known = self.written | {EVERY} | {by(name) for name in self.by_fields}
        found = {name for text in texts if text for name in names_in(text, known)} & known
        return frozenset(found | {by(name) for name in rule.by if name in found})

    def _downstream(self, names: frozenset[str]) -> set[int]:
        """Places that write one of the fields, and those a token passes from there on before it waits."""
        writers = self._writers(names)
        seen = set(writers)
        todo = [target for index in writers for target in self._onward(index)]
        while todo:
            index = todo.pop()
            if index in seen:
                continue
            seen.add(index)
            if not waits(self.places[index]) or self.places[index].role == "arrive":
                todo += self._onward(index)
        return seen

    def _writers(self, names: frozenset[str]) -> list[int]:
        return [place.index for place in self.places if self.writes[place.index] & names and place.role != "host"]

    def _onward(self, index: int) -> list[int]:
        place = self.places[index]
        found = [target for _, target in place.outs]
        host = self.places.scopes[place.scope].host
        if place.role == "host":
            found += self.places.scopes[place.body].entries
        elif place.exit >= 0:
            found.append(place.exit)
        elif not place.outs and host >= 0:
            found.append(self.places[host].exit)
        return found

    def _in_instances(self, place: Place) -> bool:
        return any(self.places[h].node.multi is not None for h in self.places.hosts(place.index))

    def written_from(self, starts: list[int], without: frozenset[int] = frozenset()) -> frozenset[str]:
        """Fields that a thread beginning at `starts` may write before its body ends."""
        found: set[str] = set()
        for index in self.places.reach(starts) - without:
            found |= self.writes[index]
        return frozenset(found)

    def report(self, node: Node) -> dict[str, Any]:
        """What `draft-late-report` writes, as far as a diagram may read it: a unit where its limit is a unit's."""
        limit = node.properties.get("limit", "")
        owned = any(
            p.node.event.timer is not None and p.node.properties.get("limit") == limit and p.node.properties.get("unit")
            for p in self.places
        )
        return {"limit": limit, "unit": "unit.1" if owned else "", "deadline": OTHER_MOMENT}

    def told(self, thrower: int, catcher: int) -> frozenset[str]:
        """Fields that a throwing thread knows better than the catching one: those of the branch that it lies in."""
        theirs = [*self.places.hosts(thrower)[::-1], thrower]
        mine = [*self.places.hosts(catcher)[::-1], catcher]
        apart = next((a for a, b in zip(theirs, mine, strict=False) if a != b), thrower)
        return self.written_from([apart])

    def _form(self, place: Place) -> str:
        node = place.node
        if node.kind == "userTask":
            return node.form
        if node.kind == "startEvent":
            return self.start_form if place.scope == 0 and node.event.kind in ("none", "message") else ""
        return node.properties.get("form", "") if node.event.kind == "message" else ""

    def _hide_names(self, field: Field) -> frozenset[str]:
        return frozenset().union(*(names_in(text) for text in field.hide))

    def _writes(self, place: Place) -> set[str]:
        node = place.node
        found = {field.name for field in self.forms[place.index]} if place.role == "node" else set()
        found |= {by(name) for name in found if name in self.by_fields}
        if node.multi is not None and place.role in ("host", "node"):
            found |= {node.multi.variable, "loopCounter"} - {""}
        if collected(node):
            found |= {collected(node), EVERY}
        if place.role in ("host", "node"):
            found |= {assignment.target for assignment in node.inputs}
        if place.role in ("exit", "node"):
            found |= {assignment.target for assignment in node.outputs}
        if place.role == "node":
            found |= {node.result} - {""}
            if node.topic == "draft-late-report":
                found |= {node.properties.get("into", "late_report")} - {""}
            if node.topic == "check-archive":
                found |= {ARCHIVE_MISSING}
        return found

    def _read(self, place: Place) -> frozenset[str]:
        """Fields whose value decides where a token goes, who is asked, or when a timer is due."""
        node = place.node
        texts: list[str] = []
        if (
            place.role == "node"
            and node.kind in ("exclusiveGateway", "inclusiveGateway", "complexGateway")
            and len(place.outs) > 1
        ):
            texts += [flow.condition for flow, _ in place.outs if flow.condition]
        if place.role in ("host", "node"):
            if node.multi is not None:
                texts += [node.multi.collection, node.multi.cardinality]
            if node.kind in ("userTask", "serviceTask", "sendTask"):
                texts += [*recipients(node), *kept_off(node)]
            if node.loop is not None and node.loop.test_before:
                texts.append(node.loop.condition)
            texts += [a.value for a in node.inputs]
            for index in place.boundary:
                timer = self.places[index].node.event.timer
                texts.append(timer.text if timer is not None and timer.kind != "cycle" else "")
        if place.role in ("exit", "node"):
            texts += [a.value for a in node.outputs]
        return frozenset().union(*(self.names_read(text, place) for text in texts if text))

    def _fill_domains(self) -> None:
        """Forms and decisions first, then scripts over samples of them, in rounds until no new value comes."""
        add = self.domains.add
        for name, value in self.bundle.parameters.items():
            add(str(name), [value])
        add("opened_at", [instant(NOW)])
        for place in self.places:
            for field in self.forms[place.index]:
                add(field.name, field.options)
            node = place.node
            if node.decision:
                add(node.result, decision_options(self.bundle, node.decision, node.map_result))
            if node.topic == "draft-late-report":
                add(node.properties.get("into", "late_report"), [self.report(node)])
        add(ARCHIVE_MISSING, [[], ["?"]])
        add(EVERY, [True, False])
        for _ in range(3):
            grown = False
            sample = self.domains.sample()
            for place in self.places:
                grown |= self._sample_place(place, sample)
            if not grown:
                break

    def _sample_place(self, place: Place, sample: Mapping[str, Any]) -> bool:
        node, grown = place.node, False
        if place.role == "node" and node.script:
            return self.domains.add(node.result, [json_of(evaluated(node.script, sample, NOW, self.bundle))])
        if place.role == "host" and node.multi is not None:
            elements = json_of(evaluated(node.multi.collection, sample, NOW)) if node.multi.collection else None
            if isinstance(elements, list) and node.multi.variable:
                grown |= self.domains.add(node.multi.variable, elements[:1])
            if collected(node):
                inside = self.places.reach([place.index])
                known = self.domains.sample()
                if isinstance(elements, list) and elements:
                    known[node.multi.variable] = elements[0]
                for index in sorted(inside):
                    one = self.places[index].node
                    if one.script and one.result != node.multi.variable:
                        known[one.result] = json_of(evaluated(one.script, known, NOW, self.bundle))
                names = self.written_from([place.index]) - {collected(node)}
                result = {n: known[n] for n in sorted(names) if known.get(n) is not None}
                self.domains.values[collected(node)] = [[result]]
        return grown

    def _live(self) -> list[int]:
        """Backward over flows, ends to the place after the composite, throwing to catching signals."""
        size = len(self.places.places)
        catching: dict[str, list[int]] = {}
        for place in self.places:
            if place.role != "arrive" and place.node.event.kind == "signal" and _catches(place.node):
                catching.setdefault(place.node.event.name, []).append(place.index)
        after: list[list[int]] = []
        for place in self.places:
            targets = self.places.next(place.index)
            host = self.places.scopes[place.scope].host
            if host >= 0 and not place.outs and place.role != "arrive":
                exit_ = self.places[host].exit
                targets = [*targets, exit_ if exit_ >= 0 else host]
                if place.node.kind == "endEvent" and place.node.event.kind in ("error", "escalation"):
                    targets += [b for h in self.places.hosts(place.index) for b in self.places[h].boundary]
            if place.node.triggered and place.role == "exit" and host >= 0:
                targets = [*targets, self.places[host].exit]
            after.append(targets)
        pinned = self.mask(self.pinned)
        uses = [self.mask(reads) | pinned for reads in self._reads]
        kills = [self.mask(self._surely(place)) & ~pinned for place in self.places]
        hides = [
            [(self.mask([f.name]), self.mask(self._hide_names(f))) for f in self.forms[p.index] if f.hide]
            for p in self.places
        ]
        scripts = [
            (self.mask([p.node.result]), self.mask(self.names_read(p.node.script, p))) if p.node.script else (0, 0)
            for p in self.places
        ]
        before: list[list[int]] = [[] for _ in range(size)]
        for index, targets in enumerate(after):
            for target in targets:
                before[target].append(index)
        heard: dict[int, list[tuple[int, int]]] = {}
        for place in self.places:
            if place.node.event.kind == "signal" and not _catches(place.node):
                for catcher in catching.get(place.node.event.name, []):
                    told = self.mask(self.told(place.index, catcher)) | pinned
                    heard.setdefault(place.index, []).append((catcher, told))
                    before[catcher].append(place.index)
        live = [0] * size
        todo = set(range(size))
        while todo:
            index = todo.pop()
            out = 0
            for target in after[index]:
                out |= live[target]
            found = (out & ~kills[index]) | uses[index]
            for catcher, told in heard.get(index, ()):
                found |= live[catcher] & told
            result, reads = scripts[index]
            if result & (out | pinned):
                found |= reads
            for field, names in hides[index]:
                if field & out:
                    found |= names | field
            if found != live[index]:
                live[index] = found
                todo.update(before[index])
        return live

    def _surely(self, place: Place) -> set[str]:
        """Fields that a place always writes, so that what they held before no longer matters."""
        if place.role == "host" and place.index in self.local:
            return set(self.local[place.index])
        if place.role != "node":
            return set()
        if self.begins_round(place):
            return set(self.names)
        node = place.node
        found = {field.name for field in self.forms[place.index] if not field.hide}
        return found | ({node.result} - {""})


def _catches(node: Node) -> bool:
    return node.kind in ("startEvent", "boundaryEvent", "intermediateCatchEvent", "receiveTask")


def _texts(place: Place) -> Iterator[str]:
    """Every expression of an element and its flows."""
    node = place.node
    yield from (flow.condition for flow, _ in place.outs)
    yield from (node.script, *recipients(node))
    yield from (assignment.value for assignment in (*node.inputs, *node.outputs))
    if node.multi is not None:
        yield from (node.multi.collection, node.multi.completion)
    if node.loop is not None:
        yield node.loop.condition


def is_one(what: What, place: Place, forms: Iterable[Field]) -> bool:
    """Whether a place is of the kind that `what` describes, whoever is asked. `forms`: what a person fills in there."""
    if place.role != "node" or what == What():
        return False
    node = place.node
    if what.writes and not {one.name for one in forms} & set(what.writes):
        return False
    if what.script and not (node.result in what.script and node.kind in ("scriptTask", "businessRuleTask")):
        return False
    if what.topic and node.topic != what.topic:
        return False
    if what.outcome and node.properties.get("outcome") != what.outcome:
        return False
    told = node.kind in ("serviceTask", "sendTask") and node.topic == "notify"
    if what.task and not (node.kind == "userTask" or (what.notify and told)):
        return False
    return not what.notify or what.task or told
