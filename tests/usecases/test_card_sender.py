"""One attempt to send a card, and what follows from its result."""

import asyncio
from dataclasses import replace
from typing import Any
from unittest.mock import AsyncMock

import pytest

from bot.usecases.cards import CardSender
from harness.cards import LEASE, LONGEST_ATTEMPT, Tally, claimed_card, client
from harness.databases import CIPHER
from harness.product import Secret, errors, workspace

pytestmark = pytest.mark.anyio

POSTED, BUSY, LOST = client.Posted("C1", "1.1"), client.TryAgain("HTTP 503"), client.Doubtful("timeout")
REFUSED = client.Refused("message_not_found")


class World:
    """A Slack that answers with `result`, the workspace, and a journal without orders."""

    def __init__(self, result: object = POSTED) -> None:
        self.slack: Any = AsyncMock()
        self.slack.post_message.side_effect = self.slack.update_message.side_effect = [result]
        self.workspaces: Any = AsyncMock()
        self.workspaces.find.return_value = workspace.Workspace("T1", Secret("xoxb-1"), None)
        self.states: Any = AsyncMock()
        self.states.of.return_value = {}
        self.posting = Tally[tuple[str, str]]()

    async def send(self, ts: str | None = "1.1", *, attempts: int = 0, failure: str = "") -> Any:
        return await self.sender().send(replace(claimed_card(ts=ts, attempts=attempts), failure=failure))

    def sender(self) -> CardSender:
        where = (self.slack, self.workspaces, self.states, self.posting)
        return CardSender(*where, response_urls=AsyncMock(), cipher=CIPHER)


UPDATE, POST = "1.1", None


async def hang(*_: object, **__: object) -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("ts", "attempts", "result", "retry_after", "is_failure"),
    [
        *((ts, 0, client.TryAgain("ratelimited", 30.0, limited=True), 30.0, False) for ts in (UPDATE, POST)),
        *((ts, attempts, BUSY, 2.0**attempts, False) for ts in (UPDATE, POST) for attempts in range(3)),
        *((ts, 20, BUSY, 60.0, False) for ts in (UPDATE, POST)),
        (UPDATE, 40, BUSY, 900.0, False),
        (POST, 40, BUSY, 60.0, False),
        (POST, 0, LOST, None, True),  # it may be there
        (UPDATE, 0, LOST, 1.0, False),
        (UPDATE, 0, REFUSED, None, True),
        *((UPDATE, attempts, client.Refused("update_failed"), 2.0**attempts, False) for attempts in range(3)),
        *((UPDATE, attempts, client.Refused("update_failed"), 900.0, False) for attempts in (3, 50)),
        (UPDATE, 50, client.Refused("invalid_auth"), 60.0, False),
        *((POST, 0, client.Refused(code), None, True) for code in ("update_failed", "invalid_auth")),
        (UPDATE, 0, errors.StoreError("gone"), 1.0, False),
    ],
)
async def test_slacks_wait_is_kept_other_failures_back_off_and_what_helps_nobody_is_given_up(
    ts: str | None, attempts: int, result: object, retry_after: float | None, *, is_failure: bool
) -> None:
    failure = result.why if isinstance(result, client.Refused) and attempts else ""
    attempt = await World(result).send(ts, attempts=attempts, failure=failure)
    assert attempt.sent.retry_after == retry_after
    assert attempt.failure == (result if is_failure else None)
    assert attempt.sent.held_for == (result.after if isinstance(result, client.TryAgain) else None)


@pytest.mark.parametrize("ts", [UPDATE, POST])
async def test_an_attempt_ends_while_no_other_process_can_send_the_card(
    ts: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert LONGEST_ATTEMPT < LEASE
    monkeypatch.setattr("bot.usecases.cards.LONGEST_ATTEMPT", 0.05)
    world = World()
    world.slack.post_message.side_effect = world.slack.update_message.side_effect = hang
    attempt = await asyncio.wait_for(world.send(ts), 1)
    assert (attempt.sent.retry_after, attempt.failure is None) == ((1.0, True) if ts else (None, False))
