"""A source that cannot be replicated from says so before the job starts, in full."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from tests.drivers.mysql.cutover.small_server import facts as account_facts
from tests.preflights import bare_account, changed, problems
from udup.base.endpoint import Endpoint
from udup.drivers.mysql.checks.snapshot_access import snapshot_warnings
from udup.drivers.mysql.checks.source import check_source, source_checks, warn_source
from udup.drivers.mysql.checks.source_tables import check_parents, read_tables, table_checks
from udup.drivers.mysql.client.connection import MySQLError, connect, query, scalar
from udup.drivers.mysql.client.facts import ServerFacts, read_facts
from udup.drivers.mysql.client.privileges import Privileges, parse_grants
from udup.pipeline.checks import Check, Outcome
from udup.pipeline.selection.selection import NameRule, SchemaRule, Selection
from udup.sandbox.server import MysqlServer

EVERYTHING = Selection.of([])


@pytest.fixture(scope="module")
def facts(source: MysqlServer) -> ServerFacts:
    with closing(connect(source.endpoint)) as connection:
        return read_facts(connection)


@pytest.fixture
def account(source: MysqlServer) -> Iterator[Endpoint]:
    """An account of the test's own, without privileges."""
    with bare_account(source) as endpoint:
        yield endpoint


def test_a_good_source_has_no_faults(facts: ServerFacts) -> None:
    assert check_source(facts, EVERYTHING, None) == []
    assert check_source(facts, EVERYTHING, facts.gtid_executed) == []
    assert facts.version >= (8, 0, 0)
    assert facts.address.startswith("127.0.0.1:")


def test_every_fault_is_told_at_once_with_its_remedy(facts: ServerFacts) -> None:
    bad = changed(
        facts,
        binlog_format="MIXED",
        gtid_mode="OFF",
        enforce_gtid_consistency="OFF",
        log_bin="OFF",
        server_id="0",
        log_replica_updates="OFF",
        log_slave_updates="OFF",
    )
    faults = check_source(bad, EVERYTHING, None)
    assert len(faults) == 6
    assert all(fault.remedy and fault.where == f"Src {facts.address}" for fault in faults)
    assert "binlog_format is MIXED, not ROW" in problems(faults)


def test_other_servers_are_turned_away(facts: ServerFacts) -> None:
    (fault,) = check_source(replace(facts, version=(5, 5, 62), version_text="5.5.62"), EVERYTHING, None)
    assert "5.5.62" in fault.problem
    (fault,) = check_source(replace(facts, is_mariadb=True), EVERYTHING, None)
    assert "only MySQL" in fault.problem
    (fault,) = check_source(replace(facts, version=(8, 0, 11), version_text="8.0.11-TiDB-v8.5.1"), EVERYTHING, None)
    assert "TiDB" in fault.problem and "TiCDC" in fault.problem


def test_old_servers_of_mysql_are_read(facts: ServerFacts) -> None:
    for version in ((5, 6, 10), (5, 7, 44), (8, 0, 11), (8, 4, 6)):
        assert check_source(replace(facts, version=version, version_text="x"), EVERYTHING, None) == []


def test_an_old_server_is_told_what_it_understands(facts: ServerFacts) -> None:
    variables = {name: text for name, text in facts.variables.items() if name != "binlog_expire_logs_seconds"}
    old = replace(facts, version=(5, 6, 24), version_text="5.6.24", variables=variables)
    bad = changed(old, gtid_mode="OFF", binlog_format="MIXED", expire_logs_days="0.5")
    told = problems(check_source(bad, EVERYTHING, None))
    assert "SET GLOBAL binlog_format = 'ROW'" in told and "SET PERSIST" not in told
    assert "--gtid-mode=ON" in told
    warned = problems(warn_source(bad))
    assert "is 43200" in warned and "SET GLOBAL expire_logs_days = 7, and write it into the server's option" in warned


def test_commit_order_of_8_0_is_advised_against(facts: ServerFacts) -> None:
    slow = changed(facts, binlog_transaction_dependency_tracking="COMMIT_ORDER")
    assert "'WRITESET'" in problems(warn_source(slow)) and check_source(slow, EVERYTHING, None) == []
    assert "WRITESET" not in problems(warn_source(facts))


