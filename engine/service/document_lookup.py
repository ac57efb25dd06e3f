"""Documents that were made: lists, one, who may read it; and its bytes, marked with who takes them out (R71)."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from docx import Document as open_docx
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from docx.shared import Pt, RGBColor
from sqlalchemy import ColumnElement, Connection, Row, and_, exists, or_, select

from engine.domain.access import CaseScope, may
from engine.domain.codec import instant_text
from engine.domain.organisation import Actor
from engine.readmodels import dossier
from engine.readmodels.page import TOTAL, Page, matches, paged, with_total
from engine.readmodels.schema import case_access

from . import document_template, docx_package, docx_pdf, exports, fonts
from .document_kinds import COMMAND, KINDS
from .documents_tables import made_documents

FORMS: Final = ("docx", "pdf")
TYPES: Final[Mapping[str, str]] = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pdf": "application/pdf",
}
NOTICE: Final = "内部资料 严禁外传"


@dataclass(frozen=True, slots=True)
class Document:
    """One that was made; the columns of `made_documents`. `replaced_by`: number of the one that replaced it, 0."""

    number: int
    mark: str
    kind: str
    case_id: str
    case_seq: int
    subject: str
    title: str
    at: str
    made_by: str
    made_name: str
    template: str
    docx_sha256: str
    docx_size: int
    pdf_sha256: str
    pdf_size: int
    replaces: int
    reason: str
    recipients: tuple[str, ...]
    command_id: str
    replaced_by: int = 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """Filters of the list; "" and None filter nothing. `mark`: part of the number, or of the title."""

    mark: str = ""
    kind: str = ""
    case_id: str = ""
    since: datetime | None = None
    until: datetime | None = None


_newer = made_documents.alias("newer")
_REPLACED_BY: Final = (
    select(_newer.c.number).where(_newer.c.replaces == made_documents.c.number).limit(1).scalar_subquery()
).label("replaced_by")


def get(conn: Connection, number: int) -> Document | None:
    """The document of that number. Asks nobody's rights."""
    row = conn.execute(select(made_documents, _REPLACED_BY).where(made_documents.c.number == number)).one_or_none()
    return None if row is None else _document(row)


def marks(conn: Connection, numbers: Iterable[int]) -> dict[int, str]:
    """Number -> its mark. One statement."""
    wanted = sorted(set(numbers))
    if not wanted:
        return {}
    query = select(made_documents.c.number, made_documents.c.mark).where(made_documents.c.number.in_(wanted))
    return {row.number: row.mark for row in conn.execute(query)}


def of_command(conn: Connection, command_id: str) -> Document | None:
    """The document that a page's command made already; None if it has not."""
    query = select(made_documents, _REPLACED_BY).where(made_documents.c.command_id == command_id)
    row = conn.execute(query).one_or_none()
    return None if row is None else _document(row)


def of_case(conn: Connection, case_id: str, actor: Actor) -> tuple[Document, ...]:
    """A case's documents that the person may read, newest first. Requires that he may read the case."""
    query = select(made_documents, _REPLACED_BY).where(made_documents.c.case_id == case_id)
    found = [_document(row) for row in conn.execute(query.order_by(made_documents.c.number.desc()))]
    groups = dossier.groups_of(conn, case_id) if found else frozenset()
    return tuple(one for one in found if readable(actor, one, groups))


def page(conn: Connection, actor: Actor, wanted: Wanted, number: int, per_page: int) -> Page[Document]:
    """One page of the documents that the person may read, newest first. Two statements."""
    columns = made_documents.c
    where = [readable_to(actor), *_filters(conn, wanted)]
    keys = select(columns.number).where(*where)
    by = (columns.number.desc(),)
    found = with_total(keys, by, number, per_page)
    rows = conn.execute(
        select(made_documents, _REPLACED_BY, found.c[TOTAL]).join(found, found.c.number == columns.number).order_by(*by)
    ).all()
    return paged(conn, rows, (_document(row) for row in rows), keys, number, per_page)


