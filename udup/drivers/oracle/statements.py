"""Every statement that is sent to an Oracle server, as documented for LogMiner and the dictionary. No other is sent."""

from __future__ import annotations

from udup.drivers.oracle.logminer.rows import COLUMNS

#: How values are printed, in redo and snapshot: `types.py` reads nothing else. SYYYY has a minus in front of years BC,
#: which YYYY prints like those AD; a year is of the calendar, which a logon trigger may have set to another one.
SESSION = (
    "ALTER SESSION SET NLS_CALENDAR = 'GREGORIAN'",
    "ALTER SESSION SET NLS_DATE_FORMAT = 'SYYYY-MM-DD HH24:MI:SS'",
    "ALTER SESSION SET NLS_TIMESTAMP_FORMAT = 'SYYYY-MM-DD HH24:MI:SS.FF9'",
    "ALTER SESSION SET NLS_TIMESTAMP_TZ_FORMAT = 'SYYYY-MM-DD HH24:MI:SS.FF9 TZH:TZM'",
    "ALTER SESSION SET NLS_NUMERIC_CHARACTERS = '.,'",
    "ALTER SESSION SET TIME_ZONE = '00:00'",
)

#: The container's name is an identifier, and `quoted` by who sends this.
CONTAINER = "ALTER SESSION SET CONTAINER = {}"

# ---- The database ----

DATABASE = (
    "SELECT DBID, RESETLOGS_CHANGE#, LOG_MODE, SUPPLEMENTAL_LOG_DATA_MIN, SUPPLEMENTAL_LOG_DATA_ALL, FORCE_LOGGING,"
    " CDB, DATABASE_ROLE, OPEN_MODE FROM V$DATABASE"
)

#: The container that a session is in; "" where there are none.
CONTAINER_NAME = "SELECT SYS_CONTEXT('USERENV', 'CON_NAME') FROM DUAL"
ROOT = "CDB$ROOT"

#: A container that was set back by itself (point-in-time recovery, flashback) is another incarnation of the container,
#: and not of the database. Asked in the container.
INCARNATION = "SELECT MAX(BEGIN_RESETLOGS_SCN) FROM V$PDB_INCARNATION WHERE STATUS = 'CURRENT'"
VERSION = "SELECT BANNER FROM V$VERSION"
THREADS = "SELECT THREAD#, STATUS, ENABLED FROM V$THREAD"
STRING_SIZE = "SELECT VALUE FROM V$PARAMETER WHERE NAME = 'max_string_size'"
CURRENT_SCN = "SELECT CURRENT_SCN FROM V$DATABASE"

#: The SCN, the time in UTC, and the server's own time, which LogMiner stamps changes with.
CLOCK = (
    "SELECT CURRENT_SCN, TO_CHAR(SYS_EXTRACT_UTC(SYSTIMESTAMP), 'YYYY-MM-DD HH24:MI:SS.FF6'),"
    " TO_CHAR(SYSDATE, 'YYYY-MM-DD HH24:MI:SS') FROM V$DATABASE"
)

#: How many transactions are open, and where the first of them began.
OPEN_TRANSACTIONS = "SELECT COUNT(*), MIN(START_SCN) FROM V$TRANSACTION"

# ---- Dictionary ----

TABLES = (
    "SELECT OWNER, TABLE_NAME, NUM_ROWS, AVG_ROW_LEN, TEMPORARY, NESTED, IOT_TYPE, CLUSTER_NAME FROM ALL_TABLES"
    " WHERE OWNER NOT IN (SELECT USERNAME FROM ALL_USERS WHERE ORACLE_MAINTAINED = 'Y') ORDER BY OWNER, TABLE_NAME"
)
OWN_USERS = "SELECT USERNAME FROM ALL_USERS WHERE ORACLE_MAINTAINED = 'Y'"
TAB_COLUMNS = (
    "SELECT COLUMN_NAME, DATA_TYPE, DATA_LENGTH, CHAR_LENGTH, DATA_PRECISION, DATA_SCALE, NULLABLE, VIRTUAL_COLUMN,"
    " HIDDEN_COLUMN FROM ALL_TAB_COLS WHERE OWNER = :owner AND TABLE_NAME = :name ORDER BY INTERNAL_COLUMN_ID"
)
KEYS = (
    "SELECT C.CONSTRAINT_TYPE, C.CONSTRAINT_NAME, K.COLUMN_NAME FROM ALL_CONSTRAINTS C JOIN ALL_CONS_COLUMNS K"
    " ON K.OWNER = C.OWNER AND K.CONSTRAINT_NAME = C.CONSTRAINT_NAME WHERE C.OWNER = :owner AND C.TABLE_NAME = :name"
    " AND C.CONSTRAINT_TYPE IN ('P', 'U') AND C.STATUS = 'ENABLED' AND C.VALIDATED = 'VALIDATED'"
    " AND C.DEFERRABLE = 'NOT DEFERRABLE' ORDER BY C.CONSTRAINT_TYPE, C.CONSTRAINT_NAME, K.POSITION"
)
OBJECT_NUMBERS = "SELECT OBJECT_ID FROM ALL_OBJECTS WHERE OWNER = :owner AND OBJECT_NAME = :name"
LOG_GROUPS = "SELECT 'KEY', LOG_GROUP_TYPE FROM ALL_LOG_GROUPS WHERE OWNER = :owner AND TABLE_NAME = :name"
ALL_COLUMNS_LOGGED = "ALL COLUMN LOGGING"

