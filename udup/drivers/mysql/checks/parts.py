"""Foreign keys that change rows, between two parts of a job that stand apart for a while (`jobs/growth.py`).

Each part is applied by itself, so what CASCADE or SET NULL changes in the other part would be changed at another time
than on the source. So there may be none. One that only checks waits for both (`drivers/mysql/apply/later_keys.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing

from udup.base.endpoint import Endpoint
from udup.base.errors import Fault
from udup.drivers.mysql.client.connection import Connection, connect, query
from udup.drivers.mysql.client.facts import ServerFacts
from udup.drivers.mysql.dictionary.claims import read_claims
from udup.drivers.mysql.dictionary.crossing import acting_fault, crossing
from udup.pipeline.checks import BETWEEN_PARTS, DEST, SRC, Check, Outcome
from udup.pipeline.ports import JobPlan, Scope
from udup.pipeline.selection.selection import Selection

_REMEDY = (
    "have both in one step: reload both (udup job reload ID {child} {parent}); or take out of ReplicateDoDb the one"
    " that the job has, then add both in one document with DropTableIfExists"
)

_KEYS = (
    "SELECT CONSTRAINT_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, UNIQUE_CONSTRAINT_SCHEMA, REFERENCED_TABLE_NAME"
    " FROM information_schema.REFERENTIAL_CONSTRAINTS"
    " WHERE UPDATE_RULE NOT IN ('RESTRICT', 'NO ACTION') OR DELETE_RULE NOT IN ('RESTRICT', 'NO ACTION')"
)


def part_checks(connection: Connection, facts: ServerFacts, scope: Scope) -> list[Check]:
    """Return the checks of a part of a job, none of a job that is whole."""
    return [
        Check(SRC, BETWEEN_PARTS, Outcome.FAIL, fault.problem, fault.remedy)
        for fault in part_faults(connection, facts, scope)
    ]


def part_faults(connection: Connection, facts: ServerFacts, scope: Scope) -> list[Fault]:
    """Return what speaks against a part of a job, beside which the job has other tables."""
    if scope.apart is None or not scope.apart.is_new:
        return []
    one, other = (each.folding(facts.folds_names) for each in (scope.selection, scope.apart.other))
    found = []
    for row in query(connection, _KEYS):
        schema, table, name, parent_schema, parent = map(str, row)
        ends = (schema, table), (parent_schema, parent)
        if (one.wants(*ends[0]) and other.wants(*ends[1])) or (one.wants(*ends[1]) and other.wants(*ends[0])):
            child, of = ".".join(ends[0]), ".".join(ends[1])
            problem = (
                f"the foreign key {name} of {child} refers to {of} with CASCADE or SET NULL, and the two would come by"
                " themselves for a while"
            )
            found.append(Fault(f"Src {facts.address}", problem, _REMEDY.format(child=child, parent=of), SRC))
    return found


def tied_checks(connection: Connection, plan: JobPlan, tables: Iterable[tuple[str, str]]) -> list[Check]:
    """Return the same of the target, where a key may be of which the source says nothing; `tables` as it has them."""
    if plan.scope.apart is None or not plan.scope.apart.is_new:
        return []
    part = set(tables)
    own = {each.table for each in read_claims(connection) if each.job == plan.scope.apart.job} - part
    keys = (key for key in crossing(connection, own, part) if key.acts and (plan.fill_existing or key.child in own))
    faults = [acting_fault("", key) for key in keys]
    return [Check(DEST, BETWEEN_PARTS, Outcome.FAIL, fault.problem, fault.remedy) for fault in faults]


def with_tied(endpoint: Endpoint, selection: Selection, tables: Sequence[str]) -> tuple[str, ...]:
    """Return these tables of a source, and those that foreign keys which change rows tie to them: all in one step."""
    if not tables:
        return ()
    with closing(connect(endpoint)) as connection:
        rows = [tuple(map(str, row)) for row in query(connection, _KEYS)]
    pairs = [((schema, table), (parent_schema, parent)) for schema, table, _, parent_schema, parent in rows]
    tied = [{".".join(end) for end in ends} for ends in pairs if all(selection.wants(*end) for end in ends)]
    found, before = set(tables), 0
    while len(found) > before:
        before = len(found)
        found = found.union(*(ends for ends in tied if ends & found))
    return (*tables, *sorted(found - set(tables)))
