"""What of the source a sink has, as the text that is stored there with the last message of each unit.

Everything that a later run needs is in it: the executed transactions, how far those have come that are delivered in
part, what a snapshot has brought, how the job began, and how the source is recognised.

Several transactions may be delivered in part: the source may fail over to a server that sends others before the one
that had begun, and then the next run may end in the middle of one of these.

A prepared XA transaction is not executed before its end comes: the set has a gap there, so that the source sends it
again to a run that begins in between.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from udup.base.causes import Cause, reason
from udup.base.errors import UdupError
from udup.pipeline.ports import Position
from udup.pipeline.stamps import Stamps

#: The form of the text. An older Udup must not take a newer form for its own.
FORM = 1

#: That of a text which holds another one, compressed.
COMPRESSED_FORM = 2

#: Characters of a text that is stored as it is. A longer one is compressed: it lies with each unit, and sinks have room
#: for 32 kB beside a message, for 1 MB in one. GTIDs with 4,000 gaps are 71 kB and become 31 kB, in 0.6 ms; counts of a
#: transaction in 100,000 tables are 2.5 MB and become 0.4 MB.
PLAIN_MAX = 8 << 10


@dataclass
class OpenTransaction:
    """The transaction in whose middle a unit has ended: its rows so far, by table.

    `committed_us`: when its origin committed it, 0 if that is not known. It tells it from another one of the same GTID,
    which a server makes that was reset, or has lost its last transactions in a crash.
    """

    gtid: str
    counts: dict[str, int] = field(default_factory=dict)
    committed_us: int = 0

    @property
    def said(self) -> dict[str, Any]:
        said = {"gtid": self.gtid, "rows": self.counts}
        return {**said, "us": self.committed_us} if self.committed_us else said


@dataclass
class Place:
    """`executed`: all of it is delivered. `snapshot` is the source driver's, "" when no snapshot is of interest.

    `open` is the transaction that is coming now, in part; `begun` are those that earlier runs have delivered in part
    and that have not come again, by their GTIDs. `prepared`: XA transactions whose end is not executed.
    `rules` is a digest of what decides which rows are told (`partial.py`), None where an earlier version has not said
    it. `snapshots` counts the snapshots of the job,
    each try of one. `began` is the note of how the job began (`start_note.py`). `copying`: a snapshot is under way, so
    the log is not followed from `executed` yet. `there`: IDs of messages that the sink has and that are not executed: a
    run found them behind an earlier position, and has not come to them again; `times` says when their transactions were
    committed, by GTID, as far as that is known.
    """

    executed: Position
    open: OpenTransaction | None = None
    begun: dict[str, OpenTransaction] = field(default_factory=dict)
    prepared: set[str] = field(default_factory=set)
    rules: str | None = ""
    snapshot: str = ""
    snapshots: int = 0
    copying: bool = False
    stamps: Stamps = field(default_factory=Stamps)
    source_uuid: str = ""
    began: str = ""
    there: set[str] = field(default_factory=set)
    times: dict[str, int] = field(default_factory=dict)

    def text(self) -> str:
        """Return it as it is stored: printable ASCII."""
        said: dict[str, Any] = {"form": FORM, "gtids": str(self.executed)}
        begun = dict(self.begun)
        if self.open is not None:
            begun[self.open.gtid] = self.open
        if begun:
            said["open"] = [each.said for each in begun.values()]
        texts = {"snapshot": self.snapshot, "source": self.source_uuid, "began": self.began}
        said.update({name: value for name, value in texts.items() if value})
        if self.rules is not None:
            said["rules"] = self.rules
        if self.prepared:
            said["prepared"] = sorted(self.prepared)
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
        text = json.dumps(said, separators=(",", ":"))
        return text if len(text) <= PLAIN_MAX else _compressed(text)

    @classmethod
    def parse(cls, text: str, position: Callable[[str], Position]) -> Place:
        """Return what was stored; `UdupError` for what no version of this form has written."""
        try:
            said = json.loads(text)
            if said["form"] == COMPRESSED_FORM:
                said = json.loads(zlib.decompress(base64.b85decode(said["zlib"])))
            if said["form"] != FORM:
                raise UdupError(
                    f"the sink's position has form {said['form']!r}, which this version does not know: "
                    "have the version of Udup carry the job on that has written it"
                ).because(reason(Cause.SINK))
            return cls(
                executed=position(said["gtids"]),
                begun=_begun(said.get("open", ())),
                prepared=set(map(str, said.get("prepared", ()))),
                rules=said.get("rules"),
                snapshot=said.get("snapshot", ""),
                snapshots=int(said.get("snapshots", 0)),
                copying=bool(said.get("copying", False)),
                stamps=Stamps.parse(said.get("stamps", "")),
                source_uuid=said.get("source", ""),
                began=said.get("began", ""),
                there=set(map(str, said.get("there", ()))),
                times={str(gtid): int(us) for gtid, us in said.get("times", {}).items()},
            )
        except (ValueError, zlib.error, KeyError, TypeError, AttributeError) as error:
            shown = text[:200]
            unread = UdupError(f"the sink's position cannot be read ({type(error).__name__}: {error}): {shown}")
            raise unread.because(reason(Cause.SINK)) from error


def _compressed(text: str) -> str:
    data = base64.b85encode(zlib.compress(text.encode(), 1)).decode()  # which has none of JSON's own characters
    return f'{{"form":{COMPRESSED_FORM},"zlib":"{data}"}}'


def _begun(said: Sequence[Mapping[str, Any]] | Mapping[str, Any]) -> dict[str, OpenTransaction]:
    """Return the transactions that are there in part; one alone where an earlier version has said so."""
    several: Iterable[Mapping[str, Any]] = [said] if isinstance(said, Mapping) else said
    return {each["gtid"]: _open(each) for each in several}


def _open(said: Mapping[str, Any]) -> OpenTransaction:
    counts = {str(name): int(rows) for name, rows in said["rows"].items()}
    return OpenTransaction(str(said["gtid"]), counts, int(said.get("us", 0)))
