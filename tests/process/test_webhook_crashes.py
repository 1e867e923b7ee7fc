"""A bot that is killed while Alertmanager sends: the same request again leads to one card, and one count."""

import asyncio
from contextlib import suppress

import aiohttp
import pytest

from bot.demo.sandbox import environment
from bot.sim.anchor import SimAnchor
from bot.sim.slack import Hang, SimSlack
from harness.conversation import post_json
from harness.process import bot_process
from harness.webhooks import alertmanager_alert, alertmanager_body

pytestmark = [pytest.mark.anyio, pytest.mark.long]

TOKEN = "s3cret-of-the-alerts"
POST = "chat.postMessage"
DELAYS = (0.0, 0.005, 0.02, 0.1, 0.5)  # seconds until the bot is killed


async def test_the_same_request_again_after_kill_9_leads_to_one_card_and_one_count(sqlite_url: str) -> None:
    async with SimSlack(socket_mode=False) as slack, SimAnchor() as anchor:
        settings = {"ALERTS_TOKEN": TOKEN, "ALERTS_CHANNEL": "C0ALERTS001"}
        environ = environment(slack, anchor, **settings, DATABASE_URL=sqlite_url)
        sessions = [anchor.add_session() for _ in DELAYS]
        bodies = [alertmanager_body(alertmanager_alert(session=session)) for session in sessions]

        async def send(url: str, body: object) -> int:
            headers = {"Authorization": f"Bearer {TOKEN}"}
            return (await post_json(f"{url}/alerts/alertmanager", body, headers=headers))[0]

        slack.faults[POST] = Hang()
        for delay, body in zip(DELAYS, bodies, strict=True):
            async with bot_process(environ) as bot:
                await bot.says("ready")
                sending = asyncio.create_task(send(bot.url, body))
                await asyncio.sleep(delay)
                bot.process.kill()
                with suppress(aiohttp.ClientError):
                    await sending
        slack.faults[POST] = None

        def shown() -> list[list[str]]:
            texts = [message.text for message in slack.channel_messages(slack.alerts)]
            return [[text for text in texts if session in text] for session in sessions]

        async with bot_process(environ) as bot:
            await bot.says("ready")
            for _ in range(2):
                assert [await send(bot.url, body) for body in bodies] == [200] * len(bodies)
            await slack.until(lambda: all(shown()), within=60.0)
            await asyncio.sleep(3.0)
        assert [(len(texts), "×" in texts[0]) for texts in shown()] == [(1, False)] * len(sessions)
