"""What to do where redo is not understood, in the words in which errors say so."""

from __future__ import annotations

from udup.base.remedies import START_WITH_COPY

#: Of a transaction that cannot be carried.
PASS_OVER = (
    "carry it out on the target by hand and pass over it (udup job skip), leave the table out (ReplicateIgnoreDb) in a"
    f" job with another ID, or {START_WITH_COPY}"
)

#: Of what LogMiner should not show by its documentation.
REPORT = f"please report it; to go on, {START_WITH_COPY}"
