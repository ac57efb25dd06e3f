"""Files of a filepicker.

The viewer submits a reference, `files::<id>`, in the data and the files beside it (`submit().files`, a map from
reference to files). The web layer stores each file and hands `check` the same map with a FileFact for each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.definitions import form_expressions
from engine.definitions.form_coerce import Fault
from engine.definitions.form_javascript import text_of
from engine.definitions.form_model import Component, FileFact, FormLimits
from engine.domain.codec import JSON
from engine.feel import Environment


def file_faults(
    component: Component,
    facts: list[FileFact] | None,
    limits: FormLimits,
    names: Mapping[str, object],
    env: Environment,
) -> Iterator[Fault]:
    """Why these files cannot be taken. `facts` None: the reference is unknown. Raises FeelEvaluationError."""
    if not facts:
        yield ("form.file_missing", {})
        return
    multiple = form_expressions.value_of(component.attributes.get("multiple"), names, env)
    if len(facts) > limits.files:
        yield ("form.too_many_files", {"limit": limits.files, "got": len(facts)})
    elif len(facts) > 1 and multiple is not True:
        yield ("form.one_file", {"got": len(facts)})
    accept = component.attributes.get("accept")
    if form_expressions.is_expression(accept) or form_expressions.is_template(accept):
        accept = form_expressions.filled(text_of(accept), names, env)
    wanted = [part.strip().lower() for part in accept.split(",")] if isinstance(accept, str) else []
    wanted = [part for part in wanted if part]
    for fact in facts:
        if wanted and not any(_accepted(part, fact) for part in wanted):
            yield ("form.file_type", {"name": fact.name, "accept": ", ".join(wanted)})


def _accepted(part: str, fact: FileFact) -> bool:
    """One token of HTML's `accept`: `.pdf`, `image/*` or `application/pdf`."""
    if part.startswith("."):
        return fact.name.lower().endswith(part)
    kind, _, inner = fact.media_type.lower().partition(";")[0].strip().partition("/")
    return part == f"{kind}/{inner}" or part == f"{kind}/*" or part == "*/*"


def files_json(facts: list[FileFact]) -> list[JSON]:
    """The files as case data keep them."""
    return [
        {"id": fact.id, "name": fact.name, "size": fact.size, "sha256": fact.sha256, "media_type": fact.media_type}
        for fact in facts
    ]
