"""Judges a submission the way the viewer would have, and more strictly where the viewer trusts itself.

1. The submission is split by field and laid over the server's own data (form_answer).
2. What the person could not have changed - disabled, readonly, computed, hidden - is put back to the server's value.
   Because putting one back may show or hide another, this repeats until nothing changes.
3. Expression fields are computed until they settle.
4. Every visible field is held to its type, its options, its picker and its rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from engine.definitions import form_expressions, form_moments, form_options
from engine.definitions.form_answer import Answer, read_answer
from engine.definitions.form_coerce import Fault, coerced
from engine.definitions.form_files import file_faults, files_json
from engine.definitions.form_javascript import equal
from engine.definitions.form_model import (
    MANY,
    ONE,
    ByPath,
    Component,
    FieldError,
    FileFact,
    FormLimits,
    Path,
    Submission,
    dotted,
)
from engine.definitions.form_rules import broken_rules
from engine.definitions.form_state import MISSING, get, put, static_options
from engine.definitions.form_view import Instance, View, look
from engine.domain.codec import JSON, copied
from engine.feel import Environment, FeelEvaluationError

MAX_ROUNDS: Final = 20
"""Rounds in which expressions may feed each other; more is a circle, and what it gives then is what counts."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a submission is judged against. `data`: the part of the case data that the viewer was given;
    `stored`: all of it, for files already handed in."""

    components: tuple[Component, ...]
    by_path: ByPath
    data: Mapping[str, JSON]
    stored: Mapping[str, JSON]
    env: Environment
    files: Mapping[str, list[FileFact]]
    limits: FormLimits


@dataclass(slots=True)
class _Judge:
    setting: Setting
    answer: Answer
    clean: dict[Path, JSON] = field(default_factory=dict)
    bad: dict[Path, Fault] = field(default_factory=dict)
    locked: set[Path] = field(default_factory=set)
    errors: list[FieldError] = field(default_factory=list)
    values: dict[str, JSON] = field(default_factory=dict)


def check(setting: Setting, submitted: object) -> Submission:
    """The judged submission; `submitted` may be any JSON. Never raises for what a client can send."""
    shape = _shape_fault(submitted, setting.limits)
    if shape is not None or not isinstance(submitted, Mapping):
        key, params = shape or ("form.not_an_object", {"name": ""})
        return Submission({}, (FieldError("", "", key, params, ""),))
    judge = _Judge(setting, read_answer(setting.components, submitted, setting.data, setting.limits))
    state, view = _settle(judge)
    _shape_errors(judge, view)
    for component, path, error in view.failed:
        _add(judge, component, path, ("form.expression_failed", {"reason": error.message_key}), view.root.names)
    for row_list in view.lists:
        rows = get(state, row_list.path)
        _write(judge, row_list.path, [{} for _ in rows] if isinstance(rows, list) else [])
    for instance in view.fields:
        _judge_field(judge, instance, state)
    visible = {instance.path for instance in view.fields if not instance.component.disabled} - judge.locked
    ignored = [dotted(path) for path in judge.answer.given if path not in visible]
    return Submission(
        judge.values if not judge.errors else {},
        tuple(judge.errors),
        tuple(ignored),
        {dotted(one.path): judge.answer.rows[one.path] for one in view.lists},
    )


def _shape_fault(submitted: object, limits: FormLimits) -> Fault | None:
    """Too deep or too many values. Looked at without recursion, before anything else."""
    waiting: list[tuple[object, int]] = [(submitted, 0)]
    left = limits.values
    while waiting:
        value, depth = waiting.pop()
        left -= 1
        if left < 0:
            return ("form.too_many_values", {"limit": limits.values})
        if depth > limits.depth:
            return ("form.too_deep", {"limit": limits.depth})
        if isinstance(value, Mapping):
            waiting.extend((item, depth + 1) for item in value.values())
        elif isinstance(value, list):
            waiting.extend((item, depth + 1) for item in value)
    return None


def _settle(judge: _Judge) -> tuple[dict[str, JSON], View]:
    """Steps 2 and 3: the final data and what is visible in them."""
    setting, answer = judge.setting, judge.answer
    for path, value in answer.given.items():
        component = setting.by_path[tuple(key for key in path if isinstance(key, str))]
        if component.disabled or component.type == "expression" or component.attributes.get("readonly") is True:
            judge.locked.add(path)
            continue
        clean, fault = coerced(component, value, setting.limits)
        if fault is not None:
            own = answer.own_path(path)
            if own is None or not equal(value, get(setting.data, own)):
                judge.bad[path] = fault
            # else: stored data that do not fit the field, which the viewer hands through untouched; the own value stays
        else:
            judge.clean[path] = clean
    computes = any(component.computed for component in setting.components)
    while True:
        state = copied(answer.base)
        for path, value in judge.clean.items():
            if path not in judge.locked:
                put(state, path, value)
        view = look(setting.components, state, answer.own, setting.env)
        for _ in range(MAX_ROUNDS):
            if not (computes and _compute(judge, view, state)):
                break
            view = look(setting.components, state, answer.own, setting.env)
        changeable = {
            instance.path for instance in view.fields if not instance.readonly and not instance.component.disabled
        }
        newly = {path for path in answer.given if path not in changeable} - judge.locked
        if not newly:
            return state, view
        judge.locked |= newly


def _compute(judge: _Judge, view: View, state: dict[str, JSON]) -> bool:
    """Computes every visible expression field once; whether one changed."""
    changed = False
    for instance in view.fields:
        component = instance.component
        if component.type != "expression" or instance.readonly or component.disabled:
            continue
        try:
            value = form_expressions.json_of(
                component.attributes.get("expression"), instance.scope.names, judge.setting.env
            )
        except FeelEvaluationError:
            continue  # reported when the field is judged
        if not equal(value, get(state, instance.path)):
            put(state, instance.path, value)
            changed = True
    return changed


def _shape_errors(judge: _Judge, view: View) -> None:
    """Faults of the shape; those of a list count only while the list is visible."""
    seen = {instance.path for instance in view.lists}
    for path, component, fault in judge.answer.faults:
        of_list = path[:-1] if path and isinstance(path[-1], int) else path
        if component is None or of_list in seen:
            _add(judge, component, path, fault, view.root.names)


def _judge_field(judge: _Judge, instance: Instance, state: dict[str, JSON]) -> None:
    component, path, env = instance.component, instance.path, judge.setting.env
    if component.disabled:
        return
    names = instance.scope.names
    value = get(state, path)
    value = None if value is MISSING else value
    sent = path in judge.answer.given and path not in judge.locked
    try:
        if sent and path in judge.bad:
            _add(judge, component, path, judge.bad[path], names)
            return
        if component.type == "filepicker":
            _judge_files(judge, instance, value, sent)
            return
        if component.type == "expression":
            form_expressions.json_of(component.attributes.get("expression"), names, env)
        faults = [*(_picked(judge, instance, value) if sent else []), *broken_rules(component, value, names, env)]
    except FeelEvaluationError as error:
        faults = [("form.expression_failed", {"reason": error.message_key})]
    for fault in faults:
        _add(judge, component, path, fault, names)
    _write(judge, path, value)


def _picked(judge: _Judge, instance: Instance, value: JSON) -> list[Fault]:
    """What the viewer's own inputs prevent: a choice that is not offered, a date that the picker has not."""
    component = instance.component
    if component.type in ONE and value is not None:
        known = _options(judge, instance)
        return [] if form_options.is_option(value, known) else [("form.unknown_option", {})]
    if component.type in MANY and isinstance(value, list):
        known = _options(judge, instance)
        return [] if all(form_options.is_option(item, known) for item in value) else [("form.unknown_option", {})]
    if component.type == "datetime" and isinstance(value, str):
        return form_moments.faults(component, value, _own_values(judge, instance.path), judge.setting.env.now)
    return []


