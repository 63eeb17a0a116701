"""Sessions of an Oracle server, through a client that is passed in: the module `oracledb`, or one that stands for it.

`oracledb` (thin mode, no client library) is an extra, `pip install udup[oracle]`, and is imported when a job needs it.
Errors of the client do not leave this file: each becomes one of Udup's, by its number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Any, NoReturn, Protocol

from udup.base.endpoint import Endpoint
from udup.base.errors import Fault, Refused, Side, Transient, UdupError, Unavailable
from udup.base.remedies import NEW_COPY
from udup.base.secrets import read_password
from udup.drivers.oracle import statements
from udup.pipeline.checks import SRC

#: Rows that are fetched at once.
FETCH_ROWS = 1000

#: Seconds to connect, and for one answer of those that come at once.
CONNECT_SECONDS = 10.0


class Client(Protocol):
    """What is used of `oracledb`."""

    Error: type[Exception]

    def connect(self, **settings: Any) -> Any: ...


OpenClient = Callable[[], Client]


def oracledb_client() -> Client:
    """Return the module `oracledb`; raise `Refused` where it is not installed."""
    try:
        client: Any = import_module("oracledb")
    except ImportError as error:
        remedy = "pip install 'udup[oracle]' into the server's environment, and restart it"
        raise Refused(
            [Fault("Driver", "Oracle needs the package oracledb, which is not there", remedy, SRC)]
        ) from error
    client.defaults.fetch_lobs = False
    found: Client = client
    return found


@dataclass(frozen=True)
class Place:
    """Which database is meant: where it listens, its service, and its container ("" for one without containers)."""

    endpoint: Endpoint
    service: str
    pdb: str = ""

    def __str__(self) -> str:
        return f"{self.endpoint}/{self.service}" + (f" ({self.pdb})" if self.pdb else "")


class Session:
    """A connection whose session prints values as Udup reads them. `close` and `abandon` from any thread."""

    def __init__(self, client: Client, place: Place, connection: Any) -> None:
        self._client = client
        self._connection = connection
        self.place = place

    def query(self, sql: str, **binds: object) -> list[tuple[Any, ...]]:
        """Return all rows of an answer."""
        return list(self._rows(sql, FETCH_ROWS, binds))

    def one(self, sql: str, **binds: object) -> tuple[Any, ...]:
        """Return the first row; raise `Transient` if there is none."""
        rows = self.query(sql, **binds)
        if not rows:
            raise Transient(f"the source {self.place} has answered {sql[:80]!r} … with nothing")
        return rows[0]

    def rows(self, sql: str, *, fetched: int = FETCH_ROWS, **binds: object) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of an answer as they come, so many fetched at once."""
        return self._rows(sql, fetched, binds)

    def _rows(self, sql: str, fetched: int, binds: Mapping[str, object]) -> Iterator[tuple[Any, ...]]:
        with self._told(sql):
            cursor = self._connection.cursor()
            cursor.arraysize = fetched
            cursor.execute(sql, dict(binds))
        try:
            while True:
                with self._told(sql):
                    found = cursor.fetchmany(fetched)
                if not found:
                    return
                yield from found
        finally:
            with suppress(self._client.Error):
                cursor.close()

    def run(self, sql: str, **binds: object) -> None:
        """Run a statement without an answer."""
        with self._told(sql):
            cursor = self._connection.cursor()
            cursor.execute(sql, binds)
            cursor.close()

    def commit(self) -> None:
        with self._told("COMMIT"):
            self._connection.commit()

    def close(self) -> None:
        """End the session; what ends it otherwise is no error any more."""
        with suppress(self._client.Error, OSError):
            self._connection.close()

    def abandon(self) -> None:
        """End what is under way, from any thread."""
        with suppress(self._client.Error, OSError):
            self._connection.cancel()
        self.close()

    def _told(self, sql: str) -> _Told:
        return _Told(self._client, self.place, sql)


class _Told:
    """Raises one of Udup's errors in the place of the client's."""

    def __init__(self, client: Client, place: Place, doing: str) -> None:
        self._client, self._place, self._doing = client, place, doing

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (self._client.Error, OSError)):
            _raise(error, self._place, self._doing)


def connect(open_client: OpenClient, place: Place, *, container: bool = False) -> Session:
    """Return a session; `container`: of the place's container, as dictionary and rows are read, not LogMiner."""
    client, endpoint = open_client(), place.endpoint
    with _Told(client, place, "connecting"):
        connection = client.connect(
            user=endpoint.user,
            password=read_password(endpoint.password),
            host=endpoint.host,
            port=endpoint.port,
            service_name=place.service,
            tcp_connect_timeout=CONNECT_SECONDS,
        )
    session = Session(client, place, connection)
    try:
        for sql in statements.SESSION:
            session.run(sql)
        if container and place.pdb:
            session.run(statements.CONTAINER.format(statements.quoted(place.pdb)))
    except BaseException:
        session.close()
        raise
    return session


_CODE = re.compile(r"\b(ORA|DPY|DPI)-0*(\d+)")

#: The server is away, goes, or comes, or has become a standby (16000); or this session was ended.
_AWAY = {
    ("ORA", code)
    for code in (28, 1033, 1034, 1089, 1090, 1092, 3113, 3114, 3135, 12170, 12514, 12516, 12518, 12519, 12520, 12528)
} | {("ORA", code) for code in (12537, 12541, 12543, 12545, 12547, 12570, 12571, 16000)}

#: Faults of the client that are of the way to the server.
_AWAY_CLIENT = {("DPY", code) for code in (1001, 4011, 4024, 6000, 6001, 6002, 6003, 6005)}

#: The account is not let in, or may not do what was tried.
_DENIED = {("ORA", code) for code in (942, 1017, 1031, 1045, 1435, 28000, 28001, 65011, 65049)}

#: A file of redo cannot be read.
_LOST = {("ORA", code) for code in (308, 1284, 1291, 1292)}

#: What was read was changed meanwhile: DDL, undo that is gone.
_SNAPSHOT = {("ORA", 1466): "its definition was changed since", ("ORA", 1555): "the undo of that moment is gone"}


def code_of(error: BaseException) -> tuple[str, int]:
    """Return an error's number: `("ORA", 1291)`; `("", 0)` for one without."""
    found = _CODE.search(str(error))
    return (found[1], int(found[2])) if found else ("", 0)


def _raise(error: BaseException, place: Place, doing: str) -> NoReturn:
    raise told(error, place, doing) from error


def told(error: BaseException, place: Place, doing: str) -> UdupError:
    """Return what the machine is told of a client's error."""
    code, text = code_of(error), " ".join(str(error).split())
    what = f"on the source {place}: {doing[:120]}: {text}"
    if code in _AWAY | _AWAY_CLIENT or isinstance(error, OSError):
        return Unavailable(what).of(Side.SOURCE)
    if code in _DENIED:
        remedy = "look at User, Password, ServiceName and Pdb, and at the account's grants (docs/oracle.md)"
        return Refused([Fault(f"Src {place}", f"{doing[:120]}: {text}", remedy, SRC)]).of(Side.SOURCE)
    if code in _LOST:
        # Or the log was switched in this moment. Whether redo is gone, the list of logs says (`logs.py`).
        return Transient(f"{what}: if archived redo that the job needs was removed, {NEW_COPY}").of(Side.SOURCE)
    if why := _SNAPSHOT.get(code):
        remedy = "the copy begins again; raise UNDO_RETENTION, or leave tables alone while they are copied"
        return Transient(f"{what}: {why}; {remedy}").of(Side.SOURCE)
    return Transient(what).of(Side.SOURCE)
