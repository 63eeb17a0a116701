"""The words that a destination of messages may have as values."""

from __future__ import annotations

from enum import StrEnum

#: What Debezium's `snapshot.mode` is called here.
_SNAPSHOT_MODES = {
    "initial": "initial",
    "initial_only": "only",
    "no_data": "never",
    "schema_only": "never",
    "never": "never",
}


class SnapshotWord(StrEnum):
    INITIAL = "initial"
    NEVER = "never"
    ONLY = "only"


class FormatWord(StrEnum):
    DEBEZIUM = "debezium"
    FLAT = "flat"
    CLOUDEVENTS = "cloudevents"


class LargeWord(StrEnum):
    FAIL = "fail"
    CLAIM = "claim"
    SKIP_VALUES = "skip-values"


class ValuesWord(StrEnum):
    DEBEZIUM = "debezium"
    EXACT = "exact"


class StorageWord(StrEnum):
    FILE = "file"
    MEMORY = "memory"


class DiscardWord(StrEnum):
    OLD = "old"
    NEW = "new"


class StreamCompression(StrEnum):
    S2 = "s2"
    NONE = "none"


class Protocol(StrEnum):
    PLAINTEXT = "PLAINTEXT"
    SSL = "SSL"
    SASL_PLAINTEXT = "SASL_PLAINTEXT"
    SASL_SSL = "SASL_SSL"


class Mechanism(StrEnum):
    PLAIN = "PLAIN"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    SCRAM_SHA_512 = "SCRAM-SHA-512"


class BatchCompression(StrEnum):
    NONE = "none"
    GZIP = "gzip"
    SNAPPY = "snappy"
    LZ4 = "lz4"
    ZSTD = "zstd"


class ConverterWord(StrEnum):
    JSON = "json"


def snapshot_of(mode: str) -> SnapshotWord | None:
    """Return what Debezium's `snapshot.mode` is called here; None for what is no mode."""
    word = _SNAPSHOT_MODES.get(mode.strip().lower())
    return None if word is None else SnapshotWord(word)
