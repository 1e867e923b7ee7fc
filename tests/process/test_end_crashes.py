"""A bot that is killed while it ends a session: after the restart nothing is sent again, and the person is told."""

from contextlib import suppress

import aiohttp
import pytest

from bot.demo.sandbox import environment
from bot.sim.anchor import SimAnchor, Slow, server_error
from bot.sim.slack import SimSlack
from harness.process import bot_process

pytestmark = [pytest.mark.anyio, pytest.mark.long]


@pytest.mark.parametrize("waited_for", [["end"], ["end", "get"]])
async def test_an_end_is_never_sent_again_after_kill_9(sqlite_url: str, waited_for: list[str]) -> None:
    async with SimSlack(socket_mode=False) as slack, SimAnchor() as anchor:
        database = sqlite_url
        environ = environment(slack, anchor, DATABASE_URL=database, END_SESSION="on")
        session = anchor.add_session(survives=True, tags=["checkout"])
        async with bot_process(environ) as bot:
            await bot.says("ready")
            slack.request_url = f"{bot.url}/slack/events"
            anchor.order_fault = server_error()
            await slack.command(slack.alice, slack.alerts, session)
            await slack.until(lambda: slack.seen_by(slack.alice, slack.alerts)[-1].blocks, within=30.0)
            result = slack.seen_by(slack.alice, slack.alerts)[-1]
            anchor.order_fault, before = None, len(anchor.requests)
            anchor.read_fault = Slow(2.0)
            anchor.session(session).seconds = 6.0 if waited_for == ["end"] else 0.0
            with suppress(aiohttp.ClientError):
                await slack.click(slack.alice, result, "anchor_end")

            def received() -> list[str | None]:
                return [one.verb for one in anchor.requests[before:] if one.session_id == session]

            await anchor.until(lambda: received()[: len(waited_for)] == waited_for)
            bot.process.kill()
        anchor.read_fault = None
        async with bot_process(environ) as bot:
            await bot.says("ready")
            await slack.until(
                lambda: any("Unconfirmed" in one.text for one in slack.seen_by(slack.alice, slack.alerts)), within=30.0
            )
        assert [one.verb for one in anchor.orders if one.verb != "pause"] == ["end"]
