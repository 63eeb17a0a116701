"""An Oracle database as a source (`ports.Source`). Experimental: never run against an Oracle server."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace

import msgspec

from udup.base.endpoint import Endpoint
from udup.base.errors import Fault, Refused, Transient, Unsupported
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.oracle import statements
from udup.drivers.oracle.clock import source_time
from udup.drivers.oracle.dictionary import (
    OracleFacts,
    logs_all_columns,
    read_facts,
    read_service_container,
    read_tables,
)
from udup.drivers.oracle.log import RedoChanges
from udup.drivers.oracle.logs import NotArchived, log_of, needed_logs
from udup.drivers.oracle.position import RESUME, position_at, prefix
from udup.drivers.oracle.session import OpenClient, Place, Session, connect, oracledb_client
from udup.drivers.oracle.snapshot import OracleCopy, mapped_tables, open_copy, written_moment
from udup.drivers.oracle.telling.reading import open_reading
from udup.drivers.oracle.told import Told
from udup.pipeline.checks import SRC
from udup.pipeline.ports import (
    Beginning,
    ChangeLog,
    ClockAnswer,
    LogPlan,
    ReadingPlan,
    Scope,
    SnapshotReading,
    SourceClock,
    SourceCopy,
    SourceLook,
    StartPoint,
)
from udup.pipeline.records import Tables
from udup.pipeline.waits import Waits

#: The `file` of a start that is an SCN.
SCN = "SCN"

#: Keys of OracleConfig.
SERVICE, PDB = "ServiceName", "Pdb"


class OracleSource:
    """Holds no connection: each part that it opens has its own."""

    def __init__(
        self, endpoint: Endpoint, settings: Mapping[str, str], open_client: OpenClient = oracledb_client
    ) -> None:
        """`settings` are those of OracleConfig; `open_client` gives the client library, or what stands for it."""
        self._place = Place(endpoint, settings.get(SERVICE, ""), settings.get(PDB, ""))
        self._open_client = open_client
        self._told = Told()

    @property
    def where(self) -> str:
        return str(self._place)

    def position(self, text: str) -> GtidSet:
        return GtidSet.parse(text)

    def _session(self) -> Session:
        """Return a session of the job's container."""
        return connect(self._open_client, self._place, container=True)

    def _root(self) -> Session:
        return connect(self._open_client, self._place)

    def look(self, scope: Scope) -> SourceLook:
        """Return what the database is like, and what in its dictionary speaks against the job."""
        with closing(self._session()) as session:
            facts = read_facts(session)
            found, faults = mapped_tables(session, scope, f"Src {facts.address}")
            if facts.has_containers:
                with closing(self._root()) as root:
                    facts = replace(facts, service_container=read_service_container(root))
            unlogged: tuple[str, ...] = ()
            if not facts.logs_all_columns:
                unlogged = tuple(str(each.table) for each in found if not logs_all_columns(session, each.table))
        lobs = tuple(str(each.table) for each in found if each.lobs)
        return SourceLook(replace(facts, unlogged=unlogged, lobs=lobs, tables=len(found)), tuple(faults))

    def executed(self) -> GtidSet:
        """Return the position of what is committed now, asked now."""
        with closing(self._session()) as session:
            facts = read_facts(session)
        with closing(self._root()) as session:
            return self._told.executed(facts.uuid, source_time(session).scn)

    def find_start(self, point: StartPoint) -> Beginning:
        """Return the position of an SCN, or of now."""
        with closing(self._session()) as session:
            uuid = read_facts(session).uuid
            if not point.gtid and not point.file:
                resume, scn = written_moment(session, self._open_client)
                return Beginning(position_at(uuid, scn, resume), uuid)
        with closing(self._root()) as session:
            if point.file != SCN or point.gtid:
                raise self._refused(
                    f"cannot begin {point}", "write an SCN in OracleConfig.Scn, or leave it out to copy"
                )
            now = source_time(session).scn
            if not 0 < point.offset <= now:
                raise self._refused(f"has no SCN {point.offset}: the present one is {now}", "write one of its redo")
            self._check_kept(session, point.offset)
            return Beginning(f"{uuid}:1-{point.offset}", uuid)

    def _refused(self, problem: str, remedy: str) -> Refused:
        return Refused([Fault(f"Src {self._place}", problem, remedy, SRC)])

    def _check_kept(self, session: Session, scn: int) -> None:
        check_kept(session, scn, f"Src {self._place}")

    def open_clock(self) -> SourceClock:
        with closing(self._session()) as session:
            uuid = read_facts(session).uuid
        return OracleClock(self._root(), uuid, self._told)

    def tables(self, scope: Scope, copied: SourceCopy | None, *, tells: bool = False) -> Tables:
        """Return the tables that the job keeps current: those of a copy, or those that the source has now."""
        assert copied is None or isinstance(copied, OracleCopy), "a copy of this driver's"
        if copied is not None:
            uuid, names = copied.server_uuid, copied.tables
        else:
            with closing(self._session()) as session:
                uuid = read_facts(session).uuid
                names = [(table.owner, table.name) for table in read_tables(session, scope.selection)]
        listed = [(*name, *scope.selection.renamed_table(*name)) for name in names]
        return Tables(uuid, self.where, listed, copied is not None)

    def open_copy(
        self, scope: Scope, *, readers: int, chunk_rows: int | None, waits: Waits | None = None
    ) -> SourceCopy:
        return open_copy(self._open_client, self._place, scope, chunk_rows=chunk_rows, waits=waits)

    def open_reading(
        self, scope: Scope, plan: ReadingPlan, *, readers: int, waits: Waits | None = None
    ) -> SnapshotReading:
        return open_reading(self._open_client, self._place, scope, plan)

    def open_log(self, plan: LogPlan) -> ChangeLog:
        return RedoChanges(self._open_client, self._place, plan, self._told)


