"""Cases for an Oracle server: what its copy and its log must show, written down beforehand.

What Udup takes for granted of LogMiner and of flashback stands here as statements and what has to come of them. No
target is needed: the way from there is tested with every other source.
"""

from __future__ import annotations

from dataclasses import dataclass

#: What stands for the table's name in a statement.
TABLE = "{t}"

#: Statements that are none of SQL's own words here: they end or mark a transaction.
COMMIT = "COMMIT"


@dataclass(frozen=True)
class OracleCase:
    """A table, the rows that are there before, and statements behind them.

    `columns` are definitions, the first of the key; `copied` rows as SQL literals. `rows` is what a snapshot must show
    of them, `changes` what the log must show of the statements: `i` a row, `u` a row and what it became, `d` a row.
    `refused`: words with which the log has to stop instead.
    """

    name: str
    topic: str
    columns: tuple[str, ...]
    copied: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    refused: str = ""


def _types(name: str, kind: str, *pairs: tuple[str, str]) -> OracleCase:
    """A column of a type: each value is copied, inserted, and changed to NULL."""
    copied = tuple(f"{number}, {literal}" for number, (literal, _) in enumerate(pairs, 1))
    rows = tuple(f"{number}, {shown}" for number, (_, shown) in enumerate(pairs, 1))
    behind = len(pairs)
    steps, changes = [], []
    for number, (literal, shown) in enumerate(pairs, behind + 1):
        steps.append(f"INSERT INTO {TABLE} VALUES ({number}, {literal})")
        changes.append(f"i {number}, {shown}")
    steps += [f"UPDATE {TABLE} SET V = NULL WHERE ID = 1", COMMIT]
    changes.append(f"u 1, {pairs[0][1]} to 1, NULL")
    return OracleCase(
        f"types/{name}", f"values of {kind}", ("ID NUMBER(9)", f"V {kind}"), copied, rows, tuple(steps), tuple(changes)
    )


def _notes(name: str, topic: str, steps: tuple[str, ...], changes: tuple[str, ...], refused: str = "") -> OracleCase:
    """A table of notes with two rows, and what happens to them."""
    copied, rows = ("1, 'one'", "2, 'two'"), ("1, one", "2, two")
    filled = tuple(
        step.replace("{i}", f"INSERT INTO {TABLE} VALUES").replace("{u}", f"UPDATE {TABLE} SET NOTE =")
        for step in steps
    )
    return OracleCase(name, topic, ("ID NUMBER(9)", "NOTE VARCHAR2(4000)"), copied, rows, filled, changes, refused)


_LONG = 3900

