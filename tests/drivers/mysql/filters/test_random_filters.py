"""Expressions made by chance, of everything that a filter may have: the log says of every row what the server says."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest

from tests.drivers.mysql.filters.test_agreement import DAYS, DEFINITION, MOMENTS, NUMBERS, TEXTS, made_rows
from tests.drivers.mysql.filters.verdicts import Witness
from udup.sandbox.server import MysqlServer

EXPRESSIONS = 80

_SIGNS = ("=", "<>", "<", "<=", ">", ">=", "<=>", "!=")

#: Columns with the literals and functions that go with them.
_KINDS: tuple[tuple[tuple[str, ...], list[str]], ...] = (
    (("i", "u", "s", "de", "dd", "b"), [*NUMBERS, "1.5", "18446744073709551615", "-0.0001", "1.0", "1.2345"]),
    (("f", "d"), [*NUMBERS, "0.1", "1.5", "1e300", "16777217"]),
    (("ci", "pad", "bin", "lat", "txt"), TEXTS),
    (("vb", "fb", "blo"), ["NULL", "''", "'a'", "x'00'", "x'61000000'", "'a '", "'ab'", "x'ff'"]),
    (("day", "dt", "dt0", "ts"), [*DAYS, *MOMENTS, "'2024-02-29 10:00:00.4'", "'1970-01-01'", "'2038-06-01'"]),
    (("t",), ["NULL", "'00:00:00'", "'-12:00:00.5'", "'10:30:00'", "'100:00:00'", "TIME '10:30:00'"]),
    (("e",), ["NULL", "'new'", "'PAID'", "''", "'Ärger'", "'zz'"]),
    (("st",), ["NULL", "''", "'a'", "'a,c'", "'c,a'"]),
)
_ODD_DAYS = ("0000-00-00", "-31", "-00-")


class _Maker:
    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)

    def expression(self, depth: int = 3) -> str:
        chance = self._chance
        if depth == 0 or chance.random() < 0.25:
            return self._predicate()
        one, other = self.expression(depth - 1), self.expression(depth - 1)
        made: list[Callable[[], str]] = [
            lambda: f"{one} AND {other}",
            lambda: f"{one} OR {other}",
            lambda: f"({one}) XOR ({other})",
            lambda: f"NOT ({one})",
            lambda: f"NOT {one}",
            lambda: f"({one}) IS {chance.choice(['', 'NOT '])}{chance.choice(['TRUE', 'FALSE', 'UNKNOWN', 'NULL'])}",
            lambda: f"IF({one}, ({other}) IS TRUE, {chance.choice(['NULL', 'TRUE', '0'])})",
        ]
        return chance.choice(made)()

    def _predicate(self) -> str:
        chance = self._chance
        columns, literals = chance.choice(_KINDS)
        column = chance.choice(columns)
        # A date that is none of the calendar is an error beside a DATE, on both sides alike.
        literals = [each for each in literals if not any(odd in each for odd in _ODD_DAYS)]
        one, other = chance.choice(literals), chance.choice(literals)
        negated = chance.choice(["", "NOT "])
        made = [
            f"{column} {chance.choice(_SIGNS)} {one}",
            f"{one} {chance.choice(_SIGNS)} {column}",
            f"{column} {negated}IN ({one}, {other}, {chance.choice(literals)})",
            f"{column} {negated}BETWEEN {one} AND {other}",
            f"{column} IS {negated}NULL",
        ]
        if columns[0] in ("i", "f"):
            made += [column if column != "f" else "d", f"{column} * 2e0 > {one}", f"ABS({column}) = {one}"]
        if columns[0] in ("ci", "e"):
            made += [f"{column} LIKE {one}", f"LOWER({column}) = {one}", f"CONCAT({column}, 'x') LIKE 'a%'"]
        return chance.choice(made)


@pytest.fixture(scope="module")
def witness(source: MysqlServer) -> Iterator[Witness]:
    made = Witness.of(source, "filter_chances", DEFINITION, made_rows(seed=11, count=150))
    try:
        yield made
    finally:
        made.close()


@pytest.mark.parametrize("seed", range(6))
def test_the_log_says_of_every_row_what_the_server_says(witness: Witness, seed: int) -> None:
    maker = _Maker(seed)
    decided = 0
    for _ in range(EXPRESSIONS):
        where = maker.expression()
        ours, theirs = witness.by_the_log(where), witness.by_the_server(where)
        unlike = {
            key: (ours[key], theirs[key], witness.rows[int(str(key))]) for key in ours if ours[key] != theirs[key]
        }
        assert not unlike, where
        decided += len(set(ours.values())) > 1
    assert decided > EXPRESSIONS // 4, "most of the expressions say the same of all rows"
