"""Tables whose definitions stay: a family tied by foreign keys, and tables without transactions.

The family has every kind of action: rows of one statement change others by CASCADE and SET NULL, over two generations
and within one table.
"""

from __future__ import annotations

import random

FAMILY = (
    "CREATE TABLE fk_parent (id INT AUTO_INCREMENT PRIMARY KEY, v INT, elder INT,"
    " FOREIGN KEY (elder) REFERENCES fk_parent (id) ON DELETE SET NULL)",
    "CREATE TABLE fk_child (id INT AUTO_INCREMENT PRIMARY KEY, parent INT NOT NULL, v INT,"
    " FOREIGN KEY (parent) REFERENCES fk_parent (id) ON DELETE CASCADE ON UPDATE CASCADE)",
    "CREATE TABLE fk_note (id INT AUTO_INCREMENT PRIMARY KEY, child INT, parent INT, v INT,"
    " FOREIGN KEY (child) REFERENCES fk_child (id) ON DELETE SET NULL ON UPDATE CASCADE,"
    " FOREIGN KEY (parent) REFERENCES fk_parent (id) ON DELETE CASCADE ON UPDATE CASCADE)",
    "CREATE TABLE fk_tree (id INT AUTO_INCREMENT PRIMARY KEY, above INT, v INT,"
    " FOREIGN KEY (above) REFERENCES fk_tree (id) ON DELETE CASCADE)",
)

WITHOUT_TRANSACTIONS = (
    "CREATE TABLE my_log (v INT, text VARCHAR(60)) ENGINE=MyISAM",
    "CREATE TABLE my_keyed (id INT AUTO_INCREMENT PRIMARY KEY, v INT, KEY (v)) ENGINE=MyISAM",
    "CREATE TABLE my_heap (id INT PRIMARY KEY, v INT) ENGINE=MEMORY",
    "CREATE TABLE my_csv (id INT NOT NULL, v INT NOT NULL) ENGINE=CSV",
    "CREATE TABLE my_archive (id INT AUTO_INCREMENT PRIMARY KEY, v TEXT) ENGINE=ARCHIVE",
)


def _one(table: str) -> str:
    """The number of some row, in a form that the table itself may be changed with."""
    return f"(SELECT id FROM (SELECT id FROM {table} ORDER BY RAND() LIMIT 1) one)"


def family_statement(dice: random.Random) -> str:
    v = dice.randint(0, 1000)
    return dice.choice(
        [
            f"INSERT INTO fk_parent (v, elder) VALUES ({v}, NULL), ({v}, {_one('fk_parent')})",
            f"INSERT INTO fk_child (parent, v) SELECT id, {v} FROM fk_parent ORDER BY RAND() LIMIT 4",
            f"INSERT INTO fk_note (child, parent, v) SELECT id, parent, {v} FROM fk_child ORDER BY RAND() LIMIT 3",
            f"INSERT INTO fk_tree (above, v) VALUES ({_one('fk_tree')}, {v}), (NULL, {v})",
            f"UPDATE fk_child SET id = id + 100000, v = {v} WHERE RAND() < 0.1 LIMIT 1",
            f"UPDATE fk_parent SET v = {v} WHERE RAND() < 0.2 LIMIT 3",
            f"UPDATE fk_tree SET above = NULL, v = {v} WHERE RAND() < 0.1 LIMIT 2",
            "DELETE FROM fk_parent WHERE RAND() < 0.2 LIMIT 1",
            "DELETE FROM fk_child WHERE RAND() < 0.2 LIMIT 2",
            "DELETE FROM fk_tree WHERE RAND() < 0.1 LIMIT 1",
            f"REPLACE INTO fk_note (id, child, parent, v) SELECT id, child, parent, {v} FROM fk_note LIMIT 1",
        ]
    )


def statement_without_transactions(dice: random.Random) -> str:
    v = dice.randint(0, 1000)
    return dice.choice(
        [
            f"INSERT INTO my_log VALUES ({v}, 'a'), ({v}, 'a')",
            f"UPDATE my_log SET text = CONCAT(LEFT(text, 50), 'b') WHERE v > {v} LIMIT 5",
            f"DELETE FROM my_log WHERE v > {v} LIMIT 3",
            f"INSERT INTO my_keyed (v) VALUES ({v}), ({v})",
            f"UPDATE my_keyed SET v = {v} WHERE RAND() < 0.3 LIMIT 3",
            f"REPLACE INTO my_heap VALUES ({dice.randint(0, 50)}, {v})",
            f"DELETE FROM my_heap WHERE id = {dice.randint(0, 50)}",
            f"INSERT INTO my_csv VALUES ({v}, {v})",
            f"UPDATE my_csv SET v = 0 WHERE id > {v} LIMIT 2",
            f"INSERT INTO my_archive (v) VALUES (REPEAT('z', {v}))",
        ]
    )
