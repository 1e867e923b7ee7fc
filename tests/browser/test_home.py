"""The app's Home, as it is published for the person who looks. https://docs.slack.dev/surfaces/app-home"""

import re

import pytest
from playwright.async_api import expect

from browser.accessibility import tab_to
from browser.channel_page import ChannelPage
from browser.sample_app import SampleApp
from harness.blocks import (
    actions,
    button,
    confirm,
    context,
    fields,
    header,
    input_block,
    menu,
    mrkdwn,
    option,
    plain,
    section,
)

pytestmark = pytest.mark.anyio

SELECT = {
    "type": "conversations_select",
    "action_id": "channel",
    "placeholder": plain("Choose"),
    "filter": {"include": ["public", "private"]},
}
CHANNEL = section("*Where*", block_id="channel", accessory=SELECT)


def tabs_opened(app: SampleApp) -> list[str]:
    """The tabs in the events that the app received."""
    return [payload["event"]["tab"] for payload in app.of_type("event_callback")]


def acts(app: SampleApp) -> list[tuple[str, object]]:
    """What was pressed or chosen in views: the action_id, and the value."""
    chosen = ("value", "selected_conversation", "selected_option", "selected_options", "selected_users")
    done = [action for payload in app.of_type("block_actions") for action in payload["actions"]]
    return [(action["action_id"], next(action[name] for name in chosen if name in action)) for action in done]


async def test_the_app_is_told_of_each_tab_that_is_opened_by_mouse_or_keyboard(
    channel: ChannelPage, app: SampleApp
) -> None:
    home, messages = channel.tab("Home"), channel.tab("Messages")
    entry = channel.in_sidebar("anchor")
    await channel.open_app()
    await app.has_received(lambda: tabs_opened(app), ["home"])
    await messages.click()
    await expect(channel.page.get_by_role("tabpanel", name="Messages")).to_be_visible()
    await expect(channel.home).to_be_hidden()
    await expect(entry).to_have_accessible_name("anchor")
    await home.click()
    await expect(channel.home).to_be_visible()
    await app.has_received(lambda: tabs_opened(app), ["home", "messages", "home"])
    app.slack.post(app.slack.alice_and_bot, "By the app")
    await expect(entry).to_have_accessible_name("anchor 1 unread")
    await channel.open()
    await expect(channel.page.get_by_role("tab")).to_have_count(0)
    await channel.open_app()
    await tab_to(channel.page, home)
    await channel.page.keyboard.press("ArrowRight")
    await expect(messages).to_be_focused()
    await expect(messages).to_have_attribute("aria-selected", "true")
    await expect(channel.message("By the app")).to_be_visible()
    await expect(entry).to_have_accessible_name("anchor")
    await channel.page.keyboard.press("ArrowLeft")
    await expect(home).to_be_focused()
    await tab_to(channel.page, channel.home)
    await app.has_received(lambda: tabs_opened(app), ["home", "messages", "home", "home", "messages", "home"])
    await expect(channel.page.get_by_role("status")).to_be_empty()


async def test_the_home_shows_what_the_app_has_published_last(channel: ChannelPage, app: SampleApp) -> None:
    alice, sections = app.slack.alice, channel.home.locator(".section")
    app.clear()
    await channel.open_app()
    await expect(channel.home).to_have_text("The app has put nothing here yet.", use_inner_text=True)
    await app.publish(alice, section("First"))
    await expect(channel.home).to_have_text("First", use_inner_text=True)
    await app.publish(app.slack.bob, section("For Bob"))
    await app.publish(alice, section("Second"), section("Third"))
    await expect(sections).to_have_text(["Second", "Third"])
    small = context(mrkdwn("by <@U0BOB000001>"))
    unknown = menu("multi_static_select", placeholder=plain("One of these"), options=[option("x")])
    kinds = [header("Set up :key:"), section("*Key* `1234`"), fields("*Paused*\n4", "*Resumed*\n3")]
    await app.publish(alice, *kinds, {"type": "divider"}, small, section("Any", accessory=unknown))
    await expect(channel.home.get_by_role("heading")).to_have_text("Set up 🔑")
    await expect(channel.home.locator("strong")).to_have_text(["Key", "Paused", "Resumed"])
    await expect(channel.home.get_by_role("separator")).to_have_count(1)
    await expect(channel.home.get_by_text("by @bob")).to_be_visible()
    await expect(channel.home.get_by_role("button", name="One of these")).to_be_disabled()


