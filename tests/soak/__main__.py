"""`python -m tests.soak --seconds 600`: a random workload with kills, compared at every quiet point. With `--copy
2000000` a copy of so many rows under writing, all of whose processes are killed at 10, 50 and 95 % of them; `--at` has
it otherwise (`--at "0.2 worker 0.4 pause 0.6 document 0.8 target"`).

With `--proof` a steady workload, compared all the time by Udup itself while everything is killed (`proof/run.py`).

The seed is printed; `--seed` makes the same tables, statements and kills again (threads still meet as they will).
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.soak import copying
from tests.soak.proof import run as proof
from tests.soak.run import Plan
from udup.base.errors import UdupError
from udup.sandbox.node import UdupNode
from udup.sandbox.provision import provision
from udup.sandbox.server import MysqlServer


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, help="how long to write (default: 120)")
    parser.add_argument("--seed", default=str(time.time_ns()), help="of an earlier run, to repeat it")
    parser.add_argument("--writers", type=int, default=3, help="threads that write rows (default: %(default)s)")
    parser.add_argument("--round", type=float, default=20, dest="round_seconds", help="seconds between comparisons")
    parser.add_argument("--ddl", type=float, default=1, dest="ddl_seconds", help="seconds between DDL, 0 for none")
    parser.add_argument("--kills", type=float, default=8, dest="kill_seconds", help="seconds between kills, 0 for none")
    parser.add_argument(
        "--without-transactions",
        action="store_true",
        help="with MyISAM, MEMORY, CSV and ARCHIVE tables; the MySQL servers are not killed then",
    )
    parser.add_argument("--shaped", action="store_true", help="with tables of which some rows or columns are carried")
    parser.add_argument("--compared", action="store_true", help="also by Udup, all the time, which must tell nothing")
    parser.add_argument("--proof", action="store_true", help="of compare and repair: ten minutes unless --seconds says")
    parser.add_argument("--rate", type=float, default=300, help="of the proof: transactions a second")
    parser.add_argument("--changes", type=int, default=200, help="of the proof: rows changed behind the job's back")
    parser.add_argument("--copy", type=int, default=0, metavar="ROWS", help="a copy of so many rows that is killed")
    parser.add_argument("--at", default="0.1 all 0.5 all 0.95 all", help="of a copy: where, and what is killed")
    parser.add_argument("--by-statements", action="store_true", help="rows get to the target by statements")
    parser.add_argument(
        "--growth", type=float, default=0, dest="growth_seconds", help="seconds between changes of the job, 0 for none"
    )
    chosen = parser.parse_args()
    began = time.monotonic()

    def say(line: str) -> None:
        print(f"{time.monotonic() - began:7.1f}  {line}", flush=True)

    plan = _plan(chosen)
    programs = provision(say)
    with tempfile.TemporaryDirectory(prefix="udup-soak-") as name:
        folder = Path(name)
        with (
            MysqlServer(programs, folder / "source", options=plan.source_options) as source,
            MysqlServer(programs, folder / "target") as target,
            UdupNode(folder / "node") as node,
        ):
            work = plan.of(source, target, node, say)
            try:
                work.run()
            except UdupError as error:
                print(f"FAILED: {error}\n--- the server's log ends with:\n{node.log.read_text()[-4000:]}")
                return 1
    say(work.summary)
    return 0


def _plan(chosen: argparse.Namespace) -> Plan | proof.Plan | copying.Plan:
    asked = vars(chosen)
    of_proof = {name: asked.pop(name) for name in ("rate", "changes")}
    rows, at = asked.pop("copy"), asked.pop("at").split()
    if rows:
        kills = [(float(share), victim) for share, victim in zip(at[::2], at[1::2], strict=True)]
        return copying.Plan(rows, chosen.seed, kills)
    if asked.pop("proof"):
        return proof.Plan(chosen.seed, chosen.seconds or 600, kill_seconds=chosen.kill_seconds, **of_proof)
    return Plan(**asked | {"seconds": chosen.seconds or 120})


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
