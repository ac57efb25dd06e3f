"""CSV files for spreadsheets: with a mark of the encoding, and no cell that a spreadsheet would take for a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

DANGEROUS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
"""A cell that begins with one of these, or with blanks before one, may be run as a formula; an apostrophe before it
makes it text (OWASP)."""

Cell = str | int | float | None


def guarded(cell: Cell) -> Cell:
    """The cell as it may stand in a file; numbers and what is no text stay as they are."""
    return guarded_text(cell) if isinstance(cell, str) else cell


def guarded_text(text: str) -> str:
    """The text as a cell that no office program runs."""
    return f"'{text}" if text.lstrip(" ").startswith(DANGEROUS) else text


def written(watermark: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """The file: first a line that says who took it out, when and under which number, then header and rows. UTF-8 with
    a byte order mark, which spreadsheets need to read Chinese."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([guarded(watermark)])
    writer.writerow([guarded(name) for name in header])
    writer.writerows([guarded(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")
