"""The GRANT statements of docs/accounts.md: with them a job starts and runs, and none of them could be left out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.end_to_end.conftest import World, run
from udup.base.endpoint import Endpoint
from udup.cli import cli
from udup.cli.commands import ExitCode
from udup.drivers.mysql.checks.source import source_checks
from udup.drivers.mysql.checks.source_tables import read_tables, table_checks
from udup.drivers.mysql.checks.target import check_target, target_checks
from udup.drivers.mysql.checks.validate import validate
from udup.drivers.mysql.client.connection import connect
from udup.drivers.mysql.client.facts import ServerFacts, read_facts
from udup.pipeline.checks import Check, Outcome
from udup.pipeline.ports import End, JobPlan, Scope
from udup.pipeline.selection.selection import Selection
from udup.sandbox.api import job_document

_DOCUMENT = (Path(__file__).parents[2] / "docs" / "accounts.md").read_text("utf-8")

#: In the document's order: what the source's account needs, what it may want, the same of the target's, and what the
#: source's needs for a cut-over.
_SOURCE, _SOURCE_MORE, _TARGET, _TARGET_MORE, _CUTOVER = re.findall(
    r"^```sql\n(.*?)^```$", _DOCUMENT, re.DOTALL | re.MULTILINE
)

_GRANT = re.compile(r"^GRANT (.+) ON (\S+) TO (\S+);$", re.MULTILINE)

_ACCOUNT = "'udup'@'%'"


@dataclass(frozen=True)
class Account:
    """One that a block has made: on which server, and what it was granted there."""

    admin: Endpoint
    endpoint: Endpoint
    name: str
    schema: str

    def run(self, block: str) -> None:
        text = block.replace("'udup'@'%'", self.name).replace("`shop`", f"`{self.schema}`")
        run(self.admin, *(each for each in text.replace("'a-password'", "'secret'").split(";\n") if each.strip()))

    def grants(self, block: str) -> Iterator[tuple[str, str]]:
        """Each single privilege, and on what."""
        for listed, place, account in _GRANT.findall(block):
            assert account == _ACCOUNT
            for privilege in listed.split(", "):
                yield privilege, place.replace("`shop`", f"`{self.schema}`")

    def facts(self) -> ServerFacts:
        with closing(connect(self.endpoint)) as connection:
            return read_facts(connection)

    def without(self, privilege: str, place: str, look: Callable[[], list[Check]]) -> list[Check]:
        """What is looked at while the account has not this privilege."""
        run(self.admin, f"REVOKE {privilege} ON {place} FROM {self.name}")
        try:
            return look()
        finally:
            run(self.admin, f"GRANT {privilege} ON {place} TO {self.name}")


@pytest.fixture
def accounts(world: World, name: str) -> Iterator[tuple[Account, Account]]:
    user = f"g{name}"
    made = [
        Account(server.endpoint, replace(server.endpoint, user=user, password="secret"), f"'{user}'@'%'", name)
        for server in (world.source, world.target)
    ]
    world.on_source(
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.t (id INT PRIMARY KEY, a INT)",
        f"INSERT INTO {name}.t VALUES (1, 1), (2, 2), (3, 3)",
        f"CREATE VIEW {name}.v AS SELECT a FROM {name}.t",
        f"CREATE FUNCTION {name}.f () RETURNS INT DETERMINISTIC RETURN 7",
        f"CREATE PROCEDURE {name}.p () SELECT 1",
        f"CREATE TRIGGER {name}.g BEFORE INSERT ON {name}.t FOR EACH ROW SET NEW.a = NEW.a",
        f"CREATE EVENT {name}.e ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1",
    )
    world.on_target("SET GLOBAL log_bin_trust_function_creators = ON")
    made[0].run(_SOURCE)
    made[1].run(_TARGET)
    yield made[0], made[1]
    world.on_target("SET GLOBAL log_bin_trust_function_creators = DEFAULT")
    for account in made:
        run(account.admin, f"DROP USER {account.name}")


def _selection(name: str) -> Selection:
    return Selection.of([(name, [])])


def _about(checks: list[Check], *outcomes: Outcome) -> list[Check]:
    return [check for check in checks if "privilege" in check.name and check.outcome in outcomes]


def test_a_job_starts_and_runs_with_the_accounts_of_the_document(
    world: World, name: str, accounts: tuple[Account, Account]
) -> None:
    source, target = accounts
    plan = JobPlan(name, End("MySQL", source.endpoint), End("MySQL", target.endpoint), Scope(_selection(name)))
    found = validate(plan)
    lacking = {(check.task, check.name, check.remedy) for check in found if check.outcome is Outcome.FAIL}
    assert lacking == {("Dest", "definer_privileges", f"GRANT SET_ANY_DEFINER ON *.* TO {target.name}")}, (
        "the schema's objects are root's"
    )
    wanted = {(check.task, check.name) for check in _about(found, Outcome.WARN)}
    assert wanted == {("Dest", "definer_privileges")}
    source.run(_SOURCE_MORE)
    target.run(_TARGET_MORE)
    found = validate(plan)
    assert _about(found, Outcome.WARN) == []
    assert next(check for check in found if check.name == "xa_prepared").outcome is Outcome.PASS
    document = job_document(name, source.endpoint, target.endpoint, [name]) | {"ID": name}
    world.post(document)
    world.runs(name)
    world.on_source(
        f"INSERT INTO {name}.t VALUES (4, 4)",
        f"ALTER TABLE {name}.t ADD INDEX (a)",
        f"CREATE OR REPLACE VIEW {name}.v AS SELECT a + 1 FROM {name}.t",
        f"DROP TRIGGER {name}.g",
    )
    world.level_and_equal(name, name)


def test_no_privilege_of_the_source_could_be_left_out(name: str, accounts: tuple[Account, Account]) -> None:
    """Of a job that copies; LOCK TABLES could, where RELOAD is granted."""
    source, _ = accounts

    def look() -> list[Check]:
        return [*source_checks(source.facts(), _selection(name), None), *_of_tables(source, name)]

    for privilege, place in source.grants(_SOURCE):
        [fault] = _about(source.without(privilege, place, look), Outcome.FAIL)
        assert f"{privilege}" in fault.found
        grant, *instead = fault.remedy.split("; or ")
        assert grant == f"GRANT {privilege} ON {place} TO {source.name}"
        assert bool(instead) is (privilege == "LOCK TABLES")
    source.run(_SOURCE_MORE)
    for privilege, place in source.grants(_SOURCE):
        assert bool(_about(source.without(privilege, place, look), Outcome.FAIL)) is (privilege != "LOCK TABLES")


def _of_tables(source: Account, name: str) -> list[Check]:
    facts = source.facts()
    with closing(connect(source.endpoint)) as connection:
        return list(table_checks(read_tables(connection, facts, _selection(name), full_copy=True)))


def test_no_privilege_of_the_target_could_be_left_out(name: str, accounts: tuple[Account, Account]) -> None:
    source, target = accounts
    source.run(_SOURCE_MORE)
    target.run(_TARGET_MORE)
    plan = JobPlan(name, End("MySQL", source.endpoint), End("MySQL", target.endpoint), Scope(_selection(name)))

    def look() -> list[Check]:
        return target_checks(target.facts(), _selection(name))

    assert _about(look(), Outcome.FAIL, Outcome.WARN) == []
    for privilege, place in target.grants(_TARGET):
        [fault] = _about(target.without(privilege, place, look), Outcome.FAIL)
        assert f"has not {privilege}" in fault.found
        assert fault.remedy == f"GRANT {privilege} ON {place} TO {target.name}"
    definers = dict(target.grants(_TARGET_MORE))
    assert definers.popitem() == ("SESSION_VARIABLES_ADMIN", "*.*")
    for privilege, place in definers.items():
        told = _about(target.without(privilege, place, lambda: validate(plan)), Outcome.FAIL, Outcome.WARN)
        assert [each.remedy for each in told] == [f"GRANT {privilege} ON {place} TO {target.name}"]


def test_a_privilege_for_session_variables_is_wanted_where_the_target_insists(
    name: str, accounts: tuple[Account, Account]
) -> None:
    _, target = accounts
    facts = target.facts()
    insisting = replace(facts, variables={**facts.variables, "sql_require_primary_key": "ON"})
    assert [check for check in target_checks(facts, _selection(name)) if check.outcome is Outcome.FAIL] == []
    [fault] = [check for check in target_checks(insisting, _selection(name)) if check.outcome is Outcome.FAIL]
    grant, setting = fault.remedy.split(", or ")
    assert (fault.name, setting) == ("session_variables", "SET PERSIST sql_require_primary_key = OFF")
    assert f"{grant};".replace(target.name, _ACCOUNT) in _TARGET_MORE
    run(target.admin, grant)
    privileges = target.facts().privileges
    assert check_target(replace(insisting, privileges=privileges), _selection(name)) == []


def test_what_a_copy_may_want_is_asked_for_where_it_is_wanted(
    world: World, name: str, accounts: tuple[Account, Account]
) -> None:
    source, _ = accounts
    source.run(_SOURCE_MORE)
    world.on_source(f"CREATE TABLE {name}.m (id INT PRIMARY KEY) ENGINE=MyISAM")
    for privilege, place in (("XA_RECOVER_ADMIN", "*.*"), ("LOCK TABLES", f"`{name}`.*")):
        found = source.without(privilege, place, lambda: _of_tables(source, name))
        told = [f"{check.found} {check.remedy}" for check in found]
        assert any(f"GRANT {privilege} ON {place} TO" in each for each in told), (privilege, told)


def test_a_table_that_may_not_be_read_is_not_said_to_be_missing(name: str, accounts: tuple[Account, Account]) -> None:
    source, _ = accounts
    run(source.admin, f"REVOKE SELECT ON `{name}`.* FROM {source.name}")
    selection = Selection.of([(name, ["t"])])
    facts = source.facts()
    with closing(connect(source.endpoint)) as connection:
        tables = list(table_checks(read_tables(connection, facts, selection, full_copy=True)))
    assert not any("there is no table" in check.found for check in tables)
    [fault] = _about(source_checks(facts, selection, None), Outcome.FAIL)
    assert fault.remedy == f"GRANT SELECT ON `{name}`.`t` TO {source.name}"


def test_a_cut_over_with_a_way_back_wants_what_the_document_says(
    world: World, name: str, accounts: tuple[Account, Account]
) -> None:
    source, target = accounts
    for account, more in ((source, _SOURCE_MORE), (target, _TARGET_MORE)):
        account.run(more)
    world.post(job_document(name, source.endpoint, target.endpoint, [name]) | {"ID": name})
    world.runs(name)
    source.run(_CUTOVER)
    source.run(_TARGET.partition("\n")[2])  # the account is there
    target.run(_SOURCE.partition("\n")[2])
    words = ["job", "cutover", name, "--source-read-only", "--enable-events", "--reverse", "--dry-run"]

    def look() -> str:
        result = CliRunner().invoke(cli, words, env={"UDUP_CONFIG": str(world.node.config)}, prog_name="udup")
        assert result.exit_code in (ExitCode.OK, ExitCode.JOB_FAILED), result.output
        return "" if result.exit_code == ExitCode.OK else result.output

    assert look() == ""
    for privilege, place in source.grants(_CUTOVER):
        run(source.admin, f"REVOKE {privilege} ON {place} FROM {source.name}")
        assert privilege in look(), privilege
        run(source.admin, f"GRANT {privilege} ON {place} TO {source.name}")
    assert look() == ""
