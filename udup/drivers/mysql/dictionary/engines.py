"""Storage engines by what they do for replication: whether a table's rows take part in transactions.

Names are compared in lower case, as information_schema.TABLES gives them in any.
"""

from __future__ import annotations

#: Rows are undone with their transaction, and are seen as of a snapshot. BLACKHOLE keeps none.
TRANSACTIONAL = frozenset({"innodb", "rocksdb", "blackhole"})

#: Rows of a MERGE table are those of its MyISAM tables.
MERGE = "mrg_myisam"

#: Rows stay whatever becomes of their transaction. Aria is MariaDB's.
NON_TRANSACTIONAL = frozenset({"myisam", "aria", "memory", "csv", "archive", MERGE})

#: Other words for them, as ENGINE = … takes them.
SYNONYMS = {"merge": MERGE, "heap": "memory"}


def engine_named(word: str) -> str:
    """Return the engine that ENGINE = `word` means, in lower case."""
    lower = word.lower()
    return SYNONYMS.get(lower, lower)


def is_transactional(engine: str) -> bool:
    return engine_named(engine) in TRANSACTIONAL


def is_non_transactional(engine: str) -> bool:
    """Return whether it is one of those whose tables are carried with care; others (FEDERATED, NDB) are neither."""
    return engine_named(engine) in NON_TRANSACTIONAL
