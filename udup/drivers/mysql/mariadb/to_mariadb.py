"""MySQL's definitions of tables as MariaDB's.

What MariaDB does not have and rows do not depend on is left out and told: indexes on expressions, constraints that are
not enforced, NOT NULL of generated columns, storage options.
"""

from __future__ import annotations

from collections.abc import Sequence

from udup.drivers.mysql.mariadb.introducers import fit_strings
from udup.drivers.mysql.mariadb.parts import Item
from udup.drivers.mysql.mariadb.told import Fitting

_IGNORED, _VECTOR = (10, 6, 0), (11, 7, 1)

#: Types with the version that brought them, and the bytes that they are in a row.
_NEW_TYPES = {
    "UUID": ((10, 7, 0), "BINARY(16)"),
    "INET4": ((10, 10, 0), "BINARY(4)"),
    "XMLTYPE": ((12, 3, 0), "LONGTEXT"),
}

#: Bytes of a number of a VECTOR, and how many it has unless it says so.
_ITEM, _DIMENSIONS = 4, 2048

#: Options of tables and columns that have a value, or none, and that MariaDB does not know.
_OPTIONS = frozenset(
    {"ENGINE_ATTRIBUTE", "SECONDARY_ENGINE_ATTRIBUTE", "SECONDARY_ENGINE", "AUTOEXTEND_SIZE", "COLUMN_FORMAT"}
    | {"STORAGE", "COMPRESSION", "ENCRYPTION"}
)
_TOLD_OPTIONS = frozenset({"COMPRESSION", "ENCRYPTION"})
_PLAIN_VALUES = frozenset({"'N'", "'n'", "''", "'NONE'", "'none'"})

_HOW = frozenset({"ALGORITHM", "LOCK"})


def fit_column(item: Item, fitting: Fitting) -> None:
    """Make a column one of MariaDB's."""
    _vector(item, fitting)
    fit_strings(item, fitting)
    if item.word(item.kind_at) == "GEOMCOLLECTION":
        item.put(item.kind_at, item.kind_at + 1, "GEOMETRYCOLLECTION")
    _generated(item, fitting)
    without_options(item, fitting)
    _drop_words(item, "VISIBLE")
    at = item.find("SRID", start=item.kind_at)
    if at > 0:
        item.put(at, at + 2, "")
        fitting.tell("its SRID is not demanded on the target", item.column)
    _checks_of_column(item, fitting)


def fit_item(item: Item, fitting: Fitting) -> None:
    """Make an index, a constraint or an action one of MariaDB's; leave out what it has none of."""
    first = item.word(0)
    at = 1 if first == "ADD" else 0
    if item.word(at) == "CONSTRAINT":
        at += 1 if item.word(at + 1) in ("CHECK", "PRIMARY", "UNIQUE", "FOREIGN") else 2
    if item.word(at) in ("UNIQUE", "FULLTEXT", "SPATIAL", "KEY", "INDEX", "PRIMARY"):
        _index(item, at, fitting)
    elif item.word(at) == "CHECK":
        fit_strings(item, fitting)
        _check(item, at, fitting)
    elif first in _HOW:
        item.left_out = True
    elif first == "DROP":
        _drop(item)
    elif first == "ALTER":
        fit_strings(item, fitting)
        _alter(item, fitting)
    else:
        without_options(item, fitting)


def refuse_keys(items: Sequence[Item], fitting: Fitting) -> None:
    """Refuse a primary key on a column that is generated; of an ALTER TABLE as far as it says so itself."""
    generated = {item.column.casefold() for item in items if item.find("AS", "(", start=item.kind_at) > 0}
    for item in items:
        at = item.find("PRIMARY", "KEY", start=item.kind_at)
        if at < 0:
            continue
        named = [item.column] if item.column else [word.text for word in item.words[at + 2 :]]
        if found := next((name for name in named if name.casefold() in generated - {""}), ""):
            fitting.refuse(
                "it is generated and a primary key, which MariaDB does not take",
                "have another key be the primary one on the source, or leave the table out",
                found,
            )


def fit_older_column(item: Item, fitting: Fitting) -> None:
    """Make a column of MariaDB's one of an older MariaDB's."""
    _vector(item, fitting)
    since, bytes_ = _NEW_TYPES.get(item.word(item.kind_at), ((0, 0, 0), ""))
    if fitting.target.version < since:
        item.put(item.kind_at, item.kind_at + 1, bytes_)
        kind = item.word(item.kind_at)
        fitting.tell(f"{kind} is {bytes_} on the target, which has no such type", item.column)
        if (at := item.find("DEFAULT", "UUID", start=item.kind_at)) > 0:
            item.put(at, item.behind(at + 2), "")
            fitting.tell("its default is left out on the target", item.column)


def fit_older_item(item: Item, fitting: Fitting) -> None:
    """Make an index or an action of MariaDB's one of an older MariaDB's."""
    at = 1 if item.word(0) == "ADD" else 0
    if item.word(at) == "VECTOR" and fitting.target.version < _VECTOR:
        item.left_out = True
        fitting.tell("a VECTOR INDEX is left out on the target, which has none")
    ignored = item.find("IGNORED")
    if ignored > 0 and fitting.target.version < _IGNORED:
        item.put(ignored - (item.word(ignored - 1) == "NOT"), ignored + 1, "")


