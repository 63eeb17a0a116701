"""`python -m tests.conformance [FOLDER] [--only TEXT]`: runs the cases of a folder, the project's own by default."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.conformance.pairs import KINDS, Pair, kind_of
from tests.conformance.servers import open_suite
from udup.base.errors import UdupError
from udup.selftest import CASES
from udup.selftest.case import PHASES, Case, read_cases
from udup.selftest.suite import groups
from udup.selftest.verdict import Verdict


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=CASES, help="a folder of cases (*.sql, also below it)")
    parser.add_argument("--only", default="", metavar="TEXT", help="run the cases whose names hold TEXT")
    parser.add_argument("--source", default="mysql", metavar="KIND", help=f"the source: {', '.join(KINDS)}")
    parser.add_argument("--target", default="mysql", metavar="KIND", help="the target, likewise")
    parser.add_argument("--phase", choices=PHASES, help="run this phase alone")
    parser.add_argument(
        "--managed",
        action="store_true",
        help="with an account of a managed server on the target: rows go by statements",
    )
    parser.add_argument(
        "--unfit",
        action="store_true",
        help="run the cases that say that they are not for this pair: one that passes says what is no longer so",
    )
    options = parser.parse_args()
    try:
        pair = Pair(kind_of(options.source), kind_of(options.target))
        named = [case for case in read_cases(options.folder) if options.only in case.name]
        cases = pair.unfit(named) if options.unfit else pair.cases(named)
        programs, of_target = KINDS[pair.source](print), KINDS[pair.target](print)
    except UdupError as error:
        parser.exit(2, f"{error}\n")
    started = time.monotonic()
    verdicts = []
    with (
        tempfile.TemporaryDirectory(prefix="udup-conformance-") as folder,
        open_suite(programs, Path(folder), of_target=of_target, managed=options.managed) as suite,
    ):
        for phase in [options.phase] if options.phase else PHASES:
            of_phase = [case for case in cases if phase in case.phases]
            for verdict in (each for group in groups(of_phase) for each in suite.run(group, phase)):
                verdicts.append(verdict)
                if verdict.fault:
                    print(f"FAILED {verdict.case} ({verdict.phase}): {verdict.fault}", flush=True)
            print(f"{phase}: {time.monotonic() - started:.0f} s", flush=True)
    if options.unfit:
        return _told_of_unfit(pair, cases, verdicts)
    failed = sum(1 for verdict in verdicts if verdict.fault)
    print(f"{pair}: {len(verdicts) - failed} passed, {failed} failed in {time.monotonic() - started:.0f} s")
    return 1 if failed else 0


def _told_of_unfit(pair: Pair, cases: Sequence[Case], verdicts: Sequence[Verdict]) -> int:
    """List the cases that pass though they say that they are not for the pair; return 1 if there are any."""
    failed = {verdict.case.name for verdict in verdicts if verdict.fault}
    passing = [case for case in cases if case.name not in failed]
    for case in passing:
        print(f"NO LONGER UNFIT {case}: {case.why_unfit(pair.source, pair.target)}")
    print(f"{pair}: {len(passing)} of {len(cases)} cases are no longer unfit")
    return 1 if passing else 0


if __name__ == "__main__":
    sys.exit(main())
