"""What a package holds: the same content in the same bytes, BagIt, metadata, and reports that people can read."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from pathlib import Path
from xml.etree import ElementTree

import pytest
from fontTools.ttLib import TTFont

from engine.domain.rejection import Rejection
from engine.service import (
    exports,
    fonts,
    offline_verifier,
    package_files,
    package_log,
    package_metadata,
    package_selection,
    packages,
)
from engine.service.package_bag import Bag
from engine.service.package_selection import Selection
from engine.service.package_writer import Writer
from tests.package.conftest import Office
from tests.support.forger import Unpacked
from tests.support.world import xuchang

SPACE = f"{{{package_metadata.NAMESPACE}}}"
MARKED = re.compile(r"(data/reports/.*|bag-info\.txt|(tag)?manifest-sha256\.txt)")
"""Files that carry the watermark, and the lists with their hashes."""


def files_of(package: Path | io.BytesIO) -> dict[str, bytes]:
    with zipfile.ZipFile(package) as archive:
        return {name.split("/", 1)[1]: archive.read(name) for name in archive.namelist()}


def written(office: Office, case_id: str, mark: exports.Watermark) -> dict[str, bytes]:
    services = office.world.services
    with services.engine.connect() as conn:
        log = package_log.newest(services, conn)
    assert not isinstance(log, Rejection)
    target = io.BytesIO()
    Writer(services, Selection("case", case_id, (case_id,)), mark, log, fonts.chinese()).write(target)
    return {"": target.getvalue(), **files_of(target)}


def test_the_same_content_gives_the_same_bytes_but_for_the_watermark(office: Office):
    one = written(office, office.closed.id, exports.Watermark(7, "zhaoming", "赵明", xuchang("2026-03-02 10:05")))
    two = written(office, office.closed.id, exports.Watermark(8, "fengxue", "冯雪", xuchang("2026-03-03 11:06")))

    assert list(one) == list(two), "also the order of the files"
    assert {name for name in one if one[name] != two[name]} == {"", *filter(MARKED.fullmatch, one)}


def test_with_the_same_watermark_the_whole_zip_is_the_same(office: Office):
    mark = exports.Watermark(7, "zhaoming", "赵明", xuchang("2026-03-02 10:05"))

    assert written(office, office.late.id, mark) == written(office, office.late.id, mark)


def test_names_in_the_zip_are_plain_whatever_names_people_gave(package: Path):
    with zipfile.ZipFile(package) as archive:
        infos = archive.infolist()

    assert all(re.fullmatch(r"[A-Za-z0-9._/-]+", info.filename) for info in infos)
    assert {info.date_time for info in infos} == {(1980, 1, 1, 0, 0, 0)}
    assert len({info.filename.split("/")[0] for info in infos}) == 1


def test_the_bag_has_what_rfc_8493_asks_for(package: Path):
    files = files_of(package)
    info = files["bag-info.txt"].decode()

    assert files["bagit.txt"] == b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
    payload = {name: data for name, data in files.items() if name.startswith("data/")}
    assert f"Payload-Oxum: {sum(map(len, payload.values()))}.{len(payload)}\n" in info
    assert "Source-Organization: 许昌市自然资源和规划局\n" in info
    assert re.search(r"^Bagging-Date: \d{4}-\d\d-\d\d$", info, re.M)
    listed = dict(line.split("  ")[::-1] for line in files["manifest-sha256.txt"].decode().splitlines())
    assert listed.keys() == payload.keys()
    tags = dict(line.split("  ")[::-1] for line in files["tagmanifest-sha256.txt"].decode().splitlines())
    assert tags.keys() == files.keys() - payload.keys() - {"tagmanifest-sha256.txt"}


def test_entries_lie_in_the_package_as_they_lie_in_the_database(office: Office, package: Path):
    files = files_of(package)
    with office.world.services.journal.reading() as tx:
        for case_id in (office.closed.id, office.late.id, "_deployments"):
            stored = [entry.body for entry in tx.read(case_id)]

            assert files[f"data/entries/{case_id}.jsonl"].split(b"\n") == [*stored, b""]


def test_an_sm3_bag_has_a_second_list_that_the_verifier_checks(tmp_path: Path):
    path = tmp_path / "bag.zip"
    with path.open("wb") as target:
        bag = Bag(target, "bag", ("sha256", "sm3"))
        bag.text("data/a.txt", "abc")
        bag.close([])
    unpacked = Unpacked(path, tmp_path / "bag")
    listed = unpacked.read("manifest-sm3.txt").decode()

    unpacked.write("manifest-sm3.txt", listed.replace("66c7", "66c8").encode())
    faults = [fault for fault in unpacked.report().faults if fault.where == "manifest-sm3.txt"]

    assert listed == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0  data/a.txt\n"
    assert [fault.file for fault in faults] == ["data/a.txt"]


def test_a_name_that_is_not_plain_or_stands_twice_is_never_written(tmp_path: Path):
    with (tmp_path / "bag.zip").open("wb") as target:
        bag = Bag(target, "bag")
        bag.text("data/a.txt", "x")
        for name in ("data/案件.txt", "../a", "data//a", "data/A.txt", "/a", "data/a b"):
            with pytest.raises(ValueError, match="plain name"):
                bag.text(name, "x")
        bag.close([])


def test_bundle_files_get_names_that_every_system_keeps():
    stored = package_files.bundle_names("ab" * 32, ["bpmn/流程.bpmn", "bpmn/a.bpmn", "bpmn/A.bpmn", "bpmn/con.dmn"])

    names = [name.removeprefix("data/bundles/abababababababab/") for name in stored.values()]
    assert dict(zip(stored, names, strict=True)) == {
        "bpmn/A.bpmn": "bpmn/A.bpmn",
        "bpmn/a.bpmn": "other/002.bpmn",
        "bpmn/con.dmn": "other/003.dmn",
        "bpmn/流程.bpmn": "other/004.bpmn",
    }


# --- metadata ---


def test_the_metadata_say_where_from_how_long_and_who_did_what(office: Office, package: Path):
    root = ElementTree.fromstring(files_of(package)[f"data/metadata/{office.closed.id}.xml"])

    def text(path: str) -> str:
        return root.findtext("/".join(SPACE + part for part in path.split("/"))) or ""

    groups = [part.tag.removeprefix(SPACE) for part in root]
    assert list(dict.fromkeys(groups)) == [
        "来源", "档号", "内容描述", "形式特征", "电子属性", "电子文件", "文书", "数字化属性", "电子签名", "权限",
        "业务行为",
    ]  # fmt: skip
    assert text("来源/立档单位名称") == "许昌市自然资源和规划局"
    assert text("档号/建议档号") == "待定-WS·2026-D10-办公室-000001"
    assert text("内容描述/等级") == "普通负面"
    assert text("权限/保管期限") == "10年"
    assert text("电子文件/文件名") == "网页截图.png"
    actions = root.findall(f"{SPACE}业务行为/{SPACE}行为")
    assert (actions[0].findtext(f"{SPACE}行为人"), actions[0].get("记录号")) == ("王芳", "1")
    assert len(actions) >= 20


def test_a_major_case_is_kept_thirty_years_where_nothing_else_was_chosen(office: Office, package: Path):
    root = ElementTree.fromstring(files_of(package)[f"data/metadata/{office.late.id}.xml"])

    assert root.findtext(f"{SPACE}权限/{SPACE}保管期限") == "30年"
    assert "G-12" in (root.findtext(f"{SPACE}权限/{SPACE}保管期限依据") or "")


# --- the reports ---


def test_the_html_report_tells_the_case_with_names_and_labels(office: Office, package: Path):
    files = files_of(package)
    closed = files[f"data/reports/{office.closed.id}.html"].decode()
    late = files[f"data/reports/{office.late.id}.html"].decode()

    for told in (
        "五个时间",
        "领导批示",
        "发布凭证",
        "办理经过",
        "王芳",
        "张敏",
        "按时完成",
        "舆情分级建议",
        "网页截图.png",
    ):
        assert told in closed, told
    assert "已超时" in late and "当天表态" in late and "R49" in late
    assert re.search(r"赵明（zhaoming） \d{4}-\d\d-\d\d \d\d:\d\d 导出 第\d+号", closed)
    visible = re.sub(r"<[^>]+>|<style>.*?</style>", " ", closed.partition("</nav>")[2])
    raw = set(re.findall(r"\b(?:unit:\w+|user:\w+|ordinary_negative|wangfang|gengbao|Task_\w+)\b", visible))
    assert raw == set(), "names and labels, no ids"


def test_the_html_report_runs_and_fetches_nothing(office: Office, package: Path):
    html = files_of(package)[f"data/reports/{office.late.id}.html"].decode()

    assert "default-src 'none'" in html
    assert not re.search(r"<(script|img|link|iframe|object)\b|\bon[a-z]+=|url\(", html)


def pdf_streams(pdf: bytes) -> list[bytes]:
    found = []
    for part in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.S):
        try:
            found.append(zlib.decompress(part))
        except zlib.error:
            found.append(part)
    return found


def pdf_text(pdf: bytes) -> list[str]:
    """Text of each page, by the ToUnicode map of the one embedded font."""
    streams = pdf_streams(pdf)
    maps = [one for one in streams if b"beginbfchar" in one or b"beginbfrange" in one]
    assert len(maps) == 1
    meaning: dict[int, str] = {}
    for block in re.findall(rb"beginbfchar(.*?)endbfchar", maps[0], re.S):
        for glyph, text in re.findall(rb"<(\w+)>\s*<(\w+)>", block):
            meaning[int(glyph, 16)] = bytes.fromhex(text.decode()).decode("utf-16-be")
    pages = []
    for one in streams:
        if b" Tj" not in one:
            continue
        text = ""
        for raw in re.findall(rb"\(((?:\\.|[^\\)])*)\) Tj", one, re.S):
            plain = re.sub(rb"\\([()\\rn])", lambda m: {b"r": b"\r", b"n": b"\n"}.get(m[1], m[1]), raw)
            codes = [int.from_bytes(plain[at : at + 2], "big") for at in range(0, len(plain), 2)]
            text += "".join(meaning.get(code, "?") for code in codes) + "\n"
        pages.append(text)
    return pages


def test_the_pdf_report_has_the_chinese_font_in_it_and_its_text_can_be_taken_out(office: Office, package: Path):
    pdf = files_of(package)[f"data/reports/{office.closed.id}.pdf"]

    pages = pdf_text(pdf)
    embedded = [TTFont(io.BytesIO(one)) for one in pdf_streams(pdf) if one[:4] in (b"\x00\x01\x00\x00", b"true")]

    whole = "".join(pages).replace("\n", "")
    for told in ("案件归档报告", "网友反映耕地被占用", "王芳", "办理经过", "按时完成"):
        assert told in whole, told
    assert len(embedded) == 1
    assert 100 < embedded[0]["maxp"].numGlyphs < 3000, "a subset"
    assert b"/FontFile2" in pdf and b"/ToUnicode" in pdf


def test_the_watermark_is_on_every_page_of_the_pdf(office: Office, package: Path):
    pages = pdf_text(files_of(package)[f"data/reports/{office.closed.id}.pdf"])

    assert len(pages) >= 5
    assert [n for n, page in enumerate(pages, 1) if not re.search(r"赵明（zhaoming）.*导出 第\d+号", page)] == []


def test_a_character_that_the_font_lacks_is_shown_as_a_box_and_ends_nothing(office: Office):
    from engine.service.report import CaseReport, Pairs, Section
    from engine.service.report_pdf import LONGEST, pdf

    rows = (("怪", "𠮷\x07😀甲"), ("长", "长" * (LONGEST + 5)))
    made = pdf(
        CaseReport("X", "题", (Section("节", (Pairs(rows),)),)), "印", "注", office.world.clock.now(), fonts.chinese()
    )

    whole = re.sub(r"\s", "", "".join(pdf_text(made)))
    assert "□甲" in whole
    assert "余下5字" in whole
    assert whole.count("长") == LONGEST + 1, "nothing is lost where a row goes on on the next page"


def test_without_the_font_nothing_is_exported_and_it_is_said_why(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(fonts, "BUILT", tmp_path / "none.ttf")
    services = office.world.services
    selection = Selection("case", office.late.id, (office.late.id,))
    with services.engine.connect() as conn:
        before = packages.made_of(conn, "", 1000)

    refused = packages.make(services, office.world.actor("zhaoming"), selection, "")

    with services.engine.connect() as conn:
        assert packages.made_of(conn, "", 1000) == before
    assert isinstance(refused, Rejection) and refused.key == "package.no_font"
    with pytest.raises(fonts.FontMissing, match="make assets"):
        fonts.chinese()


# --- selection and log ---


@pytest.mark.parametrize(
    ("period", "key"),
    [("2026-13", "bad_period"), ("", "bad_period"), ("2026-03-01", "bad_period"), ("2025", "nothing_closed")],
)
def test_a_period_that_is_none_or_empty_is_refused(office: Office, period: str, key: str):
    with office.world.services.engine.connect() as conn:
        refused = package_selection.closed_in(conn, period)

    assert isinstance(refused, Rejection) and refused.key == f"package.{key}"


def test_a_month_and_its_year_hold_the_case_closed_in_it(office: Office):
    with office.world.services.engine.connect() as conn:
        month, year = (package_selection.closed_in(conn, period) for period in ("2026-04", "2026"))
        before = package_selection.closed_in(conn, "2026-03")

    assert isinstance(month, Selection) and isinstance(year, Selection)
    assert month.cases == year.cases == (office.closed.id,)
    assert isinstance(before, Rejection)


def test_the_log_of_exports_has_the_hash_of_the_very_file(office: Office, tmp_path: Path):
    path = office.export(tmp_path, office.closed.id)

    with office.world.services.engine.connect() as conn:
        newest = packages.made_of(conn, office.closed.id, 1)[0]

    assert newest.sha256 == offline_verifier.digest("sha256", path.read_bytes()).hex()
    assert (newest.size, newest.name) == (path.stat().st_size, "赵明")
