"""News of another process, here of the command line, come at once, and without notifications a little later."""

import time
from collections.abc import Iterator

import pytest

from bot.demo.sandbox import environment
from harness.conversation import until
from harness.databases import KEY, query
from harness.process import ProcessHarness, bot_process, single_workspace_process

pytestmark = [pytest.mark.anyio, pytest.mark.no_cover, pytest.mark.long, pytest.mark.realtime]

SOON, LATE = 1.0, 2.5  # seconds, as docs/reliability.md promises
_LISTENING = "FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"


@pytest.fixture
def url(postgresql_urls: Iterator[str]) -> str:
    return next(postgresql_urls)


def settings(url: str) -> dict[str, str]:
    return {"DATABASE_URL": url, "ENCRYPTION_KEYS": KEY.reveal(), "ALERTS_CHANNEL": "C0ALERTS001"}


async def seconds_until_shown(at: ProcessHarness, url: str) -> float:
    """Pause another session on the command line, and return how long the bot needs to post its card."""
    session, before = at.anchor.add_session(), len(at.messages())
    async with bot_process(environment(at.slack, at.anchor, **settings(url)), arguments=("pause", session)) as command:
        assert await command.exit_code() == 0
        now = time.monotonic()
        await until(lambda: len(at.messages()) > before)
    return time.monotonic() - now


async def test_they_come_at_once_and_soon_while_the_connection_is_broken(url: str) -> None:
    async with single_workspace_process(settings(url)) as at:
        await until(lambda: query(url, f"SELECT 1 {_LISTENING}"))
        assert await seconds_until_shown(at, url) < SOON
        query(url, f"SELECT pg_terminate_backend(pid) {_LISTENING}")
        assert await seconds_until_shown(at, url) < LATE
