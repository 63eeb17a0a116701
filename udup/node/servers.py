"""A job's two servers as one node reaches them: what is asked of them for clients, outside of any run.

A job is named by its document, since that travels to another node (`ends.py`), and what it refers to (`env:`, `file:`)
is of the machine that asks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from udup.base import runtime
from udup.base.errors import Fault, UdupError
from udup.jobs import JobSpec
from udup.jobs.beginning_again import check_of
from udup.jobs.document.local import local_faults
from udup.jobs.growth import Growth
from udup.jobs.plan import plan_by, plan_of
from udup.jobs.start import DecidedStart
from udup.node.own_sink import own_sink_checks
from udup.pipeline.checks import BOTH, Check, Outcome
from udup.pipeline.deliver.delivered import JobEnd
from udup.pipeline.ownership import Known
from udup.pipeline.ports import Beginning, Drivers, JobPlan, StartPoint
from udup.pipeline.ports.compare import LedgerRow
from udup.pipeline.ports.inspect import TableSize
from udup.pipeline.ports.rows import RowSeen
from udup.pipeline.ports.tables import TableNames, TablesOnTarget
from udup.pipeline.transport.address import of_job, shown
from udup.pipeline.transport.link import reach

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Asked:
    """Whose servers are asked. `start`: where it begins, if that is decided; `begins_at` if it is not.

    `after` is what of the source is applied, where the source is asked by a node that does not reach the target.
    `growth` is how the job's tables change; `of_side`: the new ones are asked about, as the side job's.
    """

    spec: JobSpec
    document: Json
    start: DecidedStart | None = None
    begins_at: StartPoint | None = None
    after: str | None = None
    growth: Growth | None = None
    of_side: bool = False

    @property
    def plan(self) -> JobPlan:
        """Return the job as it would be carried out: a start that its older version did not look at means nothing."""
        plan = replace(plan_of(self.spec, self.start), start_at=self.begins_at)
        plan = plan_by(plan, self.growth, is_side=self.of_side)
        return plan if self.after is None else replace(plan, start_after=self.after, start_at=None)


@dataclass(frozen=True)
class Looked:
    """Every check that a start would make, and what of the source the target has (None: nothing, or not to be seen)."""

    checks: tuple[Check, ...]
    executed: str | None = None


class Servers:
    """`known` is this node and its jobs, `nats_url` its own NATS. Each method may wait for a server."""

    def __init__(self, drivers: Drivers, known: Callable[[], Known], nats_url: str) -> None:
        self._drivers, self._known, self._nats_url = drivers, known, nats_url

    def look(self, asked: Asked) -> Looked:
        """Return every check of both servers, and of the NATS server that the job names."""
        plan = asked.plan
        own = of_job(self._nats_url, asked.spec.nats_addr)
        named = "" if own == self._nats_url else own
        checks = [*told_checks(self._drivers, plan, self._known(), self._nats_url), *nats_checks(named)]
        return Looked(tuple(checks))

    def look_apart(self, asked: Asked) -> Looked:
        """Return the same, and what of the source is there: for a node that looks at the source."""
        looked = self.look(asked)
        try:
            return replace(looked, executed=self.applied(asked))
        except UdupError:
            return looked  # the checks say why

    def find_start(self, asked: Asked) -> Beginning:
        plan = asked.plan
        assert plan.start_at is not None
        return self._drivers.source(plan.source).find_start(plan.start_at)

    def executed(self, asked: Asked) -> str:
        """Return what the source has executed."""
        return str(self._drivers.source(asked.plan.source).executed())

    def applied(self, asked: Asked) -> str | None:
        """Return what of that the target has."""
        found = JobEnd(self._drivers, asked.plan, self._nats_url).executed()
        return None if found is None else str(found)

    def tables(self, asked: Asked) -> list[tuple[str, str]]:
        """Return the job's tables as its source has them."""
        plan = asked.plan
        return [
            (schema, name) for schema, name, *_ in self._drivers.source(plan.source).tables(plan.scope, None).tables
        ]

    def sizes(self, asked: Asked) -> list[TableSize]:
        """Return about how large the job's tables are on its source; nothing where that is not told in time."""
        plan = asked.plan
        return list(self._drivers.inspector(plan.source).sizes(plan.scope.selection))

    def row(self, asked: Asked, schema: str, table: str, key: str) -> RowSeen | None:
        """Return a row of the job's ledger as its two servers have it now."""
        plan = asked.plan
        rows = self._drivers.rows(plan.source, plan.target, plan.scope.selection, plan.job)
        return rows.read(schema, table, key)

    def on_target(self, asked: Asked, side: str, names: Sequence[Sequence[str]]) -> TablesOnTarget:
        """Return what the target keeps of tables of the job and of its side job, by their names on the source."""
        plan = asked.plan
        renamed = plan.scope.selection.renamed_table
        named = [TableNames(schema, table, *renamed(schema, table)) for schema, table in names]
        return self._drivers.target(plan.target).look_at_tables(plan.job, side, named)

    def differences(self, asked: Asked, after: str, limit: int) -> list[LedgerRow]:
        """Return rows of the job's ledger on the target."""
        plan = asked.plan
        return self._drivers.ledger(plan.target, plan.job).page(after, limit)

    def skip(self, asked: Asked, gtid: str, kept: str) -> bool:
        """Pass over a transaction on the target; return whether it was not there already."""
        plan = asked.plan
        return self._drivers.target(plan.target).skip(plan.job, gtid, kept)

    def settle(self, asked: Asked, gtid: str, applied: bool) -> None:
        plan = asked.plan
        self._drivers.target(plan.target).settle(plan.job, gtid, applied=applied)

    def local_faults(self, asked: Asked) -> list[Fault]:
        """Return what is wrong with the secrets and files of this machine that the job names."""
        return list(local_faults(asked.spec))


def told_checks(drivers: Drivers, plan: JobPlan, known: Known, nats_url: str) -> list[Check]:
    """Return every check of a job; what to do for a subscription is no copy to a database.

    `nats_url` is the node's own, of which drivers know nothing.
    """
    checks = [*drivers.validate(plan, known), *own_sink_checks(drivers, plan, nats_url)]
    return checks if plan.target.delivery is None else [check_of(plan.job, each) for each in checks]


def nats_checks(url: str) -> list[Check]:
    """Return whether the NATS server that a job names lets somebody in now; nothing for the node's own ("")."""
    if not url:
        return []
    try:
        runtime.run_loop(reach(url, "udup check of a document"))
    except UdupError as error:
        remedy = "look at NatsAddr, and that a NATS server listens there; without NatsAddr the node's own is used"
        return [Check(BOTH, "nats", Outcome.FAIL, str(error), remedy)]
    return [Check(BOTH, "nats", Outcome.PASS, shown(url))]
