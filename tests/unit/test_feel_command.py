"""`python -m engine.cli feel`: an expression tried on data, its value as JSON, what is wrong in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import cli

ROOT = Path(__file__).parents[2]
NOW = "2026-11-20T17:00:00+08:00"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = cli.main(["feel", *arguments])
    said = capsys.readouterr()
    return code, said.out.strip(), said.err.strip()


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        (["count(units) > 1", "--data", '{"units": ["甲", "乙"]}'], "true"),
        (["=end of day(now())", "--now", NOW], '"2026-11-21T00:00:00+08:00"'),
        (["[名称, 0.1 + 0.2]", "--data", '{"名称": "甲"}'], '["甲", 0.3]'),
        (["> 5", "--cell", "7"], "true"),
        (['"重大", "普通"', "--cell", '"正面"'], "false"),
        (
            [f'add working hours("{NOW}", 2)', "--calendar", str(ROOT / "bpmn" / "regulation.toml")],
            '"2026-11-23T09:30:00+08:00"',
        ),
    ],
)
def test_the_value_is_printed_as_json(capsys: pytest.CaptureFixture[str], arguments: list[str], value: str) -> None:
    assert run(capsys, *arguments) == (0, value, "")


def test_data_may_come_from_a_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text('{"n": 20}', encoding="utf-8")

    assert run(capsys, "n * 2", "--data", f"@{tmp_path}/data.json")[:2] == (0, "40")


def test_a_camunda_expression_is_shown_as_feel(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "${a == 'x' && !b}", "--data", '{"a": "x", "b": null}')

    assert (code, out) == (0, "true")
    assert err == 'FEEL: (a = "x" and not(b = true))'


def test_a_name_that_the_data_lacks_is_told_by_the_way(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "grde = null") == (0, "true", "数据里没有“grde”，按空值计算")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["a == b"], "第 1 行第 4 个字符：这里不应出现“=”"),
        (["1 +", "--lang", "en"], "Line 1, column 4"),
        (["cuont([])"], "是否想写“count”"),
        (["frobnicate(1)"], "不存在"),
        (["for i in 1..99999 return i"], "上限"),
        (["function(a) a"], "不能保存"),
        (["is workday(now())"], "没有工作日历"),
        (["${bean.call()}"], "超出可自动转换的范围"),
    ],
)
def test_what_is_wrong_is_said_in_words_and_exits_with_1(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    code, out, err = run(capsys, *arguments)

    assert (code, out) == (1, "")
    assert words in err


@pytest.mark.parametrize(
    "arguments",
    [
        ["1", "--data", "[]"],
        ["1", "--data", "{"],
        ["1", "--data", "@nowhere.json"],
        ["1", "--now", "yesterday"],
        ["1", "--calendar", "nowhere.toml"],
        ["1", "--cell", "{"],
    ],
)
def test_what_cannot_be_tried_exits_with_2(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    code, out, err = run(capsys, *arguments)

    assert (code, out) == (2, "")
    assert err
