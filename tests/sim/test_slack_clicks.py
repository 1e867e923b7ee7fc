"""How people click buttons in simulated Slack, what the app gets, and what people see."""

import json
from urllib.parse import parse_qsl

import pytest

from bot.sim.slack import (
    ABSENT,
    ButtonRef,
    Enterprise,
    Message,
    NotPossibleError,
    Rule,
    SimSlack,
    Source,
)
from bot.sim.slack.signing import signature
from sim.alerts import ALERT, ID, Part, actions, alert, button, section
from sim.api_client import Api, rules
from sim.sample_app import App

pytestmark = pytest.mark.anyio

TIMED_OUT = "Operation timed out. Apps need to respond within three seconds"


@pytest.fixture(autouse=True)
def silent(app: App) -> App:
    app.content_type = "text/plain"
    return app


def payload(app: App) -> dict[str, object]:
    """The one payload that arrived last."""
    [(name, text)] = parse_qsl(app.received[-1][0].decode())
    assert name == "payload"
    read = json.loads(text)
    assert isinstance(read, dict)
    return read


def part(value: object) -> Part:
    assert isinstance(value, dict)
    return value


def warnings(slack: SimSlack) -> list[Message]:
    return [message for message in slack.seen_by(slack.alice, slack.alerts) if message.source is Source.CLIENT]


async def test_a_click_arrives_as_a_payload_in_slacks_order(slack: SimSlack, app: App) -> None:
    message = alert(slack)

    delivery = await slack.click(slack.alice, message)

    arrived = payload(app)
    assert list(arrived) == [
        *("type", "user", "api_app_id", "token", "container", "trigger_id", "team", "enterprise"),
        *("is_enterprise_install", "channel", "message", "state", "response_url", "actions"),
    ]
    assert arrived == {
        "type": "block_actions",
        "user": {"id": "U0ALICE0001", "username": "alice", "name": "alice", "team_id": "T0HOME00001"},
        "api_app_id": "A0ANCHOR001",
        "token": "deprecatedVerificationToken",
        "container": {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": "C0ALERTS001",
            "is_ephemeral": False,
        },
        "trigger_id": delivery.trigger_id,
        "team": {"id": "T0HOME00001", "domain": "acme"},
        "enterprise": None,
        "is_enterprise_install": False,
        "channel": {"id": "C0ALERTS001", "name": "alerts"},
        "message": {
            "type": "message",
            "subtype": "bot_message",
            "username": "anchor",
            "bot_id": "B0ANCHOR001",
            "app_id": "A0ANCHOR001",
            "ts": message.ts,
            "text": "High spend",
            "team": "T0HOME00001",
            "blocks": list(message.blocks),
        },
        "state": {"values": {}},
        "response_url": delivery.response_url,
        "actions": [
            {
                "action_id": "anchor_pause",
                "block_id": "anchor_actions",
                "text": {"type": "plain_text", "text": "Pause", "emoji": True},
                "value": ID,
                "style": "danger",
                "type": "button",
                "action_ts": "1785000000.000000",
            }
        ],
    }


async def test_a_click_is_signed_and_acknowledged(slack: SimSlack, app: App) -> None:
    delivery = await slack.click(slack.alice, alert(slack))

    [(body, headers)] = app.received
    assert headers["X-Slack-Signature"] == signature(slack.signing_secret, "1785000000", body)
    assert (delivery.status, delivery.error, delivery.request) == (200, None, body)
    assert delivery.headers["X-Slack-Signature"] == headers["X-Slack-Signature"]
    assert delivery.ack is not None
    assert delivery.elapsed < 2
    assert "/actions/T0HOME00001/" in delivery.response_url
    assert (warnings(slack), slack.violations) == ([], [])


async def test_a_click_can_be_replayed(slack: SimSlack, app: App) -> None:
    delivery = await slack.click(slack.alice, alert(slack))

    again = await slack.resend(delivery)

    assert app.received[0] == app.received[1]
    assert (again.status, again.trigger_id, again.ack) == (200, delivery.trigger_id, delivery.ack)


async def test_every_click_is_another_occasion(slack: SimSlack) -> None:
    message = alert(slack)

    first, second = await slack.click(slack.alice, message), await slack.click(slack.alice, message)

    assert first.trigger_id != second.trigger_id
    assert first.response_url != second.response_url


