"""The node's ID is made once and never changes."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from udup.base.errors import ConfigError
from udup.base.identity import described, load_node_id


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


def test_a_node_signs_with_its_id_and_says_where_it_is(tmp_path: Path) -> None:
    signature = described(str(tmp_path))
    assert load_node_id(tmp_path) in signature and str(tmp_path) in signature
    assert described(str(tmp_path)) == signature
    deep = tmp_path.joinpath(*["deep" * 20] * 4)
    deep.mkdir(parents=True)
    assert len(described(str(deep))) == 200 and load_node_id(deep) in described(str(deep))
