"""The PDF of a .docx, laid out here: there is no word processor on the server, and an office's template must do.

Lines are broken as Chinese is (no mark of punctuation begins a line), tables have merged cells and repeat their
heads, pages are numbered. One font for everything, bold by drawing it thicker. Lengths are points.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from fpdf import FPDF
from fpdf.enums import TextMode
from fpdf.fonts import TTFFont

from . import docx_blocks, fonts
from .docx_blocks import BREAK, PAGE, PAGES, Cell, Look, Paragraph, Row, Shape, Table

FONT: Final = "chinese"
NATURAL: Final = 1.3
"""Height of a line of Chinese, in sizes of its letters, where the template asks for no other."""
ASCENT: Final = 0.88
PADDING: Final = 5.4
"""Left and right of a cell's text, as Word has it."""
TAB: Final = 36.0
HEAVIER: Final = 0.028
"""Width of the line around bold letters, in sizes."""
NOT_FIRST: Final = frozenset("，。、；：？！）》」』】〕”’…·％%,.;:?!)]}~—")
NOT_LAST: Final = frozenset("（《「『【〔“‘([{")
GREY: Final = (222, 222, 222)


@dataclass(frozen=True, slots=True)
class Glyph:
    """A letter, or a field that stands for a number."""

    text: str
    look: Look
    width: float


@dataclass(frozen=True, slots=True)
class Line:
    """`indent`: from the left of its paragraph. `shape`: None but for the paragraph's last line."""

    glyphs: tuple[Glyph, ...]
    height: float
    indent: float
    align: str
    before: float = 0.0
    after: float = 0.0
    below: tuple[tuple[int, int, int], float] | None = None

    @property
    def width(self) -> float:
        return sum(one.width for one in self.glyphs)


@dataclass(slots=True)
class Canvas:
    """What is drawn on one page."""

    texts: list[tuple[float, float, tuple[Glyph, ...]]] = field(default_factory=list)
    lines: list[tuple[float, float, float, float, tuple[int, int, int], float]] = field(default_factory=list)
    fills: list[tuple[float, float, float, float, tuple[int, int, int]]] = field(default_factory=list)


def pdf(content: bytes, font: Path, at: datetime, mark: str = "") -> bytes:
    """The PDF of a .docx. `at`: its date; `mark`: across every page, "" for none. The same input gives the same
    bytes."""
    sheet = docx_blocks.read(content)
    paper = FPDF(unit="pt", format=(sheet.width, sheet.height))
    paper.set_creation_date(at)
    with fonts.embedded(paper, FONT, font) as found:
        return _Layout(sheet, paper, found, mark).made()


