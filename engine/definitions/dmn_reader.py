"""DMN XML to compiled decisions, as dmn-js and Camunda Modeler write it (DMN 1.1 to 1.6).

Everything wrong is collected, with the element's id and line; nothing is skipped silently that could change a result.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import cast

from lxml import etree

from engine.definitions.dmn_model import (
    AGGREGATIONS,
    HIT_POLICIES,
    Aggregation,
    Decision,
    DmnProblem,
    HitPolicy,
    Input,
    Output,
    Rule,
    Table,
)
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

NAMESPACES = frozenset(
    {
        "http://www.omg.org/spec/DMN/20151101/dmn.xsd",
        "http://www.omg.org/spec/DMN/20180521/MODEL/",
        "https://www.omg.org/spec/DMN/20191111/MODEL/",
        "https://www.omg.org/spec/DMN/20211108/MODEL/",
        "https://www.omg.org/spec/DMN/20230324/MODEL/",
        "https://www.omg.org/spec/DMN/20240513/MODEL/",
    }
)
NAMED = ("decision", "businessKnowledgeModel", "definitions")
CAMUNDA = "http://camunda.org/schema/1.0/dmn"
MAX_RULES = 2_000
MAX_COLUMNS = 100
"""Inputs, and outputs, of one table."""
_LOGIC = frozenset(
    {
        "decisionTable", "literalExpression", "invocation", "context", "relation", "list", "functionDefinition",
        "conditional", "filter", "for", "every", "some",
    }
)  # fmt: skip


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


class Reader:
    """Reads one file; `problems` grows while reading."""

    def __init__(self, root: etree._Element) -> None:
        self.root = root
        self.problems: list[DmnProblem] = []
        self.by_id = {one.get("id"): one for one in root.iter() if one.get("id")}
        # Names that hold a keyword or an operator can only be told apart when they are known.
        self.names = frozenset(
            " ".join(name.split())
            for one in root.iter()
            if tag(one) in ("inputData", "decision", "variable", "output")
            for name in (one.get("name"),)
            if name
        )

    def problem(self, element: etree._Element, key: str, **details: object) -> None:
        """Notes a problem at `element`."""
        owner = element
        while owner.getparent() is not None and tag(owner) not in NAMED:
            owner = cast(etree._Element, owner.getparent())
        name = element.get("name") or element.get("label") or owner.get("name") or ""
        self.problems.append(DmnProblem(element.get("id") or tag(element), line_of(element), key, details, name))

    def decisions(self) -> dict[str, Decision]:
        """All decisions that could be read, in the order of the file."""
        found: dict[str, Decision] = {}
        for element in children(self.root, "decision"):
            decision_id = element.get("id") or ""
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

    def _decision(self, element: etree._Element, decision_id: str) -> Decision | None:
        requires = tuple(self._required(element))
        logic_element = next((one for one in element if tag(one) in _LOGIC), None)
        if logic_element is None:
            self.problem(element, "dmn.no_logic")
            return None
        logic: Table | Expression | None
        if tag(logic_element) == "decisionTable":
            logic = self._table(logic_element)
            read = frozenset() if logic is None else _names_of(logic)
        elif tag(logic_element) == "literalExpression":
            logic = self._expression(logic_element, logic_element, "dmn.empty_expression")
            read = frozenset() if logic is None else logic.names
        else:
            self.problem(logic_element, "dmn.unsupported_logic", kind=tag(logic_element))
            return None
        if logic is None:
            return None
        name = element.get("name") or decision_id
        variable = child(element, "variable")
        bound = " ".join(((variable.get("name") if variable is not None else None) or name).split())
        type_name = (variable.get("typeRef") if variable is not None else None) or ""
        supplied = self._supplied(requires)
        return Decision(decision_id, name, line_of(element), bound, _type(type_name), logic, requires, read - supplied)

    def _required(self, element: etree._Element) -> Iterator[str]:
        """Ids of required decisions; inputs are checked only. Knowledge is not run, so requiring it is refused."""
        for requirement in children(element, "knowledgeRequirement"):
            self.problem(requirement, "dmn.knowledge_requirement")
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

    # --- expressions

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

    def _expression(
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

    def _tests(self, element: etree._Element, owner: etree._Element) -> UnaryTests | None:
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

    # --- tables

    def _table(self, element: etree._Element) -> Table | None:
        before = len(self.problems)
        policy = (element.get("hitPolicy") or "UNIQUE").upper()
        aggregation = (element.get("aggregation") or "").upper() or None
        if policy not in HIT_POLICIES:
            self.problem(element, "dmn.hit_policy", found=policy)
        if aggregation is not None and (aggregation not in AGGREGATIONS or policy != "COLLECT"):
            self.problem(element, "dmn.aggregation", found=aggregation, policy=policy)
        rows = children(element, "rule")
        columns = children(element, "input"), children(element, "output")
        if len(rows) > MAX_RULES or max(map(len, columns)) > MAX_COLUMNS:
            self.problem(element, "dmn.table_too_large", rules=MAX_RULES, columns=MAX_COLUMNS)
            return None
        inputs = [self._input(one) for one in columns[0]]
        outputs = [self._output(one) for one in columns[1]]
        self._check_outputs(element, policy, aggregation, outputs)
        rules = [self._rule(row, number, len(inputs), len(outputs)) for number, row in enumerate(rows, 1)]
        if len(self.problems) > before:
            return None
        read = tuple(one for one in inputs if one is not None), tuple(one for one in rules if one is not None)
        size = len(rows) + sum(part.size for part in _parts(read[0], outputs, read[1]))
        return Table(
            cast(HitPolicy, policy), cast("Aggregation | None", aggregation), read[0], tuple(outputs), read[1], size
        )

    def _input(self, element: etree._Element) -> Input | None:
        inside = child(element, "inputExpression")
        if inside is None:
            self.problem(element, "dmn.input_without_expression")
            return None
        expression = self._expression(inside, element, "dmn.input_without_expression")
        allowed_element = child(element, "inputValues")
        allowed = None
        if allowed_element is not None and text_of(allowed_element):
            allowed = self._tests(allowed_element, element)
        if expression is None:
            return None
        label = element.get("label") or text_of(inside)
        variable = element.get(f"{{{CAMUNDA}}}inputVariable") or "cellInput"
        return Input(element.get("id") or "", label, expression, _type(inside.get("typeRef") or ""), allowed, variable)

    def _output(self, element: etree._Element) -> Output:
        name = element.get("name") or ""
        default_element = child(element, "defaultOutputEntry")
        default = None if default_element is None else self._expression(default_element, element)
        values_element = child(element, "outputValues")
        values: tuple[object, ...] = ()
        if values_element is not None and text_of(values_element):
            values = self._values(values_element, element)
        return Output(
            element.get("id") or "",
            name,
            element.get("label") or name,
            _type(element.get("typeRef") or ""),
            values,
            default,
        )

    def _values(self, element: etree._Element, owner: etree._Element) -> tuple[object, ...]:
        """Allowed output values: literals, in order of priority."""
        text = text_of(element)
        try:
            expression = compile_expression(f"[{text}]", names=self.names)
            value = expression.evaluate({}, _NOWHEN)
        except (FeelSyntaxError, FeelEvaluationError):
            value = None
        if not isinstance(value, list) or any(item is None for item in value):
            self.problem(owner, "dmn.output_values", text=text[:80])
            return ()
        return tuple(value)

    def _check_outputs(
        self, element: etree._Element, policy: str, aggregation: str | None, outputs: list[Output]
    ) -> None:
        if not outputs:
            self.problem(element, "dmn.no_output")
        names = [output.name for output in outputs]
        if len(outputs) > 1 and (len(set(names)) < len(names) or not all(names)):
            self.problem(element, "dmn.output_names")
        if aggregation is not None and len(outputs) > 1:
            self.problem(element, "dmn.aggregation_outputs")
        if policy in ("PRIORITY", "OUTPUT ORDER") and not any(output.values for output in outputs):
            self.problem(element, "dmn.priority_without_values")

    def _rule(self, element: etree._Element, number: int, inputs: int, outputs: int) -> Rule | None:
        cells = children(element, "inputEntry"), children(element, "outputEntry")
        if (len(cells[0]), len(cells[1])) != (inputs, outputs):
            self.problem(element, "dmn.cells", rule=number, inputs=inputs, outputs=outputs)
            return None
        tests: list[tuple[int, UnaryTests]] = []
        for place, cell in enumerate(cells[0]):
            test = self._tests(cell, cell) if text_of(cell) not in ("", "-") else None
            if test is not None:
                tests.append((place, test))
        results = tuple(self._expression(cell, cell) for cell in cells[1])
        notes = [text_of(note) for note in children(element, "annotationEntry")]
        description = child(element, "description")
        if description is not None and description.text:
            notes.append(description.text.strip())
        annotation = "; ".join(note for note in notes if note)
        return Rule(element.get("id") or "", number, line_of(element), tuple(tests), results, annotation)


_NOWHEN = Environment(now=datetime(1970, 1, 1, tzinfo=UTC))
"""Output values are literals: no time is read."""


def _type(name: str) -> str:
    """A typeRef without its prefix (`feel:string`)."""
    return name.rpartition(":")[2].strip()


def _parts(
    inputs: Iterable[Input], outputs: Iterable[Output], rules: Iterable[Rule]
) -> Iterator[Expression | UnaryTests]:
    yield from (column.expression for column in inputs)
    yield from (output.default for output in outputs if output.default is not None)
    for rule in rules:
        yield from (test for _, test in rule.tests)
        yield from (result for result in rule.outputs if result is not None)


def _names_of(table: Table) -> frozenset[str]:
    own = {column.variable for column in table.inputs}
    return frozenset().union(*(part.names for part in _parts(table.inputs, table.outputs, table.rules))) - own
