"""A log with transactions of all kinds by chance, and what a source sends of it."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator

from udup.drivers.fake.changes import Change, Op, Statement, Verb, encode, encode_statement
from udup.drivers.fake.position import FakePosition
from udup.pipeline.deliver.changes import Changes
from udup.pipeline.records import CommitOrder, Definition, Part, Skipped, Transaction, TransactionId, XaEnd

SOURCE = "3e11fa47-71ca-11e1-9e33-c80aa9429562"
T, U = ("s", "t"), ("s", "u")

Entry = Definition | Skipped | XaEnd | Transaction


def id_of(number: int) -> TransactionId:
    return TransactionId(SOURCE, number, CommitOrder(0, number, 0))


def number_of(entry: Entry) -> int:
    return int(entry.gtids.rpartition(":")[2]) if isinstance(entry, Skipped) else entry.id.number


def random_log(chance: random.Random) -> list[Entry]:
    """Return some transactions of all kinds; those of rows are whole."""
    made: list[Entry] = []

    def add(kind: str, *, xid: str = "", commit: bool = False) -> None:
        of = id_of(len(made) + 1)
        table = chance.choice((T, U))
        match kind:
            case "definition":
                made.append(Definition(of, encode_statement(Statement(Verb.ALTER, T)), ""))
            case "skipped":
                made.append(Skipped(of.gtid, 0))
            case "end":
                made.append(XaEnd(of, xid, commit))
            case _:
                changes = []
                for row in range(chance.choice((1, 2, 5, 40))):
                    table = chance.choice((T, U)) if chance.random() < 0.3 else table
                    op = chance.choice((Op.INSERT, Op.INSERT, Op.DELETE, Op.UPDATE))
                    changes.append(Change(table, op, f"{of.number}.{row}", "entry"))
                create = encode_statement(Statement(Verb.CREATE, table)) if kind == "create" else b""
                made.append(Transaction(of, encode(changes), create=create, xid=xid))

    for _ in range(chance.randrange(3, 9)):
        kind = chance.choice(("definition", "skipped", "create", "rows", "rows", "xa"))
        if kind == "xa":
            xid = f"x{len(made)}"
            add("rows", xid=xid)
            add("rows")
            add("end", xid=xid, commit=chance.random() < 0.7)
        else:
            add(kind)
    return made


def sent(log: Iterable[Entry], executed: FakePosition, chance: random.Random) -> Iterator[Entry | Part]:
    """Yield what the source sends behind a position, large transactions in parts that are cut anywhere."""
    for entry in log:
        if executed.contains(SOURCE, number_of(entry)):
            continue
        if not isinstance(entry, Transaction) or not entry.events or chance.random() < 0.4:
            yield entry
            continue
        size = chance.choice((30, 100, 300))
        pieces = [entry.events[at : at + size] for at in range(0, len(entry.events), size)]
        for index, piece in enumerate(pieces):
            yield Part(entry.id, index, False, piece, create=b"" if index else entry.create, xid=entry.xid)
        yield Part(entry.id, len(pieces), True, b"", xid=entry.xid)


async def take(changes: Changes, record: Entry | Part) -> None:
    match record:
        case Transaction():
            await changes.transaction(record)
        case Part():
            await changes.part(record)
        case XaEnd():
            await changes.end_of_xa(record)
        case Definition():
            await changes.definition(record)
        case Skipped():
            changes.skipped(record.gtids)
