"""The command line as an administrator types it."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import cli
from tests.support.world import ROOT, World


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
