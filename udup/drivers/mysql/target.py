"""A MySQL server as the target of jobs: the parts of the driver that the machine is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from udup.base.endpoint import Endpoint
from udup.base.errors import Side
from udup.drivers.mysql.apply import unsure
from udup.drivers.mysql.apply.checkpoint_reading import MySQLCheckpointReader, read_executed
from udup.drivers.mysql.apply.control import MySQLControl
from udup.drivers.mysql.apply.purge import purge
from udup.drivers.mysql.apply.session import MySQLSession
from udup.drivers.mysql.apply.skip import skip
from udup.drivers.mysql.apply.table_look import look_at_tables
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.seam import behind_the_seam
from udup.drivers.mysql.load.row_loader import MySQLRowLoader
from udup.pipeline.ports import ApplyMode, ControlSettings
from udup.pipeline.ports.tables import TableNames, TablesOnTarget


@behind_the_seam(Side.TARGET)
@dataclass(frozen=True)
class MySQLTarget:
    """`Target` of `pipeline/ports/`. Holds no connection. `mode`: how rows get there."""

    endpoint: Endpoint
    mode: ApplyMode = ApplyMode.BY_PRIVILEGE

    @property
    def where(self) -> str:
        return str(self.endpoint)

    def position(self, text: str) -> GtidSet:
        return GtidSet.parse(text)

    def open_control(self, settings: ControlSettings) -> MySQLControl:
        return MySQLControl(self.endpoint, settings, self.mode)

    def executed(self, job: str) -> GtidSet | None:
        return read_executed(self.endpoint, job)

    def look_at_tables(self, job: str, side: str, names: Sequence[TableNames]) -> TablesOnTarget:
        return look_at_tables(self.endpoint, job, side, names)

    def open_checkpoint(self, job: str) -> MySQLCheckpointReader:
        return MySQLCheckpointReader(self.endpoint, job)

    def open_session(self, job: str, slot: int) -> MySQLSession:
        return MySQLSession(self.endpoint, job, slot, self.mode)

    def open_loader(self, job: str, slot: int, instructions: bytes) -> MySQLRowLoader:
        return MySQLRowLoader(self.endpoint, job, slot, instructions)

    def purge(self, job: str, number: int = 0) -> None:
        purge(self.endpoint, job, number)

    def settle(self, job: str, gtid: str, *, applied: bool) -> None:
        unsure.settle(self.endpoint, job, gtid, applied=applied)

    def skip(self, job: str, gtid: str, kept: str) -> bool:
        return skip(self.endpoint, job, gtid, kept)
