"""Every key that the engine or a page can say has a Chinese and an English sentence, with the same blanks."""

from __future__ import annotations

import ast
import json
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.kernel.whatif import VERDICTS
from engine.readmodels.timeline import KEYS as TIMELINE_KEYS
from engine.service import mining_csv
from engine.service.bundle_draft_tables import STATES
from engine.service.document_kinds import KINDS
from engine.service.mining_model import CASE_FIELDS, EVENT_FIELDS
from engine.service.play_script import EXPECTED
from engine.service.verification import FAULTS, PARTS

ROOT = Path(__file__).parents[1]
SPOKEN = frozenset(
    {
        "access", "api", "auth", "bpmn", "bundle", "calendar", "case", "check", "compare", "delivery", "dmn",
        "document", "draft", "feed", "feel", "fetch", "file", "form", "incident", "instant", "item", "limit",
        "message", "migrate", "migrations", "notice", "package", "password", "people", "play", "process", "register",
        "regulation", "scenario", "score", "settings", "sheet", "task", "timeline", "timer", "topic", "verify",
        "whatif", "withdraw", "xml",
    }
)  # fmt: skip
"""First words of keys that reach people; other dotted strings of the engine are columns, files and names."""
NOT_KEYS = frozenset({"people.py", "process.id", "case.id", "verify.py"})
KEY = re.compile(r"[a-z][a-z0-9]*(\.[a-z][a-z0-9_]*)+")
FINDINGS = ("bpmn", "bundle", "dmn", "form", "xml", "calendar", "check", "regulation")
"""What a deployment may be told; these also say what to do."""
LANGUAGES = ("zh", "en")
COMPOSED = {
    ("engine/readmodels/statements.py", "excluded."): (),
    ("engine/service/bundle_approval.py", "draft.still."): tuple(f"draft.still.{one}" for one in STATES[1:]),
    ("engine/service/bundle_drafts.py", "draft.still."): (),
    ("engine/service/scenarios.py", "scenario.what."): tuple(f"scenario.what.{name}" for name in EXPECTED),
    ("engine/readmodels/timeline.py", "timeline."): TIMELINE_KEYS,
    ("engine/service/verification.py", "verify."): tuple(f"verify.{what}" for what in FAULTS),
    ("engine/service/verification.py", "verify.part."): tuple(f"verify.part.{part}" for part in PARTS),
    ("engine/service/verify_command.py", "verify.part."): tuple(f"verify.part.{part}" for part in PARTS),
    ("engine/service/mining_model.py", "mining.field."): tuple(
        f"mining.field.{name}" for name in (*mining_csv.FIRST, *EVENT_FIELDS, *CASE_FIELDS, "watermark", "of_case")
    ),
    ("engine/service/document_data.py", "document.title."): tuple(f"document.title.{kind}" for kind in KINDS),
    ("engine/service/document_data.py", "document.missing."): "_not_yet",
    ("engine/service/replay_command.py", "replay.text."): "_word",
    ("engine/service/whatif_command.py", "whatif.verdict."): tuple(f"whatif.verdict.{name}" for name in VERDICTS),
    ("engine/definitions/form_moments.py", "form."): ("form.date_format", "form.time_format", "form.datetime_format"),
    ("engine/definitions/form_rules.py", "form."): ("form.min", "form.max", "form.min_invalid", "form.max_invalid"),
    ("engine/feel/lexer.py", "feel.syntax."): "syntax_error",
    ("engine/feel/nodes.py", "feel.syntax."): "problem",
}
"""Keys that are put together: (module, beginning) -> the keys, or the function whose string arguments end them."""


def sentences(language: str) -> dict[str, str]:
    path = ROOT / "webui" / "catalogue" / f"{language}.json"
    loaded: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def is_key(text: str) -> bool:
    return bool(KEY.fullmatch(text)) and text.partition(".")[0] in SPOKEN and text not in NOT_KEYS


def keys_in(folder: str) -> dict[str, str]:
    """key -> where it is said, for every string constant of the folder's modules that is a key."""
    found: dict[str, str] = {}
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and is_key(node.value):
                found.setdefault(node.value, f"{path.relative_to(ROOT)}:{node.lineno}")
    return found


