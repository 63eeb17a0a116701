"""A job's two servers are compared while it replicates: what was changed behind its back is found, and nothing else."""

from __future__ import annotations

import re
import subprocess
import sys
import threading

import httpx

from tests.end_to_end.conftest import NUMBERS, World, value, wait_for


def _udup(world: World, *args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "udup", "job", *args, "--address", world.node.url]
    return subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)


def test_rows_that_were_changed_behind_its_back_are_found_while_others_are_written(following: World, name: str) -> None:
    world = following
    world.on_source(
        f"CREATE TABLE {name}.big (id INT PRIMARY KEY, v VARCHAR(20), n INT)",
        f"INSERT INTO {name}.big {NUMBERS.format(900)} SELECT n, CONCAT('v', n), 0 FROM n",
        f"CREATE TABLE {name}.bare (a INT, b VARCHAR(9))",
        f"CREATE TABLE {name}.keyed (k VARCHAR(20) COLLATE utf8mb4_general_ci PRIMARY KEY)",
        f"INSERT INTO {name}.keyed VALUES ('k'), ('l')",
        f"CREATE TABLE {name}.odd (id INT PRIMARY KEY, s VARCHAR(20), d DOUBLE, f FLOAT, j JSON)",
        f"""INSERT INTO {name}.odd VALUES (1, NULL, 0, 0.1, '{{"a": 1}}')""",
        f"INSERT INTO {name}.odd {NUMBERS.format(7)} SELECT n, 'a', 0, 0.1, j FROM n JOIN {name}.odd WHERE n > 1",
        f"INSERT INTO {name}.bare VALUES (1, 'x'), (1, 'x'), (2, 'y')",
    )
    wait_for(lambda: _count(world, name, "bare") == 3, lambda: world.node.job(name))
    stop, written = threading.Event(), threading.Event()

    def write() -> None:
        while not stop.is_set():
            world.on_source(*[f"UPDATE {name}.big SET n = n + 1 WHERE id > 10"] * 20)
            written.set()
            stop.wait(0.05)

    writing = threading.Thread(target=write)
    writing.start()
    try:
        assert written.wait(30)
        equal = _udup(world, "compare", name)
        assert equal.returncode == 0 and equal.stdout.splitlines()[-1] == "equal", equal
        world.on_target(
            f"UPDATE {name}.big SET v = 'V7' WHERE id = 7",
            f"DELETE FROM {name}.big WHERE id = 3",
            f"INSERT INTO {name}.big VALUES (5000, 'more', 0)",
            f"DELETE FROM {name}.bare WHERE a = 1 LIMIT 1",
        )
        unlike = _udup(world, "compare", name)
    finally:
        stop.set()
        writing.join()
    assert unlike.returncode == 1, unlike
    rows = re.compile(r": \d+ rows? differs?$")
    found = {line for line in unlike.stdout.splitlines() if line.startswith(f"{name}.") and not rows.search(line)}
    assert found == {
        *(f"{name}.big 7 differs v", f"{name}.big 3 missing", f"{name}.big 5000 extra"),
        f"{name}.bare 1, x missing",
    }
    kept = value(
        world.target.endpoint,
        "SELECT GROUP_CONCAT(row_key, ' ', kind ORDER BY row_key, kind) FROM udup.difference WHERE job = %s",
        name,
    )
    assert kept == "1, x missing,3 missing,5000 extra,7 differs"
    world.on_target(
        f"UPDATE {name}.odd SET s = '' WHERE id = 1",
        f"UPDATE {name}.odd SET s = 'a ' WHERE id = 2",
        f"UPDATE {name}.odd SET s = 'A' WHERE id = 3",
        f"UPDATE {name}.odd SET s = 'á' WHERE id = 4",
        f"UPDATE {name}.odd SET d = -0e0 WHERE id = 5",
        f"UPDATE {name}.odd SET f = 0.10000001 WHERE id = 6",
        f"UPDATE {name}.odd SET j = NULL WHERE id = 7",  # 1.0 in the place of 1 alone would be no change
        f"""UPDATE {name}.odd SET j = '{{"a": 1.0}}' WHERE id = 7""",
        f"UPDATE {name}.keyed SET k = 'K' WHERE k = 'k'",
        f"INSERT INTO {name}.bare VALUES (2, 'y'), (2, 'y')",
    )
    odd = _udup(world, "compare", name, f"{name}.odd", f"{name}.keyed", f"{name}.bare")
    assert odd.returncode == 1 and f"{name}.odd: 7 rows differ" in odd.stdout, odd.stdout
    assert f"{name}.keyed K extra" in odd.stdout and f"{name}.bare 2, y extra" in odd.stdout, odd.stdout
    plan = _udup(world, "repair", name, "--all", "--dry-run")
    assert f"{name}.big 7: would be replaced" in plan.stdout and plan.returncode == 0, plan
    writing, stop = threading.Thread(target=write), threading.Event()
    writing.start()
    try:
        repaired = _udup(world, "repair", name, "--all")
    finally:
        stop.set()
        writing.join()
    assert repaired.returncode == 0 and repaired.stdout.splitlines()[-1] == "equal", repaired
    assert "nothing is to be repaired" in _udup(world, "repair", name, f"{name}.big").stdout
    world.on_source(f"DELETE FROM {name}.big WHERE id > 5 AND id < 7")
    again = _udup(world, "compare", name, f"{name}.bare")
    assert again.returncode == 0, again
    shown = _udup(world, "compare", name, "--show")
    assert shown.returncode == 0 and "equal" in shown.stdout
    assert _udup(world, "compare", name, "nowhere.t").returncode == 1
    unknown = _udup(world, "compare", name, f"{name}.nope")
    assert unknown.returncode == 1 and "no such table" in unknown.stdout, unknown
    unknown = _udup(world, "reload", name, f"{name}.bare", f"{name}.nope")
    assert unknown.returncode == 1 and f"the source has no table {name}.nope" in unknown.stderr, unknown


