"""MySQL as a target (`pipeline/ports.py`)."""

from __future__ import annotations

from udup.base.endpoint import Endpoint
from udup.drivers.mysql.apply import purge, unsure


class MySQLTarget:
    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    @property
    def where(self) -> str:
        return str(self._endpoint)

    def purge(self, job: str) -> None:
        purge.purge(self._endpoint, job)

    def settle(self, job: str, gtid: str, *, applied: bool) -> None:
        unsure.settle(self._endpoint, job, gtid, applied=applied)