def composed() -> Iterator[tuple[str, str]]:
    """(module, beginning) of every f-string that looks like a key."""
    for path in sorted((ROOT / "engine").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            first = node.values[0] if isinstance(node, ast.JoinedStr) and node.values else None
            if isinstance(first, ast.Constant) and re.fullmatch(r"[a-z]+\.([a-z]+\.)*", str(first.value)):
                yield path.relative_to(ROOT).as_posix(), str(first.value)


def endings(function: str, folder: str) -> set[str]:
    """Plain words among the arguments of every call of `function`: the ends of the keys it makes."""
    found: set[str] = set()
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == function:
                words = [one.value for one in node.args if isinstance(one, ast.Constant)]
                found |= {word for word in words if isinstance(word, str) and re.fullmatch(r"[a-z_]+", word)}
    return found


def said_in_templates() -> Iterator[tuple[str, str]]:
    """(key, template) of every `t("...")` with a whole key in it."""
    for path in sorted((ROOT / "webui" / "templates").rglob("*.html")):
        for key in re.findall(r"""\bt\(\s*["']([a-z_.0-9]+[a-z0-9_])["']\s*[,)]""", path.read_text(encoding="utf-8")):
            yield key, str(path.relative_to(ROOT))


def said_in_views() -> dict[str, str]:
    """key -> module of every `t("...")` of a view."""
    found: dict[str, str] = {}
    for path in sorted((ROOT / "webui").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "t" and node.args:
                key = node.args[0]
                if isinstance(key, ast.Constant):
                    found[str(key.value)] = f"{path.relative_to(ROOT)}:{node.lineno}"
    return found


def blanks(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_key_of_the_engine_has_a_sentence(language: str) -> None:
    known = sentences(language)

    missing = {key: where for key, where in keys_in("engine").items() if key not in known}

    assert missing == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_key_of_the_pages_has_a_sentence(language: str) -> None:
    known = sentences(language)
    asked = {**said_in_views(), **dict(said_in_templates())}

    missing = {key: where for key, where in asked.items() if key not in known}

    assert missing == {}


def test_every_key_that_is_put_together_is_accounted_for() -> None:
    assert set(composed()) == COMPOSED.keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_key_that_is_put_together_has_a_sentence(language: str) -> None:
    wanted: set[str] = set()
    for (module, beginning), how in COMPOSED.items():
        folder = module.rpartition("/")[0]
        wanted |= {beginning + word for word in endings(how, folder)} if isinstance(how, str) else set(how)

    assert len(wanted) > 50
    assert sorted(wanted - sentences(language).keys()) == []


@pytest.mark.parametrize(
    "module",
    [
        *("bpmn.py", "bundle.py", "xml.py", "form_problems.py", "form_reader.py", "dmn.py", "checks/soundness.py"),
        *("checks/lint.py", "checks/lint_loops.py", "checks/lint_names.py", "checks/lint_timers.py"),
    ],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_finding_says_what_to_do(module: str, language: str) -> None:
    known = sentences(language)
    named = keys_in_file(ROOT / "engine" / "definitions" / module)

    silent = sorted(key for key in named if f"{key}.todo" not in known and key.partition(".")[0] in FINDINGS)

    assert silent == []


def keys_in_file(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return {text for text in texts if is_key(text)}


def test_both_languages_say_the_same_things() -> None:
    chinese, english = sentences("zh"), sentences("en")

    assert chinese.keys() == english.keys()
    # `x_en` is the English twin of a blank `x` that a process owner words himself, as the rules of the profile.
    different = {
        key for key in chinese if not {b.removesuffix("_en") for b in blanks(english[key])} <= blanks(chinese[key])
    }
    assert different == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_catalogue_is_sorted_and_no_sentence_is_empty(language: str) -> None:
    path = ROOT / "webui" / "catalogue" / f"{language}.json"
    pairs = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=list)

    assert [key for key, _ in pairs] == sorted({key for key, _ in pairs})
    assert [key for key, text in pairs if not text.strip()] == []
