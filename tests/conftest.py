"""What every test shares: the event loop it runs on."""

import pytest


@pytest.fixture(scope="module")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop of production; tests about the loop itself choose their own."""
    return ("asyncio", {"use_uvloop": True})
