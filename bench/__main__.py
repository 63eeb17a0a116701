"""`python -m bench [--quick] [backlog] [latency] [copy] …`, all by default: prints tables, writes JSON."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from bench import (
    backlog,
    bigtx,
    comparing,
    families,
    full_copy,
    growing,
    latency,
    many_jobs,
    nodes,
    nodes_computed,
    row_text,
    rows,
    sub_backlog,
    sub_latency,
    sub_memory,
    wan,
)
from bench.results import Result, save, show
from bench.servers import Bench
from udup.base.errors import UdupError
from udup.sandbox.provision import provision

BENCHMARKS: dict[str, Callable[[Bench], Result]] = {
    "backlog": backlog.run,
    "families": families.run,
    "latency": latency.run,
    "growing": growing.run,
    "comparing": comparing.run,
    "copy": full_copy.run,
    "bigtx": bigtx.run,
    "many": many_jobs.run,
    "nodes": nodes.run,
    "computed": nodes_computed.run,
    "rows": rows.run,
    "rowtext": row_text.run,
    "sub": sub_backlog.run,
    "sublatency": sub_latency.run,
    "submemory": sub_memory.run,
    "wan": wan.run,
}

#: Columns of the tables where no terminal says how wide it is.
WIDTH = 120


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Udup against MySQL's replica and copy tools")
    parser.add_argument("what", nargs="*", metavar="|".join(BENCHMARKS), help="which ones; all by default")
    parser.add_argument("--quick", action="store_true", help="a tenth of the work, for a first look")
    parser.add_argument("--rows", type=int, default=0, help="rows of the backlog of `sub`, and of `rowtext`")
    parser.add_argument("--megabytes", type=int, default=0, help="size of the transaction of `submemory`")
    chosen = parser.parse_args()
    if unknown := set(chosen.what) - BENCHMARKS.keys():
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    try:
        results = _run(chosen, console)
    except UdupError as error:
        console.print(f"the benchmark failed: {error}", style="red", highlight=False)
        return 1
    return 0 if all(result.complete for result in results) else 1


def _run(chosen: argparse.Namespace, console: Console) -> list[Result]:
    programs = provision(console.print)
    results = []
    with tempfile.TemporaryDirectory(prefix="udup-bench-") as folder:
        bench = Bench(programs, Path(folder), chosen.quick, chosen.rows, chosen.megabytes)
        for name in chosen.what or BENCHMARKS:
            console.print(f"{name} …")
            result = BENCHMARKS[name](bench)
            show(result, console)
            results.append(result)
    console.print(f"written to {save(results, programs.description, chosen.quick)}", highlight=False)
    return results


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
