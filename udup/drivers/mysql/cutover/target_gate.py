"""The new server of a cut-over: `TargetGate` for MySQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

from udup.base.endpoint import Endpoint
from udup.base.errors import Side
from udup.drivers.mysql.apply import numbers
from udup.drivers.mysql.apply.xa import TABLE as PREPARED
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, error_code, query, scalar
from udup.drivers.mysql.client.errors import NOTHING_THERE, failure
from udup.drivers.mysql.client.facts import read_facts
from udup.drivers.mysql.client.names import qualified
from udup.drivers.mysql.client.seam import behind_the_seam
from udup.drivers.mysql.client.sessions import DICTIONARY, PLAIN, Session, counters_session
from udup.drivers.mysql.cutover import events as event_states
from udup.drivers.mysql.cutover import read_only
from udup.drivers.mysql.cutover import triggers as trigger_objects
from udup.drivers.mysql.cutover.source_gate import CHECK
from udup.drivers.mysql.dictionary.claims import TABLE as CLAIMS
from udup.pipeline.checks import DEST, Check, Outcome
from udup.pipeline.ports import Counter, CutoverNeeds, ScheduledEvent, Trigger
from udup.pipeline.selection.schemas import UDUP_SCHEMA

_COUNTS = (
    "SELECT 1 FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
    " AND EXTRA LIKE '%%auto_increment%%'"
)

_COUNTER = "SELECT AUTO_INCREMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"


@behind_the_seam(Side.TARGET)
class MySQLTargetGate:
    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    def enter(self, job: str, number: int) -> None:
        with self._connected("noting who carries on the cut-over", PLAIN) as connection:
            numbers.enter(connection, job, number, numbers.CUTOVER)

    def checks(
        self, needs: CutoverNeeds, events: Sequence[ScheduledEvent], lacking: Sequence[Trigger] = ()
    ) -> list[Check]:
        with self._connected("looking at it") as connection:
            facts = read_facts(connection)
            found: list[Check] = []
            if facts.is_on("super_read_only"):
                text = f"super_read_only is ON on the target {facts.address}"
                found.append(Check(DEST, CHECK, Outcome.FAIL, text, "SET GLOBAL super_read_only = OFF"))
            found += trigger_objects.checks(connection, self.endpoint, facts, lacking, CHECK)
            if not needs.events:
                return found
            schemas = {each.target_schema for each in events}
            for schema in sorted(each for each in schemas if not facts.privileges.has("EVENT", each)):
                text = f"{facts.account} has not EVENT on {schema} of the target {facts.address}"
                found.append(Check(DEST, CHECK, Outcome.FAIL, text, f"GRANT EVENT ON {schema}.* TO {facts.account}"))
            if gone := event_states.missing(connection, [(each.target_schema, each.name) for each in events]):
                text = f"events of the source are not on the target {facts.address}: {', '.join(gone[:10])}"
                found.append(Check(DEST, CHECK, Outcome.FAIL, text, "make them there, or leave --enable-events out"))
            if not facts.is_on("event_scheduler"):
                text = f"event_scheduler is {facts.value('event_scheduler')} on the target: no event will run"
                found.append(Check(DEST, CHECK, Outcome.WARN, text, "SET PERSIST event_scheduler = ON"))
            return found

    def kept(self, job: str) -> list[str]:
        with self._connected("looking for prepared transactions") as connection:
            try:
                rows = query(connection, f"SELECT DISTINCT xid FROM {UDUP_SCHEMA}.{PREPARED} WHERE job = %s", job)
            except MySQLError as error:
                if error_code(error) in NOTHING_THERE:
                    return []
                raise
            return [str(xid) for (xid,) in rows]

    def raise_counters(self, counters: Sequence[Counter], seconds: float) -> list[str]:
        raised = []
        with self._connected("raising counters", counters_session(max(1, int(seconds)))) as connection:
            for counter in counters:
                here = scalar(connection, _COUNTER, *counter.table)
                if int(here or 1) < counter.value and _counts(connection, counter):  # NULL: it has given none yet
                    name = qualified(*counter.table)
                    query(connection, f"ALTER TABLE {name} AUTO_INCREMENT = {counter.value}")
                    raised.append(".".join(counter.table))
        return raised

    def lacking(self, triggers: Sequence[Trigger]) -> list[Trigger]:
        with self._connected("looking for triggers") as connection:
            return trigger_objects.lacking(connection, triggers)

    def make(self, triggers: Sequence[Trigger], seconds: float) -> list[str]:
        try:
            return trigger_objects.make(self.endpoint, triggers, seconds)
        except MySQLError as error:
            raise failure(error, f"making triggers on the target {self.endpoint}") from error

    def release(self, job: str) -> None:
        with self._connected("giving up claims") as connection:
            try:
                query(connection, f"DELETE FROM {UDUP_SCHEMA}.{CLAIMS} WHERE job = %s", job)
            except MySQLError as error:
                if error_code(error) not in NOTHING_THERE:
                    raise

    def how_to_open(self) -> str:
        with self._connected("asking who may write", PLAIN) as connection:
            found = read_only.read(connection)
        on = any(found.get(name) == "ON" for name in (read_only.READ_ONLY, read_only.SUPER_READ_ONLY))
        return "SET GLOBAL read_only = OFF" if on else ""

    def enable(self, events: Sequence[ScheduledEvent]) -> list[str]:
        try:
            told = event_states.set_state(
                self.endpoint, [(each.target_schema, each.name) for each in events], enabled=True
            )
        except MySQLError as error:
            raise failure(error, f"enabling events on the target {self.endpoint}") from error
        with self._connected("asking for its scheduler", PLAIN) as connection:
            scheduler = read_only.read(connection)[read_only.EVENT_SCHEDULER]
        if scheduler != "ON" and events:
            told.append(f"event_scheduler is {scheduler} there, so that none runs: SET PERSIST event_scheduler = ON")
        return told

    @contextmanager
    def _connected(self, doing: str, session: Session = DICTIONARY) -> Iterator[Connection]:
        try:
            with closing(connect(self.endpoint, session)) as connection:
                yield connection
        except MySQLError as error:
            raise failure(error, f"{doing}, on the target {self.endpoint}") from error


def _counts(connection: Connection, counter: Counter) -> bool:
    """Return whether the target's table numbers its rows: one with a column map, or of the user's own, may not."""
    return bool(query(connection, _COUNTS, *counter.table))
