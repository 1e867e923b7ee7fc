"""Messages stand in the channel as in Slack: some for one person only, some in threads, and they change in place."""

import pytest
from playwright.async_api import expect

from browser.channel_page import ChannelPage
from harness.blocks import section

pytestmark = pytest.mark.anyio


async def test_each_message_has_its_author_its_readers_and_one_announcement(channel: ChannelPage) -> None:
    slack = channel.slack
    channel.post("For Mallory", only_to=slack.outsider)
    channel.post("By the app")
    channel.post("By Bob", by=slack.bob)
    channel.post("By Mallory", by=slack.outsider)
    channel.post("For *you* :wave:", only_to=slack.alice)
    channel.post("Session <@U0ALICE0001> &amp; `5`", blocks=[section("Only shown")])
    channel.post(attachments=[{"fallback": "[FIRING] HighSpend", "text": "x"}, {"title": "The *title*", "text": "x"}])
    channel.post("One\ntwo\n> three\nfour\n```five```\nsix")
    private = channel.message("For you")
    await expect(private.get_by_text("Only visible to you")).to_be_visible()
    await expect(channel.message("For Mallory")).to_have_count(0)
    await expect(channel.message("By Mallory").locator(".byline")).to_contain_text("malloryExternal")
    said = [
        "anchor: By the app",
        "bob: By Bob",
        "mallory: By Mallory",
        "anchor: to you alone: For you 👋",
        "anchor: Session @alice & 5",
        "anchor: [FIRING] HighSpend The title",
        "anchor: One two three four five six",
    ]
    await expect(channel.announced).to_have_text(said)
    assert str(await channel.announced.last.text_content()).endswith("One\ntwo\nthree\nfour\nfive\nsix")
    other = channel.in_sidebar("#incidents")
    slack.post(slack.incidents, "Two")
    await expect(other).to_have_accessible_name("#incidents 1 unread")
    await other.press("Enter")
    await expect(other).to_have_accessible_name("#incidents")
    await expect(channel.message("Two")).to_be_visible()
    await expect(channel.line).to_be_focused()
    await channel.open()
    await expect(private).to_be_visible()
    await expect(channel.announced).to_have_count(0)  # what was there before is not announced


async def test_people_reply_in_threads_which_stand_below_their_message_and_can_be_folded(channel: ChannelPage) -> None:
    slack, session_id = channel.slack, channel.anchor.add_session()
    first, in_thread = channel.post("Who paused *it*?\nAnybody?"), channel.pane.get_by_text("In the thread of: ")
    leave = channel.pane.get_by_role("button", name="Leave the thread")
    await channel.message("Who paused").hover()
    await channel.button("Reply in thread").click()
    await expect(in_thread).to_have_text("In the thread of: Who paused it?")
    await expect(channel.line).to_be_focused()
    await channel.enter("I did")
    await expect(channel.list.get_by_text("1 reply", exact=True)).to_be_visible()
    await channel.enter(f"/anchor-pause {session_id}")  # which Slack refuses in a thread
    refusal = channel.list.locator("details .message").filter(has_text="not supported in threads")
    await expect(refusal).to_contain_text("Only visible to you")
    assert channel.orders(session_id) == []
    await leave.click()
    await channel.enter("To all")
    await expect(channel.message("To all")).to_be_visible()
    await channel.list.get_by_role("button", name="Reply", exact=True).click()
    await channel.enter("Honestly")
    summary = channel.list.get_by_text("2 replies", exact=True)
    await expect(summary).to_be_visible()
    said = slack.channel_messages(channel.conversation)
    assert [message.thread_ts for message in said] == [None, first.ts, None, first.ts]
    for key, is_visible in (("Enter", False), ("Space", True)):
        await summary.press(key)
        await expect(channel.message("Honestly")).to_be_visible(visible=is_visible)
