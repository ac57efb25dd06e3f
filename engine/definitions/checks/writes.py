"""What expressions read and elements write, as far as the files say it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine import feel
from engine.definitions.form_model import Component, descend
from engine.definitions.forms import Form
from engine.definitions.model import Node, Process

CLOCK = ("now(", "today(")
"""Calls whose value changes without anybody writing."""


def names_in(text: str) -> frozenset[str] | None:
    """Variables an expression reads; None when it can't be read."""
    if not text:
        return frozenset()
    try:
        compiled = feel.compile_expression(text, equals=True)
    except feel.FeelSyntaxError:
        return None
    return compiled.names | compiled.inner_names


def written_by(node: Node, forms: Mapping[str, Form]) -> frozenset[str]:
    """Names of case data that an element itself writes."""
    found = {assignment.target for assignment in node.outputs}
    form = forms.get(node.form) or forms.get(node.properties.get("form", ""))
    if form is not None:
        found |= form.output_paths()
    found |= {node.result, node.event.code_variable, node.event.text_variable}
    found |= {node.properties.get("into", ""), node.properties.get("collectInto", "")}
    if node.multi is not None:
        found |= {node.multi.output}
    return frozenset(found - {""})


def written_inside(process: Process, processes: Mapping[str, Process], forms: Mapping[str, Form]) -> frozenset[str]:
    """Names of case data that anything inside a process writes, called processes included."""
    found: set[str] = set()
    seen: set[str] = set()
    todo = [process]
    while todo:
        for _, node in todo.pop().walk():
            found |= written_by(node, forms)
            if node.called in processes and node.called not in seen:
                seen.add(node.called)
                todo.append(processes[node.called])
    return frozenset(found)


def fields(form: Form, name: str) -> Iterator[Component]:
    """The components of a form that hold a field."""
    for component in descend(form.components):
        if component.keyed and component.segments[0] == name:
            yield component
