"""What a self-test has found, as one file to be read and to be sent: text, then the same as JSON.

Nothing in it says whose servers they are: hosts, accounts, addresses and the servers' own identities are replaced
(`Scrubber`), and of the settings only a fixed list is told.
"""

from __future__ import annotations

import json
import re
import socket
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from udup.base.endpoint import Endpoint
from udup.drivers.mysql.client.facts import ServerFacts
from udup.selftest.verdict import Outcome, Verdict

#: The line between the two forms.
JSON_BELOW = "---- the same as JSON ----"

#: The form of the JSON.
FORMAT = 1

#: The global variables that are told, where a server has them.
SETTINGS = (
    *("version", "version_comment", "version_compile_os", "version_compile_machine", "aurora_version", "tidb_version"),
    *("log_bin", "binlog_format", "binlog_row_image", "binlog_row_metadata", "binlog_row_value_options"),
    *("binlog_checksum", "binlog_transaction_compression", "log_bin_compress", "log_replica_updates"),
    *("log_slave_updates", "gtid_mode", "enforce_gtid_consistency", "gtid_strict_mode", "gtid_domain_id"),
    *("sql_mode", "character_set_server", "collation_server", "character_set_collations", "time_zone"),
    *("system_time_zone", "lower_case_table_names", "explicit_defaults_for_timestamp", "default_storage_engine"),
    *("innodb_strict_mode", "innodb_default_row_format", "innodb_file_format", "innodb_large_prefix"),
    *("innodb_page_size", "innodb_file_per_table", "innodb_autoinc_lock_mode", "innodb_rollback_on_timeout"),
    *("sql_require_primary_key", "sql_generate_invisible_primary_key", "transaction_isolation", "tx_isolation"),
    *("auto_increment_increment", "auto_increment_offset", "log_bin_trust_function_creators", "event_scheduler"),
    *("max_allowed_packet", "max_connections", "performance_schema", "read_only", "super_read_only"),
    *("partial_revokes", "system_versioning_alter_history", "wsrep_on", "pxc_strict_mode"),
)

#: Characters of one text; a difference of a wide table may be long.
_LONGEST = 4000


@dataclass(frozen=True)
class ServerSeen:
    """A server, as the report tells it. `privileges` are those that the account has on everything."""

    kin: str
    version: str
    comment: str
    settings: dict[str, str]
    privileges: list[str]

    @classmethod
    def of(cls, facts: ServerFacts) -> ServerSeen:
        granted = (grant for grant in facts.privileges.grants if grant.schema == "*" and not grant.revoked)
        return cls(
            kin=facts.kin.name,
            version=facts.version_text,
            comment=re.sub(r"^\((.*)\)$", r"\1", facts.value("version_comment")),
            settings={name: facts.variables[name] for name in SETTINGS if name in facts.variables},
            privileges=sorted({privilege for grant in granted for privilege in grant.privileges}),
        )

    def __str__(self) -> str:
        return f"{self.kin} {self.version} ({self.comment})"

    def to_json(self) -> dict[str, Any]:
        return {
            "Kin": self.kin,
            "Version": self.version,
            "Comment": self.comment,
            "Settings": self.settings,
            "Privileges": self.privileges,
        }


