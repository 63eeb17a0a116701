"""What of the source's definitions a target of the other family, or an older MariaDB, cannot have; before a copy.

What is told here the copy refuses, with the same words. What only the target's server knows (a function that it lacks,
a row that is too long) the copy finds when it makes the tables.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from udup.base.errors import Fault
from udup.base.long_text import some_of
from udup.drivers.mysql.dictionary.catalog import Catalog
from udup.drivers.mysql.load.fitted import NO_ACCOUNTS, engine_faults, fit_catalog
from udup.drivers.mysql.mariadb.collations import Server
from udup.pipeline.checks import DEST, Check, Finding, Outcome, Rule, apply, warned

#: Faults that are told one by one, and notices of a list.
_FAULTS, _SHOWN = 20, 10


@dataclass(frozen=True)
class Definitions:
    """The catalog under the target's names, between these two servers; `engines` are those that the target has.

    `accounts`: the job carries these too, which are not in the catalog.
    """

    catalog: Catalog
    source: Server
    target: Server
    engines: Collection[str]
    accounts: bool = False


def definition_checks(side: Definitions) -> Iterator[Check]:
    """Return a check for each thing that the target cannot have, and one of what it will have otherwise."""
    return apply((Rule("definitions", lambda _: "all of the job's can be made there", _look),), DEST, side)


def unreadable_definitions(why: str) -> Check:
    """Return the check of definitions that the source itself cannot show whole."""
    return Check(DEST, "definitions", Outcome.FAIL, why, "as it says; the copy refuses the same")


def _look(side: Definitions) -> Iterator[Finding]:
    made, told, faults = fit_catalog(side.catalog, side.source, side.target)
    if side.accounts and side.source.is_mariadb is not side.target.is_mariadb:
        faults.append(NO_ACCOUNTS)
    if side.target.is_mariadb:
        faults += engine_faults(side.engines, made.tables)
    yield from map(_failed, faults[:_FAULTS])
    if len(faults) > _FAULTS:
        more = f"{len(faults) - _FAULTS} more like these"
        yield Finding(Outcome.FAIL, more, "mend those that are told, and validate again")
    if told:
        yield warned(some_of(told, _SHOWN), "nothing has to be done")


def _failed(fault: Fault) -> Finding:
    place = f"{fault.where}: " if fault.where else ""
    return Finding(Outcome.FAIL, f"{place}{fault.problem}", fault.remedy)