class _Layout:
    def __init__(self, sheet: docx_blocks.Sheet, paper: FPDF, font: TTFFont, mark: str) -> None:
        self.sheet = sheet
        self.mark = mark
        self.paper = paper
        self.paper.set_lang("zh-CN")
        self.paper.set_title(sheet.title)
        self.paper.set_auto_page_break(False)
        self.known = font.cmap
        self.widths = font.cw
        top, right, bottom, left = sheet.margins
        self.left, self.room = left, sheet.width - left - right
        head = sheet.header_at + sum(self._height(self._lines(self._all(sheet.header), self.room)))
        self.top, self.bottom = max(top, head), sheet.height - bottom
        self.pages = [Canvas()]
        self.y = self.top

    def made(self) -> bytes:
        """Lays everything out, then draws it: only then is known how many pages there are."""
        blocks = list(self.sheet.blocks)
        for number, block in enumerate(blocks):
            if isinstance(block, Table):
                self._table(block)
            else:
                self._paragraph(block, blocks[number + 1 :])
        for number, canvas in enumerate(self.pages, 1):
            self._edges(canvas, number)
            self._draw(canvas, number)
        return bytes(self.paper.output())

    # paragraphs

    def _paragraph(self, one: Paragraph, following: Sequence[Paragraph | Table]) -> None:
        if one.shape.new_page and self.y > self.top:
            self._new_page()
        for number, part in enumerate(_parts(one)):
            if number:
                self._new_page()
            lines = self._lines([part], self.room)
            if one.shape.keep_next and self.y > self.top:
                needed = sum(self._height(lines)) + self._with(following)
                if self.y + needed > self.bottom and needed < self.bottom - self.top:
                    self._new_page()
            self._lay(lines)

    def _with(self, following: Sequence[Paragraph | Table]) -> float:
        """Height of what a paragraph must stay together with: up to the first lines of one that need not."""
        height = 0.0
        for block in following:
            if isinstance(block, Table):
                return height + 60.0
            lines = self._lines([block], self.room)
            if not block.shape.keep_next:
                # A short paragraph goes to the next page as a whole, see `_lay`.
                return height + sum(self._height(lines if len(lines) <= 3 else lines[:2]))
            height += sum(self._height(lines))
        return height

    def _lay(self, lines: Sequence[Line]) -> None:
        """The lines of a paragraph, on one page or more; none of them stands alone on a page."""
        waiting = list(lines)
        while waiting:
            fit, y = 0, self.y
            for height in self._height(waiting):
                # What follows the last line of a page need not have room.
                if y + height - waiting[fit].after > self.bottom + 0.5:
                    break
                fit, y = fit + 1, y + height
            if fit == len(waiting) - 1 and fit > 0:
                fit -= 1
            if fit == 1 and len(waiting) > 1:
                fit = 0
            if fit == 0 and self.y <= self.top:
                fit = max(1, min(len(waiting), 2))
            for line in waiting[:fit]:
                self.y = self._put(self.pages[-1], line, self.left, self.y, self.room)
            waiting = waiting[fit:]
            if waiting:
                self._new_page()

    def _all(self, blocks: Iterable[Paragraph | Table]) -> list[Paragraph]:
        """Paragraphs in order, those in tables too (a table inside a cell, or in a header, is not drawn as one)."""
        found: list[Paragraph] = []
        for block in blocks:
            if isinstance(block, Paragraph):
                found.append(block)
            else:
                found += [one for row in block.rows for cell in row.cells for one in self._all(cell.blocks)]
        return found

    def _lines(self, paragraphs: Iterable[Paragraph], room: float) -> list[Line]:
        found: list[Line] = []
        for one in paragraphs:
            shape, made = one.shape, []
            width = room - shape.left - shape.right
            for number, glyphs in enumerate(self._broken(one, width)):
                indent = shape.left + (shape.first if number == 0 else 0.0)
                size = max((glyph.look.size for glyph in glyphs), default=one.end.size)
                made.append(Line(glyphs, _line_height(shape, size), indent, shape.align))
            first, last = made[0], made[-1]
            if len(made) == 1:
                found.append(
                    Line(first.glyphs, first.height, first.indent, first.align, shape.before, shape.after, shape.below)
                )
            else:
                found.append(Line(first.glyphs, first.height, first.indent, first.align, before=shape.before))
                found += made[1:-1]
                found.append(
                    Line(last.glyphs, last.height, last.indent, last.align, after=shape.after, below=shape.below)
                )
        return found

    def _height(self, lines: Iterable[Line]) -> Iterator[float]:
        return (line.before + line.height + line.after for line in lines)

    def _broken(self, one: Paragraph, width: float) -> Iterator[tuple[Glyph, ...]]:
        """The letters of a paragraph, line by line; at least one line."""
        glyphs = [glyph for text, look in one.runs for glyph in self._glyphs(text, look)]
        line: list[Glyph] = []
        room = max(width - one.shape.first, 12.0)
        used = 0.0
        for glyph in glyphs:
            if glyph.text == "\n":
                yield tuple(line)
                line, used, room = [], 0.0, max(width, 12.0)
                continue
            if used + glyph.width > room + 0.01 and line and glyph.text != " ":
                at = _break(line, glyph)
                yield tuple(line[:at])
                line = line[at:]
                while line and line[0].text == " ":
                    line.pop(0)
                used, room = sum(rest.width for rest in line), max(width, 12.0)
            line.append(glyph)
            used += glyph.width
        yield tuple(line)

    def _glyphs(self, text: str, look: Look) -> Iterator[Glyph]:
        for one in unicodedata.normalize("NFC", text):
            if one in (PAGE, PAGES):
                yield Glyph(one, look, look.size * 0.56)
            elif one == "\t":
                yield Glyph(" ", look, TAB)
            elif one == "\n":
                yield Glyph(one, look, 0.0)
            elif unicodedata.category(one) in ("Cf", "Mn", "Me") and ord(one) not in self.known:
                continue  # what joins or varies emoji
            elif unicodedata.category(one)[0] != "C":
                shown = one if ord(one) in self.known else "□"
                yield Glyph(shown, look, self.widths[ord(shown)] * look.size / 1000.0)

    def _put(self, canvas: Canvas, line: Line, left: float, y: float, room: float) -> float:
        """Draws a line of text at `y`; returns where the next begins."""
        y += line.before
        spare = room - line.indent - line.width
        shift = {"center": spare / 2, "right": spare}.get(line.align, 0.0)
        size = max((glyph.look.size for glyph in line.glyphs), default=0.0)
        base = y + (line.height - size) / 2 + size * ASCENT
        if line.glyphs:
            canvas.texts.append((left + line.indent + max(shift, 0.0), base, line.glyphs))
        y += line.height
        if line.below is not None:
            canvas.lines.append((left, y + 2, left + room, y + 2, *line.below))
        return y + line.after

    # tables

    def _table(self, table: Table) -> None:
        widths = list(table.widths)
        if not widths:
            return
        total = sum(widths)
        if not total or total > self.room + 12:
            widths = [one * self.room / total if total else self.room / len(widths) for one in widths]
        left = self.left + ((self.room - sum(widths)) / 2 if table.align == "center" else 0.0)
        edges = [left]
        for one in widths:
            edges.append(edges[-1] + one)
        heads = [row for row in table.rows if row.head]
        for number, row in enumerate(table.rows):
            height = self._row_height(row, edges, table.rows[number:])
            # A head must not stand alone at the foot of a page.
            with_next = (
                self._row_height(table.rows[number + 1], edges, []) if row.head and table.rows[number + 1 :] else 0.0
            )
            if self.y + height + min(with_next, 200.0) > self.bottom and self.y > self.top:
                self._new_page()
                for head in heads if not row.head else ():
                    self._row(head, edges, self._row_height(head, edges, [head]), table.lines)
            following = table.rows[number + 1] if number + 1 < len(table.rows) else None
            self._long_row(row, edges, height, table.lines, following)

    def _row_height(self, row: Row, edges: Sequence[float], onward: Sequence[Row]) -> float:
        """As high as its highest cell; a cell merged downward takes what it needs beyond the rows under it from
        this."""
        heights = [row.least]
        for cell in row.cells:
            if cell.merged:
                continue
            height = sum(self._height(self._cell_lines(cell, edges)))
            if cell.starts:
                for other in onward[1:]:
                    if not any(one.merged and one.column == cell.column for one in other.cells):
                        break
                    height -= max(
                        (sum(self._height(self._cell_lines(one, edges))) for one in other.cells if not one.merged),
                        default=0.0,
                    )
            heights.append(height)
        return max(heights)

    def _cell_lines(self, cell: Cell, edges: Sequence[float]) -> list[Line]:
        width = edges[cell.column + cell.span] - edges[cell.column] - 2 * PADDING
        return self._lines(self._all(cell.blocks), width)

    def _long_row(self, row: Row, edges: Sequence[float], height: float, lined: bool, following: Row | None) -> None:
        """A row, cut where it is higher than a page."""
        if height <= self.bottom - self.top:
            self._row(row, edges, height, lined, following=following)
            return
        waiting = {cell: self._cell_lines(cell, edges) for cell in row.cells}
        while any(waiting.values()):
            part: dict[Cell, list[Line]] = {}
            for cell, lines in waiting.items():
                taken, used = 0, 0.0
                for needed in self._height(lines):
                    if self.y + used + needed > self.bottom and (taken or self.y > self.top):
                        break
                    taken, used = taken + 1, used + needed
                part[cell], waiting[cell] = lines[:taken], lines[taken:]
            tallest = max(sum(self._height(lines)) for lines in part.values())
            if tallest:
                self._row(row, edges, tallest, lined, part)
            if any(waiting.values()):
                self._new_page()

    def _row(
        self, row: Row, edges: Sequence[float], height: float, lined: bool,
        part: dict[Cell, list[Line]] | None = None, following: Row | None = None,
    ) -> None:  # fmt: skip
        canvas, top = self.pages[-1], self.y
        goes_on = {cell.column for cell in following.cells if cell.merged} if following is not None else set()
        for cell in row.cells:
            left, right = edges[cell.column], edges[cell.column + cell.span]
            lines = self._cell_lines(cell, edges) if part is None else part[cell]
            if cell.shade is not None:
                canvas.fills.append((left, top, right - left, height, cell.shade))
            y = top
            if cell.centred and not cell.starts:
                y += max(0.0, (height - sum(self._height(lines))) / 2)
            for line in () if cell.merged else lines:
                y = self._put(canvas, line, left + PADDING, y, right - left - 2 * PADDING)
            if lined:
                black = (0, 0, 0)
                canvas.lines += [
                    (left, top, left, top + height, black, 0.5),
                    (right, top, right, top + height, black, 0.5),
                ]
                canvas.lines += [] if cell.merged else [(left, top, right, top, black, 0.5)]
                if cell.column not in goes_on:
                    canvas.lines.append((left, top + height, right, top + height, black, 0.5))
        self.y = top + height

    # pages

    def _new_page(self) -> None:
        self.pages.append(Canvas())
        self.y = self.top

    def _edges(self, canvas: Canvas, number: int) -> None:
        y = self.sheet.header_at
        for line in self._lines(self._all(self.sheet.header), self.room):
            y = self._put(canvas, line, self.left, y, self.room)
        foot = self._lines(self._all(self.sheet.footer), self.room)
        y = self.sheet.height - self.sheet.footer_at - sum(self._height(foot))
        for line in foot:
            y = self._put(canvas, line, self.left, y, self.room)

    def _draw(self, canvas: Canvas, number: int) -> None:
        paper = self.paper
        paper.add_page()
        if self.mark:
            self._watermark()
        for x, y, width, height, colour in canvas.fills:
            paper.set_fill_color(*colour)
            paper.rect(x, y, width, height, style="F")
        for x, y, to_x, to_y, colour, width in canvas.lines:
            paper.set_draw_color(*colour)
            paper.set_line_width(width)
            paper.line(x, y, to_x, to_y)
        for x, y, glyphs in canvas.texts:
            for look, text, width in _runs(glyphs, number, len(self.pages)):
                self._text(x, y, text, look)
                if look.underline:
                    paper.set_line_width(look.size / 18)
                    paper.line(x, y + look.size * 0.12, x + width, y + look.size * 0.12)
                x += width

    def _text(self, x: float, y: float, text: str, look: Look) -> None:
        paper = self.paper
        paper.set_font(FONT, size=look.size)
        paper.set_text_color(*look.colour)
        paper.set_draw_color(*look.colour)
        if not look.bold:
            paper.text(x, y, text)
            return
        # A context of its own: the mode would stay in force for the rest of the page.
        with paper.local_context(text_mode=TextMode.FILL_STROKE, line_width=look.size * HEAVIER):
            paper.text(x, y, text)

    def _watermark(self) -> None:
        """Light, slanted, so often that no part of a page is without it."""
        paper = self.paper
        paper.set_font(FONT, size=15)
        paper.set_text_color(*GREY)
        text = "".join(glyph.text for glyph in self._glyphs(self.mark, Look(15.0)))
        width = paper.get_string_width(text)
        for share in (0.28, 0.55, 0.82):
            x, y = (self.sheet.width - width * 0.87) / 2, self.sheet.height * share + width * 0.25
            with paper.rotation(30, x, y):
                paper.text(x, y, text)