@dataclass
class Report:
    """`ended` is empty if all was carried out, else what came in between."""

    udup: str
    started: str
    source: ServerSeen
    target: ServerSeen
    by_statements: bool
    verdicts: list[Verdict] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    checks: list[dict[str, Any]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    ended: str = ""

    @property
    def bad(self) -> list[Verdict]:
        return [each for each in self.verdicts if each.outcome in (Outcome.DIFFERENT, Outcome.FAILED)]

    @property
    def counts(self) -> dict[str, int]:
        found = Counter(each.outcome for each in self.verdicts)
        return {str(outcome): found[outcome] for outcome in Outcome}

    def to_json(self) -> dict[str, Any]:
        return {
            "Format": FORMAT,
            "Udup": self.udup,
            "Started": self.started,
            "Ended": self.ended or "complete",
            "Seconds": {name: round(seconds, 1) for name, seconds in self.seconds.items()},
            "Rows": "statements" if self.by_statements else "events",
            "Source": self.source.to_json(),
            "Target": self.target.to_json(),
            "Checks": [each for each in self.checks if each["Result"] != "pass"],
            "Counts": self.counts,
            "Cases": [_case(each) for each in self.verdicts],
            "LeftOut": self.left_out,
        }

    def text(self) -> str:
        """Return the same for people, what matters most at the top."""
        ended = f"not complete: {self.ended}" if self.ended else "complete"
        lines = [
            f"Udup {self.udup} self-test, {self.started}, {ended}",
            f"source: {self.source}",
            f"target: {self.target}",
            f"rows by {'statements' if self.by_statements else 'events'}; "
            + (", ".join(f"{name} {seconds:.0f} s" for name, seconds in self.seconds.items()) or "nothing was run"),
            "",
            self.summary(),
        ]
        for outcome in (Outcome.DIFFERENT, Outcome.FAILED, Outcome.REFUSED, Outcome.SKIPPED):
            found = [each for each in self.verdicts if each.outcome is outcome and not each.refusal]
            lines += ["", f"== {outcome} ({len(found)})"] if found else []
            lines += [f"{each.case} ({each.phase}): {_text(each)}" for each in found]
        expected = [each for each in self.verdicts if each.refusal]
        lines += ["", f"== refused, as they have to be ({len(expected)})"] if expected else []
        lines += [f"{each.case} ({each.phase})" for each in expected]
        lines += ["", f"== left out ({len(self.left_out)})"] if self.left_out else []
        lines += [f"{name}: {reason}" for name, reason in self.left_out.items()]
        told = [each for each in self.checks if each["Result"] != "pass"]
        lines += ["", "== checks of both servers"] if told else []
        lines += [f"{each['Result']} {each['Task'] or 'both'} {each['Check']}: {each['Found']}" for each in told]
        for side, server in (("source", self.source), ("target", self.target)):
            lines += ["", f"== settings of the {side}"]
            lines += [f"{name} = {value}" for name, value in server.settings.items()]
            lines += [f"privileges on everything: {', '.join(server.privileges) or 'none'}"]
        return "\n".join(lines)

    def summary(self) -> str:
        told = ", ".join(f"{count} {outcome}" for outcome, count in self.counts.items() if count)
        left = f"; {len(self.left_out)} cases were left out" if self.left_out else ""
        return f"{told or 'no case was run'}{left}"


def _case(verdict: Verdict) -> dict[str, str]:
    return {
        "Case": verdict.case.name,
        "Phase": verdict.phase,
        "Outcome": str(verdict.outcome),
        "Text": _text(verdict),
    }


def _text(verdict: Verdict) -> str:
    text = verdict.fault or (f"as it has to be: {verdict.refusal}" if verdict.refusal else "")
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} … ({len(text)} characters)"


class Scrubber:
    """Takes out of texts whose servers they are about."""

    def __init__(self) -> None:
        self._places: list[tuple[re.Pattern[str], str]] = []
        self._names: list[tuple[re.Pattern[str], str]] = []

    def learn(self, side: str, endpoint: Endpoint, facts: ServerFacts | None = None) -> None:
        """Replace what names this server or its account. `facts` tell what the server calls itself."""
        hosts = {endpoint.host, *_addresses(endpoint.host)}
        users = {endpoint.user}
        if facts is not None:
            hosts |= {facts.value(name) for name in ("hostname", "report_host", "bind_address", "wsrep_node_name")}
            user, _, host = facts.account.rpartition("@")
            users.add(user.strip("'"))
            hosts.add(host.strip("'"))
            self._names += _rules([facts.uuid], r"(?<!\w){}(?!\w)", f"<{side} uuid>")
        hosts -= {"%", "*", "::", "0.0.0.0"}
        # Two servers may be on one host, and what an account is called may be a word of another meaning elsewhere.
        self._places += _rules(users, r"(?<!\w)([`'\"]?){}\1(?=@)", f"<{side} account>")
        self._places += _rules((f"{host}:{endpoint.port}" for host in hosts), r"(?<!\w){}(?!\w)", f"<{side}>")
        self._names += _rules(hosts, r"(?<!\w){}(?!\w)", f"<{side}>")
        self._names += _rules([endpoint.password], r"(?<!\w){}(?!\w)", "<password>")

    def __call__(self, value: Any) -> Any:
        """Return a JSON value, or a text, without what was learnt."""
        if isinstance(value, dict):
            return {key: self(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self(each) for each in value]
        if not isinstance(value, str):
            return value
        for pattern, word in (*self._places, *self._names, *_EVERYWHERE):
            value = pattern.sub(word, value)
        return value


def _rules(names: Iterable[str], form: str, word: str) -> list[tuple[re.Pattern[str], str]]:
    """The longest first: one may be a part of another."""
    found = sorted(filter(None, set(names)), key=len, reverse=True)
    return [(re.compile(form.replace("{}", re.escape(name))), word) for name in found]


#: In the servers' own errors: 'user'@'host' of whoever asks, and addresses.
_EVERYWHERE: Sequence[tuple[re.Pattern[str], str]] = (
    (re.compile(r"'[^'\s]*'@'[^'\s]*'"), "<account>"),
    (re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])"), "<address>"),
    (re.compile(re.escape(str(Path.home())) + r"(?=/)"), "~"),
)


def _addresses(host: str) -> set[str]:
    with suppress(OSError, UnicodeError):
        return {str(found[4][0]) for found in socket.getaddrinfo(host, None)}
    return set()


def rendered(report: Report, scrub: Scrubber) -> str:
    """Return the file's text."""
    return "\n".join(
        [scrub(report.text()), "", JSON_BELOW, json.dumps(scrub(report.to_json()), ensure_ascii=False, indent=1), ""]
    )
