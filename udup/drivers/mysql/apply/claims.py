"""A job's claims on the target: the tables that it keeps current, each of which no other job may write.

`udup.claim` has one row a table, by its name, so that the server itself lets only one of two jobs have it. A run claims
the source's tables when it begins, before anything is touched; definitions in the log that make, rename or drop tables
change the claims with them. Claims go with the checkpoint (purge); those of a job that was deleted on this node go when
another one wants the table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from udup.base.errors import Contended, Fault, Refused
from udup.drivers.mysql.client.connection import Connection, MySQLError, error_code, query, scalar
from udup.drivers.mysql.ddl.statement import Kind, Statement
from udup.drivers.mysql.dictionary.claims import TABLE, by_job, read_claims, remedy
from udup.pipeline.ownership import Claim, Known, TableName
from udup.pipeline.selection.schemas import UDUP_SCHEMA

CREATE = f"""CREATE TABLE IF NOT EXISTS {UDUP_SCHEMA}.{TABLE} (
        table_schema VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        table_name VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        job VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        source_uuid CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        source_schema VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        source_table VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        source VARCHAR(250) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        node VARCHAR(250) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        since TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
        PRIMARY KEY (table_schema, table_name),
        KEY (job)
    ) ENGINE=InnoDB ROW_FORMAT=DYNAMIC COMMENT='Which job keeps which table current.'"""

_COLUMNS = "table_schema, table_name, job, source_uuid, source_schema, source_table, source, node"

#: Claims written by one statement.
_AT_A_TIME = 500

_DUPLICATE = 1062


@dataclass
class Claims:
    """`where` names the target for people; `source_uuid` and `source` are told by the extractor."""

    job: str
    known: Known
    where: str
    source_uuid: str = ""
    source: str = ""
    folds: bool | None = None  # until the target was asked
    begun_at: int = 0  # by the target's clock (s since 1970), which may be set back while the run lasts
    found: frozenset[tuple[str, TableName]] = frozenset()  # what jobs had claimed when the run began

    def begin(self, connection: Connection, tables: Mapping[TableName, TableName], *, all_of_them: bool) -> None:
        """Claim target tables, each with its source's name. `Refused` if another job has any.

        `all_of_them`: the job has no others. Otherwise those of before stay, which the log may still speak of.
        """
        tables = {self._key(connection, name): origin for name, origin in tables.items()}
        self.begun_at = int(scalar(connection, "SELECT UNIX_TIMESTAMP()")) - 1
        claims = read_claims(connection)
        self.found = frozenset((claim.job, claim.table) for claim in claims)
        self._check(connection, [claim for claim in claims if claim.table in tables], self.known)
        mine = {claim.table for claim in claims if claim.job == self.job}
        update = f"UPDATE {UDUP_SCHEMA}.{TABLE} SET source_uuid = %s, source = %s, node = %s WHERE job = %s"
        query(connection, update, self.source_uuid, self.source, self._node, self.job)
        self._add(connection, {name: origin for name, origin in tables.items() if name not in mine})
        if all_of_them:
            self._remove(connection, mine - set(tables))

    def before(self, connection: Connection, statement: Statement) -> None:
        """A definition is about to run: claim what it makes. `Refused` if that is another job's."""
        if statement.kind is Kind.DATABASE_DDL and statement.verb == "DROP DATABASE":
            self._check(
                connection, read_claims(connection, self._schemas(connection, statement)), self._known_now(connection)
            )
        wanted, _ = self._moved(connection, statement)
        if statement.kind is Kind.TABLE_DDL and statement.verb == "CREATE TABLE":
            wanted |= {self._key(connection, (each[0], each[1])) for each in statement.objects}
        if wanted:
            claims = [claim for claim in read_claims(connection, {name[0] for name in wanted}) if claim.table in wanted]
            self._check(connection, claims, self._known_now(connection))
            mine = {claim.table for claim in claims if claim.job == self.job}
            self._add(connection, {name: name for name in wanted - mine})

    def after(self, connection: Connection, statement: Statement) -> None:
        """It has run: what it has dropped or renamed is not this job's any more."""
        if statement.kind is Kind.DATABASE_DDL and statement.verb == "DROP DATABASE":
            gone = {
                claim.table
                for claim in read_claims(connection, self._schemas(connection, statement))
                if claim.job == self.job
            }
            self._remove(connection, gone)
        elif statement.kind is Kind.TABLE_DDL and statement.verb == "DROP TABLE":
            self._remove(connection, {self._key(connection, (each[0], each[1])) for each in statement.objects})
        else:
            self._remove(connection, self._moved(connection, statement)[1])

    def _known_now(self, connection: Connection) -> Known:
        """What this node knew of its jobs when the run began, and those that have claimed something since."""
        sql = f"SELECT DISTINCT job FROM {UDUP_SCHEMA}.{TABLE} WHERE since >= FROM_UNIXTIME(%s)"
        newer = {str(job) for (job,) in query(connection, sql, self.begun_at)}
        return replace(self.known, jobs=self.known.jobs | newer)

    def _check(self, connection: Connection, claims: Iterable[Claim], known: Known) -> None:
        others = [claim for claim in claims if claim.job != self.job]
        gone = {claim.job for claim in others if known.is_gone(claim)}
        if gone:
            # By the target's clock, which may have been set back: who has more than at the beginning has come since.
            newer = {claim.job for claim in read_claims(connection) if (claim.job, claim.table) not in self.found}
            known, gone = replace(known, jobs=known.jobs | newer), gone - newer
        for job in gone:
            query(connection, f"DELETE FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s", job)
        if faults := conflicts(others, self.job, known, self.where):
            raise Refused(faults)

    def _add(self, connection: Connection, tables: Mapping[TableName, TableName]) -> None:
        rows = [
            (*name, self.job, self.source_uuid, *origin, self.source, self._node)
            for name, origin in sorted(tables.items())
        ]
        for at in range(0, len(rows), _AT_A_TIME):
            some = rows[at : at + _AT_A_TIME]
            values = ", ".join(["(%s, %s, %s, %s, %s, %s, %s, %s)"] * len(some))
            args = [value for row in some for value in row]
            try:
                query(connection, f"INSERT INTO {UDUP_SCHEMA}.{TABLE} ({_COLUMNS}) VALUES {values}", *args)
            except MySQLError as error:
                if error_code(error) != _DUPLICATE:
                    raise
                raise Contended(f"job {self.job}: another job claims the same tables on {self.where} now") from error

    def _remove(self, connection: Connection, tables: Iterable[TableName]) -> None:
        sql = f"DELETE FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s AND table_schema = %s AND table_name = %s"
        for name in sorted(tables):
            query(connection, sql, self.job, *name)

    @property
    def _node(self) -> str:
        return self.known.node[:250]

    def _moved(self, connection: Connection, statement: Statement) -> tuple[set[TableName], set[TableName]]:
        """What a statement's renames leave behind in all: new names, and names that are free then."""
        made: set[TableName] = set()
        left: set[TableName] = set()
        for old, new in statement.moves:
            before, after = (self._key(connection, (each[0], each[1])) for each in (old, new))
            if before in made:
                made.remove(before)
            else:
                left.add(before)
            made.add(after)
        return made, left - made

    def _schemas(self, connection: Connection, statement: Statement) -> set[str]:
        return {self._key(connection, (schema, ""))[0] for schema in statement.schemas}

    def _key(self, connection: Connection, name: TableName) -> TableName:
        """As the target compares names."""
        if self.folds is None:
            self.folds = scalar(connection, "SELECT @@lower_case_table_names") != 0
        return (name[0].lower(), name[1].lower()) if self.folds else name


def conflicts(claims: Iterable[Claim], job: str, known: Known, where: str) -> list[Fault]:
    """What speaks against a job that would write these tables."""
    others = [claim for claim in claims if claim.job != job and not known.is_gone(claim)]
    return [
        Fault(where, f"{claim.holder} keeps {tables} current here", remedy(claim.job, "the target"))
        for claim, tables in by_job(others)
    ]
