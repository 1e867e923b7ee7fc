"""How apps open, push, update and publish views by the Web API, and what simulated Slack refuses."""

import asyncio
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from slack_sdk.models.views import View as SdkView
from slack_sdk.web.async_client import AsyncWebClient

from bot.sim.slack import Installation, Rule, SimSlack, Workspace
from bot.sim.slack.views.board import Owner
from sim.api_client import FORM, Api, rules
from sim.screens import Part, Screens, actions, asked, button, home, menu, modal, option, plain, section, written
from sim.ways import Ways

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def listening(heard: Ways) -> Ways:
    return heard


async def refusal(screens: Screens, view: object) -> list[str]:
    trigger_id = (await screens.command()).trigger_id
    answer: Any = await screens.api.call("views.open", trigger_id=trigger_id, view=view)
    assert (answer["ok"], answer["error"]) == (False, "invalid_arguments")
    messages: list[str] = answer["response_metadata"]["messages"]
    return messages


async def test_an_opened_modal_comes_back_as_slack_keeps_it(slack: SimSlack, screens: Screens) -> None:
    trigger_id = (await screens.command()).trigger_id
    shown = modal(written(), section("a"), callback_id="c", private_metadata="m", notify_on_close=True)

    answer: Any = await screens.api.call("views.open", trigger_id=trigger_id, view=shown)

    view = screens.top
    assert list(answer) == ["ok", "view"]
    assert answer["view"] == {
        "id": view.id,
        "team_id": "T0HOME00001",
        "type": "modal",
        "blocks": [
            {
                "type": "input",
                "block_id": "name",
                "label": {"type": "plain_text", "text": "Label", "emoji": False},
                "element": {"type": "plain_text_input", "action_id": "value"},
                "optional": False,
                "dispatch_action": False,
            },
            {"type": "section", "text": {"type": "mrkdwn", "text": "a", "verbatim": False}, "block_id": "1000="},
        ],
        "private_metadata": "m",
        "callback_id": "c",
        "state": {"values": {}},
        "hash": view.hash,
        "title": {"type": "plain_text", "text": "Settings", "emoji": False},
        "clear_on_close": False,
        "notify_on_close": True,
        "close": None,
        "submit": {"type": "plain_text", "text": "Save", "emoji": False},
        "previous_view_id": None,
        "root_view_id": view.id,
        "app_id": "A0ANCHOR001",
        "external_id": "",
        "app_installed_team_id": "T0HOME00001",
        "bot_id": "B0ANCHOR001",
    }
    assert (view.user_id, view.title, view.submit, view.close) == ("U0ALICE0001", "Settings", "Save", None)
    assert view.hash.startswith("1785000000.")
    assert slack.violations == []


async def test_slacks_own_client_can_do_all_of_it(slack: SimSlack, screens: Screens) -> None:
    web = AsyncWebClient(slack.bot_token, base_url=slack.url)

    opened = await web.views_open(trigger_id=(await screens.command()).trigger_id, view=modal())
    delivery = await slack.act(slack.alice, await screens.update(screens.top, modal(actions(button()))), "go")
    await web.views_push(trigger_id=delivery.trigger_id, view=SdkView(**modal(section("above"), close=plain("Back"))))
    await web.views_update(view_id=opened["view"]["id"], view=modal(section("new")))
    await web.views_publish(user_id=slack.alice.id, view=home(section("a")))

    below, top = slack.modals_of(slack.alice)
    assert (below.text, top.close) == ("Settings\nnew\nSave", "Back")
    assert (top.root_view_id, top.previous_view_id) == (below.id, below.id)
    tab = slack.home_of(slack.alice)
    assert tab is not None
    assert tab.text == "a"
    assert (slack.modal_of(slack.alice), slack.modal_of(slack.bob), slack.violations) == (top, None, [])


@pytest.mark.parametrize("as_form", [True, False])
async def test_a_view_may_be_json_in_a_string(slack: SimSlack, screens: Screens, *, as_form: bool) -> None:
    asked_for = {"trigger_id": (await screens.command()).trigger_id, "view": json.dumps(modal())}

    if as_form:
        answer = await screens.api.send("views.open", body=urlencode(asked_for).encode(), content_type=FORM)
    else:
        answer = await screens.api.call("views.open", **asked_for)

    assert screens.named(answer) == slack.modal_of(slack.alice)


@pytest.mark.parametrize("view", ["{", "[]", 7, None, []])
async def test_what_is_no_view_is_refused(screens: Screens, view: object) -> None:
    assert await refusal(screens, view) == ["[ERROR] must be an object [json-pointer:/view]"]


