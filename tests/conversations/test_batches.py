"""Many sessions that are paused at once: one order each, and one result."""

import pytest

from harness import single_workspace
from harness.batches import batch, watching_bots

pytestmark = pytest.mark.anyio


async def test_all_sessions_are_paused_and_one_message_says_so() -> None:
    with watching_bots() as built:
        async with single_workspace() as at:
            sessions = [at.anchor.add_session() for _ in range(30)]
            await built.batches.pause(batch(at, sessions))
            await at.wait_for_messages()
            assert {order.session_id for order in at.anchor.orders} == set(sessions)
            assert len(at.messages()) == 1