def test_missing_privileges_come_with_the_grant_that_gives_them(account: Endpoint, source: MysqlServer) -> None:
    selection = Selection.of([("shop", []), ("part", ["t"])])
    with closing(connect(account)) as connection:
        faults = check_source(read_facts(connection), selection, None)
    assert len(faults) == 3
    assert f"GRANT REPLICATION SLAVE, REPLICATION CLIENT, SHOW_ROUTINE ON *.* TO '{account.user}'@'%'" in problems(
        faults
    )
    assert "GRANT SELECT, TRIGGER ON `part`.`t`" in problems(faults)
    with closing(connect(source.endpoint)) as root:
        for fault in faults:
            if "`part`" not in fault.remedy:
                query(root, fault.remedy)
    with closing(connect(account)) as connection:
        now = read_facts(connection)
    assert check_source(now, Selection.of([("shop", [])]), None) == []
    assert len(check_source(now, EVERYTHING, None)) == 1


@pytest.mark.parametrize(("start_after", "outcome"), [(None, Outcome.FAIL), ("", Outcome.WARN)])
@pytest.mark.parametrize(
    ("rule", "grant"),
    [
        (SchemaRule("part", tables=(NameRule("t"),)), "GRANT TRIGGER ON `part`.`t` TO"),
        (SchemaRule("part", tables=(NameRule(regex="t.*"),)), "GRANT TRIGGER ON `part`.* TO"),
    ],
)
def test_tables_whose_triggers_the_account_does_not_see_are_told(
    rule: SchemaRule, grant: str, start_after: str | None, outcome: Outcome
) -> None:
    """A copy would leave them out without a word; of a job that goes on only the cut-over asks for them."""
    found = source_checks(account_facts("SELECT ON `part`.*"), Selection((rule,)), start_after)
    [check] = [each for each in found if each.name == "schema_privileges"]
    assert check.outcome is outcome and "does not see triggers" in check.found and check.remedy.startswith(grant)
    found = source_checks(account_facts("SELECT, TRIGGER ON `part`.*"), Selection((rule,)), start_after)
    assert [each.outcome for each in found if each.name == "schema_privileges"] == [Outcome.PASS]


def test_how_a_copy_comes_to_its_snapshot_is_told_by_what_the_account_may_do(
    account: Endpoint, source: MysqlServer, schema: str
) -> None:
    """Nothing is asked for where a lock may be had or is not needed; what is asked for is enough."""
    selection = Selection.of([(schema, [])])

    def look(*, full_copy: bool = True) -> tuple[Check, str]:
        with closing(connect(account)) as connection:
            facts = read_facts(connection)
            found = table_checks(read_tables(connection, facts, selection, full_copy=full_copy))
            told = snapshot_warnings(connection, facts, selection)
        return next(check for check in found if check.name == "snapshot_privilege"), "\n".join(told)

    with closing(connect(source.endpoint)) as root:
        query(root, f"CREATE DATABASE {schema}")
        query(root, f"CREATE TABLE {schema}.t (id INT PRIMARY KEY)")
        query(root, f"GRANT SELECT ON {schema}.* TO {account.user}")
        found, told = look()
        assert found.outcome is Outcome.FAIL and "neither RELOAD nor LOCK TABLES" in found.found
        assert found.remedy in told
        assert look(full_copy=False)[0].outcome is Outcome.PASS
        query(root, f"GRANT SELECT ON performance_schema.* TO {account.user}")
        assert look()[0].outcome is Outcome.WARN, "it sees quiet moments, and may find none"
        grant, other = found.remedy.split("; or ")
        query(root, grant)
        found, told = look()
        assert found.outcome is Outcome.PASS and "LOCK TABLES … READ" in found.found
        assert "LOCK TABLES … READ" in told and "nothing has to be done" in told
        query(root, other)
        found, told = look()
        assert (found.outcome, told) == (Outcome.PASS, "") and found.found.startswith("RELOAD")


def test_the_privileges_of_an_active_role_count(account: Endpoint, source: MysqlServer) -> None:
    role = f"r{account.user}"
    with closing(connect(source.endpoint)) as root:
        query(root, f"CREATE ROLE {role}")
        query(root, f"GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO {role}")
        query(root, f"GRANT {role} TO {account.user}")
        try:
            with closing(connect(account)) as connection:
                assert check_source(read_facts(connection), EVERYTHING, None)
            query(root, f"ALTER USER {account.user} DEFAULT ROLE {role}")
            with closing(connect(account)) as connection:
                assert check_source(read_facts(connection), EVERYTHING, None) == []
        finally:
            query(root, f"DROP ROLE {role}")


