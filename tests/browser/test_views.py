"""The app's Home and modals: what people do in them by mouse and by keyboard, and what the app is told.

https://docs.slack.dev/surfaces/app-home
https://docs.slack.dev/surfaces/modals
https://docs.slack.dev/reference/block-kit/block-elements
"""

import re
from typing import Any

import pytest
from playwright.async_api import Locator, expect

from browser.accessibility import tab_to
from browser.channel_page import ChannelPage
from browser.sample_app import SampleApp
from harness import blocks as kit
from harness.blocks import actions, button, input_block, modal, mrkdwn, option, plain, section

pytestmark = pytest.mark.anyio
KEY = input_block("plain_text_input", "key", label="Secret key", hint="It begins with sk-.", focus_on_load=True)
ROLES = [option("members"), option("guests")]


def tabs_opened(app: SampleApp) -> list[tuple[str, str]]:
    """The person and the tab of each such event that the app received."""
    events = [payload["event"] for payload in app.of_type("event_callback")]
    return [(event["user"], event["tab"]) for event in events]


def acts(app: SampleApp) -> list[tuple[str, object]]:
    """What was pressed in views: the action_id, and the value."""
    chosen = ("value", "selected_option")
    done = [action for payload in app.of_type("block_actions") for action in payload["actions"]]
    return [(action["action_id"], next(action[name] for name in chosen if name in action)) for action in done]


async def open_modal(channel: ChannelPage, app: SampleApp, view: kit.Block) -> Locator:
    """Let Alice open a modal by a button of her Home, and return its first field."""
    app.opens["open"] = view
    await app.publish(channel.slack.alice, actions(button("open", text="Open")))
    await channel.open_app()
    await channel.home.get_by_role("button", name="Open").press("Enter")
    await expect(channel.dialog).to_be_visible()
    return channel.dialog.locator("input, textarea").first


def save(channel: ChannelPage) -> Locator:
    return channel.dialog.get_by_role("button", name="Save")


async def submit(channel: ChannelPage, app: SampleApp) -> dict[str, Any]:
    """Save it, and return what the app got in each field: entries without their type, options by their value."""
    await channel.dialog.get_by_role("button", name="Save").click()
    await expect(channel.dialog).to_be_hidden()
    [values] = app.submitted()
    entries: dict[str, Any] = {}
    for name, entry in ((name, entry) for block in values.values() for name, entry in block.items()):
        [value] = [value for key, value in entry.items() if key != "type"]
        entries[name] = [_id(one) for one in value] if isinstance(value, list) else _id(value)
    return entries


def _id(chosen: Any) -> Any:
    return chosen["value"] if isinstance(chosen, dict) else chosen


async def test_each_person_has_a_home_and_the_app_is_told_of_each_tab_that_is_opened(
    channel: ChannelPage, app: SampleApp
) -> None:
    slack, page, entry = app.slack, channel.page, channel.in_sidebar("anchor")
    home, messages = channel.tab("Home"), channel.tab("Messages")
    app.clear()
    await channel.open_app()
    await expect(channel.home).to_have_text("The app has put nothing here yet.", use_inner_text=True)
    await app.publish(slack.bob, section("For Bob"))
    unknown = kit.menu("datepicker", placeholder=plain("One of these"))
    kinds = [kit.header("Set up :key:"), kit.context(mrkdwn("by <@U0BOB000001>")), section("*Any*", accessory=unknown)]
    await app.publish(slack.alice, *kinds)
    await expect(channel.home.get_by_role("heading")).to_have_text("Set up 🔑")
    await expect(channel.home.get_by_text("by @bob")).to_be_visible()
    await expect(channel.home.get_by_role("button", name="One of these")).to_be_disabled()
    slack.post(slack.alice_and_bot, "By the app")
    await expect(entry).to_have_accessible_name(re.compile(r"anchor \d unread"))  # others can come from tests before
    await messages.click()
    await expect(channel.home).to_be_hidden()
    await expect(channel.message("By the app")).to_be_visible()
    await expect(entry).to_have_accessible_name("anchor")
    await tab_to(page, messages, "Shift+Tab")
    for key, tab in (("ArrowLeft", home), ("ArrowRight", messages), ("ArrowLeft", home)):
        await page.keyboard.press(key)
        await expect(tab).to_be_focused()
        await expect(tab).to_have_attribute("aria-selected", "true")
    await tab_to(page, channel.home)
    await page.get_by_title("A member of Acme").click()
    await expect(channel.home).to_contain_text("For Bob")
    alices = [(slack.alice.id, tab) for tab in ("home", "messages", "home", "messages", "home")]
    await app.has_received(lambda: tabs_opened(app), [*alices, (slack.bob.id, "home")])
    await page.get_by_title("Of another workspace").click()
    await expect(entry).to_have_count(0)


