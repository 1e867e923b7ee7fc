"""A program posts alerts: the card that people see, and the answer that the program gets."""

import asyncio
import io
import json
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import aiohttp
import pytest
from aiohttp import web

from bot.core.digest import digest
from bot.core.messages.message import Message
from bot.core.secret import Secret
from bot.core.workspace import Workspace
from bot.inbound.alerts import Alerts
from bot.outbound.alert_poster import AlertPoster
from bot.outbound.delivery import Posted
from bot.outbound.http_client import open_session
from bot.outbound.slack import SlackClient
from bot.outbound.slack_web import open_web
from bot.outbound.workspaces import SingleWorkspace
from bot.readiness import Readiness
from bot.sim.slack import (
    Fault,
    Hang,
    ResetAfterReading,
    ResetBeforeReading,
    SimSlack,
    Source,
    api_error,
    rate_limited,
    server_error,
)
from bot.sim.slack.content import parts
from bot.tasks import Tasks
from harness import SESSION, SingleHarness, single_workspace

pytestmark = pytest.mark.anyio

TOKEN = "s3cret-of-the-alerts"
ALERT = {"session_id": SESSION, "text": "It spent $40 in a minute.", "title": "High spend", "severity": "critical"}
JOIN = "invite the bot: /invite @anchor in that channel."


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    json: dict[str, object]
    headers: Mapping[str, str]


def takes_alerts() -> AbstractAsyncContextManager[SingleHarness]:
    """A workplace whose bot takes alerts, for #alerts unless they name another channel."""
    return single_workspace(ALERTS_TOKEN=TOKEN, ALERTS_CHANNEL="C0ALERTS001")


NO_MORE: Mapping[str, str] = {}


async def post(
    url: str, alert: object = ALERT, *, body: bytes | None = None, headers: Mapping[str, str] = NO_MORE
) -> Answer:
    """Post an alert, with the token unless another Authorization is named."""
    data = io.BytesIO(json.dumps(alert).encode() if body is None else body)
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"{url}/alerts", data=data, headers={"Authorization": f"Bearer {TOKEN}"} | dict(headers)
        ) as answer,
    ):
        return Answer(answer.status, await answer.json(), answer.headers)


def posts(slack: SimSlack) -> int:
    return len([call for call in slack.api_calls if call.method == "chat.postMessage"])


async def test_an_alert_becomes_a_card_in_the_channel(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "bot")
    async with takes_alerts() as at:
        answer = await post(at.bot.url, ALERT | {"url": "https://spend.example/?a=1&b=2"})
        (message,) = at.slack.channel_messages(at.slack.alerts)
        assert at.anchor.requests == []
    assert (answer.status, answer.json) == (200, {"ok": True, "channel": "C0ALERTS001", "ts": message.ts})
    assert message.source is Source.POST_MESSAGE
    assert message.text == (
        f"🚨 *Critical*: session `{SESSION}`\n"
        f"To pause it: `/anchor-pause {SESSION}`\n"
        "*High spend*\n"
        "It spent $40 in a minute.\n"
        "<https://spend.example/?a=1&amp;b=2|Open>"
    )
    section, context, actions = message.blocks
    assert (section["type"], context["type"], actions["type"]) == ("section", "context", "actions")
    assert [(button["action_id"], button["value"], button["style"]) for button in parts(actions["elements"])] == [
        ("anchor_pause", SESSION, "danger")
    ]
    (line,) = [vars(record) for record in caplog.records if record.message == "alert"]
    assert (line["outcome"], line["session"], line["channel"]) == ("Posted", SESSION, "C0ALERTS001")


async def test_an_alert_names_another_channel_or_the_only_one() -> None:
    async with single_workspace(ALERTS_TOKEN=TOKEN) as at:
        nowhere = await post(at.bot.url)
        answer = await post(
            at.bot.url, ALERT | {"channel": "C0ALERTS001"}, headers={"Authorization": f"bearer  {TOKEN}"}
        )
        assert len(at.slack.channel_messages(at.slack.alerts)) == 1
    assert answer.status == 200
    assert (nowhere.status, nowhere.json) == (
        400,
        {"error": "channel is missing, and the workspace has no default one: name a channel's id.", "field": "channel"},
    )


