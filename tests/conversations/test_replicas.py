"""Two bots on one PostgreSQL: a request that comes to both is told once."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial

import pytest

from bot.demo.sandbox import environment
from bot.sim.anchor import SessionState, Slow
from conversations.test_cards import RESUME, TOKEN, alert, until_shown
from conversations.test_end import offered, press
from conversations.test_session_views import overview
from harness import BY_BOTH, HTTP_ONLY, SESSION, SingleHarness, outcome_text, paused, resumed, single_workspace
from harness.conversation import until
from harness.databases import KEY, query
from harness.product import Limits, Settings, outcomes, running
from harness.single_workspace import PATIENT_ACK

pytestmark = pytest.mark.anyio


@pytest.fixture
def url(postgresql_urls: Iterator[str]) -> str:
    return next(postgresql_urls)


@asynccontextmanager
async def two_bots(url: str, **options: str) -> AsyncIterator[tuple[SingleHarness, Callable[[], None]]]:
    """Two bots. The function sends further requests to the second one."""
    own = {"DATABASE_URL": url, "ENCRYPTION_KEYS": KEY.reveal(), **options}
    async with single_workspace(**own) as at, second_bot(at, url) as second:  # type: ignore[arg-type]

        def switch() -> None:
            at.slack.request_url = f"{second}/slack/events"

        yield at, switch


@asynccontextmanager
async def second_bot(at: SingleHarness, url: str, **options: str) -> AsyncIterator[str]:
    environ = environment(at.slack, at.anchor, DATABASE_URL=url, ENCRYPTION_KEYS=KEY.reveal(), **options)
    async with running(Settings.from_env(environ), Limits(ack_wait=PATIENT_ACK)) as bot:
        await bot.startup
        await at.anchor.until(lambda: at.anchor.requests and at.anchor.requests[0].status)
        at.anchor.requests.clear()  # the check of the key
        yield bot.url


def verbs(at: SingleHarness) -> list[str | None]:
    return [order.verb for order in at.orders]


async def until_settled(url: str) -> None:
    """Wait until the database has the outcome of an order: the ack of a pause does not wait for that."""
    await until(lambda: query(url, "SELECT id FROM orders WHERE outcome IS NOT NULL"))


async def until_recorded(url: str, count: int) -> None:
    """Wait until the database has so many orders."""
    await until(lambda: query(url, "SELECT count(*) FROM orders") == [(count,)])


@HTTP_ONLY
@pytest.mark.parametrize(("verb", "sent", "text"), [("pause", 2, paused()), ("resume", 1, resumed())])
async def test_a_request_that_comes_again_at_another_bot_gets_the_outcome_of_the_first(
    url: str, verb: str, sent: int, text: str
) -> None:
    async with two_bots(url) as (at, switch):
        first = await at.command(verb=verb)
        await until_settled(url)
        switch()
        again = await at.slack.resend(first)
        assert again.ack is not None
        assert (again.ack.response_type, again.ack.text) == ("ephemeral", text)
        assert verbs(at) == [verb] * sent
        assert [message.text for message in at.messages()] == [text]


@HTTP_ONLY
@pytest.mark.parametrize("by", ["command", "click"])
async def test_a_request_that_comes_to_two_bots_at_once_is_told_by_one(url: str, by: str) -> None:
    async with two_bots(url) as (at, switch):
        at.anchor.fault = Slow(1.0)
        order = at.command if by == "command" else partial(at.click, at.post_alert())
        ordering = asyncio.ensure_future(order(trigger_id="1.2.3"))
        await at.anchor.until(lambda: at.orders)
        switch()
        again = await order(trigger_id="1.2.3")
        await ordering
        await at.slack.until(lambda: at.messages()[-1].text == paused())
        await asyncio.sleep(0.5)
        assert [one.text for one in at.messages()].count(paused()) == 1
        assert again.ack is not None
        assert again.error is None


@HTTP_ONLY
async def test_a_resume_that_comes_again_at_another_bot_does_not_undo_a_newer_pause(url: str) -> None:
    async with two_bots(url) as (at, switch):
        first = await at.command(verb="resume")
        await at.command()
        switch()
        await at.slack.resend(first)
        assert (verbs(at)[0], set(verbs(at)[1:])) == ("resume", {"pause"})  # one that crosses it is sent again


@HTTP_ONLY
@pytest.mark.parametrize("by", BY_BOTH)
async def test_a_pause_at_one_bot_that_crosses_a_resume_at_another_is_sent_again_and_told_as_that(
    url: str, by: str
) -> None:
    async with two_bots(url, ALERTS_TOKEN=TOKEN, ALERTS_CHANNEL="C0ALERTS001") as (at, switch):
        bob = at.slack.bob
        card = await alert(at)
        await at.command(user=bob)
        await until_shown(at, card, RESUME, "Paused")
        at.anchor.requests.clear()
        at.anchor.session(SESSION).seconds = 1.0
        resuming = asyncio.create_task(at.order(by, bob, "resume"))
        await at.anchor.until(lambda: at.orders)
        switch()
        await at.command()
        await resuming
        assert verbs(at) == ["resume", "pause", "pause"]
        assert at.anchor.session(SESSION).state is SessionState.PAUSED
        crossed = outcome_text(outcomes.Paused("paused", crossed=bob.id))
        await at.slack.until(lambda: crossed in [one.text for one in at.messages()])
        await until_shown(at, card, RESUME, "Paused", f"<@{at.person.id}>")
        found = query(url, "SELECT verb, outcome FROM orders ORDER BY effect")
        assert found == [("pause", "Paused"), ("resume", "Resumed"), ("pause", "Paused")]
        assert f"<@{at.person.id}>" in (await overview(at)).text


@HTTP_ONLY
async def test_while_one_bot_ends_a_session_and_after_that_the_other_sends_no_resume_and_each_pause(url: str) -> None:
    async with two_bots(url, END_SESSION="on") as (at, switch):
        at.anchor.session(SESSION).tags = ["checkout"]
        result = await offered(at)
        at.anchor.session(SESSION).seconds = 3.0
        await press(at, result)
        await at.anchor.until(lambda: at.orders)
        switch()
        await at.command(verb="resume", user=at.slack.bob)
        assert "is ending" in at.ephemerals(at.slack.bob)[-1].text
        await at.command(user=at.slack.bob)
        await until(lambda: query(url, "SELECT id FROM orders WHERE outcome = 'Ended'"))
        await at.command(verb="resume", user=at.slack.bob)
        assert "has ended" in at.ephemerals(at.slack.bob)[-1].text
        assert verbs(at) == ["end", "pause"]
