"""Messages stand in the channel as in Slack: some for one person only, some in threads, and they change in place."""

import pytest
from playwright.async_api import expect

from bot.sim.anchor import SessionState
from bot.sim.slack.content import Content
from browser.channel_page import ChannelPage
from harness.blocks import actions, button, section

pytestmark = pytest.mark.anyio

SET_MARK = "all => all.forEach(one => { one.mark = true; })"
MARKS = "all => all.map(one => one.mark === true)"


async def test_a_message_shows_its_author_and_whether_others_see_it(channel: ChannelPage) -> None:
    slack = channel.slack
    channel.post("For Mallory", only_to=slack.outsider)
    channel.post("By the app")
    channel.post("By Bob", by=slack.bob)
    channel.post("By Mallory", by=slack.outsider)
    channel.post("For Alice", only_to=slack.alice)
    private = channel.message("For Alice")
    await expect(private.get_by_text("Only visible to you")).to_be_visible()
    await expect(channel.message("By the app")).not_to_contain_text("Only visible to you")
    await expect(channel.message("For Mallory")).to_have_count(0)
    await private.hover()
    await expect(private.get_by_role("button")).to_have_count(0)
    await expect(channel.message("By the app").locator(".byline")).to_contain_text("anchorApp")
    await expect(channel.message("By Bob").locator(".byline")).not_to_contain_text("App")
    await expect(channel.message("By Mallory").locator(".byline")).to_contain_text("malloryExternal")


async def test_messages_of_one_author_within_five_minutes_share_a_byline(channel: ChannelPage) -> None:
    slack = channel.slack
    for text in ("a1", "a2"):
        channel.post(text, by=slack.alice)
    channel.post("b1", by=slack.bob)
    channel.post("b2", by=slack.bob, only_to=slack.alice)
    slack.clock.advance(301)
    try:
        for text in ("b3", "b4"):
            channel.post(text, by=slack.bob)
        slack.clock.advance(301)
        channel.post("b5", by=slack.bob)
        await expect(channel.messages).to_have_count(7)
        with_byline = [await message.locator(".author").is_visible() for message in await channel.messages.all()]
        assert with_byline == [True, False, True, True, True, False, True]
    finally:
        slack.clock.advance(-602)


async def test_replies_stand_below_their_message_and_can_be_folded(channel: ChannelPage) -> None:
    slack = channel.slack
    first = channel.post("First")
    channel.post("Second", by=slack.bob)
    for text in ("One reply", "Another"):
        channel.post(text, thread=first, by=slack.alice)
    channel.post("For you alone", thread=first, only_to=slack.alice)
    summary = channel.list.get_by_text("2 replies", exact=True)
    await expect(summary).to_be_visible()
    texts = await channel.messages.locator(".content").all_inner_texts()
    assert texts == ["First", "One reply", "Another", "For you alone", "Second"]
    await summary.click()
    await expect(channel.message("Another")).to_be_hidden()
    await summary.press("Enter")
    await expect(channel.message("Another")).to_be_visible()


async def test_a_person_replies_in_a_thread_and_leaves_it(channel: ChannelPage) -> None:
    first = channel.post("Who paused *it*?\nAnybody?")
    await channel.message("Who paused").hover()
    await channel.button("Reply in thread").click()
    await expect(channel.pane.get_by_text("In the thread of: Who paused it?", exact=True)).to_be_visible()
    await expect(channel.line).to_be_focused()
    await expect(channel.line).to_have_accessible_name("Reply in the thread as alice")
    await channel.enter("I did")
    await expect(channel.list.get_by_text("1 reply", exact=True)).to_be_visible()
    await channel.pane.get_by_role("button", name="Leave the thread").click()
    await expect(channel.line).to_have_accessible_name(f"Message {channel.name} as alice")
    await channel.enter("To all")
    all_see = channel.message("To all")
    await expect(all_see).to_be_visible()
    await channel.list.get_by_role("button", name="Reply", exact=True).click()
    await channel.enter("Honestly")
    await expect(channel.list.get_by_text("2 replies", exact=True)).to_be_visible()
    said = channel.slack.channel_messages(channel.conversation)
    assert [message.thread_ts for message in said] == [None, first.ts, None, first.ts]
    await all_see.hover()
    await all_see.get_by_role("button", name="Reply in thread").click()
    await expect(channel.pane.get_by_text("In the thread of: To all")).to_be_visible()
    channel.slack.platform.history.delete(said[2])
    await expect(channel.line).to_have_accessible_name(f"Message {channel.name} as alice")
    await expect(channel.pane.get_by_role("button", name="Leave the thread")).to_be_hidden()


async def test_replies_stand_alone_when_the_first_message_of_their_thread_is_deleted(channel: ChannelPage) -> None:
    slack = channel.slack
    first = channel.post("First")
    for text in ("One reply", "Another"):
        channel.post(text, thread=first, by=slack.alice)
    channel.post("Last", by=slack.bob)
    await expect(channel.messages).to_have_count(4)
    slack.platform.history.delete(first)
    await expect(channel.message("First")).to_have_count(0)
    channel.post("After that", by=slack.bob)
    await expect(channel.message("After that")).to_be_visible()
    texts = await channel.messages.locator(".content").all_inner_texts()
    assert texts == ["One reply", "Another", "Last", "After that"]


