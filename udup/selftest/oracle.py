"""The self-test of an Oracle server: cases of its own are written there, and read as a job reads them.

Everything is done by the driver itself (`drivers/oracle/`), without a node and without a target: each case has a table
of its own in the account's schema, whose rows are read as a snapshot, and whose log is followed. What comes is
compared with what is written down (`oracle_cases.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from udup import __version__
from udup.base import runtime
from udup.base.endpoint import Endpoint
from udup.base.errors import UdupError, Unsupported
from udup.drivers.mysql.binlog.event import EventType
from udup.drivers.mysql.binlog.query import parse_query
from udup.drivers.mysql.binlog.split import split
from udup.drivers.mysql.rows.codec import RowCodecs
from udup.drivers.mysql.rows.events import DELETES, UPDATES
from udup.drivers.mysql.rows.values import Row, Value
from udup.drivers.oracle.checks import validate_source
from udup.drivers.oracle.session import OpenClient, Place, Session, connect, oracledb_client
from udup.drivers.oracle.source import PDB, SERVICE, OracleSource
from udup.pipeline.checks import Check
from udup.pipeline.ports import End, JobPlan, LogPlan, ReadingPlan, Scope, StartPoint
from udup.pipeline.records import Definition, Record, SnapshotRows, Transaction
from udup.pipeline.selection.selection import Selection
from udup.selftest.oracle_cases import CASES, COMMIT, NOT_COVERED, TABLE, OracleCase

#: What the names of the tables begin with.
PREFIX = "UDUP_SELFTEST_"

#: Seconds until what a case has done must have come.
CASE_SECONDS = 60.0

_TABLES = f"SELECT TABLE_NAME FROM USER_TABLES WHERE SUBSTR(TABLE_NAME, 1, {len(PREFIX)}) = '{PREFIX}'"
_USER = "SELECT SYS_CONTEXT('USERENV', 'SESSION_USER') FROM DUAL"


@dataclass(frozen=True)
class OracleVerdict:
    """What came of a case; `problem` is empty where it is what had to come."""

    case: OracleCase
    problem: str = ""


@dataclass
class OracleSelfTest:
    """`say` shows a line; `open_client` gives the client library."""

    place: Place
    say: Callable[[str], None]
    open_client: OpenClient = oracledb_client
    only: str = ""
    verdicts: list[OracleVerdict] = field(default_factory=list)

    @classmethod
    def of(
        cls, endpoint: Endpoint, service: str, pdb: str, say: Callable[[str], None], *, only: str = ""
    ) -> OracleSelfTest:
        """Return the self-test of a server, by its service and its container ("" for one without containers)."""
        return cls(Place(endpoint, service, pdb.upper()), say, only=only)

    def run(self) -> list[OracleVerdict]:
        """Carry out every case; `UdupError` if the server cannot be used, or has tables of such names."""
        settings = {SERVICE: self.place.service, PDB: self.place.pdb}
        source = OracleSource(self.place.endpoint, settings, self.open_client)
        with closing(connect(self.open_client, self.place, container=True)) as session:
            owner = str(session.one(_USER)[0])
            if left := [str(name) for (name,) in session.query(_TABLES)]:
                raise UdupError(
                    f"there are tables {', '.join(left)} already: give --clean to drop them, or rename them"
                )
            for number, case in enumerate(self._cases(), 1):
                table = f"{PREFIX}{number}"
                try:
                    verdict = OracleVerdict(case, self._problem(session, source, case, (owner, table)))
                finally:
                    with suppress(UdupError):
                        session.run(f"DROP TABLE {_name(owner, table)} PURGE")
                self.verdicts.append(verdict)
                self.say(f"{case.name}: {verdict.problem or 'as it has to be'}")
        return self.verdicts

    def checks(self) -> list[Check]:
        """Return what a job's start asks of the server, but for what is said of single tables."""
        settings = {SERVICE: self.place.service, PDB: self.place.pdb}
        end = End("Oracle", self.place.endpoint, settings=tuple(settings.items()))
        plan = JobPlan("self-test", end, end, Scope(Selection.of([("", [PREFIX])])))
        return validate_source(OracleSource(self.place.endpoint, settings, self.open_client), plan)

    def clean(self) -> list[str]:
        """Drop the tables that a self-test which was killed has left; return their names."""
        with closing(connect(self.open_client, self.place, container=True)) as session:
            owner = str(session.one(_USER)[0])
            found = [str(name) for (name,) in session.query(_TABLES)]
            for name in found:
                session.run(f"DROP TABLE {_name(owner, name)} PURGE")
        return found

    def _cases(self) -> list[OracleCase]:
        return [case for case in CASES if self.only in case.name]

    def _problem(self, session: Session, source: OracleSource, case: OracleCase, table: tuple[str, str]) -> str:
        """Carry out a case; return what came otherwise than it had to."""
        try:
            _make(session, case, table)
            scope = Scope(Selection.of([(table[0], [table[1]])]))
            if (found := _snapshot(source, scope)) != sorted(case.rows):
                return f"a snapshot shows {found}, and not {sorted(case.rows)}"
            begins = source.find_start(StartPoint()).position
            for step in case.steps:
                _step(session, step.replace(TABLE, _name(*table)))
            return self._log_problem(source, case, scope, begins, table)
        except UdupError as error:
            return str(error)

    def _log_problem(
        self, source: OracleSource, case: OracleCase, scope: Scope, begins: str, table: tuple[str, str]
    ) -> str:
        wanted = [each.replace(TABLE, "`{}`.`{}`".format(*table)) for each in case.changes]
        found: list[str] = []
        log = source.open_log(LogPlan("self-test", scope, begins))
        try:
            log.begin()
            ends = runtime.now() + CASE_SECONDS
            for record in log:
                found += [] if record is None else _shown(record)
                is_all = record is None and not case.refused and len(found) >= len(wanted)
                if is_all or runtime.now() > ends:
                    break
        except Unsupported as error:
            if case.refused and case.refused in str(error) and found == wanted:
                return ""
            return f"the log stops behind {found}: {error}"
        finally:
            log.close()
        if case.refused:
            return f"the log shows {found}, and does not stop at {case.refused}"
        return "" if found == wanted else f"the log shows {found}, and not {wanted}"