async def test_hostile_text_calls_nobody() -> None:
    async with takes_alerts() as at:
        answer = await post(at.bot.url, ALERT | {"text": "<!channel> & <@U0ALICE0001>\n```\n", "title": "<!here>"})
        (message,) = at.slack.channel_messages(at.slack.alerts)
    assert answer.status == 200
    assert message.text.endswith("*&lt;!here&gt;*\n&lt;!channel&gt; &amp; &lt;@U0ALICE0001&gt;\n'''")


async def test_without_a_token_of_its_own_the_bot_has_no_such_route() -> None:
    async with (
        single_workspace(ALERTS_CHANNEL="C0ALERTS001") as at,
        aiohttp.ClientSession() as session,
        session.post(f"{at.bot.url}/alerts", headers={"Authorization": "Bearer "}, json=ALERT) as answer,
    ):
        assert answer.status == 404
        assert posts(at.slack) == 0


@pytest.mark.parametrize(
    "given",
    ["", "Bearer", "Bearer ", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "Bearer clé"],
)
async def test_a_wrong_token_is_turned_away_and_counted(given: str, caplog: pytest.LogCaptureFixture) -> None:
    async with takes_alerts() as at:
        answer = await post(at.bot.url, headers={"Authorization": given})
        assert posts(at.slack) == 0
    why = "The token is missing or wrong: send Authorization: Bearer and the alerts token of this workspace."
    assert (answer.status, answer.json, answer.headers["WWW-Authenticate"]) == (401, {"error": why}, "Bearer")
    (line,) = [vars(record) for record in caplog.records if record.message == "requests turned away"]
    assert (line["status"], line["why"], line["count"]) == (401, why, 1)


async def test_a_token_in_bytes_that_are_no_text_is_only_wrong() -> None:
    async with takes_alerts() as at:
        host, port = at.bot.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(
            b"POST /alerts HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \xff\xfe\r\nContent-Length: 2\r\n\r\n{}"
        )
        assert (await reader.readline()).startswith(b"HTTP/1.1 401")
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize(
    ("alert", "problem"),
    [
        (
            {"text": "x"},
            {"error": "session_id is missing: put the id of the Anchor session there.", "field": "session_id"},
        ),
        ({"session_id": SESSION}, {"error": "text is missing: say what happened.", "field": "text"}),
        (
            ALERT | {"severity": "fatal"},
            {"error": "severity must be one of info, warning, critical.", "field": "severity"},
        ),
        ([ALERT], {"error": "The body must be a JSON object with session_id and text."}),
    ],
)
async def test_what_is_wrong_with_an_alert_is_named(alert: object, problem: dict[str, str]) -> None:
    async with takes_alerts() as at:
        answer = await post(at.bot.url, alert)
        assert posts(at.slack) == 0
    assert (answer.status, answer.json) == (400, problem)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b"session_id=x&text=y"])
async def test_a_body_that_is_no_json_is_called_so(body: bytes) -> None:
    async with takes_alerts() as at:
        answer = await post(at.bot.url, body=body)
    assert (answer.status, answer.json) == (
        400,
        {"error": "The body is no JSON: send an object with session_id and text."},
    )


async def test_a_body_that_is_too_large_or_compressed_is_turned_away() -> None:
    async with takes_alerts() as at:
        large = await post(at.bot.url, ALERT | {"text": "x" * 1024 * 1024})
        compressed = await post(at.bot.url, headers={"Content-Encoding": "identity"})
    assert (large.status, large.json) == (413, {"error": "The body is larger than 1048576 bytes."})
    assert (compressed.status, compressed.json) == (415, {"error": "Send the body without Content-Encoding."})


@pytest.mark.parametrize(
    ("channel", "code", "advice"),
    [
        ("C0INCIDENT1", "not_in_channel", f"The bot is no member of C0INCIDENT1: {JOIN}"),
        (
            "C0PRIVATE01",
            "channel_not_found",
            "Slack knows no channel C0PRIVATE01, or the bot is no member of it: check the id, and if it is private, "
            + JOIN,
        ),
        ("C0ARCHIVED1", "is_archived", "The channel C0ARCHIVED1 is archived: unarchive it, or name another one."),
    ],
)
async def test_where_the_bot_may_not_post_it_says_what_to_do(channel: str, code: str, advice: str) -> None:
    async with takes_alerts() as at:
        answer = await post(at.bot.url, ALERT | {"channel": channel})
    assert (answer.status, answer.json) == (502, {"error": f"Nothing was posted. {advice}", "slack_error": code})


