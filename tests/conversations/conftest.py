"""Conversations run over HTTP and over Socket Mode; `--transports` says which test runs on which."""

from collections.abc import AsyncIterator, Iterator
from contextlib import nullcontext

import pytest

from harness import ManyHarness, Tenant, current_transport, many_workspaces
from harness.snapshot import SNAPSHOT, is_recorded
from harness.transport import transports_of


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    choice = metafunc.config.getoption("transports")
    metafunc.parametrize("transport", transports_of(metafunc.definition, choice), indirect=True)


@pytest.fixture(autouse=True)
def transport(request: pytest.FixtureRequest) -> Iterator[str]:
    """Set the transport of the harnesses, and compare all that is sent with tests/texts.txt unless the test is rare."""
    current_transport.name = request.param
    with SNAPSHOT.recording(request.path) if is_recorded(request.node) else nullcontext():
        yield request.param
    current_transport.name = "http"


@pytest.fixture
async def at(sqlite_url: str) -> AsyncIterator[ManyHarness]:
    """A bot of many workspaces; none has installed it yet."""
    async with many_workspaces(sqlite_url) as at:
        yield at


@pytest.fixture
async def hasty(sqlite_url: str) -> AsyncIterator[ManyHarness]:
    """A bot of many workspaces that acknowledges every modal before the outcome is known."""
    async with many_workspaces(sqlite_url, ack_wait=0.0) as at:
        yield at


@pytest.fixture
async def team(at: ManyHarness) -> Tenant:
    """A workspace with a key, in which an admin has opened Home. Anchor accepts another key as well."""
    at.anchor.add_key("sk-first-0123456789-1234")
    team = await Tenant.open(at, with_key=True)
    await team.open_home()
    return team
