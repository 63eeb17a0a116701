"""`udup inspect`, `udup grants`, `udup job row`, `udup job estimate`: what is asked before something is done."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Asking
from tests.web.conftest import MemoryJobs
from udup.pipeline.ports.inspect import Inspected, SchemaFound, ServerFound, TableFound, TableSize
from udup.pipeline.ports.rows import ColumnSeen, RowSeen
from udup.web.openapi.examples import job_document


@pytest.fixture
def job(jobs: MemoryJobs) -> str:
    jobs.register(job_document() | {"ID": "shop"}, None)
    return "shop"


def test_a_server_is_told_with_its_schemas_or_the_tables_of_one(jobs: MemoryJobs, asking: Asking) -> None:
    server = ServerFound("MySQL", "8.4.6", True, "TLSv1.3", False, "u", "ON", 0, None, "'udup'@'%'")
    tables = (TableFound("orders", 7, 4096, "none", "InnoDB", "has no key"),)
    jobs.server_found = Inspected(server=server, schemas=(SchemaFound("shop", 1, 7, 4096, ("w",)),), tables=tables)
    told = asking("inspect", "udup@10.0.0.5", "--password", "secret")
    assert told.exit_code == 0 and "MySQL 8.4.6, 'udup'@'%', TLSv1.3" in told.stdout and "shop" in told.stdout
    endpoint = jobs.inspected[-1].endpoint
    assert (endpoint.user, endpoint.host, endpoint.port, endpoint.password) == ("udup", "10.0.0.5", 3306, "secret")
    assert "has no key" in asking("inspect", "u@h:3307", "--schema", "shop").stdout
    assert jobs.inspected[-1].endpoint.port == 3307 and jobs.inspected[-1].wish.schema == "shop"


def test_a_server_that_cannot_be_reached_is_told_and_the_exit_code_says_so(asking: Asking) -> None:
    told = asking("inspect", "udup@10.0.0.5", "--target")
    assert told.exit_code == 1 and "nobody listens there -- start it" in told.stdout


@pytest.mark.parametrize("server", ["10.0.0.5", "@h", "u@", "u@h:port", "u@:3306"])
def test_what_names_no_server_is_refused(asking: Asking, server: str) -> None:
    told = asking("inspect", server)
    assert told.exit_code == 1 and "USER@HOST" in told.stderr


def test_the_address_of_a_server_may_be_of_ipv6(asking: Asking, jobs: MemoryJobs) -> None:
    for server, port in (("u@[::1]", 3306), ("u@[::1]:3307", 3307)):
        asking("inspect", server)
        assert (jobs.inspected[-1].endpoint.host, jobs.inspected[-1].endpoint.port) == ("::1", port)


def test_the_statements_of_a_job_can_be_pasted(asking: Asking, tmp_path: Path) -> None:
    file = tmp_path / "job.json"
    file.write_text(json.dumps(job_document()))
    told = asking("grants", str(file), "--target-version", "11.8.2-MariaDB")
    lines = told.stdout.splitlines()
    assert told.exit_code == 0 and "-- on the target, 11.8.2-MariaDB" in lines
    assert "GRANT BINLOG REPLAY, BINLOG ADMIN, BINLOG MONITOR ON *.* TO 'udup'@'%';" in lines
    assert all(line.startswith("-- ") or line.endswith(";") for line in lines if line)
    assert "a password" not in told.stdout


def test_a_row_is_shown_on_both_sides(job: str, jobs: MemoryJobs, asking: Asking) -> None:
    columns = (ColumnSeen("id", "int", "7", None, equal=False), ColumnSeen("n", "text", None, None, equal=False))
    jobs.rows["shop", "orders", "7"] = RowSeen(columns, source_there=True)
    lines = asking("job", "row", job, "shop.orders", "7").stdout.splitlines()
    assert [line.split() for line in lines if line.startswith(("id", "n "))] == [
        ["id", "7", "-", "differs"],
        ["n", "NULL", "-", "differs"],
    ]
    assert asking("job", "row", job, "shop.orders", "8").exit_code == 1
    assert "SCHEMA.TABLE" in asking("job", "row", job, "orders", "8").stderr


def test_an_estimate_is_told_with_what_it_goes_by(job: str, jobs: MemoryJobs, asking: Asking) -> None:
    assert "nobody can say" in asking("job", "estimate", job, "copy").stdout
    jobs.sizes = {name: TableSize("s", name, 1000, 1 << 20) for name in ("a", "b", "c")}
    assert "3,000 rows, 3 MiB" in asking("job", "estimate", job, "copy").stdout
    assert "2,000 rows, 2 MiB" in asking("job", "estimate", job, "reload", "s.a", "s.b").stdout
