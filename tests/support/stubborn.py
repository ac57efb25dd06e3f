"""People whose pages send a submission again when its answer got lost: the same page, the same command id."""

from __future__ import annotations

from engine.domain.commands import Command
from engine.domain.organisation import Actor
from engine.domain.rejection import Rejection
from engine.service.application import Done
from engine.service.outages import is_outage
from tests.support.world import World

TRIES = 50


class StubbornWorld(World):
    """An office on a store that fails now and then. `acknowledged`: command id -> answer; `told`: how many requests
    ended in an outage."""

    acknowledged: dict[str, Done]
    told = 0

    def actor(self, login: str) -> Actor:
        for _ in range(TRIES):
            try:
                return super().actor(login)
            except Exception as error:
                self._only_outages(error)
        raise AssertionError("never answered")

    def ask(self, login: str, command: Command, case_id: str = "") -> Done | Rejection:
        command_id = f"test-{next(self.numbers)}"
        actor = self.actor(login)
        for _ in range(TRIES):
            try:
                answer = self.services.application.handle(command, actor, case_id=case_id, command_id=command_id)
            except Exception as error:
                self._only_outages(error)
                continue
            if isinstance(answer, Done):
                self.acknowledged[command_id] = answer
            return answer
        raise AssertionError("never answered")

    def _only_outages(self, error: Exception) -> None:
        if not is_outage(error):
            raise error
        self.told += 1
