"""What every part of a DMN file needs to be read: elements, names, types, FEEL texts, and the list of problems."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from lxml import etree

from engine.definitions.dmn_model import DmnProblem
from engine.definitions.xml import line_of, local
from engine.feel import (
    Environment,
    Expression,
    FeelEvaluationError,
    FeelSyntaxError,
    UnaryTests,
    compile_expression,
    compile_unary_tests,
    translate_juel,
)
from engine.feel.lexer import needed

NAMING = (
    "inputData", "decision", "variable", "output", "businessKnowledgeModel", "decisionService", "formalParameter",
    "column", "for", "some", "every",
)  # fmt: skip
NAMED = ("decision", "businessKnowledgeModel", "definitions")
NOWHEN = Environment(now=datetime(1970, 1, 1, tzinfo=UTC))
"""Output values are literals: no time is read."""


def tag(element: etree._Element) -> str:
    """The local name of an element."""
    return local(element)[1]


def children(element: etree._Element, name: str) -> list[etree._Element]:
    """Direct children of that local name."""
    return [child for child in element if tag(child) == name]


def child(element: etree._Element, name: str) -> etree._Element | None:
    """The first direct child of that local name."""
    return next((one for one in element if tag(one) == name), None)


def text_of(element: etree._Element | None) -> str:
    """The content of its `text` child, without white space around it."""
    found = None if element is None else child(element, "text")
    return "" if found is None else "".join(str(part) for part in found.itertext()).strip()


@dataclass(frozen=True, slots=True)
class ItemType:
    """An item definition: what it is made of ("" for a structure), what it allows, and that as a list if it is one."""

    base: str
    allowed: UnaryTests | None
    values: tuple[object, ...]


class Reading:
    """One file being read; `problems` grows."""

    def __init__(self, root: etree._Element) -> None:
        self.root = root
        self.problems: list[DmnProblem] = []
        self.by_id = {one.get("id"): one for one in root.iter() if one.get("id")}
        # Names that hold a keyword or an operator can only be told apart when they are known.
        self.names = needed(
            " ".join(name.split())
            for one in root.iter()
            if tag(one) in NAMING
            for name in (one.get("name"), one.get("iteratorVariable"))
            if name
        )

        self.types: dict[str, ItemType] = {}
        for one in children(root, "itemDefinition"):
            self._item(one)

    def _item(self, element: etree._Element) -> None:
        """A named type: another one, perhaps with allowed values; structures and collections are not checked."""
        name = " ".join((element.get("name") or "").split())
        base = child(element, "typeRef")
        plain = plain_type(base.text or "") if base is not None else ""
        if element.get("isCollection") == "true" or child(element, "itemComponent") is not None:
            plain = ""
        allowed, values = None, tuple[object, ...]()
        wanted = child(element, "allowedValues") if plain else None
        if wanted is not None and text_of(wanted):
            allowed = self.tests(wanted, element)
            values = self.literals(text_of(wanted)) or ()
        if name:
            self.types[name] = ItemType(plain, allowed, values)

    def type_of(self, reference: str) -> str:
        """The type that a typeRef comes to: an item definition gives the one it is made of, "" when it has parts."""
        name, seen = plain_type(reference), set[str]()
        while name in self.types and name not in seen:
            seen.add(name)
            name = self.types[name].base
        return "" if name in seen else name

    def problem(self, element: etree._Element, key: str, **details: object) -> None:
        """Notes a problem at `element`."""
        owner = element
        while owner.getparent() is not None and tag(owner) not in NAMED:
            owner = cast(etree._Element, owner.getparent())
        name = element.get("name") or element.get("label") or owner.get("name") or ""
        self.problems.append(DmnProblem(element.get("id") or tag(element), line_of(element), key, details, name))

    def variable(self, element: etree._Element) -> tuple[str, str] | None:
        """(name, type) of the `variable` of an element; None when it has none."""
        found = child(element, "variable")
        if found is None:
            return None
        return self.spaced(found.get("name") or element.get("name") or ""), self.type_of(found.get("typeRef") or "")

    @staticmethod
    def spaced(name: str) -> str:
        """A name with single blanks."""
        return " ".join(name.split())

    def _source(self, element: etree._Element, owner: etree._Element, text: str) -> str | None:
        """FEEL for the text of `element`; Camunda 7's JUEL is translated, any other language refused."""
        language = element.get("expressionLanguage") or self.root.get("expressionLanguage") or "feel"
        if text.startswith(("${", "#{")) or language.lower() == "juel":
            translated = translate_juel(text if text.startswith(("${", "#{")) else f"${{{text}}}")
            if translated is None:
                self.problem(owner, "dmn.juel", text=text[:80])
            return translated
        if "feel" not in language.lower():
            self.problem(owner, "dmn.language", language=language)
            return None
        return text

    def expression(
        self, element: etree._Element, owner: etree._Element, empty_key: str | None = None
    ) -> Expression | None:
        """The expression in `element`; problems are noted at `owner`. An empty one is a problem if it has a key."""
        text = text_of(element)
        if not text:
            if empty_key is not None:
                self.problem(owner, empty_key)
            return None
        source = self._source(element, owner, text)
        if source is None:
            return None
        try:
            return compile_expression(source, equals=True, names=self.names)
        except FeelSyntaxError as error:
            self._syntax(owner, text, error)
            return None

    def tests(self, element: etree._Element, owner: etree._Element) -> UnaryTests | None:
        source = self._source(element, owner, text_of(element))
        if source is None:
            return None
        try:
            return compile_unary_tests(source, names=self.names)
        except FeelSyntaxError as error:
            self._syntax(owner, source, error)
            return None

    def _syntax(self, owner: etree._Element, text: str, error: FeelSyntaxError) -> None:
        where = {"text": text[:80], "line": error.line, "column": error.column}
        self.problem(owner, error.message_key, **{**error.details, **where})

    def literals(self, text: str) -> tuple[object, ...] | None:
        """The values of a list of literals, None when it is no such list."""
        try:
            value = compile_expression(f"[{text}]", names=self.names).evaluate({}, NOWHEN)
        except (FeelSyntaxError, FeelEvaluationError):
            return None
        return tuple(value) if isinstance(value, list) and all(item is not None for item in value) else None


def plain_type(name: str) -> str:
    """A typeRef without its prefix (`feel:string`)."""
    return name.rpartition(":")[2].strip()
