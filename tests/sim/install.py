"""What of the product is replaced in the simulation, and by what. Everything else runs as it is.

`udup.base.runtime` is replaced name by name. A function or class that is replaced is so wherever a module has imported
it, so this does not depend on who imports what.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any

import udup.actors.supervisor  # noqa: F401 - all that is replaced must be imported
from tests.sim import machine, mysql, net
from tests.sim.life import number_of
from tests.sim.source import version_of
from tests.sim.tables import run_logged
from tests.sim.world import World
from udup.base import runtime
from udup.base.errors import Divergence
from udup.pipeline.transport import link

_MYSQL = "udup.drivers.mysql."

#: What every server of the simulation is.
_FACTS = SimpleNamespace(
    lower_case_table_names=0, folds_names=False, address="sim", uuid="sim", version_text="9.7.0", is_mariadb=False
)

#: Bytes in a message of NATS: so few that some messages of each history are split.
_MESSAGE_MAX = 24 << 10


class SimLogger:
    """`on_event` of the history hears each event; a trace shows it."""

    on_event: Any = staticmethod(lambda process, event, values: None)

    def __init__(self, component: str, **_: object) -> None:
        self._component = component

    def _say(self, level: str, event: str, values: dict[str, Any]) -> None:
        world = World.current
        if world.over:
            return
        name = world.fiber.process.name if world.fiber is not None else self._component
        shown = " ".join(
            f"{key}={str(value)[:140]}" for key, value in values.items() if key not in ("job", "run", "pid")
        )
        world.note(name, f"{level} {event} {shown}")
        error = sys.exc_info()[1]
        SimLogger.on_event(name, event, {**values, "raised": repr(error)} if error is not None else values)

    def __getattr__(self, level: str) -> Any:
        return lambda event, **values: self._say(level, event, values)


# ---- Stand-ins for parts of the MySQL driver ----


def _read_facts(connection: mysql.Connection) -> Any:
    return connection.call("facts", [lambda: _FACTS])[0]


def _check_definition(connection: mysql.Connection, schema: str, table: str, event: bytes, **_: bool) -> None:
    [have] = connection.call("definition", [lambda: connection.server.ask(table)])
    if table != "loose" and have != version_of(event):
        raise Divergence(f"{schema}.{table} is of version {have}, and its rows expect {version_of(event)}")


def _run_ddl(connection: mysql.Connection, event: Any, gtid: str = "", *_: bytes, **__: Any) -> None:
    server = connection.server

    def run() -> None:
        connection.wait_alone()
        if gtid not in server.gtids:
            if number_of(sql := event.sql.decode()) is not None:
                run_logged(server, sql)
            server.gtids.add(gtid)
            server.on_ddl(connection, event.sql)

    [answer] = connection.call("DDL", [run])
    if isinstance(answer, Exception):
        raise answer


def ddl_number(sql: bytes) -> int | None:
    """Of an entry of the log; None for DDL of a copy."""
    found = re.match(rb"ALTER TABLE s.t COMMENT = '(\d+)'", sql)
    return int(found[1]) if found else None


def _nothing(*_: Any, **__: Any) -> None: ...


def _not_admin(_facts: object) -> bool:
    return False


def _no_faults(*_: Any, **__: Any) -> list[Any]:
    return []


def _stand_ins() -> dict[str, Any]:
    """By the module that defines it."""
    return {
        "udup.base.logs:logger": SimLogger,
        "udup.base.logs:configure": _nothing,
        "udup.base.stacks:offer": _nothing,
        "udup.base.identity:described": "node {}".format,
        "udup.actors.shell:die_with_parent": _nothing,
        "udup.actors.shell:setproctitle": _nothing,
        # Below the driver of the target
        _MYSQL + "client.connection:Wire": mysql.Connection,
        _MYSQL + "client.connection:_notice_dead_peer": _nothing,
        _MYSQL + "client.connection:_begin": lambda connection, session: connection.begin_session(session.settings),
        _MYSQL + "client.session_setup:enter": _nothing,
        _MYSQL + "client.session_setup:reset": _nothing,
        _MYSQL + "client.raw:shut_down": lambda connection: connection.cut(),
        _MYSQL + "client.facts:read_facts": _read_facts,
        _MYSQL + "apply.column_check:check_definition": _check_definition,
        _MYSQL + "apply.run_ddl:run_ddl": _run_ddl,
        _MYSQL + "checks.target:check_target": _no_faults,
        _MYSQL + "checks.target:check_writable": _no_faults,
        _MYSQL + "checks.target:is_admin": _not_admin,
    }


@contextmanager
def installed() -> Iterator[None]:
    """Replace; and put everything back."""
    before: list[tuple[Any, str, Any]] = []

    def replace(owner: Any, name: str, value: Any) -> None:
        before.append((owner, name, vars(owner)[name]))
        setattr(owner, name, value)

    interval = sys.getswitchinterval()
    try:
        for name, value in machine.stand_ins().items():
            replace(runtime, name, value)
        replace(link, "nats", SimpleNamespace(connect=net.connect))
        replace(link, "MESSAGE_MAX", _MESSAGE_MAX)
        stand_ins = {}
        for place, value in _stand_ins().items():
            module, _, name = place.partition(":")
            stand_ins[id(getattr(importlib.import_module(module), name))] = value
        for module in _modules():
            for name, value in list(vars(module).items()):
                if id(value) in stand_ins:
                    replace(module, name, stand_ins[id(value)])
        yield
    finally:
        for owner, name, value in reversed(before):
            setattr(owner, name, value)
        sys.setswitchinterval(interval)


def _modules() -> list[ModuleType]:
    return [module for name, module in sorted(sys.modules.items()) if name.startswith("udup.") and module is not None]
