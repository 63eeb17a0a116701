"""One set of tests for every driver, written against the ports: what the machine relies on."""

import pytest

pytest.register_assert_rewrite(
    *(f"tests.drivers.contract.{name}" for name in ("job", "target", "copy", "source", "gates")),
)
