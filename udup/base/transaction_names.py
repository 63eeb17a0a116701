"""A transaction's name, as its source's users write it, and its two halves: who numbers it, and the number.

MySQL's is `uuid:42` or `uuid:tag:42`; MariaDB's `0-1-42`, whose first half is domain and server, `0-1`.
"""

from __future__ import annotations


def transaction_name(source: str, number: int) -> str:
    """Return the name of the transaction with this number."""
    return f"{source}{'-' if _is_domain_and_server(source) else ':'}{number}"


def origin_and_number(name: str) -> tuple[str, int]:
    """Return who numbers a transaction, and its number; ValueError for what is no name."""
    source, _, number = name.rpartition(":" if ":" in name else "-")
    return source, int(number)


def _is_domain_and_server(source: str) -> bool:
    return source.count("-") == 1 and source.replace("-", "").isdecimal()
