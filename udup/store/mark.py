"""The mark of the job store: everything is there, which store it is, and where its numbers begin."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

#: The key written last into a new store: everything is there.
COMPLETE = "complete"


@dataclass(frozen=True)
class Mark:
    """The mark's value: the store's ID, "" in one of an earlier version, and what its numbers are added to."""

    store: str = ""
    base: int = 0

    @classmethod
    def of(cls, data: bytes) -> Mark:
        try:
            told = json.loads(data)
            return cls(str(told["store"]), int(told["base"]))
        except (ValueError, TypeError, KeyError):
            return cls()

    @property
    def data(self) -> bytes:
        return json.dumps(asdict(self)).encode()