async def test_slack_refuses_a_command_in_a_thread(channel: ChannelPage) -> None:
    first, session_id = channel.post("First"), channel.anchor.add_session()
    channel.post("A reply", thread=first)
    await channel.list.get_by_role("button", name="Reply", exact=True).click()
    await channel.enter(f"/anchor-pause {session_id}")
    refusal = channel.message("not supported in threads")
    await expect(channel.list.locator("details").get_by_text("not supported in threads")).to_be_visible()
    await expect(refusal).to_contain_text("Slackbot")
    await expect(refusal).to_contain_text("Only visible to you")
    await expect(channel.list.get_by_text("1 reply", exact=True)).to_be_visible()
    assert channel.orders(session_id) == []


async def test_only_a_message_that_changed_is_redrawn(channel: ChannelPage) -> None:
    slack = channel.slack
    text = channel.post("Version 1")
    session_id = await channel.alert()
    blocks = channel.post("x", blocks=[section("Blocks 1")])
    await expect(channel.message("Blocks 1")).to_be_visible()
    await channel.messages.evaluate_all(SET_MARK)
    await slack.click(slack.bob, slack.channel_messages(channel.conversation)[1])
    await expect(channel.resume_button(session_id)).to_have_count(1)
    await expect(channel.list.get_by_text("1 reply")).to_be_visible()
    assert await channel.messages.evaluate_all(MARKS) == [True, False, False, True]
    assert channel.orders(session_id) == ["pause"]
    slack.platform.history.replace(text, Content("Version 2"))
    slack.platform.history.replace(blocks, Content("x", (section("Blocks 2"),)))
    await expect(channel.message("Blocks 2")).not_to_contain_text("(edited)")
    await expect(channel.message("Version 2")).to_contain_text("(edited)")


async def test_the_focus_moves_to_the_button_that_replaces_the_pressed_one_or_to_the_message(
    channel: ChannelPage,
) -> None:
    first, second = (channel.anchor.add_session() for _ in range(2))
    ended = channel.anchor.add_session(state=SessionState.ENDED)
    pauses = [button(value=one, accessibility_label=f"Pause {one}") for one in (first, second, ended)]
    blocks = [section("One"), actions(pauses[0]), section("Two"), actions(button("other", text="Other"), pauses[1])]
    channel.post("Two", blocks=[*blocks, actions(pauses[2])])
    card = channel.message("Two")
    await channel.button(f"Pause {second}").press("Enter")
    await expect(card.get_by_role("button", name=f"Resume session {second}")).to_be_focused()
    await channel.page.keyboard.press("Enter")
    await expect(channel.dialog.get_by_role("button", name="Resume")).to_be_focused()
    await channel.page.keyboard.press("Enter")
    await expect(card.get_by_role("button", name=f"Pause session {second}")).to_be_focused()
    assert channel.orders(second) == ["pause", "resume"]
    await channel.button(f"Pause {ended}").press("Enter")
    await expect(channel.button(f"Pause {ended}")).to_have_count(0)
    await expect(card).to_be_focused()
    await channel.page.keyboard.press("Tab")
    await expect(channel.button(f"Pause {first}")).to_be_focused()
    assert channel.orders(first) == []


async def test_the_focus_stays_on_a_link_and_on_the_reply_button_of_a_changed_message(channel: ChannelPage) -> None:
    slack, session_id = channel.slack, channel.anchor.add_session()
    card = channel.post("Alert", blocks=[section("<https://a.example|Look>"), actions(button(value=session_id))])
    shown = channel.message("Look")
    link, reply = shown.get_by_role("link", name="Look"), shown.get_by_role("button", name="Reply in thread")
    clicks = ((link, "anchor_pause", "Resume"), (reply, "anchor_resume_confirmed", "Pause"))
    for focused, action_id, next_button in clicks:
        await focused.focus()
        await slack.click(slack.bob, card, action_id)
        await expect(shown.get_by_role("button", name=next_button)).to_be_visible()
        await expect(focused).to_be_focused()


async def test_a_command_is_echoed_as_it_was_typed(channel: ChannelPage) -> None:
    session_id = channel.anchor.add_session()
    line = f'/anchor-pause <{session_id}> R&D said "*stop*" :fire:'
    await channel.enter(line)
    echo = channel.messages.get_by_text(line, exact=True)
    await expect(echo).to_be_visible()
    assert await echo.evaluate("echo => echo.tagName") == "CODE"
    await expect(channel.messages.last).to_contain_text('R&D said "stop" 🔥')


async def test_messages_elsewhere_are_counted_until_they_are_read(channel: ChannelPage) -> None:
    other = channel.in_sidebar("#incidents")
    await expect(other).to_have_accessible_name("#incidents")
    for text in ("One", "Two"):
        channel.slack.post(channel.slack.incidents, text)
    await expect(other).to_have_accessible_name("#incidents 2 unread")
    await other.press("Enter")
    await expect(other).to_have_accessible_name("#incidents")
    await expect(other).to_have_attribute("aria-current", "page")
    await expect(channel.message("Two")).to_be_visible()
    await expect(channel.line).to_be_focused()
