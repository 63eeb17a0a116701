"""What of the source a sink has, as the text that is stored there with the last message of each unit.

Everything that a later run needs is in it: the executed transactions, how far the one has come that is delivered in
the middle of, what a snapshot has brought, how the job began, and how the source is recognised.

A prepared XA transaction is not executed before its end comes: the set has a gap there, so that the source sends it
again to a run that begins in between.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from udup.base.errors import UdupError
from udup.pipeline.ports import Position
from udup.pipeline.stamps import Stamps

#: The form of the text. An older Udup must not take a newer form for its own.
FORM = 1


@dataclass
class OpenTransaction:
    """The transaction in whose middle a unit has ended: its rows so far, by table, and when it was committed."""

    gtid: str
    counts: dict[str, int] = field(default_factory=dict)
    us: int = 0  # since the epoch; 0 where that is not known


@dataclass
class Place:
    """`executed`: all of it is delivered. `snapshot` is the source driver's, "" when no snapshot is of interest.

    `snapshots` counts the snapshots of the job, each try of one. `began` is the note of how the job began
    (`start_note.py`). `copying`: a snapshot is under way, so the log is not followed from `executed` yet. `there`: IDs
    of messages that the sink has and that are not executed: a run found them behind an earlier position, and has not
    come to them again; `times` says when their transactions were committed, by GTID, as far as that is known.
    """

    executed: Position
    open: OpenTransaction | None = None
    snapshot: str = ""
    snapshots: int = 0
    copying: bool = False
    stamps: Stamps = field(default_factory=Stamps)
    source_uuid: str = ""
    began: str = ""
    there: set[str] = field(default_factory=set)
    times: dict[str, int] = field(default_factory=dict)

    def text(self) -> str:
        """Return it as it is stored."""
        said: dict[str, Any] = {"form": FORM, "gtids": str(self.executed)}
        if self.open is not None:
            said["open"] = {"gtid": self.open.gtid, "rows": self.open.counts, "us": self.open.us}
        for name, value in (("snapshot", self.snapshot), ("source", self.source_uuid), ("began", self.began)):
            if value:
                said[name] = value
        if self.snapshots:
            said["snapshots"] = self.snapshots
        if self.copying:
            said["copying"] = True
        if self.there:
            said["there"] = sorted(self.there)
            if self.times:
                said["times"] = self.times
        if stamps := str(self.stamps):
            said["stamps"] = stamps
        return json.dumps(said, separators=(",", ":"))

    @classmethod
    def parse(cls, text: str, position: Callable[[str], Position]) -> Place:
        """Return what was stored; `UdupError` for what no version of this form has written."""
        try:
            said = json.loads(text)
            if said["form"] != FORM:
                raise UdupError(
                    f"the sink's position has form {said['form']!r}, which this version does not know: "
                    "have the version of Udup carry the job on that has written it"
                )
            return cls(
                executed=position(said["gtids"]),
                open=_open(said.get("open")),
                snapshot=said.get("snapshot", ""),
                snapshots=int(said.get("snapshots", 0)),
                copying=bool(said.get("copying", False)),
                stamps=Stamps.parse(said.get("stamps", "")),
                source_uuid=said.get("source", ""),
                began=said.get("began", ""),
                there=set(map(str, said.get("there", ()))),
                times={str(gtid): int(us) for gtid, us in said.get("times", {}).items()},
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            shown = text[:200]
            raise UdupError(f"the sink's position cannot be read ({type(error).__name__}: {error}): {shown}") from error


def _open(said: Mapping[str, Any] | None) -> OpenTransaction | None:
    if said is None:
        return None
    counts = {str(name): int(count) for name, count in said["rows"].items()}
    return OpenTransaction(said["gtid"], counts, int(said.get("us", 0)))
