"""Fetching a page that somebody named, without being led to where it must not go: every address a name resolves to is
looked at, the connection goes to the very address that was looked at, and each redirect is looked at anew."""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urljoin, urlsplit, urlunsplit

from .channels import cut_after, printable

MOST_BYTES: Final = 2 * 1024 * 1024
REDIRECTS: Final = 5
WHOLE_SECONDS: Final = 10.0
"""For one fetch with all its redirects, however slowly bytes drip."""
STEP_SECONDS: Final = 5.0
PORTS: Final = frozenset({80, 443, 8080, 8443})
"""Web servers; nobody's feed is on a mail or database port."""
USER_AGENT: Final = "opinion-cases"
_ASKED: Final = "application/rss+xml, application/atom+xml, application/xml;q=0.9, text/xml;q=0.8, */*;q=0.1"
_MOVED: Final = frozenset({301, 302, 303, 307, 308})
Resolve = Callable[[str, int], Sequence[str]]
"""Name and port -> addresses as text."""


class NotFetched(Exception):
    """`key`: of the catalogue, says why; `detail`: what was met, without secrets."""

    def __init__(self, key: str, detail: str = "") -> None:
        super().__init__(f"{key} {detail}".strip())
        self.key = key
        self.detail = printable(detail)[:200]


@dataclass(frozen=True, slots=True)
class Fetched:
    """`body` is None for "nothing new" (304). `url`: where it was found in the end."""

    url: str
    body: bytes | None
    content_type: str
    etag: str
    modified: str


@dataclass(frozen=True, slots=True)
class Limits:
    """`intranet`: networks that may be fetched from although they are private, on any port (OPINION_FETCH_NETWORKS)."""

    intranet: tuple[str, ...] = ()
    most_bytes: int = MOST_BYTES
    whole_seconds: float = WHOLE_SECONDS


def resolved(name: str, port: int) -> Sequence[str]:
    """Every address of a name."""
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


def fetch(
    url: str, etag: str = "", modified: str = "", limits: Limits = Limits(), resolve: Resolve = resolved
) -> Fetched:
    """What is at `url`, or that nothing is new since `etag`, `modified`. Raises NotFetched."""
    state: dict[str, Any] = {}
    ends = time.monotonic() + limits.whole_seconds
    with cut_after(limits.whole_seconds, lambda: state.get("socket")):
        for _ in range(REDIRECTS + 1):
            try:
                found = _once(url, etag, modified, limits, resolve, state)
            finally:
                if time.monotonic() >= ends:  # what was cut off may look complete
                    raise NotFetched("fetch.slow", str(limits.whole_seconds))
            if isinstance(found, Fetched):
                return found
            url = urljoin(url, found)
    raise NotFetched("fetch.redirects", str(REDIRECTS))


def checked(url: str, limits: Limits, resolve: Resolve = resolved) -> tuple[str, str, int, str, str]:
    """(scheme, host, port, path with query, the address to connect to). Raises NotFetched.

    All addresses of the name must be allowed: a name that has a public and a private one is a trap.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        host = (
            (parts.hostname or "").encode("idna").decode() if not _is_address(parts.hostname or "") else parts.hostname
        )
    except (ValueError, UnicodeError):
        raise NotFetched("fetch.address", url) from None
    if parts.scheme not in ("http", "https") or not host:
        raise NotFetched("fetch.scheme", parts.scheme)
    if parts.username or parts.password:
        raise NotFetched("fetch.address", "user")
    try:
        addresses = [host] if _is_address(host) else list(resolve(host, port))
    except OSError as fault:
        raise NotFetched("fetch.name", f"{host}: {fault}") from None
    if not addresses or not all(_allowed(one, limits.intranet) for one in addresses):
        raise NotFetched("fetch.private", host)
    if port not in PORTS and not all(_within(ipaddress.ip_address(one), limits.intranet) for one in addresses):
        raise NotFetched("fetch.port", str(port))
    path = urlunsplit(("", "", parts.path or "/", parts.query, ""))
    return parts.scheme, host, port, path, addresses[0]


def _once(url: str, etag: str, modified: str, limits: Limits, resolve: Resolve, state: dict[str, Any]) -> Fetched | str:
    """One request; the address to go on to where the answer is a redirect."""
    scheme, host, port, path, address = checked(url, limits, resolve)
    connection = _connection(scheme, host, port, address)
    headers = {"User-Agent": USER_AGENT, "Accept": _ASKED, "Accept-Encoding": "identity", "Connection": "close"}
    headers |= {"If-None-Match": etag} if etag else {}
    headers |= {"If-Modified-Since": modified} if modified else {}
    try:
        connection.connect()
        state["socket"] = connection.sock
        connection.request("GET", path, headers={**headers, "Host": _host(scheme, host, port)})
        answer = connection.getresponse()
        return _answer(url, answer, limits)
    except (OSError, http.client.HTTPException, ValueError) as fault:
        raise NotFetched("fetch.unreachable", f"{type(fault).__name__}: {fault}") from None
    finally:
        state.pop("socket", None)
        connection.close()


def _answer(url: str, answer: http.client.HTTPResponse, limits: Limits) -> Fetched | str:
    told = {
        name: (answer.getheader(name) or "")[:1000] for name in ("ETag", "Last-Modified", "Content-Type", "Location")
    }
    if answer.status in _MOVED:
        if not told["Location"]:
            raise NotFetched("fetch.status", str(answer.status))
        return told["Location"]
    if answer.status == 304:
        return Fetched(url, None, "", told["ETag"], told["Last-Modified"])
    if answer.status != 200:
        raise NotFetched("fetch.status", str(answer.status))
    body = answer.read(limits.most_bytes + 1)
    if len(body) > limits.most_bytes:
        raise NotFetched("fetch.too_large", str(limits.most_bytes))
    return Fetched(url, body, told["Content-Type"], told["ETag"], told["Last-Modified"])


class _Plain(http.client.HTTPConnection):
    """Connects to an address that was looked at, whatever the name says by now."""

    def __init__(self, host: str, port: int, address: str) -> None:
        super().__init__(host, port, timeout=STEP_SECONDS)
        self._address = address

    def connect(self) -> None:
        self.sock = socket.create_connection((self._address, self.port), STEP_SECONDS)


class _Secure(http.client.HTTPSConnection):
    """The same with TLS; the certificate must be of the name."""

    def __init__(self, host: str, port: int, address: str) -> None:
        super().__init__(host, port, timeout=STEP_SECONDS)
        self._address = address
        self._tls = ssl.create_default_context()

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), STEP_SECONDS)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)


def _connection(scheme: str, host: str, port: int, address: str) -> http.client.HTTPConnection:
    return _Secure(host, port, address) if scheme == "https" else _Plain(host, port, address)


def _host(scheme: str, host: str, port: int) -> str:
    named = f"[{host}]" if ":" in host else host
    return named if port == (443 if scheme == "https" else 80) else f"{named}:{port}"


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _allowed(text: str, intranet: Sequence[str]) -> bool:
    """Whether an address is a public one, or in a network that the settings name."""
    try:
        address: Any = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    inner = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    teredo = getattr(address, "teredo", None)
    for one in (address, *([inner] if inner else []), *(teredo or ())):
        if _within(one, intranet):
            continue
        if not one.is_global or one.is_multicast or one.is_reserved or one in _NAT64:
            return False
    return True


_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


def _within(address: Any, networks: Sequence[str]) -> bool:
    return any(address in ipaddress.ip_network(one) for one in networks)