CASES: tuple[OracleCase, ...] = (
    _types("integers", "NUMBER(18)", ("0", "0"), ("-999999999999999999", "-999999999999999999"), ("42", "42")),
    _types("numbers", "NUMBER(10,2)", ("1.5", "1.50"), ("-0.01", "-0.01"), ("99999999.99", "99999999.99")),
    _types("numbers_of_any_size", "NUMBER", ("1E20", "1" + "0" * 20 + "." + "0" * 30), ("1/8", "0.125" + "0" * 27)),
    _types("texts", "VARCHAR2(200)", ("'it''s'", "it's"), ("'a;b\"c\\'", 'a;b"c\\'), ("UNISTR('\\4E2D')", "\u4e2d")),
    _types("blanks", "CHAR(5)", ("'ab'", "ab   "), ("'abcde'", "abcde")),
    _types("national", "NVARCHAR2(50)", ("UNISTR('\\00FC\\D83D\\DE00')", "\u00fc\U0001f600"), ("N'plain'", "plain")),
    _types("bytes", "RAW(20)", ("HEXTORAW('00FF27')", "0x00ff27"), ("HEXTORAW('61')", "a")),
    _types(
        "days",
        "DATE",
        ("DATE '2024-02-29'", "2024-02-29 00:00:00"),
        ("TO_DATE('1999-12-31 23:59:59', 'YYYY-MM-DD HH24:MI:SS')", "1999-12-31 23:59:59"),
    ),
    _types("moments", "TIMESTAMP(6)", ("TIMESTAMP '2024-02-29 13:14:15.123456'", "2024-02-29 13:14:15.123456")),
    _types(
        "zones",
        "TIMESTAMP(3) WITH TIME ZONE",
        ("TIMESTAMP '2024-02-29 13:14:15.5 +01:00'", "2024-02-29 13:14:15.500000000 +01:00"),
    ),
    _types("spans", "INTERVAL DAY(2) TO SECOND(3)", ("INTERVAL '1 02:03:04.5' DAY TO SECOND", "+1 02:03:04.500000000")),
    _types("years", "INTERVAL YEAR(2) TO MONTH", ("INTERVAL '-2-3' YEAR TO MONTH", "-2-03")),
    _types("doubles", "BINARY_DOUBLE", ("0.5d", "0.5"), ("-1.25d", "-1.25")),
    _types("long_texts", "VARCHAR2(4000)", (f"RPAD('x', {_LONG}, 'y''')", ("x" + "y'" * _LONG)[:_LONG])),
    _notes(
        "changes/each_kind",
        "rows that are inserted, updated and deleted",
        ("{i} (3, 'three')", "{u} 'TWO' WHERE ID = 2", f"DELETE FROM {TABLE} WHERE ID = 1", COMMIT),
        ("i 3, three", "u 2, two to 2, TWO", "d 1, one"),
    ),
    _notes(
        "changes/empty_text", "an empty text, which is NULL", ("{u} '' WHERE ID = 1", COMMIT), ("u 1, one to 1, NULL",)
    ),
    _notes(
        "changes/several_in_one",
        "a statement that changes several rows",
        ("{u} NOTE || '!' WHERE ID < 9", COMMIT),
        ("u 1, one to 1, one!", "u 2, two to 2, two!"),
    ),
    _notes(
        "changes/the_key",
        "a key that is changed",
        (f"UPDATE {TABLE} SET ID = 7 WHERE ID = 1", COMMIT),
        ("u 1, one to 7, one",),
    ),
    _notes(
        "transactions/savepoint",
        "a rollback to a savepoint undoes the last changes of its rows alone",
        (
            *("{i} (3, 'kept')", "{u} 'first' WHERE ID = 1", "SAVEPOINT A", "{u} 'second' WHERE ID = 1"),
            *("{i} (4, 'gone')", f"DELETE FROM {TABLE} WHERE ID = 2", "ROLLBACK TO A", "{i} (5, 'behind')", COMMIT),
        ),
        ("i 3, kept", "u 1, one to 1, first", "i 5, behind"),
    ),
    _notes(
        "transactions/rollback",
        "a transaction that is rolled back is nothing",
        ("{i} (3, 'gone')", "ROLLBACK", "{i} (4, 'there')", COMMIT),
        ("i 4, there",),
    ),
    _notes(
        "transactions/failed_statement",
        "a statement that fails in its middle is undone, and its transaction goes on",
        ("{i} (3, 'there')", f"!INSERT INTO {TABLE} SELECT ID + 1, NOTE FROM {TABLE} ORDER BY ID DESC", COMMIT),
        ("i 3, there",),
    ),
    _notes(
        "definitions/add_column",
        "a column that is added, told as MySQL's statement",
        (f"ALTER TABLE {TABLE} ADD (EXTRA NUMBER(4))", f"UPDATE {TABLE} SET EXTRA = 7 WHERE ID = 1", COMMIT),
        ("ALTER TABLE {t} ADD COLUMN `EXTRA` smallint DEFAULT NULL", "u 1, one, NULL to 1, one, 7"),
    ),
    _notes("definitions/truncate", "a table that is emptied", (f"TRUNCATE TABLE {TABLE}",), ("TRUNCATE TABLE {t}",)),
    _notes(
        "definitions/modify",
        "a definition that is not translated stops the job",
        (f"ALTER TABLE {TABLE} MODIFY (NOTE VARCHAR2(3999))",),
        (),
        "MODIFY",
    ),
)

#: What no case covers, and why.
NOT_COVERED: tuple[tuple[str, str], ...] = (
    ("log switches, archived logs that are removed", "nothing is switched or removed on a server of somebody's"),
    ("RAC, Data Guard, RESETLOGS, recovery of a container", "they need more than one server, or set one back"),
    ("LOBs in the log, MAX_STRING_SIZE = EXTENDED", "a job is refused at its start"),
    ("loads with NOLOGGING", "they are in no redo: the check force_logging warns of them"),
    ("transactions of gigabytes, speed", "a test is no load"),
    ("rows on a target", "the way from the source's events on is tested with every other source"),
)
