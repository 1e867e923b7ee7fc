"""Prometheus, Alertmanager and the bot, with the files of deploy/: a firing is one pause and one card."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.sim.anchor import SessionState
from bot.sim.slack import Hang, Message
from harness.alertmanager import Alertmanager, alertmanager, prometheus
from harness.conversation import until
from harness.programs import needs
from harness.replicas import Replicas, replicas

pytestmark = [pytest.mark.anyio, pytest.mark.long, pytest.mark.no_cover, needs("prometheus", "alertmanager")]

TOKEN = "s3cret-of-the-alerts"
SETTINGS = {"ALERTS_TOKEN": TOKEN, "ALERTS_CHANNEL": "C0ALERTS001", "AUTO_PAUSE": "on", "AUTO_PAUSE_TOKENS": "default"}
POST = "chat.postMessage"
ROUTE = {"group_by": "[alertname]", "group_interval": "5s", "repeat_interval": "5s"}
"""Unlike in deploy/, all sessions are one group, which a second one joins, and it is sent often."""
SOON = 60.0
"""Seconds: Prometheus looks every 5, and Alertmanager waits longer after each failure."""

PAUSED, AND_RESUMED = ["pause"], ["pause", "resume"]


@dataclass(frozen=True, slots=True)
class Monitored:
    """A process of the bot, and what Prometheus reads of each session."""

    bots: Replicas
    manager: Alertmanager
    dollars: dict[str, float]

    def spend(self, dollars: float, session: str = "") -> str:
        """Let a session have spent so much; a new one if none is named."""
        spender = session or self.bots.anchor.add_session()
        self.dollars[spender] = dollars
        return spender

    def sent(self, session: str) -> list[str | None]:
        return [one.verb for one in self.bots.anchor.posts(session)]

    def cards(self, session: str) -> list[Message]:
        """The messages of the bot about the alerts of a session."""
        posted = self.bots.slack.channel_messages(self.bots.slack.alerts)
        return [one for one in posted if session in one.text and "AgentOverBudget" in one.text]

    async def until_paused(self, session: str) -> None:
        """Wait until a session is paused, and has a card."""
        await self.bots.anchor.until(lambda: self.sent(session), within=SOON)
        await self.bots.slack.until(lambda: self.cards(session), within=SOON)

    async def until_notified(self) -> None:
        """Wait until Alertmanager has sent what fires once more, and the bot had time to answer."""
        before = len(self.bots.balancer.alerts_at)
        await until(lambda: len(self.bots.balancer.alerts_at) > before, within=SOON)
        await asyncio.sleep(2.0)

    async def until_resolved(self, *sessions: str) -> None:
        """Let sessions spend too much no more, and wait until the only card of each says so."""
        for session in sessions:
            self.spend(1, session)

        def are_resolved() -> bool:
            return all("esolved" in card.text for session in sessions for card in self.cards(session))

        await self.bots.slack.until(are_resolved, within=SOON)
        assert [len(self.cards(session)) for session in sessions] == [1] * len(sessions)

    async def kill(self) -> None:
        killed = self.bots.bots.pop()
        killed.process.kill()
        self.bots.balancer.replicas.discard(killed.url)
        await killed.process.wait()


@pytest.fixture
async def at(postgresql_urls: Iterator[str], tmp_path: Path) -> AsyncIterator[Monitored]:
    """Run everything."""
    async with (
        replicas(next(postgresql_urls), 1, **SETTINGS) as bots,  # type: ignore[arg-type]
        alertmanager(tmp_path, bot=bots.balancer.origin, token=TOKEN, **ROUTE) as manager,
        prometheus(tmp_path, manager) as dollars,
    ):
        yield Monitored(bots, manager, dollars)


@pytest.mark.realtime
async def test_a_metric_pauses_its_agent_within_two_seconds_and_nothing_but_people_resumes_it(at: Monitored) -> None:
    first = at.spend(41)
    await at.until_paused(first)
    assert time.monotonic() - at.bots.balancer.alerts_at[0] < 2.0
    await at.bots.order("resume", first)
    second = at.spend(41)
    await at.until_paused(second)
    await at.until_notified()
    assert (at.sent(first), at.sent(second)) == (AND_RESUMED, PAUSED)
    await at.until_resolved(first, second)
    assert (at.sent(first), at.sent(second)) == (AND_RESUMED, PAUSED)
    assert at.bots.anchor.session(second).state is SessionState.PAUSED


async def test_an_alertmanager_that_is_killed_sends_the_same_firing_again(at: Monitored) -> None:
    session = at.spend(41)
    await at.until_paused(session)
    await at.bots.order("resume", session)
    await at.manager.kill()
    await at.manager.start()
    await at.until_notified()
    await at.until_resolved(session)
    assert at.sent(session) == AND_RESUMED


async def test_a_bot_that_was_away_pauses_what_still_fires(at: Monitored) -> None:
    await at.bots.retire(at.bots.bots[0])
    session = at.spend(41)
    await asyncio.sleep(30.0)
    assert len(at.bots.balancer.alerts_at) > 1
    await at.bots.start()
    await at.until_paused(session)
    await at.until_notified()
    await at.until_resolved(session)
    assert at.sent(session) == PAUSED


async def test_a_bot_that_is_killed_between_the_pause_and_the_card_posts_the_card_later(at: Monitored) -> None:
    at.bots.slack.faults[POST] = Hang()
    session = at.spend(41)
    await at.bots.slack.until(lambda: any(one.method == POST for one in at.bots.slack.api_calls), within=SOON)
    assert at.sent(session) == PAUSED
    await at.kill()
    at.bots.slack.faults[POST] = None
    await at.bots.start()
    await at.until_paused(session)
    await at.until_notified()
    await at.until_resolved(session)
    assert at.sent(session) == PAUSED
