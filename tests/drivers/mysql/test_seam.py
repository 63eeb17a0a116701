"""Nothing but Udup's errors leaves the MySQL driver: every method behind a port goes through the seam."""

from __future__ import annotations

import ast
import asyncio
import errno
import inspect
import struct
from collections.abc import Iterator
from pathlib import Path

import pymysql
import pytest

import udup
from udup.base.errors import Contended, FailureKind, Side, Superseded, Transient, UdupError, Unavailable
from udup.drivers.mysql.apply.checkpoint_reading import MySQLCheckpointReader
from udup.drivers.mysql.apply.control import MySQLControl
from udup.drivers.mysql.apply.inline_session import MySQLInlineSession
from udup.drivers.mysql.apply.session import MySQLSession
from udup.drivers.mysql.client.seam import MARK, at_the_seam, behind_the_seam
from udup.drivers.mysql.cutover.source_gate import MySQLSourceGate
from udup.drivers.mysql.cutover.target_gate import MySQLTargetGate
from udup.drivers.mysql.load.copy_writer import MySQLCopyWriter
from udup.drivers.mysql.load.row_loader import MySQLRowLoader
from udup.drivers.mysql.snapshot.copy import SnapshotCopy
from udup.drivers.mysql.source import MySQLClock, MySQLSource
from udup.drivers.mysql.stream.log import BinlogChanges
from udup.drivers.mysql.target import MySQLTarget
from udup.drivers.mysql.telling.reading import RowsReading
from udup.pipeline import ports

#: Each port, what of this driver is behind it, and its side.
BEHIND = {
    ports.Source: (MySQLSource, Side.SOURCE),
    ports.SourceClock: (MySQLClock, Side.SOURCE),
    ports.SourceCopy: (SnapshotCopy, Side.SOURCE),
    ports.SnapshotReading: (RowsReading, Side.SOURCE),
    ports.ChangeLog: (BinlogChanges, Side.SOURCE),
    ports.SnapshotReading: (RowsReading, Side.SOURCE),
    ports.Target: (MySQLTarget, Side.TARGET),
    ports.SourceGate: (MySQLSourceGate, Side.SOURCE),
    ports.TargetGate: (MySQLTargetGate, Side.TARGET),
    ports.CheckpointReader: (MySQLCheckpointReader, Side.TARGET),
    ports.TargetControl: (MySQLControl, Side.TARGET),
    ports.InlineSession: (MySQLInlineSession, Side.TARGET),
    ports.ApplySession: (MySQLSession, Side.TARGET),
    ports.RowLoader: (MySQLRowLoader, Side.TARGET),
    ports.CopyWriter: (MySQLCopyWriter, Side.TARGET),
}

#: Ports that ask no server, or only by `TargetThread`, which is a seam itself; and values.
NO_SERVER = {
    *{ports.RowRules, ports.LargeRules, ports.Drivers, ports.Position, ports.ServerInfo},
    *{ports.RecordReader, ports.TableText},
}

#: Ports of destinations of messages, behind which no database is.
OF_SINKS = {ports.Destination, ports.Delivery, ports.Encoder, ports.Tail}

#: Who may use the client library beside the driver's `client/`: the dump's protocol, and tools that are a client.
LIBRARY_USERS = {"drivers/mysql/stream/opening.py", "sandbox/"}

PACKAGE = Path(udup.__file__).parent


def test_every_port_is_listed() -> None:
    protocols = {each for each in vars(ports).values() if getattr(each, "_is_protocol", False)}
    assert protocols == set(BEHIND) | NO_SERVER | OF_SINKS


@pytest.mark.parametrize("port", BEHIND, ids=lambda port: port.__name__)
def test_every_method_of_a_port_goes_through_the_seam(port: type) -> None:
    kind, side = BEHIND[port]
    names = [name for name in vars(port) if name == "__iter__" or not name.startswith("_")]
    assert names
    for name in names:
        member = inspect.getattr_static(kind, name)
        function = member.fget if isinstance(member, property) else member
        assert getattr(function, MARK, None) is side, f"{kind.__name__}.{name}"


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_the_client_library_is_used_in_one_place() -> None:
    """Whoever needs an error of MySQL's, a number or a cursor takes it from `drivers/mysql/client/`."""
    users = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if any(name.split(".")[0] in ("pymysql", "pymysqlreplication") for name in _imports(path))
    }
    others = {each for each in users if not each.startswith(("drivers/mysql/client/", *LIBRARY_USERS))}
    assert users and not others, sorted(others)


@pytest.mark.parametrize(
    ("error", "kind", "side"),
    [
        (pymysql.err.OperationalError(2013, "lost"), FailureKind.UNAVAILABLE, Side.TARGET),
        (pymysql.err.InternalError(1105, "unknown"), FailureKind.INTERNAL, Side.TARGET),
        (ConnectionResetError(errno.ECONNRESET, "reset"), FailureKind.UNAVAILABLE, Side.TARGET),
        (TimeoutError("timed out"), FailureKind.UNAVAILABLE, Side.TARGET),
        (TimeoutError(), FailureKind.UNAVAILABLE, Side.TARGET),
        (OSError(errno.ENOSPC, "No space left on device"), FailureKind.UNAVAILABLE, Side.NODE),
        (OSError(errno.EMFILE, "Too many open files"), FailureKind.UNAVAILABLE, Side.NODE),
        (MemoryError(), FailureKind.UNAVAILABLE, Side.NODE),
        (RuntimeError("can't start new thread"), FailureKind.UNAVAILABLE, Side.NODE),
        (struct.error("unpack requires 4 bytes"), FailureKind.TRANSIENT, Side.TARGET),
        (Superseded("another run"), FailureKind.SUPERSEDED, Side.TARGET),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_an_error_becomes_one_of_udups_with_its_side(error: Exception, kind: FailureKind, side: Side) -> None:
    told = at_the_seam(error, Side.TARGET, "u@h:1")
    assert told is not None
    assert (told.kind, told.side) == (kind, side)


def test_a_fault_of_udup_itself_stays_one() -> None:
    assert at_the_seam(KeyError("x"), Side.TARGET, "u@h:1") is None


def test_a_known_side_is_kept() -> None:
    told = at_the_seam(Transient("the network").of(Side.NATS), Side.TARGET, "u@h:1")
    assert told is not None
    assert told.side is Side.NATS


@behind_the_seam(Side.SOURCE)
class _Part:
    endpoint = "u@h:1"

    def plain(self) -> None:
        raise pymysql.err.OperationalError(1205, "locked")

    async def slow(self) -> None:
        raise ConnectionResetError(errno.ECONNRESET, "reset")

    def __iter__(self) -> Iterator[int]:
        yield 1
        raise pymysql.err.OperationalError(1317, "interrupted")

    @property
    def shown(self) -> int:
        raise pymysql.err.ProgrammingError(1064, "syntax")

    def bug(self) -> None:
        raise KeyError("x")


def test_methods_coroutines_generators_and_properties_are_all_wrapped() -> None:
    part = _Part()
    with pytest.raises(Contended, match="on the source u@h:1: error 1205: locked") as plain:
        part.plain()
    assert plain.value.side is Side.SOURCE
    with pytest.raises(Unavailable, match="the connection was lost"):
        asyncio.run(part.slow())
    found = iter(part)
    assert next(found) == 1
    with pytest.raises(Unavailable, match="1317"):
        next(found)
    with pytest.raises(UdupError, match="1064"):
        _ = part.shown
    with pytest.raises(KeyError):
        part.bug()
