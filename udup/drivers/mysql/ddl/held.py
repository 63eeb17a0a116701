"""Statements that name tables of two parts of a job, which stand apart for now (`jobs/growth.py`).

Each part reads the log by itself and stops before such a statement. So neither has it when they are joined, and both
have all that is in front of it: the job that they become carries it.
"""

from __future__ import annotations

from udup.base.errors import Held, Unsupported
from udup.drivers.mysql.ddl.decide import Outcome, decide
from udup.drivers.mysql.ddl.statement import Statement
from udup.pipeline.ports import Apart
from udup.pipeline.selection.selection import Selection


def check_not_held(statement: Statement, own: Selection, apart: Apart, shown: str, *, sequences: bool) -> None:
    """Raise `Held` for a statement that one of the parts cannot carry, and the whole job can.

    Both parts come to the same answer, so that neither goes past it while the other has it in front.
    """

    def is_refused(selection: Selection) -> bool:
        return decide(statement, selection, sequences=sequences).outcome is Outcome.REFUSE

    if statement.drops_constraint and any(apart.whole.wants(*each) for each in statement.objects):
        raise Held(f"held: it drops a constraint, which may be one to tables that are still catching up: {shown}")
    if (is_refused(own) or is_refused(apart.other)) and not is_refused(apart.whole):
        raise Held(f"held: it names tables that are still catching up together with others of the job: {shown}")


def check_not_held_for_a_reload(error: Unsupported, apart: Apart | None) -> None:
    """Raise `Held` for a statement that stops a job until tables are loaded again, while others are under way.

    One change of a job's tables is carried out at a time, so the job stands there until that one is done. A part that
    is copied is copied again instead.
    """
    if error.reloads and apart is not None and not apart.is_new:
        raise Held(f"held until the tables that are under way are joined: {error}") from error
