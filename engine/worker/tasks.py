"""What background workers can do, by name; the same functions run on both databases."""

from __future__ import annotations

from collections.abc import Mapping

from engine.service.jobs import Task

_ALL: tuple[Task, ...] = ()

TASKS: Mapping[str, Task] = {task.name: task for task in _ALL}
