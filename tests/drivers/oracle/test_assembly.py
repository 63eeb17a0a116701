"""Rows of V$LOGMNR_CONTENTS become whole transactions, or an error that names the one which is not whole."""

from __future__ import annotations

from dataclasses import replace

import pytest

from udup.base.errors import Unsupported
from udup.drivers.oracle.logminer.assembly import Assembly, Committed
from udup.drivers.oracle.logminer.rows import Code, LogRow, row_of, whole_rows


def row(scn: int, code: int, xid: str = "0001000200000003", row_id: str = "R1", **more: object) -> LogRow:
    of = {"owner": "A", "table": "T", "row_id": row_id, "data_obj": 7} if code not in (Code.COMMIT, Code.START) else {}
    return LogRow(scn, f"sql of {scn}", code, xid, **{**of, **more})  # type: ignore[arg-type]


def assembly(**more: int) -> Assembly:
    return Assembly(lambda owner, table: (owner, table) == ("A", "T"), lambda number: number == 4711, **more)


def taken(*rows: LogRow, of: Assembly | None = None) -> list[Committed]:
    of = of or assembly()
    of.feed(whole_rows(rows))
    return of.take()


def scns(committed: Committed) -> list[int]:
    return [item.scn for item in committed.items]


def test_changes_come_out_at_their_commit_in_the_order_of_commits() -> None:
    one, other = "0001000000000001", "0002000000000001"
    found = taken(
        row(1, Code.INSERT, one),
        row(2, Code.UPDATE, other, "R2"),
        row(3, Code.DELETE, one),
        row(4, Code.COMMIT, other),
        row(5, Code.COMMIT, one),
    )
    assert [(each.scn, scns(each), each.xids) for each in found] == [(4, [2], (other,)), (5, [1, 3], (one,))]


def test_those_of_one_scn_are_one() -> None:
    one, other = "0001000000000001", "0002000000000001"
    [found] = taken(
        row(1, Code.INSERT, one),
        row(2, Code.INSERT, other, "R2"),
        row(4, Code.COMMIT, other),
        row(4, Code.COMMIT, one),
    )
    assert (found.scn, scns(found), found.xids) == (4, [2, 1], (other, one))


def test_what_is_rolled_back_and_what_is_of_other_tables_is_nothing() -> None:
    other = row(3, Code.INSERT, "0002000000000001", table="ELSEWHERE")
    assert not taken(row(1, Code.INSERT), row(2, Code.ROLLBACK), other, row(4, Code.COMMIT, other.xid))


def test_an_undo_takes_away_the_last_change_of_its_row_alone() -> None:
    """Others have taken every change of the row away, which is wrong for a rollback to a savepoint."""
    [found] = taken(
        row(1, Code.INSERT),
        row(2, Code.UPDATE),
        row(3, Code.UPDATE, row_id="R2"),
        row(4, Code.UPDATE),
        row(5, Code.UPDATE, rollback=True),
        row(6, Code.UPDATE, data_obj=8),
        row(7, Code.UPDATE, rollback=True),
        row(8, Code.COMMIT),
    )
    assert scns(found) == [1, 3, 6]


def test_an_undo_of_a_transaction_known_by_its_slot_alone_is_matched_by_that() -> None:
    [found] = taken(
        row(1, Code.INSERT),
        row(2, Code.UPDATE),
        row(3, Code.UPDATE, "00010002ffffffff", rollback=True),
        row(4, Code.UPDATE, "00090009ffffffff", rollback=True),
        row(5, Code.COMMIT),
    )
    assert scns(found) == [1]
    assert not found.problems


def test_an_undo_that_finds_nothing_is_a_problem_of_its_transaction() -> None:
    [found] = taken(row(1, Code.INSERT), row(2, Code.DELETE, row_id="R9", rollback=True), row(3, Code.COMMIT))
    assert [scn for scn, _ in found.problems] == [2]


@pytest.mark.parametrize(
    ("code", "more"),
    [
        (Code.INSERT, {"status": 2, "info": "Dictionary Mismatch"}),
        (Code.UPDATE, {"owner": "UNKNOWN", "table": "OBJ# 4711"}),
        (Code.SELECT_LOB_LOCATOR, {}),
        (Code.LOB_WRITE, {}),
        (Code.LOB_TRIM, {}),
        (Code.LOB_ERASE, {}),
        (Code.XML_DOC_WRITE, {}),
        (Code.EXTENDED_STRING_WRITE, {}),
        (Code.UNSUPPORTED, {}),
        (77, {}),
    ],
)
def test_what_cannot_be_carried_is_told_when_it_is_committed(code: int, more: dict[str, object]) -> None:
    """Not before: behind a restart rows come again that are on the target, and do not fit the dictionary any more."""
    [found] = taken(row(1, code, **more), row(2, Code.COMMIT))
    assert [scn for scn, _ in found.problems] == [1]
    assert not taken(row(1, code, **more), row(2, Code.ROLLBACK))


