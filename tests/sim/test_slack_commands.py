"""How simulated Slack sends a command, and what people see of the acknowledgement."""

import asyncio
from urllib.parse import parse_qsl

import pytest

from bot.sim.slack import Enterprise, NotPossibleError, Rule, SimSlack, Source
from bot.sim.slack.signing import signature
from sim.sample_app import App

pytestmark = pytest.mark.anyio

ID = "3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b"


async def test_a_command_arrives_as_slack_sends_it(slack: SimSlack, app: App) -> None:
    delivery = await slack.command(slack.alice, slack.alerts, ID)

    [(body, headers)] = app.received
    assert body == delivery.request
    assert parse_qsl(body.decode(), keep_blank_values=True) == [
        ("token", "deprecatedVerificationToken"),
        ("team_id", "T0HOME00001"),
        ("team_domain", "acme"),
        ("channel_id", "C0ALERTS001"),
        ("channel_name", "alerts"),
        ("user_id", "U0ALICE0001"),
        ("user_name", "alice"),
        ("command", "/anchor-pause"),
        ("text", ID),
        ("api_app_id", "A0ANCHOR001"),
        ("is_enterprise_install", "false"),
        ("response_url", delivery.response_url),
        ("trigger_id", delivery.trigger_id),
    ]
    assert {name: headers[name] for name in ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")} == {
        "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
        "Accept": "application/json,*/*",
        "Accept-Encoding": "gzip,deflate",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    assert headers["X-Slack-Request-Timestamp"] == "1785000000"
    assert headers["X-Slack-Signature"] == signature(slack.signing_secret, "1785000000", body)


def test_signatures_agree_with_the_example_of_slacks_guide() -> None:
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )

    made = signature("8f742231b10e8888abcd99yyyzzz85a5", "1531420618", body)

    assert made == "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"


async def test_every_command_of_a_thousand_has_its_own_trigger_and_response_url(slack: SimSlack, app: App) -> None:
    async with SimSlack(ack_deadline=30.0) as patient:
        patient.request_url = slack.request_url
        commands = (patient.command(patient.alice, patient.alerts, ID) for _ in range(1000))
        deliveries = await asyncio.gather(*commands)

    assert {delivery.error for delivery in deliveries} == {None}
    assert len({delivery.trigger_id for delivery in deliveries}) == 1000
    assert len({delivery.response_url for delivery in deliveries}) == 1000
    assert len(app.received) == 1000


async def test_private_channels_and_dms_have_no_names(slack: SimSlack, app: App) -> None:
    for channel in (slack.private, slack.alice_and_bob, slack.alice_and_bot):
        await slack.command(slack.alice, channel)

    names = [dict(parse_qsl(body.decode()))["channel_name"] for body, _ in app.received]
    assert names == ["privategroup", "directmessage", "directmessage"]


async def test_grid_workspaces_name_their_enterprise(slack: SimSlack, app: App) -> None:
    slack.home.enterprise = Enterprise("E0GRID00001", "Acme Grid")

    await slack.command(slack.alice, slack.alerts, ID)

    names = [name for name, _ in parse_qsl(app.received[0][0].decode())]
    assert names[2:5] == ["team_domain", "enterprise_id", "enterprise_name"]


async def test_fields_can_be_changed_added_and_left_out(slack: SimSlack, app: App) -> None:
    await slack.command("U0ALICE0001", "C0ALERTS001", ID, channel_name="payload", token=None, new="field")

    fields = dict(parse_qsl(app.received[0][0].decode()))
    assert (fields["channel_name"], fields["new"], "token" in fields) == ("payload", "field", False)


async def test_who_cannot_type_a_command_sends_none(slack: SimSlack, app: App) -> None:
    slack.home.change_user("U0GUEST0001", deleted=True)
    for user, channel, why in [
        (slack.outsider, slack.alerts, "installing workspace"),
        (slack.guest, slack.alerts, "deactivated"),
        (slack.guest, slack.incidents, "deactivated"),
        (slack.bob, slack.alice_and_bot, "not in the channel"),
        (slack.alice, slack.archived, "archived"),
    ]:
        with pytest.raises(NotPossibleError, match=why):
            await slack.command(user, channel, ID)

    assert app.received == []
    with pytest.raises(KeyError):
        await slack.command(slack.alice, "C0NOWHERE01", ID)


async def test_there_are_no_commands_in_threads(slack: SimSlack, app: App) -> None:
    slack.command_in_thread(slack.alice, slack.alerts, ID)

    assert app.received == []
    [message] = slack.seen_by(slack.alice, slack.alerts)
    assert message.text == "/anchor-pause is not supported in threads. Sorry!"


async def test_a_text_is_shown_to_the_typist_only(slack: SimSlack, app: App) -> None:
    app.says(text="Pausing…")

    delivery = await slack.command(slack.alice, slack.alerts, ID)

    assert delivery.ack is not None
    assert (delivery.status, delivery.error, delivery.ack.text, delivery.ack.blocks) == (200, None, "Pausing…", ())
    [message] = slack.seen_by(slack.alice, slack.alerts)
    assert (message.text, message.source, message.bot_id) == ("Pausing…", Source.ACK, "B0ANCHOR001")
    assert message.trigger_id == delivery.trigger_id
    assert slack.seen_by(slack.bob, slack.alerts) == slack.channel_messages(slack.alerts) == []
    assert slack.violations == []


