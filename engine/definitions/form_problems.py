"""Finds what is wrong with a `.form` file before it is published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from engine.definitions import form_moments, form_options
from engine.definitions.form_automaton import compile_pattern
from engine.definitions.form_expressions import (
    is_expression,
    is_template,
    line_break,
    syntax_error,
    template_expressions,
)
from engine.definitions.form_inputs import EXPRESSION_PROPERTIES, property_at, reads_itself
from engine.definitions.form_javascript import big
from engine.definitions.form_model import (
    CONTAINERS,
    KEYED,
    MANY,
    ONE,
    PRESENTED,
    SCHEMA_VERSION,
    Component,
    FormProblem,
    Path,
    descend,
    dotted,
)
from engine.definitions.form_pattern import PatternUnsupported
from engine.definitions.form_state import MAX_DEFAULT_ROWS
from engine.domain.codec import JSON

RESERVED: Final = frozenset({"typename"})
"""SpiffWorkflow's serializer takes any object with this entry for one of its own and fails when it reads it back."""
SPECIAL: Final = frozenset({"this", "parent", "i"})
"""Names that expressions in lists use for the row; data of that name hide them."""
FORBIDDEN: Final = frozenset({"constructor", "__proto__", "prototype"})
"""form-js refuses to write these."""
_CONDITIONS: Final = (("conditional", "hide"), ("readonly",))


def problems_of(schema: Mapping[str, JSON], components: tuple[Component, ...]) -> list[FormProblem]:
    """All findings, in document order. Errors: the form must not be published."""
    out = list(_of_form(schema, components))
    claims = _Claims()
    seen: set[str] = set()
    for component in descend(components):
        if component.id in seen:
            out.append(_error(component, "form.duplicate_id", {"id": component.id}))
        seen.add(component.id)
        out += _of_component(component)
    out += claims.of(components, (), ())
    return out


def _error(component: Component, key: str, details: Mapping[str, object] | None = None) -> FormProblem:
    return FormProblem(component.id, key, "error", details or {})


def _warning(component: Component, key: str, details: Mapping[str, object] | None = None) -> FormProblem:
    return FormProblem(component.id, key, "warning", details or {})


def _of_form(schema: Mapping[str, JSON], components: tuple[Component, ...]) -> Iterator[FormProblem]:
    version = schema.get("schemaVersion")
    identity = str(schema.get("id", ""))
    if not identity:
        yield FormProblem("", "form.id_missing", "error")
    if not components:
        yield FormProblem(identity, "form.empty", "warning")
    if isinstance(version, int | float) and version > SCHEMA_VERSION:
        yield FormProblem(identity, "form.newer_schema", "warning", {"version": version, "known": SCHEMA_VERSION})
    elif version is not None and not isinstance(version, int | float):
        yield FormProblem(identity, "form.schema_version", "error", {"version": str(version)})


def _of_component(component: Component) -> Iterator[FormProblem]:
    kind = component.type
    if kind not in KEYED | PRESENTED | CONTAINERS:
        yield _error(component, "form.unknown_type", {"type": kind})
        return
    yield from _names(component)
    yield from _expressions(component)
    if kind in ONE | MANY:
        yield from _options(component)
    if kind in KEYED:
        yield from _rules(component)
    if kind == "number":
        yield from _number(component)
    if kind == "datetime" and form_moments.subtype_of(component) not in ("date", "time", "datetime"):
        yield _error(component, "form.unknown_subtype", {"subtype": form_moments.subtype_of(component)})
    if kind == "expression":
        if not is_expression(component.attributes.get("expression")):
            yield _warning(component, "form.expression_missing")
        elif reads_itself(component):
            yield _warning(component, "form.expression_reads_itself")
    if kind == "dynamiclist":
        yield from _list(component)


def _names(component: Component) -> Iterator[FormProblem]:
    if not component.segments:
        if component.type in KEYED:
            yield _error(component, "form.key_missing")
        elif component.type == "dynamiclist":
            yield _error(component, "form.path_missing")
        return
    for name in component.segments:
        if not name.strip() or name != name.strip():
            yield _error(component, "form.key_blank", {"name": ".".join(component.segments)})
        elif name in RESERVED or name in FORBIDDEN or name.startswith("_"):
            yield _error(component, "form.key_reserved", {"name": name})
        elif name[0].isdigit():
            yield _error(component, "form.key_number", {"name": name})
        elif name in SPECIAL:
            yield _warning(component, "form.key_hides_row", {"name": name})
        elif not name.isidentifier():
            yield _warning(component, "form.key_needs_quotes", {"name": name})


