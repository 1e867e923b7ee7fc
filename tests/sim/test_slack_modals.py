"""How people submit and close modals in simulated Slack, what the app gets, and what becomes of its ack."""

import asyncio
import json

import aiohttp
import pytest

from bot.sim.slack import ABSENT, Enterprise, Installation, NotPossibleError, Rule, SimSlack, Workspace
from bot.sim.slack.views.answers import read_answer
from sim.alerts import alert
from sim.api_client import rules
from sim.screens import (
    Screens,
    actions,
    as_written,
    asked,
    button,
    home,
    ids_of,
    menu,
    modal,
    option,
    plain,
    sample,
    section,
    written,
)
from sim.ways import Ways

pytestmark = pytest.mark.anyio

JSON = "application/json"
TROUBLE = "We had some trouble connecting. Try again?"
KEY = sample("view_submission.set_key.payload")
THEIRS = sample("view_submission.slack_connect_foreign_user.payload")
ACKS = sample("ack.view_submission.variants")


async def test_a_submission_arrives_as_slack_sends_it(slack: SimSlack, screens: Screens, ways: Ways) -> None:
    view = await screens.open(as_written(KEY["view"]))

    delivery = await slack.submit(slack.alice, values={"api_key": "ak_test_0123456789abcdef"})

    assert ways.last == KEY | {"trigger_id": delivery.trigger_id, "view": KEY["view"] | ids_of(view)}
    assert list(ways.last) == list(KEY)
    assert list(ways.last["view"]) == list(KEY["view"])
    assert (delivery.status, delivery.response_url, slack.violations) == (200, "", [])


async def test_a_foreign_persons_submission_names_their_own_team(slack: SimSlack, screens: Screens, ways: Ways) -> None:
    slack.add_workspace(Workspace("T0PARTNER01", "partner", Installation("xoxb-partner")))
    click = await slack.click(slack.outsider, alert(slack))
    await screens.api.call("views.open", trigger_id=click.trigger_id, view=as_written(THEIRS["view"]))
    view = slack.modal_of(slack.outsider)
    assert view is not None

    delivery = await slack.submit(slack.outsider, values={"api_key": "ak_test_0123456789abcdef"})

    assert ways.last == THEIRS | {"trigger_id": delivery.trigger_id, "view": THEIRS["view"] | ids_of(view)}


async def test_a_team_that_this_slack_does_not_know_has_a_made_up_domain(
    slack: SimSlack, screens: Screens, heard: Ways
) -> None:
    click = await slack.click(slack.outsider, alert(slack))
    await screens.api.call("views.open", trigger_id=click.trigger_id, view=modal())

    await slack.submit(slack.outsider)

    assert heard.last["team"] == {"id": "T0PARTNER01", "domain": "t0partner01"}


async def test_grid_workspaces_name_their_enterprise(slack: SimSlack, screens: Screens, heard: Ways) -> None:
    slack.home.enterprise = Enterprise("E0GRID00001", "Acme Grid")
    await screens.open(modal(notify_on_close=True))

    await slack.submit(slack.alice)
    await screens.open(modal(notify_on_close=True))
    await slack.close(slack.alice)

    submitted, closed = (heard.got[1], heard.got[-1])
    for payload in (submitted, closed):
        assert payload["enterprise"] == {"id": "E0GRID00001", "name": "Acme Grid"}
        assert payload["team"]["enterprise_id"] == "E0GRID00001"


async def test_an_empty_ack_closes_the_modal(slack: SimSlack, screens: Screens, ways: Ways) -> None:
    await screens.open(modal())

    await slack.submit(slack.alice)

    assert (slack.modals_of(slack.alice), slack.modal_of(slack.alice)) == ((), None)
    assert len(ways.got) == 2


async def test_errors_stand_under_their_inputs(slack: SimSlack, screens: Screens, ways: Ways) -> None:
    await screens.open(as_written(KEY["view"]))
    ways.body = ACKS["errors"]

    delivery = await slack.submit(slack.alice, values={"api_key": "ak_wrong"})

    view = screens.top
    assert view.errors == {"api_key": "Anchor did not accept this key."}
    assert view.text.split("\n") == [
        *("Set Anchor API key", "Anchor API key", "Anchor did not accept this key.", "Save", "Cancel")
    ]
    assert view.state == {"api_key": {"value": {"type": "plain_text_input", "value": "ak_wrong"}}}
    assert delivery.ack is not None
    assert slack.violations == []


