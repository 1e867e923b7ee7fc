"""One session, one truth: all messages of the bot about a session say the same, however and wherever it changes."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from bot.sim.faults import Answer
from bot.sim.slack import Channel, Fault, Hang, Message, Slow, api_error, expired_url
from bot.sim.slack.content import parts
from harness import ALICE, SESSION, SingleHarness, paused, single_workspace
from harness.conversation import post_json
from harness.databases import KEY

pytestmark = pytest.mark.anyio

BOB = "U0BOB000001"
TOKEN = "s3cret-of-the-alerts"
PAUSE, RESUME = ["anchor_pause"], ["anchor_resume_confirmed"]
UPDATE = "chat.update"


@asynccontextmanager
async def taking_alerts(url: str = "sqlite://", **settings: str) -> AsyncIterator[SingleHarness]:
    """A bot that takes alerts, and is in a second channel, too. It has met Alice and Bob."""
    own = {"DATABASE_URL": url, "ENCRYPTION_KEYS": KEY.reveal(), "ALERTS_TOKEN": TOKEN, "ALERTS_CHANNEL": "C0ALERTS001"}
    own["ALERTS_CHANNELS"] = "C0OPS000001"
    async with single_workspace(**own | settings) as at:  # type: ignore[arg-type]
        bot = at.workspace.installation.bot_user_id
        at.workspace.add_channel("C0OPS000001", "ops", at.person, at.slack.bob, bot)
        other = at.anchor.add_session()
        for user in (at.person, at.slack.bob):
            await at.command(other, user=user)
        yield at


def ops(at: SingleHarness) -> Channel:
    return at.workspace.channels["C0OPS000001"]


async def alert(at: SingleHarness, channel: Channel | None = None, **fields: object) -> Message:
    """Let a program post an alert about the session, and return its card."""
    there = channel or at.channel
    body = {"session_id": SESSION, "text": "It spends.", "channel": there.id} | fields
    status, answer, _ = await post_json(f"{at.bot.url}/alerts", body, headers={"Authorization": f"Bearer {TOKEN}"})
    assert status == 200
    await asyncio.sleep(0.1)  # its sender is told before it is recorded
    (card,) = [message for message in at.messages(there) if message.ts == answer["ts"]]
    return card


def buttons(message: Message) -> list[object]:
    return [one["action_id"] for block in message.blocks for one in parts(block.get("elements")) if "action_id" in one]


async def until_shown(
    at: SingleHarness, card: Message, expected: list[str], *words: str, within: float = 20.0
) -> Message:
    """Wait until a message has these buttons, and its text these words."""

    def is_shown() -> bool:
        now = at.current(card)
        return buttons(now) == expected and all(word in now.text for word in words)

    await at.slack.until(is_shown, within=within)
    return at.current(card)


def about_session(at: SingleHarness, channel: Channel | None = None) -> list[Message]:
    """The messages about the session."""
    return [message for message in at.messages(channel) if SESSION in message.text]


async def test_a_click_shows_pausing_and_then_who_paused() -> None:
    async with taking_alerts() as at:
        card = await alert(at)
        at.anchor.session(SESSION).seconds = 3.0
        began = time.monotonic()
        await at.click(card)
        pausing = await until_shown(at, card, PAUSE, "Pausing", f"<@{ALICE}>")
        took = time.monotonic() - began
        assert [order.status for order in at.orders] == [None]
        done = await until_shown(at, card, RESUME, "Paused", f"<@{ALICE}>")
        await asyncio.sleep(5.0)
        told = about_session(at)
    assert took < 1.5
    assert "It spends." in pausing.text
    assert "Pausing" not in done.text
    assert re.search(r"<!date\^\d+", done.text)
    assert [one.ts for one in told] == [card.ts]


@pytest.mark.parametrize("fault", [None, expired_url(), Hang()], ids=["", "refused", "no answer"])
async def test_a_fast_pause_replaces_the_clicked_card_or_else_its_thread_gets_the_result(fault: Fault | None) -> None:
    async with taking_alerts() as at:
        card = await alert(at)
        at.slack.faults[UPDATE] = Slow(1.0)
        began = time.monotonic()
        at.slack.faults["response_url"] = fault and replace(fault, times=10)
        await at.click(card)
        await until_shown(at, card, RESUME, "Paused")
        took = time.monotonic() - began
        at.slack.faults["response_url"] = None
        await asyncio.sleep(30.0)
        in_thread = [(one.text, one.blocks) for one in about_session(at) if one.thread_ts == card.ts]
    assert in_thread == ([] if fault is None else [(paused(), ())])
    assert fault is not None or took < 0.5


LATE = [
    pytest.param(0.25, Slow(0.15, times=100), None, False, id="beside an update that says Pausing"),
    pytest.param(0.0, None, Answer(429, headers={"Retry-After": "20"}, times=1), True, id="refused for now"),
    pytest.param(0.0, None, Slow(4.8, times=1), True, id="slow, and a resume comes meanwhile"),
]


@pytest.mark.parametrize(("seconds", "update", "replacement", "is_resumed"), LATE)
async def test_a_card_shows_the_newest_state_whenever_its_replacement_comes(
    seconds: float, update: Fault | None, replacement: Fault | None, is_resumed: bool
) -> None:
    async with taking_alerts() as at:
        card = await alert(at)
        await asyncio.sleep(3.0)
        at.anchor.session(SESSION).seconds = seconds
        at.slack.faults[UPDATE], at.slack.faults["response_url"] = update, replacement
        await at.click(card)
        if is_resumed:
            await asyncio.sleep(3.6)
            await at.command(verb="resume", user=at.slack.bob)
        await asyncio.sleep(60.0)
        shown = at.current(card)
    assert ("Resumed" if is_resumed else "Paused") in shown.text
    assert buttons(shown) == (PAUSE if is_resumed else RESUME)


async def test_two_clicks_on_a_summary_are_both_shown_on_it() -> None:
    async with taking_alerts() as at:
        sessions = [at.anchor.add_session() for _ in range(8)]
        await asyncio.gather(*(alert(at, session_id=one) for one in sessions))
        await asyncio.sleep(30.0)
        (summary,) = [one for one in at.messages() if "sessions*" in one.text]
        before = len(at.messages())
        shown = [one for one in sessions if one in summary.text][:2]
        at.slack.faults["response_url"] = Slow(0.3, times=1)
        first = asyncio.ensure_future(at.click(summary, value=shown[0]))
        await asyncio.sleep(0.1)
        await at.click(summary, user=at.slack.bob, value=shown[1])
        await asyncio.gather(first, asyncio.sleep(20.0))
        lines = [line for line in at.current(summary).text.splitlines() if any(one in line for one in shown)]
        assert ["· paused ·" in line for line in lines] == [True, True]
        assert len(at.messages()) == before


async def test_a_card_that_slack_does_not_let_the_bot_update_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    async with taking_alerts() as at:
        await alert(at)
        at.slack.faults[UPDATE] = api_error("cant_update_message", times=1)
        for verb in ("pause", "resume"):
            await at.command(verb=verb)
            await asyncio.sleep(5.0)
        assert at.calls(UPDATE) == 1
    assert [record.message for record in caplog.records].count("message not updated any more") == 1
