"""`python -m tests.trials --trials 100`: whole nodes of a cluster under faults, while their jobs are written to.

Each trial strikes a running cluster of real servers with one fault, waits until all jobs go on, compares source and
target exactly, and looks through the history of who owned what: no job may be taken from a node that was well. The seed
is printed; `--seed` chooses the same faults and roles again. What a bad trial leaves is kept in `--keep`, and the exit
code is 1.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from tests.quick_servers import QUICK
from tests.trials.faults import AGENT, FAULTS, Fault, Lab
from tests.trials.judging import Outcome, spans
from tests.trials.nodes import Clock, Disks, Nodes
from tests.trials.trial import Trial, post_jobs
from tests.trials.watch import Load, Watcher
from udup.sandbox.programs import MysqlPrograms
from udup.sandbox.provision import provision
from udup.sandbox.server import MysqlServer

ROOT = Path(__file__).resolve().parents[2]


class Runner:
    """Trials in one lab after another: a bad trial ends its lab, so that the next one begins with a whole one."""

    def __init__(self, chosen: argparse.Namespace, programs: MysqlPrograms) -> None:
        self._chosen, self._programs = chosen, programs
        self._began = time.monotonic()
        self.outcomes: list[Outcome] = []
        self._faults = self._schedule()

    def say(self, line: str) -> None:
        print(f"{time.monotonic() - self._began:7.1f}  {line}", flush=True)

    def run(self) -> int:
        self.say(f"seed {self._chosen.seed}: {self._chosen.trials} trials on {self._chosen.managers} managers")
        try:
            while self._goes_on():
                self._in_a_lab()
        finally:
            self._tell_all()
        return 1 if any(each.violations for each in self.outcomes) else 0

    def _tell_all(self) -> None:
        for line in spans(self.outcomes):
            print(line)
        bad = sum(bool(each.violations) for each in self.outcomes)
        starved = sum(bool(each.notes) for each in self.outcomes)
        print(f"{len(self.outcomes)} trials, {bad} bad, {starved} in which this machine starved a node", flush=True)

    def _goes_on(self) -> bool:
        is_late = self._chosen.seconds and time.monotonic() - self._began > self._chosen.seconds
        return len(self.outcomes) < self._chosen.trials and not is_late

    def _in_a_lab(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="udup-trials-"))
        with ExitStack() as stack:
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            source = stack.enter_context(MysqlServer(self._programs, folder / "source", options=QUICK))
            target = stack.enter_context(MysqlServer(self._programs, folder / "target", options=QUICK))
            chosen = self._chosen
            nodes = Nodes(folder, chosen.managers, chosen.agents, chosen.share, disks=self._has("disks"))
            stack.enter_context(nodes)
            lab = Lab(nodes, Watcher(nodes), _versions(folder, chosen.old))
            load = Load(source.endpoint, target.endpoint, [f"job_{number}" for number in range(chosen.jobs)])
            load.create_tables()
            post_jobs(lab, load, chosen.apart)
            self.say(f"{chosen.jobs} jobs run")
            while self._goes_on():
                fault, role = next(self._faults)
                outcome = self._trial(lab, load, fault, role)
                if outcome.violations:
                    self._keep(lab, outcome, folder)
                    return

    def _trial(self, lab: Lab, load: Load, fault: Fault, role: str) -> Outcome:
        try:
            outcome = Trial(lab, load, fault, role).run()
        except AssertionError as error:
            outcome = Outcome(fault.name, "?", role, violations=[f"before the fault: {error}"])
        self.outcomes.append(outcome)
        self.say(f"trial {len(self.outcomes)}: {outcome} (load {os.getloadavg()[0]:.0f})")
        return outcome

    def _schedule(self) -> Iterator[tuple[Fault, str]]:
        """Yield all faults with all roles in a random order, for ever."""
        dice = random.Random(self._chosen.seed)
        wanted = self._chosen.only
        pairs = [(fault, role) for fault in FAULTS for role in fault.roles if self._has(fault.needs)]
        pairs = [each for each in pairs if (each[1] != AGENT or self._chosen.agents) and wanted in each[0].name]
        while True:
            dice.shuffle(pairs)
            yield from pairs

    def _has(self, what: str) -> bool:
        match what:
            case "five managers":
                return bool(self._chosen.managers == 5)
            case "old":
                return bool(self._chosen.old)
            case "newer":
                return bool(self._chosen.newer)
            case "disks":
                return Disks.can()
            case "clock":
                return Clock.can()
        return True

    def _keep(self, lab: Lab, outcome: Outcome, folder: Path) -> None:
        """Keep the nodes' logs and the history of who owned what."""
        kept = Path(self._chosen.keep) / f"seed-{self._chosen.seed}-trial-{len(self.outcomes)}"
        for node in lab.nodes.all:
            to = kept / node.folder.name
            to.mkdir(parents=True)
            for file in (node.log, node.data / "nats" / "nats.log"):
                if file.exists():
                    shutil.copy(file, to / file.name)
        names = {lab.nodes.id(node): node.folder.name for node in lab.nodes.all}
        history = [f"{each.at:.2f} {each.seq} {each.key} {each.owner}" for each in lab.watcher.since(0)]
        (kept / "history.txt").write_text("\n".join([str(outcome), json.dumps(names), *history]))
        (kept / "silences.json").write_text(json.dumps(lab.watcher.silences))
        self.say(f"kept in {kept}")


