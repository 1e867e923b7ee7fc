"""Conversations run both ways in: over HTTP and over Socket Mode."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from conversations.offices import Office
from harness import WAY
from tenants import Tenancy, tenancy


@pytest.fixture(autouse=True, params=["http", "socket"])
def transport(request: pytest.FixtureRequest) -> Iterator[str]:
    """The way in; a test that makes sense for one only is parametrized with that one."""
    WAY.transport = request.param
    yield request.param
    WAY.transport = "http"


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Tenancy]:
    """A bot of many workspaces, in which nobody has installed it yet."""
    async with tenancy(f"sqlite:///{tmp_path / 'bot.db'}") as at:
        yield at


@pytest.fixture
async def office(at: Tenancy) -> Office:
    """A workspace with a key, in which an admin looks at Home."""
    office = await Office.open(at, with_key=True)
    await office.home()
    return office
