"""The report of a case as PDF: A4, the Chinese font embedded as a subset, the watermark on every page."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from fpdf import FPDF
from fpdf.enums import MethodReturnValue, TableBordersLayout, WrapMode
from fpdf.fonts import FontFace, TTFFont

from . import fonts
from .report import CaseReport, Grid, Pairs, Section

FONT: Final = "chinese"
BLUE: Final = (31, 78, 121)
RED: Final = (138, 31, 17)
GREY: Final = (90, 90, 90)
LINE: Final = 4.8
"""Height of a line in a table, mm."""
HIGHEST: Final = 40
"""Lines of one row; a page takes some ten more."""
SHORT: Final = 300
"""Characters that need fewer lines than HIGHEST in the narrowest column."""
LONGEST: Final = 4_000
"""Characters of one cell; what is longer stays whole in the HTML report and in the entries, and is visibly cut here."""


class _Page(FPDF):
    """`mark`: the watermark line."""

    mark = ""

    def footer(self) -> None:
        self.set_y(-14)
        self.set_font(FONT, size=8)
        self.set_text_color(*RED)
        self.cell(0, 5, f"{self.mark}　　第 {self.page_no()} / {{nb}} 页", align="C")
        self.set_text_color(0, 0, 0)


def pdf(report: CaseReport, watermark: str, notice: str, at: datetime, font: Path) -> bytes:
    """The file. `at`: instant of the export, the only time in it; the same report and mark give the same bytes."""
    page = _Page(format="A4")
    page.mark = watermark
    page.set_creation_date(at)
    page.set_title(f"{report.case_id} {report.title}")
    page.set_author(watermark)
    page.set_lang("zh-CN")
    page.set_margins(14, 14, 14)
    page.set_auto_page_break(True, margin=20)
    with fonts.embedded(page, FONT, font):
        page.add_page()
        page.set_font(FONT, size=17)
        page.multi_cell(0, 9, "案件归档报告", new_x="LMARGIN", new_y="NEXT")
        page.set_font(FONT, size=11)
        page.multi_cell(
            0,
            6,
            _shown(page, f"{report.case_id}　{report.title}"),
            new_x="LMARGIN",
            new_y="NEXT",
            wrapmode=WrapMode.CHAR,
        )
        page.set_font(FONT, size=8.5)
        page.set_text_color(*GREY)
        page.multi_cell(0, 5, _shown(page, notice), new_x="LMARGIN", new_y="NEXT", wrapmode=WrapMode.CHAR)
        page.set_text_color(0, 0, 0)
        for section in report.sections:
            _section(page, section)
        return bytes(page.output())


def _section(page: _Page, section: Section) -> None:
    if page.will_page_break(26):
        page.add_page()
    page.ln(4)
    page.set_font(FONT, size=12.5)
    page.set_text_color(*BLUE)
    page.start_section(section.title)
    page.multi_cell(0, 8, section.title, new_x="LMARGIN", new_y="NEXT", border="B")
    page.set_text_color(0, 0, 0)
    page.ln(1.5)
    for block in section.blocks:
        if isinstance(block, Pairs):
            _pairs(page, block)
        else:
            _grid(page, block)
    if not section.blocks:
        page.set_font(FONT, size=9)
        page.multi_cell(0, 5, section.empty, new_x="LMARGIN", new_y="NEXT")


def _pairs(page: _Page, block: Pairs) -> None:
    if block.title:
        if page.will_page_break(18):
            page.add_page()
        page.set_font(FONT, size=9.5)
        text = _shown(page, f"{block.title}　　{block.note}")
        page.multi_cell(0, 6, text, new_x="LMARGIN", new_y="NEXT", wrapmode=WrapMode.CHAR)
    _table(page, block.rows, (24, 76), ())


def _grid(page: _Page, block: Grid) -> None:
    _table(page, block.rows, block.widths, block.head)


def _table(page: _Page, rows: tuple[tuple[str, ...], ...], widths: tuple[int, ...], head: tuple[str, ...]) -> None:
    page.set_font(FONT, size=8.5)
    page.set_draw_color(190, 190, 190)
    with page.table(
        borders_layout=TableBordersLayout.ALL,
        col_widths=widths,
        first_row_as_headings=bool(head),
        headings_style=FontFace(fill_color=(238, 243, 248)),
        line_height=LINE,
        padding=1,
        text_align="LEFT",
        v_align="TOP",
        width=page.epw,
        wrapmode=WrapMode.CHAR,
    ) as table:
        if head:
            table.row([_shown(page, cell) for cell in head])
        for row in rows:
            for part in _parts(page, row, widths):
                table.row(part)
    page.ln(1.5)


def _parts(page: _Page, row: tuple[str, ...], widths: tuple[int, ...]) -> Iterator[list[str]]:
    """The row as one or more rows, none of them higher than a page takes."""
    cells = []
    for cell, share in zip(row, widths, strict=True):
        text = _shown(page, cell)
        if len(text) > SHORT or text.count("\n") > HIGHEST:
            width = page.epw * share / sum(widths)
            lines: Any = page.multi_cell(
                width, LINE, text, dry_run=True, output=MethodReturnValue.LINES, wrapmode=WrapMode.CHAR, padding=1
            )
            cells.append(["\n".join(lines[at : at + HIGHEST]) for at in range(0, len(lines), HIGHEST)])
        else:
            cells.append([text])
    for at in range(max(map(len, cells))):
        yield [cell[at] if at < len(cell) else "" for cell in cells]


def _shown(page: _Page, text: str) -> str:
    """The text as the font can print it: control characters away; a character without a glyph becomes `□`."""
    font = page.fonts[FONT]
    assert isinstance(font, TTFFont)
    glyphs = font.cmap
    kept = "".join(
        one if one == "\n" or ord(one) in glyphs else "□"
        for one in unicodedata.normalize("NFC", text)
        if one == "\n" or unicodedata.category(one)[0] != "C"
    )
    return kept if len(kept) <= LONGEST else f"{kept[:LONGEST]}……（余下 {len(kept) - LONGEST} 字见 HTML 报告）"
