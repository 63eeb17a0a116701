"""The kinds of servers that cases are carried between, and the pairs of them that a run has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from tests.other_servers import every_server
from udup.base.errors import UdupError
from udup.sandbox.cache import Say
from udup.sandbox.debian import DEBIAN_MARIADB
from udup.sandbox.npm import old_mysql_programs
from udup.sandbox.programs import MysqlPrograms
from udup.sandbox.provision import provision, provision_mariadb
from udup.selftest.case import Case

#: The newest MySQL that is there, and a MySQL of long ago.
MYSQL, OLD_MYSQL = "mysql-9", "mysql-5.6"


def _mariadb(series: str) -> Callable[[Say], MysqlPrograms]:
    return lambda say: provision_mariadb(series, say)


#: Where the programs of a kind come from. A case names kinds by the beginning of their names: `mariadb`, `mariadb-10`.
KINDS: Mapping[str, Callable[[Say], MysqlPrograms]] = {
    MYSQL: provision,
    OLD_MYSQL: old_mysql_programs,
    **{f"mariadb-{series}": _mariadb(series) for series in DEBIAN_MARIADB},
}

#: The newest MariaDB.
MARIADB = next(kind for kind in KINDS if kind.startswith("mariadb-"))


@dataclass(frozen=True)
class Pair:
    """A kind of source and one of target."""

    source: str
    target: str

    def __str__(self) -> str:
        return f"{self.source} to {self.target}"

    def cases(self, cases: Sequence[Case]) -> list[Case]:
        """Return those cases that are for this pair, as they have to end."""
        return [fitted for case in cases if (fitted := case.between(self.source, self.target)) is not None]

    def unfit(self, cases: Sequence[Case]) -> list[Case]:
        """Return those cases that say that they are not for this pair."""
        return [case for case in cases if case.why_unfit(self.source, self.target)]


SAME = Pair(MYSQL, MYSQL)

#: What `make test` has besides two of the newest MySQL, each in a file of its own.
NEWEST_PAIRS = (Pair(MARIADB, MARIADB), Pair(MYSQL, MARIADB), Pair(MARIADB, MYSQL))

#: Their cases there: what servers of different families see differently. With all servers these have all of them.
CHOSEN = ("mariadb/", "types/", "json/", "transactions/", "constraints/", "triggers/")


def chosen(pair: Pair, cases: Sequence[Case]) -> list[Case]:
    """Return a pair's cases of this run."""
    return [case for case in pair.cases(cases) if every_server() or case.name.startswith(CHOSEN)]


def other_pairs() -> list[Pair]:
    """Return every other pair, if this run has all servers: MySQL 5.6 is no target."""
    if not every_server():
        return []
    pairs = (Pair(source, target) for source, target in product(KINDS, KINDS) if target != OLD_MYSQL)
    return [pair for pair in pairs if pair not in (SAME, *NEWEST_PAIRS)]


def kind_of(text: str) -> str:
    """Return the kind that a text is the beginning of, the newest first: `mariadb`, `mysql-5.6`."""
    found = next((kind for kind in KINDS if kind == text or kind.startswith(f"{text}-")), None)
    if found is None:
        raise UdupError(f"{text!r} is no kind of server: {', '.join(KINDS)}")
    return found
