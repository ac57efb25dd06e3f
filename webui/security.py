"""Response headers, same-origin check, CSRF and a brake on writing too often."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock
from typing import Final
from urllib.parse import urlsplit

from flask import Flask, Response, abort, request, session
from flask_wtf.csrf import CSRFProtect

from engine.domain.clock import Clock
from engine.service.settings import LOOPBACK, Settings

from . import health

CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)

HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=(), interest-cohort=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
HSTS: Final = "max-age=31536000; includeSubDomains"
ASSET_CACHE: Final = "public, max-age=31536000, immutable"
"""Built assets carry a hash of their content in the name, so they never change under one address."""

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

csrf = CSRFProtect()


class Brake:
    """At most `per_minute` calls per key in any 60 seconds, counted in this process. 0 switches it off."""

    def __init__(self, clock: Clock, per_minute: int) -> None:
        self._clock = clock
        self._per_minute = per_minute
        self._calls: dict[str, deque[datetime]] = {}
        self._lock = Lock()

    def holds(self, key: str) -> bool:
        """Counts one call; true when it is one too many."""
        if not self._per_minute:
            return False
        now = self._clock.now()
        with self._lock:
            self._forget(now)
            calls = self._calls.setdefault(key, deque())
            if len(calls) >= self._per_minute:
                return True
            calls.append(now)
            return False

    def _forget(self, now: datetime) -> None:
        horizon = now - timedelta(minutes=1)
        for key in list(self._calls):
            calls = self._calls[key]
            while calls and calls[0] <= horizon:
                calls.popleft()
            if not calls:
                del self._calls[key]


def _host_check(settings: Settings) -> Callable[[], None]:
    """Where the public address is known, a request under any other name is refused (DNS rebinding, forged links).

    What load balancers and monitoring ask for is answered under any name: they use addresses, and learn no case.
    """
    known = {urlsplit(settings.public_url).hostname, *LOOPBACK} if settings.public_url else None

    def check_host() -> None:
        if request.endpoint in health.ENDPOINTS:
            return
        if known is not None and urlsplit(f"//{request.host}").hostname not in known:
            abort(400, "host")

    return check_host


def _check_origin() -> None:
    """A browser says where a form was sent from; anything but this host is refused before the token is looked at."""
    if request.method in SAFE_METHODS:
        return
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        abort(400, "origin")
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        abort(400, "origin")


def _add_headers(response: Response, https: bool) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if https:
        response.headers["Strict-Transport-Security"] = HSTS
    if request.endpoint == "static" and response.status_code in (200, 206, 304) and "/dist/" in request.path:
        response.headers["Cache-Control"] = ASSET_CACHE
    else:
        response.headers["Cache-Control"] = "no-store"
    return response


def install(app: Flask, settings: Settings, clock: Clock) -> None:
    """Registers the checks (host, origin, brake, CSRF: in this order) and the headers of every response."""
    brake = Brake(clock, settings.writes_per_minute)

    def slow_down() -> None:
        # The session's id where there is one: behind a proxy or NAT a whole office has one address.
        key = session.get("_user_id") or request.remote_addr or ""
        if request.method not in SAFE_METHODS and brake.holds(str(key)):
            abort(429)

    app.before_request(_host_check(settings))
    app.before_request(_check_origin)
    app.before_request(slow_down)
    csrf.init_app(app)

    def add_headers(response: Response) -> Response:
        response.headers["X-Server-Now"] = clock.now().isoformat()  # running limits are shown on the server's time
        return _add_headers(response, settings.https)

    app.after_request(add_headers)
