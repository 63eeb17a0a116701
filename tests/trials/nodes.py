"""The nodes of a long run: real servers, each connection between them by a proxy, each store on a disk of its own."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from tests.node.real_cluster import until
from tests.trials.links import Links
from udup.base.errors import UdupError
from udup.sandbox.node import UdupNode
from udup.sandbox.ports import free_port
from udup.store.sealing import KEY_BYTES

#: An address of loopback at which nobody listens: what nodes tell each other of others leads around no proxy.
NOWHERE = "127.0.0.9"

#: MiB of the disk of a node's store, and writes a second of one that is slow.
DISK_MIB, SLOW_WRITES = 600, 15

#: Where the first hierarchy of control groups limits the writes of a device.
_GROUPS = Path("/sys/fs/cgroup/blkio")


class Nodes:
    """Managers and agents; `share` is `jobs.share_processes` of each."""

    def __init__(self, folder: Path, managers: int, agents: int, share: int, *, disks: bool) -> None:
        self.folder, self.managers = folder, managers
        self.links = Links()
        self.disks = Disks(folder / "disks") if disks else None
        self._key = base64.b64encode(os.urandom(KEY_BYTES)).decode()
        self._share = share
        self._routes = [free_port() for _ in range(managers)]
        self._leaves = [free_port() for _ in range(managers)]
        self.all = [self._node(number, is_manager=True) for number in range(managers)]
        self.all += [self._node(managers + number, is_manager=False) for number in range(agents)]

    def _node(self, number: int, *, is_manager: bool) -> UdupNode:
        places = self._routes if is_manager else self._leaves
        others = [place for place in range(self.managers) if place != number]
        join = [self.links.add(number, other, places[other]) for other in others]
        listed = ", ".join(f'"127.0.0.1:{port}"' for port in join)
        role = f'role = "manager"\nadvertise = "{NOWHERE}"' if is_manager else 'role = "agent"'
        cluster = f'{role}\nname = "trials"\nsecret = "a-secret-of-the-trials"\njoin = [{listed}]'
        settings = (
            f'[node]\nname = "n{number}"\n\n[jobs]\nshare_processes = {self._share}\n\n[cluster]\n{cluster}\n\n'
            f'[secrets]\nkey = "{self._key}"\n'
        )
        ports = f"leaf = {self._leaves[number]}\ncluster = {self._routes[number]}\n" if is_manager else ""
        folder = self.folder / f"n{number}"
        if self.disks is not None and is_manager:
            self.disks.make(number, folder / "data" / "nats")
        return UdupNode(folder, settings=settings, ports=ports)

    def __enter__(self) -> Nodes:
        try:
            self.each(self.all, start)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.links.heal()
        self.each(self.all, UdupNode.stop)
        if self.disks is not None:
            self.disks.remove()

    @staticmethod
    def each(nodes: list[UdupNode], act: Callable[[UdupNode], object]) -> None:
        """Do it on all of them at once."""
        with ThreadPoolExecutor(len(nodes)) as pool:
            list(pool.map(act, nodes))

    def id(self, node: UdupNode) -> str:
        return (node.data / "agent" / "node-id").read_text().strip()

    def name(self, node_id: str) -> str:
        """Return what the node is called here; the ID itself of one that is none of these."""
        for number, node in enumerate(self.all):
            with suppress(OSError):
                if self.id(node) == node_id:
                    return f"n{number}"
        return node_id

    def start_those_that_are_down(self) -> None:
        down = [node for node in self.all if not node.running]
        if down:
            self.each(down, lambda node: (node.end_leftovers(), start(node)))

    def ways(self, some: set[int], others: set[int]) -> list[tuple[int, int]]:
        """Return the ways from some nodes to others."""
        return [(a, b) for a in some for b in others if a != b]

    def deaf(self) -> list[str]:
        """Return which node does not hear all others, or does not know who coordinates."""
        return [told for node in self.all if (told := self._lacks(node))]

    def _lacks(self, node: UdupNode) -> str:
        try:
            nodes = node.api._request("GET", "/v1/nodes").json()
            node.api._request("GET", "/v1/leader")
        except UdupError as error:
            return f"{node.folder.name}: {error}"
        heard = {self.name(each["ID"]): each["Status"] for each in nodes}
        return "" if list(heard.values()) == ["ready"] * len(self.all) else f"{node.folder.name} hears {heard}"


def start(node: UdupNode) -> None:
    """Start it; on a busy machine a port may be held for a moment by what has just ended."""

    def is_started() -> bool:
        with suppress(UdupError):
            node.start()
            return True
        node.kill()
        node.end_leftovers()
        return False

    until(is_started, lambda: node.log.read_text("utf-8", "replace")[-2000:], 180)


class Disks:
    """A file system of its own for each store, whose writes can be made slow: the kernel limits those of its device.

    It is mounted so that each write waits for the disk while it is slow. It takes Linux, root, and control groups of
    the first version, which count a write to the process that waits for it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mounts: dict[int, tuple[Path, str]] = {}
        self._groups: dict[int, Path] = {}

    @staticmethod
    def can() -> bool:
        tools = all(shutil.which(each) for each in ("mkfs.ext4", "mount", "umount", "losetup"))
        return os.geteuid() == 0 and tools and (_GROUPS / "blkio.throttle.write_iops_device").parent.is_dir()

    def make(self, number: int, at: Path) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        at.mkdir(parents=True)
        image = self._folder / f"n{number}.img"
        with image.open("wb") as file:
            file.truncate(DISK_MIB << 20)
        _run("mkfs.ext4", "-q", str(image))
        device = _run("losetup", "--find", "--show", str(image)).strip()
        self._mounts[number] = at, device
        _run("mount", device, str(at))

    def slow(self, number: int, node: UdupNode) -> None:
        """Have each write of the node's nats-server wait for a disk that does a few in a second."""
        at, device = self._mounts[number]
        group = self._groups[number] = _GROUPS / f"udup-trials-{os.getpid()}-{number}"
        group.mkdir(exist_ok=True)
        numbers = Path(device).stat().st_rdev
        limit = f"{os.major(numbers)}:{os.minor(numbers)} {SLOW_WRITES}"
        (group / "blkio.throttle.write_iops_device").write_text(limit)
        for pid, title in node.pids().items():
            if "nats-server" in title:
                (group / "cgroup.procs").write_text(str(pid))
        _run("mount", "-o", "remount,sync", str(at))

    def heal(self) -> None:
        for number, group in self._groups.items():
            at, device = self._mounts[number]
            numbers = Path(device).stat().st_rdev
            (group / "blkio.throttle.write_iops_device").write_text(f"{os.major(numbers)}:{os.minor(numbers)} 0")
            for pid in (group / "cgroup.procs").read_text().split():
                (_GROUPS / "cgroup.procs").write_text(pid)
            _run("mount", "-o", "remount,async", str(at))
            group.rmdir()
        self._groups.clear()

    def remove(self) -> None:
        with suppress(OSError):
            self.heal()
        for at, device in self._mounts.values():
            with suppress(subprocess.CalledProcessError):
                _run("umount", "-l", str(at))
                _run("losetup", "--detach", device)
        self._mounts.clear()


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


class Clock:
    """The wall clock of one node's Python processes, which can be stepped; clocks that never go back are left alone.

    nats-server asks the kernel itself, and keeps the machine's.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._library, self._file = folder / "clock.so", folder / f"clock-{name}"
        if not self._library.exists():
            _run(
                "cc",
                "-shared",
                "-fPIC",
                "-O1",
                "-o",
                str(self._library),
                str(Path(__file__).parent / "clock.c"),
                "-ldl",
            )
        if not self._file.exists():
            self.step(0)

    @staticmethod
    def can() -> bool:
        return shutil.which("cc") is not None

    def environment(self) -> dict[str, str]:
        return {**os.environ, "LD_PRELOAD": str(self._library), "TRIALS_CLOCK": str(self._file)}

    def step(self, seconds: int) -> None:
        """Have the clock differ by so much from the machine's, from now on."""
        with self._file.open("r+b" if self._file.exists() else "wb") as file:  # in place: it is mapped
            file.write(seconds.to_bytes(8, sys.byteorder, signed=True))
