"""A statement that came between two goes of a copy: run, passed over, or the tables that are to be loaded again."""

from __future__ import annotations

import pytest

from udup.base.errors import Failure, Unsupported
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.ddl.ahead import less_what_is_ahead
from udup.drivers.mysql.ddl.decide import Outcome, classify, decide
from udup.pipeline.positions import AheadNote, AheadNotes, RowsBehind
from udup.pipeline.selection.selection import Selection

A = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
JOB = Selection.of([("s", [])])
FIRST, SECOND = GtidSet.parse(f"{A}:1-5"), GtidSet.parse(f"{A}:1-9")


def _tables(*names: str) -> Selection:
    return Selection.of([("s", list(names))])


#: `whole` and `other` were copied in the first go, `half` in both, all else in the second.
NOTES = AheadNotes(
    [
        AheadNote(_tables("half"), FIRST),
        AheadNote(_tables("half"), SECOND, RowsBehind(((None, (1000,)),), (0,), (0,))),
        AheadNote(_tables("whole"), FIRST),
        AheadNote(_tables("other"), FIRST),
        AheadNote(JOB.without(_tables("whole", "other", "half")), SECOND, objects=True),
    ]
).merged(FIRST)


@pytest.mark.parametrize(
    ("sql", "wanted"),
    [
        ("ALTER TABLE whole ADD COLUMN x INT", "run"),
        ("TRUNCATE TABLE whole", "run"),
        ("DROP TABLE whole, late", "run without s.late"),
        ("CREATE TABLE whole (id INT)", "run"),
        ("CREATE TABLE whole LIKE other", "run"),
        ("CREATE TABLE late LIKE whole", "passed over"),
        ("CREATE TABLE late (id INT REFERENCES whole (id))", "passed over"),
        ("ALTER TABLE late ADD CONSTRAINT k FOREIGN KEY (id) REFERENCES whole (id)", "passed over"),
        ("CREATE VIEW v AS SELECT * FROM whole, late", "passed over"),
        ("RENAME TABLE late TO later", "passed over"),
        ("TRUNCATE TABLE late", "passed over"),
        ("CREATE TABLE whole LIKE late", "again s.whole"),
        ("CREATE TABLE whole LIKE half", "run"),
        ("ALTER TABLE whole ADD CONSTRAINT k FOREIGN KEY (id) REFERENCES late (id)", "again s.whole"),
        ("ALTER TABLE whole RENAME TO late", "again s.whole"),
        ("RENAME TABLE whole TO x, late TO whole, x TO late", "again s.whole"),
        ("RENAME TABLE whole TO x, other TO whole, x TO other", "again s.whole s.other"),
        ("RENAME TABLE late TO x, late2 TO late", "passed over"),
        ("ALTER TABLE half ADD COLUMN x INT", "again s.half"),
        ("CREATE INDEX i ON half (n)", "again s.half"),
        ("TRUNCATE TABLE half", "again s.half"),
        ("DROP TABLE half", "again s.half"),
        ("RENAME TABLE half TO x, whole TO half, x TO whole", "again s.half s.whole"),
        ("RENAME TABLE elsewhere.t TO elsewhere.u", "passed over"),
        ("DROP DATABASE s", "copy again"),
    ],
)
def test_each_statement_is_run_passed_over_or_names_what_is_to_be_loaded_again(sql: str, wanted: str) -> None:
    part = NOTES.of(A, 7)
    assert part is not None
    statement = classify(sql.encode(), "s")
    try:
        decision = decide(statement, less_what_is_ahead(statement, JOB, part, sql))
    except Unsupported as error:
        failure = Failure.of(error.about(f"{A}:7"))
        assert failure.reloads == Failure.of(failure.error()).reloads, "it is told from process to process"
        names = " ".join(failure.reloads)
        assert wanted == (f"again {names}" if names else "copy again")
        assert f"udup job reload ID {names}" in failure.text if names else "copy again" in failure.text
        return
    done = {Outcome.CARRY: "run", Outcome.SKIP: "passed over"}[decision.outcome]
    outside = ", ".join(map(str, decision.outside))
    assert wanted == (f"{done} without {outside}" if outside else done)


def test_what_is_tied_to_a_table_is_loaded_again_with_it() -> None:
    part = NOTES.of(A, 7)
    assert part is not None
    statement = classify(b"RENAME TABLE whole TO late", "s")
    with pytest.raises(Unsupported, match=r"udup job reload ID s\.whole s\.child") as told:
        less_what_is_ahead(statement, JOB, part, "", lambda tables: (*tables, "s.child"))
    assert told.value.reloads == ("s.whole", "s.child")


@pytest.mark.parametrize(
    "sql",
    ["ALTER TABLE half COMMENT = 'c'", "TRUNCATE TABLE half", "DROP TABLE half", "RENAME TABLE half TO elsewhere.t"],
)
def test_a_table_that_has_left_the_job_stops_it_no_more(sql: str) -> None:
    """It is loaded again, so it is a side job's, and the note of its rows stays until that is joined."""
    part, left = NOTES.of(A, 7), JOB.without(_tables("half"))
    assert part is not None
    statement = classify(sql.encode(), "s")
    assert decide(statement, less_what_is_ahead(statement, left, part, sql)).outcome is Outcome.SKIP


#: `one` and `two` were loaded again, by their names: of all other names nothing is ahead.
LOADED_AGAIN = AheadNotes([AheadNote(_tables("one", "two"), SECOND)])


@pytest.mark.parametrize(
    ("sql", "again"),
    [
        ("RENAME TABLE one TO x, two TO one, x TO two", None),
        ("RENAME TABLE one TO x, x TO one", None),
        ("RENAME TABLE one TO x", ("s.x",)),
        ("RENAME TABLE one TO x, late TO one, x TO late", ("s.late",)),
    ],
)
def test_a_name_on_the_way_of_tables_that_are_ahead_is_no_table(sql: str, again: tuple[str, ...] | None) -> None:
    part = LOADED_AGAIN.of(A, 7)
    assert part is not None
    statement = classify(sql.encode(), "s")
    if again is None:
        assert decide(statement, less_what_is_ahead(statement, JOB, part, sql)).outcome is Outcome.SKIP
        return
    with pytest.raises(Unsupported) as told:
        less_what_is_ahead(statement, JOB, part, sql)
    assert told.value.reloads == again
