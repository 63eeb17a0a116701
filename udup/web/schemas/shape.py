"""How an answer's object is described: fields in snake case here, the API's names in JSON, every key always there."""

from __future__ import annotations

import datetime
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from udup.jobs.allocation import NEVER

#: Parts of names that the API writes in its own way: EvalID, FailedTGAllocs, HTTPAddr, ServerDC.
_SPELLINGS = {"id": "ID", "ids": "IDs", "tg": "TG", "http": "HTTP", "rpc": "RPC", "dc": "DC"}

_NS = 1_000_000_000

#: The last second that a four-digit year can tell.
_LAST_SECOND = 253_402_300_799


def api_name(name: str) -> str:
    """`failed_tg_allocs` → `FailedTGAllocs`."""
    return "".join(_SPELLINGS.get(part, part.capitalize()) for part in name.split("_"))


class Shape(BaseModel):
    """An object of an answer."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        alias_generator=api_name,
        extra="forbid",
        frozen=True,
        populate_by_name=True,
        json_schema_serialization_defaults_required=True,
    )

    def to_json(self) -> dict[str, Any]:
        """As JSON values, under the API's names."""
        return self.model_dump(mode="json", by_alias=True)


def rfc3339(nanoseconds: int) -> str:
    """A moment as the API writes it: UTC, up to nine decimals without zeros at their end; 0 is never."""
    if nanoseconds <= 0:
        return NEVER
    seconds, rest = divmod(nanoseconds, _NS)
    moment = datetime.datetime.fromtimestamp(min(seconds, _LAST_SECOND), datetime.UTC)
    decimals = f".{rest:09d}".rstrip("0").rstrip(".")
    return f"{moment:%Y-%m-%dT%H:%M:%S}{decimals}Z"
