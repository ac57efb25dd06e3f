"""docs/audit.md does what it says: its commands are run literally, in a folder with what it asks for."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.domain.codec import canonical
from engine.journal import log
from engine.service import offline_verifier
from engine.service.package_replay import replayed
from tests.package.conftest import busy
from tests.support.forger import Unpacked

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```([a-z-]+)\n(.*?)```", GUIDE, re.S)
COMMANDS = [line for kind, text in BLOCKS if kind == "sh" for line in text.splitlines()]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The auditor's folder: package, verifier, key and an earlier checkpoint."""
    folder = tmp_path_factory.mktemp("auditor")
    office = busy(tmp_path_factory.mktemp("origin"))
    services = office.world.services
    services.sealer.seal()
    with services.engine.connect() as conn:
        note = log.latest(conn)
    assert note is not None
    (folder / "checkpoint.txt").write_text(note.note, encoding="utf-8")
    (folder / "key.txt").write_text(services.sealer.public_keys()[-1].public + "\n", encoding="utf-8")
    office.world.open()
    office.export(folder, office.closed.id).rename(folder / "case-WQ-2026-000001.zip")
    shutil.copy(offline_verifier.__file__, folder / "verify.py")
    yield folder
    services.engine.dispose()


def run(command: str, folder: Path, *flags: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command as it stands in the guide; `python` is this Python, without this program's path or packages."""
    program, *rest = shlex.split(command)
    assert program == "python", command
    return subprocess.run(
        [sys.executable, *flags, *rest], cwd=folder, capture_output=True, text=True, encoding="utf-8",
        env={**{k: v for k, v in os.environ.items() if k != "PYTHONPATH"}, "PYTHONUTF8": "1", **environment},
    )  # fmt: skip


def numbers_aside(text: str) -> list[str]:
    return [re.sub(r"\d+", "N", line).rstrip() for line in text.strip().splitlines()]


def test_every_command_of_the_guide_ends_well(desk: Path):
    for command in COMMANDS:
        done = run(command, desk, "-I", "-S")

        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    assert len(COMMANDS) >= 5


def test_the_output_is_the_one_that_the_guide_shows(desk: Path):
    shown = next(text for kind, text in BLOCKS if kind == "text")

    done = run(COMMANDS[0], desk, "-I", "-S")

    assert numbers_aside(done.stdout) == numbers_aside(shown)


def test_with_the_program_beside_it_the_case_is_run_again(desk: Path):
    (command,) = [text.strip() for kind, text in BLOCKS if kind == "sh-with-program"]

    done = run(command, desk, PYTHONPATH=str(ROOT))

    assert done.returncode == 0, done.stdout + done.stderr
    assert "[好] 重新运行, 每一步都与记录相同" in done.stdout


def test_without_the_program_a_replay_that_was_asked_for_is_a_fault(desk: Path):
    done = run("python verify.py --replay case-WQ-2026-000001.zip", desk, "-I", "-S")

    assert done.returncode == 1
    assert "没有安装本系统程序" in done.stdout


def test_a_changed_package_re_run_by_the_program_is_found(desk: Path, tmp_path: Path):
    """What a forger with the key could do to the record alone: the replay still disagrees."""
    unpacked = Unpacked(desk / "case-WQ-2026-000001.zip", tmp_path / "forged")
    (good,) = replayed(unpacked.read)
    stream = "WQ-2026-000001"
    entries = [json.loads(line) for line in unpacked.lines(f"data/entries/{stream}.jsonl")]
    entries[1]["command"]["values"]["screen_note"] = "改过的话"
    unpacked.chain_again(stream, entries, canonical)

    (bad,) = replayed(unpacked.read)

    assert good["divergence"] is None
    assert bad["divergence"]["seq"] == 2
