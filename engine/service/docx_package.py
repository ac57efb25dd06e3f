"""A .docx as parts: opened with bounds, refused for what must never be in a template, packed again the same each
time."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

MAX_PACKED: Final = 5 * 1024 * 1024
"""Bytes of a template; ours take 20 kB, one with a scanned emblem some hundred."""
MAX_PARTS: Final = 400
MAX_UNPACKED: Final = 40 * 1024 * 1024
MAIN: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
W: Final = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
TEXT_PARTS: Final = re.compile(r"word/(document|header\d*|footer\d*|footnotes|endnotes)\.xml")
"""Parts in which text stands, and so placeholders may."""
_REFUSED: Final = (
    (re.compile(r"(^|/)(vbaProject|vbaData)\b|\.bin$", re.I), "document.template.macro"),
    (re.compile(r"^word/(embeddings|activeX|afchunk)", re.I), "document.template.embedded"),
    (re.compile(r"^word/fonts/|\.odttf$", re.I), "document.template.font"),
    (re.compile(r"^word/comments", re.I), "document.template.comments"),
)
_FIELDS: Final = re.compile(r"^\s*(DDE|DDEAUTO|INCLUDE\w*|IMPORT|LINK|EMBED|DATABASE|MACROBUTTON|ASK|FILLIN)\b", re.I)
_STAMP: Final = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class TemplateFault:
    """Something that must be mended. `key` names a sentence, `params` its blanks: `part`, `paragraph`, `text` say
    where it is."""

    key: str
    params: Mapping[str, str | int] = field(default_factory=dict)


class BadPackage(Exception):
    """It is no .docx that can be used; `fault` says why."""

    def __init__(self, fault: TemplateFault) -> None:
        super().__init__(fault.key, dict(fault.params))
        self.fault = fault


def opened(content: bytes) -> dict[str, bytes]:
    """The parts of a .docx, name -> bytes. Raises BadPackage: too large, no zip, no Word document, encrypted."""
    if len(content) > MAX_PACKED:
        raise BadPackage(TemplateFault("document.template.too_large", {"limit": MAX_PACKED // 1024 // 1024}))
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            if len(entries) > MAX_PARTS or sum(one.file_size for one in entries) > MAX_UNPACKED:
                raise BadPackage(TemplateFault("document.template.too_large", {"limit": MAX_PACKED // 1024 // 1024}))
            names = [one.filename for one in entries]
            if len(set(names)) != len(names):
                raise BadPackage(TemplateFault("document.template.not_docx"))
            parts = {name: archive.read(name) for name in names if not name.endswith("/")}
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError, EOFError) as error:
        raise BadPackage(TemplateFault("document.template.not_docx")) from error
    if "word/document.xml" not in parts or "[Content_Types].xml" not in parts:
        raise BadPackage(TemplateFault("document.template.not_docx"))
    return parts


def faults(parts: Mapping[str, bytes]) -> Iterator[TemplateFault]:
    """What a template must not have: macros, embedded objects and fonts, comments, anything fetched from elsewhere,
    fields that run or read something, tracked changes; and parts that are no XML."""
    for pattern, key in _REFUSED:
        found = sorted(name for name in parts if pattern.search(name))
        if found:
            yield TemplateFault(key, {"name": found[0]})
    trees: dict[str, etree._Element] = {}
    for name, content in sorted(parts.items()):
        if name.endswith((".xml", ".rels")):
            tree = parsed(content)
            if tree is None:
                yield TemplateFault("document.template.xml", {"name": name})
            else:
                trees[name] = tree
    types = trees.get("[Content_Types].xml")
    if types is not None:
        main = [one.get("ContentType") for one in types if one.get("PartName") == "/word/document.xml"]
        if main != [MAIN]:
            yield TemplateFault("document.template.not_docx")
        if any("macroEnabled" in str(one.get("ContentType")) for one in types):
            yield TemplateFault("document.template.macro", {"name": "[Content_Types].xml"})
    for name, tree in trees.items():
        if name.endswith(".rels"):
            for one in tree:
                if str(one.get("TargetMode")).lower() == "external":
                    yield TemplateFault("document.template.external", {"name": str(one.get("Target"))[:80]})
        elif TEXT_PARTS.fullmatch(name):
            yield from _in_text(name, tree)


def _in_text(name: str, tree: etree._Element) -> Iterator[TemplateFault]:
    for one in tree.iter(f"{{{W}}}altChunk", f"{{{W}}}object", f"{{{W}}}control"):
        yield TemplateFault("document.template.embedded", {"name": f"{name} {etree.QName(one).localname}"})
    for one in tree.iter(f"{{{W}}}ins", f"{{{W}}}del", f"{{{W}}}moveFrom", f"{{{W}}}moveTo"):
        if one.getparent() is not None and etree.QName(one.getparent()).localname not in ("rPr", "trPr"):
            text = "".join(str(part) for part in one.itertext())[:40]
            yield TemplateFault("document.template.tracked", {"text": text})
            break
    # Word may cut the words of a field over several runs, as it does with any text: read each field as a whole.
    for paragraph in tree.iter(f"{{{W}}}p"):
        code = "".join(one.text or "" for one in paragraph.iter(f"{{{W}}}instrText"))
        codes = [code, *(str(one.get(f"{{{W}}}instr")) for one in paragraph.iter(f"{{{W}}}fldSimple"))]
        for one_code in codes:
            if _FIELDS.match(one_code):
                yield TemplateFault("document.template.field", {"text": one_code.strip()[:40]})


def parsed(content: bytes) -> etree._Element | None:
    """The XML of a part; None when it is none, or has a DOCTYPE (entities could unfold or read files)."""
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        return None
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        return etree.fromstring(content, parser)
    except etree.XMLSyntaxError:
        return None


def written(tree: etree._Element) -> bytes:
    """The bytes of a part."""
    return etree.tostring(tree, xml_declaration=True, encoding="UTF-8", standalone=True)


def packed(parts: Mapping[str, bytes]) -> bytes:
    """The .docx of these parts: content types first, no times, so that the same parts are the same bytes."""
    out = io.BytesIO()
    order = sorted(parts, key=lambda name: (name != "[Content_Types].xml", name != "_rels/.rels", name))
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in order:
            entry = zipfile.ZipInfo(name, _STAMP)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, parts[name])
    return out.getvalue()
