"""Statements that some tables have already, and others not (`pipeline/positions.py`).

They are decided on as if the job had not the tables that are ahead. A list is cut by that; what cannot be cut is
refused, since both to run it and to pass over it would be wrong for one of its tables.
"""

from __future__ import annotations

from udup.base.errors import Unsupported
from udup.base.remedies import COPY_AGAIN
from udup.drivers.mysql.ddl.decide import Outcome, decide
from udup.drivers.mysql.ddl.statement import Kind, Statement
from udup.pipeline.positions import AheadPart
from udup.pipeline.selection.selection import Selection


def less_what_is_ahead(statement: Statement, selection: Selection, part: AheadPart, shown: str) -> Selection:
    """Return the selection that decides on a statement; `Unsupported` if it can be neither run nor passed over."""
    if statement.kind is Kind.TABLE_DDL:
        _check_whole(statement, part, shown)
    left = part.left_of(selection)
    if decide(statement, left).outcome is not Outcome.REFUSE:
        return left
    if decide(statement, selection).outcome is Outcome.REFUSE:
        return selection  # for its own reason
    behind = " ".join(dict.fromkeys(str(each) for each in statement.objects if left.wants(*each)))
    reload = f"load again what is as it was before it (udup job reload ID {behind}), or " if behind else ""
    raise Unsupported(
        f"{statement.verb} names what the target has as it was before it, together with what was copied as it was"
        f" after it: it can be neither run nor passed over; {reload}{COPY_AGAIN}: {shown}"
    )


def _check_whole(statement: Statement, part: AheadPart, shown: str) -> None:
    named = (*statement.objects, *(name for move in statement.moves for name in move))
    for each in named:
        if part.cuts(*each):
            raise Unsupported(
                f"{statement.verb} changes {each}, of which the copy has brought some rows as they were before it and"
                f" others as they were after it; {COPY_AGAIN}: {shown}"
            )
