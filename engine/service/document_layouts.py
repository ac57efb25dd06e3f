"""The shipped templates, drawn after GB/T 9704—2012 as far as papers inside the bureau follow it.

`python -m engine.service.document_layouts` writes them to forms/documents/; a test holds the files and this module
together. A4, margins 37/35/28/26 mm, bureau in red above a red line, title 二号 宋体 centred, text 三号 仿宋 with
lines of 28 pt, tables 小四. Fonts are those that Windows and WPS bring along; an office that has 方正小标宋 chooses
it in Word.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from docx import Document
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor

from . import docx_package
from .document_kinds import KINDS

FOLDER: Final = Path(__file__).parents[2] / "forms" / "documents"
SONG: Final = "宋体"
FANG: Final = "仿宋"
HEI: Final = "黑体"
FONTS: Final = (SONG, FANG, HEI)
"""Every font that a shipped template names."""
RED: Final = RGBColor(0xC0, 0x10, 0x10)
WIDTH: Final = 156
"""mm between the margins."""
_NO_TIME: Final = datetime(2026, 1, 1, tzinfo=UTC)
CENTRE: Final = WD_ALIGN_PARAGRAPH.CENTER
LEFT: Final = WD_ALIGN_PARAGRAPH.LEFT
RIGHT: Final = WD_ALIGN_PARAGRAPH.RIGHT


def shipped(kind: str) -> bytes:
    """The file of forms/documents/. Raises KeyError for an unknown kind."""
    return (FOLDER / f"{KINDS[kind].kind}.docx").read_bytes()


class Sheet:
    """A document under way."""

    def __init__(self, form: bool = False) -> None:
        self.document = Document()
        section = self.document.sections[0]
        section.page_width, section.page_height = Mm(210), Mm(297)
        # Forms are no letters: narrower above and below, so that one of the usual length is one sheet.
        section.top_margin, section.bottom_margin = (Mm(28), Mm(26)) if form else (Mm(37), Mm(35))
        section.left_margin, section.right_margin = Mm(28), Mm(26)
        section.footer_distance = Mm(16) if form else Mm(25)
        style: Any = self.document.styles["Normal"]
        _font(style.element.get_or_add_rPr(), FANG)
        style.font.size = Pt(16)
        language = OxmlElement("w:lang")
        language.set(qn("w:val"), "zh-CN")
        language.set(qn("w:eastAsia"), "zh-CN")  # else marks of punctuation stand where Japanese has them
        style.element.rPr.append(language)
        for name in [one.name for one in self.document.styles if one.name not in _KEPT]:
            self.document.styles[name or ""].delete()
        self._page_number(section.footer.paragraphs[0])

    def line(
        self, text: str, font: str = FANG, size: float = 16, *, align: Any = LEFT, bold: bool = False, indent: int = 0,
        colour: RGBColor | None = None, before: float = 0, after: float = 0, exact: float = 28, cell: Any = None,
        under: bool = False,
    ) -> Any:  # fmt: skip
        """A paragraph. `indent`: characters before its first line; `exact`: height of its lines, pt; `under`: a red
        line below it."""
        paragraph = self.document.add_paragraph() if cell is None else _first(cell)
        paragraph.alignment = align
        shape = paragraph.paragraph_format
        shape.space_before, shape.space_after = Pt(before), Pt(after)
        shape.line_spacing_rule, shape.line_spacing = WD_LINE_SPACING.EXACTLY, Pt(exact)
        if indent:
            shape.first_line_indent = Pt(size * indent)
        run = paragraph.add_run(text)
        run.bold = bold or None
        run.font.size = Pt(size)
        if colour is not None:
            run.font.color.rgb = colour
        _font(run._r.get_or_add_rPr(), font)
        if under:
            _line_below(paragraph)
        return paragraph

    def head(self, number: bool = True) -> None:
        """The notice, the bureau, number and date, the red line."""
        self.line("{{标识}}", HEI, 14, exact=20)
        self.line("{{机关}}", SONG, 26, align=CENTRE, bold=True, colour=RED, before=14, after=8, exact=38)
        self.line("{{文号}}　　　　{{日期}}" if number else "{{日期}}", align=CENTRE, under=True, after=14)

    def title(self, text: str = "{{文种}}") -> None:
        self.line(text, SONG, 22, align=CENTRE, bold=True, after=12, exact=34)

    def heading(self, text: str) -> None:
        self.line(text, HEI, 16, indent=2).paragraph_format.keep_with_next = True

    def text(self, text: str) -> None:
        self.line(text, indent=2)

    def only_if(self, name: str, *lines: tuple[str, str]) -> None:
        """Lines (how, text) that come only where there is something to say."""
        self.line(f"{{%p if {name}%}}")
        for how, text in lines:
            getattr(self, how)(text)
        self.line("{%p endif%}")

    def end(self, signed: bool = True) -> None:
        """What it replaces; bureau and date below the text, at the right, where it is no form with them in its head."""
        self.only_if("替代", ("text", "{{替代}}"))
        if signed:
            self.line("{{机关}}", align=RIGHT, before=28).paragraph_format.keep_with_next = True
            self.line("{{日期}}", align=RIGHT).paragraph_format.keep_with_next = True
        self.line("经办人：{{制作人}}", size=14, before=10, exact=22)

    def grid(self, rows: Sequence[Sequence[tuple[str, int]]], widths: Sequence[int], heads: int = 0) -> Any:
        """A table. Each cell: (text, columns it takes); a text that begins with `*` is a label. `widths`: mm; `heads`:
        rows that come again on every page."""
        table = self.document.add_table(0, len(widths))
        table.style = "Table Grid"
        table.alignment = WD_TABLE_ALIGNMENT.CENTER
        table.autofit = False
        for column, width in zip(table.columns, widths, strict=True):
            column.width = Mm(width)
        for number, row in enumerate(rows):
            cells = table.add_row().cells
            at = 0
            for text, span in row:
                cell = cells[at] if span == 1 else cells[at].merge(cells[at + span - 1])
                cell.width = Mm(sum(widths[at : at + span]))
                label = text.startswith("*")
                cell.vertical_alignment = 1  # centre
                self.line(
                    text.removeprefix("*"), HEI if label else FANG, 12, align=CENTRE if label else LEFT, exact=20,
                    before=2, after=2, cell=cell,
                )  # fmt: skip
                at += span
            if number < heads:
                _mark(table.rows[-1]._tr.get_or_add_trPr(), "w:tblHeader")
            _mark(table.rows[-1]._tr.get_or_add_trPr(), "w:cantSplit")
        return table

    def pairs(self, *pairs: tuple[str, str]) -> None:
        """A table of labels and what is said of them, two columns."""
        self.grid([[(f"*{label}", 1), (text, 1)] for label, text in pairs], (32, WIDTH - 32))

    def listing(self, name: str, columns: Sequence[str], widths: Sequence[int], none: str = "无") -> None:
        """A table with a row for each of list `name`."""
        head = [(f"*{column}", 1) for column in columns]
        row = [(f"{{{{{name}.{column}}}}}", 1) for column in columns]
        every = len(columns)
        self.grid(
            [head, row, [(f"{{%tr if not {name}%}}", every)], [(none, every)], [("{%tr endif%}", every)]],
            widths,
            heads=1,
        )

    def gap(self) -> None:
        self.line("", size=8, exact=12)

    def made(self) -> bytes:
        out = io.BytesIO()
        core = self.document.core_properties
        core.author = core.title = core.comments = core.last_modified_by = ""
        core.created = core.modified = _NO_TIME
        self.document.save(out)
        parts = docx_package.opened(out.getvalue())
        parts.pop("docProps/thumbnail.jpeg", None)
        rels = parts["_rels/.rels"]
        parts["_rels/.rels"] = _without_thumbnail(rels)
        return docx_package.packed(parts)

    def _page_number(self, paragraph: Any) -> None:
        """`— 1 —` as the standard has it, in the middle so that it stands right on one-sided copies too."""
        paragraph.alignment = CENTRE
        for text, code in (("— ", ""), ("", "PAGE"), (" —", "")):
            if code:
                for kind in ("begin", "", "separate", "1", "end"):
                    run = paragraph.add_run()
                    run.font.size = Pt(14)
                    _font(run._r.get_or_add_rPr(), SONG)
                    if kind in ("begin", "separate", "end"):
                        mark = OxmlElement("w:fldChar")
                        mark.set(qn("w:fldCharType"), kind)
                        run._r.append(mark)
                    elif kind == "1":
                        run.text = "1"
                    else:
                        words = OxmlElement("w:instrText")
                        words.set(qn("xml:space"), "preserve")
                        words.text = f" {code} "
                        run._r.append(words)
            else:
                run = paragraph.add_run(text)
                run.font.size = Pt(14)
                _font(run._r.get_or_add_rPr(), SONG)


def assignment(sheet: Sheet) -> None:
    sheet.head()
    sheet.title("网络舆情交办单")
    sheet.grid(
        [
            [("*案件编号", 1), ("{{案件编号}}", 1), ("*舆情等级", 1), ("{{舆情等级}}", 1)],
            [("*标　　题", 1), ("{{案件标题}}", 3)],
            [("*来　　源", 1), ("{{来源}}", 1), ("*涉及区划", 1), ("{{涉及区划}}", 1)],
            [("*发现时间", 1), ("{{发现时间}}", 1), ("*交办时间", 1), ("{{交办时间}}", 1)],
            [("*内容摘要", 1), ("{{内容摘要}}", 3)],
            [("*网　　址", 1), ("{{网址}}", 3)],
            [("*主办单位", 1), ("{{主办单位}}", 1), ("*协办单位", 1), ("{{协办单位}}", 1)],
            [("*领导批示", 1), ("{{批示摘录}}", 3)],
            [("*要求提交", 1), ("{{要求提交}}", 3)],
            [("*交办要求", 1), ("{{交办要求}}", 3)],
            [("*办理期限", 1), ("{{办理期限}}", 3)],
        ],
        (26, 52, 26, 52),
    )
    sheet.gap()
    sheet.listing(
        "单位", ("名称", "分工", "送达时间", "签收时间", "签收人", "到期时间"), (36, 15, 28, 28, 21, 28), "尚未送达"
    )
    sheet.gap()
    sheet.line(
        "承办单位收到后应立即签收，在办理期限内提出回复意见、调处结果或对策措施，由分管局领导审定；"
        "不得自行对外回复，统一由局办公室整理后发布。",
        size=14, indent=2, exact=24,
    )  # fmt: skip
    sheet.end(signed=False)


def submission(sheet: Sheet) -> None:
    sheet.head()
    sheet.title("网络舆情呈批单")
    sheet.grid(
        [
            [("*案件编号", 1), ("{{案件编号}}", 1), ("*舆情等级", 1), ("{{舆情等级}}", 1)],
            [("*标　　题", 1), ("{{案件标题}}", 3)],
            [("*来　　源", 1), ("{{来源}}", 1), ("*涉及区划", 1), ("{{涉及区划}}", 1)],
            [("*发布时间", 1), ("{{发布时间}}", 1), ("*发现时间", 1), ("{{发现时间}}", 1)],
            [("*内容摘要", 1), ("{{内容摘要}}", 3)],
            [("*甄别情况", 1), ("{{甄别情况}}", 3)],
            [("*定级依据", 1), ("{{定级标准}}{{定级理由}}", 3)],
            [("*回应主体", 1), ("{{回应主体}}　{{认定理由}}", 3)],
            [("*核实情况", 1), ("{{核实情况}}", 3)],
            [("*拟办意见", 1), ("{{拟办意见}}", 3)],
            [("*附　　件", 1), ("{{附件}}", 3)],
        ],
        (26, 52, 26, 52),
    )
    sheet.gap()
    sheet.heading("领导批示")
    sheet.listing("批示", ("领导", "时间", "内容"), (34, 34, 88), "（请批示）")
    sheet.gap()
    sheet.heading("办理时限")
    sheet.listing("时限", ("名称", "单位", "到期时间", "状态"), (50, 40, 34, 32))
    sheet.end(signed=False)


def supervision(sheet: Sheet) -> None:
    sheet.head()
    sheet.title("网络舆情督办单")
    sheet.text("{{主办单位}}：")
    sheet.text(
        "“{{案件标题}}”（{{案件编号}}，{{舆情等级}}）已交你单位办理。"
        "现将尚未办结的事项督办如下，请抓紧办理，并将结果报局办公室。"
    )
    sheet.listing("事项", ("事项", "单位", "承办人", "到期时间", "状态"), (42, 36, 22, 28, 28), "没有未办结的事项")
    sheet.gap()
    sheet.only_if("批示摘录", ("heading", "领导批示"), ("text", "{{批示摘录}}"))
    sheet.only_if("督办要求", ("heading", "督办要求"), ("text", "{{督办要求}}"))
    sheet.heading("此前督导情况")
    sheet.listing("督导", ("时间", "方式", "情况", "要求"), (28, 24, 54, 50), "此前没有督导记录")
    sheet.end()


def late_report(sheet: Sheet) -> None:
    sheet.head()
    sheet.title("舆情处置不及时、不得力情况报告")
    sheet.pairs(
        ("案　　件", "{{案件标题}}（{{案件编号}}，{{舆情等级}}）"),
        ("涉及单位", "{{单位}}"),
        ("时　　限", "{{时限名称}}"),
        ("规　　则", "{{规则}}"),
        ("起　　算", "{{起算时间}}"),
        ("到　　期", "{{到期时间}}"),
        ("记　　录", "{{记录时间}}　{{超时}}"),
        ("系统判断", "{{系统判断}}"),
    )
    sheet.gap()
    sheet.heading("一、到期时未办的事项")
    sheet.listing("未办事项", ("事项", "承办人"), (96, 60))
    sheet.gap()
    sheet.heading("二、单位情况说明")
    sheet.line("{%p if 单位情况说明%}")
    sheet.text("主要原因：{{单位说明原因}}。")
    sheet.text("{{单位情况说明}}")
    sheet.line("{%p else%}")
    sheet.text("尚未提交。")
    sheet.line("{%p endif%}")
    sheet.heading("三、核定的原因和影响")
    sheet.line("{%p if 核定原因%}")
    sheet.text("{{核定原因}}")
    sheet.text("性质：{{性质}}；负面影响：{{是否造成负面影响}}。")
    sheet.only_if("影响说明", ("text", "{{影响说明}}"))
    sheet.line("{%p else%}")
    sheet.text("尚未核定。")
    sheet.line("{%p endif%}")
    sheet.only_if("处置意见", ("heading", "四、处置意见"), ("text", "{{处置意见}}"))
    sheet.only_if("处置决定", ("heading", "五、领导决定"), ("text", "{{处置决定}}"), ("text", "{{决定内容}}"))
    sheet.only_if("落实情况", ("heading", "六、落实情况"), ("text", "{{落实情况}}（{{落实时间}}）"))
    sheet.heading("附：超时督促")
    sheet.listing("督促", ("领导", "时间", "内容"), (34, 34, 88))
    sheet.end()


def briefing_daily(sheet: Sheet) -> None:
    sheet.line("{{标识}}", HEI, 14, exact=20)
    sheet.line("网络舆情简报", SONG, 36, align=CENTRE, bold=True, colour=RED, before=14, after=8, exact=50)
    sheet.line("{{文号}}", align=CENTRE)
    sheet.line("{{机关}}办公室　　　　{{日期}}", align=CENTRE, under=True, after=14)
    sheet.text(
        "{{期间}}，登记网络舆情 {{新增件数}} 件：重大负面 {{重大件数}} 件，普通负面 {{普通件数}} 件，"
        "正面 {{正面件数}} 件，其他 {{其他件数}} 件，待定级 {{待定级件数}} 件。"
        "办结 {{办结件数}} 件，在办 {{在办件数}} 件，超时 {{超时次数}} 次。"
    )
    sheet.heading("一、重大舆情")
    sheet.listing(
        "重大", ("编号", "标题", "区划", "来源", "发现时间", "进展"), (34, 36, 18, 22, 28, 18), "本期没有重大舆情"
    )
    sheet.gap()
    sheet.heading("二、本期登记")
    sheet.listing("新增", ("编号", "标题", "等级", "区划", "来源", "进展"), (34, 44, 20, 18, 22, 18), "本期没有新登记")
    sheet.gap()
    sheet.heading("三、正在计时的时限")
    sheet.listing("时限", ("编号", "标题", "名称", "到期时间", "状态"), (34, 40, 28, 28, 26))
    sheet.gap()
    sheet.heading("四、来源分布")
    sheet.listing("来源统计", ("来源", "件数"), (100, 56))
    sheet.only_if("替代", ("text", "{{替代}}"))
    sheet.line("分送：{{分送}}", size=14, before=14, exact=24)
    sheet.line("经办人：{{制作人}}", size=14, exact=24)


def briefing_special(sheet: Sheet) -> None:
    sheet.line("{{标识}}", HEI, 14, exact=20)
    sheet.line("网络舆情专报", SONG, 36, align=CENTRE, bold=True, colour=RED, before=14, after=8, exact=50)
    sheet.line("{{文号}}", align=CENTRE)
    sheet.line("{{机关}}办公室　　　　{{日期}}", align=CENTRE, under=True, after=14)
    sheet.title("关于“{{案件标题}}”的专报")
    sheet.heading("一、基本情况")
    sheet.text("{{发现时间}}，{{来源}}出现涉及{{涉及区划}}的信息（{{案件编号}}，{{舆情等级}}，{{办理阶段}}）。")
    sheet.text("{{内容摘要}}")
    sheet.only_if("核实情况", ("heading", "二、核实情况"), ("text", "{{核实情况}}"))
    sheet.only_if("批示摘录", ("heading", "三、领导批示"), ("text", "{{批示摘录}}"))
    sheet.only_if("处置情况", ("heading", "四、处置情况"), ("text", "{{处置情况}}"))
    sheet.only_if("回应情况", ("heading", "五、回应情况"), ("text", "{{回应情况}}"))
    sheet.heading("六、单位意见")
    sheet.listing("单位", ("名称", "分工", "意见"), (40, 20, 96))
    sheet.gap()
    sheet.heading("七、时限")
    sheet.listing("时限", ("名称", "单位", "到期时间", "状态"), (50, 40, 34, 32))
    sheet.only_if("下一步", ("heading", "八、下一步工作"), ("text", "{{下一步}}"))
    sheet.only_if("替代", ("text", "{{替代}}"))
    sheet.line("分送：{{分送}}", size=14, before=14, exact=24)
    sheet.line("经办人：{{制作人}}", size=14, exact=24)


def press(sheet: Sheet) -> None:
    sheet.head()
    sheet.title("新闻通稿")
    sheet.text("{{新闻通稿}}")
    sheet.only_if("附件", ("line", "附件：{{附件}}"))
    sheet.line("审核：{{审核人}}　{{审核意见}}", size=14, before=14, exact=24)
    sheet.end()


def wording(sheet: Sheet) -> None:
    sheet.head()
    sheet.title("网络舆情应对口径")
    sheet.text("适用事项：{{案件标题}}（{{案件编号}}）")
    sheet.heading("一、统一口径")
    sheet.text("{{应对口径}}")
    sheet.only_if("处置建议", ("heading", "二、处置建议"), ("text", "{{处置建议}}"))
    sheet.only_if("督办核查方案", ("heading", "三、督办和核查工作方案"), ("text", "{{督办核查方案}}"))
    sheet.only_if("背景资料", ("heading", "四、政策背景和专业顾问"), ("text", "{{背景资料}}"))
    sheet.line("审核：{{审核人}}　{{审核意见}}", size=14, before=14, exact=24)
    sheet.end()


def reply(sheet: Sheet) -> None:
    sheet.head()
    sheet.title("关于“{{案件标题}}”的回复")
    sheet.text("{{回复内容}}")
    sheet.line("{{回复名义}}", align=RIGHT, before=20)
    sheet.line("{{日期}}", align=RIGHT, after=14)
    sheet.pairs(
        ("公开属性", "{{公开属性}}　{{不公开理由}}"),
        ("拟发布渠道", "{{拟发布渠道}}"),
        ("审　　批", "{{审批人}}　{{审批时间}}　{{审批意见}}"),
    )
    sheet.gap()
    sheet.listing("发布", ("渠道", "时间", "凭证"), (34, 34, 88), "尚未发布")
    sheet.only_if("替代", ("text", "{{替代}}"))
    sheet.line("经办人：{{制作人}}", size=14, before=10, exact=22)


def catalogue(sheet: Sheet) -> None:
    sheet.head()
    sheet.title("网络舆情归档目录")
    sheet.grid(
        [
            [("*案件编号", 1), ("{{案件编号}}", 1), ("*档　　号", 1), ("{{档号}}", 1)],
            [("*标　　题", 1), ("{{案件标题}}", 3)],
            [("*保管期限", 1), ("{{保管期限}}", 1), ("*密　　级", 1), ("{{密级}}", 1)],
            [("*归 档 人", 1), ("{{归档人}}", 1), ("*归档时间", 1), ("{{归档时间}}", 1)],
            [("*件　　数", 1), ("{{件数}}", 1), ("*记录条数", 1), ("{{记录条数}}", 1)],
            [("*末条校验值", 1), ("{{末条校验值}}", 3)],
        ],
        (26, 52, 26, 52),
    )
    sheet.gap()
    sheet.listing("目录", ("序号", "题名", "责任者", "时间", "大小", "校验值"), (12, 50, 18, 28, 20, 28))
    sheet.end(signed=False)


LAYOUTS: Final = {
    "assignment": assignment,
    "submission": submission,
    "supervision": supervision,
    "late_report": late_report,
    "briefing_daily": briefing_daily,
    "briefing_special": briefing_special,
    "press": press,
    "wording": wording,
    "reply": reply,
    "catalogue": catalogue,
}


FORMS: Final = frozenset({"assignment", "submission", "catalogue"})


def drawn(kind: str) -> bytes:
    """The template of a kind, the same bytes each time."""
    sheet = Sheet(form=kind in FORMS)
    LAYOUTS[kind](sheet)
    return sheet.made()


def write(folder: Path) -> None:
    """Draws every template into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind in LAYOUTS:
        (folder / f"{kind}.docx").write_bytes(drawn(kind))


