"""`udup selftest`: what two servers of the user's own carry, with a report to be sent back."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from udup.base.endpoint import Endpoint
from udup.base.errors import UdupError
from udup.base.secrets import Unresolvable, is_reference, read_setting
from udup.base.tls import SslMode, Tls
from udup.cli.commands import Command, CommandError, ExitCode, confirmed
from udup.cli.options import Session, asks_server

if TYPE_CHECKING:
    from udup.selftest.run import SelfTest

_PORT = 3306

_FILE = click.Path(path_type=Path, dir_okay=False)
_MODES = [mode.value for mode in SslMode]
_PHASES = ("copy", "incremental")


@click.command(cls=Command)
@click.option("--source", "source_text", metavar="USER@HOST[:PORT]", help="The server to copy from.")
@click.option("--target", "target_text", metavar="USER@HOST[:PORT]", help="The server to copy to.")
@click.option("--source-password", metavar="REF", help="env:NAME or file:PATH [UDUP_SOURCE_PASSWORD; else asked].")
@click.option("--target-password", metavar="REF", help="env:NAME or file:PATH [UDUP_TARGET_PASSWORD; else asked].")
@click.option("--source-tls", type=click.Choice(_MODES), help="As a job's SslMode.")
@click.option("--target-tls", type=click.Choice(_MODES), help="As a job's SslMode.")
@click.option("--source-ca", metavar="FILE", default="", help="Certificates to trust, as a job's SslCa.")
@click.option("--target-ca", metavar="FILE", default="", help="Certificates to trust, as a job's SslCa.")
@click.option("--only", metavar="TEXT", default="", help="The cases whose names hold TEXT; types/ is a topic.")
@click.option("--phase", type=click.Choice(_PHASES), help="The full copy alone, or the log alone.")
@click.option(
    "--report",
    "report_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where the report goes; default: a new file here.",
)
@click.option("--list", "list_only", is_flag=True, help="List the cases, and what is left out; ask no server.")
@click.option("--clean", is_flag=True, help="Remove what a self-test that was killed has left, and end.")
@click.option("--yes", is_flag=True, help="Do not ask before something is made on the servers.")
@click.option("--running", is_flag=True, help="With the Udup server of --address, not one of its own.")
@asks_server
def selftest(
    session: Session,
    source_text: str | None,
    target_text: str | None,
    source_password: str | None,
    target_password: str | None,
    source_tls: str | None,
    target_tls: str | None,
    source_ca: str,
    target_ca: str,
    only: str,
    phase: str | None,
    report_file: Path | None,
    list_only: bool,
    clean: bool,
    yes: bool,
    running: bool,
) -> None:
    """Carry several hundred cases of what MySQL can hold and do between two servers of yours, and compare.

    Schemas of its own are made on both and dropped at the end; nothing else is written. The report, one file that
    names neither hosts nor accounts, can be sent back: docs/selftest.md. For an Oracle server: udup selftest-oracle.

    \b
    Exit codes: 0 all cases are equal, or were refused or skipped with a reason,
    1 something is different or failed, or the servers cannot be used, 2 wrong usage.

    \b
    Examples:
      udup selftest --source root@db1 --target root@db2:3307
      udup selftest --source root@db1 --target root@db2 --only types/ --yes
      udup selftest --source root@db1 --target root@db2 --clean
    """
    if list_only:
        _list(session, only)
        return
    if not source_text or not target_text:
        raise click.UsageError("--source USER@HOST[:PORT] and --target USER@HOST[:PORT] are needed")
    source = endpoint_of("source", source_text, source_tls, source_ca)
    target = endpoint_of("target", target_text, target_tls, target_ca)
    _check_only(only)
    report_file = report_place(report_file)
    source = with_password("source", source, source_password)
    target = with_password("target", target, target_password)

    from rich.console import Console

    from udup.selftest.run import Plan, SelfTest

    # With --json standard output is the report's alone.
    console = Console(stderr=session.out.as_json, no_color=True if not session.out.colours else None)
    plan = Plan(source, target, (phase,) if phase else _PHASES, only, session.where if running else None)
    test = SelfTest(plan, console, lambda text: _agreed(text, yes))
    if clean:
        test.clean()
        return
    sys.exit(_run(session, test, report_file))


def _run(session: Session, test: SelfTest, report_file: Path) -> int:
    """Run it, and write the report of however much was carried out."""
    from udup.demo.ending import stoppable

    code: int = ExitCode.FAILED
    try:
        with stoppable():
            report = test.run()
        if report is None:
            return ExitCode.FAILED
        code = ExitCode.FAILED if report.bad or report.ended else ExitCode.OK
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
    finally:
        _write(session, test, report_file)
    return code


def _write(session: Session, test: SelfTest, file: Path) -> None:
    if test.report is None or not (test.report.verdicts or test.report.checks):
        return
    from udup.selftest.report import rendered

    try:
        file.write_text(rendered(test.report, test.scrub), "utf-8")
    except OSError as error:
        raise CommandError(f"cannot write the report {file}: {error.strerror}") from error
    if session.out.as_json:
        session.out.json(test.scrub(test.report.to_json()))
    ended = f" (not complete: {test.report.ended})" if test.report.ended else ""
    click.echo(f"{test.report.summary()}{ended}", err=session.out.as_json)
    click.echo(f"The report is in {file}; it names neither hosts nor accounts", err=session.out.as_json)


def _list(session: Session, only: str) -> None:
    from udup.selftest import CASES
    from udup.selftest.case import read_cases
    from udup.selftest.choice import choose

    _check_only(only)
    cases = [case for case in read_cases(CASES) if only in case.name]
    choice = choose(cases)
    if session.out.as_json:
        told = [{"Case": case.name, "Topic": case.topic, "Phases": list(case.phases)} for case in choice.cases]
        session.out.json({"Cases": told, "LeftOut": choice.left_out})
        return
    session.out.table(("Case", "Topic"), [(case.name, case.topic) for case in choice.cases])
    if choice.left_out:
        session.out.title("Left out")
        session.out.table(("Case", "Why"), list(choice.left_out.items()))


def _check_only(only: str) -> None:
    from udup.selftest import CASES
    from udup.selftest.case import read_cases

    if not any(only in case.name for case in read_cases(CASES)):
        raise CommandError(f"no case's name holds {only!r}; udup selftest --list has them", ExitCode.USAGE)


def endpoint_of(side: str, text: str, mode: str | None, ca: str, *, port: int = _PORT) -> Endpoint:
    """`user@host:port`; the last @ counts, since some services' accounts have one."""
    user, at, place = text.rpartition("@")
    host, port_text = place, ""
    if place.startswith("["):  # IPv6
        host, _, rest = place[1:].partition("]")
        port_text = rest.removeprefix(":")
    elif place.count(":") == 1:
        host, _, port_text = place.partition(":")
    if not at or not user or not host or not (port_text or str(port)).isdecimal():
        raise click.BadParameter(f"{place!r} is not of the form USER@HOST[:PORT]", param_hint=f"--{side}")
    if ":" in user:
        raise click.BadParameter(
            f"a password here would be seen by all users of this machine; give UDUP_{side.upper()}_PASSWORD, or"
            f" --{side}-password env:NAME or file:PATH, or wait to be asked",
            param_hint=f"--{side}",
        )
    port = int(port_text or port)
    if not 0 < port < 65536:
        raise click.BadParameter(f"{port} is no port", param_hint=f"--{side}")
    ca_path = str(Path(ca).absolute()) if ca else ""
    return Endpoint(host, port, user, "", Tls.of(SslMode(mode) if mode else None, ca_path, "", ""))


