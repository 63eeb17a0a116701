"""A server in memory: tables, a log, connections, row locks, and what jobs keep on it. All of it under one lock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum

from udup.base import runtime
from udup.base.errors import Contended, Fault, Transient, Unavailable
from udup.drivers.fake.changes import Table
from udup.drivers.fake.checkpoint import Jobs
from udup.drivers.fake.faults import Cut, Faults
from udup.drivers.fake.source_log import SourceLog
from udup.pipeline.ownership import Claim, TableName

#: A row, as it is locked.
RowName = tuple[TableName, str]


class Writers(StrEnum):
    """Who may write to a server beside jobs."""

    ALL = "all"
    UDUP = "udup"
    NOBODY = "nobody"


#: Seconds for which a connection waits for another that has its place.
_PLACE_SECONDS = 1.0


@dataclass(eq=False)
class Connection:
    """`place` tells what it is in its job; `on_end` is called, under the server's lock, when it ends."""

    job: str
    place: str
    alive: bool = True
    on_end: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class FakeInfo:
    """What a look at a server finds (`ports.ServerInfo`)."""

    address: str
    uuid: str
    folds_names: bool = False
    version_text: str = ""


@dataclass
class Settings:
    """`part_bytes`: transactions with more events come in parts. `piece_bytes`: the same for copied rows.

    `lock_wait_s`: how long a session waits for a row. `beat_s`: how long a log is silent. `kills`: whether a take-over
    ends the connections of the run before; without it they live on, as those of an account that may not be killed.
    `unacknowledged`: transactions that are sent and not executed yet, because the server `waits_for_replica` or for no
    reason. `answered_by`: what another server behind the same address says to a clock, its position and its UUID.
    """

    part_bytes: int = 256 << 10
    piece_bytes: int = 4 << 10
    chunk_rows: int = 100
    lock_wait_s: float = 0.05
    beat_s: float = 1.0
    kills: bool = True
    clock_ahead_us: int = 0
    unacknowledged: str = ""
    waits_for_replica: bool = True
    answered_by: tuple[str, str] | None = None
    read_only: bool = False  # as a target
    faults: list[Fault] = field(default_factory=list)  # why it can be neither source nor target


