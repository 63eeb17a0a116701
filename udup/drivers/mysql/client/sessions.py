"""What every session of Udup is set to, so that it depends on no server's defaults.

A server's global settings, and its `init_connect`, decide how a new session begins: how many rows a SELECT may
return, whether it commits by itself, what a double quote means, how SHOW CREATE prints. Whatever of this could
change what Udup's statements do or answer has its value here: in `BASE` for all, and in one `Session` for each use.
`session_setup.py` brings it about on each connection; nothing else in Udup sets a session variable, but for what
belongs to a single statement or to the context of a user's statement (`drivers/mysql/apply/run_ddl.py`).

The values of `BASE` are those that MySQL itself comes with, unless a comment says why not. The rest of a server's
variables are left to its owner on purpose: `LEFT_ALONE` has them all with the reason, and a test looks for new ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from udup.drivers.mysql.client.dialect import has_uca_0900
from udup.drivers.mysql.client.flavour import is_mariadb

#: Seconds that a connection may be idle: as long as a copy or a quiet night lasts. The largest that a server takes.
PATIENCE_SECONDS = 31_536_000

#: Seconds that the server waits for a packet to be read or written: flow control may hold one side up for long. A
#: dead peer is noticed by the kernel.
NETWORK_SECONDS = 86_400

#: Bytes of a chunk's text that one GROUP_CONCAT may return; it bounds the memory of a reader and its session.
MAX_CHUNK_BYTES = 16 << 20

#: Memory of one index build. With the default of 1 MB two indexes on a million rows took 25 to 40 % longer.
INDEX_BUFFER_BYTES = 64 << 20

#: Warnings that the server lists for a loader, so that each can be judged. Raising it asks for
#: SESSION_VARIABLES_ADMIN; an account without that has the server's own, by default 1,024: enough unless a chunk
#: holds more ENUM error values than that.
LISTED_WARNINGS = 65535

#: Seconds that the global read lock may wait. While it waits for a long query, every write waits behind it.
LOCK_SECONDS = 1

#: Seconds after which a session that holds such a lock and says nothing is ended by the server. Its pauses are shorter.
LOCKER_IDLE_SECONDS = 5

#: The same where a table is locked for as long as its rows are read, which wait for the target: one that takes nothing
#: for so long is not waited for. Nobody else ends the session of a client that is frozen.
HELD_SECONDS = 3600

#: Seconds of silence after which a server ends the session that changes whether it is read-only: nobody else does that
#: meanwhile. What is done in the session's shelter, on other connections, takes seconds.
CLOSING_IDLE_SECONDS = 300

UNLIMITED = "18446744073709551615"

#: Variables and values as SHOW VARIABLES prints them. One that a server does not have is passed over. Of
#: `optimizer_switch` only the flags named here are set.
BASE: Mapping[str, str] = {
    # What bounds an answer or ends a statement.
    "sql_select_limit": UNLIMITED,
    "max_join_size": UNLIMITED,
    "sql_big_selects": "ON",  # after max_join_size, which sets it
    "max_execution_time": "0",
    "group_concat_max_len": "1048576",  # MySQL's own 1,024 is too little for names and types
    "max_sort_length": "1024",
    "max_error_count": "1024",
    "parser_max_mem_size": UNLIMITED,
    "cte_max_recursion_depth": "1000",
    # Transactions.
    "autocommit": "ON",
    "completion_type": "NO_CHAIN",
    "transaction_read_only": "OFF",
    "transaction_isolation": "REPEATABLE-READ",
    "gtid_next": "AUTOMATIC",
    "sql_log_bin": "ON",
    "require_row_format": "OFF",
    # How long to wait.
    "wait_timeout": str(PATIENCE_SECONDS),
    "net_read_timeout": str(NETWORK_SECONDS),
    "net_write_timeout": str(NETWORK_SECONDS),
    "lock_wait_timeout": "31536000",
    "innodb_lock_wait_timeout": "50",
    # What a statement's text means.
    "sql_mode": (
        "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,"
        "NO_ENGINE_SUBSTITUTION"
    ),
    "character_set_client": "utf8mb4",
    "character_set_results": "utf8mb4",
    "collation_connection": "utf8mb4_0900_ai_ci",
    "collation_server": "utf8mb4_0900_ai_ci",
    "time_zone": "+00:00",
    "lc_messages": "en_US",  # LOAD DATA's answer and warnings are read
    "windowing_use_high_precision": "ON",
    "sql_auto_is_null": "OFF",
    "sql_safe_updates": "OFF",
    "updatable_views_with_limit": "YES",
    "auto_increment_increment": "1",
    "auto_increment_offset": "1",
    # What is written, and what it sets off.
    "foreign_key_checks": "ON",
    "unique_checks": "ON",
    "enable_cascade_triggers": "OFF",
    "default_storage_engine": "InnoDB",
    "default_tmp_storage_engine": "InnoDB",
    "keep_files_on_create": "OFF",
    "old_alter_table": "OFF",
    # What an answer looks like.
    "sql_quote_show_create": "ON",
    "show_create_table_verbosity": "OFF",
    "show_create_table_skip_secondary_engine": "OFF",
    "show_gipk_in_create_table_and_information_schema": "ON",
    "show_old_temporals": "OFF",
    "print_identified_with_as_hex": "ON",  # MySQL's own is OFF; a hash as it is breaks the statement
    "information_schema_stats_expiry": "86400",
    "terminology_use_previous": "NONE",
    "resultset_metadata": "FULL",
    "end_markers_in_json": "OFF",
    "sql_notes": "ON",
    "sql_warnings": "OFF",
    # How a plan is made. The reading of chunks counts on its range being read by the index that it names. Where derived
    # tables are not merged, no view can be updated or have a check option.
    "optimizer_switch": "use_invisible_indexes=off,hypergraph_optimizer=off,derived_merge=on",
    "optimizer_prune_level": "1",
    "optimizer_search_depth": "62",
    "range_optimizer_max_mem_size": "8388608",
    "eq_range_index_dive_limit": "200",
    "sort_buffer_size": "262144",
    "big_tables": "OFF",
    "sql_buffer_result": "OFF",
    "profiling": "OFF",
    "use_secondary_engine": "OFF",  # MySQL's own is ON; a secondary engine may lag behind
}

#: Those whose other value costs time or room and nothing else. An account that may not change one leaves it.
OPTIONAL = frozenset(
    {"max_sort_length", "max_error_count", "parser_max_mem_size", "eq_range_index_dive_limit", "sort_buffer_size"}
    | {"optimizer_prune_level", "optimizer_search_depth", "range_optimizer_max_mem_size", "big_tables", "profiling"}
    | {"sql_buffer_result", "use_secondary_engine", "end_markers_in_json", "innodb_ddl_buffer_size"}
    | {"keep_files_on_create", "old_alter_table", "information_schema_stats_expiry"}
    # No statement of Udup's own numbers a row; those of the log bring their numbers, or their context.
    | {"auto_increment_increment", "auto_increment_offset"}
)


#: The sql_mode in which statements put rows into tables that compute nothing.
STATEMENT_MODE = "ALLOW_INVALID_DATES,NO_UNSIGNED_SUBTRACTION,NO_AUTO_VALUE_ON_ZERO,STRICT_ALL_TABLES"


@dataclass(frozen=True)
class Session:
    """One use of a connection, and what it has otherwise than `BASE`; None is NULL."""

    use: str
    own: Mapping[str, str | None]

    @property
    def settings(self) -> dict[str, str | None]:
        return {**BASE, **self.own}

    def with_(self, use: str, **own: str | None) -> Session:
        return Session(use, {**self.own, **own})


#: Looking at a server, its checkpoint, what is written there by hand.
PLAIN = Session("asking the server", {})

#: The dictionary of the source: fresh estimates, dates as they are.
DICTIONARY = Session(
    "reading the definitions", {"sql_mode": "ALLOW_INVALID_DATES", "information_schema_stats_expiry": "0"}
)

#: The observer of a snapshot's moment.
OBSERVER = Session("opening the snapshot", {"lock_wait_timeout": str(LOCK_SECONDS)})

#: Who takes the global read lock, or one on the job's tables, for the moment in which a snapshot is opened. Should its
#: machine vanish meanwhile, the server ends its session by itself: until then nobody could write.
LOCKER = OBSERVER.with_("locking for a snapshot", wait_timeout=str(LOCKER_IDLE_SECONDS))

#: A connection of the snapshot, as its planner uses it. The rows' text must not depend on the session that wrote them.
SNAPSHOT = Session(
    "reading a snapshot",
    {"sql_mode": "ALLOW_INVALID_DATES", "lock_wait_timeout": "60", "net_write_timeout": str(HELD_SECONDS)},
)

#: A reader of the snapshot's rows: everything computed and returned as bytes, room for a chunk.
ROWS = SNAPSHOT.with_(
    "reading rows",
    collation_connection="binary",
    character_set_results=None,
    group_concat_max_len=str(MAX_CHUNK_BYTES),
)

#: The same for tables without transactions, which it locks: every write waits behind a lock that waits.
LOCKED_ROWS = ROWS.with_(
    "reading rows under a lock", lock_wait_timeout=str(LOCK_SECONDS), wait_timeout=str(HELD_SECONDS)
)

#: What asks the source whether rows of the log pass a filter: as the rows are read, so that copy and log are told the
#: same; numbers come decoded.
FILTER = ROWS.with_("deciding about rows", group_concat_max_len="1048576")

#: The stream of the binary log, which may stand still for as long as a job does.
DUMP = Session("reading the binary log", {"net_write_timeout": str(PATIENCE_SECONDS)})

#: A loader. Zero and odd dates, 0 in an AUTO_INCREMENT column: whatever the source held is taken; foreign keys and
#: unique keys hold already, as the rows come from one snapshot. The text of rows is bytes.
LOADER = Session(
    "loading rows",
    {
        "autocommit": "OFF",
        "sql_mode": "NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES,NO_ENGINE_SUBSTITUTION,NO_UNSIGNED_SUBTRACTION",
        "foreign_key_checks": "OFF",
        "unique_checks": "OFF",
        "lock_wait_timeout": "60",
        "max_error_count": str(LISTED_WARNINGS),
        "system_versioning_insert_history": "ON",  # of MariaDB: rows are of the past or of today as they say
        "character_set_client": "binary",
        "collation_connection": "binary",
        "character_set_results": "binary",
    },
)

#: A loader of tables that were there before the copy: their unique keys may be others than the source's.
FILLER = LOADER.with_("filling tables", unique_checks="ON")

#: As rows are applied by statements: a value is taken as it is, or refused. A prepared transaction may hold a row.
REPAIRING = SNAPSHOT.with_(
    "repairing rows",
    autocommit="OFF",
    transaction_isolation="READ-COMMITTED",
    sql_mode=STATEMENT_MODE,
    foreign_key_checks="OFF",
    innodb_lock_wait_timeout="2",
    lock_wait_timeout="2",
)

#: Making what the source has: it has these definitions, so strictness has nothing to add. A target may insist on some
#: things, or add them by itself. Without explicit_defaults_for_timestamp a TIMESTAMP column that is NOT NULL takes a
#: default of the server's own; SHOW CREATE leaves a collation out when it is the one that utf8mb4 was born with,
#: whatever the server makes of it today.
DEFINITION = Session(
    "making definitions",
    {
        "sql_require_primary_key": "OFF",
        "sql_generate_invisible_primary_key": "OFF",
        "explicit_defaults_for_timestamp": "ON",
        "restrict_fk_on_non_standard_key": "OFF",
        "default_collation_for_utf8mb4": "utf8mb4_0900_ai_ci",
        "sql_mode": "ALLOW_INVALID_DATES",
        "foreign_key_checks": "OFF",
        "innodb_ddl_buffer_size": str(INDEX_BUFFER_BYTES),
    },
)


def definition_session(source_version: str) -> Session:
    """Return `DEFINITION` for what a server of this version printed: utf8mb4 was born with another collation."""
    if has_uca_0900(source_version) and not is_mariadb(source_version):
        return DEFINITION
    return DEFINITION.with_("making definitions", default_collation_for_utf8mb4="utf8mb4_general_ci")


#: DDL of the log; the statement's own context is put on top of it, and what the source's sessions begin with.
DDL = Session("running DDL", {})

#: Removing a checkpoint, while a transaction of the last run may be being rolled back.
PURGE = Session("removing the checkpoint", {"autocommit": "OFF", "innodb_lock_wait_timeout": "10"})

#: Writers of the shop. READ COMMITTED: fewer gap locks, so that writers disturb each other little. DDL gives way.
SHOP_WRITER = Session(
    "writing to the shop",
    {
        "autocommit": "OFF",
        "transaction_isolation": "READ-COMMITTED",
        "lock_wait_timeout": "10",
        "cte_max_recursion_depth": "10000",
    },
)

#: Filling the shop: parents and children at once, so the keys are checked by construction.
SHOP_FILL = Session(
    "filling the shop", {"foreign_key_checks": "OFF", "unique_checks": "OFF", "cte_max_recursion_depth": "1000000"}
)

#: Comparing rows: nothing is added to or taken from a value.
SUMS = Session("comparing rows", {"sql_mode": "ALLOW_INVALID_DATES"})

#: Comparing definitions.
PRINTED = Session("comparing definitions", {"sql_mode": ""})


def apply_session(lock_wait_seconds: int, *, hurried: bool = False) -> Session:
    """A session that applies groups, waiting so long for a row lock; `hurried`: for a table's lock, too.

    Generated columns are computed, and their expressions read, by its sql_mode, as in the full copy. Without
    binlog_rows_query_log_events = OFF the target logs the text of every BINLOG: 156 kB became 78 MB. In another
    rbr_exec_mode BINLOG passes over a checkpoint row that is not there, which is what fences off an old run.
    """
    return Session(
        "applying transactions",
        {
            "autocommit": "OFF",
            "transaction_isolation": "READ-COMMITTED",
            "sql_mode": "ALLOW_INVALID_DATES,NO_UNSIGNED_SUBTRACTION",
            "innodb_lock_wait_timeout": str(lock_wait_seconds),
            **({"lock_wait_timeout": str(lock_wait_seconds)} if hurried else {}),
            "binlog_rows_query_log_events": "OFF",
            "rbr_exec_mode": "STRICT",
        },
    )


def statement_session(lock_wait_seconds: int, *, hurried: bool = False) -> Session:
    """The same for rows that are applied by statements, whose values must be taken as they are or not at all.

    Nothing of it takes a privilege. 0 in an AUTO_INCREMENT column and every date are values; what does not fit is an
    error, as no event can bring it.
    """
    session = apply_session(lock_wait_seconds, hurried=hurried)
    own = {name: value for name, value in session.own.items() if name not in ("binlog_rows_query_log_events",)}
    return Session("applying transactions by statements", {**own, "sql_mode": STATEMENT_MODE})


def asking_session(milliseconds: int) -> Session:
    """A session for questions that are not worth more time of a server in trouble."""
    return PLAIN.with_("asking what sessions wait for", max_execution_time=str(milliseconds))


def closing_session(lock_wait_seconds: int) -> Session:
    """A session that makes a server read-only: every write waits behind it for as long as it waits.

    It keeps others from changing that meanwhile, no longer than a client lives that says something.
    """
    return PLAIN.with_(
        "making the server read-only",
        lock_wait_timeout=str(lock_wait_seconds),
        wait_timeout=str(CLOSING_IDLE_SECONDS),
    )


def counters_session(lock_wait_seconds: int) -> Session:
    """A session that raises counters, and reads them as they are now."""
    return DEFINITION.with_(
        "raising counters", lock_wait_timeout=str(lock_wait_seconds), information_schema_stats_expiry="0"
    )


def making_keys_session(lock_wait_seconds: int) -> Session:
    """A session that makes foreign keys beside a job that goes on."""
    return DEFINITION.with_("making foreign keys", lock_wait_timeout=str(lock_wait_seconds))


def triggers_session(lock_wait_seconds: int) -> Session:
    """A session that makes triggers, each of which waits for its table."""
    return DEFINITION.with_("making triggers", lock_wait_timeout=str(lock_wait_seconds))


def events_session(sql_mode: str, time_zone: str) -> Session:
    """A session that alters events: some servers store its own sql_mode and time zone with an event."""
    return PLAIN.with_("altering events", sql_mode=sql_mode, time_zone=time_zone, lock_wait_timeout="10")


#: Every use, so that a test can bring each of them about.
ALL = (
    *(PLAIN, DICTIONARY, OBSERVER, LOCKER, SNAPSHOT, ROWS, LOCKED_ROWS, FILTER, DUMP, LOADER, FILLER),
    *(DEFINITION, DDL, PURGE, REPAIRING),
    *(SHOP_WRITER, SHOP_FILL, SUMS, PRINTED, apply_session(20), apply_session(1, hurried=True)),
    *(statement_session(20), statement_session(1, hurried=True)),
    *(asking_session(2500), closing_session(10), counters_session(5)),
    *(triggers_session(5), events_session("", "+00:00")),
)
