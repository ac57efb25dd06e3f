"""Placeholders of a template: found however Word cut them up, checked against what a kind of document offers, written
again as docxtpl needs them.

What a clerk may write: `{{文号}}`; `{{单位.名称}}`, whose table row, or paragraph outside a table, then comes once for
each unit; `{%p if 批示%}` ... `{%p else%}` ... `{%p endif%}` in paragraphs of their own, `{%tr if ...%}` in rows of
their own, `if not` as well. Nothing else: no filters, calls, loops or attributes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Final

from lxml import etree

from .docx_package import TEXT_PARTS, TemplateFault, W, parsed, written

Offered = Mapping[str, frozenset[str]]
"""name -> its columns; none for a simple field."""

_P: Final = f"{{{W}}}p"
_R: Final = f"{{{W}}}r"
_T: Final = f"{{{W}}}t"
_TR: Final = f"{{{W}}}tr"
_SPACE: Final = "{http://www.w3.org/XML/1998/namespace}space"
_TYPED: Final = str.maketrans({"｛": "{", "｝": "}", "％": "%", "．": ".", "＿": "_", "\u3000": " ", "\xa0": " "})
"""What a Chinese input method gives for the signs of a placeholder."""
_UNSEEN: Final = str.maketrans(dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\xad"))
_TAG: Final = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.S)
_BROKEN: Final = re.compile(r"\{\{|\}\}|\{%|%\}|\{#|#\}")
_FIELD: Final = re.compile(r"\{\{\s*([^\W\d]\w*)\s*(?:\.\s*([^\W\d]\w*)\s*)?\}\}")
_BLOCK: Final = re.compile(r"\{%\s*(p|tr)\s+(?:(if)\s+(not\s+)?([^\W\d]\w*)|(else|endif))\s*%\}")
_LOST: Final = ("proofErr", "bookmarkStart", "bookmarkEnd", "lastRenderedPageBreak", "permStart", "permEnd")
"""Marks that say nothing on paper; repeated with a row, their ids would stand there twice."""
_WHERE: Final = {"document": "document.part.body", "header": "document.part.header", "footer": "document.part.footer"}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a paragraph is: part, its number among the paragraphs with text, its text."""

    part: str
    number: int
    text: str

    def fault(self, key: str, **more: str) -> TemplateFault:
        where = _WHERE.get(re.sub(r"\d+$", "", self.part), "document.part.notes")
        return TemplateFault(key, {"part": where, "paragraph": self.number, "text": self.text[:60], **more})


def prepared(parts: Mapping[str, bytes], offered: Offered) -> tuple[dict[str, bytes], tuple[TemplateFault, ...]]:
    """The parts with every placeholder whole and as docxtpl reads it, and what is wrong with them.

    With faults the parts must not be rendered.
    """
    made = dict(parts)
    faults: list[TemplateFault] = []
    for name in sorted(parts):
        if not TEXT_PARTS.fullmatch(name):
            continue
        tree = parsed(parts[name])
        if tree is None:
            continue  # told by docx_package.faults
        faults += _part(name.removeprefix("word/").removesuffix(".xml"), tree, offered)
        made[name] = written(tree)
    return made, tuple(faults)


def used(parts: Mapping[str, bytes]) -> frozenset[str]:
    """Every `name` and `name.column` that stands in a template."""
    found = set()
    for name, content in parts.items():
        tree = parsed(content) if TEXT_PARTS.fullmatch(name) else None
        for paragraph in tree.iter(_P) if tree is not None else ():
            for tag in _TAG.findall(_plain(_text(paragraph))):
                if (field := _FIELD.fullmatch(tag)) is not None:
                    found.add(f"{field[1]}.{field[2]}" if field[2] else field[1])
                elif (block := _BLOCK.fullmatch(tag)) is not None and block[4]:
                    found.add(block[4])
    return frozenset(found)


def _part(part: str, tree: etree._Element, offered: Offered) -> Iterator[TemplateFault]:
    for one in list(tree.iter(*(f"{{{W}}}{name}" for name in _LOST))):
        parent = one.getparent()
        if parent is not None:
            parent.remove(one)
    for one in tree.iter():
        for attribute in [name for name in one.attrib if str(name).endswith(("}paraId", "}textId"))]:
            del one.attrib[attribute]
    number = 0
    blocks: list[tuple[str, _Place]] = []
    lists: dict[etree._Element, dict[str, _Place]] = {}
    for paragraph in list(tree.iter(_P)):
        text = _plain(_text(paragraph)).strip()
        number += bool(text)
        place = _Place(part, number, text)
        if _BROKEN.search(_TAG.sub("", text)):
            yield place.fault("document.template.broken")
            continue
        tags = _TAG.findall(text)
        for tag in tags:
            yield from _tag(tag, place, offered, paragraph, tags, blocks, lists)
        if tags:
            _join(paragraph)
    for _, place in blocks:
        yield place.fault("document.template.not_ended")
    for holder, names in lists.items():
        if len(names) > 1:
            yield next(iter(names.values())).fault("document.template.two_lists", names="、".join(sorted(names)))
        else:
            _repeat(holder, next(iter(names)))


