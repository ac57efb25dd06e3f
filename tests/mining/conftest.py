"""An office with a case of each kind, told once for all tests that only read it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.domain.commands import (
    AddComment,
    AttachFile,
    Cosign,
    DelegateTask,
    ReleaseTask,
    RequestCosign,
    SubmitTask,
    TransferTask,
    UrgeTask,
    WithdrawSubmission,
)
from engine.readmodels.chosen import Choice
from engine.service import mining
from tests.support import walks
from tests.support.world import PAPER, World

SCHEMAS = Path(__file__).with_name("schemas")


@dataclass
class Office:
    """`late`: broke a limit. `handed`: its tasks went from hand to hand. `done`: archived, then its tracking."""

    world: World
    done: str
    late: str
    handed: str

    def export(self, form: str, choice: Choice | None = None, *, with_names: bool = False) -> tuple[bytes, mining.Made]:
        """The file, and what was logged of it."""
        out = io.BytesIO()
        auditor = self.world.actor("zhaoming")
        made = mining.export(self.world.services, auditor, form, choice or Choice(), out, with_names=with_names)
        assert isinstance(made, mining.Made)
        return out.getvalue(), made


def handed_on(world: World) -> str:
    """A case whose first tasks are taken, given back, handed on, signed, submitted, withdrawn and submitted again."""
    case = world.open(title='=HYPERLINK("http://x")', body="王芳 写道")
    name = case.task("Task_screen")
    case.claim("wangfang", "Task_screen")
    world.wait(minutes=2)
    world.do("wangfang", ReleaseTask(name), case.id)
    case.claim("lina", "Task_screen")
    world.do("lina", TransferTask(name, "wangfang", "外出"), case.id)
    world.do("wangfang", DelegateTask(name, "lina", "请代填"), case.id)
    world.do("lina", SubmitTask(name, {**_screened(world)}), case.id)
    world.do("wangfang", RequestCosign(name, ("zhangmin", "liqiang"), "请会签"), case.id)
    world.do("zhangmin", Cosign(name, True, "同意"), case.id)
    world.do("liqiang", Cosign(name, False, "不同意，应由规划科办"), case.id)
    world.do("wangfang", AddComment("张敏已知晓", name), case.id)
    world.do("wangfang", AttachFile({**PAPER, "name": "王芳的截图.png"}, "李强拍摄"), case.id)
    world.do("wangfang", UrgeTask(case.task("Task_contact"), "请尽快"), case.id)
    world.wait(minutes=3)
    done = case.fill_as("wangfang", "Task_screen")
    world.do("wangfang", WithdrawSubmission(done.seq, "填错了"), case.id)
    world.wait(minutes=1)
    case.fill_as("wangfang", "Task_screen")
    return case.id


def _screened(world: World) -> dict[str, object]:
    from engine.service.demo_answers import ANSWERS, filled

    return dict(filled(ANSWERS["Task_screen"][1], world.stamp(0)))


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    world = World(tmp_path_factory.mktemp("mining"))
    done = walks.archived(world)
    world.wait(minutes=10)
    late = world.open(title="多人反映迟迟未办")
    world.wait(minutes=10)
    late.claim("wangfang", "Task_screen")
    world.wait(hours=3)
    late.fill("Task_screen")
    world.wait(minutes=7)
    late.fill("Task_grade")
    handed = handed_on(world)
    major = walks.graded_major(world)
    world.wait(minutes=6)
    major.fill_all("Task_contact", "Task_instruct_chief")
    world.wait(hours=20)
    graded = walks.graded(world)
    walks.assign(graded, "gengbao", "guihua")
    yield Office(world, done.id, late.id, handed)
    world.services.engine.dispose()