async def test_each_person_has_their_own_home_and_an_outsider_has_none(channel: ChannelPage, app: SampleApp) -> None:
    slack = app.slack
    await app.publish(slack.alice, section("For Alice"))
    await app.publish(slack.bob, section("For Bob"))
    await channel.open_app()
    await expect(channel.home).to_contain_text("For Alice")
    await channel.page.get_by_title("A member of Acme").click()
    await expect(channel.home).to_contain_text("For Bob")
    expected = [slack.alice.id, slack.bob.id]
    await app.has_received(lambda: [payload["event"]["user"] for payload in app.of_type("event_callback")], expected)
    await channel.page.get_by_title("Of another workspace").click()
    await expect(channel.in_sidebar("anchor")).to_have_count(0)


async def test_a_button_tells_the_app_may_ask_first_and_shows_a_warning_when_the_app_is_unreachable(
    channel: ChannelPage, app: SampleApp
) -> None:
    test, remove = (channel.home.get_by_role("button", name=name) for name in ("Test", "Remove"))
    buttons = actions(button("test", "5", "Test"), button("rm", "6", "Remove", confirm=confirm("Remove?")))
    await app.publish(app.slack.alice, section("A"), buttons, section("B"))
    await channel.open_app()
    app.slack.request_url, request_url = None, app.slack.request_url
    await test.click()
    warning = channel.home.get_by_role("alert")
    await expect(warning).to_have_text(re.compile("^⚠Warning: .*not configured"))
    await expect(channel.home.locator("#home-view > *")).to_have_text(["A", "TestRemove", re.compile("⚠"), "B"])
    app.slack.request_url = request_url
    await test.click()
    await expect(warning).to_have_count(0)
    await remove.click()
    await expect(channel.dialog).to_have_accessible_name("Remove?")
    await channel.page.keyboard.press("Escape")
    await expect(remove).to_be_focused()
    await remove.click()
    await channel.dialog.get_by_role("button", name="Yes").click()
    await app.has_received(lambda: acts(app), [("test", "5"), ("rm", "6")])


async def test_a_menu_of_actions_is_opened_and_used_by_mouse_and_by_keyboard(
    channel: ChannelPage, app: SampleApp
) -> None:
    page, more = channel.page, channel.home.get_by_role("button", name="More actions")
    options = [option("edit"), option("remove")]
    accessory = {"type": "overflow", "action_id": "more", "options": options}
    await app.publish(app.slack.alice, section("A key", accessory=accessory), section("Below"))
    await channel.open_app()
    menu = channel.home.get_by_role("menu")
    edit, remove = (channel.home.get_by_role("menuitem", name=name) for name in ("edit", "remove"))
    await more.click()
    await expect(more).to_have_attribute("aria-expanded", "true")
    await remove.click()
    await expect(menu).to_be_hidden()
    await expect(more).to_be_focused()
    await expect(more).not_to_have_attribute("aria-busy", "true")  # until then it sends nothing more
    await page.keyboard.press("Enter")
    await expect(edit).to_be_focused()
    for key, focused in {"ArrowUp": remove, "ArrowDown": edit, "x": edit}.items():
        await page.keyboard.press(key)
        await expect(focused).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(menu).to_be_hidden()
    await expect(more).to_be_focused()
    await page.keyboard.press("Space")
    await expect(edit).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(menu).to_be_hidden()
    await more.click()
    await channel.home.get_by_text("Below").click()
    await expect(menu).to_be_hidden()
    await expect(more).to_have_attribute("aria-expanded", "false")
    await app.has_received(lambda: acts(app), [("more", options[1]), ("more", options[0])])