async def test_the_apps_own_messages_are_by_its_bot_user(slack: SimSlack, app: App, api: Api) -> None:
    await api.post("C0ALERTS001", blocks=ALERT)
    [message] = slack.channel_messages(slack.alerts)

    await slack.click(slack.alice, message)

    shown = part(payload(app)["message"])
    assert (shown["user"], shown["bot_id"], shown["app_id"]) == ("U0ANCHORBOT", "B0ANCHOR001", "A0ANCHOR001")
    assert "subtype" not in shown


async def test_a_persons_message_has_neither_bot_nor_app(slack: SimSlack, app: App) -> None:
    await slack.click(slack.alice, slack.post(slack.alerts, "a", blocks=ALERT, user=slack.bob))

    shown = part(payload(app)["message"])
    assert shown["user"] == "U0BOB000001"
    assert not {"bot_id", "app_id", "subtype"} & shown.keys()


async def test_an_ephemeral_message_is_not_in_the_payload(slack: SimSlack, app: App) -> None:
    app.content_type = "application/json"
    app.says(text="Paused.", blocks=ALERT)
    await slack.command(slack.alice, slack.alerts)
    app.body = b""
    [message] = slack.seen_by(slack.alice, slack.alerts)

    await slack.click(slack.alice, message)

    arrived = payload(app)
    assert "message" not in arrived
    assert arrived["container"] == {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": "C0ALERTS001",
        "is_ephemeral": True,
    }


async def test_a_button_in_a_thread_names_the_thread(slack: SimSlack, app: App) -> None:
    first = slack.post(slack.alerts, "What is going on?", user=slack.bob)
    reply = alert(slack, thread_ts=first.ts)

    await slack.click(slack.alice, reply)

    arrived = payload(app)
    assert part(arrived["container"])["thread_ts"] == first.ts
    assert part(arrived["message"])["thread_ts"] == first.ts
    assert part(arrived["message"])["parent_user_id"] == "U0BOB000001"


async def test_a_message_that_was_answered_begins_its_own_thread(slack: SimSlack, app: App) -> None:
    first = alert(slack)
    slack.post(slack.alerts, "I am on it", user="U0BOB000001", thread_ts=first.ts)

    await slack.click(slack.alice, first)

    arrived = payload(app)
    assert part(arrived["container"])["thread_ts"] == first.ts
    assert part(arrived["message"])["thread_ts"] == first.ts
    assert "parent_user_id" not in part(arrived["message"])


async def test_a_thread_may_have_lost_its_beginning(slack: SimSlack, app: App) -> None:
    await slack.click(slack.alice, alert(slack, thread_ts="1784998000.000001"))

    assert "parent_user_id" not in part(payload(app)["message"])


async def test_a_button_can_stand_beside_a_text(slack: SimSlack, app: App) -> None:
    message = slack.post(slack.alerts, "a", blocks=[section("a", accessory=button(), block_id="beside")])

    await slack.click(slack.alice, message)

    [action] = list(payload(app)["actions"])  # type: ignore[call-overload]
    assert action["block_id"] == "beside"


async def test_a_button_in_an_attachment_names_it(slack: SimSlack, app: App) -> None:
    attachments: list[Part] = [{"text": "a"}, {"color": "#a30200", "blocks": [actions(button())]}]
    message = slack.post(slack.alerts, "a", attachments=attachments)

    await slack.click(slack.alice, message)

    arrived = payload(app)
    assert arrived["container"] == {
        "type": "message_attachment",
        "attachment_id": 2,
        "message_ts": message.ts,
        "channel_id": "C0ALERTS001",
        "is_ephemeral": False,
        "is_app_unfurl": False,
    }
    assert "blocks" not in part(arrived["message"])
    shown = part(arrived["message"])["attachments"]
    assert isinstance(shown, list)
    assert [(one["id"], one.get("fallback")) for one in shown] == [(1, None), (2, "[no preview available]")]


async def test_one_of_several_buttons_is_chosen_by_its_value_or_block(slack: SimSlack, app: App) -> None:
    blocks = [actions(button(), button("anchor_resume"), block_id="a"), actions(button(value="other"), block_id="b")]
    message = slack.post(slack.alerts, "a", blocks=blocks)

    for which in ({"value": "other"}, {"block_id": "b"}, {"value": "other", "block_id": "b"}):
        await slack.click(slack.alice, message, **which)
        [action] = list(payload(app)["actions"])  # type: ignore[call-overload]
        assert (action["block_id"], action["value"]) == ("b", "other")
    await slack.click(slack.alice, message, "anchor_resume")
    with pytest.raises(NotPossibleError, match="2 such buttons"):
        await slack.click(slack.alice, message)
    with pytest.raises(NotPossibleError, match="no such buttons: anchor_stop"):
        await slack.click(slack.alice, message, "anchor_stop")