def test_a_log_that_is_kept_for_a_short_time_is_a_warning(facts: ServerFacts) -> None:
    short = changed(facts, binlog_expire_logs_seconds="3600", binlog_expire_logs_auto_purge="ON")
    assert "binlog_expire_logs_seconds is 3600" in problems(warn_source(short))
    for more in ({"binlog_expire_logs_seconds": "86400"}, {"binlog_expire_logs_auto_purge": "OFF"}):
        assert "binlog_expire" not in problems(warn_source(changed(short, **more)))


def test_every_check_has_a_name_and_says_what_it_found(facts: ServerFacts) -> None:
    checks = source_checks(changed(facts, binlog_row_metadata="FULL"), EVERYTHING, None)
    assert len({check.name for check in checks}) == len(checks)
    assert all(check.found and check.outcome == Outcome.PASS for check in checks)
    (only,) = source_checks(replace(facts, is_mariadb=True), EVERYTHING, None)
    assert (only.name, only.outcome) == ("version", Outcome.FAIL)


def test_prepared_transactions_engines_and_keys_are_looked_at(
    source: MysqlServer, facts: ServerFacts, schema: str
) -> None:
    with closing(connect(source.endpoint)) as connection:
        for statement in (
            f"CREATE DATABASE {schema}",
            f"CREATE TABLE {schema}.keyed (id INT, u INT NOT NULL UNIQUE)",
            f"CREATE TABLE {schema}.nullable (u INT UNIQUE)",
            f"CREATE TABLE {schema}.expressed (u INT NOT NULL, UNIQUE ((u + 1)))",
            f"CREATE TABLE {schema}.old (id INT PRIMARY KEY) ENGINE=MyISAM",
            f"XA START '{schema}'",
            f"INSERT INTO {schema}.keyed VALUES (1, 1)",
            f"XA END '{schema}'",
            f"XA PREPARE '{schema}'",
        ):
            query(connection, statement)
        selection = Selection.of([(schema, [])])
        try:
            copied = {
                check.name: check for check in table_checks(read_tables(connection, facts, selection, full_copy=True))
            }
            resumed = {
                check.name: check for check in table_checks(read_tables(connection, facts, selection, full_copy=False))
            }
        finally:
            query(connection, f"XA ROLLBACK '{schema}'")
    assert [copied[name].outcome for name in ("xa_prepared", "engines", "tables")] == ["warn", "warn", "pass"]
    assert [resumed[name].outcome for name in ("xa_prepared", "engines")] == ["pass", "warn"]
    keyless = copied["table_keys"].found
    assert (f"{schema}.nullable" in keyless, f"{schema}.expressed" in keyless) == (True, True)
    assert (f"{schema}.keyed" in keyless, f"{schema}.old" in keyless) == (False, False)


def test_purged_transactions_are_named(facts: ServerFacts) -> None:
    purged = changed(facts, gtid_purged=f"{facts.uuid}:1-7", gtid_executed=f"{facts.uuid}:1-20")
    assert check_source(purged, EVERYTHING, f"{facts.uuid}:1-7") == []
    (fault,) = check_source(purged, EVERYTHING, f"{facts.uuid}:1-4")
    assert f"{facts.uuid}:5-7" in fault.problem
    assert check_source(purged, EVERYTHING, "") != []


def test_a_start_beyond_what_the_source_executed_is_told(facts: ServerFacts) -> None:
    restored = changed(facts, gtid_purged="", gtid_executed=f"{facts.uuid}:1-20")
    (fault,) = check_source(restored, EVERYTHING, f"{facts.uuid}:1-25")
    assert f"{facts.uuid}:21-25" in fault.problem
    other = "11111111-2222-3333-4444-555555555555:1-3"
    assert check_source(restored, EVERYTHING, f"{facts.uuid}:1-20,{other}") == []


def test_names_are_compared_as_the_source_compares_them(facts: ServerFacts) -> None:
    folding = changed(replace(facts, unlogged_schemas=frozenset({"shop"})), lower_case_table_names="1")
    (fault,) = check_source(folding, Selection.of([("Shop", [])]), None)
    assert "binlog_ignore_db" in fault.problem and "shop" in fault.problem


def test_schemas_that_the_source_does_not_log_are_told(facts: ServerFacts) -> None:
    ignoring = replace(facts, unlogged_schemas=frozenset({"a"}))
    assert check_source(ignoring, Selection.of([("b", [])]), None) == []
    assert check_source(ignoring, Selection.of([("a", [])]), None)
    assert check_source(ignoring, EVERYTHING, None)
    only = replace(facts, logged_schemas=frozenset({"a"}))
    assert check_source(only, Selection.of([("a", [])]), None) == []
    assert check_source(only, Selection.of([("b", [])]), None)


