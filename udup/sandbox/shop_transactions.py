"""The shop's business: the mix of transactions that a write load runs.

Each transaction writes its row into `ledger` (no primary key), so that one that was lost or applied twice shows in
the count. Keys that must be unique carry the run's name, so that one load after another may run on the same shop.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pymysql.cursors import Cursor

from udup.drivers.mysql.client.connection import Connection, scalar
from udup.sandbox.shop_rows import WAREHOUSES

#: Rows of the occasional big transaction's INSERT.
BIG_ROWS = 1_500


@dataclass
class Writer:
    """One connection's state; `number` counts its transactions and is written into the ledger."""

    index: int
    run: str
    random: random.Random
    customers: int
    products: int
    documents: int
    number: int = 0
    own_orders: list[int] = field(default_factory=list)

    @classmethod
    def on(cls, connection: Connection, index: int, run: str) -> Writer:
        """A writer that knows which rows the fill has made; their keys have no gaps."""
        return cls(
            index=index,
            run=run,
            random=random.Random(f"{run}.{index}"),
            customers=int(scalar(connection, "SELECT COUNT(*) FROM customers WHERE email LIKE 'c%'")),
            products=int(scalar(connection, "SELECT COUNT(*) FROM products")),
            documents=int(scalar(connection, "SELECT COUNT(*) FROM documents")),
        )

    @property
    def key(self) -> str:
        return f"{self.run}-{self.index}-{self.number}"

    def customer(self) -> int:
        return self.random.randint(1, self.customers)

    def product(self) -> int:
        return self.random.randint(1, self.products)

    def document(self) -> int:
        return self.random.randint(1, self.documents)


Transaction = Callable[[Writer, Cursor], None]


class RolledBackError(Exception):
    """The transaction ends with ROLLBACK, on purpose."""


def choose(writer: Writer) -> Transaction:
    """The next transaction's kind, by weight."""
    return writer.random.choices(_KINDS, _WEIGHTS)[0]


def ledger(writer: Writer, cursor: Cursor) -> None:
    """The transaction's line in the ledger."""
    cursor.execute(f"INSERT INTO ledger VALUES ({writer.index}, {writer.number}, NOW(6))")


def place_order(writer: Writer, cursor: Cursor) -> None:
    """Four tables, parents first, one statement with several rows."""
    lines = writer.random.randint(1, 4)
    cursor.execute(
        "INSERT INTO orders (number, customer_id, placed, note) VALUES (%s, %s, NOW(6), %s)",
        (f"N-{writer.key}"[:24], writer.customer(), writer.random.choice([None, "schnell 🚚", ""])),
    )
    order = int(cursor.lastrowid)
    rows = ", ".join(
        f"({order}, {line}, {writer.product()}, {writer.random.randint(1, 9)}, {writer.random.randint(99, 99999)}e-2)"
        for line in range(1, lines + 1)
    )
    cursor.execute(f"INSERT INTO order_lines (order_id, line, product_id, quantity, price) VALUES {rows}")
    cursor.execute(
        f"UPDATE orders SET total = (SELECT SUM(amount) FROM order_lines WHERE order_id = {order}) WHERE id = {order}"
    )
    writer.own_orders.append(order)


def pay(writer: Writer, cursor: Cursor) -> None:
    """A unique key, a trigger that writes into a table without primary key, an ENUM."""
    if not writer.own_orders:
        return place_order(writer, cursor)
    order = writer.random.choice(writer.own_orders)
    cursor.execute(
        "INSERT INTO payments (order_id, reference, method, amount, paid) SELECT id, %s, 1 + id %% 3, total, NOW(3)"
        f" FROM orders WHERE id = {order}",
        (f"P-{writer.key}"[:32],),
    )
    cursor.execute(f"UPDATE orders SET status = 'paid' WHERE id = {order}")
    return None


def cancel(writer: Writer, cursor: Cursor) -> None:
    """A delete that cascades to two tables."""
    if len(writer.own_orders) < 20:
        return place_order(writer, cursor)
    cursor.execute(f"DELETE FROM orders WHERE id = {writer.own_orders.pop(0)}")
    return None


def move_stock(writer: Writer, cursor: Cursor) -> None:
    """Two updates by a key of two columns, always in the key's order so that few writers deadlock."""
    product, amount = writer.product(), writer.random.randint(1, 5)
    cursor.execute(f"UPDATE stock SET quantity = quantity - {amount} WHERE product_id = {product} AND warehouse = 0")
    cursor.execute(
        f"UPDATE stock SET quantity = quantity + {amount}, counted = NOW(6)"
        f" WHERE product_id = {product} AND warehouse = {writer.random.randrange(1, WAREHOUSES)}"
    )


