"""Where the command line looks for its server, and who it says that it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from udup.base.errors import UdupError
from udup.cli.where import DEFAULT_ADDRESS, OWN_FILE, Flags, find


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with files of both kinds."""
    own = tmp_path / OWN_FILE
    own.parent.mkdir(parents=True)
    own.write_text('address = "http://own:1"\nregion = "own"\ntoken = "own-token"\n')
    (tmp_path / "udup.toml").write_text('bind_addr = "0.0.0.0"\n[ports]\nhttp = 2\n[api]\ntoken = "env:NODE_TOKEN"\n')
    (tmp_path / "token").write_text("  file-token\n")
    return tmp_path


def test_flags_count_before_the_environment_and_that_before_files(home: Path) -> None:
    node, token = home / "udup.toml", home / "token"
    variables = {"UDUP_ADDR": "variable:3", "UDUP_TOKEN": "variable", "UDUP_REGION": "variable", "NODE_TOKEN": "node"}
    cases = [
        (Flags(address="https://flag:4", region="flag", token="flag"), variables, ("https://flag:4", "flag", "flag")),
        (Flags(token_file=token), variables, ("http://variable:3", "variable", "file-token")),
        (Flags(config=node), variables, ("http://127.0.0.1:2", "variable", "variable")),
        (Flags(), {"UDUP_CONFIG": str(node), "NODE_TOKEN": "node"}, ("http://127.0.0.1:2", "own", "own-token")),
        (Flags(), {}, ("http://own:1", "own", "own-token")),
    ]
    for flags, environment, expected in cases:
        where = find(flags, environment, home)
        assert (where.address, where.region, where.token) == expected
    (home / OWN_FILE).unlink()
    assert find(Flags(config=node), {"NODE_TOKEN": "node"}, home).token == "node"
    assert find(Flags(), {}, home).address == DEFAULT_ADDRESS


def test_a_node_is_reached_where_its_settings_say(tmp_path: Path) -> None:
    file = tmp_path / "udup.toml"
    for text, address in [
        ("", "http://127.0.0.1:8190"),
        ('bind_addr = "::1"', "http://[::1]:8190"),
        ('bind_addr = "::"', "http://[::1]:8190"),
        ('bind_addr = "10.0.0.1"\nports = {http = 1234}', "http://10.0.0.1:1234"),
        ('bind_addr = "localhost"', "http://localhost:8190"),
    ]:
        file.write_text(text)
        assert find(Flags(config=file), {}, tmp_path).address == address


def test_basic_authentication_comes_from_the_originals_variable(tmp_path: Path) -> None:
    where = find(Flags(), {"UDUP_HTTP_AUTH": "me:pass:word"}, tmp_path)
    assert where.basic == ("me", "pass:word")
    assert "pass" not in repr(where)


def test_no_secret_shows_in_a_repr(home: Path) -> None:
    assert "own-token" not in repr(find(Flags(), {}, home))
    assert "flag-token" not in repr(Flags(token="flag-token"))


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        (OWN_FILE, "colour = 1", "colour is not a setting"),
        (OWN_FILE, "address = 1", "address must be text"),
        (OWN_FILE, "address = ", "is not TOML"),
        (OWN_FILE, 'token_file = "/no/such/file"', "cannot read the token"),
        (Path("udup.toml"), "bind_addr = 1", "does not say where its node listens"),
        (Path("udup.toml"), "ports = 5\nbind_addr = 2", "does not say where its node listens"),
        (Path("udup.toml"), "[ports]\nhttp = 0", "ports.http 0"),
        (Path("udup.toml"), '[api]\ntoken = "env:NOT_SET_ANYWHERE"', "NOT_SET_ANYWHERE"),
    ],
)
def test_a_file_that_cannot_be_used_is_told(tmp_path: Path, file: Path, text: str, said: str) -> None:
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text(text)
    flags = Flags() if file == OWN_FILE else Flags(config=tmp_path / file)
    with pytest.raises(UdupError, match=said):
        find(flags, {}, tmp_path)
