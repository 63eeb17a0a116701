"""How the applier's run ends: by the first of its parts, or of what else may fail, that does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence


async def until_failure(
    parts: Sequence[asyncio.Future[None]],
    causes: Collection[asyncio.Future[None]],
    copy: Callable[[], asyncio.Future[None] | None],
) -> None:
    """Wait for the first part that ends, or for one of `causes`, and raise its error; no part goes on after that.

    `copy` returns the part that began meanwhile, if there is one.
    """
    try:
        done, _ = await asyncio.wait({*parts, *causes}, return_when=asyncio.FIRST_COMPLETED)
        for future in done:
            future.result()
    finally:
        ending = [*parts, *([late] if (late := copy()) else [])]
        for part in ending:
            part.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