def test_a_job_that_has_stopped_at_a_row_goes_on_as_its_message_says(following: World, name: str) -> None:
    world = following
    world.on_source(f"CREATE TABLE {name}.u (id INT PRIMARY KEY)", f"INSERT INTO {name}.u VALUES (1)")
    world.level(name)
    world.on_target(f"DELETE FROM {name}.t WHERE id = 2", f"UPDATE {name}.t SET a = 9 WHERE id = 1")
    world.on_source(f"UPDATE {name}.t SET a = 20 WHERE id = 2", f"INSERT INTO {name}.u VALUES (2)")
    said = world.failure(name)
    commands = re.findall(r"udup job (compare|repair|resume)", said)
    assert commands == ["repair", "resume", "compare"] and f"{name}.t" in said, said
    world.on_source(f"INSERT INTO {name}.t VALUES (4, 4)", f"DELETE FROM {name}.t WHERE id = 3")
    repaired = _udup(world, "repair", name, f"{name}.t")
    assert repaired.returncode == 0 and "repaired: 4 rows" in repaired.stdout, repaired
    copied = world.node.job(name)["Progress"].get("copied_rows")
    assert _udup(world, "resume", name).returncode == 0
    world.on_source(f"UPDATE {name}.t SET a = a + 1", f"INSERT INTO {name}.u VALUES (3)")
    world.level_and_equal(name, name)
    assert world.node.job(name)["Progress"].get("copied_rows") == copied, "nothing was copied again"
    compared = _udup(world, "compare", name, f"{name}.t")
    assert compared.returncode == 0 and compared.stdout.splitlines()[-1] == "equal", compared


def test_definitions_that_change_while_they_are_compared_are_no_difference(following: World, name: str) -> None:
    world = following
    world.on_source(f"CREATE TABLE {name}.stays (id INT PRIMARY KEY, v INT)")
    stop, altered = threading.Event(), threading.Event()
    statements = [
        *(f"ALTER TABLE {name}.t ADD KEY (a)", f"CREATE TABLE {name}.x (id INT PRIMARY KEY)"),
        *(f"CREATE OR REPLACE VIEW {name}.w AS SELECT a FROM {name}.t", f"ALTER TABLE {name}.t MODIFY a BIGINT"),
        *(f"ALTER TABLE {name}.t DROP KEY a, MODIFY a INT", f"DROP TABLE {name}.x", f"DROP VIEW {name}.w"),
    ]

    def alter() -> None:
        while not stop.is_set():
            for statement in statements:
                world.on_source(statement)
                altered.set()
                stop.wait(0.2)

    altering = threading.Thread(target=alter)
    altering.start()
    shown = []
    try:
        assert altered.wait(30)
        for _ in range(4):
            _udup(world, "compare", name)
            shown.append(httpx.get(f"{world.node.url}/v1/job/{name}/compare", timeout=15).json())
    finally:
        stop.set()
        altering.join()
    assert all(each["State"] == "done" for each in shown), shown
    assert all(each["Definitions"] == [] and not each["Differences"] for each in shown), shown
    world.level(name)
    world.on_target(f"ALTER TABLE {name}.stays ADD KEY for_reports (v)")
    told = _udup(world, "compare", name)
    assert told.returncode == 0 and told.stdout.splitlines()[-1] == "equal", told
    assert f"{name}.stays: index for_reports is only on the target (told, and does not count)" in told.stdout
    world.on_target(f"ALTER TABLE {name}.stays MODIFY v INT UNSIGNED")
    told = _udup(world, "compare", name)
    assert told.returncode == 1 and f"ALTER TABLE `{name}`.`stays` MODIFY COLUMN `v` int DEFAULT NULL" in told.stdout
    sql = "SELECT GROUP_CONCAT(part, ' ', kind, ' ', counts ORDER BY part) FROM udup.unlike_definition WHERE job = %s"
    assert value(world.target.endpoint, sql, name) == "column v differs 1,index for_reports extra 0"


def _count(world: World, schema: str, table: str) -> int:
    there = "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
    if not value(world.target.endpoint, there, schema, table):
        return 0
    return int(value(world.target.endpoint, f"SELECT COUNT(*) FROM {schema}.{table}"))
