"""Documents (文书): made from the office's template and the case's data, numbered, journaled, kept for good.

One is made in these steps: who may and is there something to say; the data; the .docx; its PDF; then, in one
transaction, the number (given only now: no gaps), the row and the entry of stream `_documents`. If somebody else took
the number meanwhile, it is made again with the next. Nothing of a document is ever changed: a correction is a new one
that replaces the old.
"""

from __future__ import annotations

import hashlib
import io
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Connection, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from engine.definitions.bundle import Bundle
from engine.domain.access import CaseScope, may
from engine.domain.calendar import ZONE
from engine.domain.codec import instant_text
from engine.domain.organisation import Actor
from engine.domain.rejection import FieldFault, Rejection
from engine.journal.store import CommandSeen, SequenceTaken
from engine.readmodels import dossier

from . import (
    document_briefing,
    document_data,
    document_facts,
    document_lookup,
    document_template,
    document_templates,
    docx_pdf,
    exports,
    fonts,
)
from .bootstrap import unknown_receivers
from .document_kinds import KINDS, Kind
from .document_lookup import Document
from .document_templates import STREAM
from .documents_tables import document_numbers, made_documents
from .log_tables import next_number
from .report_words import Words
from .system import new_id
from .system_stream import add_entry

DOCUMENTS: Final = KINDS
TRIES: Final = 20
"""Times a document is made again because its number was taken."""
DAILY: Final = "briefing_daily"
PATTERN: Final = "许自然资舆{word}〔{year}〕{number}号"
NOTICE: Final = "内部资料　严禁外传"
_ONE_AT_A_TIME: Final = threading.Lock()
"""Within a process: laying out a PDF twice because two people pressed at once would only cost both time."""