def _parts(one: Paragraph) -> Iterator[Paragraph]:
    """The paragraph, cut where it asks for a new page."""
    runs: list[tuple[str, Look]] = []
    for text, look in one.runs:
        pieces = text.split(BREAK)
        for number, piece in enumerate(pieces):
            if number:
                yield Paragraph(tuple(runs), one.shape, one.end)
                runs = []
            runs += [(piece, look)] if piece else []
    yield Paragraph(tuple(runs), one.shape, one.end)


def _line_height(shape: Shape, size: float) -> float:
    if shape.rule == "exact":
        return shape.line
    natural = size * NATURAL
    return max(natural, shape.line) if shape.rule == "atLeast" else natural * shape.line


def _break(line: Sequence[Glyph], following: Glyph) -> int:
    """How many letters of a full line stay on it when `following` does not fit."""
    letters = [glyph.text for glyph in line] + [following.text]
    for at in range(len(line), 0, -1):
        before, after = letters[at - 1], letters[at]
        if after in NOT_FIRST or before in NOT_LAST or (_latin(before) and _latin(after)):
            continue
        return at
    return len(line)


def _latin(letter: str) -> bool:
    return letter.isascii() and not letter.isspace() and letter not in "-/,;"


def _runs(glyphs: Iterable[Glyph], number: int, count: int) -> Iterator[tuple[Look, str, float]]:
    """Letters of the same look together; a wide space apart, for a text knows no tabs."""
    look: Look | None = None
    text, width = "", 0.0
    for glyph in glyphs:
        shown = {PAGE: str(number), PAGES: str(count)}.get(glyph.text, glyph.text)
        tab = glyph.text == " " and glyph.width == TAB
        if look is not None and (glyph.look != look or tab):
            yield look, text, width
            text, width = "", 0.0
        look, text, width = glyph.look, text + ("" if tab else shown), width + glyph.width
    if look is not None and text:
        yield look, text, width
