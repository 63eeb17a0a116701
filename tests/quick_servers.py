"""Servers of tests that nobody cuts the power of: they answer a commit when the kernel has it.

What a server has committed survives its own death by any signal, as always, and no longer a machine's; on a disk that
others write to, definitions are five times as fast. That goes for the tests of faults, too: they kill processes. The
demo and the soak test use servers as they come.
"""

from __future__ import annotations

from collections.abc import Mapping

QUICK: Mapping[str, str | int] = {
    "sync-binlog": 0,
    "innodb-flush-log-at-trx-commit": 2,
    "innodb-flush-method": "nosync",
}
