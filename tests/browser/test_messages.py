"""Messages stand in the channel as in Slack: some for one person alone, some in threads, and they change in place."""

import pytest
from playwright.async_api import expect

from bot.sim.anchor import SessionState
from bot.sim.slack.content import Content
from browser.parts import actions, button, section
from browser.room import Room

pytestmark = pytest.mark.anyio

SET_MARK = "all => all.forEach(one => { one.mark = true; })"
MARKS = "all => all.map(one => one.mark === true)"


async def test_what_one_person_alone_sees_says_so(room: Room) -> None:
    slack = room.at.stage.slack
    room.post("For Mallory", only_to=slack.outsider)
    room.post("For all")
    room.post("For Alice", only_to=slack.alice)
    await expect(room.message("For Alice").get_by_text("Only visible to you")).to_be_visible()
    await expect(room.message("For all")).not_to_contain_text("Only visible to you")
    await expect(room.message("For Mallory")).to_have_count(0)
    await room.message("For Alice").hover()
    await expect(room.message("For Alice").get_by_role("button")).to_have_count(0)


async def test_who_speaks_is_told_and_what_they_are(room: Room) -> None:
    slack = room.at.stage.slack
    room.post("a")
    room.post("b", by=slack.bob)
    room.post("c", by=slack.outsider)
    bylines = room.messages.locator(".byline")
    await expect(bylines.nth(0)).to_contain_text("anchorApp")
    await expect(bylines.nth(1)).not_to_contain_text("App")
    await expect(bylines.nth(2)).to_contain_text("malloryExternal")


async def test_what_one_person_says_in_a_row_is_drawn_as_one(room: Room) -> None:
    slack = room.at.stage.slack
    for text in ("a1", "a2"):
        room.post(text, by=slack.alice)
    room.post("b1", by=slack.bob)
    room.post("b2", by=slack.bob, only_to=slack.alice)
    slack.clock.advance(301)
    try:
        for text in ("b3", "b4"):
            room.post(text, by=slack.bob)
        slack.clock.advance(301)
        room.post("b5", by=slack.bob)
        await expect(room.messages).to_have_count(7)
        named = [await message.locator(".author").is_visible() for message in await room.messages.all()]
        assert named == [True, False, True, True, True, False, True]
    finally:
        slack.clock.advance(-602)


async def test_replies_stand_under_their_message_and_fold(room: Room) -> None:
    slack = room.at.stage.slack
    first = room.post("First")
    room.post("Second", by=slack.bob)
    for text in ("One reply", "Another"):
        room.post(text, thread=first, by=slack.alice)
    room.post("For you alone", thread=first, only_to=slack.alice)
    await expect(room.list.get_by_text("2 replies", exact=True)).to_be_visible()
    read = await room.messages.locator(".content").all_inner_texts()
    assert read == ["First", "One reply", "Another", "For you alone", "Second"]
    await room.list.get_by_text("2 replies").click()
    await expect(room.message("Another")).to_be_hidden()
    await room.list.get_by_text("2 replies").press("Enter")
    await expect(room.message("Another")).to_be_visible()


async def test_one_replies_in_a_thread_and_leaves_it(room: Room) -> None:
    first = room.post("Who paused *it*?\nAnybody?")
    await room.message("Who paused").hover()
    await room.button("Reply in thread").click()
    await expect(room.pane.get_by_text("In the thread of: Who paused it?", exact=True)).to_be_visible()
    await expect(room.line).to_be_focused()
    await expect(room.line).to_have_accessible_name("Reply in the thread as alice")
    await room.enter("I did")
    await expect(room.list.get_by_text("1 reply", exact=True)).to_be_visible()
    await room.enter("Honestly")
    await expect(room.list.get_by_text("2 replies", exact=True)).to_be_visible()
    await room.pane.get_by_role("button", name="Leave the thread").click()
    await expect(room.line).to_have_accessible_name(f"Message #{room.channel.name} as alice")
    await room.enter("To all")
    await expect(room.message("To all")).to_be_visible()
    said = room.at.stage.slack.channel_messages(room.channel)
    assert [message.thread_ts for message in said] == [None, first.ts, first.ts, None]


async def test_a_thread_is_answered_by_its_own_button_too(room: Room) -> None:
    first = room.post("First")
    room.post("A reply", thread=first)
    await room.list.get_by_role("button", name="Reply", exact=True).click()
    await room.enter("Mine")
    await expect(room.list.get_by_text("2 replies")).to_be_visible()


async def test_a_command_in_a_thread_is_refused_by_slack_and_reaches_nobody(room: Room) -> None:
    first, session_id = room.post("First"), room.at.stage.anchor.add_session()
    room.post("A reply", thread=first)
    await room.list.get_by_role("button", name="Reply", exact=True).click()
    await room.enter(f"/anchor-pause {session_id}")
    refusal = room.list.locator("details").get_by_text("/anchor-pause is not supported in threads. Sorry!")
    await expect(refusal).to_be_visible()
    await expect(room.message("/anchor-pause is not supported")).to_contain_text("Slackbot")
    await expect(room.message("/anchor-pause is not supported")).to_contain_text("Only visible to you")
    await expect(room.list.get_by_text("1 reply", exact=True)).to_be_visible()
    assert room.orders(session_id) == []


