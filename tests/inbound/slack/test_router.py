"""The deadline of an ack."""

import asyncio
import time
from typing import Any

import pytest

from bot.inbound.slack.router import Request
from harness.product import requests

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(("age", "is_in_time"), [(2.4, True), (2.6, False)])
async def test_an_outcome_is_not_in_an_ack_that_can_get_lost(age: float, *, is_in_time: bool) -> None:
    nothing: Any = None
    address = requests.ReplyAddress(requests.Actor("T1", "C1", "U1", "T1"))
    request = Request({}, address, age, time.monotonic() - age, 2.0, nothing, nothing)
    work = asyncio.create_task(asyncio.sleep(0))
    await asyncio.sleep(0.01)
    assert await request.is_done_in_time(work) is is_in_time
