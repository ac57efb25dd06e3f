"""Promises the repository makes to whoever installs it, read from the files that git would keep."""

import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
PYTHON_LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-node.lock")
NPM_DIRECTORIES = ("webui", "tests/support/axe", "tests/support/chromium", "tests/support/feelin")

# Spelled in two parts, so that this file keeps the promise too.
REGISTRY_HOSTS = [
    "pypi" + ".org", "files.python" + "hosted.org", "registry.npm" + "js.org", "registry.yarn" + "pkg.com",
    "deb.debian" + ".org", "registry.npm" + "mirror.com", "mirrors." + "aliyun.com", "pypi.tuna" + ".tsinghua",
]  # fmt: skip
# Ours run in the browser or here; what npm installed and the libraries' own texts are theirs.
EVALUATORS = re.compile(r"(?<![\w.])(eval|exec)\(|new Function\(|__import__\(")
SCRIPT_OR_STYLE_TAG = re.compile(r"<(script|style)\b([^>]*)>", re.IGNORECASE)
ADDRESS_ATTRIBUTE = re.compile(
    r"<(script|link|img|iframe|source|object|embed)\b[^>]*\b(src|href|data)=[\"'](https?:)?//"
)
EVENT_ATTRIBUTE = re.compile(r"<[a-z][^>]*\s(on[a-z]+|style|hx-on[^=]*)=[\"']", re.IGNORECASE)


def kept_files() -> list[Path]:
    answer = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = (REPOSITORY / name for name in answer.stdout.split("\0") if name)
    return sorted(path for path in set(paths) if path.is_file())


def text_of(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def findings(pattern: re.Pattern[str], suffixes: tuple[str, ...], *roots: str) -> list[str]:
    """`file:line: match` for every match in the kept files below `roots` with one of `suffixes`."""
    found = []
    for path in kept_files():
        name = str(path.relative_to(REPOSITORY))
        if name.startswith(roots) and path.suffix in suffixes:
            text = path.read_text(encoding="utf-8")
            found += [f"{name}:{text.count(chr(10), 0, m.start()) + 1}: {m.group()}" for m in pattern.finditer(text)]
    return found


def test_no_file_names_a_package_registry():
    named = [
        f"{path.relative_to(REPOSITORY)}: {host}"
        for path in kept_files()
        if (text := text_of(path))
        for host in REGISTRY_HOSTS
        if host in text
    ]

    assert named == []


@pytest.mark.parametrize("name", PYTHON_LOCKS)
def test_a_python_lock_has_a_hash_for_everything_and_no_address(name: str):
    text = (REPOSITORY / name).read_text()
    entries = re.split(r"\n(?=[a-z0-9])", "\n" + "\n".join(re.findall(r"^(?!#|    #).*$", text, re.MULTILINE)))
    packages = [entry for entry in entries if entry.strip()]

    assert "://" not in text
    assert packages
    assert [entry for entry in packages if "==" not in entry.split("\n")[0] or "--hash=sha256:" not in entry] == []


def test_both_python_locks_agree():
    def versions(name: str) -> dict[str, str]:
        return dict(re.findall(r"^([\w.-]+)==(\S+)", (REPOSITORY / name).read_text(), re.MULTILINE))

    run, dev = versions("requirements.lock"), versions("requirements-dev.lock")

    assert run
    assert {name: dev.get(name) for name in run} == run


@pytest.mark.parametrize("directory", NPM_DIRECTORIES)
def test_an_npm_lock_has_a_hash_for_everything_and_no_address(directory: str):
    lock = json.loads((REPOSITORY / directory / "package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}

    assert packages
    assert [name for name, entry in packages.items() if "resolved" in entry or "integrity" not in entry] == []


@pytest.mark.parametrize("directory", NPM_DIRECTORIES)
def test_npm_runs_no_install_script_and_pins_exactly(directory: str):
    settings = (REPOSITORY / directory / ".npmrc").read_text().split()
    wanted = json.loads((REPOSITORY / directory / "package.json").read_text())["dependencies"]

    assert {"ignore-scripts=true", "omit-lockfile-registry-resolved=true"} <= set(settings)
    assert {name: version for name, version in wanted.items() if not re.fullmatch(r"\d+\.\d+\.\d+", version)} == {}


def test_every_direct_dependency_is_locked():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    locked = set(re.findall(r"^([\w.-]+)==", (REPOSITORY / "requirements.lock").read_text(), re.MULTILINE))
    wanted = {re.split(r"[\[<>=]", dependency)[0].lower() for dependency in project["project"]["dependencies"]}

    assert wanted <= locked


def test_our_code_evaluates_no_text_as_code():
    assert findings(EVALUATORS, (".py", ".js", ".mjs", ".html"), "engine/", "webui/") == []


def test_a_page_loads_nothing_from_another_host():
    assert findings(ADDRESS_ATTRIBUTE, (".html", ".js"), "webui/") == []


def test_a_page_has_no_inline_script_style_or_handler():
    data_only = re.compile(r"type=[\"']application/json[\"']|\bsrc=")
    inline = [
        finding
        for finding in findings(SCRIPT_OR_STYLE_TAG, (".html",), "webui/")
        if not data_only.search(finding.partition(": ")[2])
    ]

    assert inline == []
    assert findings(EVENT_ATTRIBUTE, (".html",), "webui/") == []


def test_no_test_is_skipped():
    # A test that may skip is a test that may silently stop; what a test needs is installed by `make test`.
    skipping = re.compile(r"pytest\.skip|mark\.skip|importorskip|unittest\.skip|mark\.xfail")
    marked = [
        finding
        for finding in findings(skipping, (".py",), "tests/")
        if not finding.startswith("tests/test_promises.py")
    ]

    assert marked == []


def test_no_path_of_a_developers_machine_is_kept():
    paths = re.compile(r"/(?:root|home/\w+|Users/\w+)/[\w.]+")
    named = [
        f"{path.relative_to(REPOSITORY)}: {match}"
        for path in kept_files()
        if path.name != "test_promises.py" and (text := text_of(path))
        for match in paths.findall(text)
    ]

    assert named == []