def _tag(
    tag: str,
    place: _Place,
    offered: Offered,
    paragraph: etree._Element,
    tags: Sequence[str],
    blocks: list[tuple[str, _Place]],
    lists: dict[etree._Element, dict[str, _Place]],
) -> Iterator[TemplateFault]:
    field, block = _FIELD.fullmatch(tag), _BLOCK.fullmatch(tag)
    if field is not None:
        name, column = field[1], field[2]
        if name not in offered or (column and column not in offered[name]):
            yield place.fault("document.template.unknown", tag=tag)
        elif offered[name] and not column:
            yield place.fault("document.template.needs_column", tag=tag, columns="、".join(sorted(offered[name])))
        elif column:
            row = next(paragraph.iterancestors(_TR), None)
            lists.setdefault(paragraph if row is None else row, {}).setdefault(name, place)
        return
    if block is None:
        yield place.fault("document.template.not_allowed", tag=tag)
        return
    kind, name, word = block[1], block[4], block[2] or block[5]
    row = next(paragraph.iterancestors(_TR), None)
    whole = _plain(_text(paragraph if kind == "p" or row is None else row)).strip()
    if whole != tag or len(tags) != 1 or (kind == "tr" and row is None):
        yield place.fault("document.template.alone", tag=tag)
    if word == "if":
        if name not in offered:
            yield place.fault("document.template.unknown", tag=tag)
        blocks.append((kind, place))
    elif not blocks or blocks[-1][0] != kind:
        yield place.fault("document.template.not_begun", tag=tag)
    elif word == "endif":
        blocks.pop()


def _text(holder: etree._Element) -> str:
    return "".join(one.text or "" for one in _own(holder))


def _own(holder: etree._Element) -> list[etree._Element]:
    """The text elements of a paragraph, without those of paragraphs inside it (text boxes); all of a row."""
    found = list(holder.iter(_T))
    return found if holder.tag == _TR else [one for one in found if next(one.iterancestors(_P)) is holder]


def _plain(text: str) -> str:
    """With the signs of placeholders as a keyboard set to Latin gives them."""
    return text.translate(_TYPED).translate(_UNSEEN)


def _join(paragraph: etree._Element) -> None:
    """Every placeholder whole in the run in which it begins, with that run's looks."""
    texts = _own(paragraph)
    for one in texts:
        one.text = (one.text or "").translate(_UNSEEN)
    owner = [(one, at) for one in texts for at in range(len(one.text or ""))]
    whole = "".join(one.text or "" for one in texts)
    # Character for character: the places of `whole` are those of the translated text.
    for found in reversed(list(_TAG.finditer(whole.translate(_TYPED)))):
        first, begin = owner[found.start()]
        last, end = owner[found.end() - 1]
        tag = _written(found[0])
        if first is last:
            first.text = f"{(first.text or '')[:begin]}{tag}{(first.text or '')[end + 1 :]}"
        else:
            between = texts[texts.index(first) + 1 : texts.index(last)]
            first.text = f"{(first.text or '')[:begin]}{tag}"
            for one in between:
                one.text = ""
            last.text = (last.text or "")[end + 1 :]
            last.set(_SPACE, "preserve")
        first.set(_SPACE, "preserve")


def _written(tag: str) -> str:
    field, block = _FIELD.fullmatch(tag), _BLOCK.fullmatch(tag)
    if field is not None:
        return f"{{{{ {field[1]}{ROW}.{field[2]} }}}}" if field[2] else f"{{{{ {field[1]} }}}}"
    if block is None:
        return tag
    words = f"if {block[3] or ''}{block[4]}" if block[2] else block[5]
    return f"{{%{block[1]} {words} %}}"


ROW: Final = "_row"
"""What the one of a list is called that stands in the row under way: `单位_row`."""


def _repeat(holder: etree._Element, name: str) -> None:
    """Puts a row, or a paragraph, between the marks by which docxtpl repeats it for each of list `name`."""
    kind = "tr" if holder.tag == _TR else "p"
    for words, before in ((f"for {name}{ROW} in {name}", True), ("endfor", False)):
        mark = etree.Element(_P)
        run = etree.SubElement(mark, _R)
        etree.SubElement(run, _T).text = f"{{%{kind} {words} %}}"
        if kind == "tr":
            row = etree.Element(_TR)
            cell = deepcopy(next(holder.iter(f"{{{W}}}tc")))
            for child in list(cell):
                cell.remove(child)
            cell.append(mark)
            row.append(cell)
            mark = row
        if before:
            holder.addprevious(mark)
        else:
            holder.addnext(mark)
