"""A statement that names tables of two parts of a job waits for both, whichever part reads it."""

from __future__ import annotations

import pytest

from udup.base.errors import Held, Unsupported
from udup.drivers.mysql.ddl.decide import classify
from udup.drivers.mysql.ddl.held import check_not_held, check_not_held_for_a_reload
from udup.pipeline.ports import Apart
from udup.pipeline.selection.selection import Selection

WHOLE = Selection.of([("d", [])])
NEW = Selection.of([("d", ["n", "m"])])
OLD = WHOLE.without(NEW)


def _is_held(sql: str, *, is_new: bool) -> bool:
    own, other = (NEW, OLD) if is_new else (OLD, NEW)
    statement = classify(sql.encode(), "d")
    try:
        check_not_held(statement, own, Apart(other, WHOLE, is_new=is_new), sql, sequences=False)
    except Held as error:
        assert sql in str(error)
        return True
    return False


@pytest.mark.parametrize("is_new", [False, True])
@pytest.mark.parametrize(
    "sql",
    [
        "RENAME TABLE n TO old",
        "RENAME TABLE old TO n",
        "RENAME TABLE n TO gone, shadow TO n",
        "ALTER TABLE old RENAME TO n",
        "ALTER TABLE n ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES old (a)",
        "ALTER TABLE old ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES n (a)",
        "CREATE TABLE n LIKE old",
        "DROP DATABASE d",
        "ALTER TABLE n DROP FOREIGN KEY f",
        "ALTER TABLE old DROP COLUMN a, DROP CONSTRAINT f",
    ],
)
def test_both_parts_stop_before_what_only_both_can_carry(sql: str, is_new: bool) -> None:
    assert _is_held(sql, is_new=is_new)


@pytest.mark.parametrize("is_new", [False, True])
@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE n ADD COLUMN a INT",
        "ALTER TABLE old ADD COLUMN a INT",
        "RENAME TABLE n TO m",
        "RENAME TABLE old TO older",
        "DROP TABLE n, old",
        "ALTER TABLE n ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES m (a)",
        "RENAME TABLE n TO elsewhere.n",
        "ALTER TABLE elsewhere.n DROP FOREIGN KEY f",
        "ALTER TABLE n DROP COLUMN `FOREIGN`",
        "INSERT INTO n SELECT * FROM old",
        "CREATE TABLE other.x (a INT)",
    ],
)
def test_what_one_part_carries_or_nobody_can_is_not_held(sql: str, is_new: bool) -> None:
    assert not _is_held(sql, is_new=is_new)


def test_what_stops_a_job_until_tables_are_loaded_again_is_held_while_others_are_under_way() -> None:
    stale = Unsupported("half of it is there").loading(["d.o"])
    with pytest.raises(Held, match="half of it is there"):
        check_not_held_for_a_reload(stale, Apart(NEW, WHOLE, is_new=False))
    for error, apart in (
        (stale, None),
        (stale, Apart(OLD, WHOLE, is_new=True)),  # it copies its tables again
        (Unsupported("of another kind"), Apart(NEW, WHOLE, is_new=False)),
    ):
        check_not_held_for_a_reload(error, apart)
