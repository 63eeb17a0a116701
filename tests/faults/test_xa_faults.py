"""XA transactions whose halves meet a killed DestApplier are applied once or, rolled back, not at all."""

from __future__ import annotations

from contextlib import closing, suppress

from tests.faults.conftest import JOB, STAGE_SECONDS, Household, kill, wait_for
from udup.drivers.mysql.client.connection import connect, query, scalar

#: XA transactions, and where in them the applier is killed: before the second half of some, after that of others.
TURNS, BEFORE_END, AFTER_END = 48, (8, 30), (19, 41)


def _kill_applier(household: Household) -> None:
    """The one that runs, which may be about to begin, since another was killed a moment ago."""

    def killed() -> bool:
        with suppress(ProcessLookupError):
            kill(household.pid_of("applier"))
            return True
        return False

    wait_for(killed, STAGE_SECONDS, "an applier to kill")


def test_a_killed_applier_loses_and_doubles_no_xa_transaction(household: Household) -> None:
    household.post_job()
    household.node.wait_stage(JOB, deadline=STAGE_SECONDS)
    household.start_load()
    with closing(connect(household.source.endpoint)) as connection:
        query(connection, "CREATE TABLE shop.xa (turn INT, n INT)")  # no primary key to hide behind
        try:
            for turn in range(TURNS):
                xid = f"'turn {turn}'"
                query(connection, f"XA START {xid}")
                query(connection, f"INSERT INTO shop.xa VALUES ({turn}, 1), ({turn}, 2), ({turn}, 2)")
                query(connection, f"XA END {xid}")
                query(connection, f"XA PREPARE {xid}")
                if turn in BEFORE_END:
                    _kill_applier(household)
                query(connection, f"XA {'ROLLBACK' if turn % 3 == 0 else 'COMMIT'} {xid}")
                if turn in AFTER_END:
                    _kill_applier(household)
            household.check()
        finally:
            query(connection, "DROP TABLE shop.xa")
    with closing(connect(household.target.endpoint)) as connection:
        assert scalar(connection, "SELECT COUNT(*) FROM udup.prepared") == 0