NO_TAB = (
    "C0ALERTS001 is a direct message, and the app takes none: turn on the Messages Tab under App Home, or name a "
    "channel."
)
BAD_TOKEN = "Slack refuses the bot's token: the app must be installed again in this workspace."


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (
            "missing_scope",
            "The Slack app lacks the scope chat:write: add it under OAuth & Permissions and reinstall the app.",
        ),
        (
            "messages_tab_disabled",
            NO_TAB,
        ),
        ("token_revoked", BAD_TOKEN),
        ("invalid_auth", BAD_TOKEN),
        (
            "restricted_action",
            "Slack refuses the alert for C0ALERTS001 (restricted_action): look the code up under chat.postMessage.",
        ),
    ],
)
async def test_what_slack_refuses_is_explained(code: str, advice: str) -> None:
    async with takes_alerts() as at:
        at.slack.faults["chat.postMessage"] = api_error(code)
        answer = await post(at.bot.url)
        assert posts(at.slack) == 1
    assert (answer.status, answer.json) == (502, {"error": f"Nothing was posted. {advice}", "slack_error": code})


async def test_a_rate_limit_is_waited_out() -> None:
    async with takes_alerts() as at:
        at.slack.faults["chat.postMessage"] = rate_limited(1, times=2)
        answer = await post(at.bot.url)
        assert len(at.slack.channel_messages(at.slack.alerts)) == 1
    assert answer.status == 200


async def test_a_rate_limit_without_a_time_is_waited_out_until_patience_ends() -> None:
    async with takes_alerts() as at:
        at.slack.faults["chat.postMessage"] = rate_limited(None)
        answer = await post(at.bot.url)
        assert posts(at.slack) == 5
    assert (answer.status, answer.headers["Retry-After"]) == (503, "60")


@pytest.mark.parametrize(("retry_after", "told"), [(30, "30"), (10.5, "11")])
async def test_a_rate_limit_longer_than_patience_is_passed_on(retry_after: float, told: str) -> None:
    async with takes_alerts() as at:
        at.slack.faults["chat.postMessage"] = rate_limited(retry_after)
        answer = await post(at.bot.url)
        assert posts(at.slack) == 1
    assert (answer.status, answer.json, answer.headers["Retry-After"]) == (
        503,
        {"error": "Nothing was posted: Slack takes no more messages for now. Send the alert again later."},
        told,
    )


@pytest.mark.parametrize(
    ("fault", "why"), [(server_error(503), "HTTP 503"), (api_error("internal_error"), "internal_error")]
)
async def test_a_slack_that_fails_is_tried_three_times(fault: Fault, why: str) -> None:
    async with takes_alerts() as at:
        at.slack.faults["chat.postMessage"] = fault
        answer = await post(at.bot.url)
        assert posts(at.slack) == 3
    error = f"Slack did not take the alert ({why}). Send it again: at worst it shows twice."
    assert (answer.status, answer.json) == (502, {"error": error})


@pytest.mark.parametrize("fault", [ResetAfterReading(applied=True), ResetBeforeReading(), Hang(applied=True)], ids=repr)
async def test_a_post_without_an_answer_is_called_doubtful(fault: Fault) -> None:
    async with takes_alerts() as at:
        at.slack.faults["chat.postMessage"] = fault
        answer = await post(at.bot.url)
        assert posts(at.slack) <= 1
    assert (answer.status, answer.json) == (
        504,
        {"error": "Slack was sent the alert and did not answer: it may have been posted. Look into the channel."},
    )


async def test_at_the_end_what_is_in_hand_is_answered_and_nothing_new_taken() -> None:
    async with takes_alerts() as at:
        at.slack.faults["chat.postMessage"] = rate_limited(1, times=1)
        waiting = asyncio.create_task(post(at.bot.url))
        await at.slack.until(lambda: posts(at.slack) == 1)
        late = asyncio.create_task(_once_stopping(at))
        slack = at.slack
    answer, refused = await waiting, await late
    assert answer.status == 200
    assert len(slack.channel_messages(slack.alerts)) == 1
    assert (refused.status, refused.json, refused.headers["Retry-After"]) == (
        503,
        {"error": "Nothing was posted: the bot is being stopped. Send the alert again in a minute."},
        "30",
    )


