"""Which schemas and tables a job carries (ReplicateDoDb)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

from udup.mysql.names import is_user_schema


@dataclass(frozen=True)
class Selection:
    """`schemas` maps a schema to its chosen tables, or to None for all of them; None as a whole: every user schema.

    Names are compared exactly, as the source server writes them into its binary log.
    """

    schemas: dict[str, frozenset[str] | None] | None = None

    @classmethod
    def of(cls, entries: Iterable[tuple[str, Iterable[str]]]) -> Selection:
        """From (schema, tables) pairs; no tables means the whole schema, no pairs the whole server."""
        chosen: dict[str, frozenset[str] | None] = {}
        for schema, tables in entries:
            names = frozenset(tables)
            before = chosen.get(schema, frozenset())
            chosen[schema] = before | names if names and before is not None else None
        return cls(chosen or None)

    @property
    def digest(self) -> str:
        """The same for equal selections only."""
        chosen = None if self.schemas is None else sorted((k, sorted(v or ())) for k, v in self.schemas.items())
        return hashlib.sha256(json.dumps(chosen).encode()).hexdigest()

    def wants_schema(self, schema: str) -> bool:
        """Whether at least a part of the schema is in the job."""
        if self.schemas is None:
            return is_user_schema(schema)
        return schema in self.schemas

    def wants_whole_schema(self, schema: str) -> bool:
        """Whether everything in the schema is in the job, so that its own DDL is too."""
        if self.schemas is None:
            return is_user_schema(schema)
        return schema in self.schemas and self.schemas[schema] is None

    def wants(self, schema: str, table: str) -> bool:
        if self.schemas is None:
            return is_user_schema(schema)
        if schema not in self.schemas:
            return False
        tables = self.schemas[schema]
        return tables is None or table in tables
