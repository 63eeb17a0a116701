"""The node's ID is made once and never changes."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from udup.errors import ConfigError
from udup.identity import load_node_id


def test_the_id_is_made_once_and_kept(tmp_path: Path) -> None:
    node_id = load_node_id(tmp_path)
    assert uuid.UUID(node_id).version == 4
    assert load_node_id(tmp_path) == node_id
    assert [path.name for path in (tmp_path / "agent").iterdir()] == ["node-id"]


def test_an_id_of_the_users_own_is_taken_and_anything_else_is_told(tmp_path: Path) -> None:
    file = tmp_path / "agent" / "node-id"
    file.parent.mkdir()
    file.write_text("1EDA45F8-df9b-1541-9009-83952e7b672a\n")
    assert load_node_id(tmp_path) == "1eda45f8-df9b-1541-9009-83952e7b672a"
    for text in ("", "node one", "\xff"):
        file.write_text(text)
        with pytest.raises(ConfigError, match="node-id"):
            load_node_id(tmp_path)
    file.unlink()
    file.parent.rmdir()
    file.parent.write_text("")
    with pytest.raises(ConfigError, match="node-id"):
        load_node_id(tmp_path)