@pytest.mark.parametrize(
    ("view", "complaint"),
    [
        (home(), "unsupported type: home [json-pointer:/view/type]"),
        ({"title": plain("a"), "blocks": []}, "missing required field: type [json-pointer:/view]"),
        ({"type": "modal", "blocks": []}, "missing required field: title [json-pointer:/view]"),
        ({"type": "modal", "title": plain("a")}, "missing required field: blocks [json-pointer:/view]"),
        (modal() | {"blocks": {}}, "must be an array [json-pointer:/view/blocks]"),
        (modal(color="red"), "invalid additional property: color [json-pointer:/view]"),
        (modal(title=plain("x" * 25)), "must be less than 25 characters [json-pointer:/view/title/text]"),
        (modal(submit=plain("x" * 25)), "must be less than 25 characters [json-pointer:/view/submit/text]"),
        (modal(close=plain("x" * 25)), "must be less than 25 characters [json-pointer:/view/close/text]"),
        (modal(title={"type": "mrkdwn", "text": "a"}), "unsupported type: mrkdwn [json-pointer:/view/title/type]"),
        (modal(callback_id="x" * 256), "must be less than 256 characters [json-pointer:/view/callback_id]"),
        (modal(external_id="x" * 256), "must be less than 256 characters [json-pointer:/view/external_id]"),
        (modal(private_metadata="x" * 3001), "must be less than 3001 characters [json-pointer:/view/private_metadata]"),
        (modal(notify_on_close="yes"), "must be a boolean [json-pointer:/view/notify_on_close]"),
        (modal(clear_on_close=1), "must be a boolean [json-pointer:/view/clear_on_close]"),
        (modal(submit_disabled=1), "must be a boolean [json-pointer:/view/submit_disabled]"),
        (modal(*[{"type": "divider"}] * 101), "no more than 100 items allowed [json-pointer:/view/blocks]"),
        (modal({"type": "divide"}), "unsupported type: divide [json-pointer:/view/blocks/0/type]"),
        (
            modal({"type": "markdown", "text": "a"}),
            "unsupported type: markdown [json-pointer:/view/blocks/0/type]",
        ),
        (
            {"type": "modal", "title": plain("a"), "blocks": [written()]},
            "missing required field: submit [json-pointer:/view]",
        ),
    ],
)
async def test_a_modal_that_breaks_a_limit_is_refused(
    slack: SimSlack, screens: Screens, view: object, complaint: str
) -> None:
    assert await refusal(screens, view) == [f"[ERROR] {complaint}"]
    assert slack.modals_of(slack.alice) == ()
    assert rules(slack) == [Rule.INVALID_BLOCKS]


async def test_a_modal_may_go_to_the_limits(screens: Screens) -> None:
    most = plain("x" * 24)
    await screens.open(
        modal(
            *[{"type": "divider"}] * 100,
            title=most,
            submit=most,
            close=most,
            callback_id="x" * 255,
            private_metadata="x" * 3000,
            external_id="x" * 255,
            submit_disabled=False,
        )
    )

    await screens.open({"type": "modal", "title": plain("a"), "blocks": [], **dict.fromkeys(MAY_BE_EMPTY, "")})


async def test_a_view_has_at_most_250_kb(screens: Screens) -> None:
    large = modal(*[section("ü" * 1500, block_id=str(number)) for number in range(90)])
    trigger_id = (await screens.command()).trigger_id

    refused = await screens.api.call("views.open", trigger_id=trigger_id, view=large)

    assert refused == {"ok": False, "error": "view_too_large"}
    await screens.open(large | {"blocks": large["blocks"][:80]})


@pytest.mark.parametrize("name", ["title", "submit", "close", "notify_on_close", "clear_on_close"])
async def test_a_home_tab_has_nothing_of_a_modal(screens: Screens, name: str) -> None:
    shown = home(section("a"), **{name: modal(close=plain("a"), notify_on_close=True, clear_on_close=True)[name]})

    answer: Any = await screens.api.call("views.publish", user_id="U0ALICE0001", view=shown)

    assert answer["response_metadata"]["messages"] == [
        f"[ERROR] invalid additional property: {name} [json-pointer:/view]"
    ]


async def test_a_home_tab_may_have_inputs(slack: SimSlack, screens: Screens) -> None:
    view = await screens.publish(home(written(), callback_id="c", private_metadata="m", external_id="e"))

    assert (view.type, view.callback_id, view.private_metadata, view.external_id) == ("home", "c", "m", "e")
    assert slack.home_of(slack.alice) == view


