"""The app's Home, as it is published for the one who looks. https://docs.slack.dev/surfaces/app-home"""

import re

import pytest
from playwright.async_api import expect

from browser.keyboard import tab_to
from browser.parts import Part, actions, button, mrkdwn, plain, section
from browser.room import Room
from browser.small_app import SmallApp, field_of

pytestmark = pytest.mark.anyio

CHANNEL: Part = {
    "type": "section",
    "block_id": "channel",
    "text": mrkdwn("*Alerts go to*"),
    "accessory": {
        "type": "conversations_select",
        "action_id": "channel",
        "placeholder": plain("Choose a channel"),
        "filter": {"include": ["public", "private"]},
    },
}


def tabs_opened(app: SmallApp) -> list[str]:
    """The tabs that the app was told of."""
    return [payload["event"]["tab"] for payload in app.of_type("event_callback")]


def acts(app: SmallApp) -> list[tuple[str, object]]:
    """What was pressed or chosen in views: the action_id, and the value."""
    chosen = ("value", "selected_conversation", "selected_options", "selected_users")
    done = [action for payload in app.of_type("block_actions") for action in payload["actions"]]
    return [(action["action_id"], next(action[name] for name in chosen if name in action)) for action in done]


async def test_the_app_is_told_each_time_that_a_tab_is_opened(room: Room, app: SmallApp) -> None:
    await room.open_app()
    await app.hears(lambda: tabs_opened(app), ["home"])
    await room.page.get_by_role("tab", name="Messages").click()
    await expect(room.pane.get_by_text("Sending messages to this app has been turned off.")).to_be_visible()
    await expect(room.home).to_be_hidden()
    await app.hears(lambda: tabs_opened(app), ["home", "messages"])
    await room.page.get_by_role("tab", name="Home").click()
    await expect(room.home).to_be_visible()
    await app.hears(lambda: tabs_opened(app), ["home", "messages", "home"])
    await room.open()
    await expect(room.page.get_by_role("tab")).to_have_count(0)
    await room.open_app()
    await app.hears(lambda: tabs_opened(app), ["home", "messages", "home", "home"])
    await expect(room.page.get_by_role("status")).to_be_empty()


async def test_the_tabs_are_turned_by_keyboard(room: Room, app: SmallApp) -> None:
    await room.open_app()
    home, messages = room.page.get_by_role("tab", name="Home"), room.page.get_by_role("tab", name="Messages")
    await tab_to(room.page, home)
    await room.page.keyboard.press("ArrowRight")
    await expect(messages).to_be_focused()
    await expect(messages).to_have_attribute("aria-selected", "true")
    await expect(room.page.get_by_role("tabpanel", name="Messages")).to_be_visible()
    await app.hears(lambda: tabs_opened(app), ["home", "messages"])
    await room.page.keyboard.press("ArrowLeft")
    await expect(home).to_be_focused()
    await tab_to(room.page, room.home)
    await app.hears(lambda: tabs_opened(app), ["home", "messages", "home"])


async def test_what_the_app_says_meanwhile_is_unread_until_its_messages_are_looked_at(
    room: Room, app: SmallApp
) -> None:
    await room.open_app()
    entry = room.page.get_by_role("navigation").get_by_role("button", name="anchor")
    await room.page.get_by_role("tab", name="Messages").click()
    await expect(entry).to_have_accessible_name("anchor")
    await room.page.get_by_role("tab", name="Home").click()
    app.slack.post(app.slack.alice_and_bot, "The key was replaced.")
    await expect(entry).to_have_accessible_name("anchor 1 unread")
    await room.page.get_by_role("tab", name="Messages").click()
    await expect(room.message("The key was replaced.")).to_be_visible()
    await expect(entry).to_have_accessible_name("anchor")


async def test_it_is_empty_until_the_app_publishes_it_and_then_follows_it(room: Room, app: SmallApp) -> None:
    app.clear()
    await room.open_app()
    await expect(room.home).to_have_text("The app has put nothing here yet.", use_inner_text=True)
    alice = room.at.stage.slack.alice
    await app.publish(alice, section("First"))
    await expect(room.home).to_have_text("First", use_inner_text=True)
    await app.publish(alice, section("Second"), section("Third"))
    await expect(room.home.locator(".section")).to_have_text(["Second", "Third"])
    await app.publish(room.at.stage.slack.bob, section("For Bob"))
    await app.publish(alice, section("Fourth"))
    await expect(room.home.locator(".section")).to_have_text(["Fourth"])


