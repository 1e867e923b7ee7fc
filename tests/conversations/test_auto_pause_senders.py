"""What the alerts with one token do changes nothing for a pause that another one has asked for."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest

from bot.sim.anchor import server_error
from conversations.test_auto_pause import ALERT, age_orders, braking, pauses, send
from harness import HTTP_ONLY, SingleHarness
from harness.conversation import post_json
from harness.webhooks import alertmanager_alert, alertmanager_body

pytestmark = [pytest.mark.anyio, HTTP_ONLY]

OTHER = "o" * 32
OF_OTHER = {"Authorization": f"Bearer {OTHER}"}
SINCE = "2026-01-01T00:00:00Z"
MOST = 500

Act = Callable[[SingleHarness], Awaitable[object]]


@asynccontextmanager
async def of_two(url: str, *, may_pause: bool = True, **settings: str) -> AsyncIterator[SingleHarness]:
    """A bot with two tokens, of which the other one `may_pause`, too."""
    own = {"ALERTS_TOKENS": f"other={OTHER}", "AUTO_PAUSE_TOKENS": "default,other" if may_pause else "default"}
    async with braking(url, **own | settings) as at:
        yield at


async def send_other(at: SingleHarness, **fields: object) -> Mapping[str, Any]:
    """Let the other program send an alert, and return the answer."""
    return (await post_json(f"{at.bot.url}/alerts", ALERT | fields, headers=OF_OTHER))[1]


async def send_many(at: SingleHarness, headers: Mapping[str, str] = OF_OTHER) -> None:
    """Let a program send as many other alerts about the session as a card keeps, none of which asks for a pause."""
    alerts = [alertmanager_alert(fingerprint=f"many{number}") for number in range(MOST)]
    answer = await post_json(f"{at.bot.url}/alerts/alertmanager", alertmanager_body(*alerts), headers=headers)
    assert answer[0] == 200


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(partial(send_other, status="resolved"), id="resolved"),
        pytest.param(partial(send_other, status="resolved", starts_at=SINCE), id="resolved with its start"),
        pytest.param(partial(send_other, status="resolved", fingerprint=""), id="all resolved"),
        pytest.param(send_many, id="many of another one"),
        pytest.param(
            partial(send_many, headers={"Authorization": "Bearer s3cret-of-the-alerts"}), id="many of its own"
        ),
    ],
)
async def test_nothing_takes_the_further_attempts_back(act: Act, sqlite_url: str) -> None:
    async with of_two(sqlite_url) as at:
        at.anchor.fault = server_error()
        await send(at, starts_at=SINCE)
        before = len(pauses(at))
        await act(at)
        at.anchor.fault = None
        await asyncio.sleep(130)
        assert len(pauses(at)) == before + 1


@pytest.mark.parametrize("fingerprint", ["f1", ""])
async def test_nobody_else_makes_a_new_firing_of_an_old_one(fingerprint: str, sqlite_url: str) -> None:
    """Else it would undo the resume of a person."""
    async with of_two(sqlite_url, may_pause=False) as at:
        await send(at)
        await at.command(verb="resume")
        await at.slack.until(lambda: pauses(at) == ["pause", "resume"])
        await age_orders(sqlite_url, seconds=3_000)
        await send_other(at, status="resolved", fingerprint=fingerprint)
        answer = await send(at)
        assert (answer["pause"], pauses(at)) == ("refused", ["pause", "resume"])
        await send(at, status="resolved", fingerprint=fingerprint)
        answer = await send(at)
        assert (answer["pause"], pauses(at)) == ("paused", ["pause", "resume", "pause"])


async def test_ids_that_anchor_does_not_know_use_up_the_limit_of_their_own_sender_only(sqlite_url: str) -> None:
    async with of_two(sqlite_url, AUTO_PAUSE_LIMIT="2") as at:
        invented = [f"00000000-0000-4000-8000-{number:012}" for number in range(3)]
        words = [(await send_other(at, session_id=one))["pause"] for one in invented]
        words.append((await send(at))["pause"])
        assert words == ["failed", "failed", "held back", "paused"]
