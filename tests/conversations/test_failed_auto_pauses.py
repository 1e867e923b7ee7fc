"""An automatic pause that failed calls somebody: by a message that mentions the group, once for each firing."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bot.sim.anchor import Hang, SessionState, rate_limited, server_error, unauthorized
from bot.sim.slack import Channel, Message
from bot.sim.slack.markup import ON_CALL
from conversations.test_alert_cards import MENTION, mentions, ops
from conversations.test_auto_pause import braking, break_database, minutes_ago, pauses, send
from harness import SESSION, SingleHarness
from harness.conversation import post_json
from harness.texts import NOT_AUTO_PAUSED

pytestmark = pytest.mark.anyio

PROM = "alerts-of-prometheus-0123456789abcdef"


def calls(at: SingleHarness, channel: Channel | None = None) -> list[Message]:
    """The messages about pauses that failed, as they were posted."""
    return [one for one in at.messages(channel) if NOT_AUTO_PAUSED in one.text]


def mentioned(messages: list[Message]) -> list[bool]:
    """Whether each mentions the group: a message with blocks shows only those."""
    return [MENTION in one.text and MENTION in str(one.blocks) for one in messages]


def posted_calls(at: SingleHarness, channel: Channel | None = None) -> list[bool]:
    """Whether each message about a pause that failed mentioned the group as it was posted; updates do not."""
    posts = [one.arguments for one in at.slack.api_calls if one.method == "chat.postMessage"]
    own = [one for one in posts if one["channel"] == (channel or at.channel).id and NOT_AUTO_PAUSED in str(one["text"])]
    return [MENTION in str(one["text"]) and MENTION in str(one["blocks"]) for one in own]


async def others_came_before(at: SingleHarness) -> None:
    await send(at, session_id=at.anchor.add_session())


async def person_has_resumed(at: SingleHarness) -> None:
    await at.command()
    await at.command(verb="resume")
    await at.slack.until(lambda: at.answers()[-1].text.startswith("▶️"))


async def session_has_ended(at: SingleHarness) -> None:
    at.anchor.session(SESSION).state = SessionState.ENDED


async def nothing(_: SingleHarness) -> None: ...


FAULTS: dict[str, Any] = {
    "refused": server_error(),
    "the key is refused": unauthorized(),
    "limited": rate_limited(60),
    "unconfirmed": Hang(),
}
Change = Callable[[SingleHarness], Awaitable[None]]


@pytest.mark.parametrize("severity", ["info", "critical"])
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_pause_that_failed_mentions_the_group_once_for_a_firing(fault: str, severity: str) -> None:
    async with braking(ALERTS_GROUP=ON_CALL) as at:
        at.anchor.fault, since = FAULTS[fault], minutes_ago(1)
        await send(at, severity=severity, title="<!here> <!subteam^S0OTHER0001>", starts_at=since)
        await at.slack.until(lambda: calls(at), within=60)
        for _ in range(3):
            await send(at, severity=severity, starts_at=since)
        assert (mentioned(calls(at)), sum(mentions(at))) == ([True], 1)
        await asyncio.sleep(130)
        (call,) = calls(at)
        assert sum(mentions(at)) <= 1
        assert "<!here>" not in call.text
        assert "S0OTHER0001>" not in call.text.replace("&gt;", "")


@pytest.mark.parametrize(
    ("change", "settings", "fields", "count"),
    [
        (others_came_before, {"AUTO_PAUSE_LIMIT": "1"}, {}, 1),
        (nothing, {}, {"session_id": "00000000-0000-4000-8000-00000000000f"}, 1),
        (nothing, {"AUTO_PAUSE": "observe"}, {}, 0),
        (nothing, {"AUTO_PAUSE": "off"}, {}, 0),
        (nothing, {"AUTO_PAUSE_TOKENS": ""}, {}, 0),
        (person_has_resumed, {}, {}, 0),
        (session_has_ended, {}, {}, 0),
        (nothing, {}, {}, 0),
    ],
)
async def test_what_is_held_back_calls_somebody_and_what_is_refused_by_a_rule_does_not(
    change: Change, settings: dict[str, str], fields: dict[str, object], count: int
) -> None:
    async with braking(ALERTS_GROUP=ON_CALL, **settings) as at:
        await change(at)
        await send(at, **fields)
        await asyncio.sleep(30)
        assert posted_calls(at) == [True] * count


@pytest.mark.parametrize("has_time", [False, True])
async def test_what_a_failing_database_leaves_undecided_calls_somebody_while_it_fails(
    has_time: bool, sqlite_url: str
) -> None:
    async with braking(sqlite_url, ALERTS_GROUP=ON_CALL) as at:
        await break_database(sqlite_url)
        sessions = [at.anchor.add_session() for _ in range(5)]
        since: dict[str, object] = {"starts_at": minutes_ago(1)} if has_time else {}
        await asyncio.gather(*(send(at, session_id=one, severity="critical", **since) for one in sessions))
        await asyncio.sleep(100)
        assert calls(at) == []
        await asyncio.sleep(30)
        assert len(calls(at)) == 5
        assert sum(mentioned(calls(at))) == 3  # counted in memory
        await break_database(sqlite_url, repair=True)
        await asyncio.sleep(30)
        assert (len(calls(at)), pauses(at)) == (5, [])


async def test_at_most_three_in_ten_minutes_and_channel_of_a_sender(sqlite_url: str) -> None:
    other = {"ALERTS_TOKENS": f"prom={PROM}", "AUTO_PAUSE_TOKENS": "default,prom"}
    async with braking(sqlite_url, ALERTS_GROUP=ON_CALL, **other) as at:
        at.anchor.fault = server_error()

        async def fail(count: int, **fields: object) -> None:
            for _ in range(count):
                await send(at, session_id=at.anchor.add_session(), **fields)

        await fail(5)
        await at.slack.until(lambda: len(calls(at)) == 3)
        await fail(1, severity="critical")
        await fail(1, channel=ops(at).id)
        body = {"session_id": at.anchor.add_session(), "text": "It.", "fingerprint": "f", "action": "pause"}
        await post_json(f"{at.bot.url}/alerts", body, headers={"Authorization": f"Bearer {PROM}"})
        await asyncio.sleep(120)
        assert (posted_calls(at), posted_calls(at, ops(at))) == ([True] * 4, [True])
        await asyncio.sleep(600)
        await fail(1)
        await at.slack.until(lambda: len(calls(at)) == 5)
