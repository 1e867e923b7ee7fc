"""Cards that Slack does not let the bot update: they are true again once it does, and few calls are made meanwhile."""

import asyncio

import pytest

from bot.sim.slack import Source, api_error
from conversations.test_cards import PAUSE, RESUME, UPDATE, about_session, alert, taking_alerts, until_shown
from harness.texts import CARD_LOST

pytestmark = pytest.mark.anyio

HALF_AN_HOUR = 1_800.0


@pytest.mark.parametrize(
    ("code", "calls"),
    [
        ("update_failed", (5, 6)),
        ("invalid_auth", (28, 32)),  # once a minute
    ],
)
async def test_a_card_is_true_again_once_slack_takes_updates(code: str, calls: tuple[int, int]) -> None:
    async with taking_alerts() as at:
        card = await alert(at)
        at.slack.faults[UPDATE] = api_error(code)
        await at.command()
        await asyncio.sleep(HALF_AN_HOUR)
        fewest, most = calls
        assert fewest <= at.calls(UPDATE) <= most
        del at.slack.faults[UPDATE]
        await until_shown(at, card, RESUME, "Paused", within=920.0)
        await at.command(verb="resume")
        await until_shown(at, card, PAUSE, "Resumed")


@pytest.mark.parametrize("code", ["edit_window_closed", "cant_update_message", "is_inactive", "message_not_found"])
async def test_the_next_result_says_once_that_a_card_is_out_of_date_for_good(code: str) -> None:
    """Nothing is said of one that somebody deleted."""
    async with taking_alerts() as at:
        await alert(at)
        at.slack.faults[UPDATE] = api_error(code, times=1)
        for verb in ("pause", "resume", "pause"):
            await at.command(verb=verb)
            await asyncio.sleep(5.0)
        assert at.calls(UPDATE) == 1
        said = [CARD_LOST in message.text for message in about_session(at) if message.source is Source.ACK]
    assert said == [False, code != "message_not_found", False]
