"""Statements that some tables have already, and others not (`pipeline/positions.py`).

They are decided on as if the job had not the tables that are ahead. A list is cut by that; what cannot be cut is
refused, since both to run it and to pass over it would be wrong for one of its tables. The error names the tables that
are to be loaded again: copied as they are now, they are behind it like the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from udup.base.causes import Cause, reason
from udup.base.errors import Unsupported
from udup.base.remedies import COPY_AGAIN, reload_of
from udup.drivers.mysql.ddl.decide import Outcome, decide
from udup.drivers.mysql.ddl.sqlreader import ObjectName
from udup.drivers.mysql.ddl.statement import Kind, Statement
from udup.pipeline.positions import AheadPart
from udup.pipeline.selection.selection import NameRule, SchemaRule, Selection


def less_what_is_ahead(
    statement: Statement,
    selection: Selection,
    part: AheadPart,
    shown: str,
    tied: Callable[[Sequence[str]], Sequence[str]] = tuple,
) -> Selection:
    """Return the selection that decides on a statement; `Unsupported` if it can be neither run nor passed over.

    `tied` says which tables are to be loaded again together with some.
    """
    left = _less_what_is_between(statement, part.left_of(selection))
    if statement.kind is Kind.TABLE_DDL:
        _check_whole(statement, left, part, shown)
        _check_not_overtaken(statement, left, part, tied, shown)
    if decide(statement, left).outcome is not Outcome.REFUSE:
        return left
    if decide(statement, selection).outcome is Outcome.REFUSE:
        return selection  # for its own reason
    named = (*statement.objects, *statement.sources)
    between = _between(statement)
    behind = tuple(dict.fromkeys(str(each) for each in named if left.wants(*each) and each not in between))
    raise _to_load_again(
        f"{statement.verb} names what the target has as it was before it, together with what was copied as it was"
        " after it: it can be neither run nor passed over",
        tuple(tied(behind)),
        shown,
    )


def _between(statement: Statement) -> frozenset[ObjectName]:
    """Return the names that a list of renames uses on its way alone, as `x` where two tables are exchanged."""
    now: dict[ObjectName, ObjectName] = {}
    for old, new in statement.moves:
        now[new] = now.pop(old, old)
    return frozenset(name for move in statement.moves for name in move).difference(now, now.values())


def _less_what_is_between(statement: Statement, left: Selection) -> Selection:
    """Return a selection that has no name on the way of tables of which it has none: nothing of it is renamed."""
    between = _between(statement)
    named = {name for move in statement.moves for name in move} - between
    if not between or any(left.wants(*each) for each in named):
        return left
    return left.without(Selection(tuple(SchemaRule(each.schema, tables=(NameRule(each.name),)) for each in between)))


def _check_whole(statement: Statement, left: Selection, part: AheadPart, shown: str) -> None:
    named = (*statement.objects, *(name for move in statement.moves for name in move))
    # Of a table that has left the job the note stays until others are joined; the table is another part's meanwhile.
    cut = tuple(dict.fromkeys(str(each) for each in named if part.cuts(*each) and left.wants(*each)))
    others = [each for each in named if left.wants(*each) and each not in _between(statement)]
    if cut and statement.moves:  # what takes its place, or gets its name, is to go with it
        cut = (
            *cut,
            *(name for name in dict.fromkeys(map(str, others)) if name not in cut),
        )
    if cut:
        raise _to_load_again(
            f"{statement.verb} changes {cut[0]}, of which the copy has brought some rows as they were before it and"
            " others as they were after it",
            cut,
            shown,
        )


def _check_not_overtaken(
    statement: Statement,
    left: Selection,
    part: AheadPart,
    tied: Callable[[Sequence[str]], Sequence[str]],
    shown: str,
) -> None:
    if not part.overtaken or statement.rewrites != "EXCHANGE PARTITION":
        return
    both = tuple(dict.fromkeys(str(each) for each in (*statement.objects, *statement.sources) if left.wants(*each)))
    if both:
        raise _to_load_again(
            f"{statement.verb} exchanged rows of {both[0]} while the copy ran, and nobody can tell whether they were"
            " read before that or behind it",
            tuple(tied(both)),
            shown,
        )


def _to_load_again(why: str, tables: tuple[str, ...], shown: str) -> Unsupported:
    """Return an error that ends with these tables: copied as they are now they are all behind the statement."""
    reload = f"load again what is as it was before it ({reload_of(tables)}), or " if tables else ""
    told = reason(Cause.STALE_TABLE, {"table": ", ".join(tables)}, statement=shown)
    return Unsupported(f"{why}; {reload}{COPY_AGAIN}: {shown}").loading(tables).because(told)
