"""Running boxed expressions (DMN 1.5, 10.2.2) and business knowledge models, on the budget of their evaluation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, cast

from engine.definitions.dmn_model import Boxed, Knowledge, Logic, Table
from engine.definitions.dmn_types import typed
from engine.feel import Expression, FeelEvaluationError
from engine.feel.functions.lists import items_of
from engine.feel.nodes import invoke
from engine.feel.run import Frame, Run
from engine.feel.values import Function, Range


class Owner(Protocol):
    """The decision or knowledge model that a box belongs to: what faults and fired rules are named after."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...


@dataclass(slots=True)
class Boxes:
    """Evaluates logic of any kind. `table`: how tables are run, with their owner named."""

    run: Run
    table: Callable[[Owner, Table, Frame], object]
    models: Mapping[str, Knowledge]
    service: Callable[[str], tuple[str, Function] | None]
    """The name and the function of a decision service, None when the id is of none."""
    made: dict[str, Function] = field(default_factory=dict)

    def value(self, owner: Owner, logic: Logic, frame: Frame) -> object:
        """The FEEL value of `logic`. Raises FeelEvaluationError."""
        if isinstance(logic, Table):
            return self.table(owner, logic, frame)
        if isinstance(logic, Expression):
            return logic.value_in(frame)
        self.run.charge(1)
        if logic.kind == "context":
            return self._context(owner, logic, frame)
        if logic.kind == "invocation":
            return self._invocation(owner, logic, frame)
        if logic.kind == "list":
            return [self.value(owner, part.logic, frame) for part in logic.parts]
        if logic.kind == "row":
            return {part.name: self.value(owner, part.logic, frame) for part in logic.parts}
        if logic.kind == "function":
            return self.function(owner, logic, frame)
        if logic.kind == "conditional":
            condition, then, otherwise = (part.logic for part in logic.parts)
            verdict = self.value(owner, condition, frame)
            if verdict is not None and not isinstance(verdict, bool):
                return None
            return self.value(owner, then if verdict else otherwise, frame)
        of = self.value(owner, logic.parts[0].logic, frame)
        items = self._items(of)
        if logic.kind == "filter":
            return self._filter(owner, logic, items or [], frame)
        if logic.kind != "for" and not isinstance(of, list):
            return None
        return None if items is None else self._loop(owner, logic, items, frame)

    def _items(self, value: object) -> list[object] | None:
        """A list of what is looped over: one value serves as a list of one."""
        if isinstance(value, list):
            return value
        if isinstance(value, Range):
            return items_of(self.run, value)
        return None if value is None else [value]

    def _context(self, owner: Owner, logic: Boxed, frame: Frame) -> object:
        made: dict[str, object] = {}
        inside = Frame(made, frame, self.run)
        for part in logic.parts:
            value = self.value(owner, part.logic, inside)
            if not part.name:
                return value  # The result of the context, instead of its entries.
            made[part.name] = _fitting(owner, part.name, value, part.type)
        return dict(made)

    def _invocation(self, owner: Owner, logic: Boxed, frame: Frame) -> object:
        called = self.value(owner, logic.parts[0].logic, frame)
        values = {part.name: self.value(owner, part.logic, frame) for part in logic.parts[1:]}
        if not isinstance(called, Function) or set(values) != set(called.parameters):
            return None
        return invoke(called, self.run, [values[name] for name in called.parameters])

    def function(self, owner: Owner, logic: Boxed, frame: Frame) -> Function:
        """The function value of a definition; it sees `frame` and its parameters."""
        body, size = logic.parts[0].logic, logic.size

        def call(run: object, arguments: Sequence[object]) -> object:
            self.run.charge(size)
            self.run.enter()
            names: dict[str, object] = {
                name: _fitting(owner, name, value, kind)
                for name, value, kind in zip(logic.binds, arguments, logic.types, strict=True)
            }
            result = self.value(owner, body, Frame(names, frame, self.run))
            self.run.leave()
            return result

        return Function(logic.binds, call)

    def _filter(self, owner: Owner, logic: Boxed, items: list[object], frame: Frame) -> list[object] | None:
        match, found = logic.parts[1].logic, list[object]()
        for item in items:
            self.run.charge(match.size + 1)
            inside = Frame({"item": item}, frame, self.run)
            if isinstance(item, dict):
                inside = Frame(cast("dict[str, object]", item), inside, self.run)
            verdict = self.value(owner, match, inside)
            if verdict is not None and not isinstance(verdict, bool):
                return None
            if verdict:
                found.append(item)
        return found

    def _loop(self, owner: Owner, logic: Boxed, items: list[object], frame: Frame) -> object:
        body, made = logic.parts[1].logic, list[object]()
        verdict: object = logic.kind == "every"
        for item in items:
            self.run.charge(body.size + 1)
            names = {logic.binds[0]: item}
            if logic.kind == "for":
                self.run.room_for(len(made))
                names["partial"] = list(made)
            value = self.value(owner, body, Frame(names, frame, self.run))
            made.append(value)
            if logic.kind != "for":
                if value is (logic.kind == "some"):
                    return value
                if not isinstance(value, bool):
                    verdict = None
        return made if logic.kind == "for" else verdict

    def knowledge(self, ids: Sequence[str]) -> dict[str, object]:
        """Functions by the names under which they are called."""
        found: dict[str, object] = {}
        for one in ids:
            if one in self.models:
                found[self.models[one].variable] = self._model(self.models[one])
            elif (service := self.service(one)) is not None:
                found[service[0]] = service[1]
        return found

    def _model(self, model: Knowledge) -> Function:
        """A model sees its parameters and the models it requires, itself among them: no case data."""
        if model.id not in self.made:
            names: dict[str, object] = {}
            self.made[model.id] = self.function(model, model.function, Frame(names, None, self.run))
            names[model.variable] = self.made[model.id]
            names.update(self.knowledge(model.requires))
        return self.made[model.id]


def _fitting(owner: Owner, name: str, value: object, kind: str) -> object:
    fits, value = typed(value, kind)
    if not fits:
        raise FeelEvaluationError("dmn.value_type", {"decision": owner.id, "value": name, "expected": kind})
    return value
