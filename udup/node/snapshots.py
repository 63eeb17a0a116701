"""Tables of which a subscription is to deliver the rows once more, looked at before the job hears of it."""

from __future__ import annotations

from collections.abc import Sequence

from udup.base.errors import Fault, Refused, UdupError
from udup.jobs import JobRecord
from udup.node.aside import Aside, NoAnswer
from udup.node.ends import Ends
from udup.node.servers import Asked
from udup.pipeline.checks import SRC

#: Seconds for the source's answer, and questions at a time.
SECONDS, PLACES = 10.0, 2


class SnapshotChecks:
    """Asks sources whether they have the tables that are named: of one that is not there no row would ever come."""

    def __init__(self, ends: Ends, seconds: float = SECONDS) -> None:
        self._ends = ends
        self._aside = Aside("sources are asked for their tables", PLACES, seconds)

    def check(self, record: JobRecord, tables: Sequence[str]) -> None:
        """Raise `Refused` for tables that the source does not have.

        What the job does not choose is the supervisor's to refuse. A source that cannot be asked refuses nothing: the
        wish is kept until it is back.
        """
        asked = Asked(record.spec(), record.document, record.start)
        plan = asked.plan
        wants = plan.scope.selection.wants
        chosen = [each for each in tables if "." in each and wants(*each.split(".", 1))]
        if plan.target.delivery is None or len(chosen) < len(tables):
            return
        try:
            found = self._aside.ask(lambda: self._ends.tables(asked))
        except (NoAnswer, UdupError):
            return
        there = {f"{schema}.{name}" for schema, name in found}
        folded = {each.lower() for each in there}
        if missing := [each for each in chosen if each not in there and each.lower() not in folded]:
            problem = f"the source has no table {', '.join(map(repr, missing))}"
            raise Refused([Fault("table", problem, "name base tables as the source has them, SCHEMA.TABLE", SRC)])