@dataclass(frozen=True, slots=True)
class Made:
    """A document with its bytes, as they are stored: without a watermark."""

    document: Document
    docx: bytes
    pdf: bytes

    @property
    def number(self) -> str:
        """As printed: 许自然资舆交〔2026〕12号."""
        return self.document.mark


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be made. `subject`: name of the late report, "" for the last. `replaces`: number of the document that
    it replaces, 0 for none, with the `reason`. `recipients`: groups it goes to. `day`: of a daily briefing.
    `command_id`: the same asked twice is made once; "" for one of its own."""

    kind: str
    case_id: str = ""
    subject: str = ""
    replaces: int = 0
    reason: str = ""
    recipients: tuple[str, ...] = ()
    day: date | None = None
    command_id: str = ""


def make(services: Any, kind: str, case_id: str, actor: Actor, address: str = "", **more: Any) -> Made | Rejection:
    """Makes a document. `more`: the other fields of `Asked`; `address`: of the request, for the log of exports.

    Rejections: not_found (unknown kind, case that the person may not see, document to replace), forbidden, conflict
    (nothing to say yet, replaced already, numbers taken again and again), invalid (a replacement without a reason).
    """
    asked = Asked(kind, case_id, **more)
    asked = replace(asked, command_id=asked.command_id or new_id())
    with _ONE_AT_A_TIME:
        made: Made | Rejection | None = _known(services, asked)
        if made is not None:
            return made
        refused = _refused(services, asked, actor)
        if refused is not None:
            return refused
        for _ in range(TRIES):
            made = _try(services, asked, actor)
            if made is not None:
                break
        else:
            return Rejection("conflict", "document.busy")
    if isinstance(made, Made):
        mark = exports.begin(services, actor, "document_made", f"{made.number} {case_id}".strip(), address)
        exports.made(services, mark.number, made.document.docx_sha256, made.document.docx_size)
    return made


def preview(services: Any, asked: Asked, actor: Actor) -> Mapping[str, Any] | Rejection:
    """The data a document would have now, without a number."""
    refused = _refused(services, asked, actor)
    if refused is not None:
        return refused
    told = _data(services, asked, actor, "（编号待定）", services.clock.now())
    return told if isinstance(told, Rejection) else told.values


def offered(services: Any, case_id: str, actor: Actor) -> tuple[tuple[str, bool], ...]:
    """(kind, whether it can be made now) of what this person may make in a case, in the order of the kinds."""
    mine = [kind for kind in KINDS.values() if kind.of_case and may_make(actor, kind)]
    facts = document_facts.of_case(services, case_id) if mine else None
    return tuple((kind.kind, document_data.ready(kind.kind, facts)) for kind in mine if facts is not None)


def _known(services: Any, asked: Asked) -> Made | None:
    with services.engine.connect() as conn:
        found = document_lookup.of_command(conn, asked.command_id)
    if found is None:
        return None
    with services.files.open(found.docx_sha256) as docx, services.files.open(found.pdf_sha256) as pdf:
        return Made(found, docx.read(), pdf.read())


def may_make(actor: Actor, kind: Kind) -> bool:
    return bool(may(actor, "make_document")) and bool(actor.acting_roles & kind.makers)


def _refused(services: Any, asked: Asked, actor: Actor) -> Rejection | None:
    kind = KINDS.get(asked.kind)
    if kind is None or kind.of_case != bool(asked.case_id):
        return Rejection("not_found", "document.unknown_kind", {"kind": asked.kind})
    with services.journal.reading() as tx:
        conn = tx.connection
        if kind.of_case and not may(actor, "view_case", CaseScope(dossier.groups_of(conn, asked.case_id))):
            return Rejection("not_found", "case.unknown", {"case": asked.case_id})
        if not may_make(actor, kind):
            return Rejection("forbidden", "document.not_yours")
        if asked.kind == DAILY and (asked.day is None or asked.day > services.clock.now().astimezone(ZONE).date()):
            return Rejection("invalid", "form.refused", {}, (FieldFault("day", "document.no_such_day"),))
        if unknown := unknown_receivers(tx, asked.recipients):
            return Rejection("invalid", "document.unknown_recipient", {"names": "、".join(unknown)})
        if not asked.replaces:
            return None
        old = document_lookup.get(conn, asked.replaces)
    if old is None or (old.kind, old.case_id) != (asked.kind, asked.case_id):
        return Rejection("not_found", "document.nothing_to_replace", {"number": asked.replaces})
    if old.replaced_by:
        return Rejection("conflict", "document.replaced_already", {"mark": old.mark})
    if not asked.reason.strip():
        return Rejection("invalid", "form.refused", {}, (FieldFault("reason", "form.required"),))
    return None


def _try(services: Any, asked: Asked, actor: Actor) -> Made | Rejection | None:
    """One try; None when the number was taken meanwhile."""
    kind, now = KINDS[asked.kind], services.clock.now()
    year = now.astimezone(ZONE).year
    bundle: Bundle = services.deployments.bundle()
    with services.engine.connect() as conn:
        last = conn.scalar(_last(asked.kind, year)) or 0
        template = document_templates.in_use(conn)[asked.kind]
    mark = marked(bundle, kind, year, last + 1)
    data = _data(services, asked, actor, mark, now)
    if isinstance(data, Rejection):
        return data
    title = str(data.values.get("案件标题") or data.values.get("期间"))
    docx = document_template.render(
        document_templates.content(services, template), kind, data.values, f"{mark} {data.values['文种']}", now
    )
    pdf = docx_pdf.pdf(docx, fonts.chinese(), now)
    document = Document(
        0, mark, asked.kind, asked.case_id, data.seq, asked.subject or _day(asked), title[:300],
        instant_text(now), actor.user_id, actor.name, template.sha256, _kept(services, docx), len(docx),
        _kept(services, pdf), len(pdf), asked.replaces, asked.reason.strip()[:500], asked.recipients,
        asked.command_id,
    )  # fmt: skip
    try:
        with services.journal.writing() as tx:
            taken = tx.connection.execute(_next(tx.connection, asked.kind, year)).scalar_one()
            if taken != last + 1:
                raise _Taken
            document = replace(document, number=next_number(tx.connection, made_documents))
            tx.connection.execute(insert(made_documents).values(**_row(document)))
            command = {"kind": "MakeDocument", "document": asked.kind, "case": asked.case_id, "reason": document.reason}
            event = {"kind": "DocumentMade", **entry_facts(document)}
            add_entry(tx, STREAM, now, actor.user_id, command, event, services.journal.algorithm)
    except (_Taken, SequenceTaken, CommandSeen, IntegrityError):
        return None
    return Made(document, docx, pdf)


class _Taken(Exception):
    """Somebody else was given the number."""


@dataclass(frozen=True, slots=True)
class _Told:
    """The data of a document, a value for every placeholder of its kind; `seq`: last entry of the case it tells of."""

    values: dict[str, Any]
    seq: int


def _data(services: Any, asked: Asked, actor: Actor, mark: str, now: datetime) -> _Told | Rejection:
    bundle: Bundle = services.deployments.bundle()
    with services.engine.connect() as conn:
        words = Words(conn, bundle)
        old = document_lookup.get(conn, asked.replaces) if asked.replaces else None
        told: dict[str, Any] | Rejection
        seq = 0
        if asked.day is not None:
            told = document_briefing.data(services, conn, asked.day, now)
        else:
            facts = document_facts.of_case(services, asked.case_id)
            if facts is None:
                return Rejection("not_found", "case.unknown", {"case": asked.case_id})
            told = document_data.of_case(asked.kind, facts, asked.subject)
            seq = facts.case.last_seq
    if isinstance(told, Rejection):
        return told
    local = now.astimezone(ZONE)
    told.update(
        机关=str((bundle.regulation.get("profile") or {}).get("issuer") or ""),
        文种=document_data.title(asked.kind),
        文号=mark,
        日期=f"{local.year}年{local.month}月{local.day}日",
        制作人=actor.name,
        替代=f"本件替代 {old.mark}，原件作废。原因：{asked.reason.strip()}" if old is not None else "",
        标识=str(_profile(bundle).get("notice") or NOTICE),
    )
    if "分送" in KINDS[asked.kind].fields:
        told["分送"] = document_briefing.recipients(words, asked.recipients) or "—"
    return _Told({name: told[name] for name in KINDS[asked.kind].offered}, seq)


def marked(bundle: Bundle, kind: Kind, year: int, number: int) -> str:
    """The number as printed. Pattern and words come from `[documents]` of the profile, else from the program."""
    profile = _profile(bundle)
    words = profile.get("words")
    word = str(words.get(kind.kind) or kind.word) if isinstance(words, Mapping) else kind.word
    pattern = str(profile.get("number") or PATTERN)
    for name, value in (("word", word), ("year", str(year)), ("number", str(number))):
        pattern = pattern.replace(f"{{{name}}}", value)
    return pattern


def entry_facts(document: Document) -> dict[str, Any]:
    """What the stream keeps of a document; `verify` holds the rows against it."""
    return {
        "number": document.number,
        "mark": document.mark,
        "document": document.kind,
        "case": document.case_id,
        "case_seq": document.case_seq,
        "subject": document.subject,
        "template": document.template,
        "docx": {"sha256": document.docx_sha256, "size": document.docx_size},
        "pdf": {"sha256": document.pdf_sha256, "size": document.pdf_size},
        "replaces": document.replaces,
        "recipients": list(document.recipients),
    }


def _profile(bundle: Bundle) -> Mapping[str, Any]:
    found = bundle.regulation.get("documents")
    return found if isinstance(found, Mapping) else {}


def _day(asked: Asked) -> str:
    return asked.day.isoformat() if asked.day is not None else ""


def _kept(services: Any, content: bytes) -> str:
    sha256 = hashlib.sha256(content).hexdigest()
    services.files.adopt(io.BytesIO(content), sha256)
    return sha256


def _last(kind: str, year: int) -> Any:
    numbers = document_numbers.c
    return select(numbers.last).where(numbers.kind == kind, numbers.year == year)


def _next(conn: Connection, kind: str, year: int) -> Any:
    dialect: Any = postgresql if conn.dialect.name == "postgresql" else sqlite
    return (
        dialect.insert(document_numbers)
        .values(kind=kind, year=year, last=1)
        .on_conflict_do_update(index_elements=["kind", "year"], set_={"last": document_numbers.c.last + 1})
        .returning(document_numbers.c.last)
    )


def _row(document: Document) -> dict[str, Any]:
    values = {one: getattr(document, one) for one in Document.__slots__ if one != "replaced_by"}
    return {**values, "recipients": json.dumps(list(document.recipients))}