def with_password(side: str, endpoint: Endpoint, reference: str | None) -> Endpoint:
    """The endpoint with its password: of the reference, else of the environment, else as the user types it."""
    option, variable = f"--{side}-password", f"UDUP_{side.upper()}_PASSWORD"
    if reference is not None and not is_reference(reference):
        raise click.BadParameter("it must be a reference, env:NAME or file:PATH", param_hint=option)
    if reference is not None:
        try:
            password = read_setting(reference, os.environ)
        except Unresolvable as error:
            raise CommandError(f"{option} {error}", ExitCode.USAGE) from error
    elif variable in os.environ:
        password = os.environ[variable]
    elif sys.stdin.isatty():
        question = f"Password of {endpoint}"
        password = click.prompt(question, default="", show_default=False, hide_input=True, err=True)
    else:
        raise CommandError(
            f"the {side}'s password is needed: set {variable}, or give {option} env:NAME or file:PATH", ExitCode.USAGE
        )
    return replace(endpoint, password=password)


def _agreed(text: str, yes: bool) -> bool:
    click.echo(text, err=True)
    return yes or confirmed("Begin?", "the self-test")


def report_place(given: Path | None) -> Path:
    """Where the report goes; `UdupError` if that cannot be, before anything is done."""
    file = given or Path(time.strftime("udup-selftest-%Y%m%d-%H%M%S.txt"))
    if not file.absolute().parent.is_dir() or not os.access(file.absolute().parent, os.W_OK):
        raise UdupError(f"cannot write the report {file}: name a place for it with --report FILE")
    return file