async def test_buttons_and_menus_of_actions_tell_the_app_ask_first_and_warn_when_it_is_unreachable(
    channel: ChannelPage, app: SampleApp
) -> None:
    page, home, warning = channel.page, channel.home, channel.home.get_by_role("alert")
    test, remove, more = (home.get_by_role("button", name=name) for name in ("Test", "Remove", "More actions"))
    options = [option("first"), option("second")]
    accessory = {"type": "overflow", "action_id": "more", "options": options}
    buttons = actions(button("test", "5", "Test"), button("rm", "6", "Remove", confirm=kit.confirm("Remove?")))
    await app.publish(app.slack.alice, section("A", accessory=accessory), buttons, section("B"))
    await channel.open_app()
    app.slack.request_url, request_url = None, app.slack.request_url
    await test.click()
    await expect(warning).to_have_text(re.compile("^⚠Warning: .*not configured"))
    app.slack.request_url = request_url
    await test.click()
    await expect(warning).to_have_count(0)
    await remove.click()
    await expect(channel.dialog).to_have_accessible_name("Remove?")
    await channel.dialog.get_by_role("button", name="Yes").click()
    first, second = (home.get_by_role("menuitem", name=one["value"]) for one in options)
    await more.click()
    await second.click()
    await expect(first).to_be_hidden()
    await expect(more).to_be_focused()
    await expect(more).not_to_have_attribute("aria-busy", "true")  # until then it sends nothing more
    await page.keyboard.press("Enter")
    await expect(more).to_have_attribute("aria-expanded", "true")
    await expect(first).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(first).to_be_hidden()
    await expect(more).to_be_focused()
    pressed: list[tuple[str, object]] = [("test", "5"), ("rm", "6"), ("more", options[1])]
    await app.has_received(lambda: acts(app), pressed)


async def test_a_modal_keeps_the_focus_and_what_is_typed_and_tells_nobody_when_it_is_left(
    channel: ChannelPage, app: SampleApp
) -> None:
    page, dialog = channel.page, channel.dialog
    first = modal(section("*About* it"), KEY, title="Set it", close=plain("Never mind"))
    line = await open_modal(channel, app, first)
    await expect(dialog).to_have_accessible_name("Set it")
    await expect(dialog.get_by_role("button")).to_have_text(["×", "Never mind", "Save"])
    await expect(line).to_be_focused()
    for key in ("Tab", "Shift+Tab"):
        await tab_to(page, save(channel), key)
        await tab_to(page, line, key)
    await line.fill("sk-typed")
    await line.press("ArrowLeft")
    channel.post("Somebody talks")
    await app.publish(app.slack.alice, section("Another Home"), actions(button("open", text="Open again")))
    await app.update(modal({"type": "divider"}, section("After"), {**KEY, "label": plain("The key")}, title="Other"))
    await expect(dialog.locator("#modal-body")).to_contain_text("After")
    await expect(dialog).to_have_accessible_name("Other")
    await expect(line).to_be_focused()
    await page.keyboard.type("-")
    await expect(line).to_have_value("sk-type-d")
    for way in ("Escape", "Cancel", "Close all"):
        await line.fill("sk-typed")
        if way == "Escape":
            await page.keyboard.press("Escape")
        else:
            await dialog.get_by_role("button", name=way).click()
        await expect(dialog).to_be_hidden()
        await expect(channel.home.get_by_role("button", name="Open again")).to_be_focused()
        await app.slack.until(lambda: not app.slack.modals_of(app.slack.alice))
        assert "sk-typed" not in str(app.received)
        app.opens["open"] = modal(KEY)
        await page.keyboard.press("Enter")
        await expect(line).to_have_value("")