def test_a_parent_outside_the_job_is_told_where_cascades_are_not_logged(
    source: MysqlServer, facts: ServerFacts, schema: str
) -> None:
    older = replace(facts, version=(8, 4, 0))
    with closing(connect(source.endpoint)) as connection:
        query(connection, f"CREATE DATABASE {schema}")
        query(connection, f"CREATE TABLE {schema}.p (id INT PRIMARY KEY)")
        query(
            connection,
            f"CREATE TABLE {schema}.c (id INT, FOREIGN KEY (id) REFERENCES {schema}.p (id) ON DELETE CASCADE)",
        )
        (fault,) = check_parents(connection, older, Selection.of([(schema, ["c"])]))
        assert f"{schema}.p" in fault.remedy
        assert check_parents(connection, older, Selection.of([(schema, [])])) == []
        assert check_parents(connection, facts, Selection.of([(schema, ["c"])])) == []
        some = Selection((SchemaRule(schema, tables=(NameRule("p", where="id > 1"), NameRule("c"))),))
        (fault,) = check_parents(connection, older, some)
        assert f"remove the Where of {schema}.p" in fault.remedy
        assert scalar(connection, "SELECT 1") == 1


def _privileges(*lines: str, revokes: bool = False) -> Privileges:
    return parse_grants(lines, partial_revokes=revokes)


def test_grants_are_read_carefully() -> None:
    some = _privileges(
        "GRANT USAGE ON *.* TO `u`@`%`",
        "GRANT SELECT, INSERT (`a`, `b`), SHOW VIEW ON `my\\_db`.* TO `u`@`%` WITH GRANT OPTION",
        "GRANT DELETE ON `on``to`.`t.x` TO `u`@`%`",
        "GRANT ALL PRIVILEGES ON `dev%`.* TO `u`@`%`",
        "GRANT EXECUTE ON PROCEDURE `a`.`p` TO `u`@`%`",
        "GRANT PROXY ON ``@`` TO `u`@`%` WITH GRANT OPTION",
        "GRANT `role`@`%`,`other`@`%` TO `u`@`%`",
    )
    assert some.has("SELECT", "my_db")
    assert not some.has("SELECT", "my-db")
    assert not some.has("INSERT", "my_db")
    assert some.has("SHOW VIEW", "my_db", "t")
    assert some.has("DELETE", "on`to", "t.x")
    assert not some.has("DELETE", "on`to")
    assert some.has("TRIGGER", "dev_shop")
    assert not some.has("EXECUTE", "a")
    assert not some.has("SELECT")


def test_of_several_patterns_one_counts() -> None:
    """As MySQL 9.7 takes them; what several give is not added up."""
    some = _privileges(
        "GRANT USAGE ON *.* TO `u`@`%`",
        "GRANT SELECT ON `shop%`.* TO `u`@`%`",
        "GRANT INSERT ON `s%`.* TO `u`@`%`",
        "GRANT DELETE ON `my\\_db`.* TO `u`@`%`",
        "GRANT UPDATE ON `my%`.* TO `u`@`%`",
        "GRANT UPDATE ON `shop_a`.`t` TO `u`@`%`",
    )
    assert (some.has("SELECT", "shop_a"), some.has("INSERT", "shop_a"), some.has("INSERT", "s")) == (True, False, True)
    assert (some.has("DELETE", "my_db"), some.has("UPDATE", "my_db")) == (True, False)
    assert some.has("UPDATE", "shop_a", "t") and some.has("SELECT", "shop_a", "t")
    assert not some.has("UPDATE", "shopXa", "t"), "a schema of a grant on one table is no pattern"
    unsure = _privileges("GRANT SELECT, INSERT ON `shop%`.* TO `u`@`%`", "GRANT INSERT ON `shop_a`.* TO `u`@`%`")
    assert (unsure.has("SELECT", "shop_a"), unsure.has("INSERT", "shop_a")) == (False, True)