async def test_it_is_drawn_as_messages_are(room: Room, app: SmallApp) -> None:
    fields = [mrkdwn("*Paused*\n4"), mrkdwn("*Resumed*\n3")]
    small = {"type": "context", "elements": [mrkdwn("by <@U0BOB000001>")]}
    blocks: list[Part] = [{"type": "header", "text": plain("Set up :key:")}, section("*Key* `1234`")]
    await app.publish(
        room.at.stage.slack.alice, *blocks, {"type": "section", "fields": fields}, {"type": "divider"}, small
    )
    await room.open_app()
    await expect(room.home.get_by_role("heading")).to_have_text("Set up 🔑")
    await expect(room.home.locator("strong")).to_have_text(["Key", "Paused", "Resumed"])
    await expect(room.home.get_by_role("separator")).to_have_count(1)
    await expect(room.home.get_by_text("by @bob")).to_be_visible()


async def test_a_button_tells_the_app_and_may_ask_first(room: Room, app: SmallApp) -> None:
    sure = {"title": plain("Remove?"), "text": plain("Nobody can pause."), "confirm": plain("Do"), "deny": plain("No")}
    await app.publish(room.at.stage.slack.alice, actions(button("Test", "test"), button("Remove", "rm", confirm=sure)))
    await room.open_app()
    await room.home.get_by_role("button", name="Remove").click()
    await expect(room.dialog).to_have_accessible_name("Remove?")
    await room.page.keyboard.press("Escape")
    await expect(room.home.get_by_role("button", name="Remove")).to_be_focused()
    await room.home.get_by_role("button", name="Test").click()
    await room.home.get_by_role("button", name="Remove").click()
    await room.dialog.get_by_role("button", name="Do").click()
    await app.hears(lambda: acts(app), [("test", "5"), ("rm", "5")])


async def test_a_button_that_comes_to_nothing_has_a_warning_below_it(room: Room, app: SmallApp) -> None:
    await app.publish(room.at.stage.slack.alice, section("A"), actions(button("Test", "test")), section("B"))
    await room.open_app()
    road, app.slack.request_url = app.slack.request_url, None
    await room.home.get_by_role("button", name="Test").click()
    words = "This app is not configured to handle interactive responses"
    await expect(room.home.get_by_role("alert")).to_have_text(f"⚠Warning: {words}")
    await expect(room.home.locator("#home-view > *")).to_have_text(["A", "Test", re.compile(words), "B"])
    app.slack.request_url = road
    await room.home.get_by_role("button", name="Test").click()
    await expect(room.home.get_by_role("alert")).to_have_count(0)


async def test_the_focus_stays_where_it_does_the_same_when_the_home_is_published_anew(
    room: Room, app: SmallApp
) -> None:
    alice = room.at.stage.slack.alice
    await app.publish(alice, section("No key"), actions(button("Other", "other"), button("Set key", "key")))
    await room.open_app()
    await room.home.get_by_role("button", name="Set key").focus()
    await app.publish(alice, section("A key"), actions(button("Replace key", "key"), button("Other", "other")))
    await expect(room.home.get_by_role("button", name="Replace key")).to_be_focused()
    await app.publish(alice, section("Nothing to press"))
    await expect(room.home.locator(".section")).to_have_text(["Nothing to press"])
    await expect(room.home).to_be_focused()


async def test_a_channel_is_chosen_and_the_app_is_told(room: Room, app: SmallApp) -> None:
    await app.publish(room.at.stage.slack.alice, CHANNEL)
    await room.open_app()
    picker = room.home.get_by_role("combobox", name="Alerts go to")
    await picker.click()
    options = room.home.get_by_role("option")
    names = await options.all_inner_texts()
    assert {"#alerts", "#incidents", "#war-room", f"#{room.channel.name}"} <= set(names)
    assert {"bob", "anchor", "#old-alerts"} & set(names) == set()
    await options.filter(has_text="#incidents").click()
    await expect(picker).to_have_value("#incidents")
    await expect(options).to_have_count(0)
    await picker.click()
    await expect(room.home.get_by_role("option", selected=True)).to_have_text("#incidents")
    await picker.press_sequentially("war")
    await expect(options).to_have_text(["#war-room"])
    await picker.press("Enter")
    await expect(picker).to_have_value("#war-room")
    await expect(picker).to_be_focused()
    await picker.press_sequentially("nowhere")
    await expect(options).to_have_text(["Nothing fits"])
    await picker.press("Escape")
    await expect(picker).to_have_value("#war-room")
    await app.hears(lambda: acts(app), [("channel", "C0INCIDENT1"), ("channel", "C0PRIVATE01")])


async def test_what_was_chosen_stays_when_the_home_is_published_anew(room: Room, app: SmallApp) -> None:
    alice = room.at.stage.slack.alice
    await app.publish(alice, CHANNEL, section("Before"))
    await room.open_app()
    picker = room.home.get_by_role("combobox")
    await picker.fill("alerts")
    await picker.press("Enter")
    await app.publish(alice, {**CHANNEL, "text": mrkdwn("*They go to*")}, section("After"))
    await expect(room.home.get_by_role("combobox", name="They go to")).to_have_value("#alerts")
    await expect(room.home.get_by_role("combobox", name="They go to")).to_be_focused()
    await app.publish(alice, {**CHANNEL, "block_id": "another"})
    await expect(room.home.get_by_role("combobox", name="Alerts go to")).to_have_value("")


