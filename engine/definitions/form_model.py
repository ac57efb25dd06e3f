"""The parts of a form and of an answer to it: plain data, as form-js 2.0.0 (schema version 19) means them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from engine.domain.codec import JSON

SCHEMA_VERSION: Final = 19
KEYED: Final = frozenset({
    "textfield", "textarea", "number", "datetime", "expression", "filepicker",
    "checkbox", "checklist", "radio", "select", "taglist",
})  # fmt: skip
"""Types that hold a value under `key`."""
PRESENTED: Final = frozenset({
    "text", "image", "table", "html", "documentPreview", "spacer", "separator", "iframe", "button",
})  # fmt: skip
"""Types that only show something; never submitted."""
CONTAINERS: Final = frozenset({"group", "dynamiclist"})
MANY: Final = frozenset({"checklist", "taglist"})
ONE: Final = frozenset({"radio", "select"})

Path = tuple[str | int, ...]
"""Where a value is: ("units", 0, "opinion")."""
EMPTY: Final[Mapping[str, JSON]] = {"textfield": "", "textarea": "", "checkbox": False}
"""What a field without data holds, `[]` for MANY, else null."""


def dotted(path: Path) -> str:
    """The path as text: `units.0.opinion`."""
    return ".".join(map(str, path))


@dataclass(frozen=True, slots=True)
class FormProblem:
    """A finding about the `.form` file itself; `key` names the sentence in the catalogue."""

    component_id: str
    key: str
    severity: Literal["error", "warning"]
    details: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FieldError:
    """Why one value is refused. `path`: the data path, list rows by index, `units.0.opinion`."""

    path: str
    component_id: str
    key: str
    params: Mapping[str, object]
    label: str


@dataclass(frozen=True, slots=True)
class Submission:
    """A checked submission.

    `values`: what to store, only fields of this form, nested by path; complete only when `errors` is empty.
    `ignored`: paths that were sent but are the server's own (hidden, disabled, readonly, computed) and so left out.
    `kept_rows`: list path -> for each row of `values` the index of the stored row it continues, None for a new one.
    """

    values: dict[str, JSON]
    errors: tuple[FieldError, ...] = ()
    ignored: tuple[str, ...] = ()
    kept_rows: Mapping[str, tuple[int | None, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FileFact:
    """One uploaded file as the server stored it: `size` in bytes, `sha256` in hex, `media_type` as judged there."""

    id: str
    name: str
    size: int
    sha256: str
    media_type: str


@dataclass(frozen=True, slots=True)
class FormLimits:
    """Bounds that hold for every form, whatever it asks for. `text`, `pattern_text`: UTF-16 units of one field."""

    text: int = 20_000
    pattern_text: int = 4_000
    rows: int = 200
    choices: int = 500
    files: int = 20
    values: int = 5_000
    """Leaves in one submission."""
    depth: int = 32
    unknown: int = 20
    """Unknown names that are reported one by one."""


@dataclass(frozen=True, slots=True)
class Component:
    """One component. `segments`: the parts of its own `key` or `path`; `attributes`: all that the file says of it."""

    id: str
    type: str
    segments: tuple[str, ...]
    attributes: Mapping[str, JSON]
    children: tuple[Component, ...] = ()
    options: list[JSON] | None = None
    """Values of the options that stand in the file itself, if any do."""
    # What each submission asks of each component again, found once.
    keyed: bool = field(init=False, repr=False, compare=False)
    repeated: bool = field(init=False, repr=False, compare=False)
    disabled: bool = field(init=False, repr=False, compare=False)
    validate: Mapping[str, JSON] = field(init=False, repr=False, compare=False)
    hide: str | None = field(init=False, repr=False, compare=False)
    conditional: bool = field(init=False, repr=False, compare=False)
    """Whether it, or something in it, may be hidden."""
    computed: bool = field(init=False, repr=False, compare=False)
    """Whether it, or something in it, is an expression."""

    def __post_init__(self) -> None:
        found = self.attributes.get("conditional")
        hide = found.get("hide") if isinstance(found, Mapping) else None
        rules = self.attributes.get("validate")
        facts: dict[str, object] = {
            "keyed": self.type in KEYED and bool(self.segments),
            "repeated": self.type == "dynamiclist",
            "disabled": bool(self.attributes.get("disabled")),
            "validate": rules if isinstance(rules, Mapping) else {},
            "hide": hide if isinstance(hide, str) else None,
            "conditional": isinstance(hide, str) or any(child.conditional for child in self.children),
            "computed": self.type == "expression" or any(child.computed for child in self.children),
        }
        for name, fact in facts.items():
            object.__setattr__(self, name, fact)

    @property
    def label(self) -> str:
        """The label as written; a datetime has one for each half."""
        for name in ("label", "dateLabel", "timeLabel"):
            text = self.attributes.get(name)
            if isinstance(text, str) and text.strip():
                return text
        return self.segments[-1] if self.segments else self.id

    @property
    def open_ended(self) -> bool:
        """For a list: whether rows may be added and removed."""
        return (
            self.attributes.get("allowAddRemove", True) is not False
            and not self.disabled
            and self.attributes.get("readonly") is not True
        )

    def own_empty(self) -> JSON:
        """The value without data and default."""
        return [] if self.type in MANY else EMPTY.get(self.type)


def descend(components: tuple[Component, ...]) -> Iterator[Component]:
    """All components in document order, containers before their children."""
    for component in components:
        yield component
        yield from descend(component.children)


ByPath = Mapping[tuple[str, ...], Component]
"""Fields by the data path at which they stand, rows of lists left out."""


def fields_by_path(components: tuple[Component, ...], prefix: tuple[str, ...] = ()) -> dict[tuple[str, ...], Component]:
    """Every field of a form; of two with the same path the later."""
    out: dict[tuple[str, ...], Component] = {}
    for component in components:
        path = prefix + component.segments
        if component.keyed:
            out[path] = component
        out |= fields_by_path(component.children, path)
    return out
