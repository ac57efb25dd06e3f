"""CSV files for spreadsheets: with a mark of the encoding, and no cell that a spreadsheet would take for a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

DANGEROUS: Final = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins with one of these may be run as a formula; an apostrophe before it makes it text."""

Cell = str | int | float | None


def guarded(cell: Cell) -> Cell:
    """The cell as it may stand in a file; numbers and what is no text stay as they are."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(DANGEROUS) else cell


def written(watermark: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """The file: first a line that says who took it out, when and under which number, then header and rows. UTF-8 with
    a byte order mark, which spreadsheets need to read Chinese."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([guarded(watermark)])
    writer.writerow([guarded(name) for name in header])
    writer.writerows([guarded(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")
