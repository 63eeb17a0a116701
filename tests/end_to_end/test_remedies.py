"""What a message says to run, run as it stands there: the job goes on.

Each job is made to stop by a likely cause; the statements are taken out of what `udup job status` shows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.conftest import MakeServer
from tests.end_to_end.conftest import NUMBERS, World, run, value
from udup.base.endpoint import Endpoint
from udup.base.errors import Refused
from udup.cli import cli
from udup.drivers.mysql.client.connection import connect
from udup.drivers.mysql.source import MySQLSource

#: A statement in a message: until what joins it to the next words.
_STATEMENT = re.compile(
    r"((?:SET PERSIST|GRANT|ALTER USER|DROP TABLE|DROP VIEW) .+?)(?=;|\), or|, then|, or | there\b|, and | \(|$)"
)

_RESUME = re.compile(r"udup (job resume [\w-]+)")

_PASSWORD = "a-password"  # the one that messages write where a password is to stand


@dataclass
class Broken:
    """A job that stops: what breaks it and when, what its message says, and what is reset on the target afterwards."""

    before: list[str] = field(default_factory=list)  # on the target, before the job starts
    after: list[str] = field(default_factory=list)  # on the source, when it runs
    says: str = ""
    reset: str = ""  # a persisted variable of the target
    runs_first: bool = False


def _with(name: str, word: str) -> str:
    return word.replace("{0}", name)


CASES = {
    "a transaction larger than the target's binlog cache": Broken(
        before=["SET GLOBAL max_binlog_cache_size = 8192", "SET GLOBAL binlog_cache_size = 8192"],
        after=[f"INSERT INTO {{0}}.t {NUMBERS.format(300)} SELECT n + 1, REPEAT('x', 3000) FROM n"],
        says="1197",
        reset="max_binlog_cache_size",
        runs_first=True,
    ),
    "packets that are too small": Broken(
        before=["SET GLOBAL max_allowed_packet = 1048576"],
        says="max_allowed_packet",
        reset="max_allowed_packet",
    ),
    "a table with rows in the way": Broken(
        before=["CREATE DATABASE {0}", "CREATE TABLE {0}.t (id INT PRIMARY KEY)", "INSERT INTO {0}.t VALUES (9)"],
        says="exists and is not empty",
    ),
    "a view in the way": Broken(before=["CREATE DATABASE {0}", "CREATE VIEW {0}.t AS SELECT 1"], says="`t`"),
    "a function that says nothing of itself": Broken(
        after=["CREATE FUNCTION {0}.f () RETURNS INT RETURN 7"],
        says="1418",
        reset="log_bin_trust_function_creators",
        runs_first=True,
    ),
    "a password that has expired": Broken(before=["ALTER USER {0}_t PASSWORD EXPIRE"], says="1862"),
    "an account that is locked": Broken(before=["ALTER USER {0}_t ACCOUNT LOCK"], says="3118"),
    "a wrong password": Broken(before=["ALTER USER {0}_t IDENTIFIED BY 'another'"], says="1045"),
    "a privilege that is missing": Broken(before=["REVOKE REFERENCES ON *.* FROM {0}_t"], says="has not"),
}


@pytest.fixture
def account(world: World, name: str) -> Iterator[Endpoint]:
    """The target's account, which may all but is no superuser."""
    world.on_source(
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.t (id INT PRIMARY KEY, a LONGTEXT)",
        f"INSERT INTO {name}.t VALUES (1, '')",
    )
    world.on_source("SET GLOBAL log_bin_trust_function_creators = ON")
    world.on_target(f"CREATE USER {name}_t IDENTIFIED BY '{_PASSWORD}'", f"GRANT ALL ON *.* TO {name}_t")
    world.on_target(f"REVOKE SUPER ON *.* FROM {name}_t")
    yield Endpoint(world.target.endpoint.host, world.target.endpoint.port, f"{name}_t", _PASSWORD)
    world.on_source("SET GLOBAL log_bin_trust_function_creators = DEFAULT")
    world.on_target(f"DROP USER {name}_t")


def _udup(world: World, home: Path, *words: str) -> str:
    environment = {"HOME": str(home), "UDUP_CONFIG": str(world.node.config)}
    result = CliRunner().invoke(cli, words, env=environment, prog_name="udup")
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize("cause", CASES)
def test_what_the_message_says_to_run_gets_the_job_going(
    world: World, name: str, account: Endpoint, tmp_path: Path, cause: str
) -> None:
    broken = CASES[cause]
    try:
        world.on_target(*(_with(name, each) for each in broken.before))
        document = world.document(name, [name])
        document["Tasks"][1]["Config"]["ConnectionConfig"] |= {"User": account.user, "Password": account.password}
        world.post(document)
        if broken.runs_first:
            world.runs(name)
            world.on_source(*(_with(name, each) for each in broken.after))
        world.failure(name)
        told = _udup(world, tmp_path, "job", "status", name)
        assert broken.says in told and "contradicts" not in told, told
        statements = [
            found for line in told.splitlines() if line.startswith("  ") for found in _STATEMENT.findall(line)
        ]
        [command] = set(_RESUME.findall(told))
        assert statements, told
        world.on_target(*statements[:1])
        _udup(world, tmp_path, *command.split())
        world.runs(name)
        world.level(name)
        assert value(world.target.endpoint, f"SELECT COUNT(*) FROM {name}.t") == 1 + 300 * (broken.says == "1197")
    finally:
        if broken.reset:
            world.on_target(f"RESET PERSIST IF EXISTS {broken.reset}", f"SET GLOBAL {broken.reset} = DEFAULT")
        world.on_target("SET GLOBAL binlog_cache_size = DEFAULT")


def test_a_log_that_was_purged_is_told_by_the_real_server_too(mysql_server: MakeServer) -> None:
    server = mysql_server()
    source = MySQLSource(server.endpoint)
    run(server.endpoint, "CREATE DATABASE s")
    position = str(source.executed())
    with closing(source.open_clock()) as clock:
        run(server.endpoint, "CREATE TABLE s.t (id INT PRIMARY KEY)", "FLUSH BINARY LOGS")
        clock.check_kept(position)
        with closing(connect(server.endpoint)) as connection, connection.cursor() as cursor:
            cursor.execute("SHOW BINARY LOGS")
            [*_, (last, *_rest)] = cursor.fetchall()
        run(server.endpoint, f"PURGE BINARY LOGS TO '{last}'")
        with pytest.raises(Refused, match="has purged") as refusal:
            clock.check_kept(position)
    [fault] = refusal.value.faults
    run(server.endpoint, fault.remedy.partition(" on the source")[0])
