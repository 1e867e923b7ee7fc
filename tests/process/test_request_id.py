"""One id for each request: in its lines of the log, at Anchor, and in the journal."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.sim.anchor import rate_limited
from harness import BY_BOTH
from harness.process import single_workspace_process

pytestmark = pytest.mark.anyio


def journal_ids(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as database:
        return [row[0] for row in database.execute("SELECT id FROM orders ORDER BY given_at")]


def lines_about(log: list[dict[str, Any]], request: str) -> Iterator[tuple[str, object]]:
    """The messages of the lines of a request, with the status or the method in them.

    Those of a read of the session are left out: it comes behind the order, at any moment.
    """
    for line in log:
        if line.get("request") == request and not line.get("call", "").startswith("GET"):
            yield line["message"], line.get("status", line.get("outcome", line.get("result")))


@pytest.mark.parametrize("socket_mode", [False, True])
async def test_an_order_has_one_id_everywhere(tmp_path: Path, *, socket_mode: bool) -> None:
    file = tmp_path / "bot.db"
    settings = {"LOG_LEVEL": "DEBUG", "DATABASE_URL": f"sqlite:///{file}"}
    async with single_workspace_process(settings, socket_mode=socket_mode) as at:
        at.anchor.fault = rate_limited(0.1, times=1)
        for by in BY_BOTH:
            await at.answer(by)
        assert await at.bot.stop() == 0
    command, click = journal_ids(file)
    assert [received.headers["x-request-id"] for received in at.anchor.orders] == [command, command, click]
    about_command, about_click = ([*lines_about(at.bot.log, request)] for request in (command, click))
    attempts = [("attempt at Anchor", 429), ("attempt at Anchor", 200)]
    assert about_command == [("call of Slack's API", 200), *attempts, ("pause", "Paused")]
    assert about_click[:2] == [attempts[1], ("pause", "Paused")]
    assert set(about_click[2:]) == {("post to a response_url", "Delivered")}


async def test_the_lines_at_debug_have_what_was_called_and_how_long_it_took() -> None:
    async with single_workspace_process({"LOG_LEVEL": "DEBUG"}) as at:
        await at.command()
        attempt = await at.bot.logs(message="attempt at Anchor", call=f"POST /v1/sessions/{at.session}/agent/pause")
        call = await at.bot.logs(message="call of Slack's API", method="users.info")
        began = datetime.fromisoformat(at.bot.log[0]["time"])
    assert (attempt["status"], call["status"]) == (200, 200)
    assert all(0 <= line["ms"] < 20_000 for line in (attempt, call))
    assert began.tzinfo == UTC