_KEPT: Final = frozenset(
    {"Normal", "Default Paragraph Font", "Normal Table", "No List", "Table Grid", "Header", "Footer"}
)


def _first(cell: Any) -> Any:
    return cell.paragraphs[0]


def _font(properties: Any, name: str) -> None:
    """The font for Chinese and for Latin letters alike."""
    fonts = properties.get_or_add_rFonts()
    for attribute in ("w:ascii", "w:hAnsi", "w:eastAsia", "w:cs"):
        fonts.set(qn(attribute), name)
    for attribute in ("w:asciiTheme", "w:hAnsiTheme", "w:eastAsiaTheme", "w:cstheme"):
        if fonts.get(qn(attribute)) is not None:
            del fonts.attrib[qn(attribute)]


def _mark(properties: Any, name: str) -> None:
    properties.append(OxmlElement(name))


def _line_below(paragraph: Any) -> None:
    borders = OxmlElement("w:pBdr")
    line = OxmlElement("w:bottom")
    for name, value in (("val", "single"), ("sz", "18"), ("space", "6"), ("color", "C01010")):
        line.set(qn(f"w:{name}"), value)
    borders.append(line)
    properties = paragraph._p.get_or_add_pPr()
    properties.insert_element_before(borders, "w:shd", "w:tabs", "w:spacing", "w:ind", "w:jc", "w:rPr")


def _without_thumbnail(rels: bytes) -> bytes:
    tree = docx_package.parsed(rels)
    assert tree is not None
    for one in [one for one in tree if str(one.get("Target")).endswith("thumbnail.jpeg")]:
        tree.remove(one)
    return docx_package.written(tree)


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
