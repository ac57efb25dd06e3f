"""What must be true of a journal after whatever was done to the processes that wrote it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, text

from engine.domain.codec import parse_instant
from engine.journal.entry import StoredEntry
from engine.readmodels.schema import READ_MODELS
from engine.service.bootstrap import Services
from engine.service.verify import Asked, rebuild_read_models, verify
from engine.worker.timers import TimerRunner
from tests.crash.clerks import Log


def entries_of(services: Services) -> list[StoredEntry]:
    """Every entry of every case, case by case, in order."""
    with services.journal.reading() as tx:
        return [entry for stream in tx.streams() if not stream.startswith("_") for entry in tx.read(stream)]


def words_of(command: dict[str, Any]) -> str:
    """The words by which a clerk knows a submission again."""
    values = command.get("values", {})
    return str(command.get("text") or values.get("grade_reason") or values.get("screen_note") or values.get("title"))


def lost_or_doubled(services: Services, log: Log) -> list[str]:
    """Every confirmed submission that is not in the journal exactly once, and every other one that is there twice."""
    entries = entries_of(services)
    by_id = Counter(entry.command_id for entry in entries)
    by_words = Counter(words_of(entry.command) for entry in entries if entry.command["kind"] != "FireTimer")
    wrong = [f"{what} twice" for what, number in (by_id + by_words).items() if number > 1]
    known = [*log.confirmed, *log.settled]
    wrong += [f"{sent.mark} lost" for sent in known if not (by_id[sent.command_id] and by_words[sent.mark])]
    return wrong


def unfired_or_doubled(entries: Sequence[StoredEntry], upto: datetime) -> tuple[int, list[str]]:
    """How many timers were fired; and of all timers due by `upto` those not fired exactly once, and those fired early
    or after they were cancelled. One arming is (case, timer, due); a repeating timer is armed anew each round."""
    fired = 0
    wrong: list[str] = []
    waiting: dict[tuple[str, str], str] = {}
    done: Counter[tuple[str, str, str]] = Counter()
    for entry in entries:
        for event in entry.events:
            if event["kind"] not in ("TimerArmed", "TimerFired", "TimerCancelled"):
                continue
            key = (entry.case_id, str(event["timer"]))
            if event["kind"] == "TimerArmed":
                waiting[key] = str(event["due"])
            elif event["kind"] == "TimerCancelled":
                waiting.pop(key, None)
            else:
                fired += 1
                due = str(event["due"])
                done[*key, due] += 1
                if waiting.pop(key, "") != due:
                    wrong.append(f"{key} {due} fired without being armed")
                if entry.at < parse_instant(due):
                    wrong.append(f"{key} {due} fired early")
    wrong += [f"{which} fired {number} times" for which, number in done.items() if number > 1]
    wrong += [f"{key} {due} never fired" for key, due in waiting.items() if parse_instant(due) <= upto]
    return fired, wrong


def fire_the_rest(services: Services) -> None:
    """What a worker does that goes on running: fires all that is due by now."""

    def fail(case_id: str, error: Exception) -> None:
        raise AssertionError(case_id) from error

    runner = TimerRunner(services, on_error=fail)
    for _ in range(1000):
        if not runner.run_once().fired:
            return
    raise AssertionError("timers without an end")


def read_model_rows(services: Services) -> dict[str, Sequence[Any]]:
    with services.engine.connect() as conn:
        return {t.name: conn.execute(select(t).order_by(*t.primary_key)).all() for t in READ_MODELS}


def check_sound(services: Services) -> int:
    """The file is whole, the chains are, every case replays, each timer that came due fired once, read models equal a
    rebuild. Returns how many timers fired."""
    if services.engine.dialect.name == "sqlite":
        with services.engine.connect() as conn:
            assert conn.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
    upto = services.clock.now()  # before the rest is fired: a reminder of every second is due again right after it
    fire_the_rest(services)
    fired, wrong = unfired_or_doubled(entries_of(services), upto)
    assert wrong == [], wrong
    parts = ("chains", "tree", "keys", "checkpoints", "logs", "numbers", "replays", "models")
    report = verify(services, Asked(parts=parts))
    assert report.faults == 0, report.as_json()
    before = read_model_rows(services)
    rebuild_read_models(services)
    assert read_model_rows(services) == before
    return fired
