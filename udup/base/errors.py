"""The one family of errors. A message says what was tried, on what, and what to do about it.

What the job does about an error follows from its class alone:

* `Transient`: a lost connection, a lock wait. The run ends and a new one resumes from the checkpoint, with
  back-off, a bounded number of times.
* `Superseded`: another run of the same job, perhaps of another node, has taken the job over on the target. The run
  ends; after a pause that grows the job looks again, and takes over only when the other one's connection is gone.
* `Refused`: the job cannot start as things are. It fails at once, with every fault that was found.
* `Unsupported`: the source logged something that this version cannot carry exactly. The job fails before it.
* `Conflict`: the target refused a group of transactions. A run from the checkpoint takes them one by one, which either
  succeeds or tells exactly which one it is, as a `Divergence`.
* `Divergence`: the target is not what the checkpoint says it is. The job fails and touches nothing more.
"""

from __future__ import annotations

from dataclasses import dataclass


class UdupError(Exception):
    """Base of everything that Udup raises on purpose."""


class ConfigError(UdupError):
    """A setting of the server itself is wrong."""


class Transient(UdupError):
    """Worth another try from the checkpoint."""


class Superseded(UdupError):
    """Another run of the same job has taken it over."""


class Unsupported(UdupError):
    """Something in the binary log or the catalog that cannot be carried exactly."""


class Conflict(UdupError):
    """A group was refused by the target; worth one more try, transaction by transaction."""


class Divergence(UdupError):
    """The target's data contradict the source's events."""


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: where (`Src 127.0.0.1:3306`, `Tasks[0].Config.…`), what, and what mends it."""

    where: str
    problem: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}" + (f" -- {self.remedy}" if self.remedy else "")


class Refused(UdupError):
    """The job cannot start; `faults` holds every reason found, not only the first."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        super().__init__("; ".join(str(fault) for fault in faults))


def error_named(kind: str) -> type[UdupError]:
    """The class of an error that travelled by its name; `UdupError` for those that are told by their text alone."""
    known = (Transient, Superseded, Unsupported, Conflict, Divergence)
    return next((error for error in known if error.__name__ == kind), UdupError)
