"""`python -m tests.subscriptions.rebuilt --seconds 600`: tables rebuilt from a subscription's messages, with kills.

The seed is printed; `--seed` makes the same tables, statements and kills again (threads still meet as they will).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.drivers.messages.kafka.broker import Broker
from tests.end_to_end.conftest import run
from tests.quick_servers import QUICK
from tests.subscriptions.rebuilt.kafka import IntoKafka
from tests.subscriptions.rebuilt.run import VICTIMS, Plan, Rebuilding
from tests.subscriptions.world import Subscribed
from udup.sandbox.node import UdupNode
from udup.sandbox.provision import provision
from udup.sandbox.server import MysqlServer


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.subscriptions.rebuilt", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120, help="how long to write (default: %(default)s)")
    parser.add_argument("--seed", default=str(time.time_ns()), help="of an earlier run, to repeat it")
    parser.add_argument("--writers", type=int, default=2, help="threads that write rows (default: %(default)s)")
    parser.add_argument("--round", type=float, default=20, dest="round_seconds", help="seconds between comparisons")
    parser.add_argument("--ddl", type=float, default=0.7, dest="ddl_seconds", help="seconds between DDL, 0 for none")
    parser.add_argument("--kills", type=float, default=4, dest="kill_seconds", help="seconds between kills")
    parser.add_argument("--victims", default=",".join(VICTIMS), help="what is killed (default: %(default)s)")
    parser.add_argument(
        "--freeze", type=float, default=0, dest="freeze_seconds", help="have every other victim hang, for up to so long"
    )
    parser.add_argument("--kafka", action="store_true", help="into Kafka; its broker can be a victim: broker")
    parser.add_argument("--copy-kills", type=int, default=0, help="kills while a snapshot is read")
    parser.add_argument("--copy-ddl", action="store_true", help="change definitions also while a snapshot is read")
    parser.add_argument(
        "--option", action="append", default=[], help="of the source's mysqld: name=value, as often as one likes"
    )
    chosen = parser.parse_args()
    began = time.monotonic()

    def say(line: str) -> None:
        print(f"{time.monotonic() - began:7.1f}  {line}", flush=True)

    victims = tuple(filter(None, chosen.victims.split(",")))
    own = {name.replace("_", "-"): value for name, _, value in (each.partition("=") for each in chosen.option)}
    planned = {name: given for name, given in vars(chosen).items() if name not in ("option", "kafka")}
    plan = Plan(**{**planned, "victims": victims})
    options = {**QUICK, "binlog-row-metadata": "FULL", **own}
    with tempfile.TemporaryDirectory(prefix="udup-rebuilt-") as name:
        folder = Path(name)
        with (
            MysqlServer(provision(say), folder / "source", options=options) as source,
            UdupNode(folder / "node") as node,
        ):
            run(source.endpoint, "CREATE DATABASE rebuilt")
            try:
                world = Subscribed(source, node, "rebuilt")
                if chosen.kafka:
                    with _broker(folder / "kafka") as broker:
                        IntoKafka(world, broker, plan, say).run()
                else:
                    Rebuilding(world, plan, say).run()
            except Exception as error:  # noqa: BLE001 - shown with the log
                traceback.print_exc()
                print(f"FAILED: {error}\n--- the server's log ends with:\n{node.log.read_text()[-6000:]}")
                return 1
    return 0


@contextmanager
def _broker(folder: Path) -> Iterator[Broker]:
    broker = Broker(folder)
    broker.start()
    try:
        yield broker
    finally:
        broker.kill()


if __name__ == "__main__":
    sys.exit(main())
