"""`udup inspect`: a server as the node sees it, before there is a job: what it is, its schemas, the tables of one."""

from __future__ import annotations

import sys
from typing import Any

import click

from udup.cli.commands import Command, CommandError, ExitCode
from udup.cli.options import Session, asks_server

_PORT = 3306


@click.command(cls=Command)
@click.argument("server", metavar="USER@HOST[:PORT]")
@click.option("--password", default="", help="The password, or env:UDUP_SECRET_NAME, file:NAME of the node.")
@click.option("--target", "is_target", is_flag=True, help="Look at it as a job's target.")
@click.option("--ssl-mode", default="", help="As SslMode of a job: REQUIRED, VERIFY_CA …")
@click.option("--schema", default="", help="List the tables of this schema.")
@asks_server
def inspect(session: Session, server: str, password: str, is_target: bool, ssl_mode: str, schema: str) -> None:
    """Look at a MySQL or MariaDB server as the node reaches it; nothing is written there or kept.

    Exit code 0: it was reached, 1: it was not.

    \b
    Examples:
      udup inspect udup@10.0.0.5 --password env:UDUP_SECRET_SHOP
      udup inspect udup@10.0.0.5:3307 --schema shop
    """
    connection = {**_address(server), "Password": password, "SslMode": ssl_mode}
    body = {"Side": "Dest" if is_target else "Src", "ConnectionConfig": connection, "Schema": schema, "Limit": 5000}
    told: dict[str, Any] = session.api.send("POST", "/v1/inspect", body)
    if session.out.as_json:
        session.out.json(told)
    else:
        _say(session, told, schema)
    sys.exit(ExitCode.OK if told["Reachable"] else ExitCode.FAILED)


def _address(server: str) -> dict[str, Any]:
    user, at, place = server.rpartition("@")
    host, colon, port = place.rpartition(":")
    if place.startswith("[") and not place.endswith("]"):
        host = host.strip("[]")
    elif place.startswith("[") or not colon or ":" in host:
        host, port = place.strip("[]"), str(_PORT)
    if not at or not user or not host or not port.isdecimal():
        raise CommandError(f"{server!r} names no server: write USER@HOST or USER@HOST:PORT")
    return {"Host": host, "Port": int(port), "User": user}


def _say(session: Session, told: dict[str, Any], schema: str) -> None:
    server = told["Server"]
    if server is None:
        session.out.say(f"{told['Error']} -- {told['Remedy']}")
        return
    tls = server["TlsVersion"] if server["Tls"] else "no TLS"
    session.out.say(f"{server['Family']} {server['Version']}, {server['User']}, {tls}, GTIDs {server['GtidMode']}")
    if schema:
        rows = [
            (each["Table"], each["Key"], each["Engine"], *map(_count, _size(each)), each["Problem"])
            for each in told["Tables"]
        ]
        session.out.table(("Table", "Key", "Engine", "Rows", "Bytes", ""), rows, ("Rows", "Bytes"))
        if told["Next"]:
            session.out.say("there are more")
        return
    of_schemas = [
        (each["Schema"], str(each["Tables"]), *map(_count, _size(each)), "; ".join(each["Warnings"]))
        for each in told["Schemas"]
    ]
    session.out.table(("Schema", "Tables", "Rows", "Bytes", ""), of_schemas, ("Tables", "Rows", "Bytes"))


def _size(part: dict[str, Any]) -> tuple[int | None, int | None]:
    return part["Rows"], part["Bytes"]


def _count(number: int | None) -> str:
    return "" if number is None else str(number)
