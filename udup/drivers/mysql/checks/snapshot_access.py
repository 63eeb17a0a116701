"""How a full copy comes to its snapshot by what its account may do, and what it lacks where it comes to none.

Without any lock where it sees in performance_schema that commits pause; else under FLUSH TABLES WITH READ LOCK; else,
as on managed servers, under LOCK TABLES … READ of the job's tables (`drivers/mysql/snapshot/`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from udup.base.errors import Fault
from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.client.facts import ServerFacts, may_lock_globally
from udup.drivers.mysql.client.names import quote
from udup.drivers.mysql.dictionary.engines import is_transactional
from udup.drivers.mysql.snapshot.snapshot import sees_commits
from udup.pipeline.checks import SRC, Finding, failed, warned
from udup.pipeline.selection.selection import Selection

_TABLES = (
    "SELECT TABLE_SCHEMA, TABLE_NAME, ENGINE FROM information_schema.TABLES"
    " WHERE TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')"
)

#: Said where nothing has to be done.
_LET_IT = "nothing has to be done; docs/managed-mysql.md says what that lock waits for, and who waits for it"


def snapshot_way(facts: ServerFacts) -> str:
    """Return what is told of a copy that can open its snapshot."""
    if may_lock_globally(facts.privileges):
        return "RELOAD; where the server denies it all the same, LOCK TABLES … READ"
    return (
        f"{facts.account} has not RELOAD: a copy that finds no quiet moment locks its tables by LOCK TABLES … READ for"
        " some milliseconds"
    )


def snapshot_findings(facts: ServerFacts, schemas: Collection[str], *, sees_commits: bool) -> Iterator[Finding]:
    """Yield what is missing for a snapshot of tables in these schemas; `sees_commits`: the account sees them pause."""
    denied = [schema for schema in sorted(schemas) if facts.privileges.missing(("LOCK TABLES",), schema, "*")]
    if not denied or may_lock_globally(facts.privileges):
        return
    grants = "; ".join(f"GRANT LOCK TABLES ON {quote(schema)}.* TO {facts.account}" for schema in denied)
    remedy = f"{grants}; or GRANT RELOAD ON *.* TO {facts.account}"
    lacking = f"{facts.account} has neither RELOAD nor LOCK TABLES on {', '.join(denied)}"
    if sees_commits:
        yield warned(f"{lacking}: on a busy source a snapshot may find no quiet moment, and could not make one", remedy)
    else:
        yield failed(
            f"{lacking}, and may not see in performance_schema whether commits pause: a copy can open no snapshot",
            remedy,
        )


def snapshot_warnings(connection: Connection, facts: ServerFacts, selection: Selection) -> tuple[str, ...]:
    """Return how a full copy of this job comes to its snapshot, where that is not by the global read lock."""
    if may_lock_globally(facts.privileges):
        return ()
    folded, where = selection.folding(facts.folds_names), f"Src {facts.address}"
    schemas = {
        str(schema)
        for schema, name, engine in query(connection, _TABLES)
        if folded.wants(str(schema), str(name)) and is_transactional(str(engine))
    }
    found = snapshot_findings(facts, schemas, sees_commits=sees_commits(connection))
    told = [Fault(where, each.found, each.remedy, SRC) for each in found]
    return tuple(map(str, told or [Fault(where, snapshot_way(facts), _LET_IT, SRC)]))
