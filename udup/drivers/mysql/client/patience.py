"""Waiting for a metadata lock: in short goes, with nothing held meanwhile.

A statement of ours that waits behind the application's ALTER or LOCK TABLES keeps nobody waiting as long as its session
holds no lock; but a long wait looks like a hang, and the run's end must be heard in between.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pymysql.constants import ER

from udup.drivers.mysql.client.connection import MySQLError, error_code

#: Seconds that one try waits, and how many there are: what holds a table for longer is told as what it is.
LOCK_SECONDS, LOCK_TRIES = 5, 120

SESSION = f"SET SESSION lock_wait_timeout = {LOCK_SECONDS}"

T = TypeVar("T")


def patiently(statement: Callable[[], T]) -> T:
    """Run a statement that takes a table's metadata lock; one that was not granted is asked for again."""
    for _ in range(LOCK_TRIES - 1):
        try:
            return statement()
        except MySQLError as error:
            if error_code(error) != ER.LOCK_WAIT_TIMEOUT:
                raise
    return statement()