async def test_an_update_clears_errors_and_trouble(slack: SimSlack, screens: Screens, heard: Ways) -> None:
    await screens.open(modal(written()))
    heard.says(response_action="errors", errors={"name": "No."})
    await slack.submit(slack.alice, values={"name": "x"})
    assert (await screens.update(screens.top, modal(written()))).errors == {}
    heard.says(response_action="nonsense")
    await slack.submit(slack.alice)
    assert screens.top.trouble == TROUBLE
    assert (await screens.update(screens.top, modal(written()))).trouble == ""


async def test_the_next_submission_takes_errors_and_trouble_away_at_once(
    slack: SimSlack, screens: Screens, heard: Ways
) -> None:
    await screens.open(modal(written()))
    heard.says(response_action="errors", errors={"name": "No."})
    await slack.submit(slack.alice, values={"name": "x"})
    heard.says(response_action="nonsense")
    await slack.submit(slack.alice)
    assert (screens.top.errors, screens.top.trouble) == ({}, TROUBLE)
    heard.says(response_action="errors", errors={"name": "No."})
    await slack.submit(slack.alice)
    assert (screens.top.errors, screens.top.trouble) == ({"name": "No."}, "")


async def test_an_ack_can_show_another_view_instead(slack: SimSlack, screens: Screens, ways: Ways) -> None:
    before = await screens.open(as_written(KEY["view"]))
    ways.body = ACKS["update"]

    await slack.submit(slack.alice, values={"api_key": "ak_right"})

    [view] = slack.modals_of(slack.alice)
    assert (view.id, view.text) == (before.id, "Saved\nThe key was stored.\nDone")
    assert view.hash != before.hash
    assert (view.submit, view.state, slack.violations) == (None, {}, [])


async def test_an_ack_can_push_a_view(slack: SimSlack, screens: Screens, ways: Ways) -> None:
    first = await screens.open(modal(written()))
    ways.says(response_action="push", view=modal(section("above")))

    await slack.submit(slack.alice, values={"name": "x"})

    below, above = slack.modals_of(slack.alice)
    assert (below.id, below.state["name"]["value"]["value"]) == (first.id, "x")
    assert (above.text, above.previous_view_id, above.root_view_id) == ("Settings\nabove\nSave", first.id, first.id)
    ways.body = None
    await slack.submit(slack.alice)
    assert slack.modal_of(slack.alice) == below
    assert len(slack.modals_of(slack.alice)) == 1


async def test_an_ack_can_close_all(slack: SimSlack, screens: Screens, ways: Ways) -> None:
    await screens.open(modal(notify_on_close=True))
    ways.says(response_action="push", view=modal(notify_on_close=True))
    await slack.submit(slack.alice)
    ways.body = ACKS["clear"]
    count = len(ways.got)

    await slack.submit(slack.alice)

    assert slack.modals_of(slack.alice) == ()
    assert len(ways.got) == count + 1


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({"response_action": "close"}, "unknown response_action: 'close'"),
        ({"response_action": ["update"]}, "unknown response_action: ['update']"),
        ({"text": "Saved."}, "unknown response_action: None"),
        ("Saved.", "no JSON object, labelled as application/json"),
        (
            {"response_action": "errors", "errors": {"value": "No."}},
            "no input block has the block_id 'value'",
        ),
        ({"response_action": "errors", "errors": {"words": "No."}}, "no input block has the block_id 'words'"),
        ({"response_action": "errors", "errors": {"name": ""}}, "the error of 'name' must be a text"),
        ({"response_action": "errors", "errors": {"name": 1}}, "the error of 'name' must be a text"),
        ({"response_action": "errors", "errors": {}}, "errors must be an object with a text for each block_id"),
        ({"response_action": "errors", "errors": ["name"]}, "errors must be an object with a text for each block_id"),
        ({"response_action": "errors"}, "errors must be an object with a text for each block_id"),
        ({"response_action": "update"}, "[ERROR] must be an object [json-pointer:/view]"),
        ({"response_action": "push", "view": home()}, "[ERROR] unsupported type: home [json-pointer:/view/type]"),
        (
            {"response_action": "update", "view": {"type": "modal", "title": plain("a"), "blocks": [written()]}},
            "[ERROR] missing required field: submit [json-pointer:/view]",
        ),
    ],
)
async def test_an_ack_that_slack_can_not_follow_shows_trouble(
    slack: SimSlack, screens: Screens, ways: Ways, body: object, complaint: str
) -> None:
    await screens.open(modal(written(), section("a", block_id="words")))
    ways.body = body

    await slack.submit(slack.alice, values={"name": "x"})

    assert (screens.top.trouble, screens.top.errors) == (TROUBLE, {})
    assert screens.top.text.endswith(TROUBLE)
    assert screens.top.state["name"]["value"]["value"] == "x"
    assert [(one.rule, one.detail) for one in slack.violations] == [(Rule.VIEW_ACK_INVALID, complaint)]


