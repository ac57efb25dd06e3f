"""The whole program on a database with the demo cast, a clock that stands still, and browsers signed in as anybody."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import FileSystemBytecodeCache
from werkzeug.test import TestResponse

from engine.domain.clock import FixedClock
from engine.service import cast, passwords, people_sessions
from engine.service.bootstrap import Services, build
from engine.service.settings import Settings
from engine.service.transactions import writing
from webui import create_app
from webui.security import HEADERS

STARTED_AT = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  # 09:00 in Xuchang, a Monday
TOKEN = re.compile(r'name="csrf-token" content="([^"]+)"')


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(STARTED_AT)


@contextmanager
def cheap() -> Iterator[None]:
    """Argon2 with small parameters; the real ones are tested in tests/unit/test_passwords.py."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", PasswordHasher(time_cost=2, memory_cost=64, parallelism=1))
        passwords._decoy.cache_clear()
        yield
    passwords._decoy.cache_clear()


@pytest.fixture(autouse=True)
def cheap_hashes() -> Iterator[None]:
    with cheap():
        yield


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with the cast in it; each test gets a copy."""
    path = tmp_path_factory.mktemp("office") / "office.db"
    services = build(Settings(database_url=f"sqlite:///{path}", data_dir=path.parent), FixedClock(STARTED_AT))
    with cheap(), writing(services.engine) as conn:
        cast.found(conn, STARTED_AT)
    services.engine.dispose()
    return path


@pytest.fixture
def settings(office: Path, tmp_path: Path) -> Settings:
    shutil.copy(office, tmp_path / "office.db")
    return Settings(
        database_url=f"sqlite:///{tmp_path / 'office.db'}",
        data_dir=tmp_path,
        secret_key="k" * 8 + "0123456789abcdefghijklmn",
    )


@pytest.fixture
def services(settings: Settings, clock: FixedClock) -> Iterator[Services]:
    built = build(settings, clock)
    yield built
    built.engine.dispose()


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> FileSystemBytecodeCache:
    """Templates compiled once for all the apps of a run."""
    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))


@pytest.fixture
def app(services: Services, compiled: FileSystemBytecodeCache) -> Flask:
    made = create_app(services)
    made.jinja_env.bytecode_cache = compiled
    return made


class Person:
    """A browser, and who sits before it. Every answer is checked for the headers that every answer must have."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.token = ""

    def get(self, path: str, **more: Any) -> TestResponse:
        return self._checked(self.client.get(path, **more))

    def post(self, path: str, data: dict[str, Any] | None = None, **more: Any) -> TestResponse:
        """Sends a form as a page of ours would: with the token of this browser's session."""
        if not self.token:
            self.refresh_token()
        return self._checked(self.client.post(path, data={"csrf_token": self.token, **(data or {})}, **more))

    def send(self, method: str, path: str, **more: Any) -> TestResponse:
        if not self.token:
            self.refresh_token()
        headers = {"X-CSRFToken": self.token, **more.pop("headers", {})}
        return self._checked(self.client.open(path, method=method, headers=headers, **more))

    def refresh_token(self) -> None:
        for path in ("/login", "/account", "/password"):
            found = TOKEN.search(self.client.get(path).get_data(as_text=True))
            if found:
                self.token = found[1]
                return
        raise AssertionError("no page with a token")

    def sign_in(self, user_id: str, password: str, **more: Any) -> TestResponse:
        response = self.post("/login", {"user_id": user_id, "password": password, **more})
        self.token = ""
        return response

    @property
    def cookie(self) -> str:
        found = self.client.get_cookie("session") or self.client.get_cookie("__Host-session")
        return found.value if found is not None else ""

    def _checked(self, response: TestResponse) -> TestResponse:
        missing = [name for name in HEADERS if name not in response.headers]
        assert not missing, f"{response.request.path} answered without {missing}"
        assert "unsafe-inline" not in response.headers["Content-Security-Policy"].split("style-src")[0]
        assert "Cache-Control" in response.headers
        return response


@pytest.fixture
def stranger(app: Flask) -> Person:
    return Person(app.test_client())


@pytest.fixture
def seat(app: Flask, services: Services) -> Callable[[str], Person]:
    """`seat("wangfang")`: a browser in which that person is signed in (without the cost of a password check)."""

    def take(user_id: str) -> Person:
        client = app.test_client()
        with writing(services.engine) as conn:
            sid = people_sessions.open_session(conn, services.clock.now(), user_id, "127.0.0.1")
        with client.session_transaction() as cookie:
            cookie["_user_id"] = sid
            cookie["_fresh"] = True
        return Person(client)

    return take
