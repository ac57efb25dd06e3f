"""Which fields of a form a person sees for given data, and what expressions see there.

The twin of form-js `ConditionChecker.applyConditions`, `FormField` and `RepeatRenderManager`, in their two steps:
conditions are first asked of the data as they are, and what they hide is taken out of the data; then they are asked
again of the data so filtered, and that decides what is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from engine.definitions import form_expressions
from engine.definitions.form_model import Component, Path
from engine.definitions.form_state import MISSING, get
from engine.domain.codec import JSON, copied
from engine.feel import Environment, FeelEvaluationError

_HOLE: Final = None


@dataclass(frozen=True, slots=True)
class Scope:
    """Where an expression stands: `this` is the row (at the root: everything), `parent` what is around it."""

    this: JSON
    parent: object
    indexes: tuple[int, ...]
    names: Mapping[str, object]
    """Every name an expression may use here."""

    @staticmethod
    def root(data: Mapping[str, JSON]) -> Scope:
        return Scope(data, None, (), _names(data, data, None, ()))

    def row(self, data: Mapping[str, JSON], row: JSON, number: int, *, filtering: bool) -> Scope:
        """The scope of row `number` (from 0) of a list in this scope; `data`: the root data."""
        indexes = (*self.indexes, number + 1)
        # while filtering, form-js hands down the bare row around; later that row's own context
        own = self.this if isinstance(self.this, Mapping) else {}
        parent = self.this if filtering else _names(own, self.this, self.parent, self.indexes)
        return Scope(row, parent, indexes, _names(data, row, parent, indexes))


def _names(data: Mapping[str, JSON], this: JSON, parent: object, indexes: tuple[int, ...]) -> dict[str, object]:
    i = list(indexes)
    return {"this": this, "parent": parent, "i": i, **data, "_this_": this, "_parent_": parent, "_i_": i}


@dataclass(frozen=True, slots=True)
class Instance:
    """One visible component at one place. `readonly`: the viewer lets nobody change it."""

    component: Component
    path: Path
    scope: Scope
    readonly: bool


@dataclass(slots=True)
class View:
    """What is visible: `fields` and `lists` in document order. `failed`: expressions that could not be evaluated."""

    root: Scope
    fields: list[Instance] = field(default_factory=list)
    lists: list[Instance] = field(default_factory=list)
    failed: list[tuple[Component, Path, FeelEvaluationError]] = field(default_factory=list)


def look(components: tuple[Component, ...], state: dict[str, JSON], own: Mapping[str, JSON], env: Environment) -> View:
    """The view of `state`; `own`: the initial data, which shows through where a hidden field leaves a gap."""
    data: Mapping[str, JSON] = {**own, **_filtered(components, state, env)}
    view = View(Scope.root(data))
    _see(view, components, (), state, data, view.root, False, env)
    return view


def _see(
    view: View, components: tuple[Component, ...], base: Path, state: dict[str, JSON], data: Mapping[str, JSON],
    scope: Scope, frozen: bool, env: Environment,
) -> None:  # fmt: skip
    for component in components:
        path = base + component.segments
        try:
            if component.hide is not None and form_expressions.holds(component.hide, scope.names, env):
                continue
            readonly = frozen or _is_readonly(component, scope, env)
        except FeelEvaluationError as error:
            view.failed.append((component, path, error))
            readonly = True
        here = Instance(component, path, scope, readonly)
        if component.keyed:
            view.fields.append(here)
        elif component.repeated and component.segments:
            view.lists.append(here)
            rows = get(state, path)
            for number, row in enumerate(rows if isinstance(rows, list) else []):
                inner = scope.row(data, row, number, filtering=False)
                _see(view, component.children, (*path, number), state, data, inner, readonly or component.disabled, env)
        elif component.children:
            _see(view, component.children, path, state, data, scope, readonly or component.disabled, env)


def _is_readonly(component: Component, scope: Scope, env: Environment) -> bool:
    readonly = component.attributes.get("readonly")
    if form_expressions.is_expression(readonly):
        return form_expressions.holds(str(readonly), scope.names, env)
    return bool(readonly)


def _filtered(components: tuple[Component, ...], state: dict[str, JSON], env: Environment) -> dict[str, JSON]:
    """The data without what conditions hide."""
    if not any(component.conditional for component in components):
        return state
    out: dict[str, JSON] = copied(state)
    for path in _hidden(components, (), state, state, Scope.root(state), False, env):
        _clear(out, path)
    return out


def _hidden(
    components: tuple[Component, ...],
    base: Path,
    state: dict[str, JSON],
    data: Mapping[str, JSON],
    scope: Scope,
    hidden: bool,
    env: Environment,
) -> Iterator[Path]:
    """The paths of hidden fields and lists, asked of the unfiltered data."""
    for component in components:
        path = base + component.segments
        gone = hidden or (component.hide is not None and _holds_quietly(component.hide, scope, env))
        if component.keyed or (component.repeated and component.segments):
            if gone:
                yield path
                continue
            rows = get(state, path) if component.repeated else None
            for number, row in enumerate(rows if isinstance(rows, list) else []):
                inner = scope.row(data, row, number, filtering=True)
                yield from _hidden(component.children, (*path, number), state, data, inner, False, env)
        else:
            yield from _hidden(component.children, path, state, data, scope, gone, env)


def _holds_quietly(condition: str, scope: Scope, env: Environment) -> bool:
    """The condition for filtering; one that fails here fails again in `_see`, where it is reported."""
    try:
        return form_expressions.holds(condition, scope.names, env)
    except FeelEvaluationError:
        return False


def _clear(data: dict[str, JSON], path: Path) -> None:
    """Removes the value and every container that thereby becomes empty; list rows leave a hole, so indexes stay."""
    while path:
        parent = get(data, path[:-1])
        key = path[-1]
        if isinstance(parent, dict) and isinstance(key, str):
            parent.pop(key, None)
        elif isinstance(parent, list) and isinstance(key, int) and key < len(parent):
            parent[key] = _HOLE
        empty = not parent if not isinstance(parent, list) else all(item is _HOLE for item in parent)
        path = path[:-1]
        if not empty or parent is MISSING:
            return
