"""Logs: one line an event, and never a password."""

from __future__ import annotations

import io
import json
import logging
import os
from collections.abc import Iterator
from typing import Literal

import pytest
import structlog

from udup.base import logs


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def configured(style: Literal["text", "json"]) -> io.StringIO:
    stream = io.StringIO()
    logs.configure("info", style, stream)
    return stream


def test_an_event_is_one_line_of_json_with_its_fields() -> None:
    stream = configured("json")
    logs.logger("extractor", job="a b").info("stream_opened", gtid="x:1", ms=12, text="two\nlines")
    event = json.loads(stream.getvalue())
    assert stream.getvalue().count("\n") == 1
    assert list(event)[:4] == ["time", "level", "logger", "event"]
    assert (event["logger"], event["event"], event["level"]) == ("udup.extractor", "stream_opened", "info")
    assert (event["job"], event["ms"], event["text"]) == ("a b", 12, "two\nlines")


def test_an_event_is_one_line_of_text() -> None:
    stream = configured("text")
    logs.logger("x").warning("slow", job="a b", ms=12, text="two\nlines", empty="")
    assert stream.getvalue().split(" ", 1)[1] == 'WARNING udup.x slow job="a b" ms=12 text="two\\nlines" empty=""\n'


@pytest.mark.parametrize("style", ["text", "json"])
def test_an_exception_stays_on_its_line(style: Literal["text", "json"]) -> None:
    stream = configured(style)
    try:
        raise ValueError("wrong")
    except ValueError:
        logs.logger("x").exception("crashed")
    assert stream.getvalue().count("\n") == 1
    assert "ValueError: wrong" in stream.getvalue()


@pytest.mark.parametrize("style", ["text", "json"])
def test_passwords_are_masked_at_any_depth(style: Literal["text", "json"]) -> None:
    stream = configured(style)
    config = {"Tasks": [{"ConnectionConfig": {"Password": "s3cret", "User": "root"}}], "db_PASSWORD": "s3cret"}
    logs.logger("x").info("posted", password="s3cret", config=config, url="nats://udup:s3cret@host:4222")
    assert "s3cret" not in stream.getvalue()
    assert "root" in stream.getvalue()


def test_libraries_log_through_the_same_handler() -> None:
    stream = configured("json")
    logging.getLogger("library").warning("took %d s\nor so", 3)
    logging.getLogger("waitress").info("noise")
    event = json.loads(stream.getvalue())
    assert (event["logger"], event["event"]) == ("library", "took 3 s\nor so")


def test_a_level_hides_what_is_below_it() -> None:
    stream = configured("json")
    logs.logger("x").debug("hidden")
    assert stream.getvalue() == ""


def test_a_forked_process_can_configure_its_own() -> None:
    logs.configure("info", "text", io.StringIO())
    log = logs.logger("parent")
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        with os.fdopen(write_end, "w") as stream:
            logs.configure("info", "json", stream)
            log.info("from_child", pid=os.getpid())
        os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end) as stream:
        event = json.loads(stream.read())
    os.waitpid(child, 0)
    assert (event["event"], event["pid"]) == ("from_child", child)
