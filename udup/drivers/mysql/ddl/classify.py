"""Reading a statement of the binary log: what kind it is, and which objects it names.

`classify` reads only as far as it understands: a word that it does not expect makes the statement UNKNOWN, with the
reason, and the decision about it is then a refusal. It never guesses a target.
"""

from __future__ import annotations

from dataclasses import replace

from udup.drivers.mysql.binlog.query import QueryEvent
from udup.drivers.mysql.ddl.alter_action import AlterAction, action_of
from udup.drivers.mysql.ddl.leading_words import (
    AFTER_DEFINER,
    DATABASE_OPTIONS,
    FIRST_WORDS,
    MODIFIERS,
    MODIFIERS_WITH_VALUE,
    OF_ONE_COLUMN,
    SERVER_OBJECTS,
)
from udup.drivers.mysql.ddl.sqlreader import ObjectName, UnexpectedWordError, WordReader
from udup.drivers.mysql.ddl.sqltokens import UntokenizableError, codec_of, decode, tokenize
from udup.drivers.mysql.ddl.statement import Kind, Statement


def classify(
    sql: bytes,
    default_schema: str,
    *,
    codec: str = "utf-8",
    sql_mode: int = 0,
    fold_names: bool = False,
    updated_schemas: tuple[str, ...] | None = None,
) -> Statement:
    """Return what the statement is. `codec` and `sql_mode` are those of its session, `fold_names` says that the source
    keeps names in lower case (lower_case_table_names), `updated_schemas` is what the event lists as changed.
    """
    try:
        words = tokenize(decode(sql, codec), sql_mode)
        reader = _Reader(words, default_schema)
        statement = reader.statement()
        statement = replace(statement, names=tuple(reader.names), conditional=reader.conditional)
    except (UntokenizableError, UnexpectedWordError) as error:
        return Statement(Kind.UNKNOWN, "", problem=str(error))
    if statement.kind is Kind.DML:
        statement = replace(statement, schemas=updated_schemas or ())
    return _folded(statement) if fold_names else statement


def classify_query(event: QueryEvent, *, fold_names: bool = False) -> Statement:
    """Return what a Query event's statement is, read with the event's own character set, sql_mode and schema."""
    if event.sql == b"BEGIN":  # every transaction has one
        return Statement(Kind.BEGIN, "BEGIN")
    variables = event.variables()
    updated = variables.updated_schemas
    return classify(
        event.sql,
        event.schema.decode("utf-8", "surrogateescape"),
        codec=codec_of(variables.charset.client) if variables.charset else "utf-8",
        sql_mode=variables.sql_mode or 0,
        fold_names=fold_names,
        updated_schemas=tuple(each.decode("utf-8", "surrogateescape") for each in updated) if updated else None,
    )


def _folded(statement: Statement) -> Statement:
    def fold(names: tuple[ObjectName, ...]) -> tuple[ObjectName, ...]:
        return tuple(ObjectName(each.schema.lower(), each.name.lower()) for each in names)

    return replace(
        statement,
        objects=fold(statement.objects),
        sources=fold(statement.sources),
        merged=fold(statement.merged),
        schemas=tuple(each.lower() for each in statement.schemas),
        moves=tuple((fold((old,))[0], fold((new,))[0]) for old, new in statement.moves),
        names=tuple(each._replace(object=fold((each.object,))[0]) for each in statement.names),
    )


