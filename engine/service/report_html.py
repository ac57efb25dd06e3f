"""The report of a case as one HTML file: no script, nothing from elsewhere, made to be printed too."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Final

from .report import CaseReport, Grid, Pairs, Section

STYLE: Final = """
@page { size: A4; margin: 18mm 14mm 20mm }
* { box-sizing: border-box }
body { font: 14px/1.65 "Noto Sans SC", "Microsoft YaHei", "PingFang SC", SimSun, sans-serif; color: #1a1a1a;
  max-width: 210mm; margin: 0 auto; padding: 24px 16px }
h1 { font-size: 22px; margin: 0 0 4px } h2 { font-size: 17px; margin: 28px 0 8px; padding-bottom: 4px;
  border-bottom: 2px solid #1f4e79 } h3 { font-size: 14px; margin: 14px 0 4px }
.mark { color: #8a1f11; border: 1px solid #8a1f11; padding: 4px 10px; margin: 12px 0; display: inline-block }
.note, .quiet { color: #555; font-size: 12px } nav { margin: 8px 0 } nav a { margin-right: 12px }
table { border-collapse: collapse; width: 100%; margin: 6px 0 12px; table-layout: fixed }
th, td { border: 1px solid #c8c8c8; padding: 4px 8px; text-align: left; vertical-align: top; white-space: pre-line;
  overflow-wrap: anywhere }
th { background: #eef3f8; font-weight: 600 } th.label { width: 24%; font-weight: normal; color: #444 }
tr { break-inside: avoid } h2, h3 { break-after: avoid }
.foot { display: none }
@media print { nav { display: none } body { padding: 0 0 12mm; max-width: none }
  .foot { display: block; position: fixed; bottom: 0; left: 0; right: 0; text-align: center; font-size: 11px;
    color: #8a1f11 } }
@media (max-width: 480px) { th.label { width: 34% } body { padding: 12px } }
"""
POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
"""A browser that opens the file fetches nothing and runs nothing, whatever somebody wrote into the case."""


def html(report: CaseReport, watermark: str, notice: str) -> str:
    """The whole file. `watermark`: who took it out, when (R71); `notice`: what this report is and is not."""
    title = f"{report.case_id} {report.title}"
    links = "".join(f'<a href="#s{n}">{escape(one.title)}</a>' for n, one in enumerate(report.sections))
    body = "".join(part for n, one in enumerate(report.sections) for part in _section(n, one))
    return (
        '<!DOCTYPE html>\n<html lang="zh-CN"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>\n"
        f'<h1>案件归档报告</h1><div>{escape(title)}</div><div class="mark">{escape(watermark)}</div>'
        f'<p class="note">{escape(notice)}</p><nav>{links}</nav>\n{body}'
        f'<div class="foot">{escape(watermark)}</div></body></html>\n'
    )


def _section(number: int, section: Section) -> Iterator[str]:
    yield f'<h2 id="s{number}">{escape(section.title)}</h2>\n'
    for block in section.blocks:
        yield from _pairs(block) if isinstance(block, Pairs) else _grid(block)
    if not section.blocks:
        yield f'<p class="quiet">{escape(section.empty)}</p>\n'


def _pairs(block: Pairs) -> Iterator[str]:
    if block.title:
        yield f'<h3>{escape(block.title)} <span class="note">{escape(block.note)}</span></h3>'
    yield "<table>"
    for label, text in block.rows:
        yield f'<tr><th class="label" scope="row">{escape(label)}</th><td>{escape(text)}</td></tr>'
    yield "</table>\n"


def _grid(block: Grid) -> Iterator[str]:
    yield "<table><colgroup>" + "".join(f'<col width="{share}%">' for share in block.widths) + "</colgroup><tr>"
    yield "".join(f'<th scope="col">{escape(name)}</th>' for name in block.head) + "</tr>"
    for row in block.rows:
        yield "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
    yield "</table>\n"