def change_customer(writer: Writer, cursor: Cursor) -> None:
    """Texts, SET, BIT, DOUBLE and a partial update of a JSON document; a stored generated column follows."""
    dice = writer.random
    cursor.execute(
        "UPDATE customers SET name = %s, interests = %s, flags = %s, score = %s,"
        " profile = JSON_SET(profile, '$.visits', %s) WHERE id = %s",
        (
            dice.choice(["Ada", "Žofie", "王 😀", "O'Hara\\"]),
            dice.choice([None, "music", "garden,books"]),
            dice.randrange(1024),
            dice.choice([None, dice.random() * 1e9]),
            dice.randrange(500),
            writer.customer(),
        ),
    )


def hand_over_voucher(writer: Writer, cursor: Cursor) -> None:
    """A unique key goes from one row to another within one transaction, by delete and insert."""
    code = f"V-{writer.run}-{writer.index}-{writer.number % 10}"[:24]
    cursor.execute("DELETE FROM vouchers WHERE code = %s", (code,))
    cursor.execute("INSERT INTO vouchers (code, customer_id) VALUES (%s, %s)", (code, writer.customer()))


def swap_voucher(writer: Writer, cursor: Cursor) -> None:
    """A unique key goes from one row to another by updates, through NULL."""
    code = f"S-{writer.run}-{writer.index}"[:24]
    cursor.execute("UPDATE vouchers SET code = NULL WHERE code = %s", (code,))
    cursor.execute("INSERT INTO vouchers (code, customer_id) VALUES (NULL, %s)", (writer.customer(),))
    cursor.execute("UPDATE vouchers SET code = %s WHERE id = %s", (code, cursor.lastrowid))


def edit_document(writer: Writer, cursor: Cursor) -> None:
    """A long text, bytes, a partial update of a JSON document."""
    dice = writer.random
    document = writer.document()
    cursor.execute(
        "UPDATE documents SET meta = JSON_REPLACE(meta, '$.seen', %s) WHERE id = %s", (dice.randrange(10**6), document)
    )
    if dice.random() < 0.3:
        cursor.execute(
            "UPDATE documents SET scan = %s, body = %s WHERE id = %s",
            (dice.randbytes(dice.randrange(20_000)), "Zeile 😀\n" * dice.randrange(1000), document),
        )


def sign_in(writer: Writer, cursor: Cursor) -> None:
    """A binary primary key; sometimes an old session goes."""
    identity = writer.random.randbytes(16)
    cursor.execute(
        "INSERT INTO sessions VALUES (%s, %s, %s, %s, NOW(3))",
        (identity, writer.key[:36], writer.customer(), writer.random.randbytes(writer.random.randrange(200))),
    )
    if writer.number % 3 == 0:
        cursor.execute("DELETE FROM sessions WHERE id = %s", (identity,))


def write_log(writer: Writer, cursor: Cursor) -> None:
    """Equal rows in a table without primary key, and a delete of one of them."""
    actor = f"writer {writer.index}"
    cursor.execute(
        "INSERT INTO audit_log VALUES (NOW(6), %s, 'twice', '{\"a\": 1}'), (NOW(6), %s, 'twice', '{\"a\": 1}')",
        (actor, actor),
    )
    cursor.execute("SELECT MAX(at) FROM audit_log WHERE at > NOW(6) - INTERVAL 1 SECOND AND actor = %s", (actor,))
    row: Any = cursor.fetchone()
    cursor.execute("DELETE FROM audit_log WHERE at = %s AND actor = %s LIMIT 1", (row[0], actor))


def change_mind(writer: Writer, cursor: Cursor) -> None:
    """Work that is rolled back, so that it must not arrive."""
    orders = list(writer.own_orders)
    place_order(writer, cursor)
    writer.own_orders = orders
    raise RolledBackError


def stocktaking(writer: Writer, cursor: Cursor) -> None:
    """The occasional big one: more than a thousand rows inserted, hundreds updated."""
    cursor.execute(
        f"INSERT INTO audit_log WITH RECURSIVE numbers (n) AS"
        f" (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {BIG_ROWS})"
        f" SELECT NOW(6), 'stock {writer.index}', 'count', JSON_OBJECT('n', n) FROM numbers"
    )
    first = writer.product()
    cursor.execute(
        f"UPDATE stock SET quantity = quantity + 1 WHERE product_id BETWEEN {first} AND {first + 300} AND warehouse = 0"
    )


_MIX: dict[Transaction, float] = {
    place_order: 25,
    pay: 15,
    cancel: 8,
    move_stock: 15,
    change_customer: 12,
    hand_over_voucher: 6,
    swap_voucher: 3,
    edit_document: 5,
    sign_in: 6,
    write_log: 3,
    change_mind: 2,
    stocktaking: 0.05,
}
_KINDS = list(_MIX)
_WEIGHTS = list(_MIX.values())
