"""A context of the source (`drivers/mysql/stream/contexts.py`) as a SET for the target's sessions.

Each is tried on a session of its own before it is used, once a run. A zone that the target does not have, or has by
other rules, is looked for under another name: the source's SYSTEM, above all. What cannot be had stops the job, and
only where a table computes something from the rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import closing
from itertools import islice

import msgspec

from udup.base.endpoint import Endpoint
from udup.base.errors import UdupError, Unsupported
from udup.drivers.mysql.client.connection import (
    Connection,
    MySQLError,
    connect,
    describe,
    error_code,
    failure,
    is_transient,
    query,
)
from udup.drivers.mysql.dictionary.timezones import is_fixed, zone_rules, zones_like
from udup.drivers.mysql.mariadb import modes
from udup.drivers.mysql.mariadb.collations import Server, server_of
from udup.pipeline.records import Context

_UNKNOWN_ZONE = 1298

#: Zones that are asked for at most in place of one that the target does not have.
_ZONES_TRIED = 20

#: All that a context says, in the order of the SET; what a source does not say stays the target's own.
_UNLOGGED = ("div_precision_increment", "default_week_format", "block_encryption_mode")

#: What decides beside them what a statement of the log makes: the engine of a CREATE TABLE that names none.
#: The last two of servers before 8.0 alone, whose log does not say them.
_UNLOGGED_OF_DDL = (
    *(*_UNLOGGED, "default_storage_engine"),
    *("explicit_defaults_for_timestamp", "default_collation_for_utf8mb4"),
)
_VARIABLES = ("sql_mode", "time_zone", "lc_time_names", *_UNLOGGED)

_RULES = "time_zone_rules"

#: MariaDB has this one since 11.2; before, it encrypts as every server does that is not told otherwise.
_ENCRYPTION_MODE, _EVERYBODYS_MODE, _HAS_ENCRYPTION_MODE = "block_encryption_mode", "aes-128-ecb", (11, 2, 0)
_NOT_ON_MARIADB = frozenset({"default_collation_for_utf8mb4"})

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Context)


class TargetContexts:
    """`note` what the source tells; `known` and `prepare` give the SET of a number. `target`: whose SET it is."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._told: dict[int, Context] = {}
        self._statements: dict[int, bytes] = {}
        self._of_settings: dict[bytes, bytes] = {}
        self.target = Server.of("")

    def note(self, record: Context) -> None:
        self._told[record.number] = record

    def known(self, number: int) -> bytes | None:
        """The SET, None if it has to be prepared; empty for no context."""
        return self._statements.get(number) if number else b""

    def prepare(self, number: int) -> bytes:
        """Ask the target; blocks. Raises `Unsupported` for what it does not have."""
        statement = self._statements[number] = self.statement(self._told[number])
        return statement

    def unlogged(self, number: int) -> bytes:
        """A SET of what no log says, as the source has it; empty for no context."""
        settings = self._told[number].settings if number in self._told else {}
        return _set_of(as_known(settings, self.target), _UNLOGGED_OF_DDL)

    def kept(self, number: int) -> bytes:
        """The context of a prepared transaction as bytes that outlive the run."""
        return _encoder.encode(self._told[number]) if number else b""

    def statement_of_kept(self, kept: bytes) -> bytes:
        """The SET of what `kept` has made. Blocks, raises as `prepare`."""
        if kept not in self._of_settings:
            self._of_settings[kept] = self.statement(_decoder.decode(kept))
        return self._of_settings[kept]

    def statement(self, context: Context) -> bytes:
        """The SET of a context, tried on the target."""
        if context.problem:
            raise Unsupported(f"its session cannot be known: {context.problem}")
        try:
            with closing(connect(self._endpoint)) as connection:
                zone = _zone(connection, context.settings, str(self._endpoint))
                statement = _set(as_known(context.settings, server_of(connection)), zone)
                query(connection, statement)
        except MySQLError as error:
            if is_transient(error):
                raise failure(error, f"on the target {self._endpoint}") from error
            shown = ", ".join(f"{name} = {value}" for name, value in context.settings.items() if name != _RULES)
            raise Unsupported(
                f"the target {self._endpoint} does not take the source session's settings {shown}: {describe(error)}"
            ) from error
        return statement.encode()


def set_of_unlogged(settings: Mapping[str, str], target: Server) -> bytes:
    """A SET of what no log says of a context; empty if the context has nothing of it."""
    return _set_of(as_known(settings, target), _UNLOGGED)


def as_known(settings: Mapping[str, str], target: Server) -> Mapping[str, str]:
    """Return a source's settings in the words of the target: those of MySQL's sql_mode are MariaDB's, but for few."""
    if not target.is_mariadb:
        return settings
    lacking = _NOT_ON_MARIADB if target.version >= _HAS_ENCRYPTION_MODE else {*_NOT_ON_MARIADB, _ENCRYPTION_MODE}
    found = {name: value for name, value in settings.items() if name not in lacking}
    if settings.get(_ENCRYPTION_MODE, _EVERYBODYS_MODE) != found.get(_ENCRYPTION_MODE, _EVERYBODYS_MODE):
        raise Unsupported(
            f"the source encrypts by {_ENCRYPTION_MODE} = {settings[_ENCRYPTION_MODE]}, and the target always by"
            f" {_EVERYBODYS_MODE}: leave out what computes values by AES_ENCRYPT, or upgrade the target to MariaDB 11.2"
        )
    if "sql_mode" in found:
        found["sql_mode"] = modes.for_mariadb(found["sql_mode"].split(","))
    return found


def _set_of(settings: Mapping[str, str], names: Iterable[str]) -> bytes:
    words = [f"{name} = {_value(settings[name])}" for name in names if name in settings]
    return f"SET SESSION {', '.join(words)}".encode() if words else b""


def _zone(connection: Connection, settings: Mapping[str, str], where: str) -> str:
    """The target's name of the source's zone; empty if the source has said none."""
    zone, rules = settings.get("time_zone", ""), settings.get(_RULES, "")
    if not zone or is_fixed(zone) or not rules:
        return zone
    known = _rules(connection, zone)
    if known == rules:
        return zone
    for other in islice(zones_like(rules), _ZONES_TRIED):
        if _rules(connection, other) == rules:
            return other
    named = "the source's own (SYSTEM)" if zone == "SYSTEM" else zone
    why = "does not know" if known is None else "has by other rules, as if its tables were of another edition"
    if zone == "SYSTEM":
        why = "has under no name"
    raise Unsupported(
        f"the source's session was in the time zone {named}, which the target {where} {why}. Load the time zone tables"
        " there, from the same edition of the zones as the source's (mysql_tzinfo_to_sql /usr/share/zoneinfo |"
        " mysql -u root mysql), and start the job again"
    )


def _rules(connection: Connection, zone: str) -> str | None:
    try:
        return zone_rules(connection, zone)
    except MySQLError as error:
        if error_code(error) != _UNKNOWN_ZONE:
            raise
        return None


def _set(settings: Mapping[str, str], zone: str) -> str:
    values = {**settings, **({"time_zone": zone} if zone else {})}
    known = [name for name in _VARIABLES if name != _ENCRYPTION_MODE or name in values]
    assignments = (f"{name} = {_value(values.get(name))}" for name in known)
    return f"SET SESSION {', '.join(assignments)}"


def _value(value: str | None) -> str:
    if value is None:
        return "DEFAULT"
    if value.isdecimal():
        return value
    if "'" in value or "\\" in value:
        raise UdupError(f"a setting of the source's session has an odd value: {value!r}")
    return f"'{value}'"