def _options(judge: _Judge, instance: Instance) -> list[JSON]:
    component = instance.component
    if form_options.source_of(component) != "valuesExpression":
        return static_options(component, judge.answer.own)
    expression = component.attributes["valuesExpression"]
    return form_options.option_values(form_expressions.json_of(expression, instance.scope.names, judge.setting.env))


def _own_values(judge: _Judge, path: Path) -> list[object]:
    own = judge.answer.own_path(path)
    return [] if own is None else [get(judge.answer.own, own)]


def _judge_files(judge: _Judge, instance: Instance, reference: JSON, sent: bool) -> None:
    """A reference that was sent replaces the stored files; none sent leaves them, and they satisfy `required`."""
    component, path = instance.component, instance.path
    own = judge.answer.own_path(path)
    stored = MISSING if own is None else get(judge.setting.stored, own)
    if isinstance(reference, str) and sent:
        facts = judge.setting.files.get(reference)
        for fault in file_faults(component, facts, judge.setting.limits, instance.scope.names, judge.setting.env):
            _add(judge, component, path, fault, instance.scope.names)
        _write(judge, path, files_json(facts or []))
    elif component.validate.get("required") and not (isinstance(stored, list) and stored):
        _add(judge, component, path, ("form.required", {}), instance.scope.names)


def _write(judge: _Judge, path: Path, value: JSON) -> None:
    put(judge.values, path, copied(value))


def _add(judge: _Judge, component: Component | None, path: Path, fault: Fault, names: Mapping[str, object]) -> None:
    key, params = fault
    label = "" if component is None else component.label
    if component is not None and (form_expressions.is_expression(label) or form_expressions.is_template(label)):
        try:
            label = form_expressions.filled(label, names, judge.setting.env)
        except FeelEvaluationError:
            label = component.id
    judge.errors.append(FieldError(dotted(path), component.id if component else "", key, params, label))
