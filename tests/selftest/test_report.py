"""The report of a self-test: read by people and programs, and by nobody who asks whose servers they are."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from udup.base.endpoint import Endpoint
from udup.drivers.mysql.client.facts import ServerFacts
from udup.drivers.mysql.client.privileges import parse_grants
from udup.selftest.case import Case
from udup.selftest.report import JSON_BELOW, Report, Scrubber, ServerSeen, rendered
from udup.selftest.verdict import Outcome, Verdict

ENDPOINT = Endpoint("db1.example.com", 3306, "repl@db1", "s3cret-word")
UUID = "3e11fa47-71ca-11e1-9e33-c80aa9429562"


def _facts(**variables: str) -> ServerFacts:
    return ServerFacts(
        address="db1.example.com:3306",
        account="'repl@db1'@'10.1.2.%'",
        version=(8, 0, 36),
        version_text="8.0.36",
        is_mariadb=False,
        variables={"server_uuid": UUID, "hostname": "ip-10-1-2-3", "sql_mode": "ANSI", **variables},
        privileges=parse_grants(["GRANT SELECT, RELOAD ON *.* TO `a`@`b`", "GRANT UPDATE ON `shop`.* TO `a`@`b`"]),
        collations={},
        charsets=frozenset(),
    )


def _case(name: str) -> Case:
    return Case(Path(f"{name}.sql"), name, "", ("copy",), ())


def _report(*verdicts: Verdict) -> Report:
    seen = ServerSeen.of(_facts(secret_setting="mine"))
    return Report("1.2.3", "2026-01-02T03:04:05Z", seen, seen, by_statements=False, verdicts=list(verdicts))


def _scrubber() -> Scrubber:
    scrub = Scrubber()
    scrub.learn("source", ENDPOINT, _facts())
    return scrub


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("cannot connect as repl@db1@db1.example.com:3306: no", "cannot connect as <source account>@<source>: no"),
        ("denied for 'repl@db1'@'10.1.2.7'", "denied for <source account>@'<address>'"),
        ("Access denied for user 'other'@'laptop'", "Access denied for user <account>"),
        ("DEFINER=`repl@db1`@`10.1.2.%` VIEW", "DEFINER=<source account>@`<source>` VIEW"),
        ("DEFINER=`no one`@`10.%` VIEW", "DEFINER=`no one`@`10.%` VIEW"),
        (f"at {UUID}:1-7", "at <source uuid>:1-7"),
        ("ip-10-1-2-3 and 192.168.7.8 said", "<source> and <address> said"),
        ("with s3cret-word", "with <password>"),
        ("version 8.0.36, repl is a word", "version 8.0.36, repl is a word"),
        (f"{Path.home()}/x.sql", "~/x.sql"),
    ],
)
def test_what_names_a_server_or_an_account_is_replaced(text: str, shown: str) -> None:
    assert _scrubber()(text) == shown
    assert _scrubber()({"a": [text, 1, None]}) == {"a": [shown, 1, None]}


def test_two_servers_on_one_host_are_told_apart() -> None:
    scrub = Scrubber()
    scrub.learn("source", replace(ENDPOINT, port=1))
    scrub.learn("target", replace(ENDPOINT, port=2))
    assert scrub("repl@db1@db1.example.com:2, db1.example.com:1") == "<source account>@<target>, <source>"


def test_settings_are_those_of_a_fixed_list() -> None:
    seen = ServerSeen.of(_facts(secret_setting="mine", gtid_mode="ON"))
    assert seen.settings == {"sql_mode": "ANSI", "gtid_mode": "ON"}
    assert seen.privileges == ["RELOAD", "SELECT"]


def test_the_file_has_text_and_the_same_as_json() -> None:
    report = _report(
        Verdict(_case("a/same"), "copy"),
        Verdict(_case("a/odd"), "copy", "t: 1 rows, 2 rows on db1.example.com", Outcome.DIFFERENT),
        Verdict(_case("a/kept"), "copy", outcome=Outcome.REFUSED, refusal="cannot"),
        Verdict(_case("a/old"), "copy", "unknown type", Outcome.SKIPPED),
    )
    report.left_out["a/wide"] = "it makes accounts"
    text, _, below = rendered(report, _scrubber()).partition(JSON_BELOW)
    assert "1 equal, 1 refused, 1 skipped, 1 DIFFERENT; 1 cases were left out" in text
    assert "a/odd (copy): t: 1 rows, 2 rows on <source>" in text
    told = json.loads(below)
    assert told["Counts"] == {"equal": 1, "refused": 1, "skipped": 1, "DIFFERENT": 1, "failed": 0}
    assert [(each["Case"], each["Outcome"]) for each in told["Cases"]] == [
        ("a/same", "equal"),
        ("a/odd", "DIFFERENT"),
        ("a/kept", "refused"),
        ("a/old", "skipped"),
    ]
    assert told["LeftOut"] == {"a/wide": "it makes accounts"}
    assert told["Ended"] == "complete"
    for word in ("db1", "s3cret", UUID, "10.1.2", "mine"):
        assert word not in text + below


def test_only_what_is_different_or_failed_is_bad() -> None:
    outcomes = (Outcome.REFUSED, Outcome.SKIPPED, Outcome.DIFFERENT, Outcome.FAILED)
    report = _report(*(Verdict(_case("a/b"), "copy", "so", outcome) for outcome in outcomes))
    assert [each.outcome for each in report.bad] == [Outcome.DIFFERENT, Outcome.FAILED]


def test_an_interrupted_run_says_so_and_tells_what_there_is() -> None:
    report = _report(Verdict(_case("a/same"), "copy"))
    report.ended = "interrupted"
    text = rendered(report, _scrubber())
    assert "not complete: interrupted" in text.splitlines()[0]
    assert json.loads(text.partition(JSON_BELOW)[2])["Ended"] == "interrupted"


def test_a_long_text_is_cut_and_says_so() -> None:
    report = _report(Verdict(_case("a/odd"), "copy", "x" * 9000, Outcome.DIFFERENT))
    assert "… (9000 characters)" in report.text()
    assert len(report.text()) < 6000