async def test_only_home_views_are_published(screens: Screens) -> None:
    answer: Any = await screens.api.call("views.publish", user_id="U0ALICE0001", view=modal())

    assert answer["response_metadata"]["messages"] == ["[ERROR] unsupported type: modal [json-pointer:/view/type]"]


async def test_a_home_tab_that_is_off_can_not_be_published(slack: SimSlack, screens: Screens) -> None:
    view = await screens.publish(home())
    slack.home.installation.home_tab = False

    answer = await screens.api.call("views.publish", user_id="U0ALICE0001", view=home())

    assert answer == {"ok": False, "error": "not_enabled"}
    assert slack.home_of(slack.alice) is None
    slack.home.installation.home_tab = True
    assert slack.home_of(slack.alice) == view


@pytest.mark.parametrize("user_id", ["U0NOBODY001", "U0ANCHORBOT", "U0GUEST0001", "U0MALLORY01"])
async def test_a_home_tab_belongs_to_a_member(slack: SimSlack, api: Api, user_id: str) -> None:
    slack.home.change_user(slack.guest, deleted=True)

    assert await api.call("views.publish", user_id=user_id, view=home()) == {"ok": False, "error": "user_not_found"}


async def test_whose_home_tab_it_is_must_be_said(api: Api) -> None:
    answer: Any = await api.call("views.publish", view=home())

    assert (answer["error"], answer["response_metadata"]) == ("invalid_arguments", {"messages": ["invalid `user_id`"]})


async def test_views_ask_for_no_scope_but_for_a_token(slack: SimSlack, screens: Screens) -> None:
    slack.home.installation.scopes = {"commands"}
    await screens.publish(home())
    await screens.open(modal())

    for method in ("views.open", "views.push", "views.update", "views.publish"):
        assert await screens.api.send(method, token="xoxb-wrong") == {"ok": False, "error": "invalid_auth"}


async def test_a_trigger_id_is_good_for_one_modal(slack: SimSlack, screens: Screens) -> None:
    trigger_id = (await screens.command()).trigger_id
    await screens.api.call("views.open", trigger_id=trigger_id, view=modal())

    for method in ("views.open", "views.push"):
        refused = await screens.api.call(method, trigger_id=trigger_id, view=modal())
        assert refused == {"ok": False, "error": "exchanged_trigger_id"}

    assert len(slack.modals_of(slack.alice)) == 1
    assert rules(slack) == [Rule.TRIGGER_TOO_LATE] * 2


async def test_a_trigger_id_is_good_for_three_seconds(slack: SimSlack, screens: Screens) -> None:
    first, second = await screens.command(), await screens.command()
    slack.clock.advance(3.0)
    await screens.api.call("views.open", trigger_id=first.trigger_id, view=modal())
    slack.clock.advance(0.1)

    refused = await screens.api.call("views.open", trigger_id=second.trigger_id, view=modal())

    assert refused == {"ok": False, "error": "expired_trigger_id"}
    assert len(slack.modals_of(slack.alice)) == 1
    assert [(one.rule, one.detail) for one in slack.violations] == [(Rule.TRIGGER_TOO_LATE, "expired_trigger_id")]


async def test_an_unknown_trigger_id_opens_nothing(slack: SimSlack, screens: Screens) -> None:
    partner = Workspace("T0PARTNER01", "partner", Installation("xoxb-partner"))
    slack.add_workspace(partner)
    trigger_id = (await screens.command()).trigger_id
    view = json.dumps(modal())
    body = urlencode({"trigger_id": trigger_id, "view": view}).encode()

    for form, token in (({"trigger_id": "1.2.a", "view": view}, ""), ({"view": view}, "")):
        answer = await screens.api.send("views.open", body=urlencode(form).encode(), content_type=FORM, token=token)
        assert answer["error"] == "invalid_trigger_id"
    elsewhere = await screens.api.send("views.open", body=body, content_type=FORM, token="xoxb-partner")

    assert elsewhere["error"] == "invalid_trigger_id"
    assert slack.violations == []
    await screens.api.call("views.open", trigger_id=trigger_id, view=modal())
    assert slack.modal_of(slack.alice) is not None


async def test_clicks_in_messages_open_modals_as_well(slack: SimSlack, screens: Screens) -> None:
    message = slack.post(slack.alerts, "a", blocks=[actions(button())])
    delivery = await slack.click(slack.outsider, message, "go")

    await screens.api.call("views.open", trigger_id=delivery.trigger_id, view=modal())

    view = slack.modal_of(slack.outsider)
    assert view is not None
    assert (view.team_id, view.user_id) == ("T0HOME00001", "U0MALLORY01")


