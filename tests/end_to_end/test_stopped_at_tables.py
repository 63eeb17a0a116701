"""A job that stops at what somebody has done to its target: the commands of its message, as they stand there, have it
go on without another copy of all.

One job, stopped time after time; each time the commands are taken out of what it says, and out of what they answer.
"""

from __future__ import annotations

import re
import shlex

from click.testing import CliRunner, Result

from tests.end_to_end.conftest import NUMBERS, World, run, value, wait_for
from udup.cli import cli

#: A command in a message, in brackets or at its end.
_COMMAND = re.compile(r"\((udup job \w+ .+?)\)(?=,|;|$)|(udup job reload .+)$", re.MULTILINE)

#: A table of which the name is odd: on the command line it must be quoted.
_ODD = "a b.c'd`é"


def _commands(told: str) -> list[str]:
    return [one or other for one, other in _COMMAND.findall(told)]


def _udup(world: World, command: str) -> Result:
    return CliRunner().invoke(cli, [*shlex.split(command)[1:], "--address", world.node.url], prog_name="udup")


def _follow(world: World, job: str, told: str) -> list[str]:
    """Run what a message says, and what the answers say instead; return the words of what was run."""
    commands, ran = _commands(told), []
    assert commands, told
    while commands:
        command = commands.pop(0)
        ran.append(command.split()[2])
        done = _udup(world, command)
        if done.exit_code:
            commands = [each for each in _commands(done.stdout) if " reload " in each]
            assert commands, (command, done.output)
    if ran[-1] == "reload":
        wait_for(lambda: not world.node.job(job)["Growing"], lambda: world.node.job(job))
    world.runs(job)
    world.level(job)
    return ran


def test_the_commands_of_each_message_have_the_job_go_on(world: World, name: str) -> None:
    odd = _ODD.replace("`", "``")
    run(
        world.source.endpoint,
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.t (id INT PRIMARY KEY, a INT)",
        f"INSERT INTO {name}.t VALUES (1, 1), (2, 2), (3, 3)",
        f"CREATE TABLE {name}.`{odd}` (id INT PRIMARY KEY, e VARCHAR(20) UNIQUE)",
        f"INSERT INTO {name}.`{odd}` VALUES (1, 'a'), (2, 'b')",
        f"CREATE TABLE {name}.anchor (id INT PRIMARY KEY)",
        f"CREATE TABLE {name}.at (id INT PRIMARY KEY, a INT, FOREIGN KEY (a) REFERENCES {name}.anchor (id)"
        " ON DELETE CASCADE)",
        f"INSERT INTO {name}.anchor VALUES (1), (2)",
        f"INSERT INTO {name}.at VALUES (1, 1)",
        f"CREATE TABLE {name}.big (id INT PRIMARY KEY, n INT)",
        "SET SESSION cte_max_recursion_depth = 10000",
        f"INSERT INTO {name}.big {NUMBERS.format(6000)} SELECT n, n FROM n",
    )
    document = world.document(name, [name])
    [chosen] = document["Tasks"][0]["Config"]["ReplicateDoDb"]
    chosen["Tables"] = [{"TableName": "t", "TableRename": "other"}, {"TableRegex": "^(a|big|new)"}]
    world.post(document)
    world.runs(name)
    world.level(name)
    copied = world.node.job(name)["Progress"].get("copied_rows")

    world.on_target(f"DELETE FROM {name}.other WHERE id = 2", f"INSERT INTO {name}.`{odd}` VALUES (900, 'x')")
    world.on_source(f"UPDATE {name}.t SET a = 20 WHERE id = 2")
    assert _follow(world, name, world.failure(name)) == ["repair", "resume", "compare"]

    world.on_source(f"UPDATE {name}.`{odd}` SET e = 'x' WHERE id = 1")
    assert _follow(world, name, world.failure(name)) == ["repair", "resume", "compare"]

    world.on_target(f"DELETE FROM {name}.big")
    world.on_source(f"UPDATE {name}.big SET n = 0 WHERE id = 50")
    assert _follow(world, name, world.failure(name)) == ["repair", "reload"], "too many rows to be repaired"

    world.on_target(f"DELETE FROM {name}.anchor WHERE id = 2")
    world.on_source(f"DELETE FROM {name}.anchor WHERE id = 2")
    assert _follow(world, name, world.failure(name)) == ["repair", "reload"], "with what its foreign key ties to it"

    world.on_target(f"CREATE TABLE {name}.new (id INT PRIMARY KEY)")
    world.on_source(f"CREATE TABLE {name}.new (id INT PRIMARY KEY, a INT)", f"INSERT INTO {name}.new VALUES (1, 1)")
    assert _follow(world, name, world.failure(name)) == ["reload"]

    assert world.node.job(name)["Progress"].get("copied_rows") == copied, "nothing but these tables was copied"
    compared = _udup(world, f"udup job compare {name}")
    assert compared.exit_code == 0, compared.output
    assert value(world.target.endpoint, f"SELECT COUNT(*) FROM {name}.new") == 1
