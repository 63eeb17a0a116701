"""DDL as a shop under way sees it now and then: columns, indexes, whole tables come and go."""

from __future__ import annotations

from collections.abc import Iterator


def statements(run: str) -> Iterator[str]:
    """An endless round; each statement leaves the shop usable for the writers."""
    number = 0
    while True:
        number += 1
        scratch = f"scratch_{run}_{number}"
        yield f"CREATE TABLE {scratch} (id INT PRIMARY KEY AUTO_INCREMENT, word VARCHAR(40), UNIQUE KEY (word))"
        yield f"INSERT INTO {scratch} (word) VALUES ('one'), ('zwei'), ('三')"
        yield f"ALTER TABLE customers ADD COLUMN remark_{run}_{number} VARCHAR(30) NOT NULL DEFAULT 'new'"
        yield f"CREATE INDEX orders_{run}_{number} ON orders (status, placed)"
        yield f"TRUNCATE TABLE {scratch}"
        yield f"INSERT INTO {scratch} (word) VALUES ('after')"
        yield f"ALTER TABLE customers DROP COLUMN remark_{run}_{number}"
        yield f"RENAME TABLE {scratch} TO {scratch}_b"
        yield f"DROP INDEX orders_{run}_{number} ON orders"
        yield f"CREATE OR REPLACE VIEW recent_orders AS SELECT id, number, {number} AS round FROM orders LIMIT 10"
        if number % 2:
            yield f"DROP TABLE {scratch}_b"
