"""Boxed expressions of DMN (10.2.2): contexts, invocations, lists, relations, functions, conditionals, loops, filters.

Read once into Boxed values; `engine.definitions.dmn_boxed_evaluation` runs them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from lxml import etree

from engine.definitions.dmn_model import Boxed, BoxedKind, Logic, Part, Table
from engine.definitions.xml import line_of, local
from engine.feel import Expression, UnaryTests

if TYPE_CHECKING:
    from engine.definitions.dmn_reader import Reader

LOGIC: Final = frozenset(
    {
        "decisionTable", "literalExpression", "invocation", "context", "relation", "list", "functionDefinition",
        "conditional", "filter", "for", "every", "some",
    }
)  # fmt: skip
MAX_NESTING: Final = 20
"""Boxes inside boxes."""
_CHILDREN: Final = {
    "conditional": ("if", "then", "else"),
    "filter": ("in", "match"),
    "for": ("in", "return"),
    "some": ("in", "satisfies"),
    "every": ("in", "satisfies"),
}


def logic_of(reader: Reader, owner: etree._Element, depth: int = 0) -> Logic | None:
    """The logic that stands directly in `owner`; None when there is none, or after a problem was noted."""
    element = next((one for one in owner if local(one)[1] in LOGIC), None)
    if element is None:
        reader.problem(owner, "dmn.no_logic")
        return None
    return _read(reader, element, depth)


def _read(reader: Reader, element: etree._Element, depth: int) -> Logic | None:
    kind = local(element)[1]
    if kind == "decisionTable":
        return reader.table(element)
    if kind == "literalExpression":
        return reader.expression(element, element, "dmn.empty_expression")
    if depth >= MAX_NESTING:
        reader.problem(element, "dmn.too_deep", allowed=MAX_NESTING)
        return None
    return _READERS[kind](reader, element, depth + 1)


def boxed(
    element: etree._Element,
    kind: BoxedKind,
    parts: list[Part],
    names: frozenset[str],
    *,
    binds: tuple[str, ...] = (),
    types: tuple[str, ...] = (),
) -> Boxed:
    """A box with its fixed cost."""
    size = 1 + sum(part.logic.size for part in parts)
    return Boxed(kind, element.get("id") or "", line_of(element), tuple(parts), names, size, binds, types)


def names_of(logic: Logic) -> frozenset[str]:
    """The names that `logic` reads and does not make itself."""
    if not isinstance(logic, Table):
        return logic.names
    own = {column.variable for column in logic.inputs}
    return frozenset().union(*(part.names for part in logic.parts())) - own


def _context(reader: Reader, element: etree._Element, depth: int) -> Boxed | None:
    parts: list[Part] = []
    names: frozenset[str] = frozenset()
    before: set[str] = set()
    entries = [one for one in element if local(one)[1] == "contextEntry"]
    for entry in entries:
        variable = reader.variable(entry)
        logic = logic_of(reader, entry, depth)
        if logic is None:
            return None
        names |= names_of(logic) - before
        name, type_name = variable if variable is not None else ("", "")
        if name in before or (variable is None and entry is not entries[-1]):
            reader.problem(entry, "dmn.entry_name", name=name or "-")
            return None
        before.add(name)
        parts.append(Part(name, logic, type_name))
    return boxed(element, "context", parts, names)


def _invocation(reader: Reader, element: etree._Element, depth: int) -> Boxed | None:
    function = logic_of(reader, element, depth)
    if function is None:
        return None
    parts = [Part("", function)]
    for binding in (one for one in element if local(one)[1] == "binding"):
        parameter = next((one for one in binding if local(one)[1] == "parameter"), None)
        logic = logic_of(reader, binding, depth)
        if logic is None:
            return None
        name = "" if parameter is None else reader.spaced(parameter.get("name") or "")
        parts.append(Part(name, logic))
    names = frozenset().union(*(names_of(part.logic) for part in parts))
    return boxed(element, "invocation", parts, names)


def _list(reader: Reader, element: etree._Element, depth: int) -> Boxed | None:
    parts = _row(reader, element, depth)
    if parts is None:
        return None
    return boxed(element, "list", parts, frozenset().union(*(names_of(part.logic) for part in parts)))


def _row(reader: Reader, element: etree._Element, depth: int) -> list[Part] | None:
    """Each expression that stands in `element`, in order."""
    parts: list[Part] = []
    for one in (child for child in element if local(child)[1] in LOGIC):
        logic = _read(reader, one, depth)
        if logic is None:
            return None
        parts.append(Part("", logic))
    return parts


def _relation(reader: Reader, element: etree._Element, depth: int) -> Boxed | None:
    columns = tuple(reader.spaced(one.get("name") or "") for one in element if local(one)[1] == "column")
    rows: list[Part] = []
    names: frozenset[str] = frozenset()
    for row in (one for one in element if local(one)[1] == "row"):
        cells = _row(reader, row, depth)
        if cells is None:
            return None
        if len(cells) != len(columns) or not all(columns):
            reader.problem(row, "dmn.relation_row", columns=len(columns), cells=len(cells))
            return None
        inner = frozenset().union(*(names_of(cell.logic) for cell in cells))
        named = [Part(name, cell.logic) for name, cell in zip(columns, cells, strict=True)]
        rows.append(Part("", boxed(row, "row", named, inner)))
        names |= inner
    return boxed(element, "list", rows, names)


def function_of(reader: Reader, element: etree._Element, depth: int) -> Boxed | None:
    """A function definition (10.2.2.9); only FEEL bodies are run."""
    kind = (element.get("kind") or "FEEL").upper()
    if kind != "FEEL":
        reader.problem(element, "dmn.function_kind", kind=kind)
        return None
    given = [one for one in element if local(one)[1] == "formalParameter"]
    names = tuple(reader.spaced(one.get("name") or "") for one in given)
    if len(set(names)) != len(names) or not all(names):
        reader.problem(element, "dmn.parameters")
        return None
    body = logic_of(reader, element, depth)
    if body is None:
        return None
    kinds = tuple(reader.type_of(one.get("typeRef") or "") for one in given)
    return boxed(element, "function", [Part("", body)], names_of(body) - set(names), binds=names, types=kinds)


def _children(reader: Reader, element: etree._Element, depth: int) -> Boxed | None:
    """Conditional, filter, for, some and every: their parts stand in children of a name each (DMN 1.4)."""
    kind = local(element)[1]
    parts: list[Part] = []
    for name in _CHILDREN[kind]:
        holder = next((one for one in element if local(one)[1] == name), None)
        logic = None if holder is None else logic_of(reader, holder, depth)
        if holder is None:
            reader.problem(element, "dmn.no_logic")
        if logic is None:
            return None
        parts.append(Part(name, logic))
    first, rest = names_of(parts[0].logic), frozenset().union(*(names_of(part.logic) for part in parts[1:]))
    if kind == "conditional":
        return boxed(element, "conditional", parts, first | rest)
    if kind == "filter":
        # What a filter reads may be an entry of the item.
        return boxed(element, "filter", parts, first)
    variable = reader.spaced(element.get("iteratorVariable") or "")
    if not variable:
        reader.problem(element, "dmn.parameters")
        return None
    loops: dict[str, BoxedKind] = {"for": "for", "some": "some", "every": "every"}
    return boxed(element, loops[kind], parts, first | (rest - {variable, "partial"}), binds=(variable,))


_READERS: Final[dict[str, Callable[[Reader, etree._Element, int], Boxed | None]]] = {
    "context": _context,
    "invocation": _invocation,
    "list": _list,
    "relation": _relation,
    "functionDefinition": function_of,
    "conditional": _children,
    "filter": _children,
    "for": _children,
    "some": _children,
    "every": _children,
}


def parts_in(logic: Logic) -> Iterator[tuple[str, int, Expression | UnaryTests]]:
    """(element id, line or 0, FEEL) of all that `logic` holds, "" where the element is the owner's."""
    if isinstance(logic, Expression):
        yield "", 0, logic
    elif isinstance(logic, Boxed):
        for part in logic.parts:
            yield from ((element or logic.id, line or logic.line, one) for element, line, one in parts_in(part.logic))
    else:
        for column in logic.inputs:
            yield column.id, 0, column.expression
        for output in logic.outputs:
            if output.default is not None:
                yield output.id, 0, output.default
        for rule in logic.rules:
            yield from ((rule.id, rule.line, test) for _, test in rule.tests)
            yield from ((rule.id, rule.line, part) for part in rule.outputs if part is not None)