async def test_an_error_stands_below_its_field_and_a_failed_submission_can_be_repeated(
    channel: ChannelPage, app: SampleApp
) -> None:
    short = input_block("plain_text_input", "short", label="Four or more", min_length=4)
    key = await open_modal(channel, app, modal(KEY, short))
    four, alert = channel.dialog.get_by_label("Four or more"), channel.dialog.get_by_role("alert")
    await save(channel).click()
    await expect(key).to_be_focused()
    await expect(key).to_have_accessible_description("Please complete this required field. It begins with sk-.")
    await key.fill("sk-wrong")
    await four.fill("abc")
    await save(channel).click()
    await expect(four).to_have_accessible_description("Must be at least 4 characters.")
    await expect(key).not_to_have_attribute("aria-invalid", "true")
    assert "sk-wrong" not in f"{app.received} {app.slack.modal_of(app.slack.alice)}"
    app.answers += [{"response_action": "errors", "errors": {"key": "It is wrong."}}, {"response_action": "dance"}]
    app.delay = 1.0
    await four.fill("abcd")
    for _ in range(2):  # which submits it once
        await four.press("Enter")
    await expect(key).to_be_focused()
    await expect(key).to_have_accessible_description("It is wrong. It begins with sk-.")
    await expect(key).to_have_attribute("aria-invalid", "true")
    app.delay = 0.0
    await key.fill("sk-right")
    await key.press("Enter")
    await expect(alert).to_have_text("We had some trouble connecting. Try again?")
    await expect(key).to_have_value("sk-right")
    app.slack.violations.clear()
    app.slack.home.change_user(app.slack.alice, deleted=True)
    await save(channel).click()
    await expect(alert).to_have_text("Slack does not let you: a deactivated person can't log in.")
    app.slack.home.change_user(app.slack.alice, deleted=False)
    await save(channel).click()
    await expect(channel.dialog).to_be_hidden()
    assert [values["key"]["key"]["value"] for values in app.submitted()] == ["sk-wrong", "sk-right", "sk-right"]


async def test_a_modal_that_becomes_another_one_is_announced_and_one_below_another_is_kept_as_it_was(
    channel: ChannelPage, app: SampleApp
) -> None:
    app.opens["more"] = modal(input_block("plain_text_input", label="More"), title="On top", submit="Add")
    line = await open_modal(channel, app, modal(KEY, actions(button("more", text="Go on")), title="Below"))
    await line.fill("sk-typed")
    await channel.dialog.get_by_role("button", name="Go on").click()
    await channel.dialog.get_by_label("More").fill("x")
    await channel.page.keyboard.press("Enter")
    await expect(line).to_have_value("sk-typed")
    await expect(line).to_be_focused()
    checking = modal(section("One moment, please."), title="Checking", submit=None)
    app.answers.append({"response_action": "update", "view": checking})
    await save(channel).click()
    announced = channel.dialog.locator("[aria-live=polite]")
    await expect(announced).to_have_text("Checking. One moment, please.")
    await expect(channel.dialog.locator("#modal-body")).to_be_focused()
    await app.update(modal(section("It is fine."), title="Checked", submit=None, close=plain("Done")))
    await expect(announced).to_have_text("Checked. It is fine.")
    await channel.dialog.get_by_role("button", name="Done").click()
    await expect(channel.dialog).to_be_hidden()


async def test_people_conversations_and_options_are_chosen_by_keyboard_or_mouse(
    channel: ChannelPage, app: SampleApp
) -> None:
    dialog, options, chips = channel.dialog, channel.dialog.get_by_role("option"), channel.dialog.locator(".chip")
    wanted = {"include": ["public", "private"], "exclude_external_shared_channels": True}
    blocks = [
        input_block("multi_users_select", "people", label="People", placeholder=plain("Choose")),
        input_block("users_select", "one", label="One", initial_user="U0BOB000001"),
        input_block("multi_users_select", "limited", label="At most one", max_selected_items=1),
        input_block("static_select", "role", label="Role", options=ROLES, initial_option=ROLES[0]),
        input_block("multi_conversations_select", "channels", label="Channels", filter=wanted),
    ]
    await open_modal(channel, app, modal(*blocks))
    people, one, limited, role, channels = await dialog.get_by_role("combobox").all()
    await expect(people).to_have_attribute("placeholder", "Choose")
    for name in ("bo", "ALI", "gue"):
        await people.press_sequentially(name)
        await people.press("Enter")
        await expect(people).to_have_value("")
    await people.press("Backspace")
    await expect(chips).to_have_text(["bob×", "alice×"])
    await people.press("ArrowDown")
    assert {"bob", "alice", "guest"} & set(await options.all_inner_texts()) == {"guest"}
    await people.press("Escape")
    await expect(options).to_have_count(0)
    await one.press_sequentially("alice")
    await channel.page.keyboard.press("Tab")  # leaves what was typed unchosen
    await expect(one).to_have_value("bob")
    await one.fill("alice")
    await one.press("Enter")
    for name in ("alice", "bob"):
        await limited.fill(name)
        await limited.press("Enter")
    await role.press("ArrowDown")
    await expect(options).to_have_text(["members", "guests"])
    await role.press("ArrowDown")
    await role.press("Enter")
    for name in ("#incidents", "#war-room"):
        await channels.click()
        await options.get_by_text(name).click()
    await dialog.get_by_role("button", name="Remove #incidents").click()
    await expect(channels).to_be_focused()
    assert await submit(channel, app) == {
        "people": ["U0BOB000001", "U0ALICE0001"],
        "one": "U0ALICE0001",
        "limited": ["U0ALICE0001"],
        "role": "guests",
        "channels": ["C0PRIVATE01"],
    }
