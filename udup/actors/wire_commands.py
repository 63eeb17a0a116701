"""Commands and their answers as they travel between nodes: JSON by names, passwords of documents sealed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import msgspec
from pydantic import BaseModel

from udup.actors.compare_messages import StartCompare, StopCompare
from udup.actors.cutover_messages import AbortCutover, StartCutover
from udup.actors.messages import (
    Accepted,
    BeginSkip,
    Command,
    DeleteJob,
    EndSkip,
    FinishJob,
    PauseJob,
    RegisterJob,
    Rejected,
    ResumeJob,
)
from udup.actors.table_messages import GiveUpTables, ReloadTables, WishSnapshot
from udup.cluster.asking import Answer, Ask
from udup.jobs import document_id
from udup.jobs.start import DecidedStart
from udup.pipeline.cutover.state import Options
from udup.pipeline.verify.state import CompareOptions
from udup.store.sealing import Keyring

_KINDS: dict[str, type[Command]] = {
    kind.__name__: kind
    for kind in (
        *(RegisterJob, DeleteJob, PauseJob, ResumeJob, FinishJob, BeginSkip, EndSkip),
        *(WishSnapshot, ReloadTables, GiveUpTables, StartCutover, AbortCutover, StartCompare, StopCompare),
    )
}


_BY_HAND = (RegisterJob, StartCutover, StartCompare)

#: Made here: see `tests/base/test_decoders.py`. Those that hold other values are read by hand.
_DECODERS: dict[type[Command], Callable[[bytes], Command]] = {
    kind: msgspec.json.Decoder(kind).decode for kind in _KINDS.values() if kind not in _BY_HAND
}
_accepted = msgspec.json.Decoder(Accepted).decode
_rejected = msgspec.json.Decoder(Rejected).decode


def job_of(command: Command) -> str:
    """Return the ID of the job that a command is about, "" of a document that names none."""
    if isinstance(command, RegisterJob):
        return document_id(command.document) or ""
    return str(getattr(command, "job_id", ""))


def ask_of(command: Command, sender: str, keys: Keyring, wish: str = "") -> Ask:
    """Return a command as another node is asked; `wish` is its ID."""
    job = job_of(command)
    body = {each.name: _plain(getattr(command, each.name)) for each in fields(command)}
    if isinstance(command, RegisterJob):
        body["document"] = keys.seal(job, body["document"])
    return Ask(kind=type(command).__name__, job=job, body=body, sender=sender, id=wish)


def _plain(value: object) -> Any:
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else value


def command_of(ask: Ask, keys: Keyring) -> Command | None:
    """Return the command, None for what this version does not know."""
    kind, body = _KINDS.get(ask.kind), dict(ask.body)
    if kind is None or set(body) - {each.name for each in fields(kind)}:
        return None
    try:
        if kind is RegisterJob:
            body["document"] = keys.open(ask.job, body["document"])
            body["start"] = DecidedStart.model_validate(body["start"]) if body.get("start") is not None else None
            return RegisterJob(**body)
        if kind is StartCutover:
            return StartCutover(str(body["job_id"]), Options.model_validate(body["options"]))
        if kind is StartCompare:
            return StartCompare(str(body["job_id"]), CompareOptions.model_validate(body["options"]))
        return _DECODERS[kind](msgspec.json.encode(body))
    except (msgspec.ValidationError, ValueError, KeyError, TypeError):
        return None


def answer_of(said: Accepted | Rejected) -> Answer:
    return Answer(kind=type(said).__name__, body=msgspec.to_builtins(said))


def said_in(answer: Answer) -> Accepted | Rejected | None:
    """Return what another node has said, None for what this version does not understand."""
    data = msgspec.json.encode(answer.body)
    try:
        return _accepted(data) if answer.kind == Accepted.__name__ else _rejected(data)
    except msgspec.ValidationError:
        return None
