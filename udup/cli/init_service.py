"""What `udup init --systemd` writes: a unit by which systemd runs a node, and settings that fit it."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import click

from udup.cli.commands import CommandError
from udup.cli.new_files import write_new
from udup.cli.output import Output

UNIT, SETTINGS, VARIABLES = "udup.service", "udup.toml", "udup.env"

#: Where they belong, and where a node's data are.
_UNITS, _CONFIG, DATA = Path("/etc/systemd/system"), Path("/etc/udup"), Path("/var/lib/udup")

#: What systemd makes by itself, for its user alone.
_STATE = Path("/var/lib")

#: What the unit hides from the node (ProtectHome, PrivateTmp).
_HIDDEN = (Path("/home"), Path("/root"), Path("/run/user"), Path("/tmp"), Path("/var/tmp"))

_USER = "udup"


@dataclass(frozen=True)
class Service:
    """Where everything is. All paths are absolute."""

    unit: Path
    settings: Path
    data: Path
    executable: Path

    @classmethod
    def of(cls, folder: Path | None, data: Path | None, executable: Path | None) -> Service:
        """Return it for the folder of both files, None for those of the system; `CommandError` for what cannot be."""
        units, config = (_UNITS, _CONFIG) if folder is None else (folder.absolute(), folder.absolute())
        made = cls(units / UNIT, config / SETTINGS, (data or DATA).absolute(), (executable or _own()).absolute())
        for path, what in ((made.executable, "--executable: the program"), (made.data, "--data-dir: the folder")):
            if hidden := [each for each in _HIDDEN if path.is_relative_to(each)]:
                raise CommandError(
                    f"{what} {path} is in {hidden[0]}, which the unit hides from the node; have it elsewhere: install"
                    " Udup into /opt/udup, and its data into /var/lib/udup"
                )
            if any(character.isspace() or character in "%\\\"'" for character in str(path)):
                raise CommandError(f"{what} {str(path)!r} has a character that systemd reads otherwise; take another")
        return made

    def files(self) -> dict[Path, tuple[str, int]]:
        """Return what is to be written, each with its permissions."""
        return {self.unit: (self._unit(), 0o644), self.settings: (self._settings(), 0o640)}

    def commands(self) -> list[str]:
        """Return what root does then."""
        data, settings = shlex.quote(str(self.data)), shlex.quote(str(self.settings))
        account = f"useradd --system --user-group --home-dir {data} --no-create-home --shell /usr/sbin/nologin {_USER}"
        folder = [] if self._is_state else [f"install -d -o {_USER} -g {_USER} -m 0700 {data}"]
        start = ["systemctl daemon-reload", "systemctl enable --now udup"]
        return [account, f"chgrp {_USER} {settings}", *folder, *start]

    @property
    def _is_state(self) -> bool:
        return self.data != _STATE and self.data.is_relative_to(_STATE)

    def _unit(self) -> str:
        state = f"StateDirectory={self.data.relative_to(_STATE)}\nStateDirectoryMode=0700" if self._is_state else ""
        put = {
            "@EXECUTABLE@": str(self.executable),
            "@CONFIG@": str(self.settings),
            "@ENVIRONMENT@": str(self.settings.with_name(VARIABLES)),
            "@DATA@": state or f"ReadWritePaths={self.data}",
        }
        text = _template(UNIT)
        for name, value in put.items():
            text = text.replace(name, value)
        return text

    def _settings(self) -> str:
        return _template(SETTINGS).replace('\ndata_dir = "data"\n', f'\ndata_dir = "{self.data}"\n')


def write_service(service: Service, *, as_json: bool) -> None:
    """Write both files, neither if one is there, and say what is to be done then."""
    files = service.files()
    write_new(files)
    if as_json:
        Output(as_json=True).json({"Written": [str(path) for path in files], "Commands": service.commands()})
        return
    click.echo(f"Unit written to {service.unit}, settings to {service.settings}")
    click.echo("Then, as root:")
    for command in service.commands():
        click.echo(f"  {command}")


def _own() -> Path:
    """Return the program that runs now, as a unit can name it."""
    called = Path(sys.argv[0])
    return called if called.name == "udup" and called.exists() else Path(sys.executable).with_name("udup")


def _template(name: str) -> str:
    return (resources.files("udup.cli") / "templates" / name).read_text("utf-8")
