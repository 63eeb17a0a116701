"""The connections between nodes of a cluster, each by a proxy that may be cut or made silent, one way or both."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable
from contextlib import suppress

HOST = "127.0.0.1"

#: Seconds between two looks whether a silent way may speak again.
_LOOK_SECONDS = 0.02

Way = tuple[int, int]


class Links:
    """Proxies on a thread of their own. Nodes are numbers; a way leads from one to another.

    A *cut* link hangs up, and on whoever calls later. On a *silent* way nothing arrives, and nobody is told: bytes
    wait, as those of TCP do behind a firewall that drops packets.
    """

    def __init__(self) -> None:
        self._silent: set[Way] = set()
        self._cut: set[frozenset[int]] = set()
        self._open: dict[frozenset[int], set[asyncio.StreamWriter]] = {}
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True, name="links").start()

    def add(self, caller: int, called: int, port: int) -> int:
        """Return the port at which `caller` reaches `port` of `called`."""
        return asyncio.run_coroutine_threadsafe(self._serve(caller, called, port), self._loop).result()

    def silence(self, ways: Iterable[Way]) -> None:
        self._silent |= set(ways)

    def cut(self, ways: Iterable[Way]) -> None:
        """Hang up, both ways."""
        pairs = {frozenset(way) for way in ways}
        self._cut |= pairs
        self._loop.call_soon_threadsafe(self._hang_up, pairs)

    def connected(self, node: int) -> set[int]:
        """Return the nodes that a node has connections with."""
        return {each for pair, writers in self._open.items() if writers and node in pair for each in pair - {node}}

    def heal(self) -> None:
        self._silent.clear()
        self._cut.clear()

    def _hang_up(self, pairs: set[frozenset[int]]) -> None:
        for pair in pairs:
            for writer in self._open.pop(pair, set()):
                writer.transport.abort()

    async def _serve(self, caller: int, called: int, port: int) -> int:
        pair = frozenset((caller, called))

        async def serve(near_in: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
            if pair in self._cut:
                near_out.transport.abort()
                return
            try:
                far_in, far_out = await asyncio.open_connection(HOST, port)
            except OSError:
                near_out.transport.abort()
                return
            self._open.setdefault(pair, set()).update((near_out, far_out))
            there = self._pump(near_in, far_out, (caller, called))
            await asyncio.gather(there, self._pump(far_in, near_out, (called, caller)))
            self._open.get(pair, set()).difference_update((near_out, far_out))

        server = await asyncio.start_server(serve, HOST, 0)
        return int(server.sockets[0].getsockname()[1])

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, way: Way) -> None:
        with suppress(OSError):
            while data := await source.read(1 << 16):
                while way in self._silent:
                    await asyncio.sleep(_LOOK_SECONDS)
                sink.write(data)
                await sink.drain()
        sink.transport.abort()