async def test_a_view_in_an_ack_has_at_most_250_kb(slack: SimSlack, screens: Screens, heard: Ways) -> None:
    await screens.open(modal())
    heard.says(response_action="update", view=modal(*[section("x" * 3000, block_id=str(at)) for at in range(90)]))

    await slack.submit(slack.alice)

    assert [one.detail for one in slack.violations] == ["view_too_large"]


async def test_what_can_not_be_pushed_shows_trouble(slack: SimSlack, screens: Screens, heard: Ways) -> None:
    await screens.open(modal())
    heard.says(response_action="push", view=modal())
    for _ in range(3):
        await slack.submit(slack.alice)

    assert len(slack.modals_of(slack.alice)) == 3
    assert screens.top.trouble == TROUBLE
    assert [(one.rule, one.detail) for one in slack.violations] == [(Rule.VIEW_ACK_INVALID, "push_limit_reached")]


async def test_an_acks_external_id_must_be_new(slack: SimSlack, screens: Screens, heard: Ways) -> None:
    await screens.publish(home(external_id="e"))
    await screens.open(modal())
    heard.says(response_action="update", view=modal(external_id="e"))

    await slack.submit(slack.alice)

    assert [one.detail for one in slack.violations] == ["duplicate_external_id"]


async def test_the_words_of_a_view_in_an_ack_are_judged(slack: SimSlack, screens: Screens, ways: Ways) -> None:
    await screens.open(modal())
    ways.says(response_action="update", view=modal(section("a & b")))

    await slack.submit(slack.alice)

    assert "a & b" in screens.top.text
    assert rules(slack) == [Rule.RAW_AMPERSAND]


async def test_a_late_ack_shows_trouble(slack: SimSlack, screens: Screens, ways: Ways) -> None:
    await screens.open(modal())
    ways.delay = 1.0

    delivery = await slack.submit(slack.alice)

    assert (delivery.error, delivery.ack, screens.top.trouble) == ("operation_timeout", None, TROUBLE)
    assert rules(slack) == [Rule.ACK_LATE]


async def test_an_app_that_is_away_shows_trouble(slack: SimSlack, screens: Screens, heard: Ways) -> None:
    await screens.open(modal())
    slack.request_url = None

    delivery = await slack.submit(slack.alice)

    assert (delivery.error, screens.top.trouble, slack.violations) == ("dispatch_failed", TROUBLE, [])
    assert len(heard.got) == 1


@pytest.mark.parametrize(("content_type", "body"), [("text/html", b"{}"), ("text/plain", b"ok"), (JSON, b"{")])
async def test_other_bodies_than_json_are_no_acks(
    screens: Screens, heard: Ways, content_type: str, body: bytes
) -> None:
    answer = read_answer(await screens.open(modal()), content_type, body)

    assert (answer.action, [one.rule for one in answer.violations]) == ("trouble", [Rule.VIEW_ACK_INVALID])
    assert len(heard.got) == 1


async def test_json_may_name_its_charset(screens: Screens, heard: Ways) -> None:
    body = json.dumps(ACKS["clear"]).encode()

    assert read_answer(await screens.open(modal()), "Application/JSON; charset=utf-8", body).action == "clear"
    assert read_answer(screens.top, "text/html", b" \n").action == "close"
    assert len(heard.got) == 1


