"""The servers in memory keep to what the machine relies on, as every driver does."""

from __future__ import annotations

import pytest

from tests.drivers.contract.copy import CopyContract
from tests.drivers.contract.skip import SkipContract
from tests.drivers.contract.source import SourceContract
from tests.drivers.contract.target import TargetContract
from tests.drivers.fake.pair import FakePair
from udup.drivers.fake.server import Settings


@pytest.fixture
def pair() -> FakePair:
    return FakePair()


class TestFakeSource(SourceContract): ...


class TestFakeTarget(TargetContract): ...


class TestFakeCopy(CopyContract): ...


class TestFakeSkip(SkipContract): ...


class _WithoutKilling:
    """A take-over that may not end the connections of the run before: the versions alone fence."""

    @pytest.fixture
    def pair(self) -> FakePair:
        pair = FakePair()
        pair.to.settings = Settings(kills=False)
        return pair


class TestFencedByVersionsAlone(_WithoutKilling, TargetContract): ...


class TestCopyFencedByVersionsAlone(_WithoutKilling, CopyContract): ...


class TestSkipFencedByVersionsAlone(_WithoutKilling, SkipContract): ...
