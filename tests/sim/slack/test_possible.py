"""What the client of simulated Slack does not let people do."""

import inspect
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from bot.sim.slack import NotPossibleError, SimSlack
from harness.blocks import actions, button, home, input_of, menu, modal, options, section, text_input
from sim.alerts import ALERT, attachment, legacy_button
from sim.recording_app import RecordingApp
from sim.view_client import ViewClient

pytestmark = pytest.mark.anyio

SHORTCUT = "anchor_pause_from_message"
LEGACY = [
    attachment(legacy_button(url="https://runbooks.example/spend")),
    attachment(legacy_button(), callback_id=None),
]
FORM = modal(
    input_of(text_input(min_length=2, max_length=4)),
    input_of(menu("users_select"), "menu", dispatch_action=True, optional=True),
    section("a", block_id="words", accessory=button()),
    actions(button()),
)
WANTED = {"include": ["public", "private"], "exclude_external_shared_channels": True, "exclude_bot_users": True}
TAB = home(
    actions(button()),
    actions(menu("static_select", options=options(1)), menu("conversations_select", action_id="any")),
    section("a", accessory=menu("multi_users_select", action_id="two", max_selected_items=2)),
    section("a", accessory=menu("datepicker", action_id="day")),
    actions(menu("conversations_select", action_id="safe", filter=WANTED)),
)


@pytest.fixture
async def seen(slack: SimSlack, views: ViewClient, app: RecordingApp) -> SimpleNamespace:
    """The messages and views of the acts; the guest is deactivated."""
    slack.home.change_user(slack.guest, deleted=True)
    slack.home.add_channel("C0OTHERS001", "others", slack.bob)
    seen = SimpleNamespace(
        message=slack.post(slack.alerts, "a", blocks=ALERT),
        several=slack.post(slack.alerts, "a", blocks=[actions(button()), actions(button())]),
        alices=slack.post(slack.alerts, "a", blocks=ALERT, ephemeral_to=slack.alice),
        archived=slack.post(slack.archived, "a", blocks=ALERT),
        gone=slack.post(slack.alerts, "a", blocks=ALERT),
        legacy=slack.post(slack.alerts, "a", attachments=LEGACY),
        tab=await views.publish(TAB),
    )
    slack.platform.history.delete(seen.gone)
    seen.below, seen.top = await views.open(FORM), await views.open(FORM)
    app.requests.clear()
    return seen


@pytest.mark.parametrize(
    ("why", "act"),
    [
        ("2 such buttons: anchor_pause", lambda s, m: s.click(s.alice, m.several)),
        ("does not see", lambda s, m: s.click(s.bob, m.alices)),
        ("is gone", lambda s, m: s.click(s.alice, m.gone)),
        ("deactivated", lambda s, m: s.click(s.guest, m.message)),
        ("archived", lambda s, m: s.click(s.alice, m.archived)),
        ("link button", lambda s, m: s.press(s.alice, m.legacy, 1)),
        ("callback_id", lambda s, m: s.press(s.alice, m.legacy, 2)),
        ("installing workspace", lambda s, m: s.use_shortcut(s.outsider, m.message, SHORTCUT)),
        ("one person", lambda s, m: s.use_shortcut(s.alice, m.alices, SHORTCUT)),
        ("other workspaces", lambda s, _: s.open_home(s.outsider)),
        ("no more than 2", lambda s, m: s.act(s.alice, m.tab, "two", ["U0BOB000001", "U0ALICE0001", "U0CAROL0001"])),
        ("not offered", lambda s, m: s.act(s.alice, m.tab, "any", "C0OTHERS001")),
        ("not offered", lambda s, m: s.act(s.alice, m.tab, "safe", "C0ALERTS001")),
        ("no date", lambda s, m: s.act(s.alice, m.tab, "day", "tomorrow")),
        ("must be filled in: name", lambda s, m: s.submit(s.alice, m.top)),
        ("2 to 4 characters", lambda s, m: s.submit(s.alice, m.top, {"name": "xxxxx"})),
        ("goes to the app at once", lambda s, m: s.fill(s.alice, m.top, "menu", "U0BOB000001")),
        ("lies on it", lambda s, m: s.submit(s.alice, m.below)),
        ("no modal is open", lambda s, _: s.submit(s.bob)),
        ("a tab can't be closed", lambda s, m: s.close(s.alice, m.tab)),
    ],
)
async def test_what_the_client_does_not_offer_cannot_be_done(
    slack: SimSlack, seen: SimpleNamespace, app: RecordingApp, why: str, act: Callable[..., object]
) -> None:
    async def carry_out() -> None:
        if inspect.isawaitable(acting := act(slack, seen)):
            await acting

    with pytest.raises(NotPossibleError, match=why):
        await carry_out()
    assert app.requests == []
