"""What is proved of a bundle is kept for all that mean the same, and for no others; a file is read once."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from engine.definitions import bundle as reading
from engine.definitions.bundle import version_of
from engine.service import bundle_proofs, deployments
from engine.service.bundle_check import Checked, check
from engine.service.deployments import Deployments
from tests.support.world import shipped_files, whole_bundle

HANDLING, LATE = "bpmn/unit_handling.bpmn", "tests/scenarios/ordinary_late.scenario.toml"


@pytest.fixture
def walks(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """One line for each time that the regulation was walked through."""
    done: list[str] = []
    monkeypatch.setattr(bundle_proofs, "_known", [])
    monkeypatch.setattr(bundle_proofs, "check_regulation", lambda bundle: done.append(bundle.version) or [])
    check(whole_bundle())
    assert len(done) == 1
    yield done


def edited(path: str, old: bytes, new: bytes) -> dict[str, bytes]:
    files = dict(whole_bundle())
    assert old in files[path]
    return {**files, path: files[path].replace(old, new)}


@pytest.mark.parametrize(
    "files",
    [
        edited(HANDLING, b'<dc:Bounds x="', b'<dc:Bounds x="1'),
        edited(LATE, b'state = "late"', b'state = "met"'),
        dict(whole_bundle()),
    ],
    ids=["a shape moved", "a scenario changed", "nothing changed"],
)
def test_what_means_the_same_is_proved_once(walks: list[str], files: dict[str, bytes]):
    found = check(files).findings

    assert len(walks) == 1
    assert found == check(whole_bundle()).findings


@pytest.mark.parametrize(
    "files",
    [
        edited(HANDLING, b'duration("PT8H")', b'duration("PT6H")'),
        edited(HANDLING, b'name="\xe6\xa0\xb8\xe5\xae\x9e', b'name="\xe5\x86\x8d\xe6\xa0\xb8\xe5\xae\x9e'),
        edited("bpmn/regulation.toml", b'tracking_period = "P30D"', b'tracking_period = "P20D"'),
        edited("forms/screen.form", b'"relevant"', b'"relevance"'),
    ],
    ids=["a timer", "a name", "a parameter", "a field of a form"],
)
def test_what_means_something_else_is_proved_anew(walks: list[str], files: dict[str, bytes]):
    check(files)

    assert len(walks) == 2


def test_taking_a_change_back_needs_no_proof(walks: list[str]):
    check(edited(HANDLING, b'duration("PT8H")', b'duration("PT6H")'))

    check(whole_bundle())

    assert len(walks) == 2


def test_only_the_changed_file_is_read_again(monkeypatch: pytest.MonkeyPatch):
    check(whole_bundle())
    read: list[str] = []
    plain = reading.read_bpmn
    monkeypatch.setattr(reading, "read_bpmn", lambda path, data: read.append(path) or plain(path, data))

    check(edited(HANDLING, b'duration("PT8H")', b'duration("PT7H")'))

    assert read == [HANDLING]


def test_two_who_ask_for_the_same_files_share_one_check(monkeypatch: pytest.MonkeyPatch):
    begun, go_on = threading.Event(), threading.Event()
    asked: list[str] = []
    answer = check(shipped_files())

    def slow(files: dict[str, bytes]) -> Checked:
        asked.append(version_of(files))
        begun.set()
        assert go_on.wait(20)
        return answer

    monkeypatch.setattr(deployments, "check", slow)
    bundles, found = Deployments(None, None), []  # type: ignore[arg-type]
    people = [threading.Thread(target=lambda: found.append(bundles.checked(shipped_files()))) for _ in range(3)]
    people[0].start()
    assert begun.wait(20)
    for one in people[1:]:
        one.start()
    go_on.set()
    for one in people:
        one.join(20)

    assert found == [answer] * 3
    assert len(asked) == 1
