"""Alerts ask for more pauses than the limit: one message says so, with the window that pauses the others."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime

import pytest

from bot.sim.anchor import SessionState, rate_limited
from bot.sim.slack import Channel, Message, View
from conversations.test_alert_cards import buttons
from conversations.test_auto_pause import braking, send
from conversations.test_auto_pause_processes import OWN, send_to
from conversations.test_pause_window import BUTTON, offered, shown
from conversations.test_recovery import second_bot
from harness import BOTH_TRANSPORTS, HTTP_ONLY, SingleHarness, single_workspace
from harness.conversation import Conversation
from harness.databases import KEY
from harness.texts import NOT_AUTO_PAUSED

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("lasting_triggers")]

MARK = re.compile(r"⛔ \*Not paused automatically: \d+ sessions?\.")


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


async def ask(at: Conversation, message: Message) -> View:
    """Click *Pause several…*, and return the window."""
    if at.slack.modal_of(at.person):
        await at.slack.close(at.person)
    await at.slack.click(at.person, message, BUTTON)
    return await shown(at)


async def confirm(at: Conversation, view: View) -> None:
    """Pause what the window shows."""
    await at.slack.submit(at.person, view)
    assert at.slack.modal_of(at.person) is None


async def limited(at: SingleHarness, count: int = 4) -> tuple[list[str], Message]:
    """Let alerts of so many sessions ask for a pause, of which 2 may be paused. Return the others, and the message."""
    sessions = await storm(at, count)
    message = await until_told(at, f"*Not paused automatically: {count - 2} sessions.*")
    return running(at, sessions), message


@BOTH_TRANSPORTS
async def test_30_at_once_are_20_pauses_and_one_message_whose_window_pauses_the_others(sqlite_url: str) -> None:
    async with braking(sqlite_url) as at:
        sessions = await storm(at, 30)
        message = await until_told(at, "10 sessions", "20 sessions", "10 by `High spend` from alerts of `default`")
        held = running(at, sessions)
        assert (len(held), buttons(message), len(told(at))) == (10, [BUTTON], 1)
        view = await ask(at, message)
        assert (sorted(offered(view)), running(at, sessions)) == (sorted(held), held)
        begun = at.anchor.add_session(created_at=datetime.fromtimestamp(time.time() + 5, UTC))
        (later,) = await storm(at, 1)
        assert running(at, [later]) == [later], "a window that only opens ends no limit"
        before = await until_told(at, "11 sessions")
        await confirm(at, view)
        await at.anchor.until(lambda: not running(at, held))
        await at.slack.until(lambda: told(at)[0].text != before.text)
        assert running(at, [later]) == [later]
        await storm(at, 20)
        (over,) = await storm(at, 1)
        await at.slack.until(lambda: len(told(at)) == 2)
        assert running(at, [over]) == [over], "a new limit, with its own message"
        await confirm(at, await ask(at, message))
        await at.anchor.until(lambda: not running(at, [later]))
        await asyncio.sleep(1)
        (stays,) = await storm(at, 1)
        assert running(at, [stays]) == [stays], "the window of an earlier limit does not end a later one"
        assert not any(begun in one.text for one in at.messages()), "nobody chose by words"


async def alert_is_resolved(at: SingleHarness, session: str) -> None:
    await send(at, session_id=session, status="resolved")


async def session_ends(at: SingleHarness, session: str) -> None:
    at.anchor.session(session).state = SessionState.ENDED
    (card,) = cards_of(at, session)
    await at.slack.until(lambda: "*Ended*" in at.current(card).text, within=300)


async def person_pauses(at: SingleHarness, session: str) -> None:
    await at.command(session)
    await at.anchor.until(lambda: at.anchor.posts(session))


async def list_is_unreadable(at: SingleHarness, _: str) -> None:
    at.anchor.read_fault = rate_limited()


@pytest.mark.parametrize(
    ("change", "is_offered"),
    [
        (alert_is_resolved, False),
        (session_ends, False),
        (person_pauses, False),
        (list_is_unreadable, True),
    ],
)
async def test_the_window_offers_those_whose_alert_still_fires(
    change: Callable[[SingleHarness, str], Awaitable[None]], is_offered: bool, sqlite_url: str
) -> None:
    async with braking(sqlite_url, AUTO_PAUSE_LIMIT="2") as at:
        (changed, *others), message = await limited(at, 5)
        await change(at, changed)
        await asyncio.sleep(700)  # the limit is over, and the button still works
        before, view = len(at.anchor.posts(changed)), await ask(at, message)
        assert sorted(offered(view)) == sorted([*others, *([changed] if is_offered else [])])
        await confirm(at, view)
        await at.anchor.until(lambda: not running(at, others))
        await asyncio.sleep(1)
        assert len(at.anchor.posts(changed)) == before + is_offered


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