def test_an_unknown_table_that_is_none_of_the_jobs_is_nothing() -> None:
    assert not taken(row(1, Code.INSERT, owner="UNKNOWN", table="OBJ# 12"), row(2, Code.COMMIT))


def test_missing_redo_stops_at_once() -> None:
    with pytest.raises(Unsupported, match="redo is missing in front of SCN 5"):
        taken(row(5, Code.MISSING_SCN))


def test_a_replication_marker_is_nothing() -> None:
    assert not taken(row(1, Code.REPLICATION_MARKER), row(2, Code.COMMIT))


def test_a_statement_of_several_rows_is_joined() -> None:
    parts = [row(1, Code.INSERT, csf=True), row(1, Code.INSERT, csf=True), row(1, Code.INSERT)]
    [found] = taken(*parts, row(2, Code.COMMIT))
    assert next(found.items).sql == "sql of 1" * 3


@pytest.mark.parametrize("behind", [(), (row(1, Code.UPDATE),), (row(1, Code.INSERT, "0002000000000001"),)])
def test_a_statement_without_its_end_is_refused(behind: tuple[LogRow, ...]) -> None:
    with pytest.raises(Unsupported, match="has not ended it"):
        taken(row(1, Code.INSERT, csf=True), *behind)


def test_open_transactions_hold_back_where_reading_begins_again() -> None:
    of = assembly()
    idle = "0002000000000001"
    taken(row(3, Code.START, idle), row(10, Code.INSERT), row(20, Code.UPDATE), of=of)
    assert of.resume_scn(30) == 9
    taken(row(35, Code.UPDATE, rollback=True), row(36, Code.UPDATE, rollback=True), of=of)
    assert of.resume_scn(40) == 9, "a change and its undo are read together"
    taken(row(50, Code.COMMIT), of=of)
    assert of.resume_scn(50) == 50, "one that has changed nothing holds nothing back"


def test_a_definition_waits_for_its_own_commit() -> None:
    of = assembly()
    assert not taken(row(1, Code.DDL), of=of)
    [found] = taken(row(2, Code.COMMIT), of=of)
    assert next(found.items).code == Code.DDL
    assert not taken(row(3, Code.DDL), row(4, Code.ROLLBACK), of=of)


def test_rows_behind_a_definition_that_is_not_committed_are_a_problem() -> None:
    other = "0002000000000001"
    [found] = taken(row(1, Code.DDL), row(2, Code.INSERT, other), row(3, Code.COMMIT, other))
    assert "altered before" in found.problems[0][1]


def test_where_a_user_begins_a_transaction_must_be_seen_from_its_start() -> None:
    other = "0002000000000001"
    of = assembly(begun_at=100)
    rows = [row(101, Code.START, other), row(102, Code.INSERT, other), row(103, Code.UPDATE)]
    [whole] = taken(*rows, row(104, Code.COMMIT, other), of=of)
    assert not whole.problems
    assert of.resume_scn(200) == 100
    [half] = taken(row(201, Code.COMMIT), of=of)
    assert "it was open at SCN 100" in half.problems[0][1]


def test_too_much_that_is_not_committed_is_refused() -> None:
    with pytest.raises(Unsupported, match=r"wait for their COMMIT.*from SCN 0 on"):
        taken(*[row(scn, Code.INSERT) for scn in range(200)], of=assembly(open_bytes=1000))


def test_a_fetched_row_is_read_by_the_columns_that_were_asked_for() -> None:
    values = [5, None, 7, None, bytes.fromhex("0a00010002000000"), 0, None, None, "COMMIT", None, 0, 0, None]
    found = row_of([*values, 0, 1, 0, 0, 0, None, None, 9, " 0x000001.000000.0001 "])
    assert (found.scn, found.code, found.xid, found.sql, found.thread) == (5, 7, "0a00010002000000", "", 1)


# ---- What is known by its slot alone ----


