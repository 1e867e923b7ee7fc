"""Find the bot on this machine; without one, try whether one can listen."""

from collections.abc import AsyncIterator

import aiohttp

from bot.config.settings import Settings
from bot.core.checks import Finding, Good, Questionable, Skipped, Wrong
from bot.inbound.listening import NotListeningError, try_listening
from bot.usecases.checks.network import check_running_bot, serves_events

_ANY_ADDRESS = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - to be called, not listened on


async def find_bot(session: aiohttp.ClientSession, settings: Settings) -> Finding:
    """Ask the bot at HOST and PORT for its state. If none answers, listen there for a moment."""
    url = _own_url(settings)
    finding = await check_running_bot(session, url)
    if finding.kind is Skipped.BOT_NOT_RUNNING:
        problems = " ".join([problem async for problem in _listening_problems(settings)])
        return Finding(Wrong.CANNOT_LISTEN, {"url": url, "problems": problems}) if problems else finding
    is_ready = finding.kind in {Good.BOT_READY, Questionable.BOT_DEGRADED}
    if is_ready and settings.slack_app_token is not None and await serves_events(session, url):
        return Finding(Questionable.BOT_OVER_HTTP, {"url": url})
    return finding


def _own_url(settings: Settings) -> str:
    host = _ANY_ADDRESS.get(settings.host, settings.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


async def _listening_problems(settings: Settings) -> AsyncIterator[str]:
    for setting, port in (("PORT", settings.port), ("METRICS_PORT", settings.metrics_port)):
        try:
            if port is not None:
                await try_listening(settings.host, port, setting=setting)
        except NotListeningError as error:
            yield str(error)
