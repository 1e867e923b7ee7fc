"""Many sessions that are paused at once: an order of each, and one result that counts up."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import pytest

from bot.messages import batches
from bot.messages.outcomes import NOT_DONE
from bot.messages.sessions import list_refusal
from bot.sim.anchor import Hang, Received, SessionState
from bot.sim.slack import Message
from harness import BOTH_TRANSPORTS, HTTP_ONLY, SingleHarness, single_workspace
from harness.bots import Remains, remains
from harness.cards import messages_of
from harness.conversation import Conversation, post_json, until
from harness.order_rows import batch, order_row, rows_of, settled
from harness.order_rows import told as told_as
from harness.outages import without_table
from harness.product import SessionId, State, cards, orders, outcomes

STILL_WANTED = 120.0  # seconds
RESUME_THESE = "anchor_resume_batch"


def add(at: Conversation, count: int, *, seconds: float = 0.0) -> list[str]:
    sessions = [at.anchor.add_session() for _ in range(count)]
    for session in sessions:
        at.anchor.session(session).seconds = seconds
    return sessions


def most_at_once(orders: Sequence[Received], seconds: float) -> int:
    return max(sum(one.at <= other.at < one.at + seconds - 0.1 for one in orders) for other in orders)


async def result(at: Conversation, *, within: float = 60.0) -> Message:
    """The first message, once it is a result."""
    await at.slack.until(lambda: at.messages() and "…" not in at.messages()[0].text, within=within)
    return at.messages()[0]


async def test_all_are_at_anchor_at_once_and_one_message_counts_up() -> None:
    """It lists what Anchor does not know under this key, and can run in another account."""
    async with single_workspace(ANCHOR_TIMEOUT="15") as at:
        sessions = add(at, 50, seconds=4.0) + add(at, 50, seconds=12.0)
        at.anchor.forget_session(sessions[0])
        await at.bot.batches.pause(batch(at, sessions, reason="they loop"))
        message = await result(at)
        assert sorted(one.session_id or "" for one in at.anchor.orders) == sorted(sessions)
        assert most_at_once(at.anchor.orders, 4.0) == 100
        assert message.revision == 2  # of the first ones, and at the end
        assert sessions[0][:8] in message.text


async def test_a_batch_without_an_answer_of_anchor_counts_every_session_that_may_run_and_names_20() -> None:
    async with single_workspace() as at:
        sessions = add(at, 150)
        at.anchor.fault = Hang()
        await at.bot.batches.pause(batch(at, sessions))
        assert "0 of 150" in (message := await result(at)).text
        assert sum(f"`{session[:8]}`" in message.text for session in sessions) == 20


async def test_without_the_database_the_batch_is_sent_and_told_all_the_same(sqlite_url: str) -> None:
    async with single_workspace(DATABASE_URL=sqlite_url) as at:
        sessions = add(at, 30)
        async with without_table(sqlite_url):
            began = time.monotonic()
            await at.bot.batches.pause(batch(at, sessions))
            assert time.monotonic() - began < 1.5
            message = await result(at)
            assert {one.session_id for one in at.anchor.orders} == set(sessions)
        await asyncio.sleep(30.0)
        assert (len(at.anchor.orders), at.messages()) == (30, [message])


@pytest.mark.parametrize("way", ["direct message", "home"])
async def test_the_result_comes_where_the_person_can_see_it(way: str) -> None:
    async with single_workspace(ALERTS_CHANNEL="C0ALERTS001" if way == "home" else "") as at:
        elsewhere = at.workspace.add_channel("C0ELSEWHERE", "elsewhere", at.person)
        sessions = add(at, 21, seconds=2.0)
        channel = "" if way == "home" else elsewhere.id
        for some in (sessions, sessions[1:]):
            await at.bot.batches.pause(batch(at, some, channel=channel, reason="private"))
        await asyncio.sleep(30.0)
        here, direct = at.messages(elsewhere), at.direct_messages()
        # on a busy machine an answer can come too late: the same result is then there twice
        assert [len({one.text for one in some}) for some in (here, direct, at.messages())] == {
            "direct message": [0, 2, 0],
            "home": [0, 2, 2],
        }[way]
        assert "archives" not in str(here)  # the first one is in no message that can be linked
        told = [*here, *direct, *at.messages()]
        assert all("…" not in one.text for one in told)
        assert "private" not in str(at.messages())


PAUSED = outcomes.Paused("paused")
LEFT: dict[str, tuple[list[tuple[int, State, outcomes.Outcome | None]], int, bool, float]] = {
    "recorded, and nothing sent": ([(30, State.WAITING, None)], 0, False, 1.0),
    "some told, others sent or waiting": (
        [(10, State.SETTLED, PAUSED), (5, State.SENT, None), (15, State.WAITING, None)],
        5,
        True,
        1.0,
    ),
    "all known, and the result not told": ([(30, State.SETTLED, PAUSED)], 0, True, 1.0),
    "too old": ([(10, State.SETTLED, PAUSED), (20, State.WAITING, None)], 10, True, 121.0),
}
"""The orders, how many of them are told, whether their result is posted, and their age."""


async def leave_batch(
    at: Remains, *parts: tuple[int, State, outcomes.Outcome | None], all_told: int = 0, posted: bool, age: float = 1.0
) -> list[str]:
    """Leave a batch in the journal, as if a process had come so far with so many of its orders; `all_told` were told.

    Its result has been posted with other numbers, or not even recorded. Return the sessions.
    """
    states = [(state, outcome) for count, state, outcome in parts for _ in range(count)]
    sessions = [at.anchor.add_session() for _ in states]
    given = batch(at, sessions, reason="they loop")
    rows = [
        replace(order_row(state=state, age=age), order=order, address=orders.ReplyAddress(order.actor))
        for (state, _), order in zip(states, given.orders(), strict=True)
    ]
    for number, (_, outcome) in enumerate(states):
        if outcome is not None:
            settle = told_as if number < all_told else settled
            rows[number] = settle(rows[number], outcome, settled_at=rows[number].given_at)
    await rows_of(at.store, "a killed process").write(*rows)
    if posted:
        token = {"Authorization": f"Bearer {at.environ['SLACK_BOT_TOKEN']}"}
        message = {"channel": at.channel.id, "text": "⏳ Pausing…", "unfurl_links": False, "unfurl_media": False}
        ts = (await post_json(f"{at.environ['SLACK_API_URL']}chat.postMessage", message, headers=token))[1]["ts"]
        team, content = at.workspace.team_id, cards.BatchContent(at.person.id, at.channel.id)
        whole = (cards.Part(given.id, SessionId(given.id), content),)
        async with messages_of(at.store) as messages:
            await messages.add([cards.Card(id=given.id, team_id=team, channel_id=at.channel.id, parts=whole, ts=ts)])
    return sessions


@pytest.mark.parametrize("name", LEFT)
async def test_another_process_goes_on_with_what_a_killed_one_has_left(database_url: str, name: str) -> None:
    """What was known is not sent again, and there is one message."""
    parts, told, is_posted, age = LEFT[name]
    async with remains(database_url) as left:
        sessions = await leave_batch(left, *parts, all_told=told, posted=is_posted, age=age)
        unfinished = sum(count for count, _, outcome in parts if outcome is None)
        async with left.restart() as at:
            message = await result(at, within=20)
            await until(lambda: all_told(left))
        assert len(at.messages()) == 1
    sent = sorted(one.session_id or "" for one in at.anchor.orders)
    if age > STILL_WANTED:
        assert (sent, sum(f" · `{one[:8]}`" in message.text for one in sessions)) == ([], unfinished)
    else:
        assert sent == sorted(sessions[len(sessions) - unfinished :])
        assert not any(f" · `{one[:8]}`" in message.text for one in sessions)


async def all_told(left: Remains) -> bool:
    return all(row.told for row in await left.rows())


# --- resume these ---


async def paused_batch(at: SingleHarness, count: int) -> tuple[list[str], Message]:
    sessions = add(at, count)
    await at.bot.batches.pause(batch(at, sessions))
    return sessions, await result(at)


@BOTH_TRANSPORTS
async def test_what_a_batch_has_paused_is_resumed_after_a_question_but_not_what_has_a_newer_order() -> None:
    async with single_workspace() as at:
        sessions, message = await paused_batch(at, 40)
        repaused, resumed, own, later = sessions[:4]
        await at.command(repaused, user=at.slack.bob)
        await at.command(own)
        await at.command(resumed, verb="resume", user=at.slack.bob)
        await at.command(later, user=at.slack.bob)
        before = len(at.anchor.orders)
        asking = r"'action_id': '(\w+)'[^}]*}, 'value': '\w+', 'confirm'"
        assert re.findall(asking, str(message.blocks)) == [RESUME_THESE]
        await at.slack.click(at.person, message, RESUME_THESE)
        await at.slack.until(lambda: at.messages()[-1].text.count(at.slack.bob.id) == 3, within=30)
        orders = at.anchor.orders[before:]
        assert {one.verb for one in orders} == {"resume"}
        assert sorted(one.session_id or "" for one in orders) == sorted(sessions[4:])
        await asyncio.sleep(5.0)
        ends = [at.anchor.session(one).state for one in sessions]
        assert [one is SessionState.RUNNING for one in ends] == [False, True, False, False, *[True] * 36]
        assert all(one[:8] in at.messages()[-1].text for one in (repaused, resumed, own, later))
        shown = str(at.messages()[-1].blocks)
        assert [one for one in sessions if f"'value': '{one}'" in shown] == [resumed]  # with Pause: it runs


@HTTP_ONLY
async def test_a_batch_of_resumes_that_comes_late_is_not_sent_and_that_is_told() -> None:
    async with single_workspace() as at:
        sessions, message = await paused_batch(at, 3)
        before, at.slack.timing.delay_to_app = len(at.anchor.orders), 6.0
        asyncio.get_running_loop().call_later(0.3, setattr, at.slack.timing, "delay_to_app", 0.0)
        await at.slack.click(at.person, message, RESUME_THESE)
        await at.slack.until(lambda: len(at.messages()) == 2 and "…" not in at.messages()[-1].text, within=30)
        assert len(at.anchor.orders) == before
        assert all(f"`{one[:8]}`" in at.messages()[-1].text for one in sessions)


async def no_database(at: Conversation, message: Message, url: str) -> str:
    async with without_table(url):
        await at.slack.click(at.person, message, RESUME_THESE)
        await at.wait_for_ephemeral()
    return batches.NO_DATABASE.text


async def of_no_batch(at: Conversation, message: Message, _: str) -> str:
    """No button is for more than one batch."""
    (value,) = re.findall(r"'value': '([0-9a-f]{28})'", str(message.blocks))
    for forged in (f"{value} {value}", "odd 0193"):
        actions = [{"action_id": RESUME_THESE, "type": "button", "value": forged}]
        await at.slack.click(at.person, message, RESUME_THESE, actions=actions)
    return batches.NONE_LEFT.text


async def not_allowed(at: Conversation, message: Message, _: str) -> str:
    await at.slack.click(at.slack.bob, message, RESUME_THESE)
    refusal = outcomes.Refusal(outcomes.Why.NOT_NAMED, ids=frozenset({at.person.id}))
    return list_refusal(refusal, verdict=NOT_DONE[orders.Verb.RESUME], verb=orders.Verb.RESUME).text


@pytest.mark.parametrize("resume", [no_database, of_no_batch, not_allowed])
async def test_nothing_is_resumed_without_the_database_a_batch_or_permission(
    sqlite_url: str, resume: Callable[[Conversation, Message, str], Awaitable[str]]
) -> None:
    async with single_workspace(DATABASE_URL=sqlite_url, RESUME_USERS="U0ALICE0001") as at:
        _, message = await paused_batch(at, 3)
        before, told = len(at.anchor.orders), await resume(at, message, sqlite_url)
        person = at.slack.bob if resume is not_allowed else at.person
        assert (await at.wait_for_ephemeral(person)).text == told
        await asyncio.sleep(5.0)
        assert len(at.anchor.orders) == before
        (batch_id,) = re.findall(r"'value': '([0-9a-f]{28})'", str(message.blocks))
        states = at.bot.batches.orders.session_cards.states
        assert len(await states.of_batch(at.workspace.team_id, batch_id)) == 3
        assert await states.of_batch("T0OTHER0001", batch_id) == []
