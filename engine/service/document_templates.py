"""Which template a kind of document has: the shipped one, or the last that the office put in its place. All are
kept."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select

from engine.domain.access import may
from engine.domain.codec import instant_text
from engine.domain.organisation import Actor
from engine.domain.rejection import FieldFault, Rejection

from . import document_layouts, document_template
from .document_kinds import KINDS
from .documents_tables import document_templates
from .docx_package import TemplateFault
from .files import safe_name
from .log_tables import next_number
from .system_stream import add_entry

STREAM: Final = "_documents"
"""Journal stream of documents made and templates changed."""
SHIPPED: Final = 0
"""Number of the template that came with the program."""


@dataclass(frozen=True, slots=True)
class Template:
    """One version. `number` SHIPPED: the one that came with the program; then `at`, `made_by`, `reason`, `name` are
    ""."""

    number: int
    kind: str
    at: str
    made_by: str
    reason: str
    name: str
    sha256: str
    size: int


def history(conn: Connection, kind: str) -> tuple[Template, ...]:
    """Every version of a kind's template, the one in use first, the shipped one last."""
    rows = conn.execute(
        select(document_templates).where(document_templates.c.kind == kind).order_by(document_templates.c.number.desc())
    )
    return (*(_template(row) for row in rows), _shipped(kind))


def in_use(conn: Connection) -> dict[str, Template]:
    """kind -> the version in use. One statement."""
    rows = conn.execute(select(document_templates).order_by(document_templates.c.number))
    return {**{kind: _shipped(kind) for kind in KINDS}, **{row.kind: _template(row) for row in rows}}


def content(services: Any, template: Template) -> bytes:
    """The .docx of a version. Raises FileNotFoundError when the file store has lost it."""
    if template.number == SHIPPED:
        return document_layouts.shipped(template.kind)
    with services.files.open(template.sha256) as stored:
        found: bytes = stored.read()
    return found


def replace(
    services: Any, actor: Actor, kind: str, upload: bytes, name: str, reason: str
) -> Template | Rejection | tuple[TemplateFault, ...]:
    """Puts `upload` in the place of a kind's template, when nothing is wrong with it; else what is wrong.

    Rejections: forbidden; not_found for an unknown kind; invalid without a reason or for another kind of file;
    conflict when it is the one in use.
    """
    refused = _refused(actor, kind, reason)
    if refused is not None:
        return refused
    if not name.lower().endswith(".docx"):
        return Rejection("invalid", "document.template.ending", {"name": name})
    found = document_template.check(upload, KINDS[kind])
    return found or _keep(services, actor, kind, upload, safe_name(name), reason)


def restore(services: Any, actor: Actor, kind: str, number: int, reason: str) -> Template | Rejection:
    """Takes an earlier version, or SHIPPED, into use again, as a new version."""
    refused = _refused(actor, kind, reason)
    if refused is not None:
        return refused
    with services.engine.connect() as conn:
        wanted = next((one for one in history(conn, kind) if one.number == number), None)
    if wanted is None:
        return Rejection("not_found", "document.template.none", {"number": number})
    return _keep(services, actor, kind, content(services, wanted), wanted.name, reason)


def _refused(actor: Actor, kind: str, reason: str) -> Rejection | None:
    allowed = may(actor, "edit_templates")
    if not allowed:
        return Rejection("forbidden", allowed.reason_key, dict(allowed.params))
    if kind not in KINDS:
        return Rejection("not_found", "document.unknown_kind", {"kind": kind})
    if not reason.strip():
        return Rejection("invalid", "form.refused", {}, (FieldFault("reason", "form.required"),))
    return None


def _keep(services: Any, actor: Actor, kind: str, docx: bytes, name: str, reason: str) -> Template | Rejection:
    sha256 = hashlib.sha256(docx).hexdigest()
    services.files.adopt(io.BytesIO(docx), sha256)
    now = services.clock.now()
    with services.journal.writing() as tx:
        conn = tx.connection
        if in_use(conn)[kind].sha256 == sha256:
            return Rejection("conflict", "document.template.in_use")
        number = next_number(conn, document_templates)
        made = Template(number, kind, instant_text(now), actor.user_id, reason.strip()[:500], name, sha256, len(docx))
        conn.execute(insert(document_templates).values(**{one: getattr(made, one) for one in Template.__slots__}))
        facts = {"number": number, "document": kind, "sha256": sha256, "size": len(docx)}
        command = {"kind": "ReplaceTemplate", "document": kind, "reason": made.reason}
        event = {"kind": "TemplateReplaced", **facts}
        add_entry(tx, STREAM, now, actor.user_id, command, event, services.journal.algorithm)
    return made


def _template(row: Row[Any]) -> Template:
    return Template(row.number, row.kind, row.at, row.made_by, row.reason, row.name, row.sha256, row.size)


def _shipped(kind: str) -> Template:
    docx = document_layouts.shipped(kind)
    return Template(SHIPPED, kind, "", "", "", "", hashlib.sha256(docx).hexdigest(), len(docx))
