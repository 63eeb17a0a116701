"""What a throw-away server promises."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pymysql
import pytest

from udup.base.errors import UdupError
from udup.drivers.mysql.client.connection import connect, query, scalar
from udup.sandbox.ports import HOST, free_port
from udup.sandbox.programs import MysqlPrograms
from udup.sandbox.server import MysqlServer

MakeServer = Callable[..., MysqlServer]

#: A program that starts a server, prints the server's process id, and waits.
STARTER = """
import sys, time
from pathlib import Path
from udup.sandbox.provision import provision
from udup.sandbox.server import MysqlServer
with MysqlServer(provision(), Path(sys.argv[1])) as server:
    print(server.pid, flush=True)
    time.sleep(600)
"""


def read(server: MysqlServer, sql: str) -> object:
    connection = connect(server.endpoint)
    try:
        return scalar(connection, sql)
    finally:
        connection.close()


def run(server: MysqlServer, *statements: str) -> None:
    connection = connect(server.endpoint)
    try:
        for sql in statements:
            query(connection, sql)
    finally:
        connection.close()


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return condition()


def start_in_a_program(folder: Path) -> tuple[subprocess.Popen[str], int]:
    program = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(folder)], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert program.stdout is not None
    return program, int(program.stdout.readline())


def test_a_new_server_has_gtids_on_and_none_spent(mysql_server: MakeServer) -> None:
    server = mysql_server()
    assert read(server, "SELECT @@gtid_mode") == "ON"
    assert read(server, "SELECT @@log_bin") == 1
    assert read(server, "SELECT @@binlog_format") == "ROW"
    assert read(server, "SELECT @@gtid_executed") == ""
    connection = connect(server.endpoint)
    assert len(query(connection, "SHOW BINARY LOGS")) == 1
    connection.close()


def test_a_server_answers_on_the_loopback_interface_alone(source: MysqlServer) -> None:
    listening = [
        entry.laddr.ip
        for entry in psutil.Process(source.pid).net_connections("tcp")
        if entry.status == psutil.CONN_LISTEN
    ]
    assert listening == [HOST]


def test_two_servers_have_different_identities(source: MysqlServer, target: MysqlServer) -> None:
    assert source.endpoint.port != target.endpoint.port
    for variable in ("server_uuid", "server_id", "datadir"):
        assert read(source, f"SELECT @@{variable}") != read(target, f"SELECT @@{variable}")


def test_a_server_without_its_password_lets_nobody_in(source: MysqlServer) -> None:
    for where in ({"host": HOST, "port": source.endpoint.port}, {"unix_socket": str(source.socket)}):
        with pytest.raises(pymysql.err.OperationalError, match="1045"):
            pymysql.connect(user="root", password="", ssl_disabled=True, **where)


def test_a_killed_server_restarts_with_its_data_on_the_same_port(mysql_server: MakeServer) -> None:
    server = mysql_server()
    endpoint, identity, pid = server.endpoint, read(server, "SELECT @@server_uuid"), server.pid
    run(server, "CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)", "INSERT INTO d.t VALUES (1), (2)")
    server.kill()
    assert not psutil.pid_exists(pid)
    assert not server.running
    server.start()
    assert server.endpoint == endpoint
    assert read(server, "SELECT @@server_uuid") == identity
    assert read(server, "SELECT COUNT(*) FROM d.t") == 2


def test_a_restart_keeps_binary_logs_gtids_and_a_changed_account(mysql_server: MakeServer) -> None:
    server = mysql_server()
    run(server, "CREATE DATABASE d", "CREATE USER root@'%' IDENTIFIED BY 'other'")
    gtids = read(server, "SELECT @@gtid_executed")
    server.restart()
    assert read(server, "SELECT @@gtid_executed") == gtids
    assert str(gtids).endswith(":1-2")


def test_options_override_the_defaults(mysql_server: MakeServer) -> None:
    server = mysql_server({"innodb-buffer-pool-size": "64M"}, binlog_row_image="MINIMAL")
    assert read(server, "SELECT @@innodb_buffer_pool_size") == 64 << 20
    assert read(server, "SELECT @@binlog_row_image") == "MINIMAL"


def test_options_that_shape_the_data_directory_are_obeyed(mysql_server: MakeServer) -> None:
    assert read(mysql_server(lower_case_table_names=1), "SELECT @@lower_case_table_names") == 1


def test_a_server_in_a_deep_folder_starts(programs: MysqlPrograms, tmp_path: Path) -> None:
    with MysqlServer(programs, tmp_path / ("d" * 100) / "server") as server:
        assert len(str(server.socket)) > 107
        assert read(server, "SELECT 1") == 1


def test_a_wrong_option_is_reported_with_the_error_log(programs: MysqlPrograms, tmp_path: Path) -> None:
    server = MysqlServer(programs, tmp_path / "server", options={"no-such-option": "1"})
    with pytest.raises(UdupError, match="no-such-option"):
        server.start()
    server.wipe()


def test_a_taken_port_is_named(programs: MysqlPrograms, tmp_path: Path) -> None:
    with socket.create_server((HOST, free_port())) as taken:
        port = taken.getsockname()[1]
        server = MysqlServer(programs, tmp_path / "server", port=port)
        with pytest.raises(UdupError, match=f"{HOST}:{port}: the port is taken"):
            server.start()
        server.wipe()


def test_a_folder_with_other_things_in_it_is_left_alone(programs: MysqlPrograms, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "letter").write_text("dear")
    with pytest.raises(UdupError, match="not empty"), MysqlServer(programs, tmp_path):
        pass
    assert (tmp_path / "letter").read_text() == "dear"


def test_wiping_leaves_neither_process_nor_folder(mysql_server: MakeServer) -> None:
    server = mysql_server()
    pid = server.pid
    server.wipe()
    assert not psutil.pid_exists(pid)
    assert not server.folder.exists()


def test_a_server_ends_with_the_program_that_started_it(programs: MysqlPrograms, tmp_path: Path) -> None:
    program, pid = start_in_a_program(tmp_path / "server")
    assert psutil.pid_exists(pid)
    program.kill()
    program.communicate()
    assert wait_until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


def test_ctrl_c_ends_the_server_and_removes_its_folder(programs: MysqlPrograms, tmp_path: Path) -> None:
    program, pid = start_in_a_program(tmp_path / "server")
    os.killpg(program.pid, signal.SIGINT)  # as a terminal does: to the whole group
    program.communicate(timeout=30)
    assert not psutil.pid_exists(pid)
    assert not (tmp_path / "server").exists()


def test_a_server_outlives_the_thread_that_asked_for_it(programs: MysqlPrograms, tmp_path: Path) -> None:
    server = MysqlServer(programs, tmp_path / "server")
    thread = threading.Thread(target=server.start)
    thread.start()
    thread.join()
    try:
        assert not wait_until(lambda: not server.running, seconds=1)
        assert read(server, "SELECT 1") == 1
    finally:
        server.wipe()


def test_a_free_port_is_never_one_of_outgoing_connections() -> None:
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert all(free_port() < lowest for _ in range(20))


def test_a_server_is_given_nothing_of_what_udup_was_told(
    mysql_server: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UDUP_API_TOKEN", "a-token-of-the-tests")
    monkeypatch.setenv("PGPASSWORD", "something else's")
    given = psutil.Process(mysql_server().pid).environ()
    assert not {"UDUP_API_TOKEN", "PGPASSWORD"} & set(given) and given["PATH"]


def test_a_free_port_is_given_to_one_process_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither listens yet: two servers would start on one port, and one of them would not."""
    code = "from udup.sandbox.ports import free_port; print(free_port(), flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        port = int(other.stdout.readline())
        monkeypatch.setattr("secrets.choice", lambda _: port)
        with pytest.raises(UdupError, match="no free port"):
            free_port()
        other.communicate(b"\n")
    assert free_port() == port
    with pytest.raises(UdupError, match="no free port"):
        free_port()
