"""Real servers on the loopback, that answer as a test tells them: SMTP by aiosmtpd, HTTP by the standard library."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

HANG = -1
"""As an answer of HttpServer: says nothing until the test is over."""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class MailServer:
    """Takes mail. `recipients`/`data`: answers to the next RCPT/DATA commands, in order; 250 when there are none."""

    def __init__(self, *, tls: ssl.SSLContext | None = None, starttls: bool = False, password: str = "") -> None:
        self.recipients: list[str] = []
        self.data: list[str] = []
        self.logins: list[bytes] = []
        self.taken: list[EmailMessage] = []
        self.on_data: Callable[[], None] = lambda: None
        self._password = password
        more: dict[str, Any] = {}
        if tls is not None and starttls:
            more = {"tls_context": tls, "require_starttls": True}
        elif tls is not None:
            more = {"ssl_context": tls}
        if password:
            # aiosmtpd does not see that a connection is TLS from its first byte.
            more |= {"authenticator": self._authenticate, "auth_required": starttls, "auth_require_tls": starttls}
        self.port = free_port()
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port, ready_timeout=20, **more)
        self._controller.start()

    def stop(self) -> None:
        self._controller.stop()

    def _authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append(data.login)
        return AuthResult(success=data.password == self._password.encode(), handled=False)

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if self.recipients and not (answer := self.recipients.pop(0)).startswith("250"):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.data and not (answer := self.data.pop(0)).startswith("250"):
            return answer
        self.taken.append(message_from_bytes(envelope.content, policy=policy.default))
        self.on_data()
        return "250 taken"


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what some tests are about."""


class HttpServer:
    """Takes POSTs. `answers`: (status, body) of the next ones; (HANG, b"") says nothing. Then 200 with `usual`."""

    def __init__(self, usual: bytes = b'{"errcode":0,"errmsg":"ok"}', tls: ssl.SSLContext | None = None) -> None:
        self.answers: list[tuple[int, bytes]] = []
        self.headers: dict[str, str] = {}
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.over = threading.Event()
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with outer._lock:
                    outer.got.append((self.path, dict(self.headers), body))
                    status, answer = outer.answers.pop(0) if outer.answers else (200, usual)
                if status == HANG:
                    outer.over.wait(30)
                    self.close_connection = True
                    return
                self.send_response(status)
                for name, value in outer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = _Quiet(("127.0.0.1", 0), Handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def stop(self) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class RawServer:
    """Accepts a connection and does with it what `play` does, in a thread of its own; then closes it."""

    def __init__(self, play: Callable[[socket.socket, threading.Event], None]) -> None:
        self.over = threading.Event()
        self.accepted = 0
        self._play = play
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while not self.over.is_set():
            try:
                line, _ = self._listener.accept()
            except TimeoutError:
                continue
            self.accepted += 1
            with line:
                line.settimeout(10)
                with suppress(OSError):
                    self._play(line, self.over)

    def stop(self) -> None:
        self.over.set()
        self._thread.join()
        self._listener.close()


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS context for 127.0.0.1, and the file that a client must trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "server.pem", folder / "server.key"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return context, public
