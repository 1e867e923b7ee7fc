"""The event loop of tests of processes."""

import pytest


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop of production, in real time."""
    return ("asyncio", {"use_uvloop": True})
