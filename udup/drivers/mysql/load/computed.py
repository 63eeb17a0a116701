"""What the target computes of copied rows (generated columns and indexes of them) against what the source has.

A row's generated values were computed in the session that wrote the row, and nobody can say today which one that was.
So the copy is loaded in the context that most sessions have, the source's own, and the values of both sides are
compared by their sums, table by table (`drivers/mysql/dictionary/digests.py`). What the source has stored is right.
Where the target comes to other values the job stops, unless its document says that the target's are to be taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from udup.base.causes import Cause, reason
from udup.base.endpoint import Endpoint
from udup.base.errors import Divergence, Unsupported
from udup.drivers.mysql.apply.contexts import TargetContexts, set_of_unlogged
from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.client.names import qualified
from udup.drivers.mysql.dictionary.catalog import Table
from udup.drivers.mysql.dictionary.digests import OWN_VALUES, Sums, column_sums, index_sums
from udup.drivers.mysql.mariadb.collations import server_of
from udup.pipeline.records import Context

#: From this version on MySQL reads TIMESTAMPs with an offset behind them; MariaDB never does.
_READS_OFFSETS = (8, 0, 19)

#: Takes every date and 0 in an AUTO_INCREMENT column.
_EVERY_DATE = "NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES,NO_ENGINE_SUBSTITUTION,NO_UNSIGNED_SUBTRACTION"

#: Strictness would make errors of what the source took; and our own text has backslashes.
_NOT_FOR_LOADING = frozenset({"STRICT_TRANS_TABLES", "STRICT_ALL_TABLES", "NO_BACKSLASH_ESCAPES"})


class ComputedValues:
    """`prepare` first; then `for_loading` and `offsets` are known. `warnings`: whose values the target has made."""

    def __init__(self, endpoint: Endpoint, context: Mapping[str, str], *, recompute: bool) -> None:
        """`context`: the source's own, empty where no table computes anything."""
        self._endpoint = endpoint
        self._settings = dict(context)
        self._recompute = recompute
        self.for_loading: tuple[bytes, bytes] = (b"", b"")
        self.offsets = False
        self._kept = b""
        self.warnings: list[str] = []

    def prepare(self, connection: Connection, tables: Iterable[Table]) -> None:
        """Find out how the target can be in the source's context. Raises `Unsupported` if it cannot."""
        computing = next((table for table in tables if table.computes), None)
        if computing is None or not self._settings:
            return
        self._kept = set_of_unlogged(self._settings, server_of(connection))
        self.begin(connection)
        self.offsets = not connection.is_mariadb and connection.version >= _READS_OFFSETS
        settings = dict(self._settings)
        if not self.offsets:
            settings["time_zone"] = "+00:00"  # that of the text
        words = [word for word in settings["sql_mode"].split(",") if word and word not in _NOT_FOR_LOADING]
        # Where a subtraction came to less than nothing, only this mode can have let the row in.
        usual = ",".join(dict.fromkeys([*words, "NO_AUTO_VALUE_ON_ZERO", "NO_UNSIGNED_SUBTRACTION"]))
        contexts = TargetContexts(self._endpoint)
        try:
            usual_set, every_date_set = (
                contexts.statement(Context(0, {**settings, "sql_mode": mode})) for mode in (usual, _EVERY_DATE)
            )
        except Unsupported as error:
            name = qualified(computing.schema, computing.name)
            raise Unsupported(f"{name} computes values from its rows (generated columns, CHECK): {error}") from error
        self.for_loading = usual_set, every_date_set

    def begin(self, connection: Connection) -> None:
        """Have a session of the copy keep in the tables that it opens what the source's sessions do."""
        if self._kept:
            query(connection, self._kept.decode())

    def enter(self, connection: Connection) -> None:
        """Into the source's context, for the building of indexes."""
        if self.for_loading[0]:
            query(connection, self.for_loading[0].decode())

    def compare_columns(self, connection: Connection, table: Table, sums: Mapping[str, str]) -> None:
        """On a session of `DEFINITION`. Raises `Unsupported` naming the columns that differ."""
        if not sums:
            return
        differing = _differing(column_sums(connection, table), sums)
        if OWN_VALUES in differing:
            raise Divergence(
                f"{qualified(table.schema, table.name)} on {self._endpoint} did not take the source's rows as they are:"
                " the sums over its columns differ",
                table=f"{table.schema}.{table.name}",
            ).because(reason(Cause.COPY_DIFFERS, {"table": f"{table.schema}.{table.name}"}))
        self._judge(table, [f"generated column {name}" for name in differing])

    def compare_indexes(self, connection: Connection, table: Table, sums: Mapping[str, str]) -> None:
        """The same for what indexes on virtual columns hold."""
        if sums and table.virtual_keys:
            differing = _differing(index_sums(connection, table), sums)
            named = [name.rsplit("@", 1) for name in differing]
            self._judge(table, [f"generated column {column} in its index {index}" for column, index in named])

    def _judge(self, table: Table, differing: Sequence[str]) -> None:
        if not differing:
            return
        name = table.source or f"{table.schema}.{table.name}"
        what = f"table {name}: {', '.join(differing)} came to other values on the target than the source has"
        if self._recompute:
            self.warnings.append(f'{what}; the target\'s are taken, as "GeneratedColumns": "recompute" says')
            return
        own = ", ".join(
            f"{key} = {value!r}" for key, value in self._settings.items() if key in ("time_zone", "sql_mode")
        )
        raise Unsupported(
            f"{what}: rows were written in sessions with other settings than the source's global ones ({own}), by which"
            " the copy computes. Set those global ones to what the sessions had, if it was the same for all, and start"
            ' the job again; or set "GeneratedColumns": "recompute" in the Dest\'s Config, which takes what the target'
            " computes and says so in the job's warnings; or leave the table out"
        )


def _differing(here: Sums, there: Mapping[str, str]) -> list[str]:
    return [name for name, (one, other) in here.items() if there.get(name) != f"{one}.{other}"]
