"""A MySQL server in memory, below the driver: it answers what the driver's own connection sends.

Rows have exclusive locks; a transaction is an overlay over what is committed; a statement that fails is undone alone
and keeps its locks. Lock waits end by a time-out (1205) or a deadlock (1213). DDL waits for open transactions. Named
locks belong to connections. A GTID of Udup's runs once.

A call goes out, is carried out at one instant, and comes back. The connection may be cut on either way. A packet that
waits for a lock when its client goes away is carried out to its end all the same, as a server does; KILL ends it.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import pymysql

from tests.sim import raw_statements, statements, tables
from tests.sim.cursor import Cursor
from tests.sim.world import MS, US, Fiber, Process, S, World

OperationalError = pymysql.err.OperationalError

Key = tuple[Any, ...]

#: The rows of the job's two tables: the first is InnoDB, the second undoes nothing.
ROWS, LOOSE_ROWS = "row", "loose row"

#: Seconds that DDL waits for transactions.
_DDL_SECONDS = 60


class Lost(OperationalError):
    """The connection is gone."""

    def __init__(self) -> None:
        super().__init__(2013, "Lost connection to MySQL server during query")


class Server:
    """`on_commit` is called with each commit's changes, `on_ddl` with each DDL, `fate` before each call."""

    current: ClassVar[dict[str, Server]]  # by host, of the history that runs

    def __init__(self, world: World, host: str) -> None:
        self.world, self.host = world, host
        self.rows: dict[Key, Any] = {}  # committed
        self.locks: dict[Key, object] = {}
        self.named: dict[str, Connection] = {}
        self.waiting_for: dict[Connection, object] = {}
        self.waiters: list[Fiber] = []
        self.connections: dict[int, Connection] = {}
        self.gtids: set[str] = set()
        self.tables: dict[str, int] = {}  # each with its version
        self.indexed: set[str] = set()  # those that have all their indexes, of a copy's
        self.down_until = 0
        self.commits = self.connected = 0
        self.errors: Counter[int] = Counter()
        self.process = Process(world, f"mysqld {host}", "")
        self.on_commit: Callable[[Connection, dict[Key, Any]], None] = lambda connection, changed: None
        self.on_ddl: Callable[[Connection, bytes], None] = lambda connection, sql: None
        self.fate: Callable[[Connection, str], str] = lambda connection, what: ""
        self.ask: Callable[[str], Any] = lambda what: None

    def find(self, *head: Any) -> list[Key]:
        """Committed rows whose key begins so."""
        return sorted(key for key in self.rows if key[: len(head)] == head)

    def wake(self) -> None:
        for fiber in self.waiters:
            fiber.wake()
        self.waiters.clear()

    def go_down(self, until: int) -> None:
        """Nobody reaches it for a while: all connections break."""
        self.down_until = max(self.down_until, until)
        for connection in list(self.connections.values()):
            connection.cut()

    def hold_row(self, key: str, duration: int) -> bool:
        """A session of somebody else's locks a row."""
        row = (ROWS, key)
        if row in self.locks:
            return False
        self.locks[row] = object()

        def release() -> None:
            del self.locks[row]
            self.wake()

        self.world.after(duration, release)
        return True