async def test_at_most_three_modals_lie_on_each_other(slack: SimSlack, screens: Screens) -> None:
    first = await screens.open(modal(actions(button())))
    for _ in range(2):
        delivery = await slack.act(slack.alice, screens.top, "go")
        await screens.api.call("views.push", trigger_id=delivery.trigger_id, view=modal(actions(button())))
    trigger_ids = [(await slack.act(slack.alice, screens.top, "go")).trigger_id for _ in range(2)]

    for method, trigger_id in zip(("views.push", "views.open"), trigger_ids, strict=True):
        refused = await screens.api.call(method, trigger_id=trigger_id, view=modal())
        assert refused == {"ok": False, "error": "push_limit_reached"}

    stack = slack.modals_of(slack.alice)
    assert [view.previous_view_id for view in stack] == [None, stack[0].id, stack[1].id]
    assert {view.root_view_id for view in stack} == {first.id}


async def test_there_must_be_something_to_push_upon(screens: Screens) -> None:
    trigger_id = (await screens.command()).trigger_id

    assert (await screens.api.call("views.push", trigger_id=trigger_id, view=modal()))["error"] == "not_found"


async def test_a_view_that_is_updated_keeps_its_id_and_gets_another_hash(slack: SimSlack, screens: Screens) -> None:
    before = await screens.open(modal(section("a"), callback_id="c", private_metadata="m", close=plain("No")))

    after = await screens.update(before, modal(section("b")))

    assert (after.id, after.text, after.callback_id, after.private_metadata) == (before.id, "Settings\nb\nSave", "", "")
    assert after.hash != before.hash
    assert slack.modals_of(slack.alice) == (after,)


async def test_a_stale_hash_changes_nothing(slack: SimSlack, screens: Screens) -> None:
    modal_before, home_before = await screens.open(modal()), await screens.publish(home())
    modal_now, home_now = await screens.update(modal_before, modal()), await screens.publish(home())

    for method, ids, stale, now, shown in (
        ("views.update", {"view_id": modal_now.id}, modal_before, modal_now, modal(section("a"))),
        ("views.publish", {"user_id": "U0ALICE0001"}, home_before, home_now, home(section("a"))),
    ):
        refused = await screens.api.call(method, **ids, hash=stale.hash, view=shown)
        assert refused == {"ok": False, "error": "hash_conflict"}
        assert screens.current(now.id) == now
        await screens.api.call(method, **ids, hash=now.hash, view=shown)
        assert "a" in screens.current(now.id).text
    assert (await screens.api.call("views.publish", user_id="U0BOB000001", hash="x", view=home()))["ok"] is True
    assert slack.home_of(slack.alice) != slack.home_of(slack.bob)


async def test_what_is_not_there_can_not_be_updated(slack: SimSlack, screens: Screens) -> None:
    view = await screens.open(modal(external_id="e"))
    partner = Workspace("T0PARTNER01", "partner", Installation("xoxb-partner"))
    slack.add_workspace(partner)
    shown = json.dumps(modal())

    for which in ({"view_id": view.id}, {"external_id": "e"}):
        body = urlencode(which | {"view": shown}).encode()
        refused = await screens.api.send("views.update", body=body, content_type=FORM, token="xoxb-partner")
        assert refused == {"ok": False, "error": "not_found"}
    await slack.close(slack.alice)
    for which in ({"view_id": view.id}, {"external_id": "e"}, {"view_id": "V0NOTHING01"}, {}):
        refused = await screens.api.call("views.update", **which, view=modal())
        assert refused == {"ok": False, "error": "not_found"}


async def test_a_view_keeps_its_type(screens: Screens) -> None:
    tab, opened = await screens.publish(home()), await screens.open(modal())

    for view, shown in ((tab, modal()), (opened, home())):
        answer: Any = await screens.api.call("views.update", view_id=view.id, view=shown)
        assert answer["response_metadata"]["messages"] == [
            f"[ERROR] must be one of: {view.type} [json-pointer:/view/type]"
        ]
    await screens.update(tab, home(section("a")))
    assert screens.current(tab.id).text == "a"


