"""`python -m engine.cli check` as a process owner's repository calls it."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from engine import cli
from engine.definitions.model import Finding
from engine.service import check_worker
from engine.service.finding_rows import Outline, rows
from tests.support.diagrams import HEAD, Scope, document, timer
from tests.support.world import ROOT

FIELDS = ["file", "code", "severity", "element_id", "element_name", "line", "message", "hint"]


def check(*arguments: str, code: int | None = None) -> list[dict[str, Any]]:
    """The rows of a call in a process of its own, without notes."""
    done = subprocess.run(
        [sys.executable, "-m", "engine.cli", "check", "--format", "json", *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.stderr == ""
    assert code is None or done.returncode == code
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return [row for row in found if row["severity"] != "info"]


def plain(**values: str) -> Scope:
    """A process with one user task."""
    scope = Scope()
    scope.chain(scope.start(), scope.user("Task_a", name="甄别", **values), scope.end())
    return scope


def test_each_finding_is_an_object_with_the_documented_fields(tmp_path: Path):
    path = tmp_path / "a.bpmn"
    path.write_bytes(document(p=plain(camunda_formRef="nowhere")))

    found = check(str(path), code=1)

    assert [list(row) for row in found] == [FIELDS]
    (row,) = found
    line = next(n for n, text in enumerate(path.read_text().splitlines(), 1) if "Task_a" in text)
    assert (row["file"], row["code"], row["severity"]) == (str(path), "bpmn.form_unknown", "error")
    assert (row["element_id"], row["element_name"], row["line"]) == ("Task_a", "甄别", line)
    assert row["message"] == "“甄别”（Task_a）：表单“nowhere”不在流程包中。"
    assert row["hint"] == "核对表单编号，或把 .form 文件一并上传。"


def test_the_sentences_are_english_when_asked_for(tmp_path: Path):
    path = tmp_path / "a.bpmn"
    path.write_bytes(document(p=plain(camunda_formRef="nowhere")))

    (row,) = check("--lang", "en", str(path), code=1)

    assert "“甄别” (Task_a): " in row["message"] and "nowhere" in row["message"]
    assert row["hint"].isascii()


def test_a_file_without_faults_exits_with_0_and_tells_nothing_but_notes(tmp_path: Path):
    path = tmp_path / "a.bpmn"
    path.write_bytes(document(p=plain()))

    assert [row for row in check(str(path), code=0) if row["severity"] != "info"] == []


def test_a_file_that_is_missing_or_no_diagram_does_not_stop_the_others(tmp_path: Path):
    good, bad, other = tmp_path / "good.bpmn", tmp_path / "bad.bpmn", tmp_path / "other.bpmn"
    good.write_bytes(document(p=plain(camunda_formRef="nowhere")))
    bad.write_text('<definitions id="d1"><process id="p1"><task id="t1"', encoding="utf-8")
    other.write_text('<svg id="picture"/>', encoding="utf-8")

    found = check(str(tmp_path / "gone.bpmn"), str(bad), str(other), str(good), code=2)

    said = {(Path(row["file"]).name, row["code"], row["element_id"]) for row in found if row["severity"] == "error"}
    assert said == {
        ("gone.bpmn", "bundle.unreadable", "gone.bpmn"),
        ("bad.bpmn", "xml.not_well_formed", "t1"),
        ("other.bpmn", "bpmn.not_bpmn", "picture"),
        ("good.bpmn", "bpmn.form_unknown", "Task_a"),
    }


def test_a_file_that_is_too_large_is_refused_without_being_read_whole(tmp_path: Path):
    path = tmp_path / "large.bpmn"
    with path.open("wb") as large:
        large.write(b'<definitions id="d1">')
        large.truncate(5_000_000_000)

    (row,) = check(str(path), code=1)

    assert (row["code"], row["element_id"], row["line"]) == ("xml.too_large", "d1", 1)


def test_single_files_are_subjects_of_their_own_unless_they_are_put_together(tmp_path: Path):
    paths = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        paths.append(str(tmp_path / folder / "same.bpmn"))
        Path(paths[-1]).write_bytes(document(p=plain()))

    apart = check(*paths, code=0)
    together = check("--together", *paths, code=1)

    assert apart == []
    assert [row["code"] for row in together] == ["bundle.twice"]


def test_what_a_diagram_refers_to_is_found_among_the_files_given(tmp_path: Path):
    form = tmp_path / "screen.form"
    form.write_bytes((ROOT / "forms" / "screen.form").read_bytes())
    caller, called = Scope(), plain(camunda_formRef="screen")
    caller.chain(caller.start(), caller.node("callActivity", "Call_q", calledElement="q"), caller.end())
    (tmp_path / "caller.bpmn").write_bytes(document(p=caller))
    (tmp_path / "called.bpmn").write_bytes(document(q=called))

    alone = check(str(tmp_path / "caller.bpmn"), code=1)
    beside = check(str(tmp_path / "caller.bpmn"), str(tmp_path / "called.bpmn"), str(form), code=0)

    assert [row["code"] for row in alone] == ["bpmn.call_unknown"]
    assert beside == []


def test_a_folder_and_a_zip_are_one_bundle_and_name_the_file_inside(tmp_path: Path):
    inside = tmp_path / "bundle" / "bpmn"
    inside.mkdir(parents=True)
    (inside / "a.bpmn").write_bytes(document(p=plain(camunda_formRef="nowhere")))
    packed = tmp_path / "bundle.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(inside / "a.bpmn", "bpmn/a.bpmn")

    found = check(str(tmp_path / "bundle"), str(packed), code=1)

    assert [row["file"] for row in found] == [f"{tmp_path}/bundle/bpmn/a.bpmn", f"{packed}!bpmn/a.bpmn"]


@pytest.mark.parametrize("name", ["a.bpmn20.xml", "a.bpmn2", "a.BPMN", "a.xml", "流程 图.bpmn"])
def test_a_diagram_is_known_by_its_content_whatever_its_name(tmp_path: Path, name: str):
    (tmp_path / name).write_bytes(document(p=plain()))

    assert check(str(tmp_path / name), code=0) == []


def test_the_shipped_bundle_is_fine_in_every_way_it_can_be_given():
    files = [str(p) for folder in ("bpmn", "forms") for p in sorted((ROOT / folder).iterdir()) if p.is_file()]

    assert check(str(ROOT), code=0) == []
    assert check("--together", *files, code=0) == []
    # Alone, a diagram hears no signal and sees no data of the others: those are warnings.
    assert {row["severity"] for row in check(*files, code=0)} == {"warning"}


def test_a_name_that_nothing_writes_is_an_error_in_a_bundle_and_a_warning_in_a_diagram_alone(tmp_path: Path):
    scope = Scope()
    scope.chain(scope.start(), scope.user("Task_a", name="甄别", camunda_formRef="screen"), scope.end())
    scope.boundary("late", "Task_a", timer("duration", "duration(somewhere)"))
    scope.flow("late", "end")
    form = ROOT / "forms" / "screen.form"
    path = tmp_path / "a.bpmn"
    path.write_bytes(document(p=scope))

    alone = [row for row in check(str(path), str(form), code=0) if row["element_id"] == "late"]
    profile = tmp_path / "regulation.toml"
    profile.write_text('[profile]\ntitle = "试用"\n', encoding="utf-8")
    whole = check("--together", str(path), str(form), str(profile), code=1)
    together = [row for row in whole if row["element_id"] == "late"]

    assert [(row["severity"], row["code"]) for row in alone] == [("warning", "bpmn.unknown_name")]
    assert [(row["severity"], row["code"]) for row in together] == [("error", "bpmn.unknown_name")]


def test_sarif_names_rule_place_and_element(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "a b.bpmn"
    path.write_bytes(document(p=plain(camunda_formRef="nowhere")))

    assert cli.main(["check", "--format", "sarif", str(path)]) == 1
    log = json.loads(capsys.readouterr().out)

    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    (rule,), (result,) = run["tool"]["driver"]["rules"], run["results"]
    assert rule["id"] == result["ruleId"] == "bpmn.form_unknown" and result["ruleIndex"] == 0
    assert result["level"] == "error"
    place = result["locations"][0]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == f"file://{tmp_path}/a%20b.bpmn"
    assert place["physicalLocation"]["region"]["startLine"] > 1
    assert place["logicalLocations"] == [{"name": "甄别", "fullyQualifiedName": "Task_a", "kind": "element"}]


def test_text_is_one_line_for_the_finding_one_for_what_to_do_and_a_count(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = tmp_path / "a.bpmn"
    path.write_bytes(document(p=plain(camunda_formRef="nowhere")))

    assert cli.main(["check", str(path)]) == 1
    first, todo, count = capsys.readouterr().out.splitlines()

    assert first.startswith(f"{path}:") and first.endswith("不在流程包中。 [bpmn.form_unknown]")
    assert todo == "    核对表单编号，或把 .form 文件一并上传。"
    assert count == "错误 1 条，提醒 0 条，提示 0 条"


def test_notes_come_last_in_the_text_and_keep_nothing_from_passing(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "a.bpmn"
    path.write_bytes(document(p=plain()))  # its declarations of messages and errors are used by nothing

    assert cli.main(["check", str(path)]) == 0
    *notes, ending = capsys.readouterr().out.splitlines()

    assert notes and all("[check.unused]" in line for line in notes[::2])
    assert ending == f"检查通过，另有 {len(notes) // 2} 条提示"


def test_neither_check_nor_run_loads_the_database_or_the_web():
    loaded = (
        "import sys; from engine import cli; from engine.service import check_files, check_worker, play_command, sarif;"
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'sqlalchemy', 'flask', 'alembic', 'cryptography'}))"
    )

    done = subprocess.run([sys.executable, "-c", loaded], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


@pytest.fixture
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker forks only where it is alone; the test runner's own threads do no harm here."""
    monkeypatch.setattr(check_worker.threading, "active_count", lambda: 1)