async def test_the_focus_and_the_choice_stay_when_the_home_is_published_again(
    channel: ChannelPage, app: SampleApp
) -> None:
    alice, home = app.slack.alice, channel.home
    await app.publish(alice, section("No key"), actions(button("other", text="Other"), button("key", text="Set key")))
    await channel.open_app()
    await home.get_by_role("button", name="Set key").focus()
    await app.publish(
        alice, section("A key"), actions(button("key", text="Replace key"), button("other", text="Other"))
    )
    await expect(home.get_by_role("button", name="Replace key")).to_be_focused()
    await app.publish(alice, section("Nothing to press"))
    await expect(home.locator(".section")).to_have_text(["Nothing to press"])
    await expect(home).to_be_focused()
    await app.publish(alice, CHANNEL, section("Before"))
    await home.get_by_role("combobox").fill("alerts")
    await home.get_by_role("combobox").press("Enter")
    await app.publish(alice, {**CHANNEL, "text": mrkdwn("*There*")}, section("After"))
    await expect(home.get_by_role("combobox", name="There")).to_have_value("#alerts")
    await expect(home.get_by_role("combobox", name="There")).to_be_focused()
    await app.publish(alice, {**CHANNEL, "block_id": "another"})
    await expect(home.get_by_role("combobox", name="Where")).to_have_value("")


async def test_the_app_is_told_of_a_channel_that_is_chosen(channel: ChannelPage, app: SampleApp) -> None:
    await app.publish(app.slack.alice, CHANNEL)
    await channel.open_app()
    picker, options = channel.home.get_by_role("combobox", name="Where"), channel.home.get_by_role("option")
    await picker.press_sequentially("a")
    await picker.press("ArrowDown")
    active = channel.home.locator(".menu .active")
    name = await active.inner_text()
    channel.post("Somebody talks")
    await expect(channel.in_sidebar(f"{channel.name} 1")).to_be_visible()
    await expect(active).to_have_text(name)  # the open list stays open
    await expect(picker).to_have_value("a")
    assert await active.get_attribute("id") == await picker.get_attribute("aria-activedescendant")
    await picker.press("Escape")
    await picker.click()
    names = await options.all_inner_texts()
    assert {"#alerts", "#incidents", "#war-room", channel.name} <= set(names)
    assert {"bob", "anchor", "#old-alerts"} & set(names) == set()
    await options.filter(has_text="#incidents").click()
    await expect(picker).to_have_value("#incidents")
    await expect(options).to_have_count(0)
    await picker.click()
    await expect(channel.home.get_by_role("option", selected=True)).to_have_text("#incidents")
    await picker.press_sequentially("war")
    await expect(options).to_have_text(["#war-room"])
    await picker.press("Enter")
    await expect(picker).to_have_value("#war-room")
    await expect(picker).to_be_focused()
    await picker.press_sequentially("nowhere")
    await expect(options).to_have_text(["Nothing fits"])
    await picker.press("Escape")
    await expect(picker).to_have_value("#war-room")
    await app.has_received(lambda: acts(app), [("channel", "C0INCIDENT1"), ("channel", "C0PRIVATE01")])


async def test_the_app_is_told_of_boxes_people_and_texts_when_it_wants_it(channel: ChannelPage, app: SampleApp) -> None:
    options = [{"text": plain("Admins"), "value": "admins"}, {"text": plain("Guests"), "value": "guests"}]
    boxes = {"type": "checkboxes", "action_id": "boxes", "options": options}
    people = {**input_block("multi_users_select", "people", label="Who else"), "dispatch_action": True}
    notes = [
        {
            **input_block(
                "plain_text_input", name, label=name, dispatch_action_config={"trigger_actions_on": [trigger]}
            ),
            "dispatch_action": True,
        }
        for name, trigger in {"entered": "on_enter_pressed", "typed": "on_character_entered"}.items()
    ]
    await app.publish(app.slack.alice, actions(boxes), people, *notes)
    await channel.open_app()
    await channel.home.get_by_role("checkbox", name="Guests").press("Space")
    await channel.home.get_by_role("combobox", name="Who else").fill("bob")
    await channel.page.keyboard.press("Enter")
    await expect(channel.home.get_by_role("button", name="Remove bob")).to_be_visible()
    await channel.home.get_by_label("entered").press_sequentially("one")
    await channel.home.get_by_label("typed").press_sequentially("two")
    guests = {"text": {"type": "plain_text", "text": "Guests", "emoji": True}, "value": "guests"}
    expected: list[tuple[str, object]] = [("boxes", [guests]), ("people", ["U0BOB000001"]), ("typed", "two")]
    await app.has_received(lambda: acts(app), expected)
    await channel.home.get_by_label("entered").press("Enter")
    await app.has_received(lambda: acts(app), [*expected, ("entered", "one")])
    await expect(channel.home.get_by_label("entered")).to_have_value("one")
