"""An office with a closed case, a late one and real attachments; and packages of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from engine.domain.commands import AttachFile
from engine.domain.rejection import Rejection
from engine.service import documents, package_selection, packages
from engine.service.files import as_stream
from tests.support import walks
from tests.support import world as worlds
from tests.support.forger import Unpacked
from tests.support.world import CaseView, World

PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000a49444154789c6360000002000154a24f5f00000000"
    "49454e44ae426082"
)
"""A PNG of one pixel."""
TEXT = "现场核实记录：已停工。\n".encode()


@dataclass(frozen=True)
class Office:
    """`closed`: handled in time, archived, closed in April 2026, with a document. `late`: waits for its leader, limits
    broken, with a document that another replaced."""

    world: World
    closed: CaseView
    late: CaseView

    def export(self, folder: Path, *cases: str, period: str = "") -> Path:
        """A package of these cases or of a period, in a file."""
        with self.world.services.engine.connect() as conn:
            selection = package_selection.closed_in(conn, period) if period else package_selection.chosen(conn, cases)
        assert not isinstance(selection, Rejection), selection
        made = packages.make(self.world.services, self.world.actor("zhaoming"), selection, "127.0.0.1")
        assert not isinstance(made, Rejection), made
        path = folder / f"{made.mark.number}-{made.name}"
        packages.save(made, path)
        return path


def make_document(world: World, case: CaseView, **more: Any) -> documents.Made:
    made = documents.make(world.services, "submission", case.id, world.actor("wangfang"), **more)
    assert not isinstance(made, Rejection), made
    return made


def busy(folder: Path, url: str = "") -> Office:
    world = World(folder, url)
    files = world.services.files
    picture = files.save(as_stream(PICTURE), "网页截图.png")
    note = files.save(as_stream(TEXT), "核实记录.txt")
    assert not isinstance(picture, Rejection) and not isinstance(note, Rejection)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worlds, "PAPER", picture)
        closed = walks.archived(world)
        make_document(world, closed)
        world.wait(days=40)
        late = walks.graded_major(world)
        world.do("wangfang", AttachFile(note, "现场"), late.id)
        world.wait(hours=20)
        first = make_document(world, late)
        make_document(world, late, replaces=first.document.number, reason="标题有误")
    return Office(world, closed, late)


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Shared by all tests of this folder that only export."""
    made = busy(tmp_path_factory.mktemp("office"))
    yield made
    made.world.services.engine.dispose()


@pytest.fixture(scope="session")
def package(office: Office, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One package of both cases."""
    return office.export(tmp_path_factory.mktemp("packages"), office.closed.id, office.late.id)


@pytest.fixture
def unpack(package: Path, tmp_path: Path) -> Callable[[], Unpacked]:
    """Each call unpacks the package into a folder of its own."""
    count = iter(range(1000))
    return lambda: Unpacked(package, tmp_path / str(next(count)))
