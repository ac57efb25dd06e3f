"""Which part of the case data a form reads: that, and nothing else, is given to the viewer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from engine.definitions.form_expressions import is_expression, is_template, names_read, template_expressions
from engine.definitions.form_model import Component
from engine.domain.codec import JSON, copied

EXPRESSION_PROPERTIES: Final = tuple(
    tuple(name.split("."))
    for name in (
        *("alt", "appearance.prefixAdorner", "appearance.suffixAdorner", "conditional.hide", "description", "label"),
        *("source", "readonly", "text", "content", "validate.min", "validate.max", "validate.minLength"),
        *("validate.maxLength", "valuesExpression", "url", "dataSource", "columnsExpression", "expression"),
        *("multiple", "accept", "title"),
    )
)
"""Where form-js evaluates FEEL or a template (its getSchemaVariables, and `content`)."""

Tree = dict[str, "Tree | None"]
"""Names within names; None: all of it. Lists are looked through."""
_SPECIAL: Final = {"this": 0, "_this_": 0, "parent": 1, "_parent_": 1}


def property_at(component: Component, place: tuple[str, ...]) -> JSON:
    """The attribute at a nested place, None when absent."""
    value: JSON = component.attributes
    for name in place:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def inputs_of(components: tuple[Component, ...]) -> Tree:
    """The tree of names that the form shows or reads."""
    tree: Tree = {}
    _collect(components, [()], (), tree)
    return tree


def projected(data: Mapping[str, JSON], tree: Tree) -> dict[str, JSON]:
    """A copy of the part of `data` that `tree` names."""
    return {name: _part(data[name], inner) for name, inner in tree.items() if name in data}


def paths_of(tree: Tree, prefix: str = "") -> Iterator[str]:
    """The tree as dotted paths."""
    for name, inner in tree.items():
        if inner is None:
            yield prefix + name
        else:
            yield from paths_of(inner, f"{prefix}{name}.")


def written_names(components: tuple[Component, ...]) -> Iterator[str]:
    """The top-level names under which a submission may be stored."""
    for component in components:
        if component.segments and (component.keyed or component.children or component.repeated):
            yield component.segments[0]
        elif component.children:
            yield from written_names(component.children)


def _part(value: JSON, tree: Tree | None) -> JSON:
    if tree is None:
        return copied(value)
    if isinstance(value, list):
        return [_part(item, tree) for item in value]
    if isinstance(value, Mapping):
        return {name: _part(value[name], inner) for name, inner in tree.items() if name in value}
    return copied(value)


def _collect(
    components: tuple[Component, ...], scopes: list[tuple[str, ...]], base: tuple[str, ...], tree: Tree
) -> None:
    """`scopes`: the paths of the enclosing rows, the root first."""
    for component in components:
        path = base + component.segments
        if component.keyed and component.type != "filepicker":
            _add(tree, path)
        key = component.attributes.get("valuesKey")
        if isinstance(key, str) and key:
            _add(tree, (key,))
        for names in _reads(component):
            _add_read(tree, names, scopes)
        if component.repeated and component.segments:
            _add(tree, path, whole=False)
            _collect(component.children, [*scopes, path], path, tree)
        elif component.children:
            _collect(component.children, scopes, path, tree)


def _reads(component: Component) -> Iterator[tuple[str, ...]]:
    columns = _columns(component)
    for place in EXPRESSION_PROPERTIES:
        text = property_at(component, place)
        if is_expression(text):
            names = names_read(text[1:])
            plain = (
                place == ("dataSource",) and columns and ".".join(*names) == text[1:].strip()
                if len(names) == 1
                else False
            )
            for name in names:
                yield from ((*name, column) for column in columns) if plain else [name]
        elif is_template(text):
            for expression, loops in template_expressions(text):
                yield from (name for name in names_read(expression) if loops == 0 or name[0] in _SPECIAL)


def _columns(component: Component) -> list[str]:
    """The entries that a table with fixed columns shows of each row."""
    columns = component.attributes.get("columns")
    if (
        component.type != "table"
        or not isinstance(columns, list)
        or is_expression(component.attributes.get("columnsExpression"))
    ):
        return []
    return [str(column["key"]) for column in columns if isinstance(column, Mapping) and "key" in column]


def _add_read(tree: Tree, names: tuple[str, ...], scopes: list[tuple[str, ...]]) -> None:
    """Adds a read name. `this` and `parent` start from the row; with fewer rows around they mean the root."""
    climb, rest = 0, names
    while rest and rest[0] in _SPECIAL:
        climb += _SPECIAL[rest[0]]
        rest = rest[1:]
    if rest is not names:
        base = scopes[max(0, len(scopes) - 1 - climb)]
        if base or rest:
            _add(tree, base + rest)
        return
    if names != ("i",):
        _add(tree, names)


def _add(tree: Tree, path: tuple[str, ...], *, whole: bool = True) -> None:
    """Adds a path; what is already wholly read stays so."""
    here = tree
    for name in path[:-1]:
        inner = here.setdefault(name, {})
        if inner is None:
            return
        here = inner
    if whole:
        here[path[-1]] = None
    else:
        here.setdefault(path[-1], {})


def reads_itself(component: Component) -> bool:
    """Whether an expression field reads its own value, which never settles."""
    text = component.attributes.get("expression")
    return is_expression(text) and any(names == component.segments for names in names_read(str(text)[1:]))
