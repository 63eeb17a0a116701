"""JSON documents arrive with every value's type, also with types that JSON text does not have."""

from __future__ import annotations

import random
from contextlib import closing

import pytest

from tests.full_copy import catalog_of, full_copy, run
from udup.base.endpoint import Endpoint
from udup.base.errors import Unsupported
from udup.drivers.mysql.client.connection import Connection, connect, query, scalar
from udup.drivers.mysql.client.sessions import ROWS
from udup.drivers.mysql.dictionary.catalog import Table
from udup.drivers.mysql.snapshot import json_before_8
from udup.drivers.mysql.snapshot.json_values import inexact, type_fields
from udup.drivers.mysql.snapshot.rows import stream_rows
from udup.sandbox.server import MysqlServer

#: Expressions of every type that a document may hold; `c.` are columns.
LEAVES = [
    *(
        "CAST('2024-02-29' AS DATE)",
        "CAST('0000-00-00' AS DATE)",
        "CAST('-838:59:59' AS TIME)",
        "TIME'00:00:00.000001'",
    ),
    *("TIMESTAMP'9999-12-31 23:59:59.999999'", "TIMESTAMP'2024-05-06 07:08:09'", "CAST(1.50 AS DECIMAL(10, 2))"),
    *("CAST(-0.5 AS DECIMAL(3, 1))", "CAST(7 AS DECIMAL(5))", "CAST(0 AS DECIMAL(30, 30))", "c.de", "c.bl", "c.vb"),
    *(
        "c.bt",
        "CAST(5 AS UNSIGNED)",
        "4294967296",
        "CAST(4294967296 AS UNSIGNED)",
        "18446744073709551615",
        "9223372036854775807",
        "-9223372036854775808",
        "-0e0",
    ),
    *(
        "0.1e0 + 0.2e0",
        "1e300",
        "5e-324",
        "'2024-02-29'",
        "'base64:type15:AA=='",
        "'12:00:00'",
        "TRUE",
        "NULL",
        "'it''s'",
    ),
    *("''", "x''", "JSON_ARRAY()", "JSON_OBJECT()", "JSON_OBJECT('', JSON_ARRAY(CAST('2000-01-01' AS DATE)))"),
]
KEYS = ["a", "b c", 'q\\"uote', "ü", "0", "", "x.y[1]", "dollar$"]


def grown(chance: random.Random, depth: int) -> str:
    """SQL of a random document."""
    kind = chance.random()
    if depth > 4 or kind < 0.4:
        return chance.choice(LEAVES)
    inside = [grown(chance, depth + 1) for _ in range(chance.randint(1, 4))]
    if kind < 0.7:
        return f"JSON_ARRAY({', '.join(inside)})"
    keys = chance.sample(KEYS, len(inside))
    return f"JSON_OBJECT({', '.join(f'{key!r}, {value}' for key, value in zip(keys, inside, strict=True))})"


def documents(server: Endpoint, schema: str, table: str) -> list[tuple[object, ...]]:
    """Text and every type of every document."""
    with closing(connect(server)) as connection:
        run(connection, "SET SESSION group_concat_max_len = 1000000")
        fields = ", ".join(["n", "CAST(d AS CHAR)", "CAST(e AS CHAR)", *type_fields("d"), *type_fields("e")])
        return sorted(query(connection, f"SELECT {fields} FROM {schema}.{table}"), key=repr)


