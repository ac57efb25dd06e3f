"""What load balancers and monitoring ask: alive, ready, figures. They see states and numbers, and nothing of a case."""

from __future__ import annotations

import re
import shutil
from collections import namedtuple
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import event, text

from engine.service import health, metrics_access
from engine.service.bootstrap import Services
from engine.service.processes import LATELY, Presence
from engine.service.settings import Settings
from engine.service.transactions import writing
from tests.support.desk import ITEM, Desk
from tests.support.world import World
from tests.web.conftest import Person
from webui import create_app

Usage = namedtuple("Usage", "total used free")
TOKEN = "t" * 8 + "0123456789abcdef"


@pytest.fixture
def desk(tmp_path) -> Desk:
    made = Desk(tmp_path)
    yield made
    made.world.services.engine.dispose()


def checks(app: Flask) -> tuple[int, dict[str, str]]:
    answer = app.test_client().get("/health/ready")
    return answer.status_code, answer.get_json()["checks"]


def a_worker(world: World) -> Presence:
    made = Presence("worker")
    with writing(world.services.engine) as conn:
        made.beat(conn, world.clock.now())
    return made


def test_a_process_with_everything_it_needs_is_ready(desk: Desk):
    a_worker(desk.world)

    status, found = checks(desk.app)

    assert status == 200
    assert found == {
        "accepting": "ok", "database": "ok", "schema": "ok", "bundle": "ok", "worker": "ok", "disk": found["disk"],
    }  # fmt: skip
    assert found["disk"] in ("ok", "warn")


def test_a_missing_worker_warns_but_does_not_take_the_pages_away(desk: Desk):
    a_worker(desk.world)
    desk.world.clock.advance(seconds=LATELY.total_seconds() + 1)

    assert checks(desk.app) == (200, checks(desk.app)[1] | {"worker": "warn"})


def test_a_process_that_was_told_to_stop_is_not_ready_but_lives(desk: Desk):
    desk.world.services.stopping.set()

    assert checks(desk.app)[0] == 503
    assert checks(desk.app)[1]["accepting"] == "error"
    assert desk.app.test_client().get("/health/live").status_code == 200


def test_without_a_bundle_nothing_can_be_registered_and_the_process_is_not_ready(app: Flask):
    assert checks(app)[0] == 503
    assert checks(app)[1]["bundle"] == "error"


def test_a_database_that_is_away_is_said_and_the_process_still_lives(desk: Desk, monkeypatch):
    desk.world.services.engine.dispose()
    monkeypatch.setattr(desk.world.services.engine.dialect, "connect", unreachable(desk.world.services))

    assert checks(desk.app)[0] == 503
    assert checks(desk.app)[1]["database"] == "error"
    assert desk.app.test_client().get("/health/live").status_code == 200
    figures = desk.app.test_client().get("/metrics").text
    assert "opinion_database_up 0.0" in figures
    assert "opinion_http_requests_total" in figures


def unreachable(services: Services) -> Callable[..., None]:
    def refuse(*_: object, **__: object) -> None:
        raise services.engine.dialect.dbapi.OperationalError("unable to open database file")

    return refuse


def test_another_shape_of_the_read_models_is_not_ready(desk: Desk):
    with writing(desk.world.services.engine) as conn:
        conn.execute(text("UPDATE readmodel_version SET digest = 'of another release'"))

    assert checks(desk.app)[1]["schema"] == "error"


@pytest.mark.parametrize(
    ("free", "state"),
    [(health.DISK_LEAST - 1, "error"), (health.DISK_SHORT - 1, "warn"), (health.DISK_SHORT, "ok")],
)
def test_a_disk_is_short_before_it_is_full(desk: Desk, monkeypatch, free: int, state: str):
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: Usage(10**12, 10**12 - free, free))

    assert checks(desk.app)[1]["disk"] == state


def test_an_answer_names_states_and_nothing_else(desk: Desk):
    for path in ("/health/live", "/health/ready"):
        answer = desk.app.test_client().get(path)

        assert set(answer.get_json()) == {"ok", "checks"}
        assert set(answer.get_json()["checks"].values()) <= {"ok", "warn", "error"}
        assert "Set-Cookie" not in answer.headers
        assert str(desk.world.services.settings.data_dir) not in answer.text


def test_load_balancers_ask_under_an_address_and_not_under_the_public_name(services: Services):
    services.settings = replace(services.settings, public_url="https://yuqing.example")
    app = create_app(services)

    assert app.test_client().get("/health/live", headers={"Host": "10.0.0.5:8001"}).status_code == 200
    assert app.test_client().get("/login", headers={"Host": "10.0.0.5:8001"}).status_code == 400


def test_figures_are_for_this_machine_only_while_developing(stranger: Person):
    near = stranger.client.get("/metrics")
    far = stranger.client.get("/metrics", environ_overrides={"REMOTE_ADDR": "10.0.0.7"})
    through_a_proxy = stranger.client.get("/metrics", headers={"X-Forwarded-For": "10.0.0.7"})

    assert near.status_code == 200
    assert near.content_type.startswith("text/plain; version=0.0.4")
    assert (far.status_code, through_a_proxy.status_code) == (404, 404)


