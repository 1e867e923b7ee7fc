"""Automatic pauses that are held back or fail: the limit of each sender, and whom a failure calls."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from bot.core.cards import HeldContent
from bot.messages.batches import HELD_UNKNOWN
from bot.messages.sessions import held_message
from bot.sim.anchor import Hang, SessionState, Slow, rate_limited, server_error, unauthorized
from bot.sim.slack import Channel, Message, View
from bot.sim.slack.markup import ON_CALL
from conversations import test_auto_pause
from conversations.test_alert_cards import MENTION, TOKEN, buttons, mentions, ops
from conversations.test_auto_pause import ALERT, AUTO, OWN, age_orders, braking, break_database, pauses, send
from conversations.test_pause_window import BUTTON, offered, shown
from conversations.test_recovery import second_bot
from harness import BOTH_TRANSPORTS, HTTP_ONLY, SESSION, SingleHarness, single_workspace
from harness.conversation import Conversation, post_json
from harness.databases import KEY
from harness.product import Secret, open_store
from harness.stored import fetch
from harness.texts import NOT_AUTO_PAUSED
from harness.webhooks import alertmanager_alert, alertmanager_body

MARK = held_message(HeldContent("alert:default", 0, 0.0, 0.0), "").text.partition("\n")[0]


async def storm(at: SingleHarness, count: int, **fields: object) -> list[str]:
    """Let alerts of so many new sessions ask for a pause at once."""
    sessions = [at.anchor.add_session() for _ in range(count)]
    await asyncio.gather(*(send(at, session_id=one, **fields) for one in sessions))
    return sessions


def told(at: Conversation, channel: Channel | None = None) -> list[Message]:
    """The messages about what was held back, as they are now."""
    return [at.current(one) for one in at.messages(channel) if one.text.startswith(MARK)]


async def until_told(at: Conversation, count: int = 1) -> Message:
    """Wait until there are so many, and return the last one."""
    await at.slack.until(lambda: len(told(at)) == count)
    return told(at)[-1]


def cards_of(at: Conversation, session: str) -> list[Message]:
    """The messages about a session, without those that say that its pause failed."""
    return [at.current(one) for one in at.messages() if session[:8] in one.text and NOT_AUTO_PAUSED not in one.text]


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
    return running(at, sessions), await until_told(at)


@BOTH_TRANSPORTS
async def test_30_at_once_are_20_pauses_and_one_message_whose_window_pauses_the_others(sqlite_url: str) -> None:
    async with braking(sqlite_url) as at:
        sessions = await storm(at, 30)
        message = await until_told(at)
        held = running(at, sessions)
        assert (len(held), buttons(message), "20 sessions" in message.text) == (10, [BUTTON], True)
        view = await ask(at, message)
        assert (sorted(offered(view)), running(at, sessions)) == (sorted(held), held)
        begun = at.anchor.add_session(created_at=datetime.fromtimestamp(time.time() + 5, UTC))
        (later,) = await storm(at, 1)
        assert running(at, [later]) == [later], "a window that only opens ends no limit"
        await confirm(at, view)
        await at.anchor.until(lambda: not running(at, held))
        await at.slack.until(lambda: told(at)[0].text != message.text)
        assert running(at, [later]) == [later]
        await storm(at, 20)
        (over,) = await storm(at, 1)
        await until_told(at, 2)
        assert running(at, [over]) == [over], "a new limit, with its own message"
        await confirm(at, await ask(at, message))
        await at.anchor.until(lambda: not running(at, [later]))
        await asyncio.sleep(1)
        (stays,) = await storm(at, 1)
        assert running(at, [stays]) == [stays], "the window of an earlier limit does not end a later one"
        assert not any(begun in one.text for one in at.messages()), "nobody chose by words"
        await break_database(sqlite_url)
        view = await ask(at, message)
        assert (HELD_UNKNOWN in view.text, begun in offered(view)) == (True, True)
        await at.slack.submit(at.person, view)
        assert at.slack.modal_of(at.person), "nothing is checked"


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
    [(alert_is_resolved, False), (session_ends, False), (person_pauses, False), (list_is_unreadable, True)],
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
            *(
                test_auto_pause.send_to(there, session_id=one, fingerprint="f1")
                for there, one in zip(urls, sessions, strict=True)
            )
        )
        await until_told(at)
        await asyncio.sleep(1)
        assert (len(running(at, sessions)), len(told(at))) == (10, 1)


OTHER = "o" * 32
OF_OTHER = {"Authorization": f"Bearer {OTHER}"}
SINCE = "2026-01-01T00:00:00Z"
MOST = 500

Act = Callable[[SingleHarness], Awaitable[object]]


@asynccontextmanager
async def of_two(url: str, *, may_pause: bool = True, **settings: str) -> AsyncIterator[SingleHarness]:
    """A bot with two tokens, of which the other one `may_pause`, too."""
    own = {"ALERTS_TOKEN": f"{TOKEN},prom={OTHER}", "AUTO_PAUSE_TOKENS": "default,prom" if may_pause else "default"}
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


@HTTP_ONLY
@pytest.mark.parametrize(
    "act",
    [
        pytest.param(partial(send_other, status="resolved"), id="resolved"),
        pytest.param(partial(send_other, status="resolved", starts_at=SINCE), id="resolved with its start"),
        pytest.param(partial(send_other, status="resolved", fingerprint=""), id="all resolved"),
        pytest.param(send_many, id="many of another one"),
        pytest.param(partial(send_many, headers=test_auto_pause.BEARER), id="many of its own"),
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


@HTTP_ONLY
@pytest.mark.parametrize("fingerprint", ["f1", ""])
async def test_nobody_else_makes_a_new_firing_of_an_old_one(fingerprint: str, sqlite_url: str) -> None:
    """Else it would undo the resume of a person."""
    async with of_two(sqlite_url, may_pause=False) as at:
        await send(at, starts_at=SINCE)
        await at.command(verb="resume")
        await at.slack.until(lambda: pauses(at) == ["pause", "resume"])
        await age_orders(sqlite_url, seconds=3_000)
        await send_other(at, status="resolved", fingerprint=fingerprint)
        answer = await send(at, starts_at=SINCE)
        assert (answer["pause"], pauses(at)) == ("ResumedBefore", ["pause", "resume"])
        answer = await send(at)  # one without a start is a new firing
        assert (answer["pause"], pauses(at)) == ("Paused", ["pause", "resume", "pause"])


@HTTP_ONLY
async def test_ids_that_anchor_does_not_know_use_up_the_limit_of_their_own_sender_only(sqlite_url: str) -> None:
    async with of_two(sqlite_url, AUTO_PAUSE_LIMIT="2") as at:
        invented = [f"00000000-0000-4000-8000-{number:012}" for number in range(3)]
        words = [(await send_other(at, session_id=one))["pause"] for one in invented]
        words.append((await send(at))["pause"])
        assert words == ["NotFound", "NotFound", "HeldBack", "Paused"]


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


async def a_new_firing(_: SingleHarness) -> bool:
    """Let the other alert name no start: it is another firing."""
    return True


async def a_minute_passes(_: SingleHarness) -> None:
    await asyncio.sleep(61)


@HTTP_ONLY
@pytest.mark.parametrize(
    ("fault", "between", "words", "sent"),
    [
        pytest.param(None, a_new_firing, ("Paused", "Paused"), ["pause"] * 2, id="it is another firing"),
        pytest.param(Slow(3), nothing, ("Paused", "PausedBefore"), ["pause"], id="the first one is at Anchor"),
        pytest.param(None, nothing, ("Paused", "PausedBefore"), ["pause"], id="it has paused"),
        pytest.param(None, a_minute_passes, ("Paused", "Paused"), ["pause"] * 2, id="over a minute before"),
        pytest.param(server_error(times=3), nothing, ("Failed", "Paused"), ["pause"] * 4, id="it has failed"),
        pytest.param(Hang(), nothing, ("Pending", "Pending"), ["pause"] * 4, id="it has no answer by its deadline"),
        pytest.param(None, person_has_resumed, ("Paused", "ResumedBefore"), ["pause", "pause", "resume"], id="resumed"),
    ],
)
async def test_a_firing_with_two_tokens_is_paused_once_unless_the_first_one_did_not_pause(
    fault: Any, between: Act, words: tuple[str, str], sent: list[str], sqlite_url: str
) -> None:
    async with of_two(sqlite_url) as at:
        at.anchor.fault, channel = fault, ops(at)
        first = asyncio.create_task(send(at, starts_at=SINCE))
        await asyncio.sleep(0.5)
        start = {"starts_at": SINCE} if await between(at) is None else {}
        other = await send_other(at, channel=channel.id, **start)
        assert ((await first)["pause"], other["pause"]) == words
        await asyncio.sleep(40)
        assert pauses(at) == sent
        if sent == ["pause"]:
            (card,) = at.messages(channel)
            shown = at.current(card).text
            assert [word in shown for word in (AUTO, "Sent by prom", "again")] == [True, True, False]


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
        at.anchor.fault, since = FAULTS[fault], test_auto_pause.minutes_ago(1)
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


@pytest.mark.parametrize(("fault", "mentioning"), [(None, [1]), (Slow(5), [1]), (server_error(), [0, 1])])
async def test_a_critical_card_mentions_the_group_unless_its_pause_has_failed(
    fault: Any, mentioning: list[int]
) -> None:
    async with braking(ALERTS_GROUP=ON_CALL) as at:
        at.anchor.fault, critical, other = fault, {"severity": "critical", "starts_at": SINCE}, ops(at)
        await send(at, **critical)
        await at.slack.until(lambda: sorted(mentions(at)) == mentioning)
        await send(at, **critical, channel=other.id)
        await at.slack.until(lambda: mentions(at, other) == [1])  # no message there says that the pause has failed


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


async def test_what_a_failing_database_leaves_undecided_calls_somebody_while_it_fails(sqlite_url: str) -> None:
    async with braking(sqlite_url, ALERTS_GROUP=ON_CALL) as at:
        await break_database(sqlite_url)
        sessions = [at.anchor.add_session() for _ in range(5)]
        await asyncio.gather(*(send(at, session_id=one, severity="critical") for one in sessions))
        await asyncio.sleep(100)
        assert calls(at) == []
        await asyncio.sleep(30)
        assert len(calls(at)) == 5
        assert sum(mentioned(calls(at))) == 3  # counted in memory
        await break_database(sqlite_url, repair=True)
        await asyncio.sleep(30)
        assert (len(calls(at)), pauses(at)) == (5, [])


@pytest.mark.parametrize("channel", ["", "C0CLOSED001"])
async def test_many_failures_are_three_mentions_and_then_one_with_the_number_of_the_others(
    channel: str, sqlite_url: str
) -> None:
    own = {"ALERTS_GROUP": ON_CALL, "AUTO_PAUSE_LIMIT": "200", "ALERTS_CHANNELS": "C0CLOSED001"}
    async with braking(sqlite_url, **own) as at:
        at.workspace.add_channel("C0CLOSED001", "closed", at.person)
        at.anchor.fault = server_error()
        sessions = await storm(at, 100, channel=channel)
        await at.slack.until(lambda: len(calls(at)) == 3)
        await asyncio.gather(*(send(at, session_id=one, status="resolved") for one in sessions))
        await asyncio.sleep(60)
        assert sum(mentions(at)) == 3
        await asyncio.sleep(610)
        (found,) = [one.text for one in at.messages() if "more sessions" in one.text]
        assert ("97 more sessions" in found, sum(mentions(at))) == (True, 4)
        assert ("C0CLOSED001" in found) is bool(channel)


async def test_at_most_three_in_ten_minutes_and_channel_of_a_sender(sqlite_url: str) -> None:
    async with of_two(sqlite_url, ALERTS_GROUP=ON_CALL) as at:
        at.anchor.fault = server_error()

        async def fail(count: int, **fields: object) -> None:
            for _ in range(count):
                await send(at, session_id=at.anchor.add_session(), **fields)

        await fail(5)
        await at.slack.until(lambda: len(calls(at)) == 3)
        await fail(1, severity="critical")
        await fail(1, channel=ops(at).id)
        await send_other(at, session_id=at.anchor.add_session())
        await asyncio.sleep(120)
        assert (posted_calls(at), posted_calls(at, ops(at))) == ([True] * 4, [True])
        on_cards = [one for one in at.messages() if "*Not paused automatically.* Anchor answered with" in one.text]
        assert len(on_cards) == 7
        async with open_store(Secret(sqlite_url), [KEY], keys_must_fit=False) as store:
            assert len(await fetch(store, "SELECT id FROM orders WHERE delivered_by = 'channel'")) == 5
        await asyncio.sleep(600)
        await fail(1)
        await at.slack.until(lambda: len(calls(at)) == 5)
