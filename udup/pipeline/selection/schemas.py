"""Schemas and accounts that belong to a server itself, or to Udup, and to no job."""

from __future__ import annotations

#: Schemas that belong to a server, never to a job.
SYSTEM_SCHEMAS = frozenset({"mysql", "sys", "information_schema", "performance_schema"})

#: Users of a server itself and its administrator, whose accounts are no job's.
KEPT_USERS = frozenset({"root", "mysql.sys", "mysql.session", "mysql.infoschema"})

#: The schema on the target that holds Udup's own tables.
UDUP_SCHEMA = "udup"


def is_user_schema(schema: str) -> bool:
    """Whether a job without ReplicateDoDb carries this schema."""
    return schema.lower() not in SYSTEM_SCHEMAS and schema.lower() != UDUP_SCHEMA
