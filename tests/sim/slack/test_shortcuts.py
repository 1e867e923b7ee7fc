"""How people use message shortcuts and global shortcuts in simulated Slack, what the app gets, and what is shown."""

import pytest

from bot.sim.slack import Rule, SimSlack, Source
from harness.samples import Json, sample
from sim.api_client import Api, rules
from sim.recording_app import RecordingApp

pytestmark = pytest.mark.anyio

LINK = "look at <https://anchor.example.com/sessions/3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b|this session> please"
CODE = "```3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b```"
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
        ("human_message_code_block", CODE, "alerts"),
        ("dm", LINK, "alice_and_bob"),
        ("in_thread", LINK, "alerts"),
        ("alertmanager_message", "", "alerts"),
    ],
)
async def test_a_message_arrives_as_slack_sends_it(
    slack: SimSlack, app: RecordingApp, name: str, text: str, place: str
) -> None:
    expected = sample(f"message_action.{name}.payload")
    thread_ts = slack.post(slack.alerts, "a").ts if name == "in_thread" else None
    attachments = expected["message"].get("attachments", ())
    if attachments:
        slack.home.installation.bot_name, slack.home.installation.bot_id = "Anchor ChatOps", "B0WEBHOOK01"
        expected["message"]["team"] = "T0HOME00001"
    user, channel = None if attachments else slack.bob, getattr(slack, place)
    message = slack.post(channel, text, user=user, attachments=attachments, thread_ts=thread_ts)
    await slack.use_shortcut(slack.alice, message)
    assert list(app.last) == list(expected)
    assert attachments or list(app.last["message"]) == list(expected["message"])
    assert not thread_ts or app.last["message"]["parent_user_id"] == "U0ANCHORBOT"
    assert made_by_slack(app.last) == made_by_slack(expected)


async def test_another_apps_ids_and_the_elements_of_a_typed_text_are_in_the_payload(
    slack: SimSlack, app: RecordingApp
) -> None:
    other = slack.home.add_user("U0GRAFANA01", "grafana", is_bot=True)
    await slack.use_shortcut(slack.alice, slack.post(slack.incidents, "a", user=other))
    shown = app.last["message"]
    assert (shown["user"], shown["bot_id"], shown["app_id"]) == ("U0GRAFANA01", "B0GRAFANA01", "A0GRAFANA01")
    assert "client_msg_id" not in shown
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


async def test_a_global_shortcut_has_no_conversation_and_no_response_url(slack: SimSlack, app: RecordingApp) -> None:
    app.body = b"hello"
    delivery = await slack.use_global_shortcut(slack.alice)
    assert (delivery.status, rules(slack)) == (200, [Rule.ACK_BODY_IGNORED])
    assert app.last == {
        "type": "shortcut",
        "token": "deprecatedVerificationToken",
        "action_ts": "1785000000.000000",
        "team": {"id": "T0HOME00001", "domain": "acme"},
        "user": {"id": "U0ALICE0001", "username": "alice", "name": "alice", "team_id": "T0HOME00001"},
        "is_enterprise_install": False,
        "enterprise": None,
        "callback_id": "anchor_pause_an_agent",
        "trigger_id": delivery.trigger_id,
    }


@pytest.mark.parametrize(
    ("status", "shown", "broken"),
    [(503, ["Sorry, that didn't work. Try again?"], Rule.ACK_NOT_200), (200, [], Rule.ACK_BODY_IGNORED)],
)
async def test_slack_shows_of_the_ack_only_that_there_was_none(
    slack: SimSlack, app: RecordingApp, status: int, shown: list[str], broken: Rule
) -> None:
    app.says(text="Paused.")
    app.status = status
    await slack.use_shortcut(slack.alice, slack.post(slack.alerts, "a", user=slack.bob))
    _, *new = slack.seen_by(slack.alice, slack.alerts)
    assert ([one.text for one in new], rules(slack)) == (shown, [broken])
    assert {(one.source, one.ephemeral_to) for one in new} <= {(Source.CLIENT, slack.alice.id)}


@pytest.mark.parametrize("keeps_threads", [False, True])
async def test_an_answer_replaces_no_message_and_whether_it_goes_to_a_thread_is_slacks_choice(
    slack: SimSlack, app: RecordingApp, api: Api, *, keeps_threads: bool
) -> None:
    slack.platform.shortcuts_keep_threads = keeps_threads
    message = slack.post(slack.private, "a", user=slack.bob)
    used = await slack.use_shortcut(slack.alice, message)
    assert await api.answer(used, PUBLIC | {"thread_ts": message.ts}) == (200, "ok")
    assert slack.channel_messages(slack.private)[-1].thread_ts == (message.ts if keeps_threads else None)
    await api.answer(used, PUBLIC | {"replace_original": True})
    assert (len(slack.channel_messages(slack.private)), rules(slack)) == (3, [Rule.REPLACES_SLASH_COMMAND])
    assert len(app.requests) == 1
