"""Names that nothing writes: every FEEL text of a bundle against the fields that can exist in its cases.

Fields are taken over the whole bundle, whoever writes them and when: a name is reported only when no form, script,
decision, repetition, mapping, topic or parameter anywhere makes it. Names read inside a filter may be entries of the
item and are not judged. A bundle with a profile is whole, so an unknown name is an error; a diagram alone may get its
data from outside, so there it is a warning, and tables or forms alone are not judged. A function that does not exist
is an error everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final, Literal

from engine.definitions.bundle import Bundle
from engine.definitions.dmn_boxed import parts_in
from engine.definitions.dmn_model import Decision, Knowledge, Logic
from engine.definitions.form_expressions import is_expression, is_template, template_expressions
from engine.definitions.form_inputs import EXPRESSION_PROPERTIES, property_at
from engine.definitions.form_model import descend
from engine.definitions.form_options import OUTSIDE_LISTS
from engine.definitions.forms import Form
from engine.definitions.model import Finding, Node, Process
from engine.domain.scoring import COUNTS, POINTS, SCORE
from engine.feel import (
    Expression,
    FeelSyntaxError,
    UnaryTests,
    called_names,
    compile_expression,
    compile_unary_tests,
)
from engine.feel.functions import BUILTINS

from .writes import written_by

ALWAYS: Final = frozenset(
    {
        "case_id", "opened_at", "opened_by",  # written when a case is opened
        "activationCount", "waitingForStart",  # complex gateways
        "loopCounter", "nrOfInstances", "nrOfActiveInstances", "nrOfCompletedInstances",  # BPMN repetitions
        "archive_missing", "late_report",  # written by the topics check-archive and draft-late-report
    }
)  # fmt: skip
"""Fields that the kernel makes whatever is drawn."""
NO_NAMES: Final[frozenset[str]] = frozenset()
ASKED_WITH: Final[Mapping[str, frozenset[str]]] = {SCORE: frozenset(COUNTS), POINTS: frozenset(COUNTS)}
"""Decision -> names that who asks it gives besides: the statistics, no case."""
_NUMBERED: Final = re.compile(r"late_report_no_[0-9]+")
_ROW: Final = frozenset({"this", "parent", "i", "_this_", "_parent_"})
"""What expressions in a list of a form call the row."""
_BARE: Final = re.compile(r"-?P[0-9T].*|R[0-9]*/.*|[0-9]{4}-.*|[0-9*?]+( [0-9*?/,A-Z-]+){4,}", re.ASCII)
"""Timers written as bare ISO text or cron, no FEEL."""
_CLOSE: Final = 0.7
Area = Literal["bpmn", "dmn", "form"]
_KEYS: Final[Mapping[tuple[Area, bool, bool], str]] = {
    ("bpmn", False, False): "bpmn.unknown_name",
    ("bpmn", False, True): "bpmn.unknown_name_near",
    ("bpmn", True, False): "bpmn.unknown_function",
    ("bpmn", True, True): "bpmn.unknown_function_near",
    ("dmn", False, False): "dmn.unknown_name",
    ("dmn", False, True): "dmn.unknown_name_near",
    ("dmn", True, False): "dmn.unknown_function",
    ("dmn", True, True): "dmn.unknown_function_near",
    ("form", False, False): "form.unknown_name",
    ("form", False, True): "form.unknown_name_near",
    ("form", True, False): "form.unknown_function",
    ("form", True, True): "form.unknown_function_near",
}
"""(area, a function, a near name is known) -> catalogue key."""


@dataclass(frozen=True, slots=True)
class Use:
    """One FEEL text and where it stands. `own`: names that exist only there."""

    area: Area
    file: str
    element: str
    name: str
    line: int
    text: Expression | UnaryTests
    own: frozenset[str] = frozenset()


def check_names(bundle: Bundle) -> list[Finding]:
    """One finding for each name of each element that nothing in the bundle writes, with the nearest known name."""
    known = known_names(bundle)
    whole = bool(bundle.regulation)
    found: dict[tuple[str, str, str], Finding] = {}
    for use in uses(bundle):
        sight = known | use.own
        called = called_names(use.text.text)
        for name in sorted(called & (use.text.names | use.text.inner_names)):
            if name not in BUILTINS and name not in use.own:
                found.setdefault((use.file, use.element, name), _finding(use, name, BUILTINS, function=True))
        if not bundle.processes:
            continue
        for name in sorted(use.text.names - called - BUILTINS.keys()):
            if name not in sight and not _NUMBERED.fullmatch(name):
                finding = _finding(use, name, sight, function=False, error=whole)
                found.setdefault((use.file, use.element, name), finding)
    return list(found.values())


def _finding(use: Use, name: str, known: Iterable[str], *, function: bool, error: bool = True) -> Finding:
    close = near(name, known)
    details = {"name": name, "text": use.text.text[:200]} | ({"near": close} if close else {})
    key = _KEYS[use.area, function, bool(close)]
    return Finding("error" if error else "warning", use.file, use.element, use.name, use.line, key, details)


def near(name: str, known: Iterable[str]) -> str:
    """The known name that is written most alike, "" when none is."""
    return next(iter(get_close_matches(name, sorted(known), 1, _CLOSE)), "")


def known_names(bundle: Bundle) -> frozenset[str]:
    """The fields that case data can have at its top level, and inside repetitions."""
    found = set(ALWAYS | bundle.parameters.keys())
    for process in bundle.processes.values():
        for _, node in process.walk():
            found |= written_by(node, bundle.forms)
            found |= {assignment.target for assignment in node.inputs}
            if node.multi is not None:
                found.add(node.multi.variable)
    for form in bundle.forms.values():
        found |= form.output_paths()
    return frozenset(found - {""})


# --- where FEEL stands


def uses(bundle: Bundle) -> Iterator[Use]:
    """Every FEEL text of a bundle that can be read; what cannot is reported by whoever compiles it."""
    for process in bundle.processes.values():
        for scope in (process, *(node.body for _, node in process.walk() if node.body is not None)):
            yield from _of_scope(process.file, scope)
    for form in bundle.forms.values():
        yield from _of_form(bundle.form_files.get(form.id, ""), form)
    for model in {id(model): model for model in bundle.decisions.values()}.values():
        path = bundle.decision_files.get(next(iter(model.decisions), ""), "")
        for decision in model.decisions.values():
            yield from _of_parts(path, decision, decision.logic, decision.names, ASKED_WITH.get(decision.id, NO_NAMES))
        for known in model.knowledge.values():
            called = {model.knowledge[one].variable for one in known.requires if one in model.knowledge}
            yield from _of_parts(path, known, known.function, known.function.names - called - {known.variable})
    yield from _of_profile(bundle)


def _of_scope(file: str, scope: Process) -> Iterator[Use]:
    for flow in scope.flows.values():
        for compiled in _compiled(flow.condition):
            yield Use("bpmn", file, flow.id, flow.name, flow.line, compiled)
    for node in scope.nodes.values():
        for text in _texts(node):
            for compiled in _compiled(text):
                yield Use("bpmn", file, node.shown, node.name, node.line, compiled)


def _texts(node: Node) -> Iterator[str]:
    """FEEL texts of one element, without a leading `=`."""
    event, properties = node.event, node.properties
    yield from (node.script, event.condition, event.correlation, node.activation, node.priority.removeprefix("="))
    yield from (assignment.value for assignment in (*node.inputs, *node.outputs))
    if event.timer is not None and not _BARE.fullmatch(event.timer.text.strip()):
        yield event.timer.text
    if node.due and not _BARE.fullmatch(node.due.removeprefix("=").strip()):
        yield node.due.removeprefix("=")
    if node.multi is not None:
        yield from (node.multi.collection, node.multi.cardinality, node.multi.completion)
        yield from _marked(node.multi.output_item)
    if node.loop is not None:
        yield node.loop.condition
    yield from _marked(node.assignee, *node.groups, *node.users)
    for name in ("to", "role", "responsible", "recuse"):
        yield from _marked(*_items(properties.get(name, "")))
    yield from (properties.get(name, "").removeprefix("=") for name in ("unit", "requires"))
    yield properties.get("anchor", "")


def _marked(*texts: str) -> Iterator[str]:
    """Those that are expressions and no literals."""
    return (text[1:] for text in texts if text.startswith("="))


def _items(text: str) -> list[str]:
    """The items of a list of groups; commas inside brackets or quotes do not part."""
    return re.findall(r'(?:\([^()]*\)|\[[^\[\]]*\]|"[^"]*"|[^,])+', text.strip()) if text else []


def _of_form(file: str, form: Form) -> Iterator[Use]:
    inside = {segment for component in descend(form.components) for segment in component.segments}
    own = frozenset(inside | OUTSIDE_LISTS | _ROW)
    for component in descend(form.components):
        label = component.label
        for place in (*EXPRESSION_PROPERTIES, ("valuesKey",)):
            text = property_at(component, place)
            if place == ("valuesKey",) and isinstance(text, str):
                text = f"={text}"
            if is_expression(text):
                texts = [str(text)[1:]]
            else:
                found = template_expressions(str(text)) if is_template(text) else ()
                # Inside a loop of a template names may be entries of the item.
                texts = [one for one, loops in found if loops == 0]
            for compiled in (one for inner in texts for one in _compiled(inner, tests=True)):
                yield Use("form", file, component.id, label, 0, compiled, own)


def _of_parts(
    file: str, owner: Decision | Knowledge, logic: Logic, free: frozenset[str], given: frozenset[str] = NO_NAMES
) -> Iterator[Use]:
    """The parts of a decision or a knowledge model; all that they read but `free` is made in the file itself, or is
    `given` by who asks."""
    for element, line, part in parts_in(logic):
        own = (part.names | part.inner_names) - free
        yield Use("dmn", file, element or owner.id, owner.name, line or owner.line, part, frozenset(own) | given)


def _of_profile(bundle: Bundle) -> Iterator[Use]:
    path = next((path for path in bundle.files if path.endswith(".toml")), "")
    limits = bundle.regulation.get("limits", {})
    for name, limit in limits.items() if isinstance(limits, Mapping) else ():
        for text in (limit.get("due"), limit.get("anchor")) if isinstance(limit, Mapping) else ():
            for compiled in _compiled(text) if isinstance(text, str) else ():
                yield Use("bpmn", path, "limits." + str(name), "", 0, compiled)


def _compiled(text: str, *, tests: bool = False) -> Iterator[Expression | UnaryTests]:
    """The compiled text, nothing where there is none or it cannot be read; `tests`: conditions of forms may be some."""
    if not text.strip():
        return
    try:
        yield compile_expression(text, equals=True)
    except FeelSyntaxError:
        if tests:
            try:
                yield compile_unary_tests(text)
            except FeelSyntaxError:
                return