def test_an_undo_by_slot_is_matched_behind_an_scn_of_the_users_too() -> None:
    """LogMiner may tell the slot alone of whatever began before the window that it reads."""
    of = assembly(begun_at=10)
    [found] = taken(
        row(11, Code.START),
        row(12, Code.INSERT),
        row(13, Code.UPDATE),
        row(14, Code.UPDATE, "00010002ffffffff", rollback=True),
        row(15, Code.COMMIT),
        of=of,
    )
    assert (scns(found), found.problems) == ([12], ())


def test_an_undo_by_slot_that_cannot_be_rebuilt_is_a_problem_of_its_transaction() -> None:
    of = assembly()
    [found] = taken(
        row(1, Code.INSERT),
        row(2, Code.UPDATE),
        row(3, Code.UPDATE, "00010002ffffffff", rollback=True, status=2),
        row(4, Code.COMMIT),
        of=of,
    )
    assert [scn for scn, _ in found.problems] == [3]
    assert of.resume_scn(9) == 9


@pytest.mark.parametrize("code", [Code.INSERT, Code.COMMIT, Code.ROLLBACK])
def test_nothing_but_an_undo_is_known_by_its_slot_alone(code: int) -> None:
    with pytest.raises(Unsupported, match="00010002ffffffff"):
        taken(row(1, Code.INSERT), row(2, code, "00010002ffffffff"))


def test_a_slot_that_is_used_again_says_that_an_end_is_missing() -> None:
    with pytest.raises(Unsupported, match="0001000200000003"):
        taken(row(1, Code.INSERT), row(2, Code.START, "0001000200000004"))
    of = assembly()
    taken(
        row(1, Code.INSERT), row(2, Code.DELETE, rollback=True), row(3, Code.START, "0001000200000004"), of=of
    )  # the server has undone all of it after a crash
    assert of.resume_scn(9) == 9


def test_an_undo_takes_away_its_opposite_and_nothing_else() -> None:
    [found] = taken(row(1, Code.INSERT), row(2, Code.UPDATE, rollback=True), row(3, Code.COMMIT))
    assert [scn for scn, _ in found.problems] == [2]


def test_an_undo_that_names_no_row_is_a_problem() -> None:
    none = "A" * 18
    [found] = taken(
        row(1, Code.INSERT, row_id=none), row(2, Code.DELETE, row_id=none, rollback=True), row(3, Code.COMMIT)
    )
    assert [scn for scn, _ in found.problems] == [2]


# ---- Behind an SCN of the user's ----


def test_a_commit_without_a_beginning_is_told_behind_an_scn_of_the_users() -> None:
    """It may have changed the job's tables before, and nothing since."""
    [found] = taken(row(12, Code.COMMIT), of=assembly(begun_at=10))
    assert found.problems
    assert not taken(row(11, Code.START), row(12, Code.COMMIT), of=assembly(begun_at=10))
    assert not taken(row(12, Code.COMMIT))


def test_reading_begins_there_again_until_all_that_was_open_has_ended() -> None:
    of = assembly(begun_at=10)
    assert of.resume_scn(90) == 10
    of.horizon = 50
    assert of.resume_scn(40) == 10
    assert of.resume_scn(90) == 90


@pytest.mark.parametrize("name", ["a.t", '"A"."T"', '"T" INCLUDING INDEXES'])
def test_a_partition_that_is_exchanged_changes_both_tables(name: str) -> None:
    """The other one may be the job's alone."""
    sql = f"alter table a.big exchange partition p1 with table {name}"
    ddl = LogRow(1, sql, Code.DDL, "0001000200000003", owner="A", table="BIG")
    [found] = taken(ddl, row(2, Code.COMMIT))
    assert [(item.owner, item.table) for item in found.items] == [("A", "T")]
    assert not taken(replace(ddl, sql="alter table a.big exchange partition p1 with table b.t"), row(2, Code.COMMIT))


def test_a_temporary_table_that_becomes_a_real_one_stops_the_job() -> None:
    """Else its definition and all its rows would be left out as the temporary one's."""
    of = Assembly(lambda owner, table: False, left_out={("A", "T")})
    ddl = LogRow(1, "drop table a.t", Code.DDL, "0001000200000003", owner="A", table="T")
    assert not taken(ddl, row(2, Code.COMMIT), of=of)
    with pytest.raises(Unsupported, match="a temporary table when this run began"):
        taken(replace(ddl, sql="create table a.t (id number)"), of=of)
