"""The place of a job's cut-over on the old server: by a named lock, who changes it finds and ends who did before.

`prove` raises where another has the cut-over by now. Whoever ends a connection reads whose it is before that, and
proves itself once more when it has the place: so of two that come in any order the newer one alone changes anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from udup.base import runtime
from udup.base.errors import Contended, Superseded, UdupError
from udup.drivers.mysql.apply.ownership import lock_name
from udup.drivers.mysql.client.connection import Connection, scalar
from udup.drivers.mysql.client.processes import end_session

PLACE = "cutover"

#: Seconds until a place is free whose connection was ended.
_SECONDS = 10


@dataclass(frozen=True)
class CutoverPlace:
    job: str
    prove: Callable[[], None]

    def take(self, connection: Connection, *, unproven: bool = False) -> None:
        """Take it for as long as the connection lives; `unproven`: where it is free, also while nothing can be proven.

        `Superseded` if another has the cut-over; `Contended` if the place does not become free.
        """
        name, end = lock_name(self.job, PLACE), runtime.now() + _SECONDS
        while True:
            holder = scalar(connection, "SELECT IS_USED_LOCK(%s)", name)
            if self._is_proven(unproven=unproven) and holder is not None:
                end_session(connection, int(holder))
            if scalar(connection, "SELECT GET_LOCK(%s, 1)", name) == 1:
                break
            if runtime.now() > end:
                raise Contended(f"another connection carries on the cut-over of job {self.job}: KILL {holder} ends it")
        self._is_proven(unproven=unproven)

    def _is_proven(self, *, unproven: bool) -> bool:
        try:
            self.prove()
        except Superseded:
            raise
        except UdupError as error:
            if unproven and error.kind.passes:
                return False
            raise
        return True