def told(test: OracleSelfTest, checks: list[Check], ended: str) -> dict[str, Any]:
    """Return what was found, as JSON has it."""
    return {
        "Udup": __version__,
        "Server": next((each.found for each in checks if each.name == "connection"), ""),
        "Ended": ended or "complete",
        "Checks": [{"Check": each.name, "Result": str(each.outcome), "Found": each.found} for each in checks],
        "Cases": [{"Case": each.case.name, "Problem": each.problem} for each in test.verdicts],
        "NotCovered": dict(NOT_COVERED),
    }


def _make(session: Session, case: OracleCase, table: tuple[str, str]) -> None:
    name = _name(*table)
    first, *others = case.columns
    session.run(f"CREATE TABLE {name} ({', '.join([f'{first} PRIMARY KEY', *others])})")
    session.run(f"ALTER TABLE {name} ADD SUPPLEMENTAL LOG DATA (ALL) COLUMNS")
    for row in case.copied:
        session.run(f"INSERT INTO {name} VALUES ({row})")
    session.commit()


def _step(session: Session, step: str) -> None:
    """Run a statement; one behind an exclamation mark has to fail."""
    if step == COMMIT:
        session.commit()
    elif not step.startswith("!"):
        session.run(step)
    else:
        try:
            session.run(step[1:])
        except UdupError:
            return
        raise UdupError(f"the server accepts what it should refuse: {step[1:]}")


def _name(owner: str, table: str) -> str:
    return f'"{owner}"."{table}"'


# ---- What came ----


def _snapshot(source: OracleSource, scope: Scope) -> list[str]:
    records: list[Record] = []
    reading = source.open_reading(scope, ReadingPlan(), readers=1)
    reading.read(0, records.append)
    rows = [each for each in records if isinstance(each, SnapshotRows)]
    return sorted(_row(after) for each in rows for _, _, after in _changes(each.events) if after is not None)


def _shown(record: Record) -> list[str]:
    """Return what a record tells, as cases write it."""
    if isinstance(record, Definition):
        return [parse_query(record.query, has_crc=False).sql.decode()]
    if not isinstance(record, Transaction):
        return []
    found = []
    for kind, before, after in _changes(record.events):
        rows = [_row(each) for each in (before, after) if each is not None]
        found.append(f"{'u' if kind in UPDATES else 'd' if kind in DELETES else 'i'} {' to '.join(rows)}")
    return found


def _changes(events: bytes) -> Iterator[tuple[int, Row | None, Row | None]]:
    codecs, table_map = RowCodecs(), b""
    for event in split(events):
        if event[4] == EventType.TABLE_MAP:
            table_map = event
            continue
        for before, after in codecs.of(table_map, has_crc=False).read(event, has_crc=False).changes:
            yield event[4], before, after


def _row(values: Iterable[Value]) -> str:
    return ", ".join(map(_value, values))


def _value(value: Value) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bytes):
        try:
            text = value.decode()
        except UnicodeDecodeError:
            return f"0x{value.hex()}"
        return text
    return str(value)
