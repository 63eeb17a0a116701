"""The sessions that rows were written in, as far as values depend on them.

The BEGIN of a transaction (and XA START) says in which session its first statement ran. A server that computes
something from rows (generated columns, indexes on expressions, CHECK) gets other values in another session, so the
context travels with the transaction: as a number, behind a record that says once a run what the number means.

Only what changes values is in it; so sessions that differ in other things share a context, and may share a commit on
the target. Character sets and collations are not: the server reads the expressions of a table's definition by those
that are written in it, whatever the session's are (seen on 9.7 with utf16, latin1, and another
default_collation_for_utf8mb4). Nor is what a statement's text was read by, such as ANSI_QUOTES.

What no log says (div_precision_increment, default_week_format, …) is taken from the source's global values. A session's
time zone is logged only if the transaction's first statement had used it before its first row; else it is what the same
session has said last, and the global one of a session that never said any. A replica of MySQL's own knows less; as on
one, a session that changes its settings within a transaction has those of its first statement.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing

from udup.base.endpoint import Endpoint
from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.query import parse_status
from udup.drivers.mysql.binlog.remedies import UNKNOWN
from udup.drivers.mysql.client.asking import Asking, asked
from udup.drivers.mysql.client.connection import Connection, connect
from udup.drivers.mysql.client.facts import read_global
from udup.drivers.mysql.dictionary.timezones import is_fixed, zone_rules
from udup.pipeline.records import Context

#: Words of sql_mode that change what an expression yields, by the number of their bit.
VALUE_MODES = {
    6: "NO_UNSIGNED_SUBTRACTION",
    20: "NO_BACKSLASH_ESCAPES",
    21: "STRICT_TRANS_TABLES",
    22: "STRICT_ALL_TABLES",
    23: "NO_ZERO_IN_DATE",
    24: "NO_ZERO_DATE",
    25: "ALLOW_INVALID_DATES",
    26: "ERROR_FOR_DIVISION_BY_ZERO",
    31: "PAD_CHAR_TO_FULL_LENGTH",
    32: "TIME_TRUNCATE_FRACTIONAL",
}

_ESCAPES = "NO_BACKSLASH_ESCAPES"

#: Bits of sql_mode above these are of servers that this version does not know.
_KNOWN_BITS = 34

#: Settings in no log; a server that does not have one leaves it out.
_UNLOGGED = ("div_precision_increment", "default_week_format", "block_encryption_mode", "default_storage_engine")

#: Older servers do not log what a TIMESTAMP column is by default; and utf8mb4 without a collation meant another one.
_LOGS_ITS_DEFAULTS = (8, 0, 1)
_UTF8MB4_BEFORE = {"default_collation_for_utf8mb4": "utf8mb4_general_ci"}

#: The key under which a zone's rules travel beside its name (`drivers/mysql/dictionary/timezones.py`).
ZONE_RULES = "time_zone_rules"

#: Contexts known by the bytes of their events at most; these may hold microseconds, so that no two are equal.
_KNOWN_STATUSES = 4096

#: Sessions whose zone is remembered at most.
_KNOWN_SESSIONS = 65536


class Contexts:
    """Numbers the contexts from 1 on."""

    def __init__(
        self, defaults: Mapping[str, str] | None = None, rules: Callable[[str], str] = lambda zone: ""
    ) -> None:
        """`defaults`: the source's own (`read_defaults`). `rules` is asked about each zone that is no offset, once."""
        self._defaults = dict(defaults or {})
        self._rules = rules
        self._by_status: dict[tuple[bytes, str], int] = {}
        self._zones: dict[int, str] = {}  # by session, where it has another one than the global
        self._zones_in: dict[bytes, str | None] = {}  # what a Query event's status variables say
        self._numbers: dict[tuple[tuple[str, str], ...] | str, int] = {}

    def number_of(self, status: bytes, thread_id: int = 0) -> tuple[int, Context | None]:
        """Return the number of a context by a Query event's status variables; and what it means, the first time."""
        last_zone = self._zones.get(thread_id, "")
        if number := self._by_status.get((status, last_zone)):
            return number, None
        settings, problem = self._settings(status, last_zone)
        key = problem or tuple(settings.items())
        number = self._numbers.get(key)
        told = None
        if number is None:
            number = self._numbers[key] = len(self._numbers) + 1
            told = Context(number, self._with_rules(settings), problem)
        if len(self._by_status) >= _KNOWN_STATUSES:
            self._by_status.clear()
        self._by_status[status, last_zone] = number
        return number, told

    def note_session(self, status: bytes, thread_id: int) -> None:
        """Remember the zone that the beginning of a transaction says, whether that is the job's or not."""
        try:
            zone = self._zones_in[status]
        except KeyError:
            if len(self._zones_in) >= _KNOWN_STATUSES:
                self._zones_in.clear()
            zone = self._zones_in[status] = _zone_in(status)
        if zone is None:
            return
        if zone == self._defaults.get("time_zone"):
            self._zones.pop(thread_id, None)
        else:
            if len(self._zones) >= _KNOWN_SESSIONS:
                self._zones.clear()
            self._zones[thread_id] = zone

    def forget_sessions(self) -> None:
        """Forget all sessions: a server that starts counts them from the beginning."""
        self._zones.clear()

    def _settings(self, status: bytes, last_zone: str) -> tuple[dict[str, str], str]:
        """Return variables and values, and why they cannot be known."""
        try:
            variables = parse_status(status)
            settings = dict(self._defaults)
            if variables.sql_mode is not None:
                settings["sql_mode"] = mode_words(variables.sql_mode)
            if zone := variables.time_zone.decode("ascii") if variables.time_zone else last_zone:
                settings["time_zone"] = zone
            settings["lc_time_names"] = str(variables.lc_time_names or 0)
            return settings, ""
        except (Unsupported, UnicodeDecodeError) as error:
            return {}, str(error)

    def _with_rules(self, settings: dict[str, str]) -> dict[str, str]:
        zone = settings.get("time_zone")
        return settings if zone is None or is_fixed(zone) else {**settings, ZONE_RULES: self._rules(zone)}


