"""Conversations run both ways in: over HTTP and over Socket Mode."""

from collections.abc import Iterator

import pytest

from harness import WAY


@pytest.fixture(autouse=True, params=["http", "socket"])
def transport(request: pytest.FixtureRequest) -> Iterator[str]:
    """The way in; a test that makes sense for one only is parametrized with that one."""
    WAY.transport = request.param
    yield request.param
    WAY.transport = "http"
