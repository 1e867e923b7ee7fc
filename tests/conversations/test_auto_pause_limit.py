"""Alerts ask for more pauses than the limit: one message says so, and *Continue* lets people pause the others."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import pytest

from bot.messages import sessions as say
from bot.sim.anchor import SessionState
from bot.sim.slack import Channel, Hang, Message, View
from conversations.test_auto_pause import ALERT, braking, send
from conversations.test_auto_pause_processes import OWN, send_to
from conversations.test_cards import TOKEN, buttons
from conversations.test_replicas import second_bot
from harness import HTTP_ONLY, ManyHarness, SingleHarness, Tenant, many_workspaces, single_workspace
from harness.conversation import Conversation
from harness.databases import KEY
from harness.outages import execute, without_table
from harness.product import Secret, open_store, policy, workspace
from harness.replicas import replicas
from harness.stored import add_token, fetch
from harness.texts import NOT_AUTO_PAUSED

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("lasting_triggers")]

CONTINUE = "anchor_continue"
MARK = re.compile(r"⛔ \*Not paused automatically: \d+ sessions?\.")
ATTEMPT_IS_OVER = (
    "UPDATE cards SET not_before = not_before - 20",
    "UPDATE lanes SET until = until - 20",
    "DELETE FROM marks AS paces WHERE name = 'pace'",
)
"""What 20 seconds change, after which another process may post what one had begun to."""
DECIDED = "SELECT 1 FROM cards WHERE kind = 'held' AND content LIKE '%\"count\": 2%'"


async def storm(at: SingleHarness, count: int, **fields: object) -> list[str]:
    """Let alerts of so many new sessions ask for a pause at once."""
    sessions = [at.anchor.add_session() for _ in range(count)]
    await asyncio.gather(*(send(at, session_id=one, **fields) for one in sessions))
    return sessions


def told(at: Conversation, channel: Channel | None = None) -> list[Message]:
    """The messages about what was held back, as they are now."""
    return [at.current(one) for one in at.messages(channel) if MARK.match(one.text)]


async def until_told(at: Conversation, *words: str) -> Message:
    """Wait until the last of them says this."""
    await at.slack.until(lambda: told(at) and all(word in told(at)[-1].text for word in words))
    return told(at)[-1]


def cards_of(at: Conversation, session: str) -> list[Message]:
    """The messages about a session, without those that say that its pause failed."""
    return [at.current(one) for one in at.messages() if session in one.text and NOT_AUTO_PAUSED not in one.text]


def running(at: Conversation, sessions: Sequence[str]) -> list[str]:
    """The sessions for which Anchor has no request."""
    return [one for one in sessions if not at.anchor.posts(one)]


def text_of(view: View) -> str:
    return "\n".join(str(block["text"]["text"]) for block in view.blocks)  # type: ignore[index]


async def ask(at: Conversation, message: Message) -> View:
    """Click *Continue*, and return the modal."""
    if at.slack.modal_of(at.person):
        await at.slack.close(at.person)
    await at.slack.click(at.person, message, CONTINUE)
    await at.slack.until(lambda: at.slack.modal_of(at.person) and "One moment" not in text_of(at.modal()))
    return at.modal()


async def confirm(at: Conversation, view: View) -> str:
    """Submit the modal, and return the answer."""
    await at.slack.submit(at.person, view)
    await at.slack.until(lambda: "One moment" not in text_of(at.modal()) and not at.modal().submit)
    return text_of(at.modal())


def texts(at: Conversation) -> list[str]:
    return [at.current(one).text for one in at.messages()]


async def limited(at: SingleHarness, count: int = 4) -> tuple[list[str], Message]:
    """Let alerts of so many sessions ask for a pause, of which 2 may be paused. Return the others, and the message."""
    sessions = await storm(at, count)
    message = await until_told(at, f"*Not paused automatically: {count - 2} sessions.*")
    return running(at, sessions), message


async def test_30_at_once_are_20_pauses_and_one_message_and_continue_pauses_the_others(sqlite_url: str) -> None:
    async with braking(sqlite_url) as at:
        sessions = await storm(at, 30)
        message = await until_told(at, "10 sessions", "20 sessions", "10 by `High spend` from alerts of `default`")
        held = running(at, sessions)
        assert (len(held), buttons(message), len(told(at))) == (10, [CONTINUE], 1)
        view = await ask(at, message)
        assert "*Pause 10 sessions?*" in text_of(view)
        assert all(one in text_of(view) for one in held)
        assert running(at, sessions) == held
        assert "*Pausing 10 sessions.*" in await confirm(at, view)
        await at.anchor.until(lambda: not running(at, sessions))
        done = await until_told(at, f"*Continued* by <@{at.person.id}>")
        assert (buttons(done), len(told(at))) == ([], 1)
        cards = cards_of(at, held[0])
        await at.slack.until(lambda: "paused" in at.current(cards[0]).text)
        assert len(cards) == 1


async def test_the_pauses_are_those_of_the_person_and_only_a_failure_is_posted(sqlite_url: str) -> None:
    async with braking(sqlite_url, AUTO_PAUSE_LIMIT="2") as at:
        held, message = await limited(at)
        at.anchor.session(held[0]).state = SessionState.ENDED
        before = len(at.messages())
        await confirm(at, await ask(at, message))
        shown = f"*Paused* by <@{at.person.id}>"
        await at.slack.until(lambda: any(shown in text and held[1] in text for text in texts(at)))
        await at.slack.until(lambda: any("Not running" in one.text for one in at.messages()[before:]))
        assert len(at.messages()) == before + 1


async def test_the_message_counts_a_session_once_and_is_updated(sqlite_url: str) -> None:
    async with braking(sqlite_url, AUTO_PAUSE_LIMIT="2") as at:
        held, message = await limited(at)
        await send(at, session_id=held[0], fingerprint="f2")
        for title in ("Loop", "Login", "Other", "Another"):
            await storm(at, 1, title=title)
        later = await until_told(at, "*Not paused automatically: 6 sessions.*", "1 by `Login`", "2 by others")
        assert (later.ts, len(told(at))) == (message.ts, 1)


async def test_the_message_goes_to_the_alert_channel(sqlite_url: str) -> None:
    async with braking(sqlite_url, AUTO_PAUSE_LIMIT="1") as at:
        await storm(at, 2, channel="C0OPS000001")
        await until_told(at, "*Not paused automatically: 1 session.*")
        assert told(at, at.workspace.channels["C0OPS000001"]) == []


async def test_somebody_without_permission_is_told_so(sqlite_url: str) -> None:
    async with braking(sqlite_url, AUTO_PAUSE_LIMIT="2", PAUSE_USERS="U0BOB000001") as at:
        held, message = await limited(at)
        view = await ask(at, message)
        assert (view.submit, text_of(view).split("\n")[0]) == (None, say.NOTHING_PAUSED)
        assert "Only <@U0BOB000001> can pause" in text_of(view)
        assert running(at, held) == held


async def set_mode(at: ManyHarness, tenant: Tenant, *, mode: str, before: str = "on") -> None:
    new, old = workspace.AutoPause(mode), workspace.AutoPause(before)
    assert await at.store.rows.set_auto_pause(tenant.team_id, new, before=old, by=tenant.person.id)


async def name_others(at: ManyHarness, tenant: Tenant) -> None:
    rule = policy.Policy(pause=policy.Rule(users=frozenset({"U0OTHER0001"})))
    assert await at.store.rows.set_policy(tenant.team_id, rule, if_version=await at.policy_version(tenant.team_id))


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        (partial(set_mode, mode="observe"), say.NOT_ON),
        (partial(set_mode, mode="off"), say.NOT_ON),
        (name_others, "Only <@U0OTHER0001> can pause"),
    ],
)
@pytest.mark.parametrize("is_asked_before", [False, True])
async def test_mode_and_permission_are_checked_at_the_click_and_at_the_submission(
    change: Callable[[ManyHarness, Tenant], Awaitable[None]], answer: str, is_asked_before: bool, sqlite_url: str
) -> None:
    async with many_workspaces(sqlite_url, AUTO_PAUSE_LIMIT="2") as many:
        at = await many.set_up(many.add(1))
        assert await add_token(many.store.rows, at.team_id, TOKEN, may_pause=True)
        assert await many.store.rows.set_alerts_channel(at.team_id, at.channel.id)
        await set_mode(many, at, mode="on", before="off")
        sessions = [at.anchor.add_session(key=at.key) for _ in range(4)]
        posting = [many.post_alert(at.team_id, TOKEN, **ALERT | {"session_id": one}) for one in sessions]
        await asyncio.gather(*posting)
        message = await until_told(at, "2 sessions")
        held = running(at, sessions)
        view = await ask(at, message) if is_asked_before else None
        await change(many, at)
        said = text_of(await ask(at, message)) if view is None else await confirm(at, view)
        await asyncio.sleep(1)
        assert answer in said
        assert running(at, held) == held


async def person_resumes(at: SingleHarness, session: str) -> None:
    at.anchor.session(session).state = SessionState.PAUSED  # in Anchor's dashboard
    await at.command(session, verb="resume")
    await at.anchor.until(lambda: at.anchor.posts(session))


async def alert_is_resolved(at: SingleHarness, session: str) -> None:
    await send(at, session_id=session, status="resolved")


async def session_ends(at: SingleHarness, session: str) -> None:
    at.anchor.session(session).state = SessionState.ENDED
    (card,) = cards_of(at, session)
    await at.slack.until(lambda: "*Ended*" in at.current(card).text, within=300)


async def person_pauses(at: SingleHarness, session: str) -> None:
    await at.command(session)
    await at.anchor.until(lambda: at.anchor.posts(session))


@pytest.mark.parametrize("change", [person_resumes, alert_is_resolved, session_ends, person_pauses])
@pytest.mark.parametrize("is_asked_before", [False, True])
async def test_continue_leaves_out_what_may_not_be_paused_any_more(
    change: Callable[[SingleHarness, str], Awaitable[None]], is_asked_before: bool, sqlite_url: str
) -> None:
    async with braking(sqlite_url, AUTO_PAUSE_LIMIT="2") as at:
        (changed, *others), message = await limited(at, 5)
        view = await ask(at, message) if is_asked_before else None
        await change(at, changed)
        await asyncio.sleep(1)
        before = len(at.anchor.posts(changed))
        if view is None:
            view = await ask(at, message)
            assert changed not in text_of(view)
        answer = await confirm(at, view)
        assert "*Pausing 2 sessions.*" in answer
        assert "Left out: 1 of 3" in answer
        await at.anchor.until(lambda: not running(at, others))
        await asyncio.sleep(1)
        assert len(at.anchor.posts(changed)) == before


async def test_a_session_whose_other_alert_was_resolved_is_still_paused(sqlite_url: str) -> None:
    async with braking(sqlite_url, AUTO_PAUSE_LIMIT="2") as at:
        (held, _), message = await limited(at)
        await send(at, session_id=held, fingerprint="f2")
        await send(at, session_id=held, fingerprint="f2", status="resolved")
        await confirm(at, await ask(at, message))
        await at.anchor.until(lambda: at.anchor.posts(held))


async def test_what_is_held_back_after_the_question_is_not_paused_and_can_be_asked_about(sqlite_url: str) -> None:
    async with braking(sqlite_url, AUTO_PAUSE_LIMIT="2") as at:
        held, message = await limited(at)
        view = await ask(at, message)
        (later,) = await storm(at, 1)
        assert "*Pausing 2 sessions.*" in await confirm(at, view)
        await at.anchor.until(lambda: not running(at, held))
        left = await until_told(at, "*Continued*")
        assert (running(at, [later]), buttons(left)) == ([later], [CONTINUE])
        assert "*Pausing 1 session.*" in await confirm(at, await ask(at, left))
        await at.anchor.until(lambda: not running(at, [later]))
        await at.slack.until(lambda: buttons(told(at)[0]) == [])


async def test_the_message_says_who_continued_before_many_cards_are_updated(sqlite_url: str) -> None:
    async with braking(sqlite_url, AUTO_PAUSE_LIMIT="1") as at:
        await storm(at, 100)
        message = await until_told(at, "99 sessions")
        await asyncio.sleep(60)
        await confirm(at, await ask(at, message))
        began = time.monotonic()
        await until_told(at, "*Continued*")
        assert time.monotonic() - began < 3


async def test_after_continue_a_new_firing_is_paused_and_the_limit_counts_from_zero(sqlite_url: str) -> None:
    async with braking(sqlite_url, AUTO_PAUSE_LIMIT="2") as at:
        held, message = await limited(at)
        await confirm(at, await ask(at, message))
        await at.anchor.until(lambda: not running(at, held))
        sessions = await storm(at, 3)
        await at.slack.until(lambda: len(told(at)) == 2)
        await until_told(at, "*Not paused automatically: 1 session.*")
        assert len(running(at, sessions)) == 1


@HTTP_ONLY
async def test_a_double_submission_pauses_once(sqlite_url: str) -> None:
    async with braking(sqlite_url, AUTO_PAUSE_LIMIT="2") as at:
        held, message = await limited(at)
        view = await ask(at, message)
        await asyncio.gather(*(at.slack.submit(at.person, view) for _ in range(2)))
        await at.anchor.until(lambda: not running(at, held))
        await until_told(at, "*Continued*")
        await asyncio.sleep(1)
        assert [len(at.anchor.posts(one)) for one in held] == [1, 1]
    async with open_store(Secret(sqlite_url), [KEY]) as store:
        assert await fetch(store, "SELECT count(*) AS orders FROM orders WHERE source = 'button'") == [(2,)]


async def test_without_the_database_nobody_is_asked_but_what_was_confirmed_is_paused(sqlite_url: str) -> None:
    async with braking(sqlite_url, AUTO_PAUSE_LIMIT="2") as at:
        held, message = await limited(at)
        async with without_table(sqlite_url):
            assert text_of(await ask(at, message)) == say.NO_DATABASE
        view = await ask(at, message)
        await execute(sqlite_url, "ALTER TABLE marks RENAME TO gone")
        assert await confirm(at, view) == say.NO_DATABASE
        await at.anchor.until(lambda: not running(at, held))


async def test_a_forged_question_and_one_of_ten_minutes_ago_pause_nothing(sqlite_url: str) -> None:
    async with braking(sqlite_url, AUTO_PAUSE_LIMIT="2") as at:
        held, message = await limited(at)
        forged = replace(await ask(at, message), private_metadata="odd 1 2")
        assert "Open it again" in await confirm(at, at.slack.platform.views.put(forged))
        view = await ask(at, message)
        await asyncio.sleep(601)
        assert await confirm(at, view) == say.TOO_LATE
        assert text_of(await ask(at, message)) == say.TOO_LATE
        assert running(at, held) == held


@HTTP_ONLY
async def test_two_processes_share_the_limit_and_post_one_message(postgresql_urls: Iterator[str]) -> None:
    url = next(postgresql_urls)
    shared = {"DATABASE_URL": url, "ENCRYPTION_KEYS": KEY.reveal(), **OWN}
    async with single_workspace(**shared) as at, second_bot(at, url, **OWN) as second:  # type: ignore[arg-type]
        sessions = [at.anchor.add_session() for _ in range(30)]
        urls = [at.bot.url, second] * 15
        await asyncio.gather(
            *(send_to(there, session_id=one, fingerprint="f1") for there, one in zip(urls, sessions, strict=True))
        )
        await until_told(at, "*Not paused automatically: 10 sessions.*", "Pauses of 20 sessions")
        assert (len(running(at, sessions)), len(told(at))) == (10, 1)


@HTTP_ONLY
async def test_a_process_that_is_killed_leaves_the_message_to_another_one(postgresql_urls: Iterator[str]) -> None:
    own = OWN | {"AUTO_PAUSE_LIMIT": "2"}
    url = next(postgresql_urls)
    async with replicas(url, 2, **own) as at:  # type: ignore[arg-type]
        at.slack.faults["chat.postMessage"] = Hang()
        sessions = [at.anchor.add_session() for _ in range(4)]
        first = at.bots[0]
        sending = [asyncio.create_task(send_to(first.url, session_id=one, fingerprint="f1")) for one in sessions]
        while not await at.store.database.fetch_all(DECIDED):  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.05)
        first.process.kill()
        await first.process.wait()
        await asyncio.sleep(0.3)  # Slack takes also nothing that was on its way
        at.slack.faults.clear()
        await execute(url, *ATTEMPT_IS_OVER)

        def told() -> list[str]:
            return [one.text for one in at.slack.channel_messages(at.slack.alerts) if MARK.match(one.text)]

        await at.slack.until(lambda: told() and "2 sessions" in told()[0], within=60)
        await asyncio.gather(*sending, return_exceptions=True)
        await asyncio.sleep(2)
        assert len(told()) == 1