def test_with_an_active_role_another_of_several_patterns_counts() -> None:
    lines = ("GRANT SELECT ON `shop\\_a`.* TO `u`@`%`", "GRANT UPDATE ON `sh%`.* TO `u`@`%`")
    own, with_role = parse_grants(lines), parse_grants(lines, roles=["`r`@`%`"])
    assert (own.has("SELECT", "shop_a"), own.has("UPDATE", "shop_a")) == (True, False)
    assert (with_role.has("SELECT", "shop_a"), with_role.has("UPDATE", "shop_a")) == (False, True)
    exact = parse_grants(("GRANT SELECT ON `shop`.* TO `u`@`%`", lines[1]), roles=["`r`@`%`"])
    assert (exact.has("SELECT", "shop"), exact.has("UPDATE", "shop")) == (True, False)


@pytest.mark.parametrize(
    ("own", "of_role"),
    [
        (("SELECT ON `{0}`.*", "INSERT ON `{1}%`.*"), ()),
        (("INSERT ON `{0}`.*", "SELECT ON `{1}%`.*"), ("UPDATE ON `{1}%`.*",)),
        (("SELECT ON `%`.*",), ("INSERT ON *.*", "DELETE ON `{1}%`.*")),
        (("SELECT ON *.*", "INSERT ON `{1}%`.*", "UPDATE ON `{0}`.t", "DELETE ON `%`.*"), ()),
    ],
)
def test_grants_are_read_as_the_server_takes_them(
    account: Endpoint, source: MysqlServer, schema: str, own: tuple[str, ...], of_role: tuple[str, ...]
) -> None:
    """Each privilege is tried; what is said to be there is there."""
    role, escaped = f"r{account.user}", schema.replace("_", "\\_")
    tries = {
        "SELECT": f"SELECT * FROM {schema}.t",
        "INSERT": f"INSERT INTO {schema}.t VALUES (1)",
        "UPDATE": f"UPDATE {schema}.t SET id = 2",
        "DELETE": f"DELETE FROM {schema}.t",
    }
    with closing(connect(source.endpoint)) as root:
        query(root, f"CREATE DATABASE {schema}")
        query(root, f"CREATE TABLE {schema}.t (id INT)")
        query(root, f"CREATE ROLE {role}")
        try:
            for to, grants in ((account.user, own), (role, of_role)):
                for grant in grants:
                    query(
                        root,
                        f"GRANT {grant.format(escaped, schema[:6])} TO {to}".replace(f"`{escaped}`.t", f"`{schema}`.t"),
                    )
            if of_role:
                query(root, f"GRANT {role} TO {account.user}")
                query(root, f"ALTER USER {account.user} DEFAULT ROLE {role}")
            with closing(connect(account)) as connection:
                privileges = read_facts(connection).privileges
                for privilege, statement in tries.items():
                    try:
                        query(connection, statement)
                        allowed = True
                    except MySQLError as error:
                        assert error.args[0] == 1142, error
                        allowed = False
                    assert privileges.has(privilege, schema, "t") is allowed, privilege
        finally:
            query(root, f"DROP ROLE {role}")


def test_roles_that_are_not_active_are_known(account: Endpoint, source: MysqlServer) -> None:
    role = f"r{account.user}"
    with closing(connect(source.endpoint)) as root:
        query(root, f"CREATE ROLE {role}")
        try:
            query(root, f"GRANT {role} TO {account.user}")
            with closing(connect(account)) as connection:
                facts = read_facts(connection)
                assert facts.privileges.idle_roles == (f"`{role}`@`%`",)
                account_name = f"'{account.user}'@'%'"
                assert facts.grant("SELECT") == (
                    f"GRANT SELECT ON *.* TO {account_name}; or, if `{role}`@`%` has it,"
                    f" ALTER USER {account_name} DEFAULT ROLE ALL"
                )
            query(root, f"ALTER USER {account.user} DEFAULT ROLE {role}")
            with closing(connect(account)) as connection:
                assert read_facts(connection).privileges.idle_roles == ()
        finally:
            query(root, f"DROP ROLE {role}")


def test_partial_revokes_take_away() -> None:
    some = _privileges(
        "GRANT SELECT, INSERT ON *.* TO `u`@`%`", "REVOKE INSERT ON `mysql`.* FROM `u`@`%`", revokes=True
    )
    assert some.has("INSERT")
    assert not some.has("INSERT", "mysql")
    worse = _privileges("GRANT SELECT ON *.* TO `u`@`%`", "REVOKE SELECT ON `shop`.* FROM `u`@`%`", revokes=True)
    assert not worse.has("SELECT")
    assert not worse.has("SELECT", "shop")
    assert worse.has("SELECT", "other")
