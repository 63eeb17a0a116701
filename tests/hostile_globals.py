"""Global settings under which a session of a server's own making does almost nothing right.

They are set while the server runs, so that its start and its own threads are spared; whoever connects afterwards and
takes what he gets has three rows of every answer, a millisecond for it, and no right to write.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace

from udup.base.endpoint import Endpoint
from udup.drivers.mysql.client.connection import Connection, connect, query

#: Variable and SQL value. One that a server does not have is passed over.
HOSTILE: Mapping[str, str] = {
    "sql_select_limit": "3",
    "max_join_size": "1",
    "sql_big_selects": "0",
    "max_execution_time": "1",
    "group_concat_max_len": "4",
    "max_sort_length": "4",
    "max_error_count": "0",
    "parser_max_mem_size": "10000000",
    "cte_max_recursion_depth": "0",
    "autocommit": "0",
    "transaction_read_only": "1",
    "wait_timeout": "1",
    "interactive_timeout": "1",
    "net_read_timeout": "1",
    "net_write_timeout": "1",
    "lock_wait_timeout": "1",
    "innodb_lock_wait_timeout": "1",
    "connect_timeout": "2",
    "lc_messages": "'de_DE'",
    "windowing_use_high_precision": "0",
    "sql_auto_is_null": "1",
    "sql_safe_updates": "1",
    "updatable_views_with_limit": "0",
    "auto_increment_increment": "3",
    "auto_increment_offset": "2",
    "foreign_key_checks": "0",
    "unique_checks": "0",
    "default_tmp_storage_engine": "'MyISAM'",
    "internal_tmp_mem_storage_engine": "'MEMORY'",
    "keep_files_on_create": "1",
    "old_alter_table": "1",
    "low_priority_updates": "1",
    "explicit_defaults_for_timestamp": "0",
    "sql_require_primary_key": "1",
    "sql_generate_invisible_primary_key": "1",
    "default_collation_for_utf8mb4": "utf8mb4_general_ci",
    "sql_quote_show_create": "0",
    "show_create_table_verbosity": "1",
    "show_gipk_in_create_table_and_information_schema": "0",
    "print_identified_with_as_hex": "0",
    "information_schema_stats_expiry": "31536000",
    "terminology_use_previous": "'BEFORE_8_0_26'",
    "end_markers_in_json": "1",
    "sql_notes": "0",
    "sql_warnings": "1",
    "optimizer_switch": (
        "'use_invisible_indexes=on,mrr_cost_based=off,batched_key_access=on,derived_merge=off,semijoin=off,"
        "prefer_ordering_index=off,index_condition_pushdown=off,materialization=off'"
    ),
    "optimizer_prune_level": "0",
    "optimizer_search_depth": "1",
    "range_optimizer_max_mem_size": "1",
    "eq_range_index_dive_limit": "1",
    "sort_buffer_size": "32768",
    "join_buffer_size": "128",
    "tmp_table_size": "1024",
    "max_heap_table_size": "16384",
    "big_tables": "1",
    "sql_buffer_result": "1",
    "session_track_gtids": "'ALL_GTIDS'",
    "session_track_transaction_info": "'CHARACTERISTICS'",
    "session_track_state_change": "1",
}

#: What only one side has.
HOSTILE_SOURCE = HOSTILE | {
    "completion_type": "1",
    "transaction_isolation": "'READ-UNCOMMITTED'",
    "sql_mode": "'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PAD_CHAR_TO_FULL_LENGTH,HIGH_NOT_PRECEDENCE,REAL_AS_FLOAT'",
    "character_set_server": "'utf16'",
    "collation_server": "'utf16_turkish_ci'",
    "collation_connection": "'latin1_german2_ci'",
    "character_set_results": "'latin1'",
    "time_zone": "'+05:30'",
    "lc_time_names": "'fr_FR'",
}
HOSTILE_TARGET = HOSTILE | {
    # In no log; whoever computes by them on the source has the source's own, which are those of an ordinary server.
    "div_precision_increment": "0",
    "default_week_format": "5",
    "block_encryption_mode": "'aes-256-cbc'",
    "completion_type": "2",
    "transaction_isolation": "'SERIALIZABLE'",
    "sql_mode": (
        "'ANSI,TRADITIONAL,NO_BACKSLASH_ESCAPES,PAD_CHAR_TO_FULL_LENGTH,NO_AUTO_VALUE_ON_ZERO,HIGH_NOT_PRECEDENCE,"
        "TIME_TRUNCATE_FRACTIONAL,NO_DIR_IN_CREATE'"
    ),
    "character_set_server": "'latin1'",
    "collation_server": "'latin1_german2_ci'",
    "collation_connection": "'latin1_german2_ci'",
    "character_set_results": "'latin1'",
    "time_zone": "'-09:00'",
    "lc_time_names": "'de_DE'",
    "enable_cascade_triggers": "1",
    "binlog_format": "'MIXED'",
    "binlog_rows_query_log_events": "1",
}


#: What `init_connect` does on top, to everyone without CONNECTION_ADMIN; some of it no global setting can.
HOSTILE_START: Mapping[str, str] = {
    "sql_select_limit": "0",
    "autocommit": "0",
    "completion_type": "2",
    "rbr_exec_mode": "'IDEMPOTENT'",
    "sql_log_bin": "0",
    "collation_connection": "'ucs2_general_ci'",
    "character_set_results": "'latin1'",
    "sql_mode": "'NO_BACKSLASH_ESCAPES'",
    "use_secondary_engine": "'FORCED'",
    "show_create_table_skip_secondary_engine": "1",
}

#: What only MariaDB has, on both sides.
HOSTILE_MARIADB: Mapping[str, str] = {
    "max_statement_time": "0.001",
    "tx_read_only": "1",
    "tx_isolation": "'READ-UNCOMMITTED'",
    "check_constraint_checks": "0",
    "alter_algorithm": "'NOCOPY'",
    "binlog_annotate_row_events": "1",
    "optimizer_switch": "'mrr_cost_based=off,derived_merge=off,semijoin=off,materialization=off'",
    "idle_transaction_timeout": "1",
    "idle_write_transaction_timeout": "1",
    "note_verbosity": "''",
    "sql_if_exists": "1",
    "character_set_collations": "'utf8mb4=utf8mb4_general_ci,latin1=latin1_german2_ci'",
}

#: Words of values that MySQL 8 alone has, and what no older one takes at all while it runs.
_OF_MYSQL_8 = (",TIME_TRUNCATE_FRACTIONAL", "use_invisible_indexes=on,", "prefer_ordering_index=off,")
_DERIVED_MERGE, _READ_ONLY_ONCE = "derived_merge=off,", "explicit_defaults_for_timestamp"


def account_that_starts_hostile(endpoint: Endpoint, name: str) -> Endpoint:
    """An account with every right but that of being spared `init_connect`; with that one, too, on a MySQL 5."""
    with closing(connect(endpoint)) as connection:
        account = f"{name}@'127.0.0.1'"
        if not connection.is_mariadb and connection.version < (8, 0, 0):  # BINLOG needs SUPER there
            query(connection, f"GRANT ALL ON *.* TO {account} IDENTIFIED BY 'x' WITH GRANT OPTION")
            return replace(endpoint, user=name, password="x")
        spared = "CONNECTION ADMIN" if connection.is_mariadb else "CONNECTION_ADMIN"
        for statement in (
            f"CREATE USER IF NOT EXISTS {account} IDENTIFIED BY 'x'",
            f"GRANT ALL ON *.* TO {account} WITH GRANT OPTION",
            f"REVOKE SUPER, {spared} ON *.* FROM {account}",
            f"SET GLOBAL init_connect = {connection.escape(_start(connection, HOSTILE_START))}",
        ):
            query(connection, statement)
    return replace(endpoint, user=name, password="x")


def _start(connection: Connection, settings: Mapping[str, str]) -> str:
    """The statement that sets what the server has."""
    present = {str(name) for name, _ in query(connection, "SHOW SESSION VARIABLES")}
    return "SET " + ", ".join(f"{name} = {value}" for name, value in settings.items() if name in present)


#: What an account of a managed server may not set in its own session, so that a server that has it takes no job.
_RESTRICTED = (
    *("sql_require_primary_key", "sql_generate_invisible_primary_key", "binlog_rows_query_log_events"),
    *("max_error_count", "parser_max_mem_size"),
)


def hostile_to_managed(endpoint: Endpoint, account: Endpoint) -> dict[str, str]:
    """Return what may be hostile to an account that may set no restricted variable; its sessions begin hostile too."""
    start = {name: value for name, value in HOSTILE_START.items() if name != "sql_log_bin"}
    with closing(connect(endpoint)) as connection:
        query(connection, f"SET GLOBAL init_connect = {connection.escape(_start(connection, start))}")
    assert account.user != endpoint.user, "whoever may do everything is spared"
    return {name: value for name, value in HOSTILE_TARGET.items() if name not in _RESTRICTED}


def set_globals(endpoint: Endpoint, settings: Mapping[str, str]) -> None:
    """For the sessions that begin from now on."""
    with closing(connect(endpoint)) as connection:
        present = {str(name) for name, _ in query(connection, "SHOW GLOBAL VARIABLES")}
        for name, value in _taken(connection, settings).items():
            if name in present:
                query(connection, f"SET GLOBAL {name} = {value}")


def _taken(connection: Connection, settings: Mapping[str, str]) -> dict[str, str]:
    """Settings in values that the server has."""
    taken = dict(settings)
    old = not connection.is_mariadb and connection.version < (8, 0, 0)
    if old or connection.is_mariadb:
        for word in (*_OF_MYSQL_8, _DERIVED_MERGE):
            taken = {name: value.replace(word, "") for name, value in taken.items()}
    if old:
        taken.pop(_READ_ONLY_ONCE, None)
    return taken | HOSTILE_MARIADB if connection.is_mariadb else taken
