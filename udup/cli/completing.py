"""Completion in a shell: the script that the shell reads, and the IDs of jobs, which the server is asked for.

Whoever presses Tab waits, so the server gets a second; and what goes wrong is told by nothing but no proposals.

A shell puts a proposal into the line as it is, and runs what stands there. An ID may hold any letter, so one that a
shell would act on is not proposed: somebody else may have chosen it.
"""

from __future__ import annotations

import json
import os
import re
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem, get_completion_class

from udup.base.errors import UdupError
from udup.cli.commands import Command
from udup.cli.output import shown
from udup.cli.where import Flags, Where, find

#: Seconds for the server to connect, and for each piece of its answer.
SECONDS = 1.0

#: Seconds for the whole answer.
WHOLE_SECONDS = 2.0

#: What no shell acts on: these, and letters of any language.
_PLAIN = re.compile(r"(?![-=])(?:[\w@%+=:,./-]|[^\x00-\xa0\s])+")

_SHELLS = ("bash", "zsh", "fish")

_GIVEN = ("address", "region", "token", "token_file", "ca_file", "config")


class JobId(click.types.StringParamType):
    """A job's ID, or the beginning of one: text, which a shell completes."""

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return the IDs that begin so, but for those that the command has already; none if nobody answers."""
        found: list[CompletionItem] = []
        asking = threading.Thread(target=lambda: found.extend(self._found(ctx, param, incomplete)), daemon=True)
        asking.start()
        asking.join(WHOLE_SECONDS)
        return [] if asking.is_alive() else found

    def _found(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from http.client import HTTPException  # see _asked

        with suppress(UdupError, OSError, ValueError, LookupError, TypeError, HTTPException):
            where = find(Flags(**{name: ctx.params.get(name) for name in _GIVEN}), os.environ, Path.home())
            named = ctx.params.get(param.name or "")
            has = set(named) if isinstance(named, tuple) else set()
            stubs = [each for each in _asked(where, incomplete) if each["ID"] not in has]
            return [
                CompletionItem(each["ID"], help=shown(each.get("Status", "")))
                for each in stubs
                if _PLAIN.fullmatch(each["ID"])
            ]
        return []


JOB_ID = JobId()


def _asked(where: Where, prefix: str) -> list[dict[str, Any]]:
    import ssl  # these take longer to load than most commands, each of which loads this module
    import urllib.request
    from urllib.parse import urlencode

    query = {"stale": "true", "brief": "true", "prefix": prefix, **({"region": where.region} if where.region else {})}
    request = urllib.request.Request(f"{where.address}/v1/jobs?{urlencode(query)}")
    request.add_header("Accept", "application/json")
    if where.token:
        request.add_header("Authorization", f"Bearer {where.token}")
    trust = [urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=where.ca_file or None))]
    handlers = trust if where.address.startswith("https:") else []
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), *handlers)
    with opener.open(request, timeout=SECONDS) as answer:
        found: list[dict[str, Any]] = json.load(answer)
    return found


@click.command(cls=Command)
@click.argument("shell", type=click.Choice(_SHELLS))
def completion(shell: str) -> None:
    """Print what has a shell complete commands, options and the IDs of jobs. The server is asked for the IDs.

    Which server that is, and the token, is found as for any command: by options on the line, the environment, or
    ~/.config/udup/cli.toml.

    \b
    Examples:
      udup completion bash > /etc/bash_completion.d/udup
      udup completion zsh > "${fpath[1]}/_udup"
      udup completion fish > ~/.config/fish/completions/udup.fish
    """
    made = get_completion_class(shell)
    assert made is not None, shell
    root = click.get_current_context().find_root()
    click.echo(made(root.command, {}, "udup", "_UDUP_COMPLETE").source())
