"""The end of a server: no run begins any more, and who ends the server is told once when the last has ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from udup.actors.job import Job


class ServerEnd:
    """`jobs` are the supervisor's own."""

    def __init__(self, jobs: Mapping[str, Job]) -> None:
        self._jobs = jobs
        self._when_drained: Callable[[], None] | None = None
        self._told = False

    def begin(self, when_drained: Callable[[], None]) -> None:
        """Note that the server is to end, and who is told when that may be."""
        self._when_drained, self._told = when_drained, False

    @property
    def wanted(self) -> bool:
        return self._when_drained is not None

    def answer_if_drained(self) -> None:
        """Tell it, unless a run is left or it was told."""
        if self._when_drained is None or self._told:
            return
        if not any(job.run is not None for job in self._jobs.values()):
            self._told = True
            self._when_drained()