class OracleClock:
    """A session for questions that come again and again. `close` may be called from another thread."""

    def __init__(self, session: Session, uuid: str, told: Told) -> None:
        self._session = session
        self._uuid = uuid
        self._told = told

    def read(self) -> ClockAnswer:
        time = source_time(self._session)
        return ClockAnswer(time.now_us, str(self._told.executed(self._uuid, time.scn)), self._uuid)

    def awaits_acknowledgement(self) -> bool:
        return False

    def check_kept(self, position: str) -> None:
        """Raise `Refused` if the redo that is needed behind the position of a copy is not whole any more."""
        ranges = dict(GtidSet.parse(position).items())
        check_kept(self._session, prefix(ranges.get(f"{self._uuid}:{RESUME}", [])), f"Src {self._session.place}")

    def close(self) -> None:
        self._session.abandon()


def check_kept(session: Session, scn: int, where: str) -> None:
    """Raise `Refused` if the redo behind an SCN is gone."""
    destinations = session.query(statements.ARCHIVE_DESTINATION)
    if not destinations:
        raise Transient(f"the source {session.place} has no local archive destination that is valid now")
    try:
        needed_logs(map(log_of, session.query(statements.LOGS, scn=scn, dest=str(destinations[0][0]))), scn)
    except NotArchived:
        return  # it will be
    except Unsupported as error:
        raise Refused([Fault(where, str(error), "keep archived logs for longer", SRC)]) from error


# ---- A look for another node ----

_encoder = msgspec.msgpack.Encoder()
_decode = msgspec.msgpack.Decoder(tuple[OracleFacts, tuple[Fault, ...]]).decode


def look_to_wire(look: SourceLook) -> bytes:
    return _encoder.encode((look.info, look.faults))


def look_from_wire(data: bytes) -> SourceLook:
    """Return a look that another node had; `ValueError` for one that this version cannot read."""
    try:
        facts, faults = _decode(data)
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from error
    return SourceLook(facts, faults)
