"""How the session of a source's statement is said to a target: by numbers in one family, by names across the two."""

from __future__ import annotations

from dataclasses import dataclass

from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.query import StatusVariables
from udup.drivers.mysql.binlog.remedies import UNKNOWN
from udup.drivers.mysql.client.sql_modes import known_bits
from udup.drivers.mysql.mariadb.collations import Server, fit_collation
from udup.drivers.mysql.mariadb.modes import for_mariadb, without_own, words_of
from udup.drivers.mysql.mariadb.numbers import collation_name


@dataclass(frozen=True)
class Spelling:
    """The two servers; `sql_mode` is in MySQL's bits, as every Query event that travels."""

    source: Server
    target: Server

    @property
    def is_by_name(self) -> bool:
        return self.source.is_mariadb or self.target.is_mariadb

    def sql_mode(self, bits: int) -> str:
        """Return the value of a SET."""
        if not self.is_by_name:
            return str(known_bits(bits))
        words = words_of(bits)
        if not self.target.is_mariadb:
            return f"'{','.join(without_own(words))}'"
        made = for_mariadb(words, of_mysql=not self.source.is_mariadb)
        return f"'{made}'"

    def charset(self, number: int) -> str:
        """Return what a session's client speaks, by the number of a collation."""
        return self.collation(number).split("_")[0] if self.is_by_name else str(number)

    def collation(self, number: int) -> str:
        """Return a collation. Raise `Unsupported` for one that the target has none like."""
        if not self.is_by_name:
            return str(number)
        name = collation_name(number, self.source)
        if name is None:
            raise Unsupported(f"a session had the collation number {number}, which is not known; {UNKNOWN}")
        fit = fit_collation(name, self.source, self.target)
        if fit is None:
            raise Unsupported(
                f"a session had the collation {name}, which the target has none like: have the source's clients use"
                " utf8mb4 for such statements, then give the job another ID"
            )
        return fit.name

    def of_charsets(self, variables: StatusVariables) -> dict[str, str]:
        """Return which collations a character set alone gets in a session, where the target has to be told."""
        number = variables.default_collation_for_utf8mb4
        if not self.target.is_mariadb or self.source.is_mariadb or number is None:
            return {}
        return {"character_set_collations": f"utf8mb4={self.collation(number)}"}
