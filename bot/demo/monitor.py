"""A program that watches agents, and reports to the bot by POST /alerts, as any monitor can."""

from collections.abc import Mapping

import aiohttp

from bot.demo.stage import ALERTS_TOKEN

_PATIENCE = aiohttp.ClientTimeout(total=15.0)


async def report(bot_url: str, alert: Mapping[str, str]) -> str:
    """Send an alert, and return what went wrong, in a sentence; nothing if it was posted."""
    headers = {"Authorization": f"Bearer {ALERTS_TOKEN}"}
    try:
        async with (
            aiohttp.ClientSession(timeout=_PATIENCE) as session,
            session.post(f"{bot_url}/alerts", json=alert, headers=headers) as answer,
        ):
            said = await answer.json()
    except (TimeoutError, aiohttp.ClientError):
        return "The monitor's alert got no answer from the bot."
    return "" if said.get("ok") else f"The bot did not take the alert: {said.get('error')}"
