"""`udup selftest-oracle`: whether an Oracle server shows of its rows and its log what Udup takes for granted."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from udup.base.errors import UdupError
from udup.cli.commands import Command, CommandError, ExitCode, confirmed
from udup.cli.options import Session, asks_server
from udup.cli.selftest import endpoint_of, report_place, with_password

if TYPE_CHECKING:
    from udup.selftest.oracle import OracleSelfTest

_PORT = 1521


@click.command(cls=Command, name="selftest-oracle")
@click.option("--source", "source_text", metavar="USER@HOST[:PORT]/SERVICE", help="The server; of containers the root.")
@click.option("--pdb", default="", metavar="NAME", help="The container in which tables are made.")
@click.option("--source-password", metavar="REF", help="env:NAME or file:PATH [UDUP_SOURCE_PASSWORD; else asked].")
@click.option("--only", metavar="TEXT", default="", help="The cases whose names hold TEXT; types/ is a topic.")
@click.option(
    "--report", "report_file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Where it goes."
)
@click.option("--list", "list_only", is_flag=True, help="List what is run, and what is not; ask no server.")
@click.option("--clean", is_flag=True, help="Drop the tables that a self-test which was killed has left, and end.")
@click.option("--yes", is_flag=True, help="Do not ask before something is made on the server.")
@asks_server
def selftest_oracle(
    session: Session,
    source_text: str | None,
    pdb: str,
    source_password: str | None,
    only: str,
    report_file: Path | None,
    list_only: bool,
    clean: bool,
    yes: bool,
) -> None:
    """Write cases into tables of the account's own on an Oracle server, and read them as a job would.

    Oracle as a source was never run against a server where Udup is built: a report from yours is worth much. No target
    is needed. Everything is dropped at the end: docs/oracle.md.

    \b
    Exit codes: 0 everything came as it has to, 1 something else came, or the server cannot be used, 2 wrong usage.

    \b
    Examples:
      udup selftest-oracle --source C##UDUP@db1/ORCL --pdb PDB1
      udup selftest-oracle --list
    """
    from udup.selftest.oracle_cases import CASES, NOT_COVERED

    cases = [case for case in CASES if only in case.name]
    if not cases:
        raise CommandError(f"no case's name holds {only!r}; --list has them", ExitCode.USAGE)
    if list_only:
        session.out.table(("Case", "What"), [(case.name, case.topic) for case in cases])
        session.out.title("Not covered")
        session.out.table(("What", "Why"), NOT_COVERED)
        return
    account, slash, service = (source_text or "").rpartition("/")
    if not slash or not service:
        raise click.UsageError("--source USER@HOST[:PORT]/SERVICE is needed")
    endpoint = endpoint_of("source", account, None, "", port=_PORT)
    file = report_place(report_file)
    endpoint = with_password("source", endpoint, source_password)

    from udup.selftest.oracle import PREFIX, OracleSelfTest

    test = OracleSelfTest.of(endpoint, service, pdb, lambda text: click.echo(text, err=True), only=only)
    if clean:
        gone = test.clean()
        click.echo(f"dropped: {', '.join(gone) or 'nothing was left'}", err=True)
        return
    click.echo(
        f"In the schema of {endpoint.user} tables {PREFIX}1 to {PREFIX}{len(cases)} will be made, one at a time, with"
        " all columns in the redo, and dropped; and UDUP_LOG_FLUSH, as for every job, which stays. Nothing else is"
        " written.",
        err=True,
    )
    if not yes and not confirmed("Begin?", "the self-test"):
        sys.exit(ExitCode.FAILED)
    sys.exit(_run(session, test, file))


def _run(session: Session, test: OracleSelfTest, file: Path) -> int:
    from udup.pipeline.checks import Outcome
    from udup.selftest.oracle import told
    from udup.selftest.report import Scrubber

    scrub = Scrubber()
    scrub.learn("source", test.place.endpoint)
    checks = test.checks()
    ended = ""
    if not [each for each in checks if each.outcome == Outcome.FAIL]:
        try:
            test.run()
        except UdupError as error:
            ended = str(error)
    else:
        ended = "no job could start: see the checks"
    report = scrub(told(test, checks, ended))
    file.write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", "utf-8")
    if session.out.as_json:
        session.out.json(report)
    for each in checks:
        if each.outcome == Outcome.FAIL:
            click.echo(f"{each.name}: {each.found} -- {each.remedy}", err=True)
    bad = [each for each in test.verdicts if each.problem]
    click.echo(f"{len(test.verdicts) - len(bad)} of {len(test.verdicts)} cases came as they have to", err=True)
    if ended:
        click.echo(ended, err=True)
    click.echo(f"The report is in {file}; it names neither host nor account", err=True)
    return ExitCode.FAILED if bad or ended or not test.verdicts else ExitCode.OK
