"""MariaDB's definitions of tables as MySQL's.

Types that MySQL lacks are the bytes that they are in a row: UUID and INET6 BINARY(16), INET4 BINARY(4), VECTOR(n)
VARBINARY(4n). JSON is LONGTEXT there as it is on MariaDB, since its rows are texts. What hangs on the server alone
(checksums of pages, an engine without transactions that survives crashes) is left out and told; what rows depend on is
refused.
"""

from __future__ import annotations

import ipaddress
import re
import uuid
from collections.abc import Sequence

from udup.drivers.mysql.ddl.sqltokens import Word
from udup.drivers.mysql.mariadb.history import ROW_END
from udup.drivers.mysql.mariadb.parts import Item
from udup.drivers.mysql.mariadb.told import Fitting

_TYPES = {"UUID": "BINARY(16)", "INET6": "BINARY(16)", "INET4": "BINARY(4)", "XMLTYPE": "LONGTEXT"}
_JSON = "LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"

#: Types whose values are texts to people, and how many bytes they are.
_OF_BYTES = {"UUID": 16, "INET6": 16, "INET4": 4}

#: What MariaDB calls a CHECK that has no name, in each table anew; names of MySQL's are those of a schema.
_OF_ITSELF = re.compile(r"CONSTRAINT_\d+")

#: Bytes of a number of a VECTOR.
_ITEM = 4

#: Types whose default MySQL takes as an expression alone.
_LONG = ("TEXT", "BLOB", "JSON", "GEOMETRY", "POINT", "LINESTRING", "POLYGON", "MULTI", "GEOM")

#: What a default may begin with that is no expression to MySQL.
_PLAIN = frozenset({"NULL", "CURRENT_TIMESTAMP", "NOW", "LOCALTIME", "LOCALTIMESTAMP", "TRUE", "FALSE", "-", "+", "("})

#: Options of tables that MySQL does not know; those in capitals below are told.
_OPTIONS = frozenset(
    {"PAGE_CHECKSUM", "TRANSACTIONAL", "PAGE_COMPRESSED", "PAGE_COMPRESSION_LEVEL", "ENCRYPTED", "ENCRYPTION_KEY_ID"}
    | {"IETF_QUOTES", "TABLE_CHECKSUM"}
)
_TOLD = frozenset({"PAGE_COMPRESSED", "ENCRYPTED"})

_BY_HAND = "run on the target what it comes to there, then skip the transaction (udup job skip)"
_BY_SERVER = "have its period in the columns that the server makes (WITH SYSTEM VERSIONING), or leave the table out"
_NO_HISTORY = "its rows of the past (SYSTEM VERSIONING) are left out on the target, which keeps those of today alone"
_LEAVE = "leave the table out of the job (ReplicateIgnoreDb)"


def refuse_statement(words: Sequence[Word], fitting: Fitting) -> None:
    """Refuse what MySQL has no one statement for: it would run once only by halves."""
    upper = [word.upper for word in words]
    if upper[:2] == ["SET", "STATEMENT"]:
        fitting.refuse("SET STATEMENT … FOR is not known to the target", _BY_HAND)
    if upper[:3] == ["CREATE", "OR", "REPLACE"] and upper[3] in ("TABLE", "DATABASE", "SCHEMA", "EVENT", "TRIGGER"):
        fitting.refuse(f"CREATE OR REPLACE {upper[3]} is not known to the target", _BY_HAND)


def fit_column(item: Item, fitting: Fitting) -> None:
    """Make a column one of MySQL's."""
    _refuse_column(item, fitting)
    _refuse_condition(item, fitting)
    _type(item, fitting)
    _default(item, fitting)
    for at, word in enumerate(item.words):
        if at > item.kind_at and word.upper == "PERSISTENT":
            item.put(at, at + 1, "STORED")
        elif at > item.kind_at and word.upper == "REF_SYSTEM_ID":
            item.put(at, at + (3 if item.word(at + 1) == "=" else 2), "")
            fitting.tell("its REF_SYSTEM_ID is left out on the target", item.column)
    _without_json_check(item, fitting)
    without_options(item, fitting)


