"""What the two nodes of a job say to each other whose Src task is on another node than its Dest: a guest there.

Typed, by names, never a pickle. A guest is told by its job and the number of the run that it is of. No word holds a
password: who has the guest reads the job's record itself.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from udup.base.errors import Failure
from udup.cluster.asking import SUBJECT

#: Bytes of guests that go together in one letter; a single guest's words may be more.
LETTER_BYTES = 512 << 10

#: What is said here, and of what the data of such jobs are made: a node without it has no part in them. In beats.
WIRE = 3


class Said(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of all words: fields of a newer version are passed over, those that are missing have defaults."""


# ---- The owner, to where the guest is ----


class LookAtSource(Said, frozen=True, tag="look"):
    """Read the job's record and look at its source. Answered by `Looked` or `Ended`.

    `revision` is the record's at least; `incarnation` and `index` tell its document from those before and after it.
    """

    revision: int
    incarnation: str
    index: int


class BeginExtract(Said, frozen=True, tag="extract"):
    """Begin, from what the target has said (`actors/messages.py`, Ready).

    `reads_packed`: the owner's node reads compressed messages and sends marks back (`pipeline/transport/pace.py`).
    """

    start_after: str | None = None
    stamps: str = ""
    source_uuid: str = ""
    snapshot: str = ""
    snapshots: int = 0
    in_part: tuple[str, str] = ("", "")
    copy_first: tuple[str, ...] = ()
    ahead: str = ""
    copied: str = ""
    target: str = ""
    prepared: tuple[str, ...] | None = None
    reads_packed: bool = False


class AskWhatIsExecuted(Said, frozen=True, tag="ask"):
    """Answered by `WhatIsExecuted` or `Ended`."""


# ---- The guest, to its job's owner ----


class Looked(Said, frozen=True, tag="looked"):
    """`look` is as the source's driver writes it (`Drivers.look_to_wire`)."""

    look: bytes


class Reported(Said, frozen=True, tag="report"):
    """What the task reports, and when; the next takes the place of one that was not heard."""

    report: bytes
    at: float


class WhatIsExecuted(Said, frozen=True, tag="executed"):
    executed: str


class Ended(Said, frozen=True, tag="ended"):
    """The task's part of the run has ended."""

    failure: Failure


Word: TypeAlias = LookAtSource | BeginExtract | AskWhatIsExecuted | Looked | Reported | WhatIsExecuted | Ended


class Numbered(Said, frozen=True):
    """A word, and its number among those of its sender for this guest: from 1 on."""

    number: int
    word: Word


class Line(Said, frozen=True):
    """What is to be said of one guest. `heard` is the number of the other's last word that has come.

    `ended`: its owner does not want it any more; or it is not here.
    """

    job: str
    run: int
    heard: int = 0
    words: tuple[Numbered, ...] = ()
    ended: bool = False


class Letter(Said, frozen=True):
    """`by_owner`: from the owner of these jobs to where their guests are; else from there."""

    sender: str
    by_owner: bool
    lines: tuple[Line, ...]

    def encode(self) -> bytes:
        return _encode(self)

    @classmethod
    def decode(cls, data: bytes) -> Letter | None:
        """Return the letter, None for what is none: another version's that cannot be read, or anybody's message."""
        try:
            return _letter(data)
        except msgspec.MsgspecError:
            return None


_encode = msgspec.msgpack.Encoder().encode
_letter = msgspec.msgpack.Decoder(Letter).decode


def subject_of(node: str) -> str:
    """Return where letters for a node go."""
    return f"{SUBJECT}.{node}.guests"


def letters(sender: str, lines: list[Line], *, by_owner: bool) -> list[Letter]:
    """Return the letters in which these lines go: few, and none too large for NATS."""
    made: list[Letter] = []
    together: list[Line] = []
    size = 0
    for line in lines:
        more = len(_encode(line))
        if together and size + more > LETTER_BYTES:
            made.append(Letter(sender=sender, by_owner=by_owner, lines=tuple(together)))
            together, size = [], 0
        together.append(line)
        size += more
    if together:
        made.append(Letter(sender=sender, by_owner=by_owner, lines=tuple(together)))
    return made