async def test_a_submission_opens_another_modal(slack: SimSlack, screens: Screens, heard: Ways) -> None:
    await screens.open(modal())
    delivery = await slack.submit(slack.alice)
    assert len(heard.got) == 2

    await screens.api.call("views.open", trigger_id=delivery.trigger_id, view=modal(section("second")))

    assert screens.top.text == "Settings\nsecond\nSave"


async def test_what_the_app_opens_before_it_acknowledges_stays(slack: SimSlack, screens: Screens, heard: Ways) -> None:
    await screens.open(modal())
    heard.delay = 0.2
    submitting = asyncio.create_task(slack.submit(slack.alice))
    await asyncio.sleep(0.1)
    trigger_id = heard.last["trigger_id"]
    await screens.api.call("views.push", trigger_id=trigger_id, view=modal(section("above")))

    await submitting

    assert [view.text for view in slack.modals_of(slack.alice)] == ["Settings\nabove\nSave"]


async def test_what_is_required_must_be_filled_in(slack: SimSlack, screens: Screens, heard: Ways) -> None:
    menu_of_options = menu("multi_static_select", options=[option("red")])
    optional = {"optional": True}
    await screens.open(
        modal(
            written(),
            asked(menu_of_options),
            written("maybe") | optional,
            asked(menu("users_select"), "who") | optional,
        )
    )
    heard.got.clear()

    for values, missing in (({}, "name"), ({"name": ""}, "name"), ({"name": "x", "menu": []}, "menu")):
        with pytest.raises(NotPossibleError, match=f"must be filled in: {missing}"):
            await slack.submit(slack.alice, values=values)
    assert heard.got == []
    await slack.submit(slack.alice, values={"menu": "red"})

    assert heard.last["view"]["state"]["values"] == {
        "name": {"value": {"type": "plain_text_input", "value": "x"}},
        "menu": {"choice": {"type": "multi_static_select", "selected_options": [option("red")]}},
        "maybe": {"value": {"type": "plain_text_input", "value": None}},
        "who": {"choice": {"type": "users_select", "selected_user": None}},
    }


async def test_a_text_must_have_the_length_that_the_app_wants(slack: SimSlack, screens: Screens, heard: Ways) -> None:
    await screens.open(modal(written(min_length=2, max_length=4), written("long") | {"optional": True}))
    heard.got.clear()

    for values in ({"name": "x"}, {"name": "x" * 5}, {"name": "xx", "long": "x" * 3001}):
        with pytest.raises(NotPossibleError, match="characters"):
            await slack.submit(slack.alice, values=values)
    assert heard.got == []
    for length in (2, 4):
        await slack.submit(slack.alice, values={"name": "x" * length, "long": "x" * 3000})
        await screens.open(modal(written(min_length=2, max_length=4), written("long")))
    assert len(slack.modals_of(slack.alice)) == 1


async def test_an_optional_text_may_be_empty_whatever_its_least_length(
    slack: SimSlack, screens: Screens, heard: Ways
) -> None:
    await screens.open(modal(written(min_length=8) | {"optional": True}))

    await slack.submit(slack.alice)

    assert len(heard.got) == 2


async def test_without_a_button_nothing_is_submitted(slack: SimSlack, screens: Screens, heard: Ways) -> None:
    await screens.open({"type": "modal", "title": plain("a"), "blocks": []})
    tab = await screens.publish(home())
    heard.got.clear()

    for view in (None, screens.top, tab):
        with pytest.raises(NotPossibleError, match="no button"):
            await slack.submit(slack.alice, view)
    assert heard.got == []


async def test_only_the_visible_modal_is_submitted_or_closed(slack: SimSlack, screens: Screens, heard: Ways) -> None:
    below = await screens.open(modal())
    heard.says(response_action="push", view=modal())
    await slack.submit(slack.alice)
    heard.got.clear()

    for person, view, why in (
        (slack.alice, below, "another view lies on it"),
        (slack.bob, screens.top, "does not see"),
        (slack.bob, None, "no modal is open"),
    ):
        with pytest.raises(NotPossibleError, match=why):
            await slack.submit(person, view)
        with pytest.raises(NotPossibleError, match=why):
            await slack.close(person, view)
    await slack.close(slack.alice, clear=True)
    with pytest.raises(NotPossibleError, match="is gone"):
        await slack.submit(slack.alice, below)
    assert heard.got == []