def without_options(item: Item, fitting: Fitting) -> None:
    """Take what MariaDB does not know off a column, a table or an action."""
    for at, word in enumerate(item.words):
        if word.upper not in _OPTIONS or item.word(at - 1) in (".", "AS") or item.word(at + 1) == "ENGINE":
            continue
        end = at + (3 if item.word(at + 1) == "=" else 2)
        value = item.words[min(end, len(item.words)) - 1]
        if word.upper in _TOLD_OPTIONS and not value.string:
            continue  # a name
        if word.upper in _TOLD_OPTIONS and f"'{value.text}'" not in _PLAIN_VALUES:
            fitting.tell(f"{word.upper} = '{value.text}' is left out on the target", item.column)
        item.put(at, min(end, len(item.words)), "")
    if item.words and all(any(s <= w.start and w.end <= e for s, e, _ in item.edits) for w in item.words):
        item.left_out = True


def _vector(item: Item, fitting: Fitting) -> None:
    if item.word(item.kind_at) != "VECTOR":
        return
    end = item.behind(item.kind_at + 1) if item.word(item.kind_at + 1) == "(" else item.kind_at + 1
    size = int(item.words[item.kind_at + 2].text) if end > item.kind_at + 1 else _DIMENSIONS
    if fitting.target.version >= _VECTOR:
        item.put(item.kind_at, end, f"VECTOR({size})")
    else:
        item.put(item.kind_at, end, f"VARBINARY({size * _ITEM})")
        fitting.tell(f"VECTOR({size}) is VARBINARY({size * _ITEM}) on the target, which has no such type", item.column)


def _generated(item: Item, fitting: Fitting) -> None:
    at = item.find("AS", "(", start=item.kind_at)
    if at < 0:
        return
    end = item.behind(at + 1)
    place = item.find("NOT", "NULL", start=end)
    if place > 0:
        item.put(place, place + 2, "")
        fitting.tell("generated, and so not NOT NULL on the target, which has no such columns", item.column)
    elif (place := item.find("NULL", start=end)) > 0:
        item.put(place, place + 1, "")


def _checks_of_column(item: Item, fitting: Fitting) -> None:
    at = item.find("CHECK", "(", start=item.kind_at)
    if at < 0:
        return
    end = item.behind(at + 1)
    if item.word(end) == "NOT" and item.word(end + 1) == "ENFORCED":
        start = at - 2 if item.word(at - 2) == "CONSTRAINT" else at - 1 if item.word(at - 1) == "CONSTRAINT" else at
        item.put(start, end + 2, "")
        fitting.tell("its CHECK is not enforced on the source, and left out on the target", item.column)
    elif item.word(end) == "ENFORCED":
        item.put(end, end + 1, "")


def _check(item: Item, at: int, fitting: Fitting) -> None:
    end = item.behind(at + 1)
    if item.word(end) == "NOT":
        item.left_out = True
        fitting.tell("a CHECK that is not enforced on the source is left out on the target")
    elif item.word(end) == "ENFORCED":
        item.put(end, end + 1, "")


def _index(item: Item, at: int, fitting: Fitting) -> None:
    parts = next((place for place in range(at, len(item.words)) if item.word(place) == "("), -1)
    name = next((word.text for word in item.words[at:parts] if not word.upper), "")
    depth = 0
    for place in range(parts, len(item.words)):
        if depth == 1 and item.word(place) == "(" and item.word(place - 1) in ("(", ","):
            item.left_out = True
            fitting.tell(f"the index {name} on an expression is left out on the target, which has none")
            return
        depth += (item.word(place) == "(") - (item.word(place) == ")")
    if item.find("WITH", "PARSER") > 0:
        item.left_out = True
        fitting.tell(f"the FULLTEXT index {name} with a parser of its own is left out on the target")
        return
    without_options(item, fitting)
    _invisible(item, fitting, name)


def _invisible(item: Item, fitting: Fitting, name: str) -> None:
    _drop_words(item, "VISIBLE")
    at = item.find("INVISIBLE")
    if at > 0:
        knows = fitting.target.version >= _IGNORED
        item.put(at, at + 1, "IGNORED" if knows else "")
        if not knows:
            fitting.tell(f"the index {name} is not INVISIBLE on the target, which has no such indexes")


def _drop(item: Item) -> None:
    """An index that was left out, or a constraint, is dropped if it is there."""
    what = item.word(1)
    if what in ("INDEX", "KEY"):
        item.add(1, " IF EXISTS")
    elif what in ("CHECK", "CONSTRAINT"):
        item.put(1, 2, "CONSTRAINT IF EXISTS")


def _alter(item: Item, fitting: Fitting) -> None:
    what = item.word(1)
    if what == "INDEX" and item.words[-1].upper in ("VISIBLE", "INVISIBLE"):
        if fitting.target.version < _IGNORED:
            item.left_out = True
        else:
            is_visible = item.words[-1].upper == "VISIBLE"
            item.put(len(item.words) - 1, len(item.words), "NOT IGNORED" if is_visible else "IGNORED")
    elif what in ("CHECK", "CONSTRAINT"):
        item.left_out = True
        fitting.tell("whether a CHECK is enforced is left as it is on the target")
    elif item.find("SET", "VISIBLE") > 0 or item.find("SET", "INVISIBLE") > 0:
        item.left_out = True
        fitting.tell("whether a column is INVISIBLE is left as it is on the target, where ALTER COLUMN cannot say it")


def _drop_words(item: Item, *wanted: str) -> None:
    for each in wanted:
        at = item.find(each, start=max(item.kind_at, 1))
        if at > 0:
            item.put(at, at + 1, "")
