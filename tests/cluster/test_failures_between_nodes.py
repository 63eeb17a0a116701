"""A failure of a guest's part comes to its job's owner with all that is known of it, from an older node too."""

from __future__ import annotations

import msgspec

from udup.base.causes import Cause, reason
from udup.base.errors import Failure, FailureKind, Fault
from udup.cluster.guest_words import Ended, Letter, Line, Numbered

FAILURE = Failure(
    FailureKind.REFUSED,
    "the log is gone",
    (Fault("Src a:1", "purged", "copy again", "Src", Cause.SOURCE_PURGED),),
    reason=reason(Cause.SOURCE_PURGED, {"server": "a:1"}, key="k", statement="s"),
)


def _letter(failure: Failure) -> Letter:
    return Letter(sender="n", by_owner=False, lines=(Line(job="j", run=1, words=(Numbered(1, Ended(failure)),)),))


def test_the_reason_comes_along() -> None:
    found = Letter.decode(_letter(FAILURE).encode())
    assert found is not None
    [word] = found.lines[0].words
    assert isinstance(word.word, Ended)
    assert word.word.failure == FAILURE


def test_a_failure_of_a_node_that_knows_no_reasons_is_read() -> None:
    told = msgspec.msgpack.decode(_letter(FAILURE).encode())
    failure = told["lines"][0]["words"][0]["word"]["failure"]
    del failure["reason"]
    del failure["faults"][0]["cause"]
    found = Letter.decode(msgspec.msgpack.encode(told))
    assert found is not None
    [word] = found.lines[0].words
    assert isinstance(word.word, Ended)
    assert (word.word.failure.reason, word.word.failure.faults[0].cause) == (None, "")
