"""What a comparison needs of the job's run: that both servers stand at one transaction for a moment."""

from __future__ import annotations

from typing import Protocol

from udup.base.errors import Transient


class RoundFailed(Transient):
    """The two snapshots could not be opened at one transaction; another try may succeed. The text says why."""


class Replication(Protocol):
    """A job's run. Numbers tell the tries of a comparison; what is said of an earlier one does not count.

    Each raises `RoundFailed` if the run cannot do it, has ended, or does not answer in time.
    """

    async def hold(self, number: int) -> str:
        """Have the reading of the log held; return the position of what was read."""
        ...

    async def stand(self, number: int, snapshot: str) -> None:
        """Have the log read up to what a snapshot holds; return when the target stands there, and does not go on."""
        ...

    async def release(self, number: int) -> bool:
        """Have the target go on; return whether it has stood there until now."""
        ...

    def give_up(self, number: int) -> None:
        """Have everything go on."""
        ...


class StandsStill:
    """A job without a run: its target stands where it is."""

    async def hold(self, _number: int) -> str:
        return ""

    async def stand(self, _number: int, _snapshot: str) -> None:
        """It does."""

    async def release(self, _number: int) -> bool:
        return True

    def give_up(self, _number: int) -> None:
        """Nothing is held."""
