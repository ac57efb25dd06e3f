"""Forms (`.form` files of Camunda Modeler and form-js) on the server: read, examined, and the judge of submissions.

The reference is form-js-viewer 2.0.0, schema version 19; tests/unit/forms/corpus holds its answers. Where the viewer
trusts the browser this side does not: see docs of `Form.check`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.definitions.form_check import Setting
from engine.definitions.form_check import check as judge
from engine.definitions.form_inputs import Tree, inputs_of, paths_of, projected, written_names
from engine.definitions.form_model import (
    ByPath,
    Component,
    FieldError,
    FileFact,
    FormLimits,
    FormProblem,
    Submission,
    descend,
    fields_by_path,
)
from engine.definitions.form_problems import problems_of
from engine.definitions.form_reader import FormUnreadable, read_components, read_schema
from engine.domain.codec import JSON, copied
from engine.feel import Environment

__all__ = [
    "Component",
    "FieldError",
    "FileFact",
    "Form",
    "FormLimits",
    "FormProblem",
    "FormUnreadable",
    "Submission",
    "merged",
    "read_form",
]
NO_FILES: Mapping[str, list[FileFact]] = {}
LIMITS = FormLimits()


@dataclass(frozen=True, slots=True)
class Form:
    """One form. `schema`: the file's JSON, as the viewer is to be given it; not to be changed."""

    id: str
    components: tuple[Component, ...]
    schema: Mapping[str, JSON]
    inputs: Tree
    """The names that the form shows or reads; found once, because each submission needs it."""
    by_path: ByPath
    fresh: tuple[tuple[str, ...], ...] = ()
    """Paths of fields that begin empty on every visit: a decision or an opinion is given anew, never taken over."""

    def input_names(self) -> set[str]:
        """The data paths that the form shows or reads, dotted, list rows left out: `units.opinion`."""
        return set(paths_of(self.inputs))

    def output_paths(self) -> set[str]:
        """The top-level names of case data that a submission may write."""
        return set(written_names(self.components))

    def problems(self) -> list[FormProblem]:
        """What is wrong with the file; with a problem of severity error it must not be published."""
        return problems_of(self.schema, self.components)

    def initial(self, data: Mapping[str, JSON]) -> dict[str, JSON]:
        """A copy of the part of the case data that the viewer needs: never a name that the form does not read.

        Files already handed in are left out: the viewer knows files only by its own references. So are fields with
        the property `prefill` = `none`.
        """
        found = projected(data, self.inputs)
        for path in self.fresh:
            _forget(found, path)
        return found

    def check(
        self,
        submitted: object,
        data: Mapping[str, JSON],
        env: Environment,
        *,
        files: Mapping[str, list[FileFact]] | None = None,
        limits: FormLimits = LIMITS,
    ) -> Submission:
        """The submission, judged and cleaned. `submitted`: the viewer's `submit().data`, or any JSON a client sends.

        `data`: the case data (only `initial(data)` is seen by expressions); `env.now`: the entry's time; `files`: what
        was stored for each reference `files::...` in `submitted`. Beyond form-js:

        * types, options, date formats, file types, sizes and counts are checked; unknown names are refused;
        * hidden, disabled, readonly and computed fields keep the server's own value, whatever was sent;
        * a missing value is what the field showed at first, null is an emptied one; a missing list whose rows can be
          removed has no rows left, because that is how the viewer says so;
        * no file sent leaves the stored files and they satisfy `required`.

        Never raises for what a client can send. `values` is empty when there are errors.
        """
        setting = Setting(
            self.components,
            self.by_path,
            self.initial(data),
            data,
            env,
            files if files is not None else NO_FILES,
            limits,
        )
        return judge(setting, submitted)


def read_form(data: bytes) -> Form:
    """The form of a `.form` file. Raises FormUnreadable: not JSON, not a form, over 1 MB, nested too deeply."""
    schema = read_schema(data)
    components = read_components(schema)
    fresh = tuple(c.segments for c in descend(components) if c.keyed and _fresh(c))
    return Form(str(schema.get("id", "")), components, schema, inputs_of(components), fields_by_path(components), fresh)


def _fresh(component: Component) -> bool:
    properties = component.attributes.get("properties")
    return isinstance(properties, Mapping) and properties.get("prefill") == "none"


def _forget(data: dict[str, JSON], path: tuple[str, ...]) -> None:
    inner: JSON = data
    for name in path[:-1]:
        inner = inner.get(name) if isinstance(inner, dict) else None
    if isinstance(inner, dict):
        inner.pop(path[-1], None)


def merged(data: Mapping[str, JSON], submission: Submission) -> dict[str, JSON]:
    """A copy of the case data with the submission in it.

    Objects are merged name by name. In a list the rows are those submitted; a row that continues a stored one
    (`kept_rows`) keeps the entries that the form does not show, a new row starts from nothing.
    """
    out: dict[str, JSON] = _over(dict(data), submission.values, "", submission.kept_rows)
    return out


def _over(old: JSON, new: JSON, path: str, kept: Mapping[str, tuple[int | None, ...]]) -> JSON:
    if isinstance(new, dict):
        base = {name: copied(value) for name, value in old.items() if name not in new} if isinstance(old, dict) else {}
        known = old if isinstance(old, dict) else {}
        return base | {name: _over(known.get(name), value, _join(path, name), kept) for name, value in new.items()}
    if isinstance(new, list) and path in kept:
        rows = old if isinstance(old, list) else []
        from_row = [rows[index] if index is not None and index < len(rows) else None for index in kept[path]]
        return [
            _over(one, row, _join(path, str(number)), kept)
            for number, (one, row) in enumerate(zip(from_row, new, strict=True))
        ]
    return copied(new)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
