"""The session variables that Udup leaves as a server's owner has them, each with the reason.

`sessions.py` has those that it sets. A test asks the running server for all of its session variables and fails for
one that is in neither: a new version's variable is looked at before it can change what Udup does.
"""

from __future__ import annotations

from collections.abc import Mapping

#: By reason. A name may be of one version only.
LEFT_ALONE: Mapping[str, frozenset[str]] = {
    "follows from one that is set": frozenset(
        {"character_set_connection", "character_set_server", "character_set_database", "collation_database"}
    ),
    # Seen on 9.7: with another div_precision_increment in a session that only reads, the application's next UPDATE
    # computed by that one.
    "kept by a table for everybody, from the session that opens it; set by none but those that compute": frozenset(
        {"div_precision_increment", "lc_time_names", "default_week_format", "block_encryption_mode"}
    ),
    "of a single statement; set by the code that runs it, or told by the server": frozenset(
        {"timestamp", "insert_id", "last_insert_id", "identity", "rand_seed1", "rand_seed2", "gtid_owned"}
        | {"error_count", "warning_count", "statement_id", "external_user", "proxy_user", "gtid_next_list"}
        | {"pseudo_thread_id", "pseudo_replica_mode", "pseudo_slave_mode", "original_commit_timestamp"}
        | {"original_server_version", "immediate_server_version"}
    ),
    "a limit that cannot be changed in a session; read, or met by an error that names it": frozenset(
        {"max_allowed_packet", "net_buffer_length", "max_user_connections", "max_tmp_tables"}
    ),
    "how the target writes a log of its own, for its own replicas": frozenset(
        {"binlog_format", "binlog_row_image", "binlog_row_value_options", "binlog_transaction_compression"}
        | {"binlog_transaction_compression_level_zstd", "binlog_direct_non_transactional_updates"}
        | {"transaction_write_set_extraction", "binlog_row_metadata", "group_replication_consistency"}
    ),
    "what an owner logs or measures": frozenset(
        {"sql_log_off", "long_query_time", "min_examined_row_limit", "profiling_history_size", "optimizer_trace"}
        | {"optimizer_trace_features", "optimizer_trace_limit", "optimizer_trace_max_mem_size"}
        | {"optimizer_trace_offset", "global_connection_memory_tracking", "connection_memory_chunk_size"}
        | {"explain_format", "explain_json_format_version", "log_error_suppression_list"}
        | {"audit_log_filter_id", "connection_memory_status_limit"}
    ),
    "memory, threads and places; an answer does not depend on them": frozenset(
        {"bulk_insert_buffer_size", "connection_memory_limit", "histogram_generation_max_mem_size"}
        | {"innodb_ddl_threads", "innodb_parallel_read_threads", "innodb_tmpdir", "internal_tmp_mem_storage_engine"}
        | {"join_buffer_size", "max_heap_table_size", "max_length_for_sort_data", "myisam_sort_buffer_size"}
        | {"preload_buffer_size", "query_alloc_block_size", "query_prealloc_size", "range_alloc_block_size"}
        | {"read_buffer_size", "read_rnd_buffer_size", "select_into_buffer_size", "select_into_disk_sync"}
        | {"select_into_disk_sync_delay", "set_operations_buffer_size", "tmp_table_size", "innodb_ddl_buffer_size"}
        | {"transaction_alloc_block_size", "transaction_prealloc_size", "interactive_timeout", "net_retry_count"}
        | {"thread_pool_high_priority_connection"}
    ),
    "how a plan is made, where every plan gives the same answer": frozenset(
        {"max_seeks_for_key", "myisam_stats_method", "optimizer_max_subgraph_pairs", "max_points_in_geometry"}
        | {"secondary_engine_cost_threshold", "enable_secondary_engine_statistics"}
    ),
    "for statements that Udup does not send": frozenset(
        {"max_delayed_threads", "max_insert_delayed_threads", "max_sp_recursion_depth", "low_priority_updates"}
        | {"innodb_table_locks", "generated_random_password_length", "character_set_filesystem", "new"}
        | {"transaction_allow_batching", "xa_detach_on_prepare", "external_table_storage_engine"}
        | {"external_table_secondary_storage_engine"}
    ),
    "a client that does not ask for it gets nothing of it": frozenset(
        {"session_track_gtids", "session_track_schema", "session_track_state_change"}
        | {"session_track_system_variables", "session_track_transaction_info"}
    ),
    "how the owner's own indexes and tables are kept, as long as their rows are the source's": frozenset(
        {"innodb_ft_enable_stopword", "innodb_ft_user_stopword_table", "innodb_strict_mode"}
    ),
    "part of a DDL's context (drivers/mysql/apply/run_ddl.py) or of what SHOW CREATE prints": frozenset(
        {"default_table_encryption"}
    ),
}

#: Variables of plugins and other engines, by what their names begin with.
LEFT_ALONE_PREFIXES = ("mysqlx_", "ndb_", "rapid_", "audit_log_", "version_tokens_", "debug")

#: Of the variables that Udup's sessions set, those that an account may not set in its own session without
#: SESSION_VARIABLES_ADMIN or SYSTEM_VARIABLES_ADMIN; for `gtid_next` REPLICATION_APPLIER is enough. A test asks the
#: running server. `default_table_encryption`, of a statement's context, may be set to what it is by everybody.
RESTRICTED = frozenset(
    {"binlog_rows_query_log_events", "gtid_next", "max_error_count", "sql_log_bin"}
    | {"sql_generate_invisible_primary_key", "sql_require_primary_key"}
)
