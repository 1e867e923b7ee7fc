"""Alerts of programs: each becomes a card with a button, or its sender reads why not."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, NoReturn

import aiohttp
import pytest

from bot.messages import cards as say
from bot.sim.slack import Fault, Hang, Source, rate_limited, server_error
from harness import BOTH_TRANSPORTS, SESSION, SingleHarness, paused, single_workspace
from harness.conversation import post_json
from harness.outages import execute

TOKEN = "s3cret-of-the-alerts"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
ALERT = {"session_id": SESSION, "text": "It spent $40 in a minute.", "title": "High spend", "severity": "critical"}
POST = "chat.postMessage"
SEVERAL = "anchor_pause_several"


class Answer(NamedTuple):
    status: int
    json: dict[str, object]
    headers: Mapping[str, str]


def takes_alerts(alerts_at_once: int = 1_000, **settings: str) -> AbstractAsyncContextManager[SingleHarness]:
    """Run a bot that takes alerts, for #alerts unless they name another channel."""
    own = {"ALERTS_TOKEN": TOKEN, "ALERTS_CHANNEL": "C0ALERTS001"} | settings
    return single_workspace(alerts_at_once=alerts_at_once, **own)  # type: ignore[arg-type]


@pytest.fixture
async def without_cards(sqlite_url: str) -> AsyncIterator[SingleHarness]:
    """A bot whose tables of cards fail: an alert is posted by its request alone."""
    async with takes_alerts(DATABASE_URL=sqlite_url, alerts_at_once=60) as at:
        await execute(sqlite_url, "ALTER TABLE messages RENAME TO gone")
        yield at
        await execute(sqlite_url, "ALTER TABLE gone RENAME TO messages")


async def post(
    at: SingleHarness, alert: object = ALERT, *, body: bytes | None = None, headers: Mapping[str, str] = BEARER
) -> Answer:
    return Answer(*await post_json(f"{at.bot.url}/alerts", alert, data=body, headers=headers))


@BOTH_TRANSPORTS
async def test_an_alert_becomes_a_card_with_a_button_that_pauses_the_session(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "bot")
    async with takes_alerts() as at:
        answer = await post(at, ALERT | {"url": "https://spend.example/?a=1&b=2"})
        (card,) = at.messages()
        assert at.anchor.requests == []
        (line,) = [vars(record) for record in caplog.records if record.message == "alert"]
        await asyncio.sleep(0.1)  # its sender is told before it is recorded
        await at.click(card)
        (changed,) = await at.wait_for_messages(1, updates=1)
        assert [order.verb for order in at.orders] == ["pause"]
    assert (answer.status, answer.json) == (200, {"ok": True, "channel": "C0ALERTS001", "ts": card.ts})
    assert card.source is Source.POST_MESSAGE
    shown = (ALERT["title"], ALERT["text"], "https://spend.example/?a=1&amp;b=2|Open on spend.example", SESSION)
    assert [one for one in shown if one not in card.text] == []
    assert (line["outcome"], line["session"], line["channel"]) == ("Posted", SESSION, "C0ALERTS001")
    assert [block["type"] for block in changed.blocks] == ["section", "section", "context", "actions"]


async def test_an_alert_for_a_channel_out_of_reach_goes_to_the_alert_channel_with_a_warning() -> None:
    """Before, a token reached everybody's direct messages, and every channel that the bot is in."""
    async with takes_alerts() as at:
        bot = at.workspace.installation.bot_user_id
        other = at.workspace.add_channel("C0OTHER0001", "other", at.person, bot)
        for channel in (other.id, "D0ALICE0001"):
            answer = await post(at, ALERT | {"channel": channel})
            moved = say.moved(channel, at.channel.id)
            assert (answer.status, answer.json["channel"], answer.json["warnings"]) == (200, at.channel.id, [moved])
        assert (len(at.messages()), at.messages(other), at.direct_messages()) == (1, [], [])


