"""The console's files without a browser: libraries, imports, policy, size, words."""

from __future__ import annotations

import re

import pytest

from tests.console.files import CHECKS, first_size, size
from tests.console.words import all_words

#: Latin words that stand in Chinese texts: names, SQL, units, what engineers of this field do not translate.
_NAMES = re.compile(r"[\w.\-:/()*=@]*[._:/=*@][\w.\-:/()*=@]*|\b[A-Z0-9]{2,}s?\b|\d+\w*", re.ASCII)
_KEPT = frozenset(
    {"Udup", "MySQL", "MariaDB", "Oracle", "Kafka", "JetStream", "Debezium", "CloudEvents", "InnoDB", "MyISAM"}
    | {"actor", "binlog", "broker", "localhost", "stream", "subscribe", "topic", "GtidStart", "BinlogFile"}
    | {"after", "before", "op", "source", "Enter", "Esc"}
)


@pytest.mark.parametrize("name", CHECKS)
def test_the_files_are_as_they_should_be(name: str) -> None:
    faults = CHECKS[name]()
    assert not faults, "\n".join(faults)


def test_the_first_page_is_small() -> None:
    print(f"console: {size():,} bytes by gzip, of which the list of jobs loads {first_size():,}")
    assert 50_000 < first_size() < size()


def test_chinese_texts_hold_no_english() -> None:
    faults = {}
    for key, text in all_words("zh").items():
        for each in [text] if isinstance(text, str) else text.values():
            plain = _NAMES.sub(" ", re.sub(r"\{\w+\}", " ", each))
            words = [word for word in re.findall(r"[A-Za-z]{2,}", plain) if word not in _KEPT]
            if words:
                faults[key] = f"{each} ({', '.join(words)})"
    assert not faults, "\n".join(f"{key}: {text}" for key, text in faults.items())


def test_english_texts_hold_no_chinese() -> None:
    faults = [key for key, text in all_words("en").items() if re.search(r"[\u4e00-\u9fff]", str(text))]
    assert not faults
