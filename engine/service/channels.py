"""Ways out of the house: one small class each, behind one protocol. Which of them there are, the settings say."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from .delivery_text import Notice

DETAIL_LENGTH: Final = 200
"""Characters kept of what a server said."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attempt. `later`: worth another one; `never`: the server will not take it, ask a person.

    `error`: catalogue key, `detail`: what the server said. `halt`: the channel as a whole does not work now, so that
    the others that wait need not try.
    """

    state: Literal["sent", "later", "never"]
    error: str = ""
    detail: str = ""
    halt: bool = False


SENT: Final = Outcome("sent")


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: for one step of a conversation (connecting, each answer), and for the whole of it."""

    step: float = 10.0
    whole: float = 30.0


PATIENCE: Final = Patience()


class Channel(Protocol):
    """`per_minute`: how many messages the other side takes in a minute, 0 for any number."""

    name: str
    per_minute: int

    def send(self, notice: Notice) -> Outcome:
        """Tries once. Never raises for what the network or the other side does."""
        ...

    def close(self) -> None:
        """Ends what is kept open between two messages."""
        ...


def printable(text: str, *secrets: str) -> str:
    """What a server said, fit for a page and a log: one line, short, our own secrets taken out."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "***")
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:DETAIL_LENGTH]


@contextmanager
def cut_after(seconds: float, line: Callable[[], socket.socket | None]) -> Iterator[None]:
    """Ends the conversation on `line` after so long, whatever is under way on it: the waiting call then fails.

    A timeout of a socket counts from one byte to the next; a server that drips would hold a worker for hours.
    """

    def cut() -> None:
        held = line()
        if held is not None:
            with suppress(OSError):
                held.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