def _zone_in(status: bytes) -> str | None:
    """Return the time zone; most transactions say none."""
    try:
        zone = parse_status(status).time_zone
        return zone.decode("ascii") if zone else None
    except (Unsupported, UnicodeDecodeError):
        return None


def mode_words(sql_mode: int) -> str:
    """Return the words of an sql_mode that change values. Raise `Unsupported` for one of a later server."""
    if sql_mode >> _KNOWN_BITS:
        raise Unsupported(
            f"a session had sql_mode {sql_mode:#x}, of which this version does not know every bit; {UNKNOWN}"
        )
    return ",".join(word for bit, word in VALUE_MODES.items() if sql_mode >> bit & 1)


def read_defaults(connection: Connection) -> dict[str, str]:
    """Return the settings of a session of this server that changes none."""
    found = read_global(connection, "sql_mode", "time_zone", "lc_time_names", *_UNLOGGED)
    if not connection.is_mariadb and connection.version < _LOGS_ITS_DEFAULTS:
        found |= read_global(connection, "explicit_defaults_for_timestamp") | _UTF8MB4_BEFORE
    words = found["sql_mode"].split(",")
    if connection.is_mariadb and _ESCAPES in words:
        words.remove(_ESCAPES)  # it reads a column's expression by the mode that it was made in, MySQL by the session's
    found["sql_mode"] = ",".join(word for word in VALUE_MODES.values() if word in words)
    return found


def own_context(connection: Connection) -> dict[str, str]:
    """Return the context of a session of this server that changes nothing. Leaves the session in another time zone."""
    settings = read_defaults(connection)
    zone = settings["time_zone"]
    return settings if is_fixed(zone) else {**settings, ZONE_RULES: zone_rules(connection, zone)}


def contexts_of(endpoint: Endpoint, asking: Asking | None = None) -> Contexts:
    """Return the contexts of this server's sessions; it is asked again for each time zone that is no offset."""

    def rules(zone: str) -> str:
        with closing(connect(endpoint)) as connection:
            return zone_rules(connection, zone)

    with asked(endpoint, asking) as connection:
        return Contexts(read_defaults(connection), rules)