def fit_item(item: Item, fitting: Fitting) -> None:
    """Make an index, a constraint, an action or what stands behind the items one of MySQL's."""
    first = item.word(0)
    at = 1 if first == "ADD" else 0
    _refuse_condition(item, fitting)
    if item.word(at) == "CONSTRAINT" and item.word(at + 2) == "CHECK" and _OF_ITSELF.fullmatch(item.words[at + 1].text):
        item.put(at, at + 2, "")
    if item.word(at) == "PERIOD" or (first == "DROP" and item.word(1) == "PERIOD"):
        item.left_out = True
        fitting.tell("a PERIOD is left out on the target, which has none")
    elif item.word(at) == "VECTOR" and item.word(at + 1) in ("KEY", "INDEX"):
        item.left_out = True
        fitting.tell("a VECTOR INDEX is left out on the target, which has none")
    elif item.find("WITHOUT", "OVERLAPS") > 0 or any(word.upper == "OVERLAPS" for word in item.words):
        fitting.refuse("a key WITHOUT OVERLAPS is not known to the target", _LEAVE)
    elif item.word(1) == "SYSTEM" and first in ("ADD", "DROP"):
        item.left_out = True
        fitting.tell(_NO_HISTORY)
    elif first in ("ALGORITHM", "LOCK", "NOWAIT"):
        item.left_out = True
    elif item.word(at) == "UNIQUE" and item.find("USING", "HASH") > 0:
        item.left_out = True
        fitting.tell("a UNIQUE key over whole texts (USING HASH) is left out on the target, which has none")
    else:
        _index_words(item)
        without_options(item, fitting)


def without_options(item: Item, fitting: Fitting) -> None:
    """Take what MySQL does not know off a table or an action; ENGINE=Aria is InnoDB."""
    for at, word in enumerate(item.words):
        name = word.text.upper()
        value = at + (2 if item.word(at + 1) == "=" else 1)
        if value >= len(item.words):
            continue
        if name in _OPTIONS:
            item.put(at, value + 1, "")
            if name in _TOLD:
                fitting.tell(f"{name} is left out on the target", item.column)
        elif name == "ENGINE" and item.words[value].text.lower() == "aria":
            item.put(value, value + 1, "InnoDB")
            fitting.tell("the table is InnoDB on the target, which has no Aria")
        elif name == "ROW_FORMAT" and item.words[value].upper == "PAGE":
            item.put(at, value + 1, "")
        elif name == "WITH" and item.word(at + 1) == "SYSTEM":
            item.put(at, at + 3, "")
            fitting.tell(_NO_HISTORY)
        elif name == "PARTITION" and item.word(at + 2) == "SYSTEM_TIME":
            item.put(at, len(item.words), "")
            break
        elif name == "SEQUENCE" and item.word(at + 1) == "=":
            fitting.refuse("a SEQUENCE is not known to the target", "leave it out of the job (ReplicateIgnoreDb)")


def _refuse_condition(item: Item, fitting: Fitting) -> None:
    if item.word(0) in ("ADD", "DROP", "MODIFY", "CHANGE", "RENAME") and "IF" in (item.word(1), item.word(2)):
        fitting.refuse(f"IF EXISTS inside of ALTER TABLE ({item.word(0)}) is not known to the target", _BY_HAND)


def _refuse_column(item: Item, fitting: Fitting) -> None:
    at = item.find("COMPRESSED", start=item.kind_at)
    if at > 0:
        by_method = item.word(at + 1) == "="
        item.put(at, at + (3 if by_method else 1), "")
        fitting.tell("it is not COMPRESSED on the target, which has no such columns", item.column)
    if item.find("AS", "ROW", start=item.kind_at) > 0:
        fitting.refuse("a column of SYSTEM VERSIONING is not known to the target", _BY_SERVER, item.column)
    elif item.column.lower() == ROW_END and item.word(item.kind_at) == "TIMESTAMP":
        problem = "rows of a table with such a column look like those of SYSTEM VERSIONING in the log"
        fitting.refuse(problem, "call it otherwise on the source", item.column)
    for words in (("WITH", "SYSTEM", "VERSIONING"), ("WITHOUT", "SYSTEM", "VERSIONING")):
        at = item.find(*words, start=item.kind_at)
        if at > 0:
            item.put(at, at + len(words), "")


