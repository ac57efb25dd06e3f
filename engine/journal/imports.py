"""Streams that came from another instance in an archive package: where from, and what that instance's log says of them.

Their entries lie among the others, byte for byte. They are sealed in this instance's own tree like all others; the
proofs of the tree they come from lie in the package, which is kept as a file.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Connection, Integer, Table, Text, select

from .schema import metadata

STREAM: Final = "_imports"
"""Journal stream that keeps which package was imported when and by whom."""

imported_streams = Table(
    "imported_streams",
    metadata,
    Column("case_id", Text, primary_key=True, comment="the imported case"),
    Column("entries", Integer, nullable=False, comment="how many entries came with it; there are never more"),
    Column("origin", Text, nullable=False, comment="name of the log it was sealed in, '' when it was not sealed"),
    Column("checkpoint", Text, nullable=False, comment="newest checkpoint of that log in the package, the signed note"),
    Column("package", Text, nullable=False, comment="sha256 of the package, hex; kept in the file store"),
    Column("at", Text, nullable=False, comment="instant of the import, UTC"),
    Column("actor", Text, nullable=False, comment="who imported it"),
    comment="Cases that came from another instance: to be read, never to be carried on",
)


def is_imported(conn: Connection, case_id: str) -> bool:
    """Whether the case came in a package; such a case takes no command."""
    found = conn.execute(select(imported_streams.c.case_id).where(imported_streams.c.case_id == case_id)).first()
    return found is not None


def origins(conn: Connection) -> dict[str, str]:
    """case -> log it was sealed in, of every imported case."""
    return {
        row.case_id: row.origin for row in conn.execute(select(imported_streams.c.case_id, imported_streams.c.origin))
    }