async def test_an_external_id_names_one_view_for_ever(slack: SimSlack, screens: Screens) -> None:
    view = await screens.open(modal(external_id="e"))
    await screens.api.call("views.update", external_id="e", view=modal(section("a"), external_id="e"))
    assert screens.current(view.id).text == "Settings\na\nSave"
    await slack.close(slack.alice)
    other = await screens.open(modal())

    for method, ids in (
        ("views.open", {"trigger_id": (await screens.command()).trigger_id}),
        ("views.update", {"view_id": other.id}),
    ):
        refused = await screens.api.call(method, **ids, view=modal(external_id="e"))
        assert refused == {"ok": False, "error": "duplicate_external_id"}
    refused = await screens.api.call("views.publish", user_id="U0ALICE0001", view=home(external_id="e"))
    assert refused == {"ok": False, "error": "duplicate_external_id"}
    assert screens.top == other


async def test_an_external_id_is_of_one_workspace(slack: SimSlack, screens: Screens) -> None:
    partner = Workspace("T0PARTNER01", "partner", Installation("xoxb-partner"))
    partner.add_user("U0PARTNER01", "pat")
    slack.add_workspace(partner)
    await screens.publish(home(external_id="e"))
    body = urlencode({"user_id": "U0PARTNER01", "view": json.dumps(home(section("a"), external_id="e"))}).encode()

    await screens.api.send("views.publish", body=body, content_type=FORM, token="xoxb-partner")

    theirs = slack.home_of("U0PARTNER01")
    assert theirs is not None
    assert (theirs.team_id, theirs.text) == ("T0PARTNER01", "a")


async def test_the_words_of_a_view_are_judged_as_those_of_messages(slack: SimSlack, screens: Screens) -> None:
    await screens.publish(home(section("a & b"), {"type": "header", "text": plain("<!channel>")}))
    await screens.open(modal(section("<!channel>")))
    await screens.update(screens.top, modal({"type": "context", "elements": [{"type": "mrkdwn", "text": "a < b"}]}))

    assert rules(slack) == [Rule.RAW_AMPERSAND, Rule.BROADCAST, Rule.RAW_ANGLE_BRACKET]


async def test_a_person_reads_everything_in_order(screens: Screens) -> None:
    shown = modal(
        {"type": "header", "text": plain("Header")},
        {"type": "section", "fields": [plain("left"), plain("right")]},
        section("beside", accessory=button(text=plain("Press"), confirm=CONFIRM)),
        asked(
            menu("static_select", placeholder=plain("Choose"), options=[option("red")], initial_option=option("red"))
        ),
        {"type": "input", "block_id": "x", "label": plain("Name"), "hint": plain("Hint"), "element": WRITTEN},
        {"type": "image", "alt_text": "hidden", "image_url": "https://a.b"},
        {"type": "rich_text", "elements": [1]},
        close=plain("No"),
    )

    view = await screens.open(shown)

    assert view.text.split("\n") == [
        *("Settings", "Header", "left", "right", "beside", "Press"),
        *("Label", "Choose", "Red", "Name", "Hint", "Save", "No"),
    ]
    assert view.find("go") == {**button(), "text": plain("Press"), "confirm": CONFIRM}
    assert view.find("nothing") is None


MAY_BE_EMPTY = ("callback_id", "private_metadata", "external_id")
WRITTEN = {"type": "plain_text_input", "action_id": "value"}
CONFIRM: Part = {"title": plain("a"), "text": plain("Sure?"), "confirm": plain("Yes"), "deny": plain("No")}


async def test_every_block_and_element_gets_its_id(screens: Screens) -> None:
    view = await screens.open(modal({"type": "input", "label": plain("a"), "element": {"type": "plain_text_input"}}))

    [block] = view.blocks
    assert (block["block_id"], block["element"]) == ("1001=", {"type": "plain_text_input", "action_id": "1000="})
    assert view.state == {"1001=": {"1000=": {"type": "plain_text_input", "value": None}}}


async def test_whoever_waits_for_a_change_is_woken(slack: SimSlack, screens: Screens) -> None:
    looks = 0

    def look() -> bool:
        nonlocal looks
        looks += 1
        return False

    waiting = asyncio.create_task(slack.until(look))
    view = await screens.open(modal())
    tab = await screens.publish(home())
    for change in (
        lambda: slack.platform.views.update(view, modal()),
        lambda: slack.platform.views.publish(Owner("T0HOME00001", "U0BOB000001"), home()),
        lambda: slack.platform.views.push(Owner("T0HOME00001", "U0BOB000001"), modal()),
        lambda: slack.platform.views.put(tab),
        lambda: slack.platform.views.close(view),
        lambda: slack.platform.views.forget("T0HOME00001"),
    ):
        await asyncio.sleep(0)
        before = looks
        change()
        await asyncio.sleep(0)
        assert looks == before + 1
    waiting.cancel()