class _Reader(WordReader):
    """Reads one statement."""

    def statement(self) -> Statement:
        if not self.words:
            return Statement(Kind.MAINTENANCE, "")
        verb = self.take().upper
        match verb:
            case "CREATE" | "ALTER" | "DROP":
                return self.definition(verb)
            case "RENAME":
                return self.rename()
            case "TRUNCATE":
                return self.truncate()
            case "XA":
                return self.xa()
            case "START":
                self.expect("TRANSACTION")
                return Statement(Kind.BEGIN, "START TRANSACTION")
            case "ROLLBACK":
                kind = Kind.ROLLBACK if self.at == len(self.words) else Kind.SAVEPOINT
                return Statement(kind, verb if kind is Kind.ROLLBACK else "ROLLBACK TO")
            case "SET" if self.peek() == "STATEMENT":
                while not self.accept("FOR"):
                    self.take()
                return self.statement()
            case "SET" if self.peek() in ("PASSWORD", "DEFAULT"):
                return Statement(Kind.ACCOUNT, f"SET {self.peek()}")
        if verb not in FIRST_WORDS:
            raise UnexpectedWordError(f"the statement starts with {self.words[0].text!r}")
        return Statement(FIRST_WORDS[verb], verb)

    def xa(self) -> Statement:
        word = self.take().upper
        kinds = {"START": Kind.XA_START, "BEGIN": Kind.XA_START, "END": Kind.XA_END, "PREPARE": Kind.XA_PREPARE}
        kinds |= {"COMMIT": Kind.XA_COMMIT, "ROLLBACK": Kind.XA_ROLLBACK}
        if word not in kinds:
            raise UnexpectedWordError(f"XA is followed by {word!r}")
        return Statement(kinds[word], f"XA {word}")

    def truncate(self) -> Statement:
        self.accept("TABLE")
        table = self.name()
        self.wait()
        self.end()
        return Statement(Kind.TABLE_DDL, "TRUNCATE TABLE", (table,))

    def rename(self) -> Statement:
        if self.accept("USER"):
            return Statement(Kind.ACCOUNT, "RENAME USER")
        if not self.accept("TABLES"):
            self.expect("TABLE")
        names: list[ObjectName] = []
        while True:
            self.passed_in_mariadb()
            names.append(self.name())
            self.wait()
            self.expect("TO")
            names.append(self.name())
            if not self.accept(","):
                break
        self.end()
        moves = tuple(zip(names[::2], names[1::2], strict=True))
        return Statement(Kind.TABLE_DDL, "RENAME TABLE", tuple(names), moves=moves)

    def definition(self, verb: str) -> Statement:
        """CREATE, ALTER or DROP of anything."""
        if self.accept("TEMPORARY"):
            return Statement(Kind.TEMPORARY, f"{verb} TEMPORARY TABLE")
        self.modifiers()
        if verb == "ALTER" and self.peek() == "IGNORE":
            raise UnexpectedWordError("ALTER IGNORE takes rows away, and the log does not say which")
        if self.accept("TEMPORARY"):  # behind OR REPLACE, of MariaDB's
            return Statement(Kind.TEMPORARY, f"{verb} TEMPORARY TABLE")
        noun = self.take().upper
        label = f"{verb} {noun}"
        match noun:
            case "TABLE" | "TABLES":
                return self.table(verb)
            case "DATABASE" | "SCHEMA":
                return self.database(verb)
            case "VIEW":
                return Statement(Kind.VIEW_DDL, label, self.dropped() if verb == "DROP" else self.named())
            case "INDEX":
                return self.index(label)
            case "PROCEDURE" | "FUNCTION" | "LIBRARY":
                return self.routine(label)
            case "TRIGGER":
                return self.trigger(verb)
            case "EVENT":
                return self.event(label)
            case "USER" | "ROLE":
                return Statement(Kind.ACCOUNT, label)
            case "SEQUENCE":
                return Statement(Kind.SEQUENCE, label, self.dropped() if verb == "DROP" else self.named())
        if noun in SERVER_OBJECTS:
            return Statement(Kind.SERVER_OBJECT, label)
        raise UnexpectedWordError(f"{verb} of {noun or self.words[self.at - 1].text!r}")

    def modifiers(self) -> None:
        while True:
            word = self.peek()
            if word in MODIFIERS or (word == "DUALITY" and self.peek(1) == "VIEW"):
                self.at += 1
            elif word in MODIFIERS_WITH_VALUE:
                self.at += 3
            elif word == "DEFINER":
                while self.at < len(self.words) and self.peek() not in AFTER_DEFINER:
                    self.at += 1
            else:
                return

    def named(self, *, stored: bool = False) -> tuple[ObjectName, ...]:
        self.if_exists()
        return (self.name(stored=stored),)

    def dropped(self) -> tuple[ObjectName, ...]:
        """Return the whole list of a DROP."""
        self.if_exists()
        names = [self.name()]
        while self.accept(","):
            names.append(self.name())
        if not self.accept("RESTRICT"):
            self.accept("CASCADE")
        self.wait()
        self.end()
        return tuple(names)

    def database(self, verb: str) -> Statement:
        self.if_exists()
        unnamed = verb == "ALTER" and self.peek() in DATABASE_OPTIONS
        schema = self.default_schema if unnamed else self.identifier()
        place = None if unnamed else self.last()
        return Statement(Kind.DATABASE_DDL, f"{verb} DATABASE", schemas=(schema,), schema_at=place)

    def index(self, label: str) -> Statement:
        self.if_exists()  # MariaDB's
        self.identifier()
        while self.peek() in ("USING", "TYPE"):
            self.at += 2
        self.wait()
        self.expect("ON")
        return Statement(Kind.TABLE_DDL, label, (self.name(),))

    def routine(self, label: str) -> Statement:
        self.if_exists()
        start = self.at
        self.identifier()
        if label == "CREATE FUNCTION" and self.peek() == "RETURNS":  # a loadable function has no parameters
            return Statement(Kind.SERVER_OBJECT, label)
        self.at = start
        return Statement(Kind.ROUTINE_DDL, label, (self.name(stored=True),))

    def trigger(self, verb: str) -> Statement:
        """CREATE names the table it is for, DROP names the trigger alone."""
        name = self.named(stored=True)
        if verb == "DROP":
            self.end()
            return Statement(Kind.TRIGGER_DDL, "DROP TRIGGER", name)
        self.at += 2  # BEFORE or AFTER; INSERT, UPDATE or DELETE
        self.expect("ON")
        return Statement(Kind.TRIGGER_DDL, f"{verb} TRIGGER", (self.name(),))

    def event(self, label: str) -> Statement:
        names = list(self.named(stored=True))
        if label == "ALTER EVENT":
            while self.at < len(self.words) and self.peek() != "DO":
                if self.accept("RENAME", "TO"):
                    names.append(self.name(stored=True))
                else:
                    self.at += 1
        return Statement(Kind.EVENT_DDL, label, tuple(names))

    def table(self, verb: str) -> Statement:
        if verb == "DROP":
            return Statement(Kind.TABLE_DDL, "DROP TABLE", self.dropped())
        self.if_exists()
        name = self.name()
        return self.create_table(name) if verb == "CREATE" else self.alter_table(name)

    def create_table(self, name: ObjectName) -> Statement:
        if self.accept("LIKE") or self.accept("(", "LIKE"):
            return Statement(Kind.TABLE_DDL, "CREATE TABLE", (name,), sources=(self.name(),))
        parents: list[ObjectName] = []
        merged: list[ObjectName] = []
        atomic_select = False
        while self.at < len(self.words):
            if self.accept("REFERENCES"):
                parents.append(self.name(name.schema))  # not the session's default: seen on 9.7
            elif self.takes_number():
                self.name()
            elif self.peek() == "UNION":
                merged += self.merged()
            elif self.accept("START", "TRANSACTION"):
                atomic_select = True
            elif self.peek() in ("SELECT", "TABLE") or self.accept("VALUES", "ROW"):
                return Statement(Kind.DML, "CREATE TABLE ... SELECT", (name,))
            else:
                self.at += 1
        sources = tuple(dict.fromkeys(parents + merged))
        return Statement(
            Kind.TABLE_DDL, "CREATE TABLE", (name,), sources, atomic_select=atomic_select, merged=tuple(merged)
        )

    def alter_table(self, name: ObjectName) -> Statement:
        self.wait()
        names, parents, moves = [name], [], []
        moves_files = numbers_rows = reorders_rows = drops_constraint = False
        merged: list[ObjectName] = []
        depth = 0
        actions, changed, rewrites = [action_of(self.peek)], self.changed(), ""
        defaults = self.altered()
        while self.at < len(self.words):
            word = self.peek()
            depth += (word == "(") - (word == ")")
            if word == "REFERENCES":
                self.at += 1
                parents.append(self.name(name.schema))  # not the session's default: seen on 9.7
            elif self.takes_number():
                depth += self.words[self.at - 1].upper == "("
                self.name()
            elif depth == 0 and word == "RENAME":
                new_names = self.renamed_to()
                names += new_names
                moves += [(name, new) for new in new_names]
            elif depth == 0 and word == "EXCHANGE" and self.peek(1) == "PARTITION":
                self.at += 3
                rewrites = "EXCHANGE PARTITION"
                self.expect("WITH", "TABLE")
                names.append(self.name())
            elif depth == 0 and word == "UNION":
                merged += self.merged()
            else:
                moves_files |= word in ("DISCARD", "IMPORT") and self.peek(1) in ("TABLESPACE", "PARTITION")
                adding = actions[-1] is AlterAction.ADD_COLUMN
                numbers_rows |= adding and word in ("AUTO_INCREMENT", "SERIAL") and self.peek(1) != "="
                reorders_rows |= depth == 0 and word in ("ENGINE", "ORDER")
                drops_constraint |= depth == 0 and word == "DROP" and self.peek(1) in ("FOREIGN", "CONSTRAINT")
                if depth == 0 and word == "CONVERT" and self.peek(1) == "TO":
                    rewrites = "CONVERT TO"
                self.at += 1
                if depth == 0 and word == ",":
                    actions.append(action_of(self.peek))
                    changed += self.changed()
                    defaults += self.altered()
        return Statement(
            Kind.TABLE_DDL,
            "ALTER TABLE",
            tuple(names),
            tuple(dict.fromkeys(parents + merged)),
            merged=tuple(merged),
            actions=tuple(dict.fromkeys(actions)),
            moves=tuple(moves),
            moves_files=moves_files,
            numbers_rows=numbers_rows,
            reorders_rows=reorders_rows,
            changed=tuple(changed),
            defaults=tuple(defaults),
            rewrites=rewrites,
            drops_constraint=drops_constraint,
        )

    def changed(self) -> list[str]:
        """Return the column that the action which begins here drops, renames or defines again; nothing is passed."""
        at = 1
        if self.peek() == "RENAME" and self.peek(1) == "COLUMN":
            at = 2
        elif action_of(self.peek) in OF_ONE_COLUMN:
            at += self.peek(1) == "COLUMN" and self.at + 2 < len(self.words)
        else:
            return []
        return self.word(self.behind_if(at))

    def altered(self) -> list[str]:
        """Return the column of an ALTER COLUMN that begins here, which changes its default; nothing is passed."""
        if action_of(self.peek) is not AlterAction.ALTER_COLUMN:
            return []
        at = 2 if self.peek(1) == "COLUMN" and self.peek(2) not in ("SET", "DROP") else 1
        return self.word(self.behind_if(at))

    def word(self, ahead: int) -> list[str]:
        """Return the word so many ahead, nothing behind the end."""
        place = self.at + ahead
        return [self.words[place].text] if place < len(self.words) else []

    def merged(self) -> list[ObjectName]:
        """Return the tables of the option UNION [=] (a, b) of a MERGE table; nothing for any other UNION."""
        self.expect("UNION")
        self.accept("=")
        tables: list[ObjectName] = []
        if self.accept("("):
            while not self.accept(")"):
                tables.append(self.name())
                self.accept(",")
        return tables

    def renamed_to(self) -> list[ObjectName]:
        """Return the new name in RENAME [TO | AS | =] name; nothing for a column or an index."""
        self.expect("RENAME")
        if self.peek() in ("COLUMN", "INDEX", "KEY"):
            return []
        if self.peek() in ("TO", "AS", "="):
            self.at += 1
        return [self.name()]
