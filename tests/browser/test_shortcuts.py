"""The ⋮ menu of a message has the app's shortcut, with the mouse and with the keyboard."""

import pytest
from playwright.async_api import Locator, expect

from bot.messages.session_buttons import PAUSE_FROM_MESSAGE_NAME
from bot.messages.session_choice import NOTHING_CHOSEN, TITLE
from browser.channel_page import ChannelPage

pytestmark = pytest.mark.anyio


def menu(message: Locator) -> Locator:
    return message.get_by_role("button", name="Shortcuts")


def choice(message: Locator) -> Locator:
    return message.get_by_role("menuitem", name=PAUSE_FROM_MESSAGE_NAME)


async def test_the_shortcut_pauses_the_session_of_a_persons_message(channel: ChannelPage) -> None:
    slack, session_id = channel.slack, channel.anchor.add_session()
    message = channel.post(f"Look at {session_id}, please", by=slack.bob)
    shown = channel.message("Look at")
    await shown.hover()
    await menu(shown).click()
    await choice(shown).click()
    await slack.until(lambda: len(slack.channel_messages(channel.conversation)) == 2)
    result = slack.channel_messages(channel.conversation)[-1]
    link = channel.messages.get_by_role("link", name="this message")
    await expect(link).to_have_attribute(
        "href", f"https://acme.slack.com/archives/{message.channel}/p{message.ts.replace('.', '')}"
    )
    assert session_id in result.text


async def test_several_sessions_are_offered_in_a_modal(channel: ChannelPage) -> None:
    first, second = channel.anchor.add_session(), channel.anchor.add_session()
    channel.post(f"{first} spends,\n{second} loops", by=channel.slack.bob)
    shown, keyboard = channel.message("loops"), channel.page.keyboard
    await menu(shown).focus()
    await keyboard.press("Enter")
    await keyboard.press("Enter")
    await expect(channel.dialog).to_contain_text(TITLE)
    pause = channel.dialog.get_by_role("button", name="Pause")
    await pause.click()
    await expect(channel.dialog).to_contain_text(NOTHING_CHOSEN)
    box = channel.dialog.get_by_role("checkbox", name=second)
    await expect(channel.dialog.get_by_text("loops")).to_be_visible()
    await box.check()
    await pause.click()
    await expect(channel.dialog).to_have_count(0)
    await channel.slack.until(lambda: channel.anchor.posts(second))
    assert channel.anchor.posts(first) == []


async def test_it_is_offered_where_slack_offers_it(channel: ChannelPage) -> None:
    channel.post("By Bob", by=channel.slack.bob)
    channel.post("For Alice", only_to=channel.slack.alice)
    await expect(menu(channel.message("By Bob"))).to_have_count(1)
    await expect(menu(channel.message("For Alice"))).to_have_count(0)


async def test_people_of_other_workspaces_have_no_shortcuts(channel: ChannelPage) -> None:
    channel.post("By Bob", by=channel.slack.bob)
    await expect(menu(channel.message("By Bob"))).to_have_count(1)
    await channel.act_as("mallory")
    await expect(channel.message("By Bob")).to_be_visible()
    await expect(menu(channel.message("By Bob"))).to_have_count(0)
