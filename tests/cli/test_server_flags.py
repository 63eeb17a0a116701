"""The original's flags that say what a node is: they must not contradict its settings."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from udup.cli import server
from udup.cli.commands import CommandError


@pytest.mark.parametrize(
    ("role", "flags", "told"),
    [
        ("agent", {"manager"}, "cluster token"),
        ("witness", {"manager"}, "cluster token"),
        ("", {"agent"}, "alone"),
        ("manager", {"agent"}, "manager of its cluster"),
    ],
)
def test_a_flag_that_contradicts_the_settings_is_refused_with_what_to_do(role: str, flags: set[str], told: str) -> None:
    with pytest.raises(CommandError, match=told) as raised:
        server._check_role(role, manager="manager" in flags, agent="agent" in flags)
    assert "leave the flag out" in str(raised.value)


@pytest.mark.parametrize(
    ("role", "flags"),
    [("", set()), ("", {"manager"}), ("", {"manager", "agent"}), ("agent", {"agent"}), ("manager", {"manager"})],
)
def test_a_flag_that_says_what_the_settings_say_is_taken(role: str, flags: set[str]) -> None:
    server._check_role(role, manager="manager" in flags, agent="agent" in flags)


def test_the_server_looks_at_the_flags(tmp_path: Path) -> None:
    found = CliRunner().invoke(server.server, ["--agent", "--data-dir", str(tmp_path)])
    assert found.exit_code != 0 and not list(tmp_path.iterdir())