async def test_a_thread_can_t_be_answered_when_its_message_is_gone(room: Room) -> None:
    first = room.post("First")
    await room.message("First").hover()
    await room.button("Reply in thread").click()
    room.at.stage.slack.platform.history.delete(first)
    await expect(room.line).to_have_accessible_name(f"Message #{room.channel.name} as alice")
    await expect(room.pane.get_by_role("button", name="Leave the thread")).to_be_hidden()
    await room.enter("To all")
    await expect(room.message("To all")).to_be_visible()


async def test_only_the_message_that_changed_is_drawn_anew(room: Room) -> None:
    slack = room.at.stage.slack
    room.post("Before")
    session_id = await room.alert()
    room.post("After")
    await expect(room.message("After")).to_be_visible()
    await room.messages.evaluate_all(SET_MARK)
    await slack.click(slack.bob, slack.channel_messages(room.channel)[1])
    await expect(room.list.get_by_text("Paused by @bob")).to_be_visible()
    await expect(room.list.get_by_text("1 reply")).to_be_visible()
    assert await room.messages.evaluate_all(MARKS) == [True, False, False, True]
    await expect(room.messages.first).not_to_contain_text("Paused")
    assert room.orders(session_id) == ["pause"]


async def test_the_focus_goes_to_the_button_that_took_the_place_of_the_pressed_one(room: Room) -> None:
    first, second = (room.at.stage.anchor.add_session() for _ in range(2))
    other, pause_first, pause_second = (
        button("Other", "other"),
        button("Pause", "anchor_pause", value=first, accessibility_label="Pause the first"),
        button("Pause", "anchor_pause", value=second, accessibility_label="Pause the second"),
    )
    room.post("Two", blocks=[section("One"), actions(pause_first), section("Two"), actions(other, pause_second)])
    await room.button("Pause the second").focus()
    await room.page.keyboard.press("Enter")
    await expect(room.message("Two").get_by_role("button", name=f"Resume session {second}")).to_be_focused()
    await room.page.keyboard.press("Enter")
    await expect(room.message("Two").get_by_role("button", name=f"Pause session {second}")).to_be_focused()
    assert room.orders(second) == ["pause", "resume"]
    assert room.orders(first) == []


async def test_where_no_button_takes_its_place_the_message_has_the_focus(room: Room) -> None:
    first, ended = room.at.stage.anchor.add_session(), room.at.stage.anchor.add_session(state=SessionState.ENDED)
    pauses = [button("Pause", "anchor_pause", value=one, accessibility_label=f"Pause {one}") for one in (ended, first)]
    room.post("Two", blocks=[section("Cards"), *(actions(pause) for pause in pauses)])
    await room.button(f"Pause {ended}").press("Enter")
    await expect(room.message("Cards").get_by_text("Found not running by @alice")).to_be_visible()
    await expect(room.message("Cards")).to_be_focused()
    await room.page.keyboard.press("Tab")
    await expect(room.button(f"Pause {first}")).to_be_focused()


async def test_the_focus_stays_on_a_link_and_on_the_reply_button(room: Room) -> None:
    slack, session_id = room.at.stage.slack, room.at.stage.anchor.add_session()
    blocks = [section("<https://a.example|Look>"), actions(button("Pause", "anchor_pause", value=session_id))]
    card = room.post("Alert", blocks=blocks)
    await room.list.get_by_role("link", name="Look").focus()
    await slack.click(slack.bob, card)
    await expect(room.list.get_by_text("Paused by @bob")).to_be_visible()
    await expect(room.list.get_by_role("link", name="Look")).to_be_focused()
    await room.message("Look").get_by_role("button", name="Reply in thread").focus()
    await slack.click(slack.bob, card, "anchor_resume")
    await expect(room.list.get_by_text("Resumed by @bob")).to_be_visible()
    await expect(room.message("Look").get_by_role("button", name="Reply in thread")).to_be_focused()


async def test_what_was_typed_is_echoed_as_it_was_typed(room: Room) -> None:
    session_id = room.at.stage.anchor.add_session()
    line = f'/anchor-pause <{session_id}> R&D said "*stop*" :fire:'
    await room.enter(line)
    echo = room.messages.get_by_text(line, exact=True)
    await expect(echo).to_be_visible()
    assert await echo.evaluate("echo => echo.tagName") == "CODE"
    await expect(room.message("Paused")).to_contain_text('Reason: R&D said "stop" 🔥')


async def test_a_text_that_changed_is_marked_where_there_are_no_blocks(room: Room) -> None:
    text, blocks = room.post("Version 1"), room.post("x", blocks=[section("Blocks 1")])
    history = room.at.stage.slack.platform.history
    history.replace(text, Content("Version 2"))
    history.replace(blocks, Content("x", (dict(section("Blocks 2")),)))
    await expect(room.message("Blocks 2")).to_be_visible()
    await expect(room.message("Version 2")).to_contain_text("(edited)")
    await expect(room.message("Blocks 2")).not_to_contain_text("(edited)")


async def test_what_was_said_elsewhere_is_counted_until_it_is_looked_at(room: Room) -> None:
    slack = room.at.stage.slack
    other = room.page.get_by_role("navigation").get_by_role("button", name="#incidents")
    await expect(other).to_have_accessible_name("#incidents")
    for text in ("One", "Two"):
        slack.post(slack.incidents, text)
    await expect(other).to_have_accessible_name("#incidents 2 unread")
    await other.press("Enter")
    await expect(other).to_have_accessible_name("#incidents")
    await expect(other).to_have_attribute("aria-current", "page")
    await expect(room.message("Two")).to_be_visible()
    await expect(room.line).to_be_focused()
