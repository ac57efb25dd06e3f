"""Two machines and a database between them, on one computer: each can be cut off, so that nothing arrives any more and
nothing says so, and healed.

`Namespaces`: real network namespaces with a switch of their own; needs root and `ip`. `Proxies`: a TCP proxy of ours in
front of the database for each machine, which stops passing anything on; needs nothing. To the database the two look
different: behind a proxy the peer's kernel still answers, so the session of a machine that is gone looks like one whose
program stands still.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import selectors
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol

from tests.support.durable_postgres import DurablePostgres

CLONE_NEWNET = 0x40000000
MACHINES = ("a", "b")
_libc = ctypes.CDLL(None, use_errno=True)
_numbers = itertools.count(1)


class Network(Protocol):
    """`url`: of the database for a machine. `inside`: threads in it act, and processes start, on the machine."""

    @property
    def postgres(self) -> DurablePostgres: ...
    def url(self, machine: str) -> str: ...
    def inside(self, machine: str) -> AbstractContextManager[None]: ...
    def cut(self, machine: str) -> None: ...
    def heal(self, machine: str) -> None: ...
    def close(self) -> None: ...


# --- namespaces -------------------------------------------------------------------------------------------------------


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, timeout=30)


@contextmanager
def in_namespace(name: str) -> Iterator[None]:
    """This thread, and the processes it starts meanwhile, have the network of a named namespace."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    away = os.open(f"/run/netns/{name}", os.O_RDONLY)
    try:
        _enter(away)
        try:
            yield
        finally:
            _enter(home)
    finally:
        os.close(home)
        os.close(away)


def _enter(namespace: int) -> None:
    if _libc.setns(namespace, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def namespaces_are_possible() -> bool:
    """Whether this process may make what `Namespaces` needs; leaves nothing behind."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return False
    name = f"opinion-probe-{os.getpid()}"
    try:
        ip("netns", "add", name)
        try:
            ip("-n", name, "link", "add", "one", "type", "veth", "peer", "name", "two")
            ip("-n", name, "link", "add", "switch", "type", "bridge")
            with in_namespace(name):
                return True
        finally:
            ip("netns", "delete", name)
    except (OSError, subprocess.SubprocessError):
        return False


class Namespaces:
    """The database's namespace holds the switch; each machine is plugged into it. Cut off means the plug is pulled at
    the switch: the machine's packets go nowhere, and neither side is told."""

    DATABASE = "10.77.0.1"

    def __init__(self) -> None:
        stem = f"opinion-{os.getpid()}-{next(_numbers)}"
        self.names = {machine: f"{stem}-{machine}" for machine in ("db", *MACHINES)}
        self.made: list[str] = []
        try:
            self._plug()
            with self.inside("db"):
                self.postgres = DurablePostgres([self.DATABASE], inside=lambda: self.inside("db"))
            self.postgres.start()
        except BaseException:
            self.close()
            raise
        self.postgres.make_database("opinion")

    def _plug(self) -> None:
        for name in self.names.values():
            ip("netns", "add", name)
            self.made.append(name)
            ip("-n", name, "link", "set", "lo", "up")
        db = self.names["db"]
        ip("-n", db, "link", "add", "switch", "type", "bridge")
        ip("-n", db, "addr", "add", f"{self.DATABASE}/24", "dev", "switch")
        ip("-n", db, "link", "set", "switch", "up")
        for number, machine in enumerate(MACHINES):
            name = self.names[machine]
            ip("-n", db, "link", "add", f"port-{machine}", "type", "veth", "peer", "name", "eth0", "netns", name)
            ip("-n", db, "link", "set", f"port-{machine}", "master", "switch", "up")
            ip("-n", name, "addr", "add", f"10.77.0.{11 + number}/24", "dev", "eth0")
            ip("-n", name, "link", "set", "eth0", "up")

    def url(self, machine: str) -> str:
        return self.postgres.sqlalchemy_url("opinion")

    def inside(self, machine: str) -> AbstractContextManager[None]:
        return in_namespace(self.names[machine])

    def cut(self, machine: str) -> None:
        ip("-n", self.names["db"], "link", "set", f"port-{machine}", "down")

    def heal(self, machine: str) -> None:
        ip("-n", self.names["db"], "link", "set", f"port-{machine}", "up")

    def close(self) -> None:
        if postgres := getattr(self, "postgres", None):
            postgres.close()
        for name in self.made:
            ip("netns", "delete", name)


# --- proxies ----------------------------------------------------------------------------------------------------------


class Proxy:
    """Passes TCP connections on, from a port of its own. While `dead` it takes nothing, gives nothing and closes
    nothing."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.dead = threading.Event()
        self.over = threading.Event()
        self.other: dict[socket.socket, socket.socket] = {}
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        while not self.over.is_set():
            if self.dead.is_set():
                self.over.wait(0.02)
                continue
            for key, _ in self.selector.select(0.02):
                if self.dead.is_set():
                    break
                sock: socket.socket = key.fileobj  # type: ignore[assignment]
                if sock is self.listener:
                    self._accept()
                elif sock in self.other:
                    self._pass_on(sock)

    def _accept(self) -> None:
        client, _ = self.listener.accept()
        try:
            server = socket.create_connection(self.target, 5)
        except OSError:
            client.close()
            return
        for one, other in ((client, server), (server, client)):
            self.other[one] = other
            self.selector.register(one, selectors.EVENT_READ)

    def _pass_on(self, sock: socket.socket) -> None:
        other = self.other[sock]
        try:
            found = sock.recv(65536)
            if found:
                other.sendall(found)
                return
        except OSError:
            pass  # one side is gone: so is the other
        for end in (sock, other):
            self.selector.unregister(end)
            del self.other[end]
            end.close()

    def close(self) -> None:
        self.over.set()
        self.thread.join(10)
        for sock in self.other:
            sock.close()
        self.listener.close()
        self.selector.close()


class Proxies:
    STANDING_STILL_SECONDS = 5
    """For which a transaction may stand still: the program's own limit is longer than a test should wait."""

    def __init__(self) -> None:
        self.postgres = DurablePostgres()
        self.postgres.start()
        self.postgres.make_database("opinion")
        self.proxies = {machine: Proxy((self.postgres.address, self.postgres.port)) for machine in MACHINES}

    def url(self, machine: str) -> str:
        option = f"-c%20idle_in_transaction_session_timeout={self.STANDING_STILL_SECONDS}s"
        return self.postgres.sqlalchemy_url("opinion", "127.0.0.1", self.proxies[machine].port) + f"?options={option}"

    def inside(self, machine: str) -> AbstractContextManager[None]:
        return nullcontext()

    def cut(self, machine: str) -> None:
        self.proxies[machine].dead.set()

    def heal(self, machine: str) -> None:
        self.proxies[machine].dead.clear()

    def close(self) -> None:
        for proxy in self.proxies.values():
            proxy.close()
        self.postgres.close()


def kinds() -> dict[str, Callable[[], Network]]:
    """Every network that can be had on this machine."""
    return {"proxies": Proxies, **({"namespaces": Namespaces} if namespaces_are_possible() else {})}


def connect_inside(network: Network, machine: str) -> Callable[[tuple[str, int], float], socket.socket]:
    """How a person at a machine reaches its own web server."""

    def connect(address: tuple[str, int], seconds: float) -> socket.socket:
        with network.inside(machine):
            return socket.create_connection(address, seconds)

    return connect
