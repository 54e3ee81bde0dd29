"""One zygote for all kill tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kills.child import Zygote


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    forking = Zygote()
    yield forking
    forking.close()
