"""Variables that mean something to the libraries underneath, and must not to the bot."""

from pathlib import Path

import pytest

from harness import SESSION
from harness.process import single_workspace_process

pytestmark = pytest.mark.anyio

FOR_BOLT = {
    "SLACK_SCOPES": "commands,chat:write",
    "SLACK_VERIFICATION_TOKEN": "verification",
    "SLACK_USER_TOKEN": "xoxp-of-a-person",
}


async def test_variables_of_bolt_lead_it_down_no_other_road(tmp_path: Path) -> None:
    home, directory = tmp_path / "home", tmp_path / "directory"
    home.mkdir()
    directory.mkdir()
    async with single_workspace_process(FOR_BOLT | {"HOME": str(home)}, directory=directory) as at:
        deliveries = [await at.command(SESSION) for _ in range(3)]
        assert await at.bot.stop() == 0
    assert [delivery.ack and delivery.ack.text.split(":")[0] for delivery in deliveries] == ["⏸️ *Paused*"] * 3
    assert [(call.method, call.token) for call in at.slack.api_calls] == [
        ("auth.test", at.slack.bot_token),
        ("users.info", at.slack.bot_token),
    ]
    assert [*home.iterdir(), *directory.iterdir()] == []
    assert at.slack.violations == []


async def test_variables_of_proxies_send_neither_slacks_nor_anchors_calls_elsewhere(tmp_path: Path) -> None:
    nowhere = "http://127.0.0.1:9"
    proxies = {"HTTP_PROXY": nowhere, "HTTPS_PROXY": nowhere, "ALL_PROXY": nowhere, "http_proxy": nowhere}
    async with single_workspace_process(proxies, directory=tmp_path) as at:
        delivery = await at.command(SESSION)
        assert await at.bot.stop() == 0
    assert delivery.ack is not None
    assert delivery.ack.text.startswith("⏸️ *Paused*")
