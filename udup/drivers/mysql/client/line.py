"""A connection's socket: what is waited for on it, for how long, and how it is closed.

A connection without a time limit is watched: when nothing comes or goes for a while the server is asked, on another
connection, what the session does (`silence.py`), and a line that is dead without a word is given up.
"""

from __future__ import annotations

import fcntl
import io
import re
import socket
import termios
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pymysql
from pymysql.connections import Connection as PlainConnection
from pymysql.constants import CR
from pymysql.cursors import Cursor

from udup.drivers.mysql.client import flavour, silence
from udup.drivers.mysql.client.silence import Ask, Silence, Waits

#: Seconds to say good-bye.
CLOSE_SECONDS = 1.0

#: Bytes asked of the socket at a time.
_READ_BYTES = 8192

#: Words that a message shows of the statement that was not answered: what more there is may be anybody's secret.
_SHOWN_WORDS = re.compile(rb"\s*(?:/\*.*?\*/\s*)?([A-Za-z_]+(?:\s+[A-Za-z_]+)?)", re.DOTALL)

if TYPE_CHECKING:
    _Base = PlainConnection[Cursor]  # generic in the type stubs alone
else:
    _Base = PlainConnection


class Line(_Base):
    """PyMySQL's connection with its socket taken over."""

    _sock: Any
    _current_timeout: Any
    _read_timeout: float | None
    _write_timeout: float | None

    def _watch_by(self, ask: Ask | None) -> None:
        """Take whom to ask when nothing is heard for long, None for nobody. Comes before the connection is opened."""
        self._ask = ask
        self._silence: Silence | None = None
        self._statement: str | bytes = b""
        self._closing = self._logging_in = False
        self._deadline: float | None = None
        self.server_uuid = ""  # as the session's opening has found
        self.session_number = 0  # the same; 0: it was not asked

    @property
    def has_servers_numbers(self) -> bool:
        """Whether sessions have the server's own numbers here: no proxy between numbers them by itself."""
        greeted = int(self.server_thread_id[0])  # type: ignore[attr-defined]
        return self.session_number & 0xFFFFFFFF == greeted and self.session_number != 0  # the handshake has 32 bits

    @property
    def is_mariadb(self) -> bool:
        """Whether the server has greeted as MariaDB."""
        return flavour.is_mariadb(self._greeted_version)

    @property
    def version(self) -> flavour.Version:
        """The numbers of the version that the server has greeted with."""
        return flavour.version_of(self._greeted_version)

    @property
    def _greeted_version(self) -> str:
        return str(self.get_server_info())  # type: ignore[no-untyped-call]

    # ---- Closing ----

    def close(self) -> None:
        """Say good-bye, for a second at most, and close it; from another thread too, whatever is under way."""
        self._closing = True
        super().close()

    def _end(self) -> None:
        """Close the socket. First both directions: whoever reads holds the reader's lock until there is an end."""
        if self._sock is not None:
            with suppress(OSError):
                # Not SSLSocket's own: that drops the decryption first, and a reader would take ciphertext for packets.
                socket.socket.shutdown(self._sock, socket.SHUT_RDWR)
        super()._force_close()  # type: ignore[misc]

    _force_close = __del__ = _end

    # ---- Silence ----

    @property
    def _rfile(self) -> Any:
        """What the socket is read by, None once it is closed."""
        return self.__dict__.get("_reader")

    @_rfile.setter
    def _rfile(self, made: Any) -> None:
        """PyMySQL makes one that cannot be read any more after a time limit; this takes its place."""
        if made is not None:
            made.close()
            # Weakly: a connection that is let go of without a word is to be closed at once.
            made = io.BufferedReader(_Reading(self._sock, weakref.WeakMethod(self._go_on)), _READ_BYTES)
        self.__dict__["_reader"] = made

    def _read_ahead(self) -> bytes:
        """Return what has been read from the socket and not been taken yet; nothing is read for it."""
        reader = self._rfile
        if reader is None:
            return b""
        reader.raw.rests = True
        try:
            ahead: bytes = reader.peek()
        finally:
            reader.raw.rests = False
        return ahead

    @property
    def _is_watched(self) -> bool:
        """Whether the server is asked when nothing comes: where no time limit says how long that may last."""
        limited = self._read_timeout is not None or self._deadline is not None
        return self._ask is not None and not (limited or self._logging_in or self._closing)

    def _limit_waits(self, seconds: float | None) -> None:
        if self._current_timeout == seconds:
            return
        sock = self._sock
        try:
            if sock is None:
                raise lost("it was closed")
            sock.settimeout(seconds)
        except OSError as error:
            raise lost(str(error)) from error  # another thread has closed it in this moment
        self._current_timeout = seconds

    def _go_on(self, waits: Waits = Waits.TO_READ) -> bool:
        """Return whether to go on waiting, where there has been nothing for a while; raise if the line is dead."""
        if not self._is_watched or self._ask is None:
            return False
        if self._silence is None:
            greeted = int(self.server_thread_id[0])  # type: ignore[attr-defined]
            number, certain = self.session_number or greeted, self.has_servers_numbers
            self._silence = Silence(self._ask, number, self.server_uuid, certain=certain)
        if why := self._silence.look(waits, _unacknowledged(self._sock)):
            # PyMySQL closes the connection: that cannot be done inside of its reader.
            raise ConnectionError(f"{_shown(self._statement)} is not answered, and {why}")
        self._limit_waits(self._silence.pause)
        return True

    def _write_bytes(self, data: bytes) -> None:
        if self._closing:
            self._write_timeout = CLOSE_SECONDS
        if self._write_timeout is not None or not self._is_watched:
            super()._write_bytes(data)  # type: ignore[misc]
            return
        self._silence = None
        self._limit_waits(silence.SILENT_SECONDS)
        left = memoryview(data)
        try:
            while left:
                try:
                    left = left[self._sock.send(left) :]
                except TimeoutError:
                    self._go_on(Waits.TO_SEND)
                else:
                    self._silence = None
        except OSError as error:
            self._end()
            raise pymysql.err.OperationalError(
                CR.CR_SERVER_GONE_ERROR, f"MySQL server has gone away ({error!r})"
            ) from error


class _Reading(io.RawIOBase):
    """A socket's bytes. After a time limit it can be read on, unlike what `socket.makefile` makes."""

    def __init__(self, sock: Any, go_on: Callable[[], Callable[[], bool] | None]) -> None:
        self._sock = sock
        self._go_on = go_on
        self.rests = False  # whether it reads nothing for now

    def readable(self) -> bool:
        return True

    def readinto(self, room: Any) -> int | None:
        while not self.rests:
            try:
                return int(self._sock.recv_into(room))
            except TimeoutError:
                go_on = self._go_on()
                if go_on is None or not go_on():
                    raise
        return None


def _unacknowledged(sock: Any) -> int:
    """Return the bytes that were sent and that the other end has not acknowledged; 0 where that cannot be told."""
    answer = bytearray(4)
    try:
        fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, answer)
    except (OSError, ValueError):
        return 0
    return int.from_bytes(answer, "little")


def _shown(statement: str | bytes) -> str:
    """Return a statement's first words."""
    found = _SHOWN_WORDS.match(statement[:200].encode() if isinstance(statement, str) else bytes(statement[:200]))
    return found[1].decode().upper() if found else "a statement"


def lost(why: str = "") -> Exception:
    """Return the error of a connection that is gone."""
    text = "Lost connection to MySQL server during query" + (f" ({why})" if why else "")
    return pymysql.err.OperationalError(CR.CR_SERVER_LOST, text)
