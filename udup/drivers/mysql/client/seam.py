"""No error of the MySQL client, of a socket or of this machine passes a seam: each becomes one of Udup's.

Every method by which the machine uses this driver goes through here, which `tests/drivers/mysql/test_seam.py` holds. A
place that knows more about an error (which table, which transaction) says so before; what is told here is the side.
"""

from __future__ import annotations

import asyncio
import errno
import inspect
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

from udup.base.errors import Side, Transient, UdupError, Unavailable
from udup.drivers.mysql.client.errors import MySQLError, failure

#: What this machine lacks, as against what the network does.
_OF_THE_MACHINE = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EROFS, errno.EIO}
)

#: By what a method is known to go through here.
MARK = "__seam__"

C = TypeVar("C", bound=type)


def at_the_seam(error: Exception, side: Side, where: object) -> UdupError | None:
    """Return what the machine is told of an error; None for what is a fault of Udup itself."""
    match error:
        case UdupError():
            return error.of(side)
        case MySQLError():
            return failure(error, f"on the {side} {where}").of(side)
        case OSError() if error.errno in _OF_THE_MACHINE:
            return Unavailable(f"this machine: {error}").of(Side.NODE)
        case MemoryError():
            return Unavailable(f"this machine has no memory left for what comes from the {side} {where}").of(Side.NODE)
        case RuntimeError() if "start new thread" in str(error):
            return Unavailable(f"this machine: {error}").of(Side.NODE)
        case OSError() | EOFError() | asyncio.TimeoutError():
            text = str(error) or type(error).__name__
            return Unavailable(f"on the {side} {where}: the connection was lost: {text}").of(side)
        case struct.error():
            return Transient(f"on the {side} {where}: an answer that no MySQL server gives: {error}").of(side)
    return None


@contextmanager
def seam(side: Side, where: object) -> Iterator[None]:
    """Raise one of `udup.base.errors` in the place of every other error."""
    try:
        yield
    except Exception as error:
        told = at_the_seam(error, side, where)
        if told is None or told is error:
            raise
        raise told from error


def behind_the_seam(side: Side) -> Callable[[C], C]:
    """Have all public methods of a class raise Udup's errors alone. Its instances have an `endpoint` of their own."""

    def wrap(kind: C) -> C:
        for name, member in list(vars(kind).items()):
            if name.startswith("_") and name != "__iter__":
                continue
            if isinstance(member, property):
                assert member.fget is not None
                setattr(kind, name, property(_wrapped(member.fget, side)))
            elif inspect.isfunction(member):
                setattr(kind, name, _wrapped(member, side))
        return kind

    return wrap


def _wrapped(function: Callable[..., Any], side: Side) -> Callable[..., Any]:
    wrapped: Callable[..., Any]
    if inspect.iscoroutinefunction(function):

        @wraps(function)
        async def wrapped(self: Any, *args: Any, **named: Any) -> Any:
            try:
                return await function(self, *args, **named)
            except Exception as error:  # noqa: BLE001 - raised again
                _raise(error, side, self)

    elif inspect.isgeneratorfunction(function):

        @wraps(function)
        def wrapped(self: Any, *args: Any, **named: Any) -> Any:
            try:
                yield from function(self, *args, **named)
            except Exception as error:  # noqa: BLE001 - raised again
                _raise(error, side, self)

    else:

        @wraps(function)
        def wrapped(self: Any, *args: Any, **named: Any) -> Any:
            try:
                return function(self, *args, **named)
            except Exception as error:  # noqa: BLE001 - raised again
                _raise(error, side, self)

    setattr(wrapped, MARK, side)
    return wrapped


def _raise(error: Exception, side: Side, of: Any) -> None:
    told = at_the_seam(error, side, of.endpoint)
    if told is None or told is error:
        raise error
    raise told from error
