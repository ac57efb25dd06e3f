"""Word files for tests: made by hand, as Word saves what people type, and read back."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Mapping

from docx import Document

from engine.service import docx_package


def written(*paragraphs: str) -> bytes:
    """A .docx with these paragraphs, one run each."""
    document = Document()
    for text in paragraphs:
        document.add_paragraph(text)
    return saved(document)


def saved(document: object) -> bytes:
    out = io.BytesIO()
    document.save(out)  # type: ignore[attr-defined]
    return out.getvalue()


def changed(docx: bytes, part: str, old: str, new: str) -> bytes:
    """The .docx with `old` in one of its parts written as `new`: what Word, or an attacker, made of it."""
    parts = docx_package.opened(docx)
    text = parts[part].decode()
    assert old in text, f"{old} is not in {part}"
    return docx_package.packed({**parts, part: text.replace(old, new).encode()})


def with_parts(docx: bytes, more: Mapping[str, bytes]) -> bytes:
    return docx_package.packed({**docx_package.opened(docx), **more})


def text(docx: bytes) -> str:
    """Every paragraph and every cell, in order, a line each, as python-docx reads them."""
    document = Document(io.BytesIO(docx))
    found = []
    for block in document.iter_inner_content():
        if hasattr(block, "rows"):
            for row in block.rows:
                seen = []
                for cell in row.cells:
                    if cell._tc not in seen:  # a merged cell stands there once for each column
                        seen.append(cell._tc)
                        found.append(cell.text)
        else:
            found.append(block.text)
    return "\n".join(found)


def pdf_text(pdf: bytes) -> list[str]:
    """The text of each page, by the ToUnicode map of the one embedded font; letters in the order they are drawn in."""
    streams = []
    for found in re.finditer(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.S):
        try:
            # Its checksum may end in what looks like the line break before the end: it is not asked for.
            streams.append(zlib.decompressobj().decompress(found[1]))
        except zlib.error:
            streams.append(found[1])
    letters: dict[int, str] = {}
    for stream in streams:
        for block in re.findall(rb"beginbfchar(.*?)endbfchar", stream, re.S):
            for code, value in re.findall(rb"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>", block):
                letters[int(code, 16)] = bytes.fromhex(value.decode()).decode("utf-16-be")
        for block in re.findall(rb"beginbfrange(.*?)endbfrange", stream, re.S):
            for first, last, value in re.findall(rb"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>", block):
                for offset in range(int(last, 16) - int(first, 16) + 1):
                    letters[int(first, 16) + offset] = chr(int(value, 16) + offset)
    return [_drawn(stream, letters) for stream in streams if b" Tj" in stream and b"BT" in stream]


def _drawn(stream: bytes, letters: Mapping[int, str]) -> str:
    found = []
    for raw in re.findall(rb"\(((?:\\.|[^\\)])*)\) Tj", stream, re.S):
        plain = re.sub(rb"\\([()\\rn])", lambda one: {b"n": b"\n", b"r": b"\r"}.get(one[1], one[1]), raw)
        found.append("".join(letters.get(int.from_bytes(plain[at : at + 2]), "") for at in range(0, len(plain), 2)))
    return "\n".join(found)
