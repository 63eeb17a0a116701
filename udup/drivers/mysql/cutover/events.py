"""Events enabled and disabled, otherwise as they are.

ALTER EVENT makes whoever runs it the event's definer, and some servers store the session's sql_mode and time zone with
it. So the definer is said, and each event is altered in a session of its own sql_mode and time zone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass

from udup.base.endpoint import Endpoint
from udup.drivers.mysql.apply.event_state import disabled_on_replica
from udup.drivers.mysql.client.connection import Connection, connect, query
from udup.drivers.mysql.client.names import qualified
from udup.drivers.mysql.client.sessions import PLAIN, events_session
from udup.pipeline.ports import ScheduledEvent
from udup.pipeline.selection.selection import Selection

ENABLED = "ENABLED"

#: What must be the same afterwards.
_KEPT = "DEFINER, SQL_MODE, TIME_ZONE, CHARACTER_SET_CLIENT, COLLATION_CONNECTION, DATABASE_COLLATION, ON_COMPLETION"


@dataclass(frozen=True)
class _Event:
    schema: str
    name: str
    status: str
    kept: tuple[str, ...]

    @property
    def statement_front(self) -> str:
        user, _, host = self.kept[0].rpartition("@")
        account = qualified(user, host).replace("`.`", "`@`")
        return f"ALTER DEFINER={account} EVENT {qualified(self.schema, self.name)}"


def read_enabled(connection: Connection, selection: Selection) -> list[ScheduledEvent]:
    """Return the enabled events of schemas that the selection carries whole."""
    sql = f"SELECT EVENT_SCHEMA, EVENT_NAME FROM information_schema.EVENTS WHERE STATUS = '{ENABLED}' ORDER BY 1, 2"
    return [
        ScheduledEvent(str(schema), str(name), selection.renamed_schema(str(schema)))
        for schema, name in query(connection, sql)
        if selection.wants_stored(str(schema))
    ]


def missing(connection: Connection, names: Iterable[tuple[str, str]]) -> list[str]:
    """Return the events that are not on the server."""
    sql = "SELECT EVENT_SCHEMA, EVENT_NAME FROM information_schema.EVENTS"
    there = {(str(schema).lower(), str(name).lower()) for schema, name in query(connection, sql)}
    return [f"{schema}.{name}" for schema, name in names if (schema.lower(), name.lower()) not in there]


def set_state(endpoint: Endpoint, names: Sequence[tuple[str, str]], *, enabled: bool) -> list[str]:
    """Bring events to a state; return what people should know. One that is gone is told and passed over."""
    told: list[str] = []
    with closing(connect(endpoint, PLAIN)) as connection:
        found = [(name, _read(connection, *name)) for name in names]
        state = "ENABLE" if enabled else disabled_on_replica(connection)
    told += [f"{schema}.{name} is not there any more" for (schema, name), event in found if event is None]
    contexts: dict[tuple[str, str], list[_Event]] = {}
    for _, event in found:
        if event is not None and (event.status == ENABLED) != enabled:
            contexts.setdefault((event.kept[1], event.kept[2]), []).append(event)
    for context, events in contexts.items():
        with closing(connect(endpoint, events_session(*context))) as connection:
            for event in events:
                query(connection, f"{event.statement_front} {state}")
                after = _read(connection, event.schema, event.name)
                if after is None:
                    told.append(f"{event.schema}.{event.name} has ended and is dropped")
                elif after.kept != event.kept:
                    told.append(f"{event.schema}.{event.name} has another definer or context now: look at it")
    return told


def _read(connection: Connection, schema: str, name: str) -> _Event | None:
    sql = f"SELECT STATUS, {_KEPT} FROM information_schema.EVENTS WHERE EVENT_SCHEMA = %s AND EVENT_NAME = %s"
    rows = query(connection, sql, schema, name)
    if not rows:
        return None
    status, *kept = map(str, rows[0])
    return _Event(schema, name, status, tuple(kept))
