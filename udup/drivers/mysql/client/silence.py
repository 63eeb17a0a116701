"""Tells a statement that takes long from a connection that is dead without a word.

A firewall that forgets a connection, or a proxy that keeps one end open, leaves a client waiting for ever: the kernel
sees no fault as long as somebody acknowledges its bytes. No time limit tells that from an index which takes hours to
build. The server does: it is asked on a second connection what the first one's session does. The first is given up

* when the answer is, twice in a row, that the session is gone, or has nothing to do, or waits for bytes that were all
  sent, or sends bytes of which none come;
* when nobody answers `UNANSWERED` questions in a row.

A proxy (ProxySQL, MaxScale, RDS Proxy) numbers its clients by itself, and may change the session behind them. So the
number that counts is the one that the session itself has told, and where the handshake had another one, or none was
told, a session that is not found says nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from udup.drivers.mysql.client.processes import Process

#: Seconds without a byte after which the server is asked; and until it is asked once more, where its answer spoke
#: against the connection, or did not come.
SILENT_SECONDS, AGAIN_SECONDS = 20.0, 5.0

#: Seconds to connect for a question, and for its answer.
ASK_SECONDS = 5.0

#: Answers in a row by which a connection is dead; and questions in a row that nobody answered. A server that stalls
#: for half a minute must not cost a statement that has run for hours.
DEAD_ANSWERS, UNANSWERED = 2, 8

#: What MySQL calls a session that waits for bytes of its client, and one that sends some; before 8.0.13 and since.
_READING = ("Receiving from client", "Reading from net")
_WRITING = ("Sending to client", "Writing to net")


class Waits(Enum):
    """What the connection waits for."""

    TO_READ = auto()
    TO_SEND = auto()


@dataclass(frozen=True)
class Seen:
    """What the server says: of which server's sessions it speaks, and the session that was asked for, None if gone."""

    server_uuid: str
    session: Process | None


#: Ask for the session of this number. None where somebody answers who cannot tell.
Ask = Callable[[int], Seen | None]


class NoAnswerError(Exception):
    """Nobody answers."""


class Silence:
    """One silence of a connection: `look` whenever it has lasted for so long again.

    `number` and `server_uuid` are the connection's own. `certain`: no proxy between has a number of its own for it.
    """

    def __init__(self, ask: Ask, number: int, server_uuid: str, *, certain: bool = True) -> None:
        self._ask = ask
        self._number = number
        self._certain = certain
        self._server_uuid = server_uuid
        self._dead = self._unanswered = 0

    @property
    def pause(self) -> float:
        """Return seconds until the next look."""
        return AGAIN_SECONDS if self._dead or self._unanswered else SILENT_SECONDS

    def look(self, waits: Waits, unsent: int) -> str:
        """Ask the server; return why the connection is dead, "" to go on waiting.

        `unsent`: bytes that the other end has not acknowledged.
        """
        try:
            seen = self._ask(self._number)
        except NoAnswerError as error:
            self._unanswered += 1
            if self._unanswered < UNANSWERED:
                return ""
            return f"and it does not answer on another connection either: {error}"
        self._unanswered = 0
        why = "" if seen is None else self._speaks_against(seen, waits, unsent)
        self._dead = self._dead + 1 if why else 0
        return why if self._dead >= DEAD_ANSWERS else ""

    def _speaks_against(self, seen: Seen, waits: Waits, unsent: int) -> str:
        if self._server_uuid and seen.server_uuid and self._server_uuid != seen.server_uuid:
            return ""  # another server answers at this address: it says nothing of this session
        session = seen.session
        if session is None:
            return f"its session {self._number} is not on the server any more" if self._certain else ""
        if session.command == "Sleep":
            return f"its session {self._number} has nothing to do"
        if waits is Waits.TO_READ and session.state in _WRITING:
            return f"its session {self._number} sends bytes that do not arrive"
        if session.state in _READING and (waits is Waits.TO_SEND or not unsent):
            return f"its session {self._number} waits for bytes that were sent"
        return ""
