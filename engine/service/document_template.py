"""A template of documents: checked before it is taken, and rendered, in a sandbox that offers nothing but the data."""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from docx import Document
from docxtpl import DocxTemplate  # type: ignore[import-untyped]  # it has annotations, but no py.typed
from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from . import docx_package, docx_placeholders
from .document_kinds import Kind
from .docx_package import BadPackage, TemplateFault

Row = Mapping[str, str]
Data = Mapping[str, "str | Sequence[Row]"]
"""Placeholder -> text, or the rows of a list. Nothing else ever reaches a template."""

PARAGRAPH: Final = "\a"
"""What docxtpl turns into a new paragraph of the same looks."""
EXAMPLE: Final = "示例 & <文字>《》"


class CannotRender(Exception):
    """The template does not give a document; the text is the library's."""


class _Bare(SandboxedEnvironment):
    """No globals, filters, tests or attributes: names of the data, and the columns of a row."""

    def __init__(self) -> None:
        super().__init__(undefined=StrictUndefined, autoescape=True)
        self.globals.clear()
        self.filters.clear()
        self.tests.clear()

    def getattr(self, obj: Any, attribute: str) -> Any:
        return obj[attribute] if isinstance(obj, dict) and attribute in obj else self.undefined(name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        return self.getattr(obj, argument)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return False

    def is_safe_callable(self, obj: Any) -> bool:
        return False


def check(content: bytes, kind: Kind) -> tuple[TemplateFault, ...]:
    """What is wrong with a template of `kind`; () when it can be used. It was rendered with made-up data, once with
    everything and once with nothing."""
    try:
        parts = docx_package.opened(content)
    except BadPackage as error:
        return (error.fault,)
    found = tuple(docx_package.faults(parts))
    if found:
        return found
    made, found = docx_placeholders.prepared(parts, kind.offered)
    if found:
        return found
    if not docx_placeholders.used(parts):
        return (TemplateFault("document.template.no_placeholder"),)
    for data in (example(kind), empty(kind)):
        try:
            _rendered(made, data)
        except CannotRender as error:
            return (TemplateFault("document.template.cannot_render", {"text": str(error)[:200]}),)
    return ()


def render(content: bytes, kind: Kind, data: Data, title: str, at: datetime) -> bytes:
    """The .docx of a checked template with `data`. `at`: becomes its date of creation. Raises CannotRender."""
    try:
        parts = docx_package.opened(content)
    except BadPackage as error:
        raise CannotRender(error.fault.key) from error
    made, found = docx_placeholders.prepared(parts, kind.offered)
    if found:
        raise CannotRender(f"{found[0].key} {dict(found[0].params)}")
    return _rendered(made, data, title, at)


def example(kind: Kind) -> Data:
    """Made-up data: every placeholder holds its own name, each list two rows."""
    texts: dict[str, str | Sequence[Row]] = {name: f"{name} {EXAMPLE}" for name, columns in kind.offered.items()}
    for name, columns in kind.lists.items():
        texts[name] = [{column: f"{column}{number} {EXAMPLE}" for column in columns} for number in (1, 2)]
    return texts


def empty(kind: Kind) -> Data:
    """Nothing anywhere."""
    return {name: [] if columns else "" for name, columns in kind.offered.items()}


def text(value: object) -> str:
    """A text as XML can hold it: line breaks as \\n, no control characters, no halves of surrogate pairs."""
    lines = str(value).replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    return "".join(
        one
        for one in unicodedata.normalize("NFC", lines)
        if one in "\n\t" or (unicodedata.category(one) not in ("Cc", "Cs") and ord(one) & 0xFFFE != 0xFFFE)
    )


def _rendered(parts: Mapping[str, bytes], data: Data, title: str = "", at: datetime | None = None) -> bytes:
    template = DocxTemplate(io.BytesIO(docx_package.packed(parts)))
    try:
        document = template.get_docx()
        for name in (
            "author",
            "comments",
            "identifier",
            "language",
            "subject",
            "title",
            "keywords",
            "last_modified_by",
        ):
            # docxtpl would render these too, and Word keeps in them who drew the template.
            setattr(document.core_properties, name, "")
        template.render(_values(data), _Bare(), autoescape=True)
        out = io.BytesIO()
        template.save(out)
    except (TemplateError, ValueError, KeyError, TypeError, SyntaxError) as error:
        raise CannotRender(re.sub(r"<[^>]*>", "", str(error))) from error
    return _signed(out.getvalue(), title, at)


def _values(data: Data) -> dict[str, Any]:
    def shown(value: object) -> str:
        return text(value).replace("\n", PARAGRAPH)

    return {
        name: shown(value)
        if isinstance(value, str)
        else [{key: shown(one) for key, one in row.items()} for row in value]
        for name, value in data.items()
    }


def _signed(content: bytes, title: str, at: datetime | None) -> bytes:
    document = Document(io.BytesIO(content))
    document.core_properties.title = text(title)[:255]
    if at is not None:
        document.core_properties.created = document.core_properties.modified = at.replace(tzinfo=None)
    out = io.BytesIO()
    document.save(out)
    return docx_package.packed(docx_package.opened(out.getvalue()))