def test_documents_arrive_with_their_types(source: MysqlServer, target: MysqlServer, schema: str) -> None:
    chance = random.Random(20241103)
    rows = [f"({n}, JSON_EXTRACT(JSON_ARRAY({leaf}), '$[0]'), JSON_ARRAY({leaf}))" for n, leaf in enumerate(LEAVES)]
    rows += [f"({n}, JSON_ARRAY({grown(chance, 0)}), NULL)" for n in range(100, 160)]
    with closing(connect(source.endpoint)) as connection:
        run(
            connection,
            f"CREATE DATABASE {schema}",
            f"USE {schema}",
            "SET SESSION sql_mode = 'ALLOW_INVALID_DATES'",
            "CREATE TABLE c (de DECIMAL(65, 30), bl BLOB, vb VARBINARY(9), bt BIT(13))",
            "INSERT INTO c VALUES (-12345678901234567890.125, x'00ff27', x'5c00', b'1000000000001')",
            "CREATE TABLE keyed (n INT PRIMARY KEY, d JSON NOT NULL, e JSON, s VARCHAR(9) DEFAULT 'a,''b')",
        )
        for row in rows:
            run(connection, f"INSERT INTO keyed (n, d, e) SELECT v.* FROM c, LATERAL (SELECT {row[1:-1]}) AS v")
        run(
            connection,
            "CREATE TABLE keyless AS SELECT * FROM keyed",
            "CREATE TABLE plain (n INT PRIMARY KEY, d JSON, e JSON)",
        )
        run(
            connection,
            "INSERT INTO plain VALUES (2, NULL, '[]')",
            "INSERT INTO plain VALUES (1, '{\"a\": [1, 2.5, 18446744073709551615, 4294967296, -4294967297]}', NULL)",
        )
        assert scalar(connection, f"SELECT COUNT(*) FROM keyed WHERE {inexact('d')}") > 50
        assert scalar(connection, f"SELECT COUNT(*) FROM plain WHERE {inexact('d')} OR {inexact('e')}") == 0
    full_copy(source.endpoint, target.endpoint, schema, chunk_rows=7)
    for table in ("keyed", "keyless", "plain"):
        assert documents(target.endpoint, schema, table) == documents(source.endpoint, schema, table)


def test_a_binary_string_that_no_expression_makes_stops_the_copy(source: MysqlServer, schema: str) -> None:
    with closing(connect(source.endpoint)) as connection:
        run(
            connection,
            f"CREATE DATABASE {schema}",
            f"CREATE TABLE {schema}.c (b BINARY(16))",
            f"INSERT INTO {schema}.c VALUES ('x')",
            f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, d JSON)",
            f"INSERT INTO {schema}.t SELECT 1, JSON_OBJECT('id', b) FROM {schema}.c",
        )
    table = catalog_of(source.endpoint, schema).tables[1]
    with closing(connect(source.endpoint, ROWS)) as connection, pytest.raises(Unsupported, match="column type 254"):
        list(stream_rows(connection, table, ""))


def test_a_source_without_json_table_is_copied_where_text_says_all(
    source: MysqlServer, schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each kind of value is found by its number as by JSON_TABLE."""
    monkeypatch.setattr(json_before_8, "_JSON_TABLE", ((99, 0, 0), (99, 0, 0)))
    plain = ("0.1e0", "1e300", "'2024-02-29'", "TRUE", "NULL", "4294967295", "-5", "'\U0001f600'", "4294967296000e0")
    with closing(connect(source.endpoint)) as connection:
        run(
            connection,
            f"CREATE DATABASE {schema}",
            f"USE {schema}",
            "SET SESSION sql_mode = 'ALLOW_INVALID_DATES'",
            "CREATE TABLE c (de DECIMAL(65, 30), bl BLOB, vb VARBINARY(9), bt BIT(13))",
            "INSERT INTO c VALUES (-12345678901234567890.125, x'00ff27', x'5c00', b'1000000000001')",
            "CREATE TABLE t (n INT PRIMARY KEY, d JSON)",
            f"INSERT INTO t VALUES (1, JSON_ARRAY({', '.join(plain)}, JSON_OBJECT('a', JSON_ARRAY(1, 2)))), (2, NULL)",
            "INSERT INTO t VALUES (3, '[]'), (4, '7'), (5, '\"x\"'), (6, '{\"a\": {\"b\": [1.5, {\"c\": null}]}}')",
        )
        table = catalog_of(source.endpoint, schema).tables[1]
        with closing(connect(source.endpoint, ROWS)) as reader:
            [block] = stream_rows(reader, table, "")
            assert block.rows == 6 and not block.values
            seen = set()
            for leaf in LEAVES:
                for made in (leaf, f"JSON_ARRAY(1, {leaf})", f"JSON_OBJECT('a', JSON_OBJECT('b', {leaf}))"):
                    document = f"JSON_EXTRACT(JSON_ARRAY({made}), '$[0]')"
                    run(connection, f"REPLACE INTO t SELECT 9, {document} FROM c")
                    expected = bool(scalar(connection, f"SELECT {inexact('d')} FROM t WHERE n = 9"))
                    assert _is_refused(reader, table) == expected, made
                    seen.add(expected)
    assert seen == {True, False}


def _is_refused(reader: Connection, table: Table) -> bool:
    try:
        list(stream_rows(reader, table, ""))
    except Unsupported as error:
        assert "JSON text does not have" in str(error)
        return True
    return False
