"""What README says is there: each setting, each command, each picture and page that it names."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from engine import cli
from engine.definitions import bpmn_tags
from engine.service import cast, passwords, settings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def commands() -> list[str]:
    actions = cli._parser()._actions
    (found,) = [action for action in actions if isinstance(action, argparse._SubParsersAction)]
    return sorted(found.choices)


def variables() -> list[str]:
    modules = Path(settings.__file__).parent.glob("*settings.py")
    sources = "".join(module.read_text(encoding="utf-8") for module in modules)
    return sorted(set(re.findall(r'"(OPINION_[A-Z_]+)"', sources)))


def test_the_settings_found_are_those_of_the_program():
    assert len(variables()) >= 12


@pytest.mark.parametrize("name", variables())
def test_each_setting_has_a_row_in_the_table(name: str):
    assert f"| `{name}` |" in README


def test_no_setting_is_described_that_the_program_does_not_read():
    assert set(re.findall(r"OPINION_[A-Z_]+", README)) <= set(variables())


@pytest.mark.parametrize("name", commands())
def test_each_command_has_a_row_in_the_table(name: str):
    assert re.search(rf"^\| `{name}[ `]", README, re.MULTILINE)


def test_no_command_is_described_that_does_not_exist():
    assert set(re.findall(r"engine\.cli ([a-z]+)", README)) <= set(commands())


def test_the_logins_of_the_demo_are_those_of_the_cast():
    assert passwords.DEMO_PASSWORD in README
    assert [login for login in cast.MAIN_LOGINS if f"`{login}`" not in README] == []


@pytest.mark.parametrize("page", [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))], ids=lambda p: p.name)
def test_every_link_inside_the_repository_leads_somewhere(page: Path):
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?://|#)([^)#\s]+)", text)

    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_target_of_make_that_is_named_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"`make ([a-z-]+)`", README))

    assert named
    assert {name for name in named if not re.search(rf"^{name}:", makefile, re.MULTILINE)} == set()


def test_the_modeling_guide_has_a_row_for_every_element_that_the_reader_knows():
    guide = (ROOT / "docs" / "modeling.md").read_text(encoding="utf-8")
    known = bpmn_tags.NODES | bpmn_tags.DRAWING | bpmn_tags.IN_COLLABORATION | set(bpmn_tags.EVENT_KINDS)
    events = {"startEvent", "endEvent", "intermediateCatchEvent", "intermediateThrowEvent", "boundaryEvent"}

    assert sorted(tag for tag in known - events if f"`{tag}" not in guide and f"{tag}`" not in guide) == []


def test_every_test_that_the_security_page_names_exists():
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text)
    rows = [line for line in text.splitlines() if line.startswith("| ") and "tests/" in line]

    missing = [f"{path}::{name}" for path, name in named if f"def {name}(" not in (ROOT / path).read_text("utf-8")]

    assert missing == []
    assert len(rows) >= 25
    assert len(set(named)) >= 35