async def test_url_buttons_send_a_payload_as_well(slack: SimSlack, app: App) -> None:
    link = {"type": "button", "action_id": "open", "text": {"type": "plain_text", "text": "Open"}, "url": "https://a.b"}
    menu = {"type": "users_select", "action_id": "whom"}
    message = slack.post(slack.alerts, "a", blocks=[actions(menu, link)])

    await slack.click(slack.alice, message, action_id="open")

    [action] = list(payload(app)["actions"])  # type: ignore[call-overload]
    assert list(action) == ["action_id", "block_id", "text", "type", "action_ts"]


async def test_people_of_other_workspaces_click_too(slack: SimSlack, app: App) -> None:
    await slack.click(slack.outsider, alert(slack))

    arrived = payload(app)
    assert part(arrived["user"])["team_id"] == "T0PARTNER01"
    assert arrived["team"] == {"id": "T0HOME00001", "domain": "acme"}


async def test_grid_workspaces_name_their_enterprise(slack: SimSlack, app: App) -> None:
    slack.home.enterprise = Enterprise("E0GRID00001", "Acme Grid")
    colleague = slack.home.add_user("U0COLLEAG01", "carol", team_id="T0SISTER001")
    slack.alerts.members.add(colleague.id)

    await slack.click(colleague, alert(slack))

    arrived = payload(app)
    assert part(arrived["user"])["team_id"] == "T0SISTER001"
    assert arrived["enterprise"] == {"id": "E0GRID00001", "name": "Acme Grid"}
    assert arrived["team"] == {
        "id": "T0HOME00001",
        "domain": "acme",
        "enterprise_id": "E0GRID00001",
        "enterprise_name": "Acme Grid",
    }


async def test_fields_can_be_changed_nulled_and_left_out(slack: SimSlack, app: App) -> None:
    await slack.click(slack.alice, alert(slack), team=None, is_enterprise_install=True, message=ABSENT, new="field")

    arrived = payload(app)
    assert (arrived["team"], arrived["is_enterprise_install"], arrived["new"]) == (None, True, "field")
    assert "message" not in arrived


@pytest.mark.parametrize(("where", "name"), [("private", "privategroup"), ("alice_and_bot", "directmessage")])
async def test_private_channels_and_dms_have_no_names(slack: SimSlack, app: App, where: str, name: str) -> None:
    channel = getattr(slack, where)

    await slack.click(slack.alice, slack.post(channel, "a", blocks=ALERT))

    assert payload(app)["channel"] == {"id": channel.id, "name": name}


async def test_who_does_not_see_the_message_cannot_click_it(slack: SimSlack, app: App) -> None:
    whisper = slack.post(slack.alerts, "a", blocks=ALERT, ephemeral_to=slack.bob)
    await slack.click(slack.bob, whisper)
    app.received.clear()
    slack.home.change_user(slack.guest, deleted=True)
    for user, message, why in [
        (slack.alice, whisper, "does not see"),
        (slack.guest, alert(slack), "deactivated"),
        (slack.guest, slack.post(slack.incidents, "a", blocks=ALERT), "deactivated"),
        (slack.outsider, slack.post(slack.incidents, "a", blocks=ALERT), "not in the channel"),
        (slack.alice, slack.post(slack.archived, "a", blocks=ALERT), "archived"),
        (slack.alice, slack.post(slack.alerts, "a"), "no such button"),
    ]:
        with pytest.raises(NotPossibleError, match=why):
            await slack.click(user, message)

    assert app.received == []


async def test_a_late_ack_shows_a_warning_by_the_button(slack: SimSlack, app: App) -> None:
    first = slack.post(slack.alerts, "a", user=slack.bob)
    message = alert(slack, thread_ts=first.ts)
    app.delay = 1.0

    delivery = await slack.click(slack.alice, message)

    assert (delivery.status, delivery.error, delivery.ack) == (None, "operation_timeout", None)
    [warning] = warnings(slack)
    assert (warning.text, warning.ephemeral_to) == (TIMED_OUT, "U0ALICE0001")
    assert (warning.thread_ts, warning.trigger_id) == (first.ts, delivery.trigger_id)
    assert warning.warns == ButtonRef(message.ts, "anchor_actions", "anchor_pause")
    assert rules(slack) == [Rule.ACK_LATE]


