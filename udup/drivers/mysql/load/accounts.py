"""Users, roles and grants on the target, as the source has them.

An account that is there already is never overwritten. If it was made by the same statement, password hash included, and
has no grant that the source's has not, it is taken as the same one and completed; that is also what a copy finds that
begins again. Any other stops the job before anything is made.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from udup.base.errors import Fault, Refused
from udup.drivers.mysql.client.connection import Connection, MySQLError, describe, error_code, is_transient, query
from udup.drivers.mysql.client.facts import read_facts
from udup.drivers.mysql.dictionary.catalog import Account, without_default_roles

#: SHOW CREATE USER of an account that is not there.
_CANNOT_USER = 1396

#: A password's hash in a statement, which no message shows.
_HASH = re.compile(r" AS 0x[0-9A-Fa-f]+")


def conflicting_accounts(connection: Connection, accounts: Iterable[Account], where: str) -> list[Fault]:
    """Accounts that the target has otherwise; or that the job's own account there may make none."""
    accounts = list(accounts)
    facts = read_facts(connection) if accounts else None
    if facts is not None and not facts.privileges.has("CREATE USER"):
        remedy = f"GRANT CREATE USER ON *.* TO {facts.account} WITH GRANT OPTION, and every right that is to be granted"
        return [Fault(where, f"{facts.account} has not CREATE USER, which ExpandSyntaxSupport needs", remedy)]
    faults = []
    for account in accounts:
        problem = _difference(connection, account)
        if problem:
            remedy = (
                f"DROP USER {account.name} on the target if nobody needs it as it is, or leave ExpandSyntaxSupport off"
            )
            faults.append(Fault(where, f"the account {account.name} exists and {problem}", remedy))
    return faults


def _difference(connection: Connection, account: Account) -> str:
    try:
        created = str(query(connection, f"SHOW CREATE USER {account.name}")[0][0])
    except MySQLError as error:
        if error_code(error) == _CANNOT_USER:
            return ""
        raise
    if without_default_roles(created)[0] != account.create_sql:
        return "has another password or other settings than on the source"
    grants = {str(row[0]) for row in query(connection, f"SHOW GRANTS FOR {account.name}")}
    more = grants - set(account.grants) - {f"GRANT USAGE ON *.* TO {account.name}"}
    return f"has more rights than on the source ({'; '.join(sorted(more))})" if more else ""


def create_accounts(connection: Connection, accounts: Iterable[Account], where: str) -> None:
    """All of them, then their grants (roles are accounts), then their default roles.

    Raises `Refused`, since another copy would come to the same.
    """
    accounts = list(accounts)
    for account in accounts:
        _run(connection, account, account.create_sql.replace("CREATE USER", "CREATE USER IF NOT EXISTS", 1), where)
    for account in accounts:
        for grant in account.grants:
            _run(connection, account, grant, where)
    for account in accounts:
        if account.default_roles:
            _run(connection, account, f"ALTER USER {account.name} DEFAULT ROLE {account.default_roles}", where)


def _run(connection: Connection, account: Account, statement: str, where: str) -> None:
    try:
        query(connection, statement)
    except MySQLError as error:
        if is_transient(error):
            raise
        shown = _HASH.sub(" AS …", statement)
        problem = f"the account {account.name} cannot be made as on the source: {shown}: {describe(error)}"
        remedy = "give the job's account there what it is to grant, WITH GRANT OPTION, or leave ExpandSyntaxSupport off"
        raise Refused([Fault(where, problem, remedy)]) from error
