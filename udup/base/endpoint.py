"""Where a server is, and as whom it is asked."""

from __future__ import annotations

from dataclasses import dataclass, field

from udup.base.tls import PREFERRED, Tls


@dataclass(frozen=True)
class Endpoint:
    """Where a server is and as whom. The password never shows in a repr, a log or a message.

    It may be a reference, `env:NAME` or `file:PATH`: then it is read again for each connection.
    """

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    tls: Tls = PREFERRED

    def __str__(self) -> str:
        return f"{self.user}@{self.host}:{self.port}"