def _versions(folder: Path, old: str) -> dict[str, dict[str, str]]:
    """Return environments in which `udup` is another version: an older commit's, and one whose records are newer."""
    made: dict[str, dict[str, str]] = {}
    if old:
        (folder / "old").mkdir()
        archive = subprocess.run(["git", "-C", str(ROOT), "archive", old, "udup"], check=True, capture_output=True)
        subprocess.run(["tar", "-x", "-C", str(folder / "old")], input=archive.stdout, check=True)
        for library in (ROOT / "udup").glob("_rows*.so"):
            shutil.copy(library, folder / "old" / "udup")
    newer = folder / "newer"
    shutil.copytree(ROOT / "udup", newer / "udup", ignore=shutil.ignore_patterns("__pycache__"))
    record = newer / "udup" / "jobs" / "record.py"
    text = record.read_text()
    for known, other in (("\nFORMAT = 2\n", "\nFORMAT = 9\n"), ("    format: int = 1\n", "    format: int = 9\n")):
        assert known in text, known
        text = text.replace(known, other)
    record.write_text(text.replace("self.part_of else 1}", "self.part_of else 9}"))
    for name in ("old", "newer"):
        made[name] = {**os.environ, "PYTHONPATH": str(folder / name), "PYTHONSAFEPATH": "1"}
    return made


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.trials", description=__doc__)
    parser.add_argument("--trials", type=int, default=100, help="how many (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=0, help="begin no trial after so long, 0: no end")
    parser.add_argument("--seed", default=str(time.time_ns()), help="of an earlier run, to repeat its faults")
    parser.add_argument("--managers", type=int, default=3, choices=(3, 5), help="(default: %(default)s)")
    parser.add_argument("--agents", type=int, default=0, help="nodes without the store (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=6, help="(default: %(default)s)")
    parser.add_argument("--apart", type=int, default=2, help="jobs with tasks on two nodes (default: %(default)s)")
    parser.add_argument("--share", type=int, default=1, help="jobs.share_processes of the nodes (default: %(default)s)")
    parser.add_argument("--only", default="", help="faults whose name has this, such as kill")
    parser.add_argument("--old", default="", help="a commit, to which nodes go one after the other, and back")
    parser.add_argument("--newer", action="store_true", help="with a version whose records this one cannot read")
    parser.add_argument("--keep", default="trials-kept", help="where bad trials are kept (default: %(default)s)")
    chosen = parser.parse_args()
    return Runner(chosen, provision(lambda line: print(line))).run()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