def _type(item: Item, fitting: Fitting) -> None:
    at = item.kind_at
    kind = item.word(at)
    if kind in _TYPES:
        item.put(at, at + 1, _TYPES[kind])
        fitting.tell(f"{kind} is {_TYPES[kind]} on the target, which has no such type", item.column)
    elif kind == "JSON":
        item.put(at, at + 1, _JSON)
    elif kind == "VECTOR" and item.word(at + 1) == "(":
        size = int(item.words[at + 2].text) * _ITEM
        item.put(at, item.behind(at + 1), f"VARBINARY({size})")
        fitting.tell(f"VECTOR is VARBINARY({size}) on the target, in which it is the same bytes", item.column)


def _default(item: Item, fitting: Fitting) -> None:
    at = item.find("DEFAULT", start=item.kind_at)
    if at < 0 or at + 1 >= len(item.words):
        return
    first = item.words[at + 1]
    text = first.upper
    if text in ("NEXTVAL", "NEXT", "LASTVAL") or "NEXTVAL" in {word.upper for word in item.words[at:]}:
        end = item.behind(at + 2) if item.word(at + 2) == "(" else len(item.words)
        item.put(at, end, "")
        fitting.tell("its default, the next value of a SEQUENCE, is left out on the target", item.column)
    elif item.word(item.kind_at) in _OF_BYTES and text != "NULL":
        end = item.behind(at + 2) if item.word(at + 2) == "(" else at + 2
        made = _bytes_of(item.word(item.kind_at), first)
        item.put(at, end, f"DEFAULT {made}" if made else "")
        if not made:
            fitting.tell("its default is left out on the target", item.column)
    elif text.startswith("_") and at + 2 < len(item.words) and item.words[at + 2].string:
        return  # a string with its character set in front
    elif first.string or text[:1].isdigit():
        if item.word(item.kind_at).endswith(_LONG[:2]) or item.word(item.kind_at).startswith(_LONG[2:]):
            item.put(at + 1, at + 2, f"({_shown(item, at + 1, at + 2, fitting)})")
    elif text and text not in _PLAIN:
        end = item.behind(at + 2) if item.word(at + 2) == "(" else at + 2
        item.edits.append((first.start, first.start, "("))
        item.edits.append((item.words[end - 1].end, item.words[end - 1].end, ")"))


def _bytes_of(kind: str, default: Word) -> str:
    """Return a default of a UUID, INET6 or INET4 column as that of its bytes; "" if that is not known."""
    if not default.string:
        return "(uuid_to_bin(uuid()))" if kind == "UUID" and default.upper == "UUID" else ""
    try:
        made = uuid.UUID(default.text).bytes if kind == "UUID" else ipaddress.ip_address(default.text).packed
    except ValueError:
        return ""
    return f"x'{made.hex()}'" if len(made) == _OF_BYTES[kind] else ""


def _shown(item: Item, start: int, end: int, fitting: Fitting) -> str:
    return fitting.text[item.words[start].start : item.words[end - 1].end]


def _without_json_check(item: Item, fitting: Fitting) -> None:
    """MySQL's json_valid is another one; a document that MariaDB takes is to be taken."""
    at = item.find("CHECK", "(", start=item.kind_at)
    if at > 0 and item.word(at + 2) == "JSON_VALID":
        item.put(at, item.behind(at + 1), "")


def _index_words(item: Item) -> None:
    at = item.find("IGNORED")
    if at > 0 and item.word(at - 1) == "NOT":
        item.put(at - 1, at + 1, "VISIBLE" if item.word(0) == "ALTER" else "")
    elif at > 0:
        item.put(at, at + 1, "INVISIBLE")