async def test_in_channel_shows_the_command_and_the_answer_to_everyone(slack: SimSlack, app: App) -> None:
    app.says(text="Paused.", response_type="in_channel")

    await slack.command(slack.alice, slack.alice_and_bob, ID)

    typed, answer = slack.channel_messages(slack.alice_and_bob)
    assert (typed.text, typed.user, typed.source) == (f"/anchor-pause {ID}", "U0ALICE0001", Source.TYPED)
    assert (answer.text, answer.user, answer.ephemeral_to) == ("Paused.", "U0ANCHORBOT", None)
    assert typed.ts < answer.ts


async def test_in_channel_without_text_only_echoes_the_command(slack: SimSlack, app: App) -> None:
    app.says(response_type="in_channel")

    await slack.command(slack.alice, slack.alerts)

    assert [message.text for message in slack.channel_messages(slack.alerts)] == ["/anchor-pause"]


async def test_an_empty_ack_shows_nothing(slack: SimSlack, app: App) -> None:
    app.content_type = "text/plain"

    delivery = await slack.command(slack.alice, slack.alerts, ID)

    assert delivery.ack is not None
    assert slack.seen_by(slack.alice, slack.alerts) == []
    assert slack.violations == []


async def test_a_late_ack_is_dropped_and_shown_as_a_timeout(slack: SimSlack, app: App) -> None:
    app.says(text="Paused.", response_type="in_channel")
    app.delay = 2.0

    delivery = await slack.command(slack.alice, slack.alerts, ID)

    assert (delivery.status, delivery.error, delivery.ack) == (None, "operation_timeout", None)
    assert 0.49 < delivery.elapsed < 2
    [message] = slack.seen_by(slack.alice, slack.alerts)
    assert message.text == '/anchor-pause failed with the error "operation_timeout"'
    assert (message.source, message.ephemeral_to) == (Source.CLIENT, "U0ALICE0001")
    assert [violation.rule for violation in slack.violations] == [Rule.ACK_LATE]


@pytest.mark.parametrize(
    ("status", "error"), [(404, "http_client_error"), (302, "http_client_error"), (500, "http_service_error")]
)
async def test_other_statuses_than_200_are_errors(slack: SimSlack, app: App, status: int, error: str) -> None:
    app.status = status

    delivery = await slack.command(slack.alice, slack.alerts, ID)

    assert (delivery.status, delivery.error, delivery.ack) == (status, error, None)
    assert [message.text for message in slack.seen_by(slack.alice, slack.alerts)] == [
        f'/anchor-pause failed with the error "{error}"'
    ]
    assert [violation.rule for violation in slack.violations] == [Rule.ACK_NOT_200]


@pytest.mark.parametrize("url", [None, "http://127.0.0.1:1/slack/events"])
async def test_an_app_that_is_away_fails_the_dispatch(slack: SimSlack, url: str | None) -> None:
    slack.request_url = url

    delivery = await slack.command(slack.alice, slack.alerts, ID)

    assert (delivery.status, delivery.error) == (None, "dispatch_failed")
    assert slack.violations == []


async def test_a_slack_that_was_never_started_sends_nothing() -> None:
    idle = SimSlack()
    idle.request_url = "http://127.0.0.1:1/"

    assert (await idle.command(idle.alice, idle.alerts, ID)).error == "dispatch_failed"
    await idle.stop()


async def test_a_replay_carries_the_same_bytes_and_shows_nothing(slack: SimSlack, app: App) -> None:
    app.says(text="Paused.")
    delivery = await slack.command(slack.alice, slack.alerts, ID)

    again = await slack.resend(delivery)

    first, second = app.received
    assert first == second
    assert again.ack is not None
    assert again.ack.text == "Paused."
    assert len(slack.seen_by(slack.alice, slack.alerts)) == 1

    app.status = 409
    assert (await slack.resend(delivery)).ack is None


async def test_bad_requests_are_sent_as_they_are(slack: SimSlack, app: App) -> None:
    answer = await slack.send(b"\xff", {"X-Slack-Signature": "v0=wrong"})

    [(body, headers)] = app.received
    assert body == b"\xff"
    assert headers["X-Slack-Signature"] == "v0=wrong"
    assert not {"User-Agent", "Content-Type", "X-Slack-Request-Timestamp"} & headers.keys()
    assert (answer.status, answer.error, answer.content_type) == (200, None, "application/json")


async def test_a_request_can_be_signed_for_another_time(slack: SimSlack) -> None:
    slack.clock.advance(60)

    assert slack.sign(b"")["X-Slack-Request-Timestamp"] == "1785000060"
    assert slack.sign(b"", 1)["X-Slack-Request-Timestamp"] == "1"


async def test_waiting_ends_when_a_message_appears(slack: SimSlack, app: App) -> None:
    app.says(text="Paused.")
    sent = asyncio.create_task(slack.command(slack.alice, slack.alerts, ID))

    await slack.until(lambda: slack.seen_by(slack.alice, slack.alerts))

    await sent