def readable(actor: Actor, document: Document, groups: frozenset[str]) -> bool:
    """Whether the person may read a document (R71: need to know): it is of a case that he may read and is not for
    leaders and the office only; or he belongs to those; or it was sent to him. `groups`: that may read its case."""
    if not may(actor, "view_documents"):
        return False
    if not actor.groups.isdisjoint(document.recipients):
        return True
    kind = KINDS.get(document.kind)
    if kind is None or not kind.for_units:
        return bool(actor.acting_roles & COMMAND)
    return bool(may(actor, "view_case", CaseScope(groups)))


def readable_by(conn: Connection, actor: Actor, document: Document) -> bool:
    groups = dossier.groups_of(conn, document.case_id) if document.case_id else frozenset[str]()
    return readable(actor, document, groups)


def taken_out(services: Any, actor: Actor, document: Document, form: str, address: str) -> bytes:
    """The document as `docx` or `pdf`, marked with who took it out and when: numbered and logged like every export.

    Raises FileNotFoundError when the file store has lost it. Requires that the caller asked who may read it.
    """
    mark = exports.begin(services, actor, f"document_{form}", f"{document.mark} {document.case_id}".strip(), address)
    with services.files.open(document.docx_sha256) as stored:
        content = stamped(stored.read(), f"{NOTICE}　{mark.text}")
    if form == "pdf":
        content = docx_pdf.pdf(content, fonts.chinese(), mark.at, mark.text)
    exports.made(services, mark.number, hashlib.sha256(content).hexdigest(), len(content))
    return content


def stamped(docx: bytes, text: str) -> bytes:
    """The document with `text` on top of every header, of first and even pages too."""
    document = open_docx(io.BytesIO(docx))
    for number, section in enumerate(document.sections):
        headers = [section.header]
        if section.different_first_page_header_footer:
            headers.append(section.first_page_header)
        if document.settings.odd_and_even_pages_header_footer:
            headers.append(section.even_page_header)
        for header in headers:
            if header.is_linked_to_previous and number:
                continue  # it shows the header before, which is stamped
            first = header.paragraphs[0] if header.paragraphs else header.add_paragraph()
            line = first if not first.text and not len(first.runs) else first.insert_paragraph_before()
            line.alignment = WD_ALIGN_PARAGRAPH.CENTER
            line.paragraph_format.first_line_indent = Pt(0)
            run = line.add_run(document_template.text(text))
            run.font.size, run.font.color.rgb = Pt(9), RGBColor(0x80, 0x80, 0x80)
            run._r.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), "宋体")
    out = io.BytesIO()
    document.save(out)
    return docx_package.packed(docx_package.opened(out.getvalue()))


def _filters(conn: Connection, wanted: Wanted) -> Iterable[ColumnElement[bool]]:
    columns = made_documents.c
    words = matches(conn, wanted.mark, (columns.mark, columns.title))
    if words is not None:
        yield words
    if wanted.kind:
        yield columns.kind == wanted.kind
    if wanted.case_id:
        yield columns.case_id == wanted.case_id
    if wanted.since is not None:
        yield columns.at >= instant_text(wanted.since)
    if wanted.until is not None:
        yield columns.at < instant_text(wanted.until)


def readable_to(actor: Actor) -> ColumnElement[bool]:
    """The rule of `readable` as SQL."""
    columns = made_documents.c
    if actor.acting_roles & COMMAND:
        return columns.number > 0
    units = [kind.kind for kind in KINDS.values() if kind.for_units]
    concerned = exists(
        select(case_access.c.case_id).where(
            case_access.c.case_id == columns.case_id, case_access.c.grp.in_(sorted(actor.groups))
        )
    )
    # Groups have no quotation marks or wildcards in their names: in the JSON list each stands between quotation marks.
    sent = [columns.recipients.contains(json.dumps(group), autoescape=True) for group in sorted(actor.groups)]
    return or_(and_(columns.kind.in_(units), concerned), *sent)


def _document(row: Row[Any]) -> Document:
    values = {name: getattr(row, name) for name in Document.__slots__}
    values["recipients"] = tuple(json.loads(row.recipients))
    values["replaced_by"] = row.replaced_by or 0
    return Document(**values)
