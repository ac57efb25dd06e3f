"""Units, compose file, proxy snippets and alert rules agree with the program and with the page that explains them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine import cli
from engine.service import metrics
from engine.service.settings import Settings
from tests.serving.plain_yaml import read
from tests.support.world import ROOT, World

DEPLOY = ROOT / "docs" / "deploy"
UNITS = sorted(DEPLOY.glob("*.service"))
OPERATIONS = (ROOT / "docs" / "operations.md").read_text("utf-8")
HARDENED = {
    "NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes", "PrivateTmp": "yes",
    "PrivateDevices": "yes", "CapabilityBoundingSet": "", "ProtectKernelTunables": "yes", "RestrictSUIDSGID": "yes",
    "RestrictNamespaces": "yes", "LockPersonality": "yes", "User": "opinion",
}  # fmt: skip


def settings_of(unit: Path) -> list[tuple[str, str]]:
    """(name, value) of every line of a unit; raises for a line that is none."""
    found = []
    for line in unit.read_text("utf-8").splitlines():
        if line and not line.startswith(("#", "[")):
            name, equals, value = line.partition("=")
            assert equals, f"{unit.name}: {line}"
            found.append((name, value))
    return found


def commands() -> set[str]:
    return set(cli._parser()._subparsers._group_actions[0].choices)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_is_hardened_and_starts_a_command_that_exists(unit: Path):
    found = settings_of(unit)

    assert HARDENED.items() <= dict(found).items()
    (start,) = [value for name, value in found if name == "ExecStart"]
    assert re.search(r"-m engine\.cli (\w+)$", start)[1] in commands()
    assert int(dict(found)["TimeoutStopSec"]) > Settings().stop_seconds, "the program's bound is the shorter one"


def test_systemd_itself_finds_nothing_wrong_with_the_units(tmp_path: Path):
    """Where there is no systemd, what it would read is checked above."""
    files = []
    for unit in (*UNITS, DEPLOY / "opinion.target"):
        copy = tmp_path / unit.name.replace("@.", "@8001.")
        copy.write_text(unit.read_text("utf-8").replace("/opt/opinion/.venv/bin/python", sys.executable))
        files.append(str(copy))
    if shutil.which("systemd-analyze") is None:
        assert len(files) == 4
        return

    done = subprocess.run(
        ["systemd-analyze", "verify", *files], capture_output=True, text=True, timeout=60, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_the_compose_file_starts_two_of_each_with_a_database_and_checks_their_health():
    text = (DEPLOY / "compose.yaml").read_text("utf-8")
    compose = read(text)
    services: dict[str, Any] = compose["services"]
    ours = {name: service for name, service in services.items() if service.get("image") == "opinion"}

    assert sorted(service["command"] for service in ours.values()) == ["serve", "serve", "worker", "worker"]
    for service in ours.values():
        assert service["depends_on"] == {"db": {"condition": "service_healthy"}}
        assert service["stop_grace_period"] == "45s"
        assert "/health/ready" in service["healthcheck"]["test"][-1]
        assert set(service["environment"]) <= known_settings() | {"PGPASSFILE"}
        assert (ROOT / "docs/deploy" / service["build"]["context"]).resolve() == ROOT
        assert (ROOT / service["build"]["dockerfile"]).is_file()
    used = {volume.split(":")[0] for service in services.values() for volume in service.get("volumes", ())}
    assert {name for name in used if not name.startswith(".")} == set(compose["volumes"])
    assert {secret for service in services.values() for secret in service.get("secrets", ())} == set(compose["secrets"])
    assert not re.search(r"image: \S*/", (DEPLOY / "compose.yaml").read_text("utf-8")), (
        "images are named without a host"
    )


@pytest.mark.parametrize(
    "text", ["a: 1\na: 2", "a:\n\tb: 1", "a:\n    b: 1\n  c: 2", "a: *nowhere", "just words", "a: 1\n  b: 2"]
)
def test_what_is_no_plain_yaml_is_refused(text: str):
    with pytest.raises(ValueError, match="line"):
        read(text)


def known_settings() -> set[str]:
    source = (ROOT / "engine/service/settings.py").read_text("utf-8")
    return set(re.findall(r'"(OPINION_[A-Z_]+)"', source))


@pytest.mark.parametrize(
    "file", [*UNITS, *(DEPLOY / name for name in ("opinion.env.example", "nginx.conf", "Containerfile"))]
)
def test_no_setting_is_used_that_the_program_does_not_read(file: Path):
    assert set(re.findall(r"OPINION_[A-Z_]+", file.read_text("utf-8"))) <= known_settings()


def test_every_file_that_the_image_takes_is_there():
    lines = (DEPLOY / "Containerfile").read_text("utf-8").splitlines()
    copied = [line.split()[1:-1] for line in lines if line.startswith("COPY ") and "--from" not in line]

    assert copied != []
    assert [name for names in copied for name in names if not (ROOT / name).exists()] == []


def test_every_alert_asks_for_a_figure_that_is_told_and_names_its_page(tmp_path: Path):
    rules = [rule for group in read((DEPLOY / "alerts.yml").read_text("utf-8"))["groups"] for rule in group["rules"]]
    world = World(tmp_path)
    told = metrics.render(world.services).decode()
    world.services.engine.dispose()
    names = set(re.findall(r"^# TYPE (\S+)", told, re.M))
    names |= {f"{name}_bucket" for name in names}

    asked = {name for rule in rules for name in re.findall(r"opinion_\w+", rule["expr"])}
    headings = set(re.findall(r"^#+ (.+)$", OPERATIONS, re.M))

    assert len(rules) >= 10
    assert asked - names == set()
    for rule in rules:
        page, _, heading = rule["annotations"]["runbook"].partition("#")
        assert (ROOT / page).is_file()
        assert heading in headings


def test_every_figure_that_the_page_explains_is_told_and_every_figure_told_is_explained(tmp_path: Path):
    world = World(tmp_path)
    told = metrics.render(world.services).decode()
    world.services.engine.dispose()
    names = set(re.findall(r"^# TYPE (opinion_\S+)", told, re.M))
    explained = set(re.findall(r"`(opinion_[a-z_]+)", OPERATIONS))

    assert explained - names == set()
    assert names - explained <= {"opinion_build_info", "opinion_metrics_unreadable_total"}
