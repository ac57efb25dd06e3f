"""A .docx as plain blocks: paragraphs with their runs, tables with merged cells, page, header and footer.

Read is what the templates of an office consist of; docs/documents.md says what is not (pictures, text boxes, automatic
numbering, columns). Lengths are points.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from docx import Document
from docx.oxml.ns import qn
from lxml import etree

TWIP: Final = 20.0
HALF: Final = 2.0
PAGE: Final = "\ue000"
PAGES: Final = "\ue001"
"""Stand for a field in the text of a run: number of the page, of all pages."""
BREAK: Final = "\f"
HEAVY: Final = frozenset({"黑体", "SimHei", "方正小标宋简体", "方正小标宋_GBK", "小标宋"})
"""Fonts of headings: the PDF has one font, and shows these by heavier letters."""


@dataclass(frozen=True, slots=True)
class Look:
    """How letters look. `colour`: red, green, blue."""

    size: float = 10.5
    bold: bool = False
    underline: bool = False
    colour: tuple[int, int, int] = (0, 0, 0)


@dataclass(frozen=True, slots=True)
class Shape:
    """How a paragraph is set. `line`: height of its lines by `rule` (exact, atLeast: points; auto: times the natural
    one). `first`: indent of its first line, negative for a hanging one. `below`: colour and width of a line under
    it."""

    align: str = "left"
    before: float = 0.0
    after: float = 0.0
    line: float = 1.0
    rule: str = "auto"
    left: float = 0.0
    right: float = 0.0
    first: float = 0.0
    first_chars: float = 0.0
    new_page: bool = False
    keep_next: bool = False
    below: tuple[tuple[int, int, int], float] | None = None


@dataclass(frozen=True, slots=True)
class Paragraph:
    """`runs`: (text, look); `end`: look of the paragraph's mark, which an empty paragraph is as high as."""

    runs: tuple[tuple[str, Look], ...]
    shape: Shape
    end: Look


@dataclass(frozen=True, slots=True)
class Cell:
    """`column`, `span`: its place in the grid. `merged`: it goes on with the cell above it."""

    column: int
    span: int
    merged: bool
    starts: bool
    blocks: tuple[Paragraph | Table, ...]
    centred: bool
    shade: tuple[int, int, int] | None


@dataclass(frozen=True, slots=True)
class Row:
    """`head`: comes again on every page. `whole`: is not cut between pages. `least`: height, points."""

    cells: tuple[Cell, ...]
    head: bool
    whole: bool
    least: float


@dataclass(frozen=True, slots=True)
class Table:
    """`widths` of the columns. `lines`: whether cells have borders. `align`: left or center."""

    widths: tuple[float, ...]
    rows: tuple[Row, ...]
    lines: bool
    align: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """A document. `margins`: top, right, bottom, left; `header_at`, `footer_at`: from the edge of the paper."""

    width: float
    height: float
    margins: tuple[float, float, float, float]
    header_at: float
    footer_at: float
    blocks: tuple[Paragraph | Table, ...]
    header: tuple[Paragraph | Table, ...] = ()
    footer: tuple[Paragraph | Table, ...] = ()
    title: str = ""


def read(content: bytes) -> Sheet:
    """The blocks of a .docx; page, header and footer are those of its first section."""
    document = Document(io.BytesIO(content))
    reader = _Reader(document)
    section = document.sections[0]

    def points(length: Any, otherwise: float) -> float:
        return float(length.pt) if length is not None else otherwise

    return Sheet(
        points(section.page_width, 595.3),
        points(section.page_height, 841.9),
        (
            points(section.top_margin, 72.0), points(section.right_margin, 72.0),
            points(section.bottom_margin, 72.0), points(section.left_margin, 72.0),
        ),
        points(section.header_distance, 36.0),
        points(section.footer_distance, 36.0),
        tuple(reader.blocks(document.element.body)),
        tuple(reader.blocks(section.header._element)),
        tuple(reader.blocks(section.footer._element)),
        document.core_properties.title,
    )  # fmt: skip