async def test_without_a_channel_for_alerts_those_for_another_one_are_taken() -> None:
    async with takes_alerts(ALERTS_CHANNEL="", ALERTS_CHANNELS="C0ALERTS001") as at:
        refused, taken = await post(at), await post(at, ALERT | {"channel": "C0ALERTS001"})
        assert (refused.status, taken.status, len(at.messages())) == (503, 200, 1)


async def test_an_alert_that_slack_does_not_take_in_time_is_queued_and_posted_later() -> None:
    async with takes_alerts() as at:
        at.slack.faults[POST] = rate_limited(9, times=1)
        answer = await post(at)
        await at.wait_for_messages()
        await asyncio.sleep(1.0)  # until Slack's answer is read
        again = await post(at)
    assert (answer.status, answer.json) == (202, {"ok": True, "channel": "C0ALERTS001", "queued": True, "count": 1})
    assert (again.status, again.json["count"]) == (200, 2)


@pytest.mark.parametrize(
    ("fault", "why", "retry_after"),
    [
        (rate_limited(30), "ratelimited", "30"),
        (rate_limited(None), "ratelimited", "15"),
        (server_error(503), "HTTP 503", "15"),
        (Hang(applied=True), "TimeoutError", "15"),
    ],
    ids=["limited", "no wait", "503", "no answer"],
)
async def test_without_the_database_the_sender_learns_that_slack_has_not_taken_it(
    without_cards: SingleHarness, fault: Fault, why: str, retry_after: str
) -> None:
    without_cards.slack.faults[POST] = fault
    answer = await post(without_cards)
    assert (answer.status, answer.json) == (503, {"error": say.not_taken_by_slack(why)})
    assert (answer.headers.get("Retry-After"), without_cards.calls(POST)) == (retry_after, 1)


async def test_without_the_database_too_many_alerts_leave_room_for_pauses(without_cards: SingleHarness) -> None:
    at = without_cards
    resolved = await post(at, ALERT | {"status": "resolved"})
    assert (resolved.status, resolved.json) == (503, {"error": say.STORE_FAILED})
    assert at.calls(POST) == 0
    at.slack.faults[POST] = Hang()
    waiting = [asyncio.create_task(post(at)) for _ in range(20)]
    await at.slack.until(lambda: at.calls(POST) == 20)
    answer = await post(at)
    pause = await at.command()
    assert {one.status for one in await asyncio.gather(*waiting)} == {503}
    assert pause.ack is not None
    assert pause.ack.text == paused(is_recorded=False)  # which needs the table of messages
    assert (answer.status, answer.json, answer.headers["Retry-After"]) == (503, {"error": say.BUSY}, "15")


STOPPED = say.not_taken_by_slack("the bot was stopped")


@pytest.mark.parametrize(("then", "status", "error"), [(None, 200, None), (Hang(), 503, STOPPED)])
async def test_a_bot_that_is_stopped_answers_what_it_has_begun_and_refuses_more(
    then: Fault | None, status: int, error: str | None
) -> None:
    async def post_once_stopping() -> Answer:
        async with aiohttp.ClientSession() as session:
            while (await session.get(f"{at.bot.url}/readyz")).status != 503:
                pass
        return await post(at)

    async with takes_alerts() as at:
        at.slack.faults[POST] = rate_limited(3, times=1)
        begun = asyncio.create_task(post(at))
        await at.slack.until(lambda: at.calls(POST))
        at.slack.faults[POST] = then
        late = asyncio.create_task(post_once_stopping())
    answer, refused = await begun, await late
    assert (answer.status, answer.json.get("error")) == (status, error)
    assert (refused.status, refused.json, refused.headers["Retry-After"]) == (503, {"error": say.STOPPING}, "15")


async def test_an_exception_is_answered_and_logged_under_one_id(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> NoReturn:
        raise ZeroDivisionError

    monkeypatch.setattr("bot.usecases.alert_cards.AlertCards.post", broken)
    async with takes_alerts() as at:
        answer = await post(at)
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.exc_info is not None
    assert (answer.status, answer.json) == (503, {"error": say.broken(vars(record)["incident"])})
