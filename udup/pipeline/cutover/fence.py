"""Keeps whoever carried a cut-over on before from taking any step of it later, in a cluster.

A node may stand still right before a step that it has kept, lose the job, and go on when another has undone the
cut-over, or has begun the next: it would close a server that works, or open one that must stay closed. So whoever
carries it on notes its number on the target before anything else, and ends the connection on the source that somebody
before may have. After that each step is proven by the number right before it is taken: on the source by the very
connection that takes it (`SourceGate.fence`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from udup.base import runtime
from udup.base.errors import Superseded, UdupError
from udup.pipeline.cutover.asking import ANSWER_SECONDS, ask
from udup.pipeline.cutover.host import CutoverSettings
from udup.pipeline.cutover.state import CutoverState
from udup.pipeline.ports import SourceGate, TargetGate

#: Seconds for both servers to be reached, and between tries.
_SECONDS, _PAUSE = 10.0, 0.5

T = TypeVar("T")


class Fence:
    """Of one attempt. Does nothing where a node is alone, or nothing is to be changed."""

    def __init__(self, settings: CutoverSettings, source_gate: SourceGate, target_gate: TargetGate) -> None:
        self._cutover = settings.cutover
        self._source_gate = source_gate
        self._prove = partial(target_gate.enter, settings.plan.job, settings.number)
        self._counts = bool(settings.number) and not settings.cutover.options.dry_run
        if self._counts:
            source_gate.fence(settings.plan.job, self._prove)

    async def take_over(self) -> None:
        """Shut out whoever carried it on before; `Superseded` if that is this one.

        What keeps it from being done is raised before the switch alone. Then the steps that come prove it themselves.
        """
        end = runtime.now() + _SECONDS
        while self._counts:
            try:
                await ask(self._prove)
                await ask(self._source_gate.end_others)
            except Superseded:
                raise
            except UdupError as error:
                if runtime.now() < end and error.kind.passes:
                    await asyncio.sleep(_PAUSE)
                elif self._cutover.switched or self._cutover.state is CutoverState.UNDOING:
                    return
                else:
                    raise
            else:
                return

    async def change(self, change: Callable[..., T], *args: Any, seconds: float = ANSWER_SECONDS) -> T:
        """Change the target, if the cut-over is still this one's."""
        if self._counts:
            await ask(self._prove)
        return await ask(change, *args, seconds=seconds)