async def _once_stopping(at: SingleHarness) -> Answer:
    async with aiohttp.ClientSession() as session:
        while True:
            async with session.get(f"{at.bot.url}/readyz") as answer:
                if answer.status == 503:
                    break
    return await post(at.bot.url)


class BrokenSlack(SlackClient):
    """A client with a mistake in it."""

    async def post_message(
        self, token: Secret, channel: str, message: Message, *, thread_ts: str | None = None
    ) -> Posted:
        raise ZeroDivisionError(f"with {token}, {channel}, {thread_ts}, {len(message.text)}")


@asynccontextmanager
async def alerts_alone(slack: SimSlack, kind: type[SlackClient], tasks: Tasks) -> AsyncIterator[str]:
    """The alerts' side of a bot, without the rest of it."""
    async with open_session() as session:
        poster = AlertPoster(kind(open_web(session, slack.url)))
        owner = Workspace(
            "T0HOME00001",
            Secret(slack.bot_token),
            None,
            alerts_token_digest=digest(TOKEN),
            alerts_channel=slack.alerts.id,
        )
        alerts = Alerts(poster, SingleWorkspace(owner), tasks, Readiness())
        application = web.Application()
        application.add_routes([alerts.route("/alerts")])
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield "http://{}:{}".format(*runner.addresses[0])
        await runner.cleanup()


async def test_an_accident_is_answered_and_logged_under_one_id(caplog: pytest.LogCaptureFixture) -> None:
    async with SimSlack() as slack, alerts_alone(slack, BrokenSlack, Tasks()) as url:
        answer = await post(url)
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    incident = vars(record)["incident"]
    assert (answer.status, answer.json) == (
        500,
        {
            "error": f"Something broke in the bot itself (incident {incident}): the alert may have been posted. Look "
            "into the channel; the bot's log has the details."
        },
    )


async def test_a_post_that_is_cut_short_is_called_doubtful() -> None:
    tasks = Tasks()
    async with SimSlack() as slack, alerts_alone(slack, SlackClient, tasks) as url:
        slack.faults["chat.postMessage"] = Hang()
        waiting = asyncio.create_task(post(url))
        await slack.until(lambda: posts(slack) == 1)
        await tasks.cancel()
        answer = await waiting
    assert (answer.status, answer.json) == (
        504,
        {
            "error": "The bot was stopped while it posted the alert: it may have been posted. Look into the channel.",
        },
    )


async def test_too_many_alerts_at_once_are_turned_away_so_that_pauses_have_room() -> None:
    async with takes_alerts() as at:
        at.slack.faults["chat.postMessage"] = Hang()
        waiting = [asyncio.create_task(post(at.bot.url)) for _ in range(100)]
        await at.slack.until(lambda: posts(at.slack) == 100)
        answer = await post(at.bot.url)
        paused = await at.command(SESSION)
        at.slack.faults.clear()
        assert {one.status for one in await asyncio.gather(*waiting)} == {504}
    assert paused.ack is not None
    assert paused.ack.text.startswith("⏸️ *Paused*")
    assert (answer.status, answer.json, answer.headers["Retry-After"]) == (
        503,
        {
            "error": "Nothing was posted: the bot has too many alerts in hand. Send the alert again in a few seconds.",
        },
        "5",
    )


async def test_the_button_of_an_alert_pauses_the_session() -> None:
    async with takes_alerts() as at:
        await post(at.bot.url)
        (card,) = at.messages()
        await at.slack.click(at.slack.alice, card)
        await at.slack.until(lambda: len(at.messages()) == 2)
        changed, told = at.messages()
        assert [request.verb for request in at.anchor.posts(SESSION)] == ["pause"]
    assert [block["type"] for block in changed.blocks] == ["section", "context", "section"]
    assert changed.text.startswith(f"{card.text}\nPaused by <@U0ALICE0001>, ")
    assert told.thread_ts == card.ts
