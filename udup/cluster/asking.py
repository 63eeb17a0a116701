"""What one node asks another over NATS: a wish of a client for a job that the other one owns.

JSON by names, never a pickle: who can speak to NATS must not be able to have a node load one. Passwords of documents
are sealed on their way by whoever sends them.
"""

from __future__ import annotations

from typing import Any

import msgspec

#: A node is asked at `SUBJECT.<node>.ask`.
SUBJECT = "udup.node"


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """`kind` names what is asked, `body` has its fields; `job` is what it is about.

    `id` is the same where it is asked once more because no answer came, and `age` for how many seconds it has been
    asked by then.
    """

    kind: str
    job: str
    body: dict[str, Any]
    sender: str = ""
    id: str = ""
    age: float = 0.0

    def encode(self) -> bytes:
        return msgspec.json.encode(self)

    @classmethod
    def decode(cls, data: bytes) -> Ask | None:
        try:
            return _ask(data)
        except msgspec.MsgspecError:
            return None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """`not_owner`: who was asked does not own the job, so nothing was done. `kind` and `body`: what was said."""

    kind: str = ""
    body: dict[str, Any] = {}
    not_owner: bool = False

    def encode(self) -> bytes:
        return msgspec.json.encode(self)

    @classmethod
    def decode(cls, data: bytes) -> Answer | None:
        try:
            return _answer(data)
        except msgspec.MsgspecError:
            return None


_ask = msgspec.json.Decoder(Ask).decode
_answer = msgspec.json.Decoder(Answer).decode


def subject_of(node: str) -> str:
    return f"{SUBJECT}.{node}.ask"
