"""MySQL's errors on the source's side as Udup's own: no driver's error passes a seam."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from udup.drivers.mysql.client.errors import MySQLError, failure


@contextmanager
def source_errors() -> Iterator[None]:
    """Raise one of `udup.base.errors` in the place of an error of the MySQL client."""
    try:
        yield
    except MySQLError as error:
        raise failure(error, "on the source") from error
