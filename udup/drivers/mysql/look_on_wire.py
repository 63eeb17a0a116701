"""A look at a MySQL source as one node tells it another: JSON by names."""

from __future__ import annotations

import msgspec

from udup.base.errors import Fault
from udup.drivers.mysql.client.facts import ServerFacts
from udup.pipeline.ownership import Feed
from udup.pipeline.ports import SourceLook


class _Look(msgspec.Struct, frozen=True):
    info: ServerFacts
    faults: tuple[Fault, ...] = ()
    feeds: tuple[Feed, ...] = ()
    copy_warnings: tuple[str, ...] = ()
    log_kept_s: int = 0


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Look).decode


def look_to_wire(look: SourceLook) -> bytes:
    """Return it as bytes."""
    assert isinstance(look.info, ServerFacts), "a look of this driver's"
    return _encode(_Look(look.info, look.faults, look.feeds, look.copy_warnings, look.log_kept_s))


def look_from_wire(data: bytes) -> SourceLook:
    """Return it again; raise `ValueError` for what this version cannot read."""
    look = _decode(data)  # its errors are ValueErrors
    return SourceLook(look.info, look.faults, look.feeds, look.copy_warnings, look.log_kept_s)
