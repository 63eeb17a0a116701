"""The packets of a MySQL connection, read on the assumption that the server may be anybody.

A server may answer any statement with a request for a file of the client (LOCAL INFILE), may ask for the password in
clear, and may send what no server sends: results without end, lengths that are not true, nothing at all. So every
connection of Udup is a `Wire`:

* A request for a file is answered in `load_local` alone, from memory. Anywhere else the connection is closed (2068).
* A password never goes in clear but over TLS, to a server whose certificate was verified (`login.py`).
* Opening a connection has a time limit as a whole. Packets, errors, columns, rows and results are counted.
* No silence is taken for work: while nothing comes or goes, the server is asked what it does (`silence.py`).
* What cannot be read ends the connection with an error of MySQL's family, never with an IndexError.

The numbers of the errors are those that MySQL's own client has for the same.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pymysql
from pymysql.constants import CLIENT, COMMAND, CR
from pymysql.protocol import MysqlPacket

from udup.base import runtime
from udup.drivers.mysql.client import silence
from udup.drivers.mysql.client.line import lost
from udup.drivers.mysql.client.login import Login
from udup.drivers.mysql.client.results import CountedResult, Understood
from udup.drivers.mysql.client.silence import Ask

#: Packets of a login, and bytes of one. A server needs 6 and some hundred bytes.
LOGIN_PACKETS, LOGIN_BYTES = 64, 64 << 10

#: Bytes of an error's text that are kept; a server's own have 512 at most.
ERROR_BYTES = 2048

#: Results of one command: the statements that go together in one packet are far fewer.
MAX_RESULTS = 100_000

#: Bytes of a result that is held whole.
RESULT_BYTES = 1 << 30

#: MySQL's own number for "the server asked for a file, and it was not given", which PyMySQL has no name for.
CR_LOCAL_INFILE_REJECTED = 2068

_HEADER = struct.Struct("<HBB")
_PACKET_MAX = 0xFFFFFF
_OK, _LOCAL_INFILE, _ERROR = 0x00, 0xFB, 0xFF

#: In an error's text: what could steer a terminal or forge a line of a log.
_CONTROL = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")


class Malformed(pymysql.err.OperationalError):
    """The server sent what is no answer. The connection is closed; another one may be better."""

    def __init__(self, problem: str) -> None:
        super().__init__(CR.CR_MALFORMED_PACKET, f"malformed packet from the server: {problem}")


class Wire(Login):
    """PyMySQL's connection with its packet layer taken over.

    `answer_seconds`: for one command's whole answer to arrive; None: only as PyMySQL's `read_timeout` says. `ask`:
    whom a connection without a `read_timeout` asks when it hears nothing for long; None: nobody.
    """

    _result: Any
    _next_seq_id: int

    def __init__(
        self,
        *,
        local_infile: bool = False,
        answer_seconds: float | None = None,
        ask: Ask | None = None,
        result_bytes: int = RESULT_BYTES,
        client_flag: int = 0,
        **options: Any,
    ) -> None:
        self._login_packets = 0
        self._answer_seconds = answer_seconds
        self._results = 0
        self._watch_by(ask)
        self.result_bytes = result_bytes
        self.shows_statements = False
        # PyMySQL itself is never told that it may send files: it only announces that LOAD DATA LOCAL will be used.
        flags = client_flag | (CLIENT.LOCAL_FILES if local_infile else 0)
        super().__init__(client_flag=flags, local_infile=False, **options)

    @contextmanager
    def holding(self, size: int) -> Iterator[None]:
        """Have results be of so many bytes at most, where less is expected than a result may have."""
        before, self.result_bytes = self.result_bytes, size
        try:
            yield
        finally:
            self.result_bytes = before

    @contextmanager
    def showing_statements(self) -> Iterator[None]:
        """Have results show what others run: a server hands on their bytes as they came, which need not be text.

        A BLOB in a statement is enough, or a client that says utf8mb4 and sends latin1. Such bytes stand as `\\xe9`.
        """
        self.shows_statements = True
        try:
            yield
        finally:
            self.shows_statements = False

    @contextmanager
    def reading_bytes(self) -> Iterator[None]:
        """Have texts of results stand for their bytes, one character each: what a server calls a text need not be one.

        `text.encode("latin1")` gives the bytes. Statements sent meanwhile are ASCII.
        """
        before, self.encoding = self.encoding, "latin1"
        try:
            yield
        finally:
            self.encoding = before

    @contextmanager
    def reading_within(self, seconds: float | None) -> Iterator[None]:
        """Have the server say something within so many seconds each time, in place of PyMySQL's `read_timeout`."""
        before, self._read_timeout = self._read_timeout, seconds
        try:
            yield
        finally:
            self._read_timeout = before

    @contextmanager
    def answering_within(self, seconds: float) -> Iterator[None]:
        """Have each answer be complete within so many seconds, however it trickles."""
        before, self._answer_seconds = self._answer_seconds, seconds
        try:
            yield
        finally:
            self._answer_seconds, self._deadline = before, None

    # ---- Packets ----

    def _read_packet(self, packet_type: type[MysqlPacket] = MysqlPacket) -> Any:
        """One packet of the protocol, or the error that it is."""
        if self._sock is None:
            raise pymysql.err.InterfaceError(0, "the connection is closed")
        data = None if self._logging_in else self._at_hand()
        if data is None:
            data = self._awaited()
        if not data:
            raise self._broken("an empty one")
        if data[0] == _ERROR:
            self._raise_error(data)
        if packet_type is MysqlPacket:  # which looks at nothing yet; most are rows
            return MysqlPacket(data, self.encoding)
        with self._understood():
            return packet_type(data, self.encoding)

    def _at_hand(self) -> bytes | None:
        """Return the next packet's payload if all of it has been read from the socket, else None, and take nothing."""
        ahead = self._read_ahead()
        if len(ahead) < _HEADER.size:
            return None
        low, high, number = _HEADER.unpack_from(ahead)
        end = _HEADER.size + (low | high << 16)
        if number != self._next_seq_id or end > len(ahead):
            return None
        self._next_seq_id = (number + 1) % 256
        data: bytes = self._rfile.read(end)[_HEADER.size :]
        return data

    def _awaited(self) -> bytes:
        """Return the next packet's payload, waiting for as long as it may take."""
        self._limit_waits(silence.SILENT_SECONDS if self._is_watched else self._read_timeout)
        self._silence = None
        limit = self.max_allowed_packet + _PACKET_MAX
        if self._logging_in:
            limit = LOGIN_BYTES
            self._login_packets += 1
            if self._login_packets > LOGIN_PACKETS:
                raise self._broken(f"more than {LOGIN_PACKETS} of them and no end of the login")
        return self._payload(limit)

    def _payload(self, limit: int) -> bytes:
        pieces: list[bytes] = []
        size = 0
        while True:
            low, high, number = _HEADER.unpack(self._read_bytes(4))
            length = low | high << 16
            if number != self._next_seq_id:
                self._end()
                if number == 0:  # what a server sends that ends
                    raise lost()
                raise self._broken(f"its number is {number} where {self._next_seq_id} is due")
            self._next_seq_id = (number + 1) % 256
            size += length
            if size > limit or (pieces and pieces[0][0] == _ERROR):
                raise self._broken(f"{size} bytes or more, where {limit} are the most")
            pieces.append(self._read_bytes(length))
            if length < _PACKET_MAX:
                return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _read_bytes(self, num_bytes: int) -> bytes:
        if self._deadline is None:
            data: bytes = super()._read_bytes(num_bytes)  # type: ignore[misc]
            return data
        data = b""
        while len(data) < num_bytes:
            left = self._deadline - runtime.now()
            try:
                if left <= 0:
                    raise TimeoutError
                self._limit_waits(left)
                self._rfile.peek()  # reads what there is; read1 alone asks the socket for these few bytes
                more = self._rfile.read1(num_bytes - len(data))
            except TimeoutError as error:
                self._end()
                if self._logging_in:
                    raise TimeoutError("the server did not finish the login in time") from error
                raise lost(f"the answer was not complete within {self._answer_seconds:g} s") from error
            except OSError as error:
                self._end()
                raise lost(str(error)) from error
            if not more:
                self._end()
                raise lost()
            data += more
        return data

    def _raise_error(self, data: bytes) -> None:
        """Raise the server's error, its text cut and rid of what is no text."""
        if self._result is not None and self._result.unbuffered_active is True:
            self._result.unbuffered_active = False
        with self._understood():
            MysqlPacket(data[:3] + _CONTROL.sub(b"?", data[3:ERROR_BYTES]), self.encoding).raise_for_error()

    # ---- Commands and results ----

    def _execute_command(self, command: int, sql: str | bytes) -> None:
        self._statement = sql
        with self._understood():
            super()._execute_command(command, sql)  # type: ignore[misc]
        self._results = 0
        if self._answer_seconds is not None and not self._logging_in:
            self._deadline = runtime.now() + self._answer_seconds

    def _read_query_result(self, unbuffered: bool = False) -> int | None:
        self._results += 1
        if self._results > MAX_RESULTS:
            raise self._broken(f"more than {MAX_RESULTS} results of one command")
        self._result = None
        result = CountedResult(self)
        with self._understood():
            if unbuffered:
                result.init_unbuffered_query()
            else:
                result.read()
        self._result = result
        if result.server_status is not None:
            self.server_status = result.server_status
        return result.affected_rows

    def _read_ok_packet(self) -> Any:
        """The answer to a command that returns no rows."""
        with self._understood():
            self.refuse_file_request(packet := self._read_packet())
            if not packet.is_ok_packet():
                raise self._broken("rows, where a statement returns none")
            ok = pymysql.connections.OKPacketWrapper(packet)  # type: ignore[attr-defined]
        self.server_status = ok.server_status
        return ok

    def read_ok(self) -> None:
        """Take the answer to a statement that returns no rows. Raises its error."""
        self._read_ok_packet()

    def set_character_set(self, charset: str, collation: str | None = None) -> None:
        """As PyMySQL's own, which takes any answer for a good one."""
        encoding = pymysql.charset.charset_by_name(charset).encoding  # type: ignore[attr-defined]
        names = f"SET NAMES {charset}" + (f" COLLATE {collation}" if collation else "")
        self._execute_command(COMMAND.COM_QUERY, names)
        self.read_ok()
        self.charset, self.encoding, self.collation = charset, encoding, collation

    def show_warnings(self) -> Any:
        self._execute_command(COMMAND.COM_QUERY, "SHOW WARNINGS")
        self._read_query_result()
        return self._result.rows

    # ---- Files ----

    def refuse_file_request(self, packet: Any) -> None:
        """Close the connection if the server asks for a file: there is no statement of ours that it would be due to."""
        data = packet.get_all_data()
        if data[0] != _LOCAL_INFILE:
            return
        self._end()
        name = data[1:256].decode("utf-8", "replace")
        raise pymysql.err.OperationalError(
            CR_LOCAL_INFILE_REJECTED,
            f"the server asked for the file {name!r} of this machine, in answer to a statement that loads none. It was "
            "not sent, and the connection is closed: that server, or somebody on the way to it, is hostile",
        )

    def load_local(self, statement: bytes, pieces: Iterable[bytes]) -> bytes:
        """Run a LOAD DATA LOCAL with these bytes as its file, whatever file the server names; the answer's packet."""
        self._execute_command(COMMAND.COM_QUERY, statement)
        request = self._read_packet().get_all_data()
        if request[0] != _LOCAL_INFILE:
            raise self._broken("no request for the rows of LOAD DATA LOCAL")
        for piece in pieces:
            for start in range(0, len(piece), _PACKET_MAX):
                self.write_packet(piece[start : start + _PACKET_MAX])
        self.write_packet(b"")
        self.refuse_file_request(answer := self._read_packet())
        data: bytes = answer.get_all_data()
        return data

    # ---- What cannot be read ----

    def _broken(self, problem: str) -> Exception:
        """Close it; the error to raise."""
        self._end()
        return _login_error(f"malformed packet: {problem}") if self._logging_in else Malformed(problem)

    def _understood(self) -> Understood:
        """Have what PyMySQL stumbles over end as an error of the connection."""
        return Understood(self)

    def broken_by(self, error: BaseException) -> Exception:
        """Close it because of what its reader stumbled over; the error to raise."""
        return self._broken(f"{type(error).__name__}: {str(error)[:200]}")


def _login_error(problem: str) -> Exception:
    text = f"{problem}; is what answers there a MySQL server?"
    return pymysql.err.OperationalError(CR.CR_SERVER_HANDSHAKE_ERR, text)
