"""A cut-over makes no trigger of a table whose columns are others on the target, and says so before it begins."""

from __future__ import annotations

import pytest

from tests.end_to_end.conftest import World, run, value
from tests.end_to_end.test_columns import named_columns
from tests.end_to_end.test_cutover import Udup, udup
from udup.sandbox.api import job_document

__all__ = ("named_columns", "udup")


@pytest.mark.usefixtures("named_columns")
def test_a_trigger_of_a_column_map_does_not_change_another_column_on_the_new_server(
    world: World, name: str, udup: Udup
) -> None:
    world.on_source(
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.t (id INT PRIMARY KEY, a INT, b INT)",
        f"CREATE TABLE {name}.plain (id INT PRIMARY KEY, a INT)",
        f"CREATE TRIGGER {name}.sets BEFORE INSERT ON {name}.t FOR EACH ROW SET NEW.a = 7",
        f"CREATE TRIGGER {name}.goes BEFORE INSERT ON {name}.plain FOR EACH ROW SET NEW.a = 8",
        f"INSERT INTO {name}.t VALUES (1, 1, 1)",
    )
    tables = [
        {"TableName": "t", "ColumnMapFrom": ["id", "a", "b"], "ColumnMapTo": ["id", "b", "a"]},
        {"TableName": "plain"},
    ]
    document = job_document(name, world.source.endpoint, world.target.endpoint, []) | {"ID": name}
    for task in document["Tasks"]:
        if task["Type"] == "Src":
            task["Config"]["ReplicateDoDb"] = [{"TableSchema": name, "Tables": tables}]
    world.post(document)
    world.runs(name)
    world.level(name)
    done = udup(name, "--writes-stopped", "--yes")
    assert done.exit_code == 0 and f"{name}.sets on t" in done.output, done.output
    triggers = "SELECT GROUP_CONCAT(TRIGGER_NAME) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = %s"
    assert value(world.target.endpoint, triggers, name) == "goes"
    run(world.target.endpoint, f"INSERT INTO {name}.t (id, a, b) VALUES (2, 5, 6)")
    assert value(world.target.endpoint, f"SELECT CONCAT(a, b) FROM {name}.t WHERE id = 2") == "56"
