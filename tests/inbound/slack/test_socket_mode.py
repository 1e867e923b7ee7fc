"""Connections of Socket Mode are closed when they have a successor, and at the end."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any
from unittest.mock import Mock

import pytest

from bot.inbound.slack.socket_mode import SocketMode
from harness.conversation import until
from harness.product import Tasks
from inbound.slack.test_socket_connection import connecting

pytestmark = pytest.mark.anyio


class Link:
    """A connection on which nothing comes; it counts how often it is closed."""

    def __init__(self) -> None:
        self.closing = asyncio.Event()
        self.is_doubted = False
        self.closed = 0

    async def opened(self) -> Any:
        return self

    async def frames(self) -> AsyncIterator[str]:
        await asyncio.Event().wait()
        yield ""

    async def close(self) -> None:
        self.closed += 1


async def test_a_successor_that_fails_is_tried_again_and_half_a_minute_later_if_it_is_switched_off() -> None:
    """As long as the connection before it is open, only that it is switched off is a reason not to be ready.

    It stays open for three seconds more: an envelope of it can need it for an ack.
    """
    first, second, readiness = Link(), Link(), Mock()
    async with connecting('{"type":"disconnect","reason":"link_disabled"}') as off, connecting() as failing:
        ways = [first.opened, failing, off, second.opened]

        async def connect() -> Any:
            return await ways.pop(0)()

        slack = SocketMode(connect, Mock(), readiness, Tasks(), Mock())
        await slack.start()
        readiness.reset_mock()
        first.closing.set()
        await until(lambda: len(ways) == 1 and readiness.block.called)
        began = time.monotonic()
        await until(lambda: readiness.clear.called, within=60.0)
        assert time.monotonic() - began > 30
        assert [name for name, *_ in readiness.mock_calls] == ["block", "clear"]
        await asyncio.sleep(2.5)
        assert first.closed == 0
        await until(lambda: first.closed)
        assert second.closed == 0
        await slack.close()


@pytest.mark.parametrize("read_for", [None, 0.05], ids=["before anybody has begun to read it", "while it is read"])
async def test_a_connection_that_is_open_at_the_end_is_closed(read_for: float | None) -> None:
    link = Link()
    slack = SocketMode(link.opened, Mock(), Mock(), Tasks(), Mock())
    await slack.start()
    if read_for:
        await asyncio.sleep(read_for)
    await slack.close()
    assert link.closed == 1