@pytest.mark.parametrize(
    ("environment", "token", "sent", "allowed"),
    [
        ("production", "", "", False),
        ("production", TOKEN, f"Bearer {TOKEN}", True),
        ("production", TOKEN, f"bearer {TOKEN}", True),
        ("production", TOKEN, "", False),
        ("production", TOKEN, f"Bearer {TOKEN}x", False),
        ("production", TOKEN, f"Basic {TOKEN}", False),
        ("production", TOKEN, "Bearer 口令", False),
        ("development", TOKEN, "", False),
        ("development", "", "", True),
    ],
)
def test_who_may_read_the_figures(environment: str, token: str, sent: str, allowed: bool):
    settings = Settings(environment=environment, metrics_token=token)
    asked = metrics_access.Asked("127.0.0.1", frozenset({"host", "authorization"}), sent)

    assert metrics_access.may_read(settings, asked) == allowed


def test_figures_of_requests_are_told_by_route_and_never_by_address(desk: Desk):
    case = desk.world.open(**ITEM)
    desk.seat("wangfang").get(f"/cases/{case.id}")
    desk.app.test_client().get("/什么也没有")

    figures = desk.app.test_client().get("/metrics").text

    assert re.search(r'opinion_http_requests_total\{method="GET",route="/cases/<case_id>",status="200"\} \d', figures)
    assert 'route="unmatched",status="404"' in figures
    assert "opinion_http_request_seconds_bucket" in figures
    assert 'opinion_entries_total{command="OpenCase"}' in figures
    assert "process_resident_memory_bytes" in figures
    assert 'opinion_database_connections{state="in_use"} 0.0' in figures
    assert case.id not in figures
    assert "wangfang" not in figures
    assert "什么也没有" not in figures


def test_figures_tell_what_waits_for_its_seal_and_which_processes_live(desk: Desk):
    a_worker(desk.world)
    desk.world.open(**ITEM)
    desk.world.clock.advance(seconds=30)

    before = desk.app.test_client().get("/metrics").text
    desk.world.services.sealer.seal()
    desk.world.clock.advance(seconds=15)
    after = desk.app.test_client().get("/metrics").text

    assert 'opinion_seal_age_seconds{of="unsealed"} 30.0' in before
    assert 'opinion_journal_entries{state="waiting"} 0.0' in after
    assert 'opinion_seal_age_seconds{of="checkpoint"} 15.0' in after
    assert "opinion_workers 1.0" in after


def test_the_lateness_of_timers_is_counted_once_a_firing(desk: Desk):
    def fired() -> float:
        figures = desk.app.test_client().get("/metrics").text
        return float(re.search(r"opinion_timer_lateness_seconds_count (\S+)", figures)[1])

    case = desk.world.open(**ITEM)
    before = fired()
    desk.world.clock.advance(seconds=3 * 24 * 3600)
    done = desk.world.services.application.settle(case.id)

    assert done > 0
    assert fired() - before == done


def test_reading_the_figures_scans_no_table_that_grows_with_cases(desk: Desk):
    statements: list[tuple[str, object]] = []
    engine = desk.world.services.engine
    event.listen(engine, "before_cursor_execute", lambda c, cur, sql, params, *_: statements.append((sql, params)))

    desk.app.test_client().get("/metrics")

    asked = [(sql, params) for sql, params in statements if sql.startswith("SELECT")]
    assert 3 <= len(asked) <= 30
    few = ("processes", "unsealed", "journal_format", "jobs")  # few rows at all times
    scans = []
    with engine.connect() as conn:
        for sql, params in asked:
            plan = [row[3] for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", params)]
            ends_at_once = "LIMIT" in sql and not any("TEMP B-TREE" in step for step in plan)
            scans += [step for step in plan if step.startswith("SCAN") and not ends_at_once]
    assert [step for step in scans if step.split()[1] not in few] == []


def test_a_figure_that_cannot_be_read_leaves_the_others(desk: Desk):
    with writing(desk.world.services.engine) as conn:
        conn.execute(text("DROP TABLE processes"))

    figures = desk.app.test_client().get("/metrics").text

    assert "opinion_workers " not in figures
    assert 'opinion_metrics_unreadable_total{figure="opinion_workers"}' in figures
    assert "opinion_seal_age_seconds" in figures
    assert "opinion_database_up 1.0" in figures


def test_a_request_has_one_id_that_only_a_trusted_proxy_may_choose(services: Services, app: Flask):
    chosen = {"X-Request-ID": "abcdef-0123456789"}

    own = app.test_client().get("/login", headers=chosen).headers["X-Request-ID"]
    services.settings = replace(services.settings, trusted_proxies=1)
    behind = create_app(services).test_client()

    assert re.fullmatch(r"[0-9a-f]{16}", own)
    assert behind.get("/login", headers=chosen).headers["X-Request-ID"] == chosen["X-Request-ID"]
    assert behind.get("/login", headers={"X-Request-ID": "a b\n"[:3]}).headers["X-Request-ID"] != "a b"


def test_a_process_that_died_is_forgotten_after_a_day(desk: Desk):
    dead = a_worker(desk.world)
    desk.world.clock.advance(seconds=25 * 3600)
    a_worker(desk.world)

    with desk.world.services.engine.connect() as conn:
        rows = conn.execute(text("SELECT process FROM processes")).scalars().all()

    assert dead.process not in rows
    assert len(rows) == 1