@pytest.mark.usefixtures("one_thread")
def test_a_check_that_does_not_end_is_ended_and_the_next_file_is_checked():
    def run(files: Any) -> list[Finding]:
        while "endless" in files:
            pass
        return []

    with check_worker.Worker(run, seconds_a_file=0.2) as worker:
        stopped = worker.findings({"endless": b""})
        after = worker.findings({"other": b""})

    assert [(f.severity, f.file, f.key) for f in stopped] == [("error", "endless", "bundle.check_time")]
    assert after == []


@pytest.mark.usefixtures("one_thread")
def test_a_check_that_takes_its_process_down_is_a_finding():
    def run(files: Any) -> list[Finding]:
        if "deadly" in files:
            check_worker.signal.raise_signal(check_worker.signal.SIGKILL)
        return []

    with check_worker.Worker(run) as worker:
        assert [f.key for f in worker.findings({"deadly": b""})] == ["bundle.check_failed"]
        assert worker.findings({"other": b""}) == []


def test_a_fault_of_the_check_itself_is_a_finding(monkeypatch: pytest.MonkeyPatch):
    def broken(_: object) -> None:
        raise RecursionError

    monkeypatch.setattr(check_worker, "check", broken)

    (finding,) = check_worker.findings_of({"bpmn/a.bpmn": b""})

    assert (finding.severity, finding.key, finding.details) == (
        "error", "bundle.check_failed", {"reason": "RecursionError"},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("data", "line", "element"),
    [
        (b'<a id="x">\n<b id="y"/>\n<c>\n', 3, "x"),
        (b'<a id="x">\n<b id="y">\n<c>\n', 3, "y"),
        (b'<p:a>\n<b id="y"></b>\n<c/>\n', 3, "a"),
        (b'<p:a>\n<b id="y"/>\n', 0, "a"),
        ('\ufeff<p:a id="十"/>'.encode("utf-16"), 1, "十"),
        (b"no tag at all", 7, "definitions"),
    ],
)
def test_what_has_no_id_is_named_by_the_nearest_element_that_has_one(data: bytes, line: int, element: str):
    assert Outline(data).place(line)[0] == element


def test_a_row_of_a_named_finding_keeps_its_own_element_and_line():
    finding = Finding("warning", "x", "Task_a", "", 9, "bpmn.dead_end")

    (row,) = rows([finding], "given.bpmn", HEAD.encode(), "zh")

    assert (row.file, row.element_id, row.line, row.severity) == ("given.bpmn", "Task_a", 9, "warning")
    assert row.message.startswith("Task_a：")