async def test_a_list_that_is_open_stays_open_while_others_talk(room: Room, app: SmallApp) -> None:
    await app.publish(room.at.stage.slack.alice, CHANNEL)
    await room.open_app()
    picker = room.home.get_by_role("combobox")
    await picker.press_sequentially("a")
    await picker.press("ArrowDown")
    active = room.home.locator(".menu .active")
    name = await active.inner_text()
    room.post("Somebody talks")
    await expect(
        room.page.get_by_role("navigation").get_by_role("button", name=f"#{room.channel.name} 1")
    ).to_be_visible()
    await expect(active).to_have_text(name)
    await expect(picker).to_have_value("a")
    assert await active.get_attribute("id") == await picker.get_attribute("aria-activedescendant")


async def test_boxes_and_people_outside_of_inputs_tell_the_app_at_once(room: Room, app: SmallApp) -> None:
    boxes = {
        "type": "checkboxes",
        "action_id": "boxes",
        "options": [{"text": plain("Admins"), "value": "admins"}, {"text": plain("Guests"), "value": "guests"}],
    }
    people = {"type": "multi_users_select", "action_id": "people", "placeholder": plain("Who else")}
    await app.publish(room.at.stage.slack.alice, actions(boxes, people))
    await room.open_app()
    await room.home.get_by_role("checkbox", name="Guests").press("Space")
    await room.home.get_by_role("combobox", name="Who else").fill("bob")
    await room.page.keyboard.press("Enter")
    await expect(room.home.get_by_role("button", name="Remove bob")).to_be_visible()
    guests = {"text": {"type": "plain_text", "text": "Guests", "emoji": True}, "value": "guests"}
    await app.hears(lambda: acts(app), [("boxes", [guests]), ("people", ["U0BOB000001"])])


async def test_a_choice_may_be_asked_about_first_and_be_taken_back(room: Room, app: SmallApp) -> None:
    sure = {"title": plain("There?"), "text": plain("Really?"), "confirm": plain("Do"), "deny": plain("No")}
    accessory = {"type": "conversations_select", "action_id": "channel", "confirm": sure}
    await app.publish(room.at.stage.slack.alice, {**CHANNEL, "accessory": accessory})
    await room.open_app()
    picker = room.home.get_by_role("combobox")
    await picker.fill("incidents")
    await picker.press("Enter")
    await room.dialog.get_by_role("button", name="No").click()
    await expect(picker).to_have_value("")
    await picker.fill("incidents")
    await picker.press("Enter")
    await room.dialog.get_by_role("button", name="Do").click()
    await expect(picker).to_have_value("#incidents")
    await app.hears(lambda: acts(app), [("channel", "C0INCIDENT1")])


@pytest.mark.parametrize(("trigger", "key"), [("on_enter_pressed", "Enter"), ("on_character_entered", None)])
async def test_a_text_is_told_when_the_app_wants_it(room: Room, app: SmallApp, trigger: str, key: str | None) -> None:
    config = {"trigger_actions_on": [trigger]}
    note = field_of("plain_text_input", "note", label="Note", dispatch_action_config=config)
    await app.publish(room.at.stage.slack.alice, {**note, "dispatch_action": True})
    await room.open_app()
    line = room.home.get_by_label("Note")
    await line.press_sequentially("hello")
    if key:
        await room.page.wait_for_timeout(600)
        await app.hears(lambda: acts(app), [])
        await line.press(key)
    await app.hears(lambda: acts(app), [("note", "hello")])
    await expect(line).to_have_value("hello")


async def test_what_can_t_be_operated_is_shown(room: Room, app: SmallApp) -> None:
    menu = {
        "type": "static_select",
        "action_id": "menu",
        "placeholder": plain("One of these"),
        "options": [{"text": plain("x"), "value": "x"}],
    }
    await app.publish(room.at.stage.slack.alice, actions(menu))
    await room.open_app()
    await expect(room.home.get_by_role("button", name="One of these")).to_be_disabled()


async def test_who_one_becomes_has_their_own_home(room: Room, app: SmallApp) -> None:
    slack = room.at.stage.slack
    await app.publish(slack.alice, section("For Alice"))
    await app.publish(slack.bob, section("For Bob"))
    await room.open_app()
    await expect(room.home).to_contain_text("For Alice")
    await room.page.get_by_title("A member of Acme").click()
    await expect(room.home).to_contain_text("For Bob")
    await room.page.get_by_title("Of another workspace").click()
    await expect(room.page.get_by_role("tab")).to_have_count(0)
    await expect(room.page.get_by_role("navigation").get_by_role("button", name="anchor")).to_have_count(0)
    await app.hears(
        lambda: [payload["event"]["user"] for payload in app.of_type("event_callback")], [slack.alice.id, slack.bob.id]
    )
