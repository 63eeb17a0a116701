"""Views, routines and events: what the target would not take is told before the rows, what is broken stays so."""

from __future__ import annotations

from contextlib import closing

import httpx
import pytest

from tests.end_to_end.conftest import World, run, value, wait_for
from udup.drivers.mysql.client.connection import MySQLError, connect, query, scalar


def _warnings(world: World, job: str) -> list[str]:
    return list(world.node.job(job)["Progress"]["warnings"])


def test_a_stale_view_is_kept_said_as_a_warning_and_whole_again_with_its_table(world: World, name: str) -> None:
    world.on_source(
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.rows_of (id INT PRIMARY KEY)",
        f"INSERT INTO {name}.rows_of VALUES (1)",
        f"CREATE TABLE {name}.t (id INT PRIMARY KEY, a INT)",
        f"CREATE VIEW {name}.v AS SELECT a FROM {name}.t",
        f"CREATE VIEW {name}.w AS SELECT a FROM {name}.v",
        f"DROP TABLE {name}.t",
    )
    world.start(name, [name])
    wait_for(lambda: f"`{name}`.`v`" in str(_warnings(world, name)), lambda: world.node.job(name))
    told = [each for each in _warnings(world, name) if "refers on the source to something that is gone" in each]
    assert len(told) == 2 and "1146" in told[0]
    with pytest.raises(MySQLError, match="1356"):
        value(world.target.endpoint, f"SELECT * FROM {name}.v")
    # The next run finds them on the target.
    with httpx.Client(base_url=world.node.url, timeout=30, trust_env=False) as client:
        assert client.post(f"/v1/job/{name}/pause").status_code == 200
        world.on_source(f"CREATE TABLE {name}.other (id INT PRIMARY KEY)")
        assert client.post(f"/v1/job/{name}/resume").status_code == 200
    world.level(name)
    assert f"`{name}`.`w`" in str(_warnings(world, name))
    world.on_source(f"CREATE TABLE {name}.t (id INT PRIMARY KEY, a INT)", f"INSERT INTO {name}.t VALUES (1, 2)")
    world.level_and_equal(name, name)
    assert value(world.target.endpoint, f"SELECT a FROM {name}.w") == 2
    wait_for(lambda: f"`{name}`.`v`" not in str(_warnings(world, name)), lambda: _warnings(world, name))


def test_what_the_target_would_not_take_of_the_objects_is_told_before_rows_are_copied(world: World, name: str) -> None:
    world.on_source(
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.t (id INT PRIMARY KEY)",
        f"INSERT INTO {name}.t VALUES (1), (2)",
        f"CREATE TRIGGER {name}.doubles BEFORE INSERT ON {name}.t FOR EACH ROW SET NEW.id = NEW.id * 2",
        f"CREATE VIEW {name}.hinted AS SELECT id FROM {name}.t",
        "SET GLOBAL log_bin_trust_function_creators = ON",
        f"CREATE FUNCTION {name}.of_unknown_effect() RETURNS INT RETURN 1",
        "SET GLOBAL log_bin_trust_function_creators = OFF",
        f"CREATE DEFINER = someone@nowhere PROCEDURE {name}.p() SELECT 1",
    )
    run(world.target.endpoint, f"CREATE USER {name}@'127.0.0.1' IDENTIFIED BY 'a'")
    try:
        run(
            world.target.endpoint,
            f"GRANT ALL ON *.* TO {name}@'127.0.0.1'",
            f"REVOKE ALLOW_NONEXISTENT_DEFINER, SUPER ON *.* FROM {name}@'127.0.0.1'",
        )
        document = world.document(name, [name])
        document["Tasks"][1]["Config"]["ConnectionConfig"].update({"User": name, "Password": "a"})
        world.post(document)
        reason = world.failure(name)
        assert "of_unknown_effect" in reason and "SET PERSIST log_bin_trust_function_creators = ON" in reason
        assert "`p`" in reason and "GRANT ALLOW_NONEXISTENT_DEFINER ON *.*" in reason
        assert "doubles" in reason  # 1419: triggers need SUPER
        assert "hinted" not in reason
        with closing(connect(world.target.endpoint)) as connection:
            assert scalar(connection, f"SELECT COUNT(*) FROM {name}.t") == 0
            left = "SELECT ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = %s"
            assert query(connection, left, name) == []
    finally:
        run(world.target.endpoint, f"DROP USER {name}@'127.0.0.1'")


def test_triggers_tried_before_the_rows_do_not_fire_on_them(world: World, name: str) -> None:
    world.on_source(
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.t (id INT PRIMARY KEY, words TEXT, KEY k (id), FULLTEXT KEY f (words))",
        f"INSERT INTO {name}.t VALUES (1, 'a'), (2, 'b')",
        f"CREATE TRIGGER {name}.doubles BEFORE INSERT ON {name}.t FOR EACH ROW SET NEW.id = NEW.id * 2",
        f"CREATE VIEW {name}.by_index AS SELECT id FROM {name}.t USE INDEX (k)",
        f"CREATE VIEW {name}.by_words AS SELECT id FROM {name}.t WHERE MATCH (words) AGAINST ('b')",
    )
    world.start(name, [name])
    world.level_and_equal(name, name)
