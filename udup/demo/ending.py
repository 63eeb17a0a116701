"""How a demo ends: equal, not equal, failed, or stopped by somebody."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

from udup.base.errors import UdupError
from udup.drivers.mysql.client.connection import MySQLError, describe

#: What a shell says of a program that Ctrl-C ended.
INTERRUPTED = 130

FAILED = 1


def ended(console: Console, demo: Callable[[], int]) -> int:
    """Run a demo and return its exit status; what ends it early is said."""
    try:
        with stoppable():
            return demo()
    except KeyboardInterrupt:
        console.print("stopped; everything is cleaned up")
        return INTERRUPTED
    except UdupError as error:
        reason = str(error)
    except MySQLError as error:
        reason = describe(error)
    console.print(f"the demo failed: {reason}", style="red", highlight=False, markup=False, soft_wrap=True)
    return FAILED


@contextmanager
def stoppable() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the body as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
