"""Commands between nodes: they come as they were sent, no password is in them, and what is not known is refused."""

from __future__ import annotations

import pytest

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
    Rejection,
    ResumeJob,
)
from udup.actors.table_messages import GiveUpTables, ReloadTables, WishSnapshot
from udup.actors.wire_commands import answer_of, ask_of, command_of, job_of, said_in
from udup.base.errors import Failure, FailureKind, Fault, Side
from udup.cluster.asking import Answer, Ask
from udup.jobs.start import DecidedStart
from udup.pipeline.cutover.state import Options
from udup.pipeline.verify.state import CompareOptions
from udup.store.sealing import Keyring

KEYS = Keyring({"k": bytes(32)}, "the test")

_DOCUMENT = {"ID": "a", "Name": "a", "Tasks": [{"Config": {"ConnectionConfig": {"Password": "very secret"}}}]}
_START = DecidedStart(at="now", position="u:1-5", server_uuid="u", time_ns=7)

COMMANDS: tuple[Command, ...] = (
    RegisterJob(_DOCUMENT, None),
    RegisterJob(_DOCUMENT, 7, 9, "reverted to 1", _START, "incarnation"),
    *(DeleteJob("a"), DeleteJob("a", purge=True), PauseJob("a"), ResumeJob("a"), FinishJob("a")),
    *(BeginSkip("a", "u:1"), EndSkip("a", "u:1", done=True), WishSnapshot("a", ("s.t", "s.u"))),
    *(ReloadTables("a", ("s.t",)), GiveUpTables("a")),
    *(StartCutover("a", Options(source_read_only=True, timeout_s=5.0)), AbortCutover("a")),
    *(StartCompare("a", CompareOptions(tables=("s.t",), rows_per_second=7)), StopCompare("a")),
)


def test_every_command_of_clients_is_known() -> None:
    assert {type(each) for each in COMMANDS} == set(Command.__subclasses__())


@pytest.mark.parametrize("command", COMMANDS, ids=lambda each: type(each).__name__)
def test_a_command_comes_as_it_was_sent_and_shows_no_password(command: Command) -> None:
    data = ask_of(command, "me", KEYS).encode()
    assert b"very secret" not in data
    ask = Ask.decode(data)
    assert ask is not None and ask.job == job_of(command) == "a"
    assert command_of(ask, KEYS) == command


@pytest.mark.parametrize(
    "ask",
    [
        Ask(kind="Explode", job="a", body={}),
        Ask(kind="PauseJob", job="a", body={"job_id": "a", "quickly": True}),
        Ask(kind="PauseJob", job="a", body={"job_id": 1}),
        Ask(kind="PauseJob", job="a", body={}),
        Ask(kind="RegisterJob", job="a", body={}),
        Ask(kind="StartCutover", job="a", body={"job_id": "a", "options": {"timeout_s": "x"}}),
    ],
)
def test_what_another_version_asks_and_this_one_does_not_know_is_refused(ask: Ask) -> None:
    assert command_of(ask, KEYS) is None


_FAULT = Fault("Src", "no log", "turn it on", "Src")


@pytest.mark.parametrize(
    "said",
    [
        Accepted(7, "a", "e", changed=False),
        Rejected(Rejection.REFUSED, Failure(FailureKind.REFUSED, "no", (_FAULT,), side=Side.SOURCE)),
    ],
)
def test_an_answer_comes_as_it_was_given(said: Accepted | Rejected) -> None:
    answer = Answer.decode(answer_of(said).encode())
    assert answer is not None and said_in(answer) == said


def test_what_cannot_be_read_is_none() -> None:
    assert Ask.decode(b"pickle") is None and Answer.decode(b"[") is None
    assert said_in(Answer(kind="Rejected", body={"reason": "because"})) is None
