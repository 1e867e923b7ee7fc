"""The end of a bot, in virtual time; `process/test_stopping.py` has that of a process."""

import logging
import time
from urllib.parse import urlsplit

import pytest

from bot.app import LONGEST_STOP
from bot.sim.anchor import Hang
from harness import single_workspace

pytestmark = pytest.mark.anyio


async def test_a_slack_that_hangs_does_not_hold_the_end_up_for_ten_seconds(caplog: pytest.LogCaptureFixture) -> None:
    async with single_workspace(ack_wait=0.0) as at:
        at.anchor.fault = at.slack.faults["response_url"] = Hang()
        delivery = await at.command()
        await at.anchor.until(lambda: at.orders)
        began = time.monotonic()
    assert time.monotonic() - began < LONGEST_STOP + 0.5
    (untold,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert untold.name == "bot.usecases.delivery"
    assert urlsplit(delivery.response_url).path not in caplog.text
