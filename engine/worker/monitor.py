"""The worker's own address for monitoring: health, readiness and figures, where there are no pages to ask."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from engine.service import health, metrics, metrics_access
from engine.service.bootstrap import Services

SILENT_SECONDS: Final = 10.0
"""A client that says nothing for so long is hung up on."""


class Monitor:
    """Answers on host and `OPINION_MONITOR_PORT` in threads of its own. Binds when it is made."""

    def __init__(self, services: Services) -> None:
        settings = services.settings
        self._server = ThreadingHTTPServer((settings.host, settings.monitor_port), _answers(services))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="monitor", daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _answers(services: Services) -> type[BaseHTTPRequestHandler]:
    class Answers(BaseHTTPRequestHandler):
        timeout = SILENT_SECONDS
        server_version = "opinion"
        sys_version = ""

        def do_GET(self) -> None:
            if self.path == "/health/live":
                self._checks(health.live(services))
            elif self.path == "/health/ready":
                self._checks(health.ready(services))
            elif self.path == "/metrics" and metrics_access.may_read(services.settings, self._asked()):
                self._send(200, metrics.CONTENT_TYPE, metrics.render(services))
            else:
                self._send(404, "text/plain", b"")

        def _asked(self) -> metrics_access.Asked:
            names = frozenset(name.lower() for name in self.headers)
            return metrics_access.Asked(self.client_address[0], names, self.headers.get("Authorization", ""))

        def _checks(self, found: Sequence[health.Check]) -> None:
            good = health.is_ready(found)
            body = json.dumps({"ok": good, "checks": {check.name: check.state for check in found}}).encode()
            self._send(200 if good else 503, "application/json", body)

        def _send(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass  # a scrape every few seconds is no news

    return Answers
