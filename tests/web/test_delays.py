"""The line on every page while timers are late, and the record for the system administrator."""

from __future__ import annotations

from datetime import timedelta

from engine.worker.timers import TimerRunner
from engine.worker.watchdog import watch
from tests.support.desk import Desk
from webui.delays import Watch

BANNER = "时限处理延迟：最早的一项已到期"


def test_everybody_is_told_while_timers_are_late_and_no_longer_when_they_are_fired(own_desk: Desk):
    own_desk.app.extensions["delay_watch"] = Watch(look_seconds=0.0)
    own_desk.registered()
    before = own_desk.seat("wangfang").get("/inbox").text

    own_desk.world.clock.advance(minutes=45)  # longer than a session lasts unused
    clerk, admin = own_desk.seat("wangfang"), own_desk.seat("qianjin")
    watch(own_desk.world.services)
    late, record = clerk.get("/inbox").text, admin.get("/admin/delays").text
    runner = TimerRunner(own_desk.world.services)
    while runner.run_once().fired:
        pass
    watch(own_desk.world.services)
    after, over = clerk.get("/inbox").text, admin.get("/admin/delays").text

    assert BANNER not in before
    assert BANNER in late and "/admin/delays" not in late
    assert BANNER in record and "仍在延迟" in record and "到期时系统没有运行" in record
    assert BANNER not in after
    assert "仍在延迟" not in over and "现在没有延迟。" in over


def test_pages_ask_how_late_it_is_only_every_few_seconds(own_desk: Desk):
    asked: list[timedelta] = []

    class Counting(Watch):
        def behind(self) -> timedelta:
            before = self._looked
            found = super().behind()
            asked.extend([found] if self._looked != before else [])
            return found

    own_desk.app.extensions["delay_watch"] = Counting(look_seconds=60.0)
    for _ in range(4):
        own_desk.seat("wangfang").get("/inbox")

    assert asked == [timedelta(0)]
