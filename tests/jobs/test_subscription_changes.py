"""Another document of a subscription: is it another destination, and does it begin otherwise?"""

from __future__ import annotations

from typing import Any

import pytest

from tests.jobs.documents import seed
from tests.jobs.subscriptions import to_kafka, to_nats
from udup.jobs import parse_job
from udup.jobs.start import has_another_target, other_start


@pytest.mark.parametrize(
    ("one", "other", "another"),
    [
        (to_nats(), to_nats(), False),
        (to_nats(), to_nats(Schemas=True), False),
        (to_nats(), to_nats(Prefix="shop2"), True),
        (to_nats({"Stream": "A"}), to_nats({"Stream": "B"}), True),
        (to_nats({"Url": "h"}), to_nats({"Url": "h:4222", "User": "u"}), False),
        (to_nats({"Url": "h"}), to_nats(), True),
        (to_nats({"Url": "h, tls://i:1"}), to_nats({"Url": "tls://i:1,h:4222"}), False),
        (to_kafka({"Brokers": "a:1,b:1"}), to_kafka({"Brokers": ["b:1", "a:1"]}), False),
        (to_kafka(), to_kafka({"Brokers": "c:1"}), True),
        (to_nats(), to_kafka(), True),
        (to_nats(), seed(), True),
    ],
)
def test_another_place_has_nothing_of_the_job(one: dict[str, Any], other: dict[str, Any], another: bool) -> None:
    assert has_another_target(parse_job(one), parse_job(other)) is another


@pytest.mark.parametrize(
    ("before", "after", "path", "ends"),
    [
        (to_nats(), to_nats(Snapshot="never"), "Tasks[1].Config.Snapshot", False),
        (to_nats(), to_nats(source={"AutoGtid": True}), "Tasks[0].Config.AutoGtid", False),
        (to_nats(Snapshot="never"), to_nats(Snapshot="only"), "Tasks[1].Config.Snapshot", True),
        (to_nats(Snapshot="never"), to_nats(Snapshot="never", Schemas=True), None, False),
        (to_nats(Snapshot="never"), to_nats(), None, False),
    ],
)
def test_another_start_is_told_by_the_key_that_says_it(
    before: dict[str, Any], after: dict[str, Any], path: str | None, ends: bool
) -> None:
    found = other_start(parse_job(after), parse_job(before))
    assert (None if found is None else (found.path, found.ends)) == (None if path is None else (path, ends))
