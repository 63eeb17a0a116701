"""Triggers are made once, and a schema keeps its collation, wherever the making is killed."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest

from tests.drivers.mysql.cutover.small_server import Died, SmallServer
from udup.drivers.mysql.cutover.trigger_rehearsal import moved
from udup.drivers.mysql.cutover.triggers import lacking, make_on
from udup.drivers.mysql.ddl.sqltokens import UntokenizableError
from udup.drivers.mysql.dictionary.catalog import StoredObject
from udup.pipeline.ports import Trigger

OWN, OLD = "utf8mb4_0900_ai_ci", "latin1_swedish_ci"


def _stored(name: str, collation: str = OWN, table: str = "t", sql: str = "") -> StoredObject:
    return StoredObject(
        kind="TRIGGER",
        schema="s",
        name=name,
        sql=sql or f"CREATE TRIGGER {name} BEFORE INSERT ON {table} FOR EACH ROW SET @a = 1",
        sql_mode="",
        charset_client="utf8mb4",
        collation_connection=OWN,
        collation_database=collation,
        time_zone="",
        table=table,
    )


def _trigger(name: str, collation: str = OWN) -> Trigger:
    return Trigger("s", name, "t", "a@b", json.dumps(asdict(_stored(name, collation))))


def _lacking(server: SmallServer) -> list[Trigger]:
    wanted = [_trigger("one", OLD), _trigger("two", OWN), _trigger("three", OLD)]
    return lacking(server.connection(), wanted)


def _points() -> int:
    server = SmallServer({"s": OWN})
    triggers = _lacking(server)
    server.points = 0
    make_on(server.connection(), triggers, "there")
    return server.points


@pytest.mark.parametrize("dies_at", range(1, _points() + 1))
def test_a_schema_has_its_collation_again_wherever_the_making_was_killed(dies_at: int) -> None:
    server = SmallServer({"s": OWN, "other": OLD})
    triggers = _lacking(server)
    server.points, server.dies_at = 0, dies_at
    with pytest.raises(Died):
        make_on(server.connection(), triggers, "there")
    make_on(server.connection(), triggers, "there")
    assert server.collations == {"s": OWN, "other": OLD}
    assert [(each[1], each[-1]) for each in server.triggers] == [("one", OLD), ("two", OWN), ("three", OLD)]


def test_a_collation_that_somebody_else_gave_the_schema_meanwhile_stays() -> None:
    server = SmallServer({"s": OWN})
    triggers = _lacking(server)
    server.collations["s"] = "utf8mb4_bin"
    make_on(server.connection(), triggers, "there")
    assert server.collations == {"s": "utf8mb4_bin"}


@pytest.mark.parametrize("folds", [0, 1])
def test_an_order_to_look_at_is_told_also_by_the_attempt_that_comes_after_a_death(folds: int) -> None:
    server = SmallServer({"s": OWN}, folds=folds)
    wanted = [_trigger("One"), _trigger("Two")] if folds else [_trigger("one"), _trigger("two")]
    triggers = lacking(server.connection(), wanted)
    server.triggers.append(("s", "theirs", "t", "BEFORE", "INSERT", OWN))
    told = make_on(server.connection(), triggers, "there")
    if folds:
        server.triggers = [(each[0], each[1].lower(), *each[2:]) for each in server.triggers]
    assert len(told) == 1 and "theirs, then" in told[0]
    assert len(make_on(server.connection(), triggers, "there")) == 1


def test_one_that_is_made_where_there_is_no_other_tells_nothing() -> None:
    server = SmallServer({"s": OWN})
    assert make_on(server.connection(), _lacking(server), "there") == []


@pytest.mark.parametrize(
    ("sql", "there"),
    [
        (
            "CREATE DEFINER=`TRIGGER`@`ON` TRIGGER `z` BEFORE INSERT ON `t` FOR EACH ROW SET NEW.a = 'ON t'",
            "CREATE DEFINER=`TRIGGER`@`ON` TRIGGER `udup`.`new` BEFORE INSERT ON `udup`.`rehearsal` FOR EACH ROW"
            " SET NEW.a = 'ON t'",
        ),
        (
            "CREATE DEFINER=`a`@`b` TRIGGER s.z AFTER UPDATE ON s . t FOR EACH ROW UPDATE t SET a = 1",
            "CREATE DEFINER=`a`@`b` TRIGGER `udup`.`new` AFTER UPDATE ON `udup`.`rehearsal` FOR EACH ROW"
            " UPDATE t SET a = 1",
        ),
        (
            "CREATE DEFINER=`a`@`b` TRIGGER IF NOT EXISTS `s`.`on` /* ON u */ BEFORE DELETE ON `s`.`trigger`"
            " FOR EACH ROW BEGIN END",
            "CREATE DEFINER=`a`@`b` TRIGGER IF NOT EXISTS `udup`.`new` /* ON u */ BEFORE DELETE ON `udup`.`rehearsal`"
            " FOR EACH ROW BEGIN END",
        ),
    ],
)
def test_a_trigger_is_tried_on_a_table_of_its_own(sql: str, there: str) -> None:
    tried = moved(_stored("z", OLD, sql=sql), "new")
    assert tried.sql == there
    assert (tried.schema, tried.name, tried.collation_database) == ("udup", "new", ""), "the schema keeps its collation"


def test_names_in_double_quotes_are_names_where_the_trigger_says_so() -> None:
    sql = 'CREATE DEFINER="a"@"b" TRIGGER "z" BEFORE INSERT ON "t" FOR EACH ROW SET @a = "x"'
    tried = moved(replace(_stored("z", sql=sql), sql_mode="ANSI_QUOTES"), "new")
    assert "`udup`.`new` BEFORE INSERT ON `udup`.`rehearsal` FOR" in tried.sql


def test_a_text_that_is_no_trigger_is_not_guessed() -> None:
    with pytest.raises(UntokenizableError, match="no CREATE TRIGGER"):
        moved(_stored("z", sql="CREATE VIEW z AS SELECT 1"), "new")
