"""A job whose tables come and go, as its tests make and look at it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Any

import httpx

from tests.end_to_end.conftest import NUMBERS, World, wait_for
from udup.drivers.mysql.client.connection import connect, query
from udup.sandbox.api import Json

JSON = {"Accept": "application/json"}

#: Rows of each table before the job begins.
ROWS = 500


def begin(world: World, name: str, *tables: str, child: str = "") -> None:
    """Begin a job of some of a schema's three tables, and of a fourth one that has these columns besides its id."""
    world.on_source(
        f"CREATE DATABASE {name}",
        *(f"CREATE TABLE {name}.{each} (id INT AUTO_INCREMENT PRIMARY KEY, n INT NOT NULL)" for each in "abc"),
        *(f"INSERT INTO {name}.{each} (n) {NUMBERS.format(ROWS)} SELECT n FROM n" for each in "abc"),
    )
    if child:
        world.on_source(f"CREATE TABLE {name}.child (id INT PRIMARY KEY, {child})")
    world.post(document(world, name, *tables, *(["child"] if child else [])))
    world.runs(name)


def document(world: World, name: str, *tables: str | Json) -> Json:
    named = [{"TableName": each} if isinstance(each, str) else each for each in tables]
    return world.document(name, [], src={"ReplicateDoDb": [{"TableSchema": name, "Tables": named}]})


@contextmanager
def writing(write: Callable[[threading.Event], object]) -> Iterator[None]:
    """Write in a thread, until the event that it is given says to end."""
    ends = threading.Event()
    writer = threading.Thread(target=write, args=(ends,))
    writer.start()
    try:
        yield
    finally:
        ends.set()
        writer.join()


def writes(world: World, name: str) -> AbstractContextManager[None]:
    """Write transactions over all three tables, one after the other."""

    def write(ends: threading.Event) -> None:
        with closing(connect(world.source.endpoint, autocommit=True)) as connection:
            number = 0
            while not ends.wait(0.02):
                number += 1
                connection.begin()
                for each in "abc":
                    query(connection, f"INSERT INTO {name}.{each} (n) VALUES ({number})")
                    query(connection, f"UPDATE {name}.{each} SET n = n + 1 WHERE id = {number % ROWS + 1}")
                    query(connection, f"DELETE FROM {name}.{each} WHERE id = {number * 7 % ROWS + 1}")
                connection.commit()

    return writing(write)


def put(world: World, path: str, **asked: Any) -> httpx.Response:
    return httpx.put(world.node.url + path, params=asked, headers=JSON, timeout=60)


def delete(world: World, path: str) -> httpx.Response:
    return httpx.delete(world.node.url + path, headers=JSON, timeout=60)


def live(world: World, name: str) -> None:
    """Wait until the job's tables are its own again."""
    wait_for(lambda: world.node.job(name)["Growing"] is None, lambda: world.node.job(name), 90)
    world.runs(name)


def equal(world: World, name: str, *tables: str) -> None:
    """Wait until the job is level; these tables are equal then."""
    world.level(name)
    for each in tables:
        sql = f"SELECT COUNT(*), SUM(CRC32(CONCAT_WS(',', id, n))) FROM {name}.{each}"
        found = []
        for server in (world.source, world.target):
            with closing(connect(server.endpoint)) as connection:
                found.append(query(connection, sql))
        assert found[0] == found[1], each
