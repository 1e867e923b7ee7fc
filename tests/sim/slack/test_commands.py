"""How simulated Slack sends a command, and what people see of the acknowledgement."""

import pytest

from bot.sim.slack import Enterprise, Rule, SimSlack, Source
from bot.sim.slack.signing import signature
from harness.samples import sample
from harness.texts import SESSION
from sim.api_client import rules
from sim.recording_app import IMPATIENT, NEVER, RecordingApp

pytestmark = pytest.mark.anyio


async def test_a_command_arrives_signed_as_slack_sends_it(slack: SimSlack, app: RecordingApp) -> None:
    slack.home.enterprise = Enterprise("E0GRID00001", "Acme Grid")
    delivery = await slack.command(slack.alice, slack.alerts, SESSION)

    [(body, headers)] = app.requests
    invocation = {"response_url": delivery.response_url, "trigger_id": delivery.trigger_id}
    assert list(app.last.items()) == list((sample("slash_command.grid.fields") | invocation).items())
    expected = {
        "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
        "Accept": "application/json,*/*",
        "Accept-Encoding": "gzip,deflate",
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": "1785000000",
        "X-Slack-Signature": signature(slack.signing_secret, "1785000000", body),
    }
    assert expected.items() <= headers.items()


def test_signatures_agree_with_the_example_of_slacks_guide() -> None:
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    made = signature("8f742231b10e8888abcd99yyyzzz85a5", "1531420618", body)

    assert made == "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"


async def test_a_command_in_a_private_channel_or_a_dm_does_not_name_it(slack: SimSlack, app: RecordingApp) -> None:
    for channel in (slack.private, slack.alice_and_bob):
        await slack.command(slack.alice, channel, token=None, new="field")
    assert [payload["channel_name"] for payload in app.payloads] == ["privategroup", "directmessage"]
    assert (app.last["new"], "token" in app.last) == ("field", False)


async def test_an_ack_in_channel_shows_the_command_as_well(slack: SimSlack, app: RecordingApp) -> None:
    for ack in ({"text": "Paused."}, {}):
        app.says(response_type="in_channel", **ack)
        await slack.command(slack.alice, slack.alerts)
    texts = [message.text for message in slack.channel_messages(slack.alerts)]
    assert texts == ["/anchor-pause", "Paused.", "/anchor-pause"]


@IMPATIENT
@pytest.mark.parametrize(
    ("status", "delay", "error", "broken"),
    [
        (200, NEVER, "operation_timeout", [Rule.ACK_LATE]),
        (302, 0.0, "http_client_error", [Rule.ACK_NOT_200]),
        (404, 0.0, "http_client_error", [Rule.ACK_NOT_200]),
        (500, 0.0, "http_service_error", [Rule.ACK_NOT_200]),
    ],
)
async def test_an_ack_that_is_late_or_no_200_is_shown_as_an_error(
    slack: SimSlack, app: RecordingApp, status: int, delay: float, error: str, broken: list[Rule]
) -> None:
    app.says(text="Paused.", response_type="in_channel")
    app.status, app.delay = status, delay
    delivery = await slack.command(slack.alice, slack.alerts)

    assert (delivery.error, delivery.ack) == (error, None)
    [message] = slack.seen_by(slack.alice, slack.alerts)
    assert message.text == f'/anchor-pause failed with the error "{error}"'
    assert (message.source, message.ephemeral_to) == (Source.CLIENT, "U0ALICE0001")
    assert rules(slack) == broken


@pytest.mark.parametrize("url", [None, "http://127.0.0.1:1/slack/events"])
async def test_an_app_that_cannot_be_reached_fails_the_dispatch(slack: SimSlack, url: str | None) -> None:
    slack.request_url = url
    assert (await slack.command(slack.alice, slack.alerts)).error == "dispatch_failed"
    assert slack.violations == []
