"""The PDF that is laid out from a .docx: its text, its pages, its tables, its marks."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from docx import Document
from docx.enum.text import WD_BREAK
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Pt
from fpdf import FPDF

from engine.service import document_layouts, document_template, docx_blocks, docx_pdf, fonts
from engine.service.document_kinds import KINDS
from engine.service.docx_blocks import Look
from engine.service.docx_pdf import NOT_FIRST, NOT_LAST
from tests.support import word

AT = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
FONT = fonts.chinese()


def laid_out(content: bytes) -> docx_pdf._Layout:
    paper = FPDF(unit="pt")
    with fonts.embedded(paper, docx_pdf.FONT, FONT) as font:
        return docx_pdf._Layout(docx_blocks.read(content), paper, font, "")


def pages(docx: bytes, mark: str = "") -> list[str]:
    return word.pdf_text(docx_pdf.pdf(docx, FONT, AT, mark))


def flat(text: str) -> str:
    return re.sub(r"\s", "", text)


@pytest.mark.parametrize("kind", ["assignment", "late_report", "briefing_daily"])
def test_the_pdf_says_what_the_word_file_says(kind: str):
    docx = document_template.render(
        document_layouts.shipped(kind), KINDS[kind], document_template.example(KINDS[kind]), "", AT
    )

    whole = flat("".join(pages(docx)))

    words = {letters for line in word.text(docx).split("\n") for letters in re.findall(r"\S{1,2}", line)}
    assert sorted(words - {letters for letters in words if letters in whole}) == []
    assert "—1—" in whole and "{{" not in whole


def test_the_same_document_is_the_same_pdf_and_another_mark_is_another():
    docx = word.written("正文")

    assert docx_pdf.pdf(docx, FONT, AT, "甲") == docx_pdf.pdf(docx, FONT, AT, "甲")
    assert docx_pdf.pdf(docx, FONT, AT, "甲") != docx_pdf.pdf(docx, FONT, AT, "乙")


def test_the_watermark_is_on_every_page_and_none_without():
    document = Document()
    for number in range(120):
        document.add_paragraph(f"第{number}行")
    docx = word.saved(document)

    marked, plain = pages(docx, "王芳（wangfang） 导出 第12号"), pages(docx)

    assert len(marked) == len(plain) >= 3
    assert all("导出 第12号" in page for page in marked)
    assert not any("导出" in page for page in plain)


def test_a_cell_higher_than_a_page_is_cut_and_nothing_of_it_lost():
    document = Document()
    table = document.add_table(1, 2, style="Table Grid")
    numbers = [f"<{number}>" for number in range(900)]
    table.cell(0, 0).text, table.cell(0, 1).text = "标签", "".join(numbers)

    found = pages(word.saved(document))

    assert len(found) >= 2
    assert [one for one in numbers if one not in flat("".join(found))] == []


def test_the_head_of_a_table_comes_again_on_every_page():
    document = Document()
    table = document.add_table(80, 2, style="Table Grid")
    for number, row in enumerate(table.rows):
        row.cells[0].text, row.cells[1].text = f"行{number}", "内容"
    table.cell(0, 0).text, table.cell(0, 1).text = "表头", "栏目"
    table.rows[0]._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))

    found = pages(word.saved(document))

    assert len(found) >= 2
    assert all("表头" in page for page in found)
    assert [number for number in range(1, 80) if f"行{number}" not in "\n".join(found)] == []


def test_merged_cells_are_read_with_their_place():
    document = Document()
    table = document.add_table(3, 3, style="Table Grid")
    table.cell(0, 0).merge(table.cell(0, 2)).text = "横"
    table.cell(1, 0).merge(table.cell(2, 0)).text = "纵"

    (block,) = [one for one in docx_blocks.read(word.saved(document)).blocks if isinstance(one, docx_blocks.Table)]

    assert [(cell.column, cell.span, cell.starts, cell.merged) for cell in block.rows[0].cells] == [
        (0, 3, False, False)
    ]
    assert [(cell.column, cell.starts, cell.merged) for cell in block.rows[1].cells][0] == (0, True, False)
    assert [(cell.column, cell.starts, cell.merged) for cell in block.rows[2].cells][0] == (0, False, True)


def test_looks_come_from_runs_styles_and_defaults():
    document = Document()
    document.styles["Normal"].font.size = Pt(16)
    style = document.styles.add_style("标题甲", 1)
    style.base_style, style.font.bold = document.styles["Normal"], True
    paragraph = document.add_paragraph(style="标题甲")
    paragraph.add_run("甲")
    small = paragraph.add_run("乙")
    small.font.size, small.font.bold = Pt(9), False

    block = docx_blocks.read(word.saved(document)).blocks[0]

    assert isinstance(block, docx_blocks.Paragraph)
    assert [(text, look.size, look.bold) for text, look in block.runs] == [("甲", 16.0, True), ("乙", 9.0, False)]


def test_page_breaks_and_fields_for_page_numbers():
    document = Document()
    document.add_paragraph("一").add_run().add_break(WD_BREAK.PAGE)
    document.add_paragraph("二")
    footer = document.sections[0].footer.paragraphs[0]
    for code in ("PAGE", "NUMPAGES"):
        field = OxmlElement("w:fldSimple")
        field.set(qn("w:instr"), f" {code} ")
        footer._p.append(field)
    footer.add_run("页")

    first, second = pages(word.saved(document))

    assert "一" in first and "二" in second
    assert [re.findall(r"[12]{1}", flat(one)) for one in (first, second)] == [["1", "2"], ["2", "2"]]


def test_no_line_begins_with_a_mark_of_punctuation_or_ends_with_an_opening_one():
    document = Document()
    document.add_paragraph("现将有关情况报告如下，（一）已责令停工。“限期整改”；《通知》已下发！" * 30)
    layout = laid_out(word.saved(document))

    lines = layout._lines(layout._all(layout.sheet.blocks), layout.room)

    texts = ["".join(glyph.text for glyph in line.glyphs) for line in lines]
    assert len(texts) > 20
    assert [text for text in texts if text[0] in NOT_FIRST or text[-1] in NOT_LAST] == []
    assert all(line.width <= layout.room + 0.1 for line in lines)


def test_what_the_font_lacks_is_a_box_and_joiners_vanish():
    layout = laid_out(word.written("x"))

    shown = "".join(glyph.text for glyph in layout._glyphs("好👍👨\u200d👩😀𠮷\x07", Look()))

    assert shown.startswith("好□") and "\u200d" not in shown and "\x07" not in shown


def test_a_line_that_stands_alone_takes_another_with_it():
    document = Document()
    for number in range(200):
        document.add_paragraph(f"段{number}" + "字" * 130)

    found = pages(word.saved(document))

    for page in found[1:]:
        body = [line for line in page.split("\n") if line.strip()]
        assert not re.fullmatch(r"字{1,30}", body[0]) or re.fullmatch(r"字+", body[1]), body[:2]


def test_a_heading_stays_with_what_it_is_the_heading_of():
    document = Document()
    for number in range(14):
        for _ in range(9 + number % 5):
            document.add_paragraph("填充")
        document.add_paragraph(f"标题<{number}>").paragraph_format.keep_with_next = True
        document.add_paragraph(f"正文<{number}>" + "字" * 60)

    found = pages(word.saved(document))

    assert len(found) >= 5
    apart = [n for n in range(14) if not any(f"标题<{n}>" in page and f"正文<{n}>" in page for page in found)]
    assert apart == []
