"""Changes in words, what they mean for limits, and the findings that only one side has."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine import cli
from engine.definitions.diff import diff
from engine.definitions.model import Finding
from engine.service import compare_durations, compare_parts, compare_words
from engine.service.bundle_compare import changed_findings, clauses
from engine.service.catalogue import sentences
from tests.unit.checks.bundle_edits import ROOT, shipped

HANDLING = "bpmn/unit_handling.bpmn"


def edited(path: str, before: str, after: str) -> dict[str, bytes]:
    files = shipped()
    assert before.encode() in files[path]
    return {**files, path: files[path].replace(before.encode(), after.encode())}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("PT8H", "PT80H", "由8小时改为80小时，放宽72小时。"),
        ("PT48H", "P1D", "由48小时改为1天，收紧1天。"),
        ('=x + duration("PT30M")', '=x + duration("PT1H30M")', "由30分钟改为1小时30分钟，放宽1小时。"),
        ("PT8H", "PT8H", ""),
        ("PT8H", "end of day(discovered_at)", ""),
        ("PT8H and PT9H", "PT8H and PT10H", ""),
        ("P1M", "P2M", ""),
    ],
)
def test_by_how_much_a_limit_became_longer_or_shorter(before: str, after: str, said: str):
    assert compare_durations.difference(before, after, "zh") == said


def test_a_row_says_what_where_and_what_it_means():
    (row,) = compare_words.rows(diff(shipped(), edited(HANDLING, "PT8H", "PT6H")), "zh")

    assert (row.effect_words, row.kind_words, row.type, row.label) == ("时限", "修改", "边界事件", "8小时意见时限")
    assert (row.what, row.means, row.clauses) == ("计时器 › 到期时刻", "由8小时改为6小时，收紧2小时。", ("R50",))
    (english,) = compare_words.rows(diff(shipped(), edited(HANDLING, "PT8H", "PT6H")), "en")
    assert english.means == "From 8 h to 6 h: 2 h shorter."


def test_parts_without_words_are_shown_as_they_are_written():
    assert compare_words.part_words(("extensionElements", "{urn:x}retry", "@times"), "zh") == "retry › times"
    assert compare_words.part_words(("camunda:property[colour of pen]", "@value"), "zh") == "colour of pen"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_word_is_in_the_catalogue(language: str):
    known = sentences(language)
    tables = (
        compare_parts.PARTS, compare_parts.PROPERTIES, compare_parts.TYPES, compare_parts.EFFECTS, compare_parts.MEANS,
        compare_parts.KINDS, compare_parts.STATUSES,
    )  # fmt: skip

    assert [key for table in tables for key in table.values() if key not in known] == []


def test_findings_of_one_side_only_are_told_whatever_their_line():
    same = Finding("warning", HANDLING, "Task_a", "甲", 10, "check.no_effect", {"way": "甲 → 乙"})
    moved = Finding("warning", HANDLING, "Task_a", "甲", 90, "check.no_effect", {"way": "-"})
    gone = Finding("info", HANDLING, "Task_b", "乙", 11, "check.no_effect", {})
    fresh = Finding("error", HANDLING, "Task_c", "丙", 12, "regulation.limit_late", {"clause": "R50"})

    found = changed_findings((same, gone), (moved, fresh), diff(shipped(), shipped()))

    assert (found.new, found.gone, found.kept) == ((fresh,), (gone,), 1)


def test_a_finding_about_an_element_with_a_new_id_is_the_same_finding():
    path = "bpmn/report_leader.bpmn"
    told = diff(shipped(), edited(path, "Task_instruct_chief", "Activity_1"))
    before = Finding("warning", path, "Task_instruct_chief", "", 1, "check.no_effect", {})
    after = Finding("warning", path, "Activity_1", "", 1, "check.no_effect", {})

    found = changed_findings((before,), (after,), told)

    assert (found.new, found.gone, found.kept) == ((), (), 1)


def test_clauses_are_counted_for_what_matters_and_not_for_the_picture():
    assert clauses(diff(shipped(), edited(HANDLING, "PT8H", "PT6H"))) == {"R50": 1}
    assert clauses(diff(shipped(), edited(HANDLING, '<dc:Bounds x="', '<dc:Bounds x="1'))) == {}


def written(folder: Path, files: dict[str, bytes]) -> str:
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return str(folder)


def test_the_command_tells_and_exits_one_when_they_differ(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    other = written(tmp_path, edited(HANDLING, "PT8H", "PT6H"))

    code = cli.main(["diff", str(ROOT), other])

    said = capsys.readouterr().out
    assert code == 1
    assert f"{HANDLING}: 有改动" in said and "计时器 › 到期时刻" in said and "[R50]" in said


def test_the_command_exits_zero_for_the_same_and_two_for_what_is_no_bundle(capsys: pytest.CaptureFixture[str]):
    assert cli.main(["diff", str(ROOT), str(ROOT)]) == 0
    assert "两个版本完全相同" in capsys.readouterr().out
    assert cli.main(["diff", str(ROOT), str(ROOT / "docs")]) == 2


def test_the_command_speaks_to_programs_and_leaves_out_layout(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    other = written(tmp_path, edited(HANDLING, '<dc:Bounds x="', '<dc:Bounds x="1'))

    assert cli.main(["diff", str(ROOT), other, "--json"]) == 1
    read = json.loads(capsys.readouterr().out)
    assert read["files"][0]["status"] == "layout"
    assert {row["effect"] for row in read["files"][0]["changes"]} == {"layout"}
    assert cli.main(["diff", str(ROOT), other, "--no-layout"]) == 1
    assert HANDLING not in capsys.readouterr().out
