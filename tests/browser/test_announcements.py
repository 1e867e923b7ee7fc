"""Screen readers announce each new message once, with its author."""

import pytest
from playwright.async_api import expect

from browser.channel_page import ChannelPage
from harness.blocks import section

pytestmark = pytest.mark.anyio


async def announced(channel: ChannelPage, *sentences: str) -> None:
    """Exactly these were announced, in order."""
    await expect(channel.announced).to_have_text(sentences)


async def test_each_message_is_announced_by_its_author_and_its_text(channel: ChannelPage) -> None:
    slack = channel.slack
    for _ in range(2):
        channel.post("Hello", by=slack.bob)
    channel.post("For *you* :wave:", only_to=slack.alice)
    channel.post("For Mallory", only_to=slack.outsider)
    channel.post("Session <@U0ALICE0001> &amp; `5`", blocks=[section("Only shown")])
    channel.post(attachments=[{"fallback": "[FIRING] HighSpend", "text": "x"}, {"title": "The *title*", "text": "x"}])
    channel.post("One\ntwo\n> three\nfour\n```five```\nsix")
    await announced(
        channel,
        "bob: Hello",
        "bob: Hello",
        "anchor: to you alone: For you 👋",
        "anchor: Session @alice & 5",
        "anchor: [FIRING] HighSpend The title",
        "anchor: One two three four five six",
    )
    assert str(await channel.announced.last.text_content()).endswith("One\ntwo\nthree\nfour\nfive\nsix")


async def test_messages_that_were_there_before_are_not_announced_and_the_last_ten_are_kept(
    channel: ChannelPage,
) -> None:
    channel.post("Old")
    await announced(channel, "anchor: Old")
    await channel.in_sidebar("#alerts").click()
    await channel.open()
    await expect(channel.message("Old")).to_be_visible()
    await announced(channel)
    for number in range(15):
        channel.post(f"Number {number}")
    await announced(channel, *[f"anchor: Number {number}" for number in range(5, 15)])