class _Reader:
    """Reads with the styles of one document."""

    def __init__(self, document: Any) -> None:
        root = document.styles.element
        self.styles = {str(one.get(qn("w:styleId"))): one for one in root.iter(qn("w:style"))}
        defaults = root.find(qn("w:docDefaults"))
        self.look, self.shape = Look(), Shape()
        if defaults is not None:
            self.look = _look(next(defaults.iter(qn("w:rPr")), None), Look())
            self.shape = _shape(next(defaults.iter(qn("w:pPr")), None), Shape())
        normal = [name for name, one in self.styles.items() if one.get(qn("w:default")) == "1"
                  and one.get(qn("w:type")) == "paragraph"]  # fmt: skip
        self.normal = normal[0] if normal else ""

    def blocks(self, holder: etree._Element) -> Iterator[Paragraph | Table]:
        for child in holder:
            if child.tag == qn("w:p"):
                yield self.paragraph(child)
            elif child.tag == qn("w:tbl"):
                yield self.table(child)
            elif child.tag == qn("w:sdt"):
                content = child.find(qn("w:sdtContent"))
                if content is not None:
                    yield from self.blocks(content)

    def styled(self, name: str, look: Look, shape: Shape) -> tuple[Look, Shape]:
        """With what a style and those it is based on say."""
        chain: list[etree._Element] = []
        while name in self.styles and self.styles[name] not in chain:
            chain.insert(0, self.styles[name])
            name = _value(self.styles[name], "w:basedOn")
        for one in chain:
            look = _look(one.find(qn("w:rPr")), look)
            shape = _shape(one.find(qn("w:pPr")), shape)
        return look, shape

    def paragraph(self, element: etree._Element) -> Paragraph:
        properties = element.find(qn("w:pPr"))
        style = _value(properties, "w:pStyle") or self.normal
        look, shape = self.styled(style, self.look, self.shape)
        shape = _shape(properties, shape)
        end = _look(None if properties is None else properties.find(qn("w:rPr")), look)
        runs = tuple(self.runs(element, look))
        if shape.first_chars:
            size = runs[0][1].size if runs else end.size
            shape = replace(shape, first=shape.first_chars * size)
        return Paragraph(runs, shape, end)

    def runs(self, element: etree._Element, look: Look) -> Iterator[tuple[str, Look]]:
        """The texts of a paragraph; what a field showed last is left out where its number is counted here."""
        code, state = "", ""
        for run in element.iter(qn("w:r"), qn("w:fldSimple")):
            if next(run.iterancestors(qn("w:p")), None) is not element:
                continue
            if run.tag == qn("w:fldSimple"):
                mark = _field(str(run.get(qn("w:instr"))))
                if mark:
                    first = next(run.iter(qn("w:r")), None)
                    yield mark, _look(None if first is None else first.find(qn("w:rPr")), look)
                continue
            inside = next(run.iterancestors(qn("w:fldSimple")), None)
            if inside is not None and _field(str(inside.get(qn("w:instr")))):
                continue
            properties = run.find(qn("w:rPr"))
            named = _value(properties, "w:rStyle")
            own = _look(properties, self.styled(named, look, Shape())[0] if named else look)
            if properties is not None and _on(properties, "w:vanish", False):
                continue
            text = ""
            for part in run:
                if part.tag == qn("w:fldChar"):
                    state = str(part.get(qn("w:fldCharType")))
                    if state == "begin":
                        code = ""
                    elif state == "end":
                        if _field(code):
                            text += _field(code)
                        code = ""
                elif part.tag == qn("w:instrText"):
                    code += part.text or ""
                elif part.tag == qn("w:t") and not (state == "separate" and _field(code)):
                    text += part.text or ""
                elif part.tag == qn("w:tab"):
                    text += "\t"
                elif part.tag in (qn("w:br"), qn("w:cr")):
                    text += BREAK if part.get(qn("w:type")) == "page" else "\n"
            if text:
                yield text, own

    def table(self, element: etree._Element) -> Table:
        properties = element.find(qn("w:tblPr"))
        grid = element.find(qn("w:tblGrid"))
        widths = tuple(_twips(one, "w:w") for one in grid) if grid is not None else ()
        rows = tuple(self.row(one) for one in element if one.tag == qn("w:tr"))
        columns = max((cell.column + cell.span for row in rows for cell in row.cells), default=0)
        if len(widths) < columns or not all(widths[:columns]):
            widths = (0.0,) * columns  # shared evenly when it is drawn
        borders = None if properties is None else properties.find(qn("w:tblBorders"))
        if borders is None and properties is not None:
            style = self.styles.get(_value(properties, "w:tblStyle"))
            borders = None if style is None else next(style.iter(qn("w:tblBorders")), None)
        lined = borders is not None and any(one.get(qn("w:val")) not in ("none", "nil") for one in borders)
        return Table(widths, rows, lined, "center" if _value(properties, "w:jc") == "center" else "left")

    def row(self, element: etree._Element) -> Row:
        properties, cells, column = element.find(qn("w:trPr")), [], 0
        for one in element.iterchildren(qn("w:tc")):
            about = one.find(qn("w:tcPr"))
            span = int(_value(about, "w:gridSpan") or 1)
            merge = None if about is None else about.find(qn("w:vMerge"))
            starts = merge is not None and merge.get(qn("w:val")) == "restart"
            shade = None if about is None else about.find(qn("w:shd"))
            fill = "" if shade is None else str(shade.get(qn("w:fill")) or "")
            cells.append(
                Cell(
                    column, span, merge is not None and not starts, starts, tuple(self.blocks(one)),
                    _value(about, "w:vAlign") == "center", _colour(fill) if fill not in ("", "auto") else None,
                )
            )  # fmt: skip
            column += span
        height = None if properties is None else properties.find(qn("w:trHeight"))
        return Row(
            tuple(cells),
            _on(properties, "w:tblHeader", False),
            _on(properties, "w:cantSplit", False),
            0.0 if height is None else _twips(height, "w:val"),
        )


