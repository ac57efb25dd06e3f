"""What an element does to the case's fields, and whom it turns to: one result for each way it can end that matters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine.definitions.model import Node

from .regulation_fields import ARCHIVE_MISSING, EVERY, by, collected, recipients
from .regulation_knowledge import Data, Knowledge, State
from .regulation_places import Place
from .regulation_values import MAX_OUTCOMES, NULL, json_of

MAX_RESULTS = 4
"""Values of a script that are told apart; more become STAR."""


class Work(Knowledge):
    """The work of single elements."""

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
