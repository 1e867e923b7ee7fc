"""An alert asks for a pause: who may, what is sent, and what its card and its program are told."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.demo.sandbox import environment
from bot.messages import senders as say
from bot.sim.anchor import server_error
from bot.sim.slack import Hang
from conversations.test_alert_cards import PAUSE, RESUME, TOKEN, about_session, buttons, taking_alerts, until_shown
from harness import SESSION, SingleHarness, single_workspace
from harness.batches import watching_bots
from harness.conversation import post_json
from harness.databases import KEY
from harness.doctor import give_order
from harness.outages import execute
from harness.product import Settings, outcomes
from harness.texts import NOT_AUTO_PAUSED, not_automatic

pytestmark = pytest.mark.anyio

BEARER = {"Authorization": f"Bearer {TOKEN}"}
ALERT = {"session_id": SESSION, "text": "It spends.", "title": "High spend", "fingerprint": "f1", "action": "pause"}
FAILED = not_automatic(outcomes.Refusal(outcomes.Why.STORE_UNAVAILABLE))
AUTO = "*Paused automatically* by alerts of `default`"


@asynccontextmanager
async def braking(url: str = "sqlite://", mode: str = "on", **settings: str) -> AsyncIterator[SingleHarness]:
    """A bot whose alerts may pause."""
    own = {"AUTO_PAUSE": mode, "AUTO_PAUSE_TOKENS": "default"}
    async with taking_alerts(url, **own | settings) as at:
        yield at


async def send(at: SingleHarness, **fields: object) -> Mapping[str, Any]:
    """Let a program send an alert that asks for a pause, and return the answer."""
    _, answer, _ = await post_json(f"{at.bot.url}/alerts", ALERT | fields, headers=BEARER)
    return answer


def minutes_ago(minutes: float) -> str:
    return datetime.fromtimestamp(time.time() - 60 * minutes, UTC).isoformat()


async def age_orders(url: str, *, seconds: int) -> None:
    """Let all orders so far be older, once people have been told."""
    await asyncio.sleep(0.5)
    await execute(url, f"UPDATE orders SET given_at = given_at - {seconds}, settled_at = settled_at - {seconds}")  # noqa: S608


async def break_database(url: str, *, repair: bool = False) -> None:
    for table in ("orders", "messages"):
        names = (f"gone_{table}", table) if repair else (table, f"gone_{table}")
        await execute(url, "ALTER TABLE {} RENAME TO {}".format(*names))


def pauses(at: SingleHarness) -> list[str | None]:
    return [order.verb for order in at.orders]


async def test_the_session_is_paused_before_its_card_is_posted_and_a_further_pause_changes_nothing_on_it(
    database_url: str,
) -> None:
    async with braking(database_url) as at:
        at.slack.faults["chat.postMessage"] = Hang()
        sending = asyncio.create_task(send(at))
        await at.anchor.until(lambda: pauses(at) == ["pause"], within=5)
        at.slack.faults.clear()
        answer = await sending
        await at.slack.until(lambda: about_session(at))
        (card,) = about_session(at)
        await until_shown(at, card, RESUME, AUTO, "High spend")
        assert (answer["pause"], pauses(at), len(about_session(at))) == ("paused", ["pause"], 1)
        again = await send(at, fingerprint="f2", title="Again")
        await asyncio.sleep(2)
        await until_shown(at, card, RESUME, AUTO)
        assert (again["pause"], pauses(at), len(about_session(at))) == ("paused", ["pause", "pause"], 1)


async def test_a_firing_is_one_pause_however_often_it_comes_until_it_was_resolved(database_url: str) -> None:
    async with braking(database_url) as at:
        answers = [await send(at) for _ in range(3)]
        first = pauses(at)
        await at.command(verb="resume")
        await at.wait_for_messages(2)
        answers.append(await send(at))
        await send(at, status="resolved")
        answers.append(await send(at))
        assert (first, pauses(at)) == (["pause"], ["pause", "resume"])
    assert [one["pause"] for one in answers] == ["paused", "paused", "paused", "refused", "refused"]


@pytest.mark.parametrize(("resumed", "fired", "verdict"), [(7, 3, "refused"), (12, 17, "refused"), (12, 7, "paused")])
async def test_a_resume_of_the_command_line_counts_also_without_slack_and_before_any_order(
    sqlite_url: str, resumed: int, fired: int, verdict: str
) -> None:
    own: dict[str, Any] = {"DATABASE_URL": sqlite_url, "ENCRYPTION_KEYS": KEY.reveal(), "ALERTS_TOKEN": TOKEN}
    own |= {"ALERTS_CHANNEL": "C0ALERTS001", "AUTO_PAUSE": "on", "AUTO_PAUSE_TOKENS": "default"}
    async with single_workspace(**own) as at:
        without_slack = environment(at.slack, at.anchor, **own | {"SLACK_API_URL": "http://127.0.0.1:1/"})
        assert await give_order(Settings.from_env(without_slack), "resume", SESSION) == 0
        await age_orders(sqlite_url, seconds=60 * resumed)
        assert pauses(at) == ["resume"]
        assert (await send(at, starts_at=minutes_ago(fired)))["pause"] == verdict


@pytest.mark.parametrize("verdict", ["resumed", "unconfirmed"])
async def test_nothing_undoes_the_resume_of_a_person_for_ten_minutes(verdict: str, sqlite_url: str) -> None:
    async with braking(sqlite_url) as at:
        await at.command()
        if verdict == "unconfirmed":
            at.anchor.fault = Hang()
        await at.command(verb="resume")
        await at.slack.until(lambda: at.answers()[-1].text.startswith(("▶️", "❓")), within=60)
        at.anchor.fault = None
        before = len(pauses(at))
        answer = await send(at)
        (card,) = [one for one in about_session(at) if "High spend" in one.text]
        await at.slack.until(lambda: "*Not paused automatically.*" in at.current(card).text)
        shown = at.current(card)
        assert "anchor_pause" in buttons(shown)
        assert (answer["pause"], len(pauses(at))) == ("refused", before)
        why = outcomes.Refusal(outcomes.Why.RESUMED_BEFORE, at.person.id, 0.0, is_confirmed=verdict == "resumed")
        assert not_automatic(why).partition("<!date")[0] in shown.text


async def test_a_pause_that_failed_is_told_and_tried_again_once_while_the_alert_fires(sqlite_url: str) -> None:
    with watching_bots() as built:
        async with braking(sqlite_url) as at:
            at.anchor.fault = server_error()
            answer = await send(at)
            await at.slack.until(lambda: len(about_session(at)) == 2)
            failure = next(one for one in about_session(at) if NOT_AUTO_PAUSED in one.text)
            before = len(pauses(at))
            at.anchor.fault = None
            await asyncio.sleep(65)
            look = built.bots[-1].auto_pauses.look
            await asyncio.gather(look(), look())  # the second one before the database has this attempt
            await asyncio.sleep(65)
            assert (answer["pause"], len(pauses(at))) == ("failed", before + 1)
            await at.slack.until(lambda: len(about_session(at)) == 3)
            assert "alerts of `default`" in failure.text
            assert AUTO in about_session(at)[2].text
            await asyncio.sleep(130)
            assert len(pauses(at)) == before + 1


@pytest.mark.parametrize(
    ("fields", "word", "warning"),
    [
        ({"action": "end"}, "not asked", say.NO_ACTION),
        ({"action": 7}, "not asked", say.NO_ACTION),
        ({"action": "observe"}, "not asked", say.NO_ACTION),
        ({"fingerprint": ""}, "not asked", say.NO_FINGERPRINT),
        ({"action": "Pause", "starts_at": "soon"}, "paused", say.NO_STARTS_AT),
        ({"starts_at": "2999-01-01T00:00:00Z"}, "paused", None),
        ({"action": None}, None, None),
    ],
)
async def test_what_else_an_alert_asks_for_pauses_nothing(
    fields: dict[str, object], word: str | None, warning: str | None
) -> None:
    async with braking(END_SESSION="on") as at:
        answer = await send(at, **fields)
        assert (answer.get("pause"), answer.get("warnings")) == (word, [warning] if warning else None)
        assert pauses(at) == (["pause"] if word == "paused" else [])


@pytest.mark.parametrize(
    ("mode", "tokens", "word", "shown"),
    [
        ("off", "default", "off", ""),
        ("on", "", "not asked", ""),
        ("observe", "default", "observed", not_automatic(outcomes.Refusal(outcomes.Why.OBSERVED))),
    ],
)
async def test_a_workspace_or_a_token_that_does_not_pause(mode: str, tokens: str, word: str, shown: str) -> None:
    async with braking(mode=mode, AUTO_PAUSE_TOKENS=tokens) as at:
        answer = await send(at)
        (card,) = about_session(at)
        await until_shown(at, card, PAUSE, shown)
        assert (answer["pause"], pauses(at)) == (word, [])


async def test_while_the_database_fails_nothing_is_sent_and_then_it_is_decided(sqlite_url: str) -> None:
    async with braking(sqlite_url) as at:
        await break_database(sqlite_url)
        answer = await send(at)
        (card,) = about_session(at)
        assert (answer["pause"], pauses(at)) == ("pending", [])
        assert FAILED in card.text
        await break_database(sqlite_url, repair=True)
        await at.anchor.until(lambda: pauses(at) == ["pause"], within=60)
        await until_shown(at, card, RESUME, AUTO)