def _expressions(component: Component) -> Iterator[FormProblem]:
    for place in EXPRESSION_PROPERTIES:
        text = property_at(component, place)
        where = ".".join(place)
        texts = [text] if is_expression(text) else []
        if not texts and is_template(text) and place not in _CONDITIONS:
            texts = [f"={expression}" for expression, _ in template_expressions(text)]
        for one in texts:
            if line_break(one):
                yield _error(component, "form.expression_line_break", {"property": where, "text": one})
            error = syntax_error(one, condition=place in _CONDITIONS)
            if error is not None:
                details = {
                    "property": where,
                    "text": one,
                    "reason": error.message_key,
                    "line": error.line,
                    "column": error.column,
                }
                yield _error(component, "form.expression_syntax", {**error.details, **details})
    hide = property_at(component, ("conditional", "hide"))
    if isinstance(hide, str) and hide.strip() and not is_expression(hide):
        yield _warning(component, "form.condition_without_equals", {"text": hide})
    for place in (("validate", "required"), ("disabled",)):
        if is_expression(property_at(component, place)):
            yield _warning(component, "form.not_an_expression_here", {"property": ".".join(place)})


def _options(component: Component) -> Iterator[FormProblem]:
    attributes = component.attributes
    sources = [name for name in ("values", "valuesKey", "valuesExpression") if attributes.get(name) not in (None, "")]
    if not sources:
        yield _error(component, "form.options_missing")
    elif len(sources) > 1:
        yield _warning(
            component, "form.options_twice", {"sources": ", ".join(sources), "used": form_options.source_of(component)}
        )
    if form_options.source_of(component) == "values" and "values" in sources:
        values = form_options.option_values(attributes["values"])
        given = len(attributes["values"]) if isinstance(attributes["values"], list) else 0
        if not values:
            yield _error(component, "form.options_empty")
        elif len(values) < given:
            yield _warning(component, "form.options_malformed", {"count": given - len(values)})
        if any(form_options.is_option(value, values[:at]) for at, value in enumerate(values)):
            yield _warning(component, "form.options_repeated")
    default = attributes.get("defaultValue")
    if component.type in MANY and default is not None and not isinstance(default, list):
        yield _error(component, "form.default_not_a_list")


def _rules(component: Component) -> Iterator[FormProblem]:
    rules = component.validate
    pattern = rules.get("pattern")
    if pattern:
        try:
            compile_pattern(str(pattern))
        except PatternUnsupported as error:
            yield _error(
                component,
                "form.pattern_unsupported",
                {"pattern": str(pattern), "reason": error.reason, "position": error.position},
            )
    for name in ("min", "max"):
        if rules.get(name) is not None and not is_expression(rules[name]) and big(rules[name]) is None:
            yield _error(component, "form.bound_not_a_number", {"property": name, "value": str(rules[name])})
    if rules.get("validationType") not in (None, "", "custom", "email", "phone"):
        yield _warning(component, "form.unknown_validation", {"value": str(rules["validationType"])})


def _number(component: Component) -> Iterator[FormProblem]:
    increment = component.attributes.get("increment")
    if increment not in (None, "") and not big(increment):
        yield _error(component, "form.bound_not_a_number", {"property": "increment", "value": str(increment)})


def _list(component: Component) -> Iterator[FormProblem]:
    attributes = component.attributes
    if attributes.get("isRepeating", True) is not True:
        yield _error(component, "form.list_not_repeating")
    repetitions = attributes.get("defaultRepetitions", 1)
    if not isinstance(repetitions, int) or not 0 <= repetitions <= MAX_DEFAULT_ROWS:
        yield _error(component, "form.default_rows", {"limit": MAX_DEFAULT_ROWS})
    inner = list(descend(component.children))
    marked = any(one.keyed and one.attributes.get("readonly") is True for one in inner)
    if component.open_ended and not marked and any(one.keyed and one.disabled for one in inner):
        yield _warning(component, "form.row_without_identity")


@dataclass(slots=True)
class _Claims:
    """The twin of form-js PathRegistry: no two fields may write to the same place, nor one inside another."""

    fields: dict[Path, str] = field(default_factory=dict)
    lists: dict[Path, str] = field(default_factory=dict)
    groups: dict[Path, str] = field(default_factory=dict)

    def of(self, components: tuple[Component, ...], base: Path, around: tuple[str, ...]) -> Iterator[FormProblem]:
        for component in components:
            path = base + component.segments
            if component.segments and component.type in KEYED | CONTAINERS:
                other = self.conflict(component, path, around)
                if other is not None:
                    yield _error(component, "form.path_claimed", {"path": dotted(path), "by": other})
                else:
                    self.claim(component, path)
            if component.children:
                yield from self.of(component.children, path, (*around, component.id))

    def conflict(self, component: Component, path: Path, around: tuple[str, ...]) -> str | None:
        for length in range(1, len(path) + 1):
            start = path[:length]
            if start in self.fields:
                return self.fields[start]
            if start in self.lists and self.lists[start] not in around:
                return self.lists[start]
        if component.type == "group":
            return None
        return self.lists.get(path) or self.groups.get(path)

    def claim(self, component: Component, path: Path) -> None:
        for length in range(1, len(path)):
            self.groups.setdefault(path[:length], component.id)
        target = self.lists if component.repeated else self.groups if component.type == "group" else self.fields
        target.setdefault(path, component.id)
