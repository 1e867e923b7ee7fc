"""Messages stand in the channel as in Slack: some for one person only, some in threads, and they change in place."""

import pytest
from playwright.async_api import Locator, expect

from bot.sim.anchor import SessionState
from browser.accessibility import tab_to
from browser.channel_page import ChannelPage
from harness.blocks import section
from harness.texts import NOTHING_CHOSEN

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
    slack.platform.history.delete(first)  # whose replies stay, alone
    await expect(channel.message("Who paused")).to_have_count(0)
    channel.post("After that", by=slack.bob)
    await expect(channel.message("After that")).to_be_visible()
    texts = await channel.messages.locator(".content").all_inner_texts()
    assert [text for text in texts if "threads" not in text] == [
        "I did",
        "To all",
        "Honestly",
        "After that",
    ]


def offer(channel: ChannelPage) -> Locator:
    return channel.pane.get_by_role("button", name="New messages")


async def read_above(channel: ChannelPage) -> Locator:
    """Scroll up to a message in the middle, and return it."""
    middle = channel.message("Message 30")
    await middle.scroll_into_view_if_needed()
    await expect(middle).to_be_in_viewport()
    await expect(channel.message("Message 60")).not_to_be_in_viewport()
    return middle


async def test_the_list_follows_new_messages_but_moves_nobody_who_reads_above(channel: ChannelPage) -> None:
    page = channel.page
    for number in range(1, 61):
        channel.post(f"Message {number}", by=(channel.slack.bob, channel.slack.alice)[number % 7 == 0])
    await expect(channel.message("Message 60")).to_be_in_viewport(ratio=1)
    await page.reload()
    await channel.open()
    channel.post("A new one\nof two lines")
    for height in (900, 400, 900):
        await page.set_viewport_size({"width": 1440, "height": height})
        await expect(channel.message("A new one")).to_be_in_viewport(ratio=1)
    await expect(offer(channel)).to_be_hidden()
    for by in ("mouse", "keyboard"):
        middle = await read_above(channel)
        before = await middle.bounding_box()
        channel.post(f"New by {by}")
        await expect(offer(channel)).to_be_visible()
        assert await middle.bounding_box() == before
        if by == "mouse":
            await offer(channel).click()
        else:
            await tab_to(page, offer(channel), "Shift+Tab")
            await page.keyboard.press("Enter")
        await expect(channel.message(f"New by {by}")).to_be_in_viewport(ratio=1)
        await expect(offer(channel)).to_be_hidden()
        await channel.line.focus()
    middle = await read_above(channel)
    channel.post("A reply", thread=channel.slack.channel_messages(channel.conversation)[9])
    await expect(channel.message("A reply")).to_be_attached()
    await expect(middle).to_be_in_viewport()
    await channel.enter("My own")  # to which one is scrolled
    await expect(channel.message("My own")).to_be_in_viewport(ratio=1)


def shortcuts_of(message: Locator) -> Locator:
    return message.get_by_role("button", name="Shortcuts")


async def test_the_menu_of_a_message_pauses_its_session_or_offers_its_sessions(channel: ChannelPage) -> None:
    slack, keyboard = channel.slack, channel.page.keyboard
    first, second, third = (channel.anchor.add_session() for _ in range(3))
    message = channel.post(f"Look at {first}, please", by=slack.bob)
    channel.post(f"{second} spends,\n{third} loops", by=slack.bob)
    channel.post("For Alice", only_to=slack.alice)
    look, loops = channel.message("Look at"), channel.message("loops")
    await expect(shortcuts_of(channel.message("For Alice"))).to_have_count(0)
    await look.hover()
    await shortcuts_of(look).click()
    await look.get_by_role("menuitem").click()
    permalink = f"https://acme.slack.com/archives/{message.channel}/p{message.ts.replace('.', '')}"
    link = channel.messages.get_by_role("link", name="this message")
    await expect(link).to_have_attribute("href", permalink)
    assert channel.orders(first) == ["pause"]
    await shortcuts_of(loops).focus()
    await keyboard.press("Enter")
    await keyboard.press("Enter")
    pause = channel.dialog.get_by_role("button", name="Pause")
    await pause.click()
    await expect(channel.dialog).to_contain_text(NOTHING_CHOSEN)
    await channel.dialog.get_by_role("checkbox", name=third).check()
    await pause.click()
    await expect(channel.dialog).to_have_count(0)
    await slack.until(lambda: channel.orders(third) == ["pause"])
    assert channel.orders(second) == []
    await channel.act_as("mallory")
    await expect(loops).to_be_visible()
    await expect(shortcuts_of(loops)).to_have_count(0)  # people of other workspaces have no shortcuts


async def test_the_shortcut_of_the_workspace_opens_a_window_from_which_an_agent_is_paused(channel: ChannelPage) -> None:
    session = await channel.alert()  # the newest: not all that run are offered
    await channel.page.get_by_role("button", name="Shortcut: Pause an agent").click()
    window = channel.page.get_by_role("dialog", name="Pause an agent")
    await window.get_by_role("button", name=channel.spoken("Pause", session)).click()
    await expect(window.get_by_role("button", name=channel.spoken("Resume", session))).to_be_visible()
    assert channel.orders(session)[-1] == "pause"
    channel.anchor.session(session).state = SessionState.RUNNING
    await window.get_by_role("button", name="Close").last.click()
