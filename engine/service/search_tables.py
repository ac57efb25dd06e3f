"""Tables of the full-text search: the texts, and which pairs of characters occur in each.

Chinese has no spaces, and neither SQLite's nor PostgreSQL's own index takes words of two characters. Pairs of
characters in a table of their own work alike on both: they narrow, the text itself decides.
"""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint

from engine.journal.schema import metadata

search_texts = Table(
    "search_texts",
    metadata,
    Column("number", Integer, primary_key=True, comment="running number"),
    Column("kind", Text, nullable=False, comment="case, item or document"),
    Column("ref", Text, nullable=False, comment="case number, or number of the item or document"),
    Column("case_id", Text, nullable=False, comment="case it belongs to, '' for none"),
    Column("title", Text, nullable=False, comment="as shown"),
    Column("body", Text, nullable=False, comment="as shown, cut to what is searched"),
    Column("plain", Text, nullable=False, comment="title and body as they are compared"),
    Column("at", Text, nullable=False, comment="instant by which results are ordered, UTC"),
    Column("stamp", Text, nullable=False, comment="state of the source that this was made of"),
    UniqueConstraint("kind", "ref"),
    Index("search_texts_by_time", "at"),
    comment="What can be found, made anew from cases, items and documents; may be deleted and is made again",
)

search_grams = Table(
    "search_grams",
    metadata,
    Column("gram", Text, primary_key=True, comment="two characters that follow each other, or the last of a run"),
    Column("number", Integer, ForeignKey(search_texts.c.number), primary_key=True, comment="text it occurs in"),
    Index("search_grams_by_number", "number"),
    comment="Pairs of characters -> texts",
    sqlite_with_rowid=False,
)

search_marks = Table(
    "search_marks",
    metadata,
    Column("kind", Text, primary_key=True, comment="case, item or document"),
    Column("mark", Text, nullable=False, comment="up to where the source has been read"),
    comment="How far the search has read",
)
