"""Metadata of an archived case as XML, in the manner of DA/T 46-2009 and DA/T 48-2009.

The groups are theirs (来源, 档号, 内容描述, 形式特征, 电子属性, 数字化属性, 电子签名, 权限, 业务行为); the schema is
our own, described in docs/package.md. An archive maps it to the scheme of its province; nothing here claims conformity.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from xml.etree import ElementTree as ET

from engine.definitions.bundle import Bundle
from engine.domain.codec import JSON
from engine.journal.entry import StoredEntry
from engine.readmodels import cases, dossier, timeline

from .report_words import Words, instant, one_of

NAMESPACE: Final = "urn:opinion-cases:archive-metadata:1"
MAJOR: Final = "major_negative"
UNKNOWN: Final = "待定"
"""What only the archive office can fill in; the regulation profile may say it under [archive]."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long it is kept. `code`: as in a 档号 (Y, D30, D10). `basis`: on whose word."""

    code: str
    label: str
    basis: str


def retention(bundle: Bundle, data: Mapping[str, JSON], grade: str) -> Retention:
    """What was chosen when the case was archived, else the profile's default for its grade (G-12)."""
    chosen = str(data.get("retention") or "")
    if chosen:
        years = chosen.removesuffix("y")
        if years.isdigit():
            return Retention(f"D{years}", f"{years}年", "归档表所填")
        return Retention("Y", "永久", "归档表所填")
    profile: Mapping[str, Any] = bundle.regulation.get("retention", {})
    years = str(profile.get("major_years", 30) if grade == MAJOR else profile.get("ordinary_years", 10))
    return Retention(f"D{years}", f"{years}年", f"默认值，{profile.get('basis', '由档案部门确认')}")


def archive_number(bundle: Bundle, row: cases.CaseRow, kept: Retention) -> str:
    """全宗号-门类·年度-期限-机构-件号; the parts that nobody has decided yet are called 待定."""
    profile: Mapping[str, Any] = bundle.regulation.get("archive", {})
    number = row.case_id.rpartition("-")[2]
    year = instant(row.opened_at)[:4]
    return (
        f"{profile.get('fonds') or UNKNOWN}-{profile.get('category') or 'WS'}·{year}-{kept.code}"
        f"-{profile.get('office') or '办公室'}-{number}"
    )


def xml(
    row: cases.CaseRow,
    bundle: Bundle,
    entries: Sequence[StoredEntry],
    files: Sequence[dossier.FileRow],
    documents: Sequence[Mapping[str, Any]],
    data: Mapping[str, JSON],
    words: Words,
    seal: Mapping[str, str],
) -> bytes:
    """The metadata of one case. `documents`: as package_documents.listed tells; `seal`: element name -> text about the
    log's signature, {} when nothing is sealed."""
    kept = retention(bundle, data, row.grade)
    issuer = str(bundle.regulation.get("profile", {}).get("issuer") or UNKNOWN)
    root = ET.Element("归档文件元数据", {"xmlns": NAMESPACE, "版本": "1"})
    _group(root, "来源", [("立档单位名称", issuer), ("归档部门", "办公室"), ("业务系统", "网络舆情处置系统"),
                          ("登记人", words.person(row.opened_by))])  # fmt: skip
    _group(root, "档号", [("案件编号", row.case_id), ("档号", str(data.get("archive_no") or "")),
                          ("建议档号", archive_number(bundle, row, kept))])  # fmt: skip
    _group(root, "内容描述", [
        ("题名", row.title), ("等级", one_of("grade.", row.grade or 'none', row.grade)), ("区域", row.district),
        ("来源媒体", row.source_name), ("网址", row.url), ("发布时间", instant(row.published_at)),
        ("发现时间", instant(row.discovered_at)), ("登记时间", instant(row.opened_at)),
        ("办结时间", instant(row.closed_at)), ("办理结果", one_of("outcome.", row.outcome, row.outcome)),
    ])  # fmt: skip
    _group(root, "形式特征", [("文件组合类型", "组合文件"), ("语种", "汉语"), ("附件数", str(len(files))),
                              ("文书数", str(len(documents))),
                              ("记录条数", str(len(entries)))])  # fmt: skip
    _group(root, "电子属性", [
        ("格式", "JSON Lines（记录）、BPMN 2.0、DMN、HTML、PDF、DOCX、原始附件"), ("字符集", "UTF-8"),
        ("流程包版本", entries[-1].bundle), ("程序版本", entries[-1].engine_version),
    ])  # fmt: skip
    for file in sorted(files, key=lambda one: (one.seq, one.name)):
        part = ET.SubElement(root, "电子文件")
        _fill(part, [("文件名", file.name), ("字节数", str(file.size)), ("格式信息", file.media_type),
                     ("SHA-256", file.sha256), ("上传人", words.person(file.author)),
                     ("上传时间", instant(file.at))])  # fmt: skip
    marks = {one["number"]: one["mark"] for one in documents}
    for one in documents:
        stands = f"已作废，由{marks[one['replaced_by']]}替代" if one["void"] else "有效"
        _group(root, "文书", [
            ("文号", one["mark"]), ("文种", one["title"]), ("状态", stands), ("制作人", words.person(one["by"])),
            ("制作时间", instant(one["at"])), ("Word文件SHA-256", one["docx"]["sha256"]),
            ("PDF文件SHA-256", one["pdf"]["sha256"]),
        ])  # fmt: skip
    _group(root, "数字化属性", [("说明", "电子原生，未经数字化")])
    _group(root, "电子签名", [("末条记录杂凑值", entries[-1].hash), *seal.items()])
    _group(root, "权限", [
        ("密级", words.cell(data["secrecy_level"]) if data.get("secrecy_level") else "不含国家秘密"),
        ("控制标识", "内部资料，不得外传"), ("保管期限", kept.label), ("保管期限依据", kept.basis),
    ])  # fmt: skip
    actions = ET.SubElement(root, "业务行为")
    for said in timeline.build(entries, words.group):
        told = [words.line(item) for item in said.items if not item.minor]
        if told:
            part = ET.SubElement(actions, "行为", {"记录号": str(said.seq)})
            _fill(part, [("行为时间", instant(said.at)), ("行为人", said.actor_name),
                         ("代行", said.on_behalf_of_name), ("行为描述", "；".join(told))])  # fmt: skip
    ET.indent(root, " ")
    body: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return body + b"\n"


def _group(root: ET.Element, name: str, rows: Sequence[tuple[str, str]]) -> None:
    _fill(ET.SubElement(root, name), rows)


def _fill(parent: ET.Element, rows: Sequence[tuple[str, str]]) -> None:
    """Children with text; what is empty is left out, what XML cannot hold (control characters) too."""
    for name, text in rows:
        if text:
            ET.SubElement(parent, name).text = "".join(_allowed(text))


def _allowed(text: str) -> Iterator[str]:
    return (one for one in text if one in "\n\t" or (one >= " " and one not in "\ufffe\uffff"))
