"""Having nats-server read its configuration again, without ending a connection but those of users that are gone.

Asked for over the system account rather than by SIGHUP: that way the server answers when it is done, or why not.
"""

from __future__ import annotations

import asyncio
import json

import nats
from nats.errors import Error as NatsError

from udup.base.errors import Transient, UdupError

#: Seconds for the whole.
RELOAD_SECONDS = 10.0

#: How often it is asked. The accounts that the first reading makes import nothing before they are read once more
#: (seen with nats-server 2.15: it subscribes for the imports of accounts that were there before).
READINGS = 2


def reload_server(url: str, name: str = "") -> None:
    """Return when the configuration is in force; `url` is of a user of the system account.

    `name` is the server's, where others of a cluster answer at the same subjects; "" where there are none.

    `UdupError` if the server refuses it, and goes on by the one before; `Transient` if it does not answer.
    """
    try:
        asyncio.run(asyncio.wait_for(_reload(url, name), RELOAD_SECONDS))
    except (NatsError, OSError, TimeoutError) as error:
        raise Transient(f"the node's NATS server does not answer: {error or type(error).__name__}") from error


async def _reload(url: str, name: str) -> None:
    client = await nats.connect(
        url, name="udup reload", connect_timeout=2, allow_reconnect=False, max_reconnect_attempts=0, error_cb=_quiet
    )
    try:
        only = json.dumps({"server_name": name, "exact_match": True}).encode() if name else b""
        pong = await client.request("$SYS.REQ.SERVER.PING", only, timeout=RELOAD_SECONDS)
        server = json.loads(pong.data)["server"]["id"]
        for _ in range(READINGS):
            answer = await client.request(f"$SYS.REQ.SERVER.{server}.RELOAD", timeout=RELOAD_SECONDS)
            if error := json.loads(answer.data).get("error"):
                raise UdupError(f"nats-server refuses its configuration: {error.get('description')}")
    finally:
        await client.close()


async def _quiet(_error: Exception) -> None:
    """The call tells its own errors."""
