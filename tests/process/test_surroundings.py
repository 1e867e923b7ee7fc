"""Variables that mean something to the libraries underneath, and must not to the bot."""

from pathlib import Path

import pytest

from harness import SESSION, paused
from harness.process import single_workspace_process

pytestmark = pytest.mark.anyio

NOWHERE = "http://127.0.0.1:9"
FOREIGN = {
    "SLACK_SCOPES": "commands,chat:write",
    "SLACK_VERIFICATION_TOKEN": "verification",
    "SLACK_USER_TOKEN": "xoxp-of-a-person",
    "HTTP_PROXY": NOWHERE,
    "HTTPS_PROXY": NOWHERE,
    "ALL_PROXY": NOWHERE,
    "http_proxy": NOWHERE,
}


async def test_variables_of_bolt_and_of_proxies_change_nothing(tmp_path: Path) -> None:
    home, directory = tmp_path / "home", tmp_path / "directory"
    home.mkdir()
    directory.mkdir()
    async with single_workspace_process(FOREIGN | {"HOME": str(home)}, directory=directory) as at:
        deliveries = [await at.command(SESSION) for _ in range(3)]
        assert await at.bot.stop() == 0
    assert [delivery.ack and delivery.ack.text for delivery in deliveries] == [paused()] * 3
    assert [(call.method, call.token) for call in at.slack.api_calls] == [
        ("auth.test", at.slack.bot_token),
        ("users.info", at.slack.bot_token),
    ]
    assert [*home.iterdir(), *directory.iterdir()] == []
    assert at.slack.violations == []
