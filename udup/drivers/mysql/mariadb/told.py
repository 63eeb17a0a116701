"""What becomes of a definition for another family, and what is to be told of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from udup.drivers.mysql.mariadb.collations import Server


@dataclass(frozen=True)
class Refusal:
    """What of a table the target cannot have, and what to do about it; `column` is "" where it is about the table."""

    schema: str
    table: str
    column: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        column = f", column {self.column}" if self.column else ""
        return f"{self.schema}.{self.table}{column}: {self.problem}; {self.remedy}"


@dataclass(frozen=True)
class Fitted:
    """The statement for the target ("" where nothing is left of it), and what is to be told."""

    sql: str
    notices: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()


@dataclass
class Fitting:
    """One statement on its way: whose words it has, whose it is to have, and what was found on the way.

    `of_utf8mb4`: the collation that utf8mb4 by itself got in its session, "" for the one that it was born with.
    `literals`: the character set of its session's literals.
    """

    schema: str
    table: str
    source: Server
    target: Server
    text: str = ""
    of_utf8mb4: str = ""
    literals: str = "utf8mb4"
    notices: list[str] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)

    @property
    def crosses(self) -> bool:
        """Whether the two are of different families."""
        return self.source.is_mariadb is not self.target.is_mariadb

    def tell(self, what: str, column: str = "") -> None:
        """Note something for people, once."""
        place = f"{self.schema}.{self.table}" if self.table else self.schema
        told = f"{place}{f', column {column}' if column else ''}: {what}"
        if told not in self.notices:
            self.notices.append(told)

    def tell_of_all(self, what: str) -> None:
        """Note something that is the same wherever it comes, once."""
        if what not in self.notices:
            self.notices.append(what)

    def refuse(self, problem: str, remedy: str, column: str = "") -> None:
        """Note what the target cannot have."""
        self.refusals.append(Refusal(self.schema, self.table, column, problem, remedy))

    def done(self, sql: str) -> Fitted:
        return Fitted(sql, tuple(self.notices), tuple(self.refusals))
