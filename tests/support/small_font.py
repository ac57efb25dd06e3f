"""The Chinese font with the letters that tests write only: a PDF with it takes a tenth of the time.

What the whole font does is tested in tests/unit/documents/test_pdf.py and tests/package.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fontTools import subset  # type: ignore[import-untyped]
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]

from engine.service import fonts

ROOT = Path(__file__).parents[2]
WRITTEN_IN = (
    "webui/catalogue/zh.json",
    "engine/service",
    "forms",
    "bpmn",
    "tests/contract",
    "tests/support",
    "tests/web",
)
ENDINGS = {".json", ".py", ".form", ".bpmn", ".dmn", ".toml", ".jsonl"}


def letters() -> set[str]:
    """Every letter in the texts that end up in documents of the tests."""
    found = {chr(code) for code in range(32, 127)} | set("〔〕·—…“”‘’《》（），。；：！？、　")
    for name in WRITTEN_IN:
        path = ROOT / name
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            if file.suffix in ENDINGS and file.is_file():
                found |= set(file.read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="session")
def small_font_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("font") / "small.ttf"
    with TTFont(fonts.chinese()) as font:
        options = subset.Options(layout_features=[], notdef_outline=True, recommended_glyphs=True)
        subsetter = subset.Subsetter(options)
        subsetter.populate(text="".join(letters()) + "□")
        subsetter.subset(font)
        font.save(path)
    return path


@pytest.fixture(scope="module")
def small_font(small_font_file: Path) -> Iterator[Path]:
    """The program uses the small font for the tests of this module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fonts, "BUILT", small_font_file)
        yield small_font_file
