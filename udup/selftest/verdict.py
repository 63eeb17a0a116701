"""What became of a case."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from udup.selftest.case import Case

#: What the text of a case begins with that its source does not run.
NOT_RUN = "the case does not run on the source: "


class Outcome(StrEnum):
    """What became of a case between two servers."""

    EQUAL = "equal"

    #: The job stopped and said why.
    REFUSED = "refused"

    #: The source itself does not run the case: another version, another privilege.
    SKIPPED = "skipped"

    DIFFERENT = "DIFFERENT"

    #: Anything else: the job did not get there, and did not say why.
    FAILED = "failed"


@dataclass(frozen=True)
class CaseFault:
    """Why a case did not pass."""

    outcome: Outcome
    text: str


@dataclass(frozen=True)
class Verdict:
    """`fault` is empty if the case passed, else why it did not. `refusal` is what the job said of a case that it had
    to refuse, and did.
    """

    case: Case
    phase: str
    fault: str = ""
    outcome: Outcome = Outcome.EQUAL
    refusal: str = ""

    @classmethod
    def of(cls, case: Case, phase: str, fault: CaseFault | None) -> Verdict:
        return cls(case, phase) if fault is None else cls(case, phase, fault.text, fault.outcome)
