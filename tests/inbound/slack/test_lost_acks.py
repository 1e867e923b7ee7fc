"""An ack that did not reach Slack: what it said is delivered in another way."""

import pytest

from bot.sim.anchor import Slow
from bot.sim.slack import Source
from harness import HTTP_ONLY, single_workspace


@HTTP_ONLY
@pytest.mark.anyio
async def test_a_list_that_misses_the_ack_is_sent_to_the_person_alone() -> None:
    async with single_workspace(ack_deadline=0.3) as at:
        at.anchor.read_fault = Slow(0.8)
        assert (await at.command("")).error == "operation_timeout"
        await at.slack.until(lambda: [one for one in at.ephemerals() if one.source is Source.RESPONSE_URL])
        at.slack.violations.clear()  # the late ack