class FakeServer:
    """`changed` is the server's lock, and notified whenever anything has changed."""

    def __init__(self, name: str, settings: Settings | None = None) -> None:
        self.name = name
        self.uuid = name
        self.settings = settings or Settings()
        self.faults = Faults()
        self.changed = runtime.Condition()
        self.tables: dict[TableName, Table] = {}
        self.objects: dict[str, str] = {}
        self.log = SourceLog(self)
        self.jobs = Jobs()
        self.claims: dict[TableName, Claim] = {}
        self.statements_run: dict[str, str] = {}  # definitions by Udup's own IDs, and the transactions they were
        self.told: list[str] = []
        self.writers = Writers.ALL
        self.counters: dict[TableName, int] = {}
        self.events: dict[tuple[str, str], bool] = {}  # whether it is enabled
        self.runs_events = True
        self.writes_on: tuple[str, ...] = ()  # who can write to it although it is closed
        self.triggers: dict[tuple[str, str], str] = {}  # the table of each
        self.refused_triggers: set[str] = set()  # names of those that it does not take
        self.hides_triggers = False  # from the job's account
        self.xa_begun: list[str] = []  # they may be prepared on a closed server too
        self.closing_waits_for = ""  # who keeps the server from being closed
        self.connections: list[Connection] = []
        self._locks: dict[RowName, object] = {}
        self.waiting: dict[Connection, tuple[RowName, float]] = {}  # for which row, and since when (wall)
        self._is_up = True
        self._watchers: list[Callable[[], None]] = []

    # ---- Connections and calls ----

    def connect(self, job: str, place: str, call: str) -> Connection:
        """Return a connection that has this place of the job; `Transient` if it cannot be had."""
        self.faults.meet(call, place, "before")
        with self.changed:
            self._check_up()
            if job and self.settings.kills:
                self._await_place(job, place)
            connection = Connection(job, place)
            self.connections.append(connection)
        self._way_back(call, connection)
        return connection

    def _await_place(self, job: str, place: str) -> None:
        """Wait until no other connection has this place of the job: one that ends may take a moment."""
        end = runtime.now() + _PLACE_SECONDS
        while any((each.job, each.place) == (job, place) for each in self.connections):
            left = end - runtime.now()
            if left <= 0:
                raise Transient(f"job {job}: another connection has the place {place!r} on {self.name}")
            self.changed.wait(left)
            self._check_up()

    @contextmanager
    def call(self, name: str, connection: Connection) -> Iterator[None]:
        """Carry out a call under the server's lock, with whatever is to go wrong before it and after it."""
        try:
            self.faults.meet(name, connection.place, "before", lambda: connection.alive)
        except Cut:
            self.end(connection)
            raise
        with self.changed:
            self.check(connection)
            yield
            self.changed.notify_all()
        self._way_back(name, connection)

    @contextmanager
    def visit(self, place: str, call: str) -> Iterator[None]:
        """Carry out a call on a connection that is made for it alone."""
        connection = self.connect("", place, f"{call} connect")
        try:
            with self.call(call, connection):
                yield
        finally:
            self.end(connection)

    def _way_back(self, name: str, connection: Connection) -> None:
        try:
            self.faults.meet(name, connection.place, "after", lambda: connection.alive)
        except Cut:
            self.end(connection)
            raise

    def check(self, connection: Connection) -> None:
        """Raise `Transient` if the connection is gone. Under the lock."""
        self._check_up()
        if not connection.alive:
            raise Unavailable(f"lost the connection to {self.name}")

    def _check_up(self) -> None:
        if not self._is_up:
            raise Unavailable(f"cannot connect to {self.name}: it is down")

    def check_open(self) -> None:
        """Raise `Unavailable` unless applications may write. Under the lock."""
        if self.writers is not Writers.ALL:
            raise Unavailable(f"{self.name} is read-only")

    def end(self, connection: Connection) -> None:
        """Close the connection, from any thread: what it has open is rolled back."""
        with self.changed:
            self.end_now(connection)
            self.changed.notify_all()

    def end_now(self, connection: Connection) -> None:
        """The same under the lock."""
        if connection.alive:
            connection.alive = False
            self.connections.remove(connection)
            connection.on_end()

    def down(self) -> None:
        """Die: every connection ends, what is committed stays."""
        with self.changed:
            self._is_up = False
            for connection in list(self.connections):
                self.end_now(connection)
            self.jobs.processes += 1
            self.changed.notify_all()

    def up(self) -> None:
        with self.changed:
            self._is_up = True
            self.changed.notify_all()

    # ---- Row locks ----

    def lock_row(self, row: RowName, holder: Connection, seconds: float) -> None:
        """Take a row's lock, or `Contended` after so long. Under the server's lock, which is given up meanwhile."""
        end = runtime.now() + seconds
        try:
            while self._locks.get(row, holder) is not holder:
                self.waiting.setdefault(holder, (row, runtime.wall()))
                left = end - runtime.now()
                if left <= 0:
                    raise Contended(f"the lock of row {row[1]!r} in {'.'.join(row[0])} was not granted")
                self.changed.wait(left)
                self.check(holder)
        finally:
            self.waiting.pop(holder, None)
        self._locks[row] = holder

    def unlock(self, holder: object) -> None:
        """Give up all row locks of a holder. Under the lock."""
        for row in [row for row, other in self._locks.items() if other is holder]:
            del self._locks[row]

    def is_locked(self, table: TableName) -> bool:
        """Return whether anybody has a row of the table locked. Under the lock."""
        return any(name == table for name, _ in self._locks)

    @contextmanager
    def locked_row(self, table: TableName, key: str) -> Iterator[None]:
        """Hold a row's lock as somebody else would, who is no job."""
        holder = object()
        with self.changed:
            assert (table, key) not in self._locks
            self._locks[table, key] = holder
        try:
            yield
        finally:
            with self.changed:
                self.unlock(holder)
                self.changed.notify_all()

    # ---- To be looked at ----

    def watch(self, look: Callable[[], None]) -> None:
        """Have `look` called after each commit and definition, under the lock; what it raises, the call raises."""
        self._watchers.append(look)

    def committed(self) -> None:
        """Something was committed. Under the lock."""
        for look in self._watchers:
            look()

    def rows(self, table: TableName) -> dict[str, tuple[str, ...]]:
        """Return a table's rows as they are now."""
        with self.changed:
            return dict(self.tables[table].rows)

    def all_rows(self) -> dict[TableName, dict[str, tuple[str, ...]]]:
        with self.changed:
            return {name: dict(table.rows) for name, table in sorted(self.tables.items())}

    def places(self, job: str) -> list[str]:
        """Return which connections a job has."""
        with self.changed:
            return sorted(each.place for each in self.connections if each.job == job)


#: The servers of this process, by name: what an `End`'s host names.
_servers: dict[str, FakeServer] = {}


def register(server: FakeServer) -> FakeServer:
    _servers[server.name] = server
    return server


def forget(name: str) -> None:
    _servers.pop(name, None)


def server_named(name: str) -> FakeServer | None:
    return _servers.get(name)
