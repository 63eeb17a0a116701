"""Servers that keep names in lower case, whatever the case in which a statement or the job says them."""

from __future__ import annotations

from pathlib import Path

from tests.end_to_end.conftest import World, value
from udup.sandbox.node import UdupNode
from udup.sandbox.programs import MysqlPrograms
from udup.sandbox.server import MysqlServer

FOLDING: dict[str, str | int] = {"lower-case-table-names": 1}

#: Into COMPACT tables the keys of Udup's own would not fit, did they not say what they are.
ON_TARGET = FOLDING | {"innodb-default-row-format": "COMPACT"}

WANTED = [
    {
        "TableSchema": "SHOP",
        "TableSchemaRename": "Copied",
        "Tables": [{"TableName": "ITEM", "TableRename": "Things"}, {"TableRegex": "^New"}],
    }
]


def test_names_in_any_case_are_one_where_servers_fold_them(
    programs: MysqlPrograms, server_folder: Path, node: UdupNode
) -> None:
    with (
        MysqlServer(programs, server_folder / "folding-source", options=FOLDING) as source,
        MysqlServer(programs, server_folder / "folding-target", options=ON_TARGET) as target,
    ):
        world = World(source, target, node)
        world.on_source(
            "CREATE DATABASE Shop",
            "CREATE TABLE SHOP.Item (Id INT PRIMARY KEY, Name VARCHAR(20)) ROW_FORMAT=DYNAMIC",
            "INSERT INTO shop.item VALUES (1, 'x')",
            "CREATE TABLE Shop.Ignored (id INT PRIMARY KEY)",
        )
        world.start("folded", [], src={"ReplicateDoDb": WANTED})
        world.on_source(
            "INSERT INTO SHOP.ITEM VALUES (2, 'y')",
            "CREATE TABLE sHop.NewOne (ID INT PRIMARY KEY, It INT, FOREIGN KEY (it) REFERENCES ITEM (id))",
            "INSERT INTO SHOP.NEWONE VALUES (1, 1)",
            "ALTER TABLE SHOP.NEWONE RENAME TO Shop.NEWTwo",
            "INSERT INTO shop.newtwo VALUES (2, 2)",
            "INSERT INTO SHOP.IGNORED VALUES (1)",
        )
        world.level("folded")
        tables = (
            "SELECT GROUP_CONCAT(table_name ORDER BY 1) FROM information_schema.tables WHERE table_schema = 'copied'"
        )
        assert value(target.endpoint, tables) == "newtwo,things"
        assert value(target.endpoint, "SELECT GROUP_CONCAT(id, name ORDER BY id) FROM copied.things") == "1x,2y"
        assert value(target.endpoint, "SELECT GROUP_CONCAT(id, it ORDER BY id) FROM copied.newtwo") == "11,22"
        world.forget("folded")