# ---- LogMiner ----

ARCHIVE_DESTINATION = (
    "SELECT DEST_NAME FROM V$ARCHIVE_DEST_STATUS WHERE STATUS = 'VALID' AND TYPE = 'LOCAL' ORDER BY DEST_ID"
)
LOGS = (
    "SELECT MIN(F.MEMBER), L.FIRST_CHANGE#, L.NEXT_CHANGE#, L.ARCHIVED, L.STATUS, 'ONLINE', L.SEQUENCE#, 'NO', 'NO',"
    " L.THREAD#, L.BYTES, NULL FROM V$LOGFILE F, V$DATABASE D, V$LOG L WHERE L.STATUS = 'CURRENT'"
    " AND F.GROUP# = L.GROUP# GROUP BY L.FIRST_CHANGE#, L.NEXT_CHANGE#, L.ARCHIVED, L.STATUS, L.SEQUENCE#, L.THREAD#,"
    " L.BYTES UNION SELECT A.NAME, A.FIRST_CHANGE#, A.NEXT_CHANGE#, 'YES', NULL, 'ARCHIVED', A.SEQUENCE#,"
    " A.DICTIONARY_BEGIN, A.DICTIONARY_END, A.THREAD#, A.BLOCKS*A.BLOCK_SIZE, DS.DEST_NAME FROM V$ARCHIVED_LOG A,"
    " V$DATABASE D, V$ARCHIVE_DEST_STATUS DS WHERE A.NAME IS NOT NULL AND A.ARCHIVED = 'YES' AND A.STATUS = 'A'"
    " AND A.NEXT_CHANGE# > :scn AND A.DEST_ID = DS.DEST_ID AND DS.DEST_NAME = :dest"
    " AND A.RESETLOGS_CHANGE# = D.RESETLOGS_CHANGE# AND A.RESETLOGS_TIME = D.RESETLOGS_TIME ORDER BY 7"
)
ADD_LOGFILE = "BEGIN sys.dbms_logmnr.add_logfile(LOGFILENAME => :name, OPTIONS => DBMS_LOGMNR.ADDFILE); END;"
START_LOGMNR = (
    "BEGIN sys.dbms_logmnr.start_logmnr(startScn => :first, endScn => :last,"
    " options => DBMS_LOGMNR.DICT_FROM_ONLINE_CATALOG + DBMS_LOGMNR.NO_ROWID_IN_STMT); END;"
)
END_LOGMNR = "BEGIN SYS.DBMS_LOGMNR.END_LOGMNR(); END;"

#: Beside the ends of transactions and DDL whatever is not known to change no row: INTERNAL is 0, SELECT_FOR_UPDATE 25.
_CONTENTS = (
    f"SELECT {COLUMNS} FROM V$LOGMNR_CONTENTS WHERE SCN > :first AND SCN <= :last{{container}} AND"
    " (OPERATION_CODE IN (6, 7, 34, 36) OR (OPERATION_CODE NOT IN (0, 5, 6, 7, 25, 34, 36){owners})"
    " OR (OPERATION_CODE = 5 AND (INFO IS NULL OR INFO NOT LIKE 'INTERNAL DDL%')))"
)

#: The owner that LogMiner names for tables which the dictionary does not have.
UNKNOWN_OWNER = "UNKNOWN"


def contents(owners: tuple[str, ...], *, of_container: bool) -> tuple[str, dict[str, str]]:
    """Return the statement that reads LogMiner's view, and the names that it takes beside `first` and `last`.

    `owners`: the schemas whose rows are wanted; () for all. `of_container`: rows of the container `pdb` alone.
    """
    container = " AND (SRC_CON_NAME = :pdb OR OPERATION_CODE = 34)" if of_container else ""
    binds = {f"owner{number}": owner for number, owner in enumerate((*owners, UNKNOWN_OWNER))} if owners else {}
    listed = f" AND SEG_OWNER IN ({', '.join(f':{name}' for name in binds)})" if binds else ""
    return _CONTENTS.format(container=container, owners=listed), binds


# ---- A commit of Udup's own: what LGWR holds back until then is written ----

FLUSH_TABLE = "UDUP_LOG_FLUSH"
FLUSH_TABLES = f"SELECT COUNT(*) FROM USER_TABLES WHERE TABLE_NAME = '{FLUSH_TABLE}'"
MAKE_FLUSH_TABLE = f"CREATE TABLE {FLUSH_TABLE} (LAST_SCN NUMBER(19) NOT NULL)"
FILL_FLUSH_TABLE = (
    f"INSERT INTO {FLUSH_TABLE} (LAST_SCN) SELECT 0 FROM DUAL WHERE NOT EXISTS (SELECT 1 FROM {FLUSH_TABLE})"
)
FLUSH = f"UPDATE {FLUSH_TABLE} SET LAST_SCN = :scn"


def quoted(name: str) -> str:
    """Return an identifier in quotes; raise `ValueError` for one that cannot be one."""
    if not name or '"' in name or "\0" in name:
        raise ValueError(f"{name!r} is no name of Oracle's")
    return f'"{name}"'


def snapshot_select(owner: str, table: str, expressions: list[str]) -> str:
    """Return what reads a table's rows as of the SCN `scn`."""
    return f"SELECT {', '.join(expressions)} FROM {quoted(owner)}.{quoted(table)} AS OF SCN :scn"
