"""A simulated Anchor with one session. A request that breaks its rules fails the test."""

from collections.abc import AsyncIterator

import pytest

from bot.sim.anchor import SimAnchor
from harness.texts import SESSION


@pytest.fixture
async def anchor() -> AsyncIterator[SimAnchor]:
    async with SimAnchor() as simulated:
        simulated.add_session(session_id=SESSION)
        yield simulated
        assert simulated.violations == []
