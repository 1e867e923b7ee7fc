"""How people use message shortcuts in simulated Slack, what the app gets, and where its answers go."""

import pytest

from bot.sim.slack import Message, NotPossibleError, Rule, SimSlack, Source
from harness.blocks import actions, button
from harness.samples import Json, sample
from sim.api_client import Api, rules
from sim.recording_app import RecordingApp

pytestmark = pytest.mark.anyio

LINK = "look at <https://anchor.example.com/sessions/3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b|this session> please"
PUBLIC = {"text": "Paused.", "response_type": "in_channel", "replace_original": False}


def made_by_slack(payload: Json) -> Json:
    """The fields of a payload that Slack invents, as they are in the samples."""
    message = payload["message"] | {"ts": "", "client_msg_id": ""}
    for block in message.get("blocks", ()):
        block["block_id"] = ""
    for name in ("thread_ts", "parent_user_id"):
        if name in message:
            message[name] = ""
    invented = ("action_ts", "trigger_id", "response_url", "message_ts")
    return payload | dict.fromkeys(invented, "") | {"message": message}


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("human_message_link", LINK, "alerts"),
        ("human_message_code_block", "```3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b```", "alerts"),
        ("dm", LINK, "alice_and_bob"),
    ],
)
async def test_a_persons_message_arrives_as_slack_sends_it(
    slack: SimSlack, app: RecordingApp, name: str, text: str, place: str
) -> None:
    expected = sample(f"message_action.{name}.payload")
    await slack.use_shortcut(slack.alice, slack.post(getattr(slack, place), text, user=slack.bob))
    assert list(app.last) == list(expected)
    assert list(app.last["message"]) == list(expected["message"])
    assert made_by_slack(app.last) == made_by_slack(expected)


async def test_a_message_in_a_thread_arrives_with_the_thread(slack: SimSlack, app: RecordingApp) -> None:
    expected = sample("message_action.in_thread.payload")
    parent = slack.post(slack.alerts, "a")
    await slack.use_shortcut(slack.alice, slack.post(slack.alerts, LINK, user=slack.bob, thread_ts=parent.ts))
    assert (app.last["message"]["thread_ts"], app.last["message"]["parent_user_id"]) == (parent.ts, "U0ANCHORBOT")
    assert made_by_slack(app.last) == made_by_slack(expected)


async def test_a_message_of_an_incoming_webhook_arrives_as_slack_sends_it(slack: SimSlack, app: RecordingApp) -> None:
    expected = sample("message_action.alertmanager_message.payload")
    slack.home.installation.bot_name, slack.home.installation.bot_id = "Anchor ChatOps", "B0WEBHOOK01"
    message = slack.post(slack.alerts, "", attachments=expected["message"]["attachments"])
    await slack.use_shortcut(slack.alice, message)
    expected["message"]["team"] = "T0HOME00001"
    assert made_by_slack(app.last) == made_by_slack(expected)


async def test_a_message_of_another_app_has_that_apps_ids(slack: SimSlack, app: RecordingApp) -> None:
    other = slack.home.add_user("U0GRAFANA01", "grafana", is_bot=True)
    await slack.use_shortcut(slack.alice, slack.post(slack.incidents, "a", user=other))
    shown = app.last["message"]
    assert (shown["user"], shown["bot_id"], shown["app_id"]) == ("U0GRAFANA01", "B0GRAFANA01", "A0GRAFANA01")
    assert "client_msg_id" not in shown


async def test_mentions_and_links_become_elements_of_a_rich_text(slack: SimSlack, app: RecordingApp) -> None:
    text = "<@U0BOB000001> in <#C0ALERTS001|alerts>: a &amp; b <https://a.example/?x&amp;y>"
    await slack.use_shortcut(slack.alice, slack.post(slack.alerts, text, user=slack.bob))
    [block] = app.last["message"]["blocks"]
    assert block["elements"][0]["elements"] == [
        {"type": "user", "user_id": "U0BOB000001"},
        {"type": "text", "text": " in "},
        {"type": "channel", "channel_id": "C0ALERTS001"},
        {"type": "text", "text": ": a & b "},
        {"type": "link", "url": "https://a.example/?x&y"},
    ]


async def test_the_menu_offers_only_shortcuts_of_the_app_to_its_workspace_on_public_messages(
    slack: SimSlack, app: RecordingApp
) -> None:
    message = slack.post(slack.alerts, "a", user=slack.bob)
    ephemeral = slack.post(slack.alerts, "a", ephemeral_to=slack.alice)
    for person, about, shortcut, why in (
        (slack.alice, message, "no_such", "no shortcut no_such"),
        (slack.outsider, message, "anchor_pause_from_message", "installing workspace"),
        (slack.alice, ephemeral, "anchor_pause_from_message", "one person"),
    ):
        with pytest.raises(NotPossibleError, match=why):
            await slack.use_shortcut(person, about, shortcut)
    assert app.requests == []


async def test_a_shortcut_without_an_ack_ends_in_an_error_for_the_person(slack: SimSlack, app: RecordingApp) -> None:
    message = slack.post(slack.alerts, "a", user=slack.bob)
    app.status = 503
    await slack.use_shortcut(slack.alice, message)
    *_, shown = slack.seen_by(slack.alice, slack.alerts)
    assert (shown.text, shown.source, shown.ephemeral_to) == (
        "Sorry, that didn't work. Try again?",
        Source.CLIENT,
        slack.alice.id,
    )
    assert rules(slack) == [Rule.ACK_NOT_200]


async def test_slack_shows_nothing_that_the_ack_says(slack: SimSlack, app: RecordingApp) -> None:
    app.says(text="Paused.")
    await slack.use_shortcut(slack.alice, slack.post(slack.alerts, "a", user=slack.bob))
    assert (len(slack.seen_by(slack.alice, slack.alerts)), rules(slack)) == (1, [Rule.ACK_BODY_IGNORED])


@pytest.mark.parametrize("keeps_threads", [False, True])
async def test_whether_an_answer_goes_to_a_thread_is_slacks_choice(
    slack: SimSlack, app: RecordingApp, api: Api, *, keeps_threads: bool
) -> None:
    assert app.requests == []
    slack.platform.shortcuts_keep_threads = keeps_threads
    message = slack.post(slack.private, "a", user=slack.bob)
    used = await slack.use_shortcut(slack.alice, message)
    assert await api.answer(used, PUBLIC | {"thread_ts": message.ts}) == (200, "ok")
    posted: Message = slack.channel_messages(slack.private)[-1]
    assert posted.thread_ts == (message.ts if keeps_threads else None)
    assert rules(slack) == []


async def test_a_shortcut_has_no_message_to_replace(slack: SimSlack, app: RecordingApp, api: Api) -> None:
    assert app.requests == []
    used = await slack.use_shortcut(slack.alice, slack.post(slack.alerts, "a", blocks=[actions(button())]))
    await api.answer(used, {"text": "Paused.", "response_type": "in_channel", "replace_original": True})
    assert (len(slack.channel_messages(slack.alerts)), rules(slack)) == (2, [Rule.REPLACES_SLASH_COMMAND])
