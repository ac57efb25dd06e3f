"""Tables that somebody brings: a CSV file in any usual encoding, or an Excel workbook. Rows are read one by one; a file
that unpacks to far more than it is, or has more cells than a table of people can have, is refused."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import chain
from typing import Any, BinaryIO, Final

from openpyxl import Workbook, load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from engine.domain.rejection import Rejection

from .csv_file import Cell, guarded, guarded_text

MOST_ROWS: Final = 50_000
MOST_COLUMNS: Final = 100
MOST_CELL: Final = 32_767
"""Characters of a cell, as in Excel; the rest of a longer one is cut, and the field's own limit then refuses it."""
MOST_BYTES: Final = 20 * 1024 * 1024
MOST_UNPACKED: Final = 200 * 1024 * 1024
"""Bytes all parts of a workbook may unpack to: 50,000 rows of long posts stay below."""
ENCODINGS: Final = ("utf-8-sig", "gb18030")
"""In this order: text in GB 18030 is hardly ever valid UTF-8, while nearly any bytes are valid GB 18030."""
MOST_TITLE: Final = 31
FORBIDDEN_IN_TITLES: Final = re.compile(r"[\[\]:*?/\\]")
"""Excel refuses a sheet whose title is longer or has one of these."""
_DELIMITERS: Final = ",;\t|"

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table. `header`: names of its columns; `form`: csv or xlsx; `encoding`: of a CSV file."""

    header: tuple[str, ...]
    form: str
    encoding: str
    _content: bytes
    _delimiter: str = ","

    def rows(self) -> Iterator[tuple[int, Row]]:
        """(number as a spreadsheet shows it, cells) of each row that is not blank; may be asked for again and again.
        Raises TooMany behind MOST_ROWS."""
        found = _csv(self._content, self.encoding, self._delimiter) if self.form == "csv" else _xlsx(self._content)
        width = len(self.header)
        for taken, (number, row) in enumerate(_below_header(found)):
            if taken >= MOST_ROWS:
                raise TooMany(MOST_ROWS)
            yield number, (*row[:width], *([None] * (width - len(row))))


class TooMany(Exception):
    """More rows than are taken; the argument says how many are."""


def opened(stream: BinaryIO, form: str) -> Sheet | Rejection:
    """The table in a file; `form` is csv or xlsx. Refused (`invalid`): too large, not readable, without a header."""
    content = stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        return _refused("sheet.too_large", limit=MOST_BYTES // 1024 // 1024)
    try:
        if form == "csv":
            return _opened_csv(content)
        if not _unpacks_to_little(content):
            return _refused("sheet.bomb")
        header = _header(_xlsx(content))
    except (csv.Error, zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, OSError, SyntaxError):
        return _refused("sheet.unreadable")
    return _with_header(header, Sheet((), "xlsx", "", content))


def _opened_csv(content: bytes) -> Sheet | Rejection:
    encoding = encoding_of(content)
    if encoding is None:
        return _refused("sheet.encoding")
    text = content.decode(encoding)
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(_DELIMITERS, key=lambda mark: (first.count(mark), mark == ","))
    header = _header(_csv(content, encoding, delimiter))
    return _with_header(header, Sheet((), "csv", encoding, content, delimiter))


def encoding_of(content: bytes) -> str | None:
    """`utf-16` with its mark, `utf-8-sig`, `gb18030`, or None for what is no text in any of them."""
    for encoding in ("utf-16",) if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ENCODINGS:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return None if "\0" in text else encoding
    return None


def _with_header(header: Row, sheet: Sheet) -> Sheet | Rejection:
    names = [plain(cell).strip()[:100] for cell in header[:MOST_COLUMNS]]
    while names and not names[-1]:
        names.pop()
    if not names:
        return _refused("sheet.no_header")
    return Sheet(tuple(names), sheet.form, sheet.encoding, sheet._content, sheet._delimiter)


def _header(rows: Iterator[tuple[int, Row]]) -> Row:
    """The first row; the second where the first has one cell only: a title, or the line that says who took a file out
    of this system."""
    first = next(rows, (0, ()))[1]
    if _filled(first) == 1 and _filled(second := next(rows, (0, ()))[1]) > 1:
        return second
    return first


def _below_header(rows: Iterator[tuple[int, Row]]) -> Iterator[tuple[int, Row]]:
    first = next(rows, (0, ()))
    if _filled(first[1]) != 1:
        yield from rows
        return
    second = next(rows, None)
    if second is not None and _filled(second[1]) <= 1:
        yield second
    yield from rows


def _filled(row: Row) -> int:
    return sum(cell is not None and str(cell).strip() != "" for cell in row)


def plain(cell: Any) -> str:
    """A cell as text: instants as `2026-03-02 09:12:00`, whole numbers without `.0`, without the apostrophe that
    our own files have before what looks like a formula."""
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.isoformat(" ", "seconds")
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    text = str(cell)[:MOST_CELL]
    return text[1:] if text.startswith("'") and guarded_text(text[1:]) == text else text


def workbook(mark: str, title: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """An Excel file of one sheet: first who took it out, then header and rows. No text in it is run as a formula."""
    return book(mark, [(title, header, rows)])


def book(mark: str, parts: Iterable[tuple[str, Sequence[str], Iterable[Sequence[Cell]]]]) -> bytes:
    """An Excel file of several sheets (title, header, rows), each as that of `workbook`. Titles must differ."""
    made_of = Workbook(write_only=True)
    for title, header, rows in parts:
        sheet = made_of.create_sheet(FORBIDDEN_IN_TITLES.sub(" ", title)[:MOST_TITLE])
        for row in chain(([mark], header), rows):
            sheet.append([guarded(cell) for cell in row])
    made = io.BytesIO()
    made_of.save(made)
    return made.getvalue()


def _csv(content: bytes, encoding: str, delimiter: str) -> Iterator[tuple[int, Row]]:
    lines = io.TextIOWrapper(io.BytesIO(content), encoding, newline="")
    csv.field_size_limit(1024 * 1024)
    for number, row in enumerate(csv.reader(lines, delimiter=delimiter), 1):
        cells = tuple(cell[:MOST_CELL] for cell in row[:MOST_COLUMNS])
        if any(cell.strip() for cell in cells):
            yield number, cells


def _xlsx(content: bytes) -> Iterator[tuple[int, Row]]:
    """The first sheet with anything in it is the one; formulas count as what they last came to."""
    book = load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
    try:
        sheet = book.worksheets[0]
        for number, row in enumerate(sheet.iter_rows(max_col=MOST_COLUMNS, values_only=True), 1):
            if number > MOST_ROWS * 4:  # blank rows up to the end of the sheet
                return
            if any(cell not in (None, "") for cell in row):
                yield number, tuple(cell[:MOST_CELL] if isinstance(cell, str) else cell for cell in row)
    finally:
        book.close()


def _unpacks_to_little(content: bytes) -> bool:
    """Whether every part, really unpacked, keeps within the limit (sizes that an archive states may be lies), and none
    defines entities."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        left = MOST_UNPACKED
        for entry in archive.infolist():
            with archive.open(entry) as part:
                while chunk := part.read(1024 * 1024):
                    left -= len(chunk)
                    # A definition may expand to gigabytes; no office program writes any.
                    if left < 0 or b"<!ENTITY" in chunk.replace(b"\0", b""):
                        return False
    return True


def _refused(key: str, **details: object) -> Rejection:
    return Rejection("invalid", key, details)
