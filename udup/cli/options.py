"""The options that every command has which asks a server, and what they make: a `Session`."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cached_property, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from udup.cli.output import Output
from udup.cli.where import DEFAULT_ADDRESS, Flags, Where, find

if TYPE_CHECKING:
    from udup.cli.client import Api

_Decorated = TypeVar("_Decorated", bound=Callable[..., Any])

_FILE = click.Path(path_type=Path)

_OPTIONS = (
    click.option("--address", metavar="URL", help=f"The server's address [UDUP_ADDR; default {DEFAULT_ADDRESS}]."),
    click.option("--token", metavar="TEXT", help="Who we are; seen by other users in the process list [UDUP_TOKEN]."),
    click.option("--token-file", type=_FILE, metavar="FILE", help="A file that holds the token."),
    click.option("--ca-file", type=_FILE, metavar="FILE", help="Certificates to trust for https [UDUP_CA_FILE]."),
    click.option("--config", type=_FILE, metavar="FILE", help="A node's udup.toml, for its address [UDUP_CONFIG]."),
    click.option("--region", metavar="NAME", help="The region to ask for [UDUP_REGION]."),
    click.option("--no-color", is_flag=True, help="No colours, on terminals too [NO_COLOR]."),
    click.option("--json", "as_json", is_flag=True, help="Print the API's objects as they are."),
)


class Session:
    """One command's conversation with a server."""

    def __init__(self, flags: Flags, out: Output) -> None:
        self._flags = flags
        self.out = out

    @cached_property
    def where(self) -> Where:
        return find(self._flags, os.environ, Path.home())

    @cached_property
    def api(self) -> Api:
        from udup.cli.client import Api  # an HTTP client takes 0.2 s to load

        api = Api(self.where)
        click.get_current_context().call_on_close(api.close)
        return api


def asks_server(function: _Decorated) -> _Decorated:
    """The command gets a `Session` as its first argument, and the options that say which server it is."""

    @wraps(function)
    def command(
        address: str | None,
        token: str | None,
        token_file: Path | None,
        ca_file: Path | None,
        config: Path | None,
        region: str | None,
        no_color: bool,
        as_json: bool,
        **more: Any,
    ) -> Any:
        flags = Flags(address, region, token, token_file, ca_file, config)
        session = Session(flags, Output(as_json=as_json, colours=not no_color))
        return function(session, **more)

    decorated: Any = command
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]