@pytest.mark.parametrize(("status", "error"), [(404, "http_client_error"), (500, "http_service_error")])
async def test_other_statuses_than_200_show_a_warning(slack: SimSlack, app: App, status: int, error: str) -> None:
    app.status = status

    delivery = await slack.click(slack.alice, alert(slack))

    assert (delivery.status, delivery.error, delivery.ack) == (status, error, None)
    assert [warning.text for warning in warnings(slack)] == [f"This app responded with Status Code {status}."]
    assert rules(slack) == [Rule.ACK_NOT_200]


@pytest.mark.parametrize(
    ("url", "text"),
    [(None, "This app is not configured to handle interactive responses"), ("http://127.0.0.1:1/", TIMED_OUT)],
)
async def test_an_app_that_is_away_shows_a_warning(slack: SimSlack, url: str | None, text: str) -> None:
    slack.request_url = url

    delivery = await slack.click(slack.alice, alert(slack))

    assert (delivery.status, delivery.error) == (None, "dispatch_failed")
    assert [warning.text for warning in warnings(slack)] == [text]
    assert slack.violations == []


async def test_a_warning_names_its_button_among_several(slack: SimSlack) -> None:
    slack.request_url = None
    blocks = [actions(button(), block_id="a"), actions(button("anchor_resume"), button(value="other"), block_id="b")]
    attached: list[Part] = [{"blocks": [actions(button("anchor_stop"), block_id="c")]}]
    message = slack.post(slack.alerts, "a", blocks=blocks, attachments=attached)

    await slack.click(slack.alice, message, block_id="b")
    await slack.click(slack.alice, message, "anchor_resume")
    await slack.click(slack.alice, message, "anchor_stop")

    assert [warning.warns for warning in warnings(slack)] == [
        ButtonRef(message.ts, "b", "anchor_pause"),
        ButtonRef(message.ts, "b", "anchor_resume"),
        ButtonRef(message.ts, "c", "anchor_stop"),
    ]


async def test_a_warning_is_gone_with_the_next_click_on_its_button(slack: SimSlack, app: App) -> None:
    blocks = [actions(button(), button("anchor_resume"), block_id="b")]
    message = slack.post(slack.alerts, "a", blocks=blocks)
    app.status = 500
    for person, action_id in (
        (slack.alice, "anchor_pause"),
        (slack.alice, "anchor_resume"),
        (slack.bob, "anchor_pause"),
    ):
        await slack.click(person, message, action_id)
    app.status = 200

    await slack.click(slack.alice, message)

    assert [warning.warns for warning in warnings(slack)] == [ButtonRef(message.ts, "b", "anchor_resume")]
    assert [seen.warns for seen in slack.seen_by(slack.bob, slack.alerts)[1:]] == [
        ButtonRef(message.ts, "b", "anchor_pause")
    ]


async def test_only_warnings_stand_by_a_button(slack: SimSlack, app: App, api: Api) -> None:
    await slack.click(slack.alice, alert(slack))
    await api.post("C0ALERTS001")
    slack.post(slack.alerts, "a", user=slack.bob)
    app.content_type = "application/json"
    app.says(text="Paused.", response_type="in_channel")
    await slack.command(slack.alice, slack.alerts)
    app.status = 500
    await slack.command(slack.alice, slack.alerts)
    slack.command_in_thread(slack.alice, slack.alerts)
    await slack.enter(slack.alice, slack.alerts, "/foo")

    seen = slack.seen_by(slack.alice, slack.alerts)
    assert [message.source for message in seen] == [
        *(Source.POSTED, Source.POST_MESSAGE, Source.POSTED, Source.TYPED, Source.ACK),
        *(Source.CLIENT, Source.CLIENT, Source.CLIENT),
    ]
    assert {message.warns for message in seen} == {None}


@pytest.mark.parametrize("content_type", ["text/plain", "application/json"])
async def test_the_body_of_an_ack_is_shown_to_nobody(slack: SimSlack, app: App, content_type: str) -> None:
    app.content_type = content_type
    app.says(text="Paused.", response_type="in_channel")

    delivery = await slack.click(slack.alice, alert(slack))

    assert delivery.ack is not None
    assert delivery.ack.content.is_empty
    assert len(slack.seen_by(slack.alice, slack.alerts)) == 1
    assert rules(slack) == [Rule.ACK_BODY_IGNORED]