async def test_a_deactivated_person_does_nothing_more(slack: SimSlack, screens: Screens, heard: Ways) -> None:
    await screens.open(modal())
    slack.home.change_user(slack.alice, deleted=True)

    with pytest.raises(NotPossibleError, match="deactivated"):
        await slack.submit(slack.alice)
    assert len(heard.got) == 1


async def test_an_old_picture_of_a_view_is_as_good_as_a_new_one(slack: SimSlack, screens: Screens, heard: Ways) -> None:
    old = await screens.open(modal(written()))
    new = await screens.update(old, modal(written(), callback_id="new"))

    await slack.submit(slack.alice, old, {"name": "x"})

    assert heard.last["view"]["callback_id"] == "new"
    assert heard.last["view"]["hash"] == new.hash


async def test_fields_of_a_submission_can_be_changed_nulled_and_left_out(
    slack: SimSlack, screens: Screens, heard: Ways
) -> None:
    await screens.open(modal())

    await slack.submit(slack.alice, team=None, is_enterprise_install=True, response_urls=ABSENT, new="field")

    assert (heard.last["team"], heard.last["is_enterprise_install"], heard.last["new"]) == (None, True, "field")
    assert "response_urls" not in heard.last


async def test_a_modal_that_is_closed_before_the_ack_stays_closed(
    slack: SimSlack, screens: Screens, heard: Ways
) -> None:
    await screens.open(modal())
    heard.says(response_action="update", view=modal(section("late")))
    heard.delay = 0.2

    submitting = asyncio.create_task(slack.submit(slack.alice))
    await asyncio.sleep(0.1)
    assert await slack.close(slack.alice) is None
    await submitting

    assert (slack.modals_of(slack.alice), len(heard.got)) == ((), 2)


async def test_a_chosen_conversation_brings_its_response_url(
    slack: SimSlack, screens: Screens, heard: Ways, client: aiohttp.ClientSession
) -> None:
    wanted = menu("conversations_select", response_url_enabled=True)
    plainly = menu("channels_select", response_url_enabled=False)
    optional = asked(menu("channels_select", response_url_enabled=True), "maybe") | {"optional": True}
    await screens.open(modal(actions(button()), asked(wanted), asked(plainly, "other"), optional))

    await slack.submit(slack.alice, values={"menu": slack.private.id, "other": slack.alerts.id})

    [given] = heard.last["response_urls"]
    assert list(given) == ["block_id", "action_id", "channel_id", "response_url"]
    assert (given["block_id"], given["action_id"], given["channel_id"]) == ("menu", "choice", slack.private.id)
    said = {"text": "Hello", "response_type": "in_channel", "replace_original": False}
    async with client.post(given["response_url"], json=said, headers={"Content-Type": JSON}) as response:
        assert response.status == 200
    assert [message.text for message in slack.channel_messages(slack.private)] == ["Hello"]


async def test_modals_are_found_in_whatever_workspace_they_are(slack: SimSlack, screens: Screens, heard: Ways) -> None:
    partner = Workspace("T0PARTNER01", "partner", Installation("xoxb-partner"))
    partner.add_user("U0MALLORY01", "mallory")
    slack.add_workspace(partner)
    click = await slack.click(slack.outsider, alert(slack))
    await screens.api.call("views.open", trigger_id=click.trigger_id, view=modal())

    view = slack.modal_of(slack.outsider)

    assert view is not None
    assert slack.modals_of(slack.outsider, slack.home) == (view,)
    assert slack.modals_of(slack.outsider, partner) == ()
    assert slack.modal_of("U0NOBODY001") is None
    assert len(heard.got) == 1


async def test_an_app_that_is_taken_out_leaves_no_views(slack: SimSlack, screens: Screens, heard: Ways) -> None:
    partner = Workspace("T0PARTNER01", "partner", Installation("xoxb-partner"))
    partner.add_user("U0PARTNER01", "pat")
    slack.add_workspace(partner)
    await screens.publish(home())
    await screens.open(modal())
    occasion = await slack.command(slack.alice, slack.alerts)

    await slack.uninstall(partner)
    assert slack.home_of(slack.alice) is not None
    assert slack.modal_of(slack.alice) is not None
    await slack.uninstall(slack.home)

    assert (slack.home_of(slack.alice), slack.modal_of(slack.alice)) == (None, None)
    assert occasion.status == 200
    assert len(heard.got) == 6
