"""Alerts that come before Slack has said whose the bot token is become cards like all others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.demo.sandbox import environment
from bot.sim.anchor import SimAnchor
from bot.sim.slack import Answer, Fault, SimSlack, Slow
from conversations.test_cards import PAUSE, RESUME, TOKEN, alert, until_shown
from harness import HTTP_ONLY, SESSION, SingleHarness
from harness.databases import KEY
from harness.product import Limits, Settings, running
from harness.single_workspace import PATIENT, PATIENT_ACK, obeying

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def servers() -> AsyncIterator[tuple[SimSlack, SimAnchor]]:
    async with SimSlack(ack_deadline=PATIENT) as slack, SimAnchor() as anchor:
        anchor.add_session(session_id=SESSION)
        with obeying(slack, anchor):
            yield slack, anchor


@asynccontextmanager
async def starting(slack: SimSlack, anchor: SimAnchor, url: str) -> AsyncIterator[SingleHarness]:
    """A bot that takes alerts and has not waited for its start."""
    own = {"DATABASE_URL": url, "ENCRYPTION_KEYS": KEY.reveal(), "ALERTS_TOKEN": TOKEN, "ALERTS_CHANNEL": "C0ALERTS001"}
    environ = environment(slack, anchor, **own)
    async with running(Settings.from_env(environ), Limits(ack_wait=PATIENT_ACK)) as bot:
        slack.request_url = f"{bot.url}/slack/events"
        yield SingleHarness(slack, anchor, slack.home, slack.alice, slack.alerts, SESSION, bot)


FAULTS = pytest.mark.parametrize("fault", [Slow(10.0, times=1), Answer(503, times=3)], ids=["slow", "failing"])


@HTTP_ONLY
@FAULTS
async def test_they_follow_orders_once_the_workspace_is_named(tmp_path: Path, fault: Fault) -> None:
    async with servers() as (slack, anchor):
        slack.faults["auth.test"] = fault
        async with starting(slack, anchor, f"sqlite:///{tmp_path / 'bot.db'}") as at:
            card = await alert(at)
            assert await alert(at, text="It spends more.") == at.current(card)
            other = at.anchor.add_session()
            await alert(at, session_id=other)
            assert not at.bot.startup.done()
            await at.click(card)  # its button works
            await at.anchor.until(lambda: at.anchor.posts(SESSION))
            await at.bot.startup
            await until_shown(at, card, RESUME, "Paused", within=15.0)
            await at.click(at.current(card), verb="resume")
            await until_shown(at, card, PAUSE, "Resumed")
            assert (await alert(at, text="It spends again.")).ts == card.ts
            await until_shown(at, card, PAUSE, "It spends again.", "×3")


@HTTP_ONLY
@FAULTS
async def test_they_follow_orders_after_a_restart_without_a_name(tmp_path: Path, fault: Fault) -> None:
    url = f"sqlite:///{tmp_path / 'bot.db'}"
    async with servers() as (slack, anchor):
        slack.faults["auth.test"] = fault
        async with starting(slack, anchor, url) as at:
            card = await alert(at)
            assert not at.bot.startup.done()
        slack.faults["auth.test"] = fault
        async with starting(slack, anchor, url) as at:
            assert (await alert(at, text="It spends more.")).ts == card.ts
            await at.bot.startup
            await asyncio.sleep(1.0)
            await at.command()
            await until_shown(at, card, RESUME, "Paused", "It spends more.")
