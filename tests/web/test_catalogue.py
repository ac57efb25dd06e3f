"""The catalogue: both languages, sorted, complete, and nothing shown to people that is not in it."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.domain.access import ACTIONS
from engine.domain.organisation import POSTS, ROLES, UNIT_KINDS
from engine.service.settings import Settings
from webui.catalogue import LANGUAGES, sentences, t
from webui.errors import EXPLAINED
from webui.navigation import MENU

ROOT = Path(__file__).parents[2]
TEMPLATES = sorted((ROOT / "webui" / "templates").rglob("*.html"))
SOURCES = [
    path for top in ("webui", "engine") for path in (ROOT / top).rglob("*.py") if "node_modules" not in path.parts
]
IN_TEMPLATE = re.compile(r"""\bt\(\s*(["'])([a-z0-9_.-]+)\1\s*[,)]""")
BLANK = re.compile(r"\{(\w+)[^}]*\}")
KEY = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_-]+)+")
REFUSALS = {"Rejection": 1, "FieldFault": 1, "Decision": 1, "Problem": 0}
"""Calls whose argument at this place is a key of the catalogue."""


def asked_for() -> Iterator[tuple[str, str]]:
    """(key, where) for every sentence asked for by a literal key."""
    for path in TEMPLATES:
        for found in IN_TEMPLATE.finditer(path.read_text(encoding="utf-8")):
            yield found[2], path.name
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            place = 0 if name == "t" else REFUSALS.get(name)
            if place is None or len(node.args) <= place:
                continue
            value = node.args[place]
            if isinstance(value, ast.Constant) and isinstance(value.value, str) and KEY.fullmatch(value.value):
                yield value.value, f"{path.relative_to(ROOT)}:{node.lineno}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_file_is_sorted_and_has_no_key_twice(language):
    text = (ROOT / "webui" / "catalogue" / f"{language}.json").read_text(encoding="utf-8")
    pairs = json.loads(text, object_pairs_hook=list)

    assert [key for key, _ in pairs] == sorted({key for key, _ in pairs})
    assert all(sentence.strip() for _, sentence in pairs)


def test_both_languages_say_the_same_things():
    chinese, english = sentences("zh"), sentences("en")

    assert sorted(chinese.keys() ^ english.keys()) == []
    differing = {
        key: (said, twin)
        for key in chinese
        # `x_en` is the English twin of a blank `x` that a process owner words himself; the regulation's own words
        # (`quote`) are Chinese and stand in the Chinese sentence only.
        if (said := set(BLANK.findall(chinese[key])) - {"quote"})
        != (twin := {blank.removesuffix("_en") for blank in BLANK.findall(english[key])} - {"quote"})
    }
    assert differing == {}


def test_every_sentence_asked_for_is_there():
    missing = sorted({f"{key} ({where})" for key, where in asked_for() if key not in sentences("zh")})

    assert missing == []


def test_names_made_of_parts_are_there():
    names = {
        *(f"role.{role}" for role in ROLES),
        *(f"action.{action}" for action in ACTIONS),
        *(f"post.{post}" for post in POSTS),
        *(f"unit_kind.{kind}" for kind in UNIT_KINDS),
        *(f"error.{status}.{part}" for status in EXPLAINED for part in ("title", "text", "todo")),
        *(key for group, entries in MENU for key in (group, *(entry.key for entry in entries))),
        *(f"weekday.{number}" for number in range(7)),
    }

    assert sorted(names - sentences("zh").keys()) == []


def test_everything_the_logs_may_tell_has_words():
    logged = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
                place = {"record": 3, "security": 2}.get(node.func.attr)
                if place is not None and getattr(node.func.value, "id", "") == "people_log":
                    logged |= {c.value for c in ast.walk(node.args[place]) if isinstance(c, ast.Constant)}

    assert len(logged) >= 12
    assert sorted(f"log.{what}" for what in logged if f"log.{what}" not in sentences("zh")) == []


def test_chinese_sentences_are_chinese_but_for_what_has_no_chinese():
    plain = {key: s for key, s in sentences("zh").items() if not re.search(r"[\u4e00-\u9fff]", BLANK.sub("", s))}

    assert {key for key in plain if re.search(r"[A-Za-z]{3,}", BLANK.sub("", plain[key]))} <= {"app.other_language"}


def test_a_missing_sentence_or_blank_never_takes_a_page_down():
    assert t("no.such.key") == "no.such.key"
    assert t("auth.locked") == sentences("zh")["auth.locked"]
    assert "15" in t("auth.locked", minutes=15)


def test_settings_problems_have_words_of_their_own():
    settings = Settings.from_env({"OPINION_ENV": "production", "OPINION_TEST_CLOCK": "x", "OPINION_PORT": "x"})

    assert len(settings.problems()) >= 4
    assert all(re.search(r"[\u4e00-\u9fff]", problem.text) for problem in settings.problems())