class Connection:
    """The face of the driver's `Wire`, as far as Udup uses it."""

    is_mariadb, version = False, (9, 7, 4)

    def __init__(self, *, host: str, port: int, **_: Any) -> None:
        self.server = server = Server.current[host]
        self.world = world = server.world
        self.process = world.process
        self.host, self.port = host, port
        world.block(world.between(f"db {self.process.name}", 200 * US, 3 * MS))
        if world.now < server.down_until:
            raise OperationalError(2003, "Can't connect to MySQL server")
        server.connected += 1
        self.number = 10 + server.connected
        server.connections[self.number] = self
        self.server_uuid, self.session_number, self.has_servers_numbers = host, self.number, True
        self.open = True  # as the client sees it
        self.alive = True  # as the server sees it
        self.autocommit_on, self.lock_wait = True, 50
        self.begun = False
        self.overlay: dict[Key, Any] = {}
        self.held: dict[Key, None] = {}
        self.named: Counter[str] = Counter()
        self.maps: dict[bytes, str] = {}
        self.gtid_next = "AUTOMATIC"
        self.warnings: list[tuple[str, int, str]] = []
        self.inserted = self.updated = 0
        self.what = ""
        self._answers: deque[OperationalError | None] = deque()
        self._packet: deque[Callable[[], Any]] = deque()  # what is being carried out and what follows
        self._before: dict[Key, Any] = {}
        self._carrying: Fiber | None = None
        self._interruptible = False
        self.process.on_death.append(self.cut)

    def begin_session(self, settings: dict[str, str | None]) -> None:
        self.autocommit_on = settings["autocommit"] == "ON"
        self.lock_wait = int(settings["innodb_lock_wait_timeout"] or 50)

    # ---- The wire ----

    def call(self, what: str, packet: Sequence[Callable[[], Any]]) -> list[Any]:
        """One round trip: the answers up to the first error, which is the last of them."""
        world, server = self.world, self.server
        if not self.open or not self.alive:
            raise pymysql.err.InterfaceError(0, "") if not self.open else Lost()
        self.what = what
        stream = f"db {self.process.name}"
        world.block(world.between(stream, 20 * US, 300 * US))
        fate = server.fate(self, what)
        if fate == "cut before" or world.now < server.down_until:
            self.cut()
        if not self.alive:
            raise Lost
        self._packet = deque(packet)
        answers = self._carry_out()
        if fate == "cut after":
            self.cut()
        if fate == "slow":
            world.block(world.between(f"slow {stream}", 1 * MS, 1500 * MS))
        world.block(world.between(stream, 20 * US, 300 * US))
        if not self.alive:
            raise Lost
        return answers

    def _carry_out(self) -> list[Any]:
        answers: list[Any] = []
        self._carrying = self.world.here
        while self._packet and self.alive:
            self._before = dict(self.overlay)
            try:
                answers.append(self._packet[0]())
            except Lost:
                raise
            except OperationalError as error:
                self.server.errors[error.args[0]] += 1
                self.world.note(self.process.name, f"{self.what}: error {error.args[0]} {error.args[1]}")
                if error.args[0] != 1213:
                    self.overlay = self._before
                answers.append(error)
                self._packet.clear()
                break
            if self.autocommit_on and not self.begun:
                self.commit_now()
            self._packet.popleft()
        self._carrying = None
        return answers

    def cut(self) -> None:
        """The client's end is gone. A packet that waits for a lock is carried out to its end first."""
        if not self.alive:
            return
        if self._carrying is None or self._interruptible:
            self._end()
            return
        client, self._carrying = self._carrying, None
        self.overlay = self._before  # the statement begins again, with the locks that it has
        self.server.process.spawn(self._carry_out_alone, f"connection {self.number}")
        client.wake()

    def _carry_out_alone(self) -> None:
        try:
            self._carry_out()
        except Lost:
            return
        self._end()

    def kill(self) -> None:
        """KILL: whatever it does ends now."""
        carrying = self._carrying
        self._end()
        if carrying is not None:
            carrying.wake()

    def _end(self) -> None:
        if self.alive:
            self.alive = False
            self._carrying = None
            self.undo()
            for name in self.named:
                del self.server.named[name]
            self.named.clear()
            self.server.connections.pop(self.number, None)
            self.server.wake()

    @property
    def busy(self) -> bool:
        """Whether it carries something out."""
        return self._carrying is not None

    def wait(self, deadline: int) -> None:
        """Until something has changed on the server, or the time is over."""
        world, me = self.world, self.world.here
        self.server.waiters.append(me)
        world.park(max(1, deadline - world.now))
        if not self.alive or self._carrying is not me:
            raise Lost  # also where the server carries on without the client

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """In here the server looks whether its client is still there."""
        self._interruptible = True
        try:
            yield
        finally:
            self._interruptible = False

    # ---- Transactions ----

    def lock(self, key: Key) -> bool:
        """Lock a row; whether it had to wait for it."""
        server, world = self.server, self.world
        waited, deadline = False, world.now + self.lock_wait * S
        while (owner := server.locks.get(key)) is not None and owner is not self:
            waited = True
            if self._closes_a_circle(owner):
                self.undo()
                raise OperationalError(1213, "Deadlock found when trying to get lock")
            if world.now >= deadline:
                raise OperationalError(1205, "Lock wait timeout exceeded")
            server.waiting_for[self] = owner
            try:
                self.wait(deadline)
            finally:
                server.waiting_for.pop(self, None)
        if owner is None:
            server.locks[key] = self
            self.held[key] = None
        return waited

    def _closes_a_circle(self, owner: object) -> bool:
        at: object | None = owner
        while isinstance(at, Connection):
            if at is self:
                return True
            at = self.server.waiting_for.get(at)
        return False

    def get(self, key: Key) -> Any:
        return self.overlay[key] if key in self.overlay else self.server.rows.get(key)

    def put(self, key: Key, value: Any) -> None:
        """None removes it."""
        self.overlay[key] = value

    def put_now(self, key: Key, value: Any) -> None:
        """In a table that undoes nothing."""
        self.server.rows[key] = value

    def keys(self, *head: Any) -> list[Key]:
        size = len(head)
        found = {key for key in self.server.rows if key[:size] == head}
        found |= {key for key in self.overlay if key[:size] == head}
        return sorted(key for key in found if self.get(key) is not None)

    def undo(self) -> None:
        self.overlay = {}
        self.begun = False
        self._release()

    def _release(self) -> None:
        for key in self.held:
            del self.server.locks[key]
        if self.held:
            self.held.clear()
            self.server.wake()

    def commit_now(self) -> None:
        changed, server = self.overlay, self.server
        for key, value in changed.items():
            if value is None:
                server.rows.pop(key, None)
            else:
                server.rows[key] = value
        self.overlay = {}
        self.begun = False
        if changed:
            server.commits += 1
            server.on_commit(self, changed)
        self._release()

    def wait_alone(self) -> None:
        """DDL waits until no other transaction has written to the job's tables."""
        deadline = self.world.now + _DDL_SECONDS * S
        while any(other is not self and _writes(other) for other in self.server.connections.values()):
            if self.world.now >= deadline:
                raise OperationalError(1205, "Lock wait timeout exceeded")
            self.wait(deadline)

    # ---- The driver's face ----

    def _one(self, what: str, run: Callable[[], Any]) -> Any:
        answer = self.call(what, [run])[0]
        if isinstance(answer, OperationalError):
            raise answer
        return answer

    def begin(self) -> None:
        self._one("BEGIN", lambda: setattr(self, "begun", True))

    def commit(self) -> None:
        self._one("COMMIT", self.commit_now)

    def rollback(self) -> None:
        self._one("ROLLBACK", self.undo)

    def close(self) -> None:
        self.open = False
        self.cut()

    def cursor(self) -> Cursor:
        return Cursor(self)

    def get_server_info(self) -> str:
        return "9.7.0"

    @contextmanager
    def answering_within(self, _seconds: float) -> Iterator[None]:
        yield

    @contextmanager
    def reading_within(self, _seconds: float | None) -> Iterator[None]:
        yield

    @contextmanager
    def showing_statements(self) -> Iterator[None]:
        yield

    @contextmanager
    def holding(self, _size: int) -> Iterator[None]:
        yield

    def execute(self, sql: str, args: tuple[Any, ...]) -> Any:
        what = " ".join(sql.split(None, 3)[:3])
        return self._one(what, lambda: statements.answer(self, sql, args))

    def load_local(self, statement: bytes, pieces: Iterable[bytes]) -> bytes:
        rows = b"".join(pieces)
        answer = self._one("LOAD DATA", lambda: tables.load(self, statement, rows))
        self.world.block(self.world.between(f"load {self.process.name}", 0, 300 * MS))  # a chunk takes its time
        return bytes(answer)

    def _execute_command(self, _command: int, sql: bytes) -> None:
        packet = [part for part in sql.split(b";") if part.strip()]
        what = next((word for word in ("BINLOG", "SET", "UPDATE") if packet[0].startswith(word.encode())), "COMMIT")
        answers = self.call(what, [lambda part=part: raw_statements.run(self, part) for part in packet])  # type: ignore[misc]
        self._answers = deque(each if isinstance(each, OperationalError) else None for each in answers)

    def read_ok(self) -> None:
        error = self._answers.popleft()
        if error is not None:
            raise error

    _read_packet = read_ok


def _writes(connection: Connection) -> bool:
    return any(key[0] == ROWS for key in connection.overlay)
