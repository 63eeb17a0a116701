"""Users, roles and grants of the source, for jobs that carry a whole server and are told to (ExpandSyntaxSupport).

The server's own accounts, `root` on any host, and the accounts that the job itself uses on either side are never
carried: another password of theirs would lock out the target's administrator or the job.

In the log the server writes passwords as hashes, so that a statement means the same anywhere. A statement that names
only such accounts is passed over; one that names them together with others cannot be taken apart and is refused.
"""

from __future__ import annotations

from collections.abc import Iterator

from udup.base.errors import Fault, Refused, Unsupported
from udup.drivers.mysql.binlog.query import QueryEvent
from udup.drivers.mysql.binlog.remedies import UNKNOWN
from udup.drivers.mysql.client.connection import Connection, MySQLError, describe, error_code, query
from udup.drivers.mysql.client.names import quote
from udup.drivers.mysql.ddl.sqlreader import UnexpectedWordError, WordReader
from udup.drivers.mysql.ddl.sqltokens import UntokenizableError, codec_of, decode, tokenize
from udup.drivers.mysql.dictionary.catalog import SHOWS_ACCOUNTS, Account, without_default_roles

_SELECT_DENIED = 1142

#: What stands before the accounts that a statement changes.
_BEFORE_NAMES = {"GRANT": "TO", "REVOKE": "FROM", "SET": "TO"}


def read_accounts(connection: Connection, kept: frozenset[str]) -> tuple[Account, ...]:
    """Return every account but the `kept` users', with its password's hash, roles and grants.

    Raise `Refused` without SELECT on mysql.*.
    """
    if not connection.is_mariadb and connection.version < SHOWS_ACCOUNTS:
        where = f"Src {connection.host}:{connection.port}"
        problem = "the server does not show its accounts as statements (SHOW CREATE USER), so they cannot be carried"
        raise Refused([Fault(where, problem, "leave ExpandSyntaxSupport out, and make the accounts there by hand")])
    try:
        users = query(connection, "SELECT User, Host FROM mysql.user ORDER BY User, Host")
    except MySQLError as error:
        if error_code(error) != _SELECT_DENIED:
            raise
        where = f"Src {connection.host}:{connection.port}"
        account = query(connection, "SELECT CURRENT_USER()")[0][0]
        problem = f"{account} may not read the accounts that ExpandSyntaxSupport is to carry ({describe(error)})"
        raise Refused([Fault(where, problem, f"GRANT SELECT ON mysql.* TO {account}")]) from error
    return tuple(_read(connection, str(user), str(host)) for user, host in users if user not in kept)


def _read(connection: Connection, user: str, host: str) -> Account:
    name = f"{quote(user)}@{quote(host)}"
    create = str(query(connection, f"SHOW CREATE USER {name}")[0][0])
    create, roles = without_default_roles(create)
    grants = tuple(str(row[0]) for row in query(connection, f"SHOW GRANTS FOR {name}"))
    return Account(name, create, roles, grants)


def is_carried(event: QueryEvent, kept: frozenset[str]) -> bool:
    """Return whether an account statement of the log is for the target. `Unsupported` where only a part of it is."""
    variables = event.variables()
    codec = codec_of(variables.charset.client) if variables.charset else "utf-8"
    try:
        words = tokenize(decode(event.sql, codec), variables.sql_mode or 0)
        users = list(_Accounts(words, "").users())
    except (UntokenizableError, UnexpectedWordError) as error:
        raise Unsupported(f"an account statement is not understood ({error}); {UNKNOWN}") from error
    held = [user for user in users if user in kept]
    if held and len(held) < len(users):
        raise Unsupported(
            f"the statement names {', '.join(sorted(set(held)))}, which is not carried, together with other accounts; "
            "run it on the source as separate statements"
        )
    return not held


class _Accounts(WordReader):
    """Reads which accounts a statement changes."""

    def users(self) -> Iterator[str]:
        verb = self.take().upper
        if verb in _BEFORE_NAMES:
            self._pass_last(_BEFORE_NAMES[verb])
        else:
            self.take()  # USER or ROLE
            while self.peek() in ("IF", "NOT", "EXISTS"):
                self.at += 1
        yield self._user()
        while self.at < len(self.words):
            word = self.take()
            if word.upper == "," or (verb == "RENAME" and word.upper == "TO"):
                yield self._user()

    def _pass_last(self, keyword: str) -> None:
        """GRANT … TO names, REVOKE … FROM names: a quoted name is no keyword."""
        places = [at for at, word in enumerate(self.words) if word.upper == keyword]
        if not places:
            raise UnexpectedWordError(f"{keyword} is missing")
        self.at = places[-1] + 1

    def _user(self) -> str:
        user = self.take().text
        if self.accept("@"):
            self.take()
        return user
