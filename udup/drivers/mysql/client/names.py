"""Identifiers: quoting."""

from __future__ import annotations


def quote(name: str) -> str:
    """One identifier in backticks."""
    return "`" + name.replace("`", "``") + "`"


def qualified(schema: str, name: str) -> str:
    return f"{quote(schema)}.{quote(name)}"
