"""Server time of the inbox page with 10,000 open cases and many closed ones, and the SQL statements it takes.

The rows are written straight into the read models (tests/unit/readmodels/crowd.py): no journal stands behind them.
"""

from __future__ import annotations

import importlib
import re
import statistics
import time
from typing import Any

from sqlalchemy import event

from engine.domain.clock import FixedClock
from engine.service import cast
from engine.service.bootstrap import build
from engine.service.passwords import DEMO_PASSWORD
from engine.service.settings import Settings
from engine.service.transactions import writing
from tests.unit.readmodels.crowd import NOW, crowd, past

from . import stores

OPEN_CASES = 10_000
REQUESTS = 200
PATHS = (
    "/inbox?view=mine",
    "/inbox?view=role",
    "/inbox?view=role&page=200",
    "/inbox?view=role&overdue=1",
    "/inbox?view=role&grade=major_negative&q=绿地",
    "/inbox?view=done",
)


def sign_in(app: Any, login: str) -> Any:
    """A test client with a session of its own, through the login page."""
    client = app.test_client()
    page = client.get("/login").get_data(as_text=True)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert token is not None
    answer = client.post("/login", data={"user_id": login, "password": DEMO_PASSWORD, "csrf_token": token[1]})
    assert answer.status_code in (302, 303), answer.status_code
    return client


def measure(
    store: stores.Store, open_cases: int = OPEN_CASES, closed_cases: int = 0, requests: int = REQUESTS
) -> dict[str, tuple[list[float], int]]:
    """Address -> (seconds of each request, SQL statements of one request)."""
    with stores.folder() as folder:
        settings = Settings(database_url=store.fresh(folder), data_dir=folder)
        services = build(settings, FixedClock(NOW))
        with writing(services.engine) as conn:
            cast.found(conn, NOW)
            crowd(conn, open_cases)
            past(conn, closed_cases)
        stores.analyse(services)
        app = importlib.import_module("webui").create_app(services)
        client = sign_in(app, "wangfang")
        statements: list[str] = []
        event.listen(services.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
        found = {}
        for path in PATHS:
            assert client.get(path).status_code == 200, path
            statements.clear()
            client.get(path)
            count = len(statements)
            times = []
            for _ in range(requests):
                started = time.perf_counter()
                client.get(path)
                times.append(time.perf_counter() - started)
            found[path] = (times, count)
        services.engine.dispose()
        return found


def report(options: stores.Options = stores.SHORT) -> None:
    closed = 1_000_000 if options.full else 20_000
    print(
        f"inbox page, {OPEN_CASES:,} open and {closed:,} closed cases, {REQUESTS} requests each; aim: p95 under 50 ms"
    )
    with stores.stores(options.kinds) as every:
        for store in every:
            for path, (times, count) in measure(store, closed_cases=closed).items():
                p95 = statistics.quantiles(times, n=20)[-1]
                median = statistics.median(times)
                print(
                    f"  {store.kind:<11} {path:<46} median {median * 1e3:6.1f} ms  p95 {p95 * 1e3:6.1f} ms"
                    f"  {count} statements"
                )


if __name__ == "__main__":
    report(stores.Options.read())
