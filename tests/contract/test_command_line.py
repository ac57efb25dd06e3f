"""The command line as an administrator types it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from engine import cli
from engine.service import bundle_folder
from engine.service.verify import Asked, verify
from tests.support.world import ROOT, World, shipped_files, whole_bundle


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "now").write_text("2026-03-02T01:00:00Z")
    monkeypatch.setenv("OPINION_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("OPINION_TEST_CLOCK", str(tmp_path / "now"))
    made = World(tmp_path)
    yield made
    made.services.engine.dispose()


@pytest.fixture
def changed(tmp_path: Path) -> str:
    """A file that could go live: the shipped triage with one step renamed."""
    path = tmp_path / "triage.bpmn"
    text = (ROOT / "bpmn" / "triage.bpmn").read_text(encoding="utf-8")
    path.write_text(text.replace('name="甄别" camunda', 'name="初步甄别" camunda'), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("login", ["wangfang", "zhaoming", "qianjin", "nobody"])
def test_only_a_process_owner_deploys(world: World, changed: str, login: str, capsys: pytest.CaptureFixture[str]):
    refused = cli.main(["deploy", changed, "--reason", "试行", "--actor", login])

    assert refused == 1
    assert f"未发布: {login} 不是流程负责人" in capsys.readouterr().err
    assert len(world.services.deployments.history()) == 1


def test_a_deployment_without_a_reason_is_refused(world: World, changed: str):
    assert cli.main(["deploy", changed, "--reason", " ", "--actor", "sunli"]) == 1
    assert len(world.services.deployments.history()) == 1


def test_a_dry_run_says_what_would_happen_and_deploys_nothing(
    world: World, changed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    whole, late = tmp_path / "whole.zip", tmp_path / "late.zip"
    renamed = {**whole_bundle(), "bpmn/triage.bpmn": Path(changed).read_bytes()}
    whole.write_bytes(bundle_folder.to_zip(renamed))
    six = (ROOT / "bpmn" / "unit_handling.bpmn").read_bytes().replace(b'"PT8H"', b'"PT6H"')
    late.write_bytes(bundle_folder.to_zip({**whole_bundle(), "bpmn/unit_handling.bpmn": six}))

    assert cli.main(["deploy", str(whole), "--reason", "试行", "--as", "sunli", "--dry-run"]) == 0
    good = capsys.readouterr().out
    assert cli.main(["deploy", str(late), "--reason", "试行", "--as", "sunli", "--dry-run"]) == 1
    bad = capsys.readouterr()

    assert "改动: bpmn/triage.bpmn" in good and "测试情形 5 个, 未通过 0 个" in good and "可以发布" in good
    assert "tests/scenarios/ordinary_late.scenario.toml:" in bad.out and "2026-03-02 15:45" in bad.out
    assert "个测试情形没有通过" in bad.err
    assert len(world.services.deployments.history()) == 1


def test_a_git_checkout_is_deployed_with_its_commit_and_taken_out_as_a_zip(
    world: World, changed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    checkout, out = tmp_path / "checkout", tmp_path / "out.zip"
    for path, content in shipped_files().items():
        (checkout / path).parent.mkdir(parents=True, exist_ok=True)
        (checkout / path).write_bytes(content)
    (checkout / "bpmn" / "triage.bpmn").write_bytes(Path(changed).read_bytes())
    commit = committed(checkout)

    assert cli.main(["deploy", str(checkout), "--reason", "例会", "--as", "sunli"]) == 0
    (checkout / "bpmn" / "triage.bpmn").write_bytes(shipped_files()["bpmn/triage.bpmn"])
    assert cli.main(["deploy", str(checkout), "--reason", "撤回", "--as", "sunli"]) == 0
    assert cli.main(["export-bundle", "live", str(out)]) == 0
    assert cli.main(["export-bundle", "live", str(out)]) == 2
    assert cli.main(["export-bundle", "0000", str(tmp_path / "none.zip")]) == 2

    assert [one.source for one in world.services.deployments.history()] == [f"git {commit} +", f"git {commit}", ""]
    assert bundle_folder.from_zip(out.read_bytes()) == dict(shipped_files())
    assert "有未提交的改动" in capsys.readouterr().out
    assert verify(world.services, Asked(parts=("deployments", "chains"))).faults == 0


def test_where_two_must_agree_a_deployment_is_proposed(
    world: World, changed: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("OPINION_TWO_APPROVERS", "1")

    assert cli.main(["deploy", changed, "--reason", "试行", "--as", "sunli"]) == 0

    assert "已提请批准" in capsys.readouterr().out
    (draft,) = world.services.bundle_drafts.all()
    assert (draft.state, draft.reason, draft.proposed_by) == ("proposed", "试行", "sunli")
    assert len(world.services.deployments.history()) == 1


def committed(folder: Path) -> str:
    """Makes a repository of a folder; the id of its one commit."""
    for arguments in (
        ["init", "-q"],
        ["add", "-A"],
        ["-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-q", "-m", "一"],
    ):
        subprocess.run(["git", "-C", str(folder), *arguments], check=True, timeout=20)
    told = subprocess.run(["git", "-C", str(folder), "rev-parse", "HEAD"], check=True, timeout=20, capture_output=True)
    return told.stdout.decode().strip()


def test_checking_the_shipped_bundle_says_that_nothing_is_wrong(capsys: pytest.CaptureFixture[str]):
    assert cli.main(["check", str(ROOT)]) == 0
    assert "检查通过" in capsys.readouterr().out.splitlines()[-1]


def test_a_demo_without_cases_has_people_and_a_bundle_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("OPINION_DATA_DIR", str(tmp_path))

    assert cli.main(["demo", "--no-cases"]) == 0
    assert "wangfang" in capsys.readouterr().out
    assert cli.main(["verify"]) == 0
    assert "0 个案件, 0 处问题" in capsys.readouterr().out


def test_the_search_is_made_anew_by_a_command_that_tells_how_far_it_is(
    world: World, capsys: pytest.CaptureFixture[str]
):
    world.open()

    assert cli.main(["search-rebuild"]) == 0

    said = capsys.readouterr().out.splitlines()
    assert said == ["案件 1/1", "舆情信息 0/0", "文书 0/0", "检索已重建: 案件 1、舆情信息 0、文书 0"]
