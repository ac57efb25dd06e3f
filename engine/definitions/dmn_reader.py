"""DMN XML to compiled decisions, as dmn-js and other modelers write it (DMN 1.1 to 1.6).

Everything wrong is collected, with the element's id and line; nothing is skipped silently that could change a result.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lxml import etree

from engine.definitions.dmn_boxed import function_of, logic_of, names_of
from engine.definitions.dmn_model import Decision, Knowledge, Service
from engine.definitions.dmn_reading import child, children, tag
from engine.definitions.dmn_tables import MAX_COLUMNS, Tables
from engine.definitions.xml import line_of
from engine.feel.functions import BUILTINS

NAMESPACES = frozenset(
    f"www.omg.org/spec/DMN/{version}"
    for version in (
        "20151101", "20151101/dmn.xsd", "20151101/dmn11.xsd", "20180521/MODEL", "20191111/MODEL", "20211108/MODEL",
        "20230324/MODEL", "20240513/MODEL",
    )
)  # fmt: skip
"""DMN 1.1 to 1.6, without scheme and last stroke, which tools write one way or the other."""


def known_namespace(namespace: str) -> bool:
    """Whether a namespace is one of DMN."""
    return namespace.partition("://")[2].rstrip("/") in NAMESPACES


class Reader(Tables):
    """Reads one file; `problems` grows while reading."""

    def decisions(self) -> dict[str, Decision]:
        """All decisions that could be read, in the order of the file."""
        found: dict[str, Decision] = {}
        for element in children(self.root, "decision"):
            # The standard lets a decision go without an id; its name then serves to call it.
            decision_id = element.get("id") or element.get("name") or ""
            if not decision_id or decision_id in found:
                self.problem(element, "dmn.id_missing" if not decision_id else "dmn.id_twice")
                continue
            decision = self._decision(element, decision_id)
            if decision is not None:
                found[decision_id] = decision
        if not children(self.root, "decision"):
            self.problem(self.root, "dmn.no_decision")
        self._refuse_cycles(found)
        return found

    def knowledge(self) -> dict[str, Knowledge]:
        """All business knowledge models that could be read."""
        found: dict[str, Knowledge] = {}
        for element in children(self.root, "businessKnowledgeModel"):
            model_id = element.get("id") or ""
            body = child(element, "encapsulatedLogic")
            function = None
            if body is None:
                self.problem(element, "dmn.no_logic")
            else:
                function = function_of(self, body, 0)
            if not model_id or function is None:
                continue
            name = element.get("name") or model_id
            bound = (self.variable(element) or (self.spaced(name), ""))[0]
            if bound in BUILTINS:
                self.problem(element, "dmn.function_name", name=bound)
            requires = tuple(self._knowledge(element))
            found[model_id] = Knowledge(model_id, name, line_of(element), bound, function, requires)
        return found

    def services(self) -> dict[str, Service]:
        """Decision services that something calls; the others are only drawing."""
        called = {
            reference.get("href") or "" for reference in self.root.iter() if tag(reference) == "requiredKnowledge"
        }
        found: dict[str, Service] = {}
        for element in children(self.root, "decisionService"):
            ident = element.get("id") or ""
            if f"#{ident}" not in called:
                continue
            name = element.get("name") or ident
            given = [(one, "") for one in self._referred(element, "inputData")]
            given += [(one, one.get("id") or "") for one in self._referred(element, "inputDecision")]
            parameters = tuple((self._variable_of(one), decided) for one, decided in given)
            outputs = tuple(one.get("id") or "" for one in self._referred(element, "outputDecision"))
            if not outputs:
                self.problem(element, "dmn.no_logic")
            found[ident] = Service(ident, name, self._variable_of(element), parameters, outputs)
        return found

    def _referred(self, element: etree._Element, name: str) -> Iterator[etree._Element]:
        for reference in children(element, name):
            href = reference.get("href") or ""
            target = self.by_id.get(href[1:]) if href.startswith("#") else None
            if target is None:
                self.problem(element, "dmn.unknown_reference", href=href)
            else:
                yield target

    def _variable_of(self, element: etree._Element) -> str:
        """The name under which expressions see an element."""
        return (self.variable(element) or (self.spaced(element.get("name") or element.get("id") or ""), ""))[0]

    def _decision(self, element: etree._Element, decision_id: str) -> Decision | None:
        requires, knowledge = tuple(self._required(element)), tuple(self._knowledge(element))
        logic = logic_of(self, element)
        if logic is None:
            return None
        name = element.get("name") or decision_id
        bound, type_name = self.variable(element) or (self.spaced(name), "")
        read = names_of(logic) - self._supplied(requires) - self._called(knowledge)
        return Decision(decision_id, name, line_of(element), bound, type_name, logic, requires, read, knowledge)

    def _knowledge(self, element: etree._Element) -> Iterator[str]:
        """Ids of the business knowledge models and decision services that are called."""
        for requirement in children(element, "knowledgeRequirement"):
            for reference in children(requirement, "requiredKnowledge"):
                href = reference.get("href") or ""
                target = self.by_id.get(href[1:]) if href.startswith("#") else None
                if target is None:
                    self.problem(requirement, "dmn.unknown_reference", href=href)
                elif tag(target) not in ("businessKnowledgeModel", "decisionService"):
                    self.problem(requirement, "dmn.knowledge_requirement")
                else:
                    yield href[1:]

    def _required(self, element: etree._Element) -> Iterator[str]:
        """Ids of required decisions; inputs are checked only."""
        for requirement in children(element, "informationRequirement"):
            for kind in ("requiredDecision", "requiredInput"):
                for reference in children(requirement, kind):
                    href = reference.get("href") or ""
                    target = self.by_id.get(href[1:]) if href.startswith("#") else None
                    if target is None or tag(target) != ("decision" if kind == "requiredDecision" else "inputData"):
                        self.problem(requirement, "dmn.unknown_reference", href=href)
                    elif kind == "requiredDecision":
                        yield href[1:]

    def _supplied(self, requires: Sequence[str]) -> frozenset[str]:
        names: set[str] = set()
        for required in requires:
            element = self.by_id[required]
            variable = child(element, "variable")
            names |= {required, " ".join((element.get("name") or required).split())}
            if variable is not None and variable.get("name"):
                names.add(" ".join((variable.get("name") or "").split()))
            for output in (one for one in element.iter() if tag(one) == "output"):
                names.add(output.get("name") or "")
        return frozenset(names)

    def _called(self, knowledge: Sequence[str]) -> frozenset[str]:
        """The names of the functions that business knowledge models are."""
        return frozenset(self._variable_of(self.by_id[one]) for one in knowledge)

    def _refuse_cycles(self, found: dict[str, Decision]) -> None:
        done: set[str] = set()
        for start in found:
            # Iterative, because a file can hold a requirement chain longer than the stack is deep.
            path: list[str] = []
            waiting: list[tuple[str, bool]] = [(start, True)]
            while waiting:
                current, entering = waiting.pop()
                if not entering:
                    path.pop()
                    done.add(current)
                elif current in path:
                    self.problem(self.by_id[current], "dmn.cycle", path=[*path[path.index(current) :], current])
                    return
                elif current not in done and current in found:
                    path.append(current)
                    if len(path) > MAX_COLUMNS:
                        self.problem(self.by_id[current], "dmn.too_deep", allowed=MAX_COLUMNS)
                        return
                    waiting.append((current, False))
                    waiting += [(required, True) for required in found[current].requires]
