"""A source whose changes are delivered as messages says before the job starts what its log lacks for that."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import pytest

from tests.preflights import bare_account, changed
from udup.base.endpoint import Endpoint
from udup.base.errors import Fault
from udup.drivers.mysql.checks import subscription
from udup.drivers.mysql.client.connection import connect, query
from udup.drivers.mysql.client.facts import ServerFacts, read_facts
from udup.pipeline.checks import Outcome
from udup.pipeline.ownership import Known
from udup.pipeline.ports import DeliveryPlan, End, JobPlan, Scope, SourceLook, StartPoint
from udup.pipeline.selection.kept import only
from udup.pipeline.selection.selection import NameRule, SchemaRule, Selection
from udup.sandbox.server import MysqlServer

SINK = End("NATS", Endpoint("", 0, "", ""), delivery=DeliveryPlan("shop1"))
ONE_TABLE = Selection((SchemaRule("shop", tables=(NameRule("orders"),)),))


@pytest.fixture(scope="module")
def facts(source: MysqlServer) -> ServerFacts:
    with closing(connect(source.endpoint)) as connection:
        return read_facts(connection)


def _plan(endpoint: Endpoint, selection: Selection = ONE_TABLE, **changes: object) -> JobPlan:
    return replace(JobPlan("j", End("MySQL", endpoint), SINK, Scope(selection)), **changes)  # type: ignore[arg-type]


def _faults(facts: ServerFacts, plan: JobPlan) -> list[str]:
    found = subscription.start_faults(plan, SourceLook(facts), None, None, Known())
    return [f"{fault.problem} -- {fault.remedy}" for fault in found]


def test_a_log_that_names_no_columns_is_told_with_the_statement(source: MysqlServer, facts: ServerFacts) -> None:
    plan = _plan(source.endpoint)
    full, minimal = (changed(facts, binlog_row_metadata=value) for value in ("FULL", "MINIMAL"))
    assert _faults(full, plan) == _faults(minimal, plan) == []
    warned = [each for each in subscription.warnings(plan, minimal, minimal) if "binlog_row_metadata is" in each]
    assert len(warned) == 1 and "SET PERSIST binlog_row_metadata = 'FULL'" in warned[0]
    assert not any("binlog_row_metadata is" in each for each in subscription.warnings(plan, full, full))


def test_rows_that_are_only_read_need_nothing_of_the_log(source: MysqlServer, facts: ServerFacts) -> None:
    assert _faults(changed(facts, binlog_row_metadata="MINIMAL"), _plan(source.endpoint, copy_alone=True)) == []


@pytest.mark.parametrize("setting", [{"log_bin": "OFF"}, {"binlog_format": "STATEMENT"}, {"gtid_mode": "OFF"}])
def test_what_every_source_must_be_holds_here_too(
    source: MysqlServer, facts: ServerFacts, setting: dict[str, str]
) -> None:
    [told] = _faults(changed(facts, binlog_row_metadata="FULL", **setting), _plan(source.endpoint))
    assert next(iter(setting)) in told


def test_images_that_lack_columns_are_told_and_no_fault(source: MysqlServer, facts: ServerFacts) -> None:
    minimal = changed(facts, binlog_row_metadata="FULL", binlog_row_image="MINIMAL")
    assert _faults(minimal, _plan(source.endpoint)) == []
    warned = subscription.warnings(_plan(source.endpoint), minimal, minimal)
    assert [each for each in warned if "binlog_row_image is MINIMAL" in each and "SET PERSIST" in each]


def test_what_is_already_known_of_its_dictionary_is_told_as_well(source: MysqlServer, facts: ServerFacts) -> None:
    look = SourceLook(changed(facts, gtid_mode="OFF"), (Fault("Src", "found in its dictionary"),))
    found = subscription.start_faults(_plan(source.endpoint), look, None, None, Known())
    assert len(found) == 2
    assert subscription.start_faults(_plan(source.endpoint), None, None, None, Known()) == []


# ---- Validation, which asks the server ----


def _checks(plan: JobPlan) -> dict[str, tuple[Outcome, str]]:
    return {check.name: (check.outcome, check.found + check.remedy) for check in subscription.validate(plan)}


def test_a_source_is_validated_by_itself(source: MysqlServer) -> None:
    checks = _checks(_plan(source.endpoint, Selection()))
    wanted = {"connection", "version", "log_bin", "binlog_format", "gtid_mode", "binlog_retention", "privileges"}
    assert wanted | {"binlog_row_metadata", "binlog_row_image", "schema_privileges"} <= set(checks)
    assert checks["connection"][0] is Outcome.PASS


def test_an_account_needs_to_read_rows_and_the_log_alone(source: MysqlServer) -> None:
    with bare_account(source) as account, closing(connect(source.endpoint)) as connection:
        name = f"'{account.user}'@'%'"
        checks = _checks(_plan(account, Selection()))
        assert "REPLICATION SLAVE" in checks["privileges"][1] and "SHOW_ROUTINE" not in checks["privileges"][1]
        assert checks["schema_privileges"][0] is Outcome.FAIL
        query(connection, f"GRANT REPLICATION SLAVE, REPLICATION CLIENT, SELECT ON *.* TO {name}")
        checks = _checks(_plan(account, Selection()))
        assert (checks["privileges"][0], checks["schema_privileges"][0]) == (Outcome.PASS, Outcome.PASS)


def test_a_start_in_the_log_is_looked_for(source: MysqlServer) -> None:
    plan = _plan(source.endpoint, Selection(), start_at=StartPoint(file="nothing.000001", offset=4))
    outcome, told = _checks(plan)["start_position"]
    assert outcome is Outcome.FAIL and "nothing.000001" in told
    plan = replace(plan, start_at=StartPoint())
    assert _checks(plan)["start_position"][0] is Outcome.PASS


def test_a_server_that_cannot_be_reached_is_a_failed_check(source: MysqlServer) -> None:
    checks = _checks(_plan(replace(source.endpoint, port=1)))
    assert checks["connection"][0] is Outcome.FAIL


def test_options_that_say_nothing_of_values_are_told_with_those_of_the_source(
    source: MysqlServer, facts: ServerFacts
) -> None:
    delivery = DeliveryPlan("shop1", {"decimal.handling.mode": "roman", "time.precision.mode": "connect"})
    plan = _plan(source.endpoint, target=replace(SINK, delivery=delivery))
    [told] = _faults(changed(facts, binlog_row_metadata="FULL"), plan)
    assert "roman" in told and "precise" in told
    outcome, text = _checks(plan)["options"]
    assert outcome is Outcome.FAIL and "decimal.handling.mode" in text


def test_statements_are_not_told_where_some_rows_are_left_out(source: MysqlServer, facts: ServerFacts) -> None:
    delivery = DeliveryPlan("shop1", {"include.query": "true"})
    some = Selection((SchemaRule("shop", tables=(NameRule("orders", where="id > 5"),)),))
    full = changed(facts, binlog_row_metadata="FULL")
    [told] = _faults(full, _plan(source.endpoint, some, target=replace(SINK, delivery=delivery)))
    assert told.startswith("with Where: the text of a statement")
    assert _faults(full, _plan(source.endpoint, target=replace(SINK, delivery=delivery))) == []


def test_a_column_map_is_refused_whatever_the_snapshot_is(source: MysqlServer, facts: ServerFacts) -> None:
    """The log would be told by it, and a snapshot that is asked for later with all columns."""
    table = NameRule("orders", columns=(("id", "id"),))
    plan = _plan(source.endpoint, Selection((SchemaRule("shop", tables=(table,)),)))
    [told] = _faults(changed(facts, binlog_row_metadata="FULL"), plan)
    assert told.startswith("ColumnMapFrom is for tables of a target") and "column.include.list" in told
    assert _checks(plan)["column_maps"][0] is Outcome.FAIL
    assert only(plan.scope.selection, "shop", "orders").columns_of("shop", "orders") == ((("id", "id"),),)


def test_what_is_said_of_columns_is_held_against_the_tables(source: MysqlServer) -> None:
    options = {
        "column.mask.with.3.chars": r"masked\.people\.(name|doc),masked\.people\.nmae",
        "column.mask.hash.v2.MD5.with.salt.pepper": r"masked\.clients\.name",
        "column.exclude.list": r"people\.name",
    }
    delivery = DeliveryPlan("shop1", options)
    renamed = (NameRule("people"), NameRule("customers", rename="clients"))
    plan = _plan(source.endpoint, Selection((SchemaRule("masked", tables=renamed),)))
    plan = replace(plan, target=replace(SINK, delivery=delivery))
    with closing(connect(source.endpoint)) as connection:
        query(connection, "CREATE DATABASE masked")
        query(connection, "CREATE TABLE masked.people (id INT PRIMARY KEY, name VARCHAR(9), doc JSON)")
        query(connection, "CREATE TABLE masked.customers (name VARCHAR(9) PRIMARY KEY)")
        try:
            found = [each for each in subscription.validate(plan) if each.name == "columns"]
            plain = replace(plan, target=replace(SINK, delivery=DeliveryPlan("shop1", {"column.mask.with.null": ".*"})))
            assert _checks(plain)["columns"][0] is Outcome.FAIL, "keys are masked too"
            assert "columns" not in _checks(replace(plan, target=SINK))
            shown = DeliveryPlan(
                "shop1", {"column.exclude.list": r".*\.id", "column.truncate.to.1.chars": r".*\.(name|doc)"}
            )
            listed = subscription.validate(replace(plan, target=replace(SINK, delivery=shown)))
            assert [each.found for each in listed if each.name == "columns"] == [
                "masked.clients.name stands in keys as it is",
                "masked.people.id stands in keys as it is",
                "masked.people.doc is no text, and is shown whole",
            ]
        finally:
            query(connection, "DROP DATABASE masked")
    fits_nothing = "fits no column of the tables that there are"
    told = {f"{each.outcome.name} {each.found}".partition(",")[0] for each in found}
    assert told == {
        "FAIL masked.people.doc is masked",
        "FAIL masked.clients.name is masked",
        "WARN Options.column.mask.with.3.chars: 'masked\\\\.people\\\\.nmae' " + fits_nothing,
        "WARN Options.column.exclude.list: 'people\\\\.name' " + fits_nothing,
    }
