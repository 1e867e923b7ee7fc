"""What is done where there is no conversation is also shown in the alert channel, unless a card there shows it."""

import asyncio
from typing import Any

import pytest

from bot.demo.sandbox import environment
from bot.sim.slack import Message, Source
from conversations.test_cards import PAUSE, RESUME, taking_alerts, until_shown
from harness import SESSION, SingleHarness, paused
from harness.conversation import until
from harness.databases import KEY
from harness.doctor import give_order
from harness.product import Settings
from harness.texts import is_about

pytestmark = pytest.mark.anyio


def posts(at: SingleHarness) -> list[Message]:
    """The messages of the bot in the alert channel, but for answers to commands."""
    return [message for message in at.messages() if message.source is Source.POST_MESSAGE]


async def the_only_post(at: SingleHarness) -> Message:
    """Wait for a post in the alert channel, and for others that could follow."""
    await at.slack.until(lambda: posts(at))
    await asyncio.sleep(1.5)
    (post,) = posts(at)
    return post


async def resume_in_home(at: SingleHarness) -> None:
    """Open Home until it shows the session as paused, and resume it there."""

    async def values() -> list[str]:
        home = await at.open_home()
        found = [one for block in map(dict[str, Any], home.blocks) for one in block.get("elements", ())]
        return [one["value"] for one in found if str(one.get("value")).startswith(f"{SESSION} after=")]

    await until(values)
    (value,) = await values()
    await at.slack.act(at.person, await at.open_home(), "anchor_resume_confirmed", value=value)


async def test_a_click_in_home_is_shown_in_the_alert_channel_and_the_next_ones_on_that_card() -> None:
    async with taking_alerts() as at:
        home = await at.open_home()
        assert f"<#{at.channel.id}>" in home.text
        await asyncio.gather(*(at.slack.act(at.person, home, "anchor_pause", value=SESSION) for _ in range(2)))
        card = await the_only_post(at)
        assert is_about(card.text, paused())
        await until_shown(at, card, RESUME, "Paused")
        await resume_in_home(at)
        await until_shown(at, card, PAUSE, "Resumed")
        assert await the_only_post(at) == at.current(card)


async def test_an_order_of_the_command_line_is_shown_without_its_reason(sqlite_url: str) -> None:
    async with taking_alerts(sqlite_url) as at:
        own = {"DATABASE_URL": sqlite_url, "ENCRYPTION_KEYS": KEY.reveal(), "ALERTS_CHANNEL": at.channel.id}
        settings = Settings.from_env(environment(at.slack, at.anchor, **own))
        assert await give_order(settings, "pause", SESSION, "--reason", "s3cret") == 0
        card = await the_only_post(at)
        assert ("(command line)" in card.text, "s3cret" in card.text) == (True, False)
        assert await give_order(settings, "resume", SESSION) == 0
        await until_shown(at, card, PAUSE, "Resumed", "(command line)")
        assert len(posts(at)) == 1
