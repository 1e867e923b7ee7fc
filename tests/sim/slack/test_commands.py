"""What people can type in simulated Slack, how a command is sent, and what they see of the acknowledgement."""

import pytest

from bot.sim.slack import Enterprise, Rule, SimSlack, Source
from bot.sim.slack.platform import signature
from harness.samples import sample
from harness.texts import SESSION
from sim.api_client import rules
from sim.recording_app import NEVER, RecordingApp

pytestmark = pytest.mark.anyio

THREAD = "1785000000.000009"


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
    for channel, name in ((slack.private, "privategroup"), (slack.alice_and_bob, "directmessage")):
        await slack.command(slack.alice, channel, token=None, new="field")
        assert (app.last["channel_name"], app.last["new"], "token" in app.last) == (name, "field", False)


def test_signatures_agree_with_the_example_of_slacks_guide() -> None:
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    made = signature("8f742231b10e8888abcd99yyyzzz85a5", "1531420618", body)
    assert made == "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"


@pytest.mark.parametrize(
    ("status", "delay", "error", "broken"),
    [
        (200, NEVER, "operation_timeout", [Rule.ACK_LATE]),
        (302, 0.0, "http_client_error", [Rule.ACK_NOT_200]),
        (500, 0.0, "http_service_error", [Rule.ACK_NOT_200]),
        (None, 0.0, "dispatch_failed", []),
    ],
)
async def test_an_ack_that_is_late_or_no_200_is_shown_as_an_error(
    slack: SimSlack, app: RecordingApp, status: int | None, delay: float, error: str, broken: list[Rule]
) -> None:
    app.says(text="Paused.", response_type="in_channel")
    app.status, app.delay = status or 200, delay
    slack.request_url = slack.request_url if status else "http://127.0.0.1:1/slack/events"
    delivery = await slack.command(slack.alice, slack.alerts)

    assert (delivery.error, delivery.ack) == (error, None)
    [message] = slack.seen_by(slack.alice, slack.alerts)
    assert message.text == f'/anchor-pause failed with the error "{error}"'
    assert (message.source, message.ephemeral_to) == (Source.CLIENT, "U0ALICE0001")
    assert rules(slack) == broken


@pytest.mark.parametrize(
    ("name", "line", "thread_ts", "answer"),
    [
        ("alice", f"/anchor-pause {SESSION}", THREAD, "/anchor-pause is not supported in threads. Sorry!"),
        ("alice", "/<!here> all", None, "/&lt;!here&gt; is not a valid command."),
        ("outsider", "/anchor-pause", None, "/anchor-pause is not a valid command."),
    ],
)
async def test_a_command_that_does_not_exist_here_is_explained_to_the_typist(
    slack: SimSlack, app: RecordingApp, *, name: str, line: str, thread_ts: str | None, answer: str
) -> None:
    person = getattr(slack, name)
    await slack.enter(person, slack.alerts, line, thread_ts=thread_ts)
    [message] = slack.seen_by(person, slack.alerts)
    assert message.text.startswith(answer)
    assert (message.source, message.user, message.thread_ts) == (Source.CLIENT, "USLACKBOT", thread_ts)
    assert (slack.seen_by(slack.bob, slack.alerts), app.requests) == ([], [])