def _look(properties: etree._Element | None, base: Look) -> Look:
    if properties is None:
        return base
    size, colour, under, font = (properties.find(qn(name)) for name in ("w:sz", "w:color", "w:u", "w:rFonts"))
    named = "" if font is None else str(font.get(qn("w:eastAsia")) or "")
    return Look(
        base.size if size is None else float(str(size.get(qn("w:val")))) / HALF,
        _on(properties, "w:b", named in HEAVY if named else base.bold),
        base.underline if under is None else under.get(qn("w:val")) != "none",
        base.colour if colour is None else _colour(str(colour.get(qn("w:val")))),
    )


def _shape(properties: etree._Element | None, base: Shape) -> Shape:
    if properties is None:
        return base
    changed: dict[str, Any] = {}
    spacing, indent = properties.find(qn("w:spacing")), properties.find(qn("w:ind"))
    if spacing is not None:
        for name, attribute in (("before", "w:before"), ("after", "w:after")):
            if spacing.get(qn(attribute)) is not None:
                changed[name] = _twips(spacing, attribute)
        if spacing.get(qn("w:line")) is not None:
            rule = str(spacing.get(qn("w:lineRule")) or "auto")
            changed["rule"] = rule
            changed["line"] = float(str(spacing.get(qn("w:line")))) / (240.0 if rule == "auto" else TWIP)
    if indent is not None:
        for name, attributes in (("left", ("w:left", "w:start")), ("right", ("w:right", "w:end"))):
            found = [_twips(indent, one) for one in attributes if indent.get(qn(one)) is not None]
            changed.update({name: found[0]} if found else {})
        if indent.get(qn("w:firstLineChars")) not in (None, "0"):
            changed["first_chars"] = float(str(indent.get(qn("w:firstLineChars")))) / 100.0
        elif indent.get(qn("w:hanging")) is not None:
            changed["first"], changed["first_chars"] = -_twips(indent, "w:hanging"), 0.0
        elif indent.get(qn("w:firstLine")) is not None:
            changed["first"], changed["first_chars"] = _twips(indent, "w:firstLine"), 0.0
    align = _value(properties, "w:jc")
    if align:
        changed["align"] = {"end": "right", "start": "left"}.get(align, align)
    borders = properties.find(qn("w:pBdr"))
    below = None if borders is None else borders.find(qn("w:bottom"))
    if below is not None and below.get(qn("w:val")) not in ("none", "nil"):
        changed["below"] = _colour(str(below.get(qn("w:color")))), float(str(below.get(qn("w:sz")) or 4)) / 8.0
    changed["new_page"] = _on(properties, "w:pageBreakBefore", base.new_page)
    changed["keep_next"] = _on(properties, "w:keepNext", base.keep_next)
    return replace(base, **changed)


def _value(properties: etree._Element | None, name: str) -> str:
    found = None if properties is None else properties.find(qn(name))
    return "" if found is None else str(found.get(qn("w:val")) or "")


def _on(properties: etree._Element | None, name: str, otherwise: bool) -> bool:
    found = None if properties is None else properties.find(qn(name))
    return otherwise if found is None else found.get(qn("w:val")) not in ("0", "false", "off")


def _twips(element: etree._Element, attribute: str) -> float:
    try:
        return float(str(element.get(qn(attribute)))) / TWIP
    except ValueError:
        return 0.0


def _colour(text: str) -> tuple[int, int, int]:
    try:
        return int(text[0:2], 16), int(text[2:4], 16), int(text[4:6], 16)
    except ValueError:
        return 0, 0, 0


_FIELDS: Final[Mapping[str, str]] = {"PAGE": PAGE, "NUMPAGES": PAGES, "SECTIONPAGES": PAGES}


def _field(code: str) -> str:
    words = code.split()
    return _FIELDS.get(words[0].upper(), "") if words else ""
