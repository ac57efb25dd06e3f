"""Where the Chinese font for printed reports lies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from fpdf import FPDF
from fpdf.fonts import TTFFont

BUILT: Final = Path(__file__).parents[2] / "webui" / "static" / "dist" / "NotoSansSC-Regular.ttf"
"""Put there by `make assets`, with its licence beside it."""


class FontMissing(Exception):
    """The font is not there: a report without it would show empty boxes."""


def chinese(chosen: str = "") -> Path:
    """The TrueType font to embed: `chosen`, else the built one. Raises FontMissing."""
    path = Path(chosen) if chosen else BUILT
    if not path.is_file():
        raise FontMissing(f"没有中文字体 {path.name}: 请运行 make assets / Chinese font not found: run `make assets`")
    return path


@contextmanager
def embedded(paper: FPDF, name: str, path: Path) -> Iterator[TTFFont]:
    """The font, added to `paper` as `name`. Its file stays open until the end: the paper is put out before it."""
    paper.add_font(name, fname=str(path))
    font = paper.fonts[name]
    assert isinstance(font, TTFFont)
    try:
        yield font
    finally:
        font.close()
