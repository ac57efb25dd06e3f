"""`triage FILE`: good lines are answered, bad ones told by number; facts of a person stand above the words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine import cli
from engine.service import triage_command
from engine.service.triage_command import Asked, Unusable, triage
from tests.support.world import ROOT

GOOD = {"id": "G1", "title": "禹州鸠山采石场边坡垮塌，村道中断", "discovered_at": "2026-03-05T07:00:00+08:00"}


def written(folder: Path, *lines: object, name: str = "items.jsonl") -> Path:
    path = folder / name
    texts = [line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines]
    path.write_text("\n".join(texts), encoding="utf-8")
    return path


def answered(asked: Asked) -> tuple[int, list[dict[str, Any]], list[str]]:
    lines: list[dict[str, Any]] = []
    told: list[str] = []
    code = triage(asked, lambda text: lines.append(json.loads(text)), told.append)
    return code, lines, told


def test_bad_lines_are_told_by_number_after_which_the_rest_is_done(tmp_path: Path):
    path = written(
        tmp_path, GOOD, "{", "[1]", {"id": "x"}, {"title": "没有编号的"}, "",
        {"id": "t", "title": "时间不对", "published_at": "昨天"}, {**GOOD, "title": "同一编号"},
        {"id": "F", "title": "事实不对", "facts": {"other_city": 3}}, {"id": 7, "title": "编号是数字"},
    )  # fmt: skip

    code, lines, told = answered(Asked(path))

    assert code == 1
    assert sorted(line["id"] for line in lines) == ["7", "G1"]
    assert [text.split(":")[0] for text in told] == [f"第 {n} 行" for n in (2, 3, 4, 5, 7, 9, 8)]
    assert "published_at" in told[4]


def test_a_byte_order_mark_and_unknown_fields_do_no_harm(tmp_path: Path):
    path = written(tmp_path, "\ufeff" + json.dumps({**GOOD, "颜色": [1, {"a": None}]}))

    code, lines, told = answered(Asked(path))

    assert (code, len(lines), told) == (0, 1, [])


def test_each_line_says_what_the_documentation_promises(tmp_path: Path):
    _, (line,), _ = answered(Asked(written(tmp_path, GOOD)))

    assert list(line) == ["id", "candidates", "echo_of_reply", "relevance", "grade", "subject", "route"]
    assert line["grade"]["suggestion"] == "major_negative"
    assert "垮塌" in "".join(line["grade"]["criteria"]["M3"])
    assert line["subject"]["value"] == ["county_local_government_decides"]
    assert line["subject"]["facts"]["districts"] == ["禹州市"]
    assert line["route"] == {
        "leader": "主要领导",
        "line": "shengtai",
        "units": ["禹州市自然资源和规划局", "生态修复科"],
    }


@pytest.mark.parametrize(
    ("facts", "subject", "lead"),
    [
        ({"districts": ["禹州市"]}, ["county_local_government_decides"], "county"),
        ({"districts": []}, ["city_bureau"], "city"),
        ({"districts": ["市本级"]}, ["city_bureau"], "city"),
        ({"districts": ["禹州市"], "city_policy": True}, ["city_bureau"], "city"),
        ({"districts": ["禹州市", "长葛市"]}, ["multi_place_superior_leads"], "city"),
        ({"districts": ["禹州市", "长葛"], "city_policy": True}, ["multi_place_superior_leads"], "city"),
        ({"districts": ["禹州市"], "other_city": "平顶山市"}, ["multi_place_superior_leads"], "province"),
        (
            {"districts": ["禹州市"], "departments": ["水利局"]},
            ["county_local_government_decides", "multi_department_by_duty"],
            "county",
        ),
        ({"districts": ["东城区"]}, ["county_local_government_decides"], "county"),
        ({"grade": "positive"}, ["none"], None),
        ({"relevant": False}, ["none"], None),
    ],
)
def test_the_subject_follows_from_the_facts_that_a_person_set(
    facts: dict[str, Any], subject: list[str], lead: str | None, tmp_path: Path
):
    inside = written(tmp_path, {**GOOD, "facts": facts})
    beside = written(tmp_path, {"id": "G1", "facts": facts}, name="facts.jsonl")

    _, (line,), _ = answered(Asked(inside))
    _, (other,), _ = answered(Asked(written(tmp_path, GOOD, name="plain.jsonl"), facts=beside))

    assert (line["subject"]["value"], line["subject"]["lead"]) == (subject, lead)
    assert other == line


def test_the_office_decides_by_its_own_tables(tmp_path: Path):
    """The process owner has sudden events graded as ordinary: the words are the same, the grade follows the table."""
    folder = tmp_path / "bundle" / "bpmn"
    folder.mkdir(parents=True)
    for name in ("grading.dmn", "response_subject.dmn", "subject_precedence.dmn", "routing.dmn", "regulation.toml"):
        text = (ROOT / "bpmn" / name).read_text(encoding="utf-8")
        if name == "grading.dmn":
            place = text.index('id="Rule_grading_3"')
            text = text[:place] + text[place:].replace("major_negative", "ordinary_negative", 1)
        (folder / name).write_text(text, encoding="utf-8")

    _, (line,), _ = answered(Asked(written(tmp_path, GOOD), bundle=tmp_path / "bundle"))

    assert line["grade"]["suggestion"] == "ordinary_negative"
    assert "M3" in line["grade"]["criteria"]


def test_media_of_a_confirmed_topic_make_it_major_by_the_number_of_the_profile(tmp_path: Path):
    post = {"title": "长葛复垦地里全是砖头", "body": "长葛董村复垦地扒开全是砖头，验收怎么过的？", "topic": "T"}
    items = [
        {**post, "id": f"S{n}", "source_name": f"第{n}观察", "discovered_at": f"2026-03-05T0{n}:00:00+08:00"}
        for n in range(1, 7)
    ]

    _, lines, _ = answered(Asked(written(tmp_path, *items), confirm="topic"))
    _, unconfirmed, _ = answered(Asked(written(tmp_path, *items)))

    grades = [line["grade"]["suggestion"] for line in lines]
    assert grades == ["ordinary_negative"] * 4 + ["major_negative"] * 2
    assert [line["grade"]["suggestion"] for line in unconfirmed][-1] in ("ordinary_negative", "unsure")


def test_what_cannot_be_read_at_all_is_refused_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    items = written(tmp_path, GOOD)

    with pytest.raises(Unusable, match="grading"):
        triage(Asked(items, bundle=written(tmp_path, "x = 1", name="regulation.toml").parent), print, print)
    with pytest.raises(Unusable, match="第 1 行"):
        triage(Asked(items, facts=written(tmp_path, "nonsense", name="facts")), print, print)
    assert cli.main(["triage", str(tmp_path / "nowhere.jsonl")]) == 2
    assert "nowhere" in capsys.readouterr().err


def test_the_command_prints_lines_or_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    items = str(written(tmp_path, GOOD))

    assert cli.main(["triage", items]) == 0
    assert json.loads(capsys.readouterr().out)["id"] == "G1"
    assert cli.main(["triage", items, "--table"]) == 0
    assert "重大负面" in capsys.readouterr().out


def test_units_have_names_for_every_id_that_the_table_routes_to():
    names = triage_command.UNIT_NAMES

    assert {"yuzhou", "dengji", "bangong", "guihua"} <= names.keys()


def test_what_we_have_published_is_known_from_a_file_and_a_bad_line_of_it_is_named(tmp_path: Path):
    reply = {"id": "回复7", "title": "关于鸠山采石场的回复",
             "body": "经核查，鸠山采石场边坡已停止作业，我局责令企业在四月底前完成支护，进展将及时公布。",
             "published_at": "2026-03-05T12:00:00+08:00"}  # fmt: skip
    echo = {"id": "E", "title": "转发", "body": reply["body"], "published_at": "2026-03-05T13:00:00+08:00"}
    items = written(tmp_path, GOOD, echo)

    code, lines, _ = answered(Asked(items, replies=written(tmp_path, reply, name="replies.jsonl")))
    with pytest.raises(Unusable, match="第 1 行"):
        answered(Asked(items, replies=written(tmp_path, "{", name="bad.jsonl")))

    assert code == 0
    assert [line["echo_of_reply"] for line in lines] == [None, "回复7"]
    assert lines[1]["grade"]["suggestion"] == "unsure"
