"""A process that stands still for a while, as on a machine that is paused."""

import asyncio

import pytest

from harness.process import frozen, single_workspace_process

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("socket_mode", [False, True], ids=["http", "socket"])
async def test_a_command_that_comes_while_the_bot_stands_still_is_answered_afterwards(*, socket_mode: bool) -> None:
    async with single_workspace_process(socket_mode=socket_mode) as at:
        at.slack.timing.ack_deadline = 30.0
        async with frozen(at.bot, 1.0):
            typing = asyncio.create_task(at.command())
            await asyncio.sleep(0.5)
            assert at.orders == []
        delivery = await typing
    assert delivery.error is None
    assert delivery.elapsed >= 0.9
    assert len(at.orders) == 1
