"""Tables of documents (文书): what was made, the templates that came instead of the shipped ones, the last numbers."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, Integer, Table, Text, UniqueConstraint

from engine.journal.append_only import (
    after_create,
    postgresql_guards,
    postgresql_numbering,
    sqlite_guards,
    sqlite_no_replacing,
    sqlite_numbering,
)
from engine.journal.schema import metadata

document_numbers = Table(
    "document_numbers",
    metadata,
    Column("kind", Text, primary_key=True, comment="kind of document"),
    Column("year", Integer, primary_key=True, autoincrement=False, comment="year in Asia/Shanghai"),
    Column("last", Integer, nullable=False, comment="last number that was given"),
    comment="Running numbers of documents by kind and year",
)

made_documents = Table(
    "made_documents",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False, comment="1, 2, 3 ... over all kinds"),
    Column("mark", Text, nullable=False, comment="number as printed, e.g. 许自然资舆交〔2026〕12号"),
    Column("kind", Text, nullable=False, comment="kind of document"),
    Column("case_id", Text, nullable=False, comment="case, '' for a document of a period"),
    Column("case_seq", Integer, nullable=False, comment="last entry of the case that it tells of, 0 for none"),
    Column("subject", Text, nullable=False, comment="which late report, or the day of a briefing, '' for none"),
    Column("title", Text, nullable=False, comment="title of the case, or the period, at that time"),
    Column("at", Text, nullable=False, comment="instant of making, UTC"),
    Column("made_by", Text, nullable=False, comment="login"),
    Column("made_name", Text, nullable=False, comment="his name at that time"),
    Column("template", Text, nullable=False, comment="sha256 of the template, hex"),
    Column("docx_sha256", Text, nullable=False, comment="of the stored .docx, without watermark", index=True),
    Column("docx_size", Integer, nullable=False, comment="bytes"),
    Column("pdf_sha256", Text, nullable=False, comment="of the stored PDF, without watermark", index=True),
    Column("pdf_size", Integer, nullable=False, comment="bytes"),
    Column("replaces", Integer, nullable=False, comment="number of the document that this one replaces, 0 for none"),
    Column("reason", Text, nullable=False, comment="why it replaces that one"),
    Column("recipients", Text, nullable=False, comment="JSON list of the groups it goes to"),
    Column(
        "command_id", Text, nullable=False, unique=True, comment="of the page that asked: sent twice it counts once"
    ),
    UniqueConstraint("mark", "kind"),
    Index("made_documents_by_case", "case_id", "number"),
    Index("made_documents_by_kind", "kind", "number"),
    Index("made_documents_by_replaced", "replaces"),
    comment="Every document that was made. Only ever added to; a correction is a new one that replaces the old",
)

document_templates = Table(
    "document_templates",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False, comment="1, 2, 3 ... over all kinds"),
    Column("kind", Text, nullable=False, comment="kind of document"),
    Column("at", Text, nullable=False, comment="instant from which it is used, UTC"),
    Column("made_by", Text, nullable=False, comment="login of who put it there"),
    Column("reason", Text, nullable=False, comment="why"),
    Column("name", Text, nullable=False, comment="name of the uploaded file, '' for a shipped one"),
    Column("sha256", Text, nullable=False, comment="of the .docx, kept by the file store, hex"),
    Column("size", Integer, nullable=False, comment="bytes"),
    Index("document_templates_by_kind", "kind", "number"),
    comment="Templates; the last of a kind is in use, without any the shipped one. Only ever added to",
)

ADDED_TO: Final = (made_documents, document_templates)
_NAMES: Final = tuple(table.name for table in ADDED_TO)
after_create(
    "sqlite",
    (
        *sqlite_guards(_NAMES),
        *sqlite_numbering(_NAMES),
        sqlite_no_replacing(made_documents.name, ("mark", "kind"), "no_second_mark"),
        sqlite_no_replacing(made_documents.name, ("command_id",), "no_second_command"),
    ),
)
after_create("postgresql", (*postgresql_guards(_NAMES), *postgresql_numbering(_NAMES)))
