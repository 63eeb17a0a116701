"""A table's definition part by part, as SHOW CREATE TABLE prints it, so that what differs is told by its name.

For servers that print alike (`portable.dialect_of`). What is printed or not by how a table was once made is brought to
one form: the character set and the collation of a column, the schema of a foreign key's parent, the names of utf8mb3.
The AUTO_INCREMENT counter is none of the definition: it moves with rows, and on the source with those that were rolled
back. Nor is the tablespace, which is the server's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from udup.drivers.mysql.client.names import quote
from udup.drivers.mysql.compare.told_alike import charset_name
from udup.drivers.mysql.dictionary.catalog import Table
from udup.drivers.mysql.load.create_table import split_definition

_NAME = r"`(?:[^`]|``)*`"
_QUOTED = re.compile(rf"{_NAME}|'(?:[^'\\]|\\.|'')*'", re.DOTALL)

_COLUMN = re.compile(rf"({_NAME}) ")
_KEY = re.compile(rf"(?:UNIQUE |FULLTEXT |SPATIAL )?KEY ({_NAME}) |PRIMARY KEY ")
_CONSTRAINT = re.compile(rf"CONSTRAINT ({_NAME}) (FOREIGN KEY|CHECK) ")
_PARENT = re.compile(rf"(?<= REFERENCES )({_NAME})(\.{_NAME})?")

#: In a text whose quoted parts are masked: the type, and what may stand behind it.
_TYPE = re.compile(r" \w+(?:\([^)]*\))?(?: unsigned)?(?: zerofill)?( CHARACTER SET (\w+))?( COLLATE (\w+))?")
_OPTION = re.compile(r" ((?:DEFAULT )?[A-Z_]+(?: DIRECTORY)?)=(\([^)]*\)|[^\s]+)")
_PARTITIONS = re.compile(r"(?:/\*!\d+ *)?PARTITION BY ")
_TABLESPACE = re.compile(r" /\*!\d+ TABLESPACE `(?:[^`]|``)*`(?: STORAGE \w+)? \*/")

#: Names that a server gives to what has none.
_GIVEN = re.compile(r".*_(?:ibfk|chk|fk)_?\d+$|CONSTRAINT_\d+$|\d+$")

COLUMN, INDEX, FOREIGN_KEY, CHECK, OPTION, PARTITIONS, ORDER = (
    *("column", "index", "foreign key", "check", "option", "partitions", "the order of its columns"),
)


@dataclass(frozen=True, order=True)
class Part:
    """`kind` is one of the words above."""

    kind: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}".rstrip()


@dataclass(frozen=True)
class Value:
    """What a part is defined as: `fields` are compared, one by one; `words` are what a statement has of it."""

    fields: tuple[str, ...]
    words: str = ""


@dataclass(frozen=True)
class Shape:
    """The parts of a table, and its columns in their order."""

    parts: Mapping[Part, Value] = field(default_factory=dict)
    columns: tuple[str, ...] = ()


def shape_of(table: Table, collations: Mapping[str, str], *, folds: bool = False) -> Shape:
    """Return the parts of `table.create_sql`.

    `collations` are those that character sets have by default, where a server prints a column's by how it was made,
    else {}. `folds`: the target keeps names of tables in lower case. Raise `Unsupported` for a text that is not
    understood.
    """
    items, options = split_definition(table)
    found = dict(_options(options))
    table_charset = found.get(Part(OPTION, "DEFAULT CHARSET"), Value(("",))).fields[0]
    columns = []
    for item in items:
        if named := _COLUMN.match(item):
            columns.append(_unquoted(named[1]))
            found[Part(COLUMN, columns[-1])] = _column(item, named.end() - 1, table_charset, collations)
        elif named := _CONSTRAINT.match(item):
            kind = FOREIGN_KEY if named[2] == "FOREIGN KEY" else CHECK
            text = _with_schema(item[named.end() :], table.schema, folds=folds) if kind == FOREIGN_KEY else item
            found[Part(kind, _unquoted(named[1]))] = Value((text.removeprefix(f"CONSTRAINT {named[1]} "),), item)
        elif named := _KEY.match(item):
            name = _unquoted(named[1]) if named[1] else "PRIMARY"
            found[Part(INDEX, name)] = Value((item.replace(f" {named[1]} ", " ", 1) if named[1] else item,), item)
        else:
            found[Part("part", item[:64])] = Value((item,), item)
    return Shape(found, tuple(columns))


def names_paired(ours: Shape, theirs: Shape) -> Shape:
    """Return the target's with the source's names, where a server has given a name by itself and both mean the same."""
    left = {part: value for part, value in theirs.parts.items() if part not in ours.parts}
    renamed: dict[Part, Part] = {}
    for part, value in ours.parts.items():
        if part in theirs.parts or part.kind not in (FOREIGN_KEY, CHECK, INDEX):
            continue
        for other, there in left.items():
            alike = other.kind == part.kind and there.fields == value.fields and other not in renamed
            if alike and (part.kind == FOREIGN_KEY or (_GIVEN.match(part.name) and _GIVEN.match(other.name))):
                renamed[other] = part
                break
    if not renamed:
        return theirs
    return Shape({renamed.get(part, part): value for part, value in theirs.parts.items()}, theirs.columns)


def _column(item: str, end: int, table_charset: str, collations: Mapping[str, str]) -> Value:
    rest = item[end:]
    found = _TYPE.match(_masked(rest))
    if found is None or not collations:
        return Value((charset_free(rest).strip(),), item)
    charset, collation = found[2], found[4]
    start = min((at for at in (found.start(1), found.start(3)) if at >= 0), default=found.end())
    text = (rest[:start] + rest[found.end() :]).strip()
    if not (charset or collation) and not _is_text(text):
        return Value((text, ""), item)
    named = charset_name(charset or (collation.partition("_")[0] if collation else table_charset))
    told = charset_name(collation or collations.get(named, named))
    return Value((text, f"COLLATE {told}"), item)


def _is_text(text: str) -> bool:
    return text.split("(")[0].split(" ")[0] in ("char", "varchar", "tinytext", "text", "mediumtext", "longtext") or (
        text.startswith(("enum(", "set("))
    )


def charset_free(text: str) -> str:
    """Return a text in which utf8mb3 has this one name."""
    return re.sub(r"\b(CHARACTER SET |COLLATE )utf8(?=_|\b)(?!mb)", r"\1utf8mb3", text)


def _with_schema(text: str, schema: str, *, folds: bool) -> str:
    """Return a foreign key whose parent is named with its schema."""

    def named(found: re.Match[str]) -> str:
        whole = found[0] if found[2] else f"{quote(schema)}.{found[1]}"
        return whole.lower() if folds else whole

    return _PARENT.sub(named, text, count=1)


def _options(text: str) -> list[tuple[Part, Value]]:
    text = _TABLESPACE.sub("", text.strip("\n")).replace("\n", " \n")
    masked = _masked(text)
    partitioned = _PARTITIONS.search(masked)
    end = partitioned.start() if partitioned else len(text)
    found, rest, at = [], "", 0
    for option in _OPTION.finditer(masked[:end]):
        rest, at = rest + text[at : option.start()], option.end()
        if option[1] != "AUTO_INCREMENT":
            value = text[option.start(2) : option.end(2)]
            shown = charset_name(value) if option[1] in ("DEFAULT CHARSET", "COLLATE") else value
            found.append((Part(OPTION, option[1]), Value((shown,), text[option.start() : option.end()].strip())))
    if rest := " ".join((rest + text[at:end]).split()):
        found.append((Part(OPTION, "others"), Value((rest,), rest)))
    if partitioned:
        lines = [" ".join(line.split()) for line in text[partitioned.end() :].removesuffix(" */").split("\n")]
        found.append((Part(PARTITIONS), Value(("\n".join(lines),))))
    return found


def _masked(text: str) -> str:
    return _QUOTED.sub(lambda found: "x" * len(found[0]), text)


def _unquoted(name: str) -> str:
    return name[1:-1].replace("``", "`")
