"""Cards of alerts and results: what they show when alerts repeat, get worse or end, and after each order."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bot.core.alerts import MOST_IN_SUMMARY, MOST_SINGLE
from bot.demo.sandbox import environment
from bot.sim.faults import Answer
from bot.sim.slack import Channel, Fault, Message, Slow, Source, api_error, rate_limited
from bot.sim.slack.content import parts
from bot.sim.slack.markup import ON_CALL
from harness import ALICE, SESSION, SingleHarness, single_workspace
from harness.conversation import post_json
from harness.databases import KEY
from harness.doctor import give_order
from harness.product import Settings

TOKEN = "s3cret-of-the-alerts"
PAUSE, RESUME = ["anchor_pause"], ["anchor_resume_confirmed"]
UPDATE = "chat.update"


@asynccontextmanager
async def taking_alerts(url: str = "sqlite://", **settings: str) -> AsyncIterator[SingleHarness]:
    """A bot that takes alerts, and is in a second channel, too. It has met Alice and Bob."""
    own = {"DATABASE_URL": url, "ENCRYPTION_KEYS": KEY.reveal(), "ALERTS_TOKEN": TOKEN, "ALERTS_CHANNEL": "C0ALERTS001"}
    own["ALERTS_CHANNELS"] = "C0OPS000001"
    async with single_workspace(**own | settings) as at:  # type: ignore[arg-type]
        bot = at.workspace.installation.bot_user_id
        at.workspace.add_channel("C0OPS000001", "ops", at.person, at.slack.bob, bot)
        other = at.anchor.add_session()
        for user in (at.person, at.slack.bob):
            await at.command(other, user=user)
        yield at


def ops(at: SingleHarness) -> Channel:
    return at.workspace.channels["C0OPS000001"]


async def alert(at: SingleHarness, channel: Channel | None = None, **fields: object) -> Message:
    """Let a program post an alert about the session, and return its card."""
    there = channel or at.channel
    body = {"session_id": SESSION, "text": "It spends.", "channel": there.id} | fields
    status, answer, _ = await post_json(f"{at.bot.url}/alerts", body, headers={"Authorization": f"Bearer {TOKEN}"})
    assert status == 200
    await asyncio.sleep(0.1)  # its sender is told before it is recorded
    (card,) = [message for message in at.messages(there) if message.ts == answer["ts"]]
    return card


def buttons(message: Message) -> list[object]:
    return [one["action_id"] for block in message.blocks for one in parts(block.get("elements")) if "action_id" in one]


async def until_shown(
    at: SingleHarness, card: Message, expected: list[str], *words: str, within: float = 20.0
) -> Message:
    """Wait until a message has these buttons, and its text these words."""

    def is_shown() -> bool:
        now = at.current(card)
        return buttons(now) == expected and all(word in now.text for word in words)

    await at.slack.until(is_shown, within=within)
    return at.current(card)


def about_session(at: SingleHarness, channel: Channel | None = None) -> list[Message]:
    """The messages about the session."""
    return [message for message in at.messages(channel) if SESSION in message.text]


async def test_a_click_shows_pausing_and_then_who_paused() -> None:
    async with taking_alerts() as at:
        card = await alert(at)
        at.anchor.session(SESSION).seconds = 3.0
        began = time.monotonic()
        await at.click(card)
        pausing = await until_shown(at, card, PAUSE, "Pausing", f"<@{ALICE}>")
        took = time.monotonic() - began
        assert [order.status for order in at.orders] == [None]
        done = await until_shown(at, card, RESUME, "Paused", f"<@{ALICE}>")
        await asyncio.sleep(5.0)
        told = about_session(at)
    assert took < 1.5
    assert "It spends." in pausing.text
    assert "Pausing" not in done.text
    assert re.search(r"<!date\^\d+", done.text)
    assert [one.ts for one in told] == [card.ts]


LATE = [
    pytest.param(0.25, Slow(0.15, times=100), None, False, id="beside an update that says Pausing"),
    pytest.param(0.0, None, Answer(429, headers={"Retry-After": "20"}, times=1), True, id="refused for now"),
    pytest.param(0.0, None, Slow(4.8, times=1), True, id="slow, and a resume comes meanwhile"),
]


@pytest.mark.parametrize(("seconds", "update", "replacement", "is_resumed"), LATE)
async def test_a_card_shows_the_newest_state_whenever_its_replacement_comes(
    seconds: float, update: Fault | None, replacement: Fault | None, is_resumed: bool
) -> None:
    async with taking_alerts() as at:
        card = await alert(at)
        await asyncio.sleep(3.0)
        at.anchor.session(SESSION).seconds = seconds
        at.slack.faults[UPDATE], at.slack.faults["response_url"] = update, replacement
        await at.click(card)
        if is_resumed:
            await asyncio.sleep(3.6)
            await at.command(verb="resume", user=at.slack.bob)
        await asyncio.sleep(60.0)
        shown = at.current(card)
    assert ("Resumed" if is_resumed else "Paused") in shown.text
    assert buttons(shown) == (PAUSE if is_resumed else RESUME)


async def test_a_card_that_slack_does_not_let_the_bot_update_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    async with taking_alerts() as at:
        await alert(at)
        at.slack.faults[UPDATE] = api_error("cant_update_message", times=1)
        for verb in ("pause", "resume"):
            await at.command(verb=verb)
            await asyncio.sleep(5.0)
        assert at.calls(UPDATE) == 1
    assert [record.message for record in caplog.records].count("message not updated any more") == 1


POST = "chat.postMessage"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}


async def send(at: SingleHarness, session: str = SESSION, **fields: object) -> tuple[int, Mapping[str, Any]]:
    body = {"session_id": session, "text": "It spends."} | fields
    status, answer, _ = await post_json(f"{at.bot.url}/alerts", body, headers=HEADERS)
    return status, answer


def on_cards(at: SingleHarness) -> list[tuple[str, str, Message]]:
    """Each session that a message shows with a button: the id, the action of the button, and the message."""
    return [
        (str(one["value"]).split(maxsplit=1)[0], str(one["action_id"]), message)
        for message in at.messages()
        if message.source is Source.POST_MESSAGE
        for block in message.blocks
        for one in parts([block.get("accessory"), *parts(block.get("elements"))])
        if "value" in one and one["action_id"] != "anchor_pause_several"
    ]


def shown(at: SingleHarness) -> list[str]:
    return sorted(session for session, _, _ in on_cards(at))


async def test_an_alert_that_comes_again_updates_the_card(database_url: str) -> None:
    async with taking_alerts(database_url) as at:
        card = await alert(at)
        answers = [await send(at, text="It spends more.", severity="critical", fields={"spent": 40}) for _ in range(2)]
        elsewhere = await send(at, channel=ops(at).id)
        now = await until_shown(at, card, PAUSE, "×3", "It spends more.", "spent")
        await at.slack.until(lambda: at.calls(POST) == 3)  # with a new card, since it is more severe
        new = posts(at)[-1].ts
    assert [(status, answer["ts"], answer.get("count")) for status, answer in answers] == [
        (200, new, None),
        (200, new, 3),
    ]
    assert (elsewhere[0], "count" in elsewhere[1]) == (200, False)
    assert "Critical" in now.text


async def test_a_card_says_that_its_alerts_are_resolved() -> None:
    async with taking_alerts() as at:
        card = await alert(at, fingerprint="a")
        await send(at, fingerprint="b")
        await send(at, fingerprint="a", status="resolved")
        await until_shown(at, card, PAUSE, "×2")
        assert "Resolved" not in at.current(card).text
        status, answer = await send(at, fingerprint="b", status="resolved")
        await until_shown(at, card, PAUSE, "Resolved")
        await send(at, fingerprint="b")
        await until_shown(at, card, PAUSE, "×3")
        assert "Resolved" not in at.current(card).text
        unknown = await send(at, at.anchor.add_session(), status="resolved")
        assert at.calls(POST) == 2  # with a new card, since it fires again
    assert (status, answer["ts"]) == (200, card.ts)
    assert unknown == (200, {"ok": True, "channel": "C0ALERTS001", "ignored": True})


@pytest.mark.slow
async def test_alerts_about_many_sessions_become_a_summary(database_url: str) -> None:
    async with taking_alerts(database_url) as at:
        sessions = [at.anchor.add_session() for _ in range(MOST_IN_SUMMARY)]
        answers = await asyncio.gather(*(send(at, session) for session in sessions))
        await at.slack.until(lambda: shown(at) == sorted(sessions))
        assert at.calls(POST) <= MOST_SINGLE + 1  # some can be posted before the last ones come
        session, _, summary = on_cards(at)[-1]
        await at.click(summary, value=session)
        await at.slack.until(lambda: (session, *RESUME) in [one[:2] for one in on_cards(at)])
        assert [action for _, action, _ in on_cards(at)].count(PAUSE[0]) == MOST_IN_SUMMARY - 1
        assert [order.verb for order in at.anchor.posts(session)] == ["pause"]
        posted = {name: message.ts for name, _, message in on_cards(at)}
    assert [(status, answer["ts"]) for status, answer in answers] == [(200, posted[session]) for session in sessions]


BOTH = [*PAUSE, *RESUME]


async def new_card(at: SingleHarness, count: int = 1) -> Message:
    """Wait for so many cards of the session beside its first one, and return the last one."""
    await at.slack.until(lambda: len(posts(at)) == 1 + count)
    return posts(at)[-1]


async def test_a_higher_severity_is_a_new_card_and_the_older_one_shows_the_same(database_url: str) -> None:
    async with taking_alerts(database_url) as at:
        card = await alert(at)
        await send(at, text="It spends more.")
        await send(at, text="It spends too much.", severity="critical")
        told = await new_card(at)
        await send(at, text="It spends too much.", severity="critical")
        for one in (card, told):
            await until_shown(at, one, PAUSE, "×4", "It spends too much.")
        for _ in range(12):  # the older card does not take every turn
            await send(at)
            await asyncio.sleep(0.5)
        assert "×4" not in at.current(told).text
        assert len(posts(at)) == 2


async def test_an_alert_that_fires_again_after_it_was_resolved_is_told_each_time() -> None:
    async with taking_alerts() as at:
        oldest = newest = await alert(at, fingerprint="a")
        at.slack.faults[UPDATE] = rate_limited(60)
        for count in range(1, 7):
            await send(at, fingerprint="a", status="resolved")
            assert len(posts(at)) == count
            await send(at, fingerprint="a", severity="info")
            newest = await new_card(at, count)
        await at.click(oldest)  # which is replaced, and does not show that yet
        await at.slack.until(lambda: any("Paused" in one.text for one in at.messages() if one.thread_ts == oldest.ts))
        del at.slack.faults[UPDATE]
        await until_shown(at, oldest, PAUSE, "Newer messages", within=90.0)
        await at.command()
        await until_shown(at, newest, RESUME)
        assert buttons(at.current(oldest)) == PAUSE


async def test_an_alert_that_fires_again_after_a_pause_is_told_once_and_its_message_follows_the_session() -> None:
    async with taking_alerts() as at:
        card = await alert(at)
        await at.click(card)
        await until_shown(at, card, RESUME, "Paused")
        await send(at, text="It goes on.")
        await send(at, text="It goes on and on.")
        told = await new_card(at)
        for one in (card, told):
            await until_shown(at, one, BOTH, "×3")
        await at.click(told)
        for one in (card, told):
            await until_shown(at, one, RESUME)
        assert len(posts(at)) == 2
        assert len(at.anchor.posts(SESSION)) == 2


MENTION = f"<!subteam^{ON_CALL}>"


def mentions(at: SingleHarness, channel: Channel | None = None) -> list[int]:
    """How often each message mentions the group."""
    posts = [message for message in at.messages(channel) if message.source is Source.POST_MESSAGE]
    return [str(message.blocks).count(MENTION) for message in posts]


async def test_critical_alerts_mention_a_group_once_in_ten_minutes_and_channel() -> None:
    async with taking_alerts(ALERTS_GROUP=ON_CALL) as at:
        sessions = [at.anchor.add_session() for _ in range(2)]
        card = await alert(at)
        assert mentions(at) == [0]
        at.slack.faults[POST] = rate_limited(1, times=1)  # the group is mentioned when it is taken
        await send(at, severity="critical")
        await new_card(at)
        await send(at, sessions[0], severity="critical")
        assert mentions(at) == [0, 1, 0]
        assert MENTION in posts(at)[1].text
        await send(at, sessions[0], severity="critical", channel=ops(at).id)
        assert MENTION in at.messages(ops(at))[-1].text
        await asyncio.sleep(601.0)
        await send(at, sessions[1], severity="critical")
        assert mentions(at)[2:] == [0, 1]
        await at.click(card)
        await until_shown(at, card, RESUME, "Paused")
        await at.slack.until(lambda: mentions(at) == [0, 0, 0, 1])  # an update repeats none
        await asyncio.sleep(601.0)
        await send(at, severity="warning")  # the card that it brings shows the critical one, which still fires
        await at.slack.until(lambda: len(posts(at)) == 5)
        assert mentions(at)[-1] == 0


HALF_AN_HOUR = 1_800.0


@pytest.mark.parametrize(
    ("code", "calls"),
    [
        ("update_failed", (5, 6)),
        ("invalid_auth", (28, 32)),  # once a minute
    ],
)
async def test_a_card_is_true_again_once_slack_takes_updates(code: str, calls: tuple[int, int]) -> None:
    async with taking_alerts() as at:
        card = await alert(at)
        at.slack.faults[UPDATE] = api_error(code)
        await at.command()
        await asyncio.sleep(HALF_AN_HOUR)
        fewest, most = calls
        assert fewest <= at.calls(UPDATE) <= most
        del at.slack.faults[UPDATE]
        await until_shown(at, card, RESUME, "Paused", within=920.0)
        await at.command(verb="resume")
        await until_shown(at, card, PAUSE, "Resumed")


def posts(at: SingleHarness) -> list[Message]:
    """The messages of the bot in the alert channel, but for answers to commands."""
    return [message for message in at.messages() if message.source is Source.POST_MESSAGE]


async def test_an_order_of_the_command_line_is_shown_without_its_reason(sqlite_url: str) -> None:
    async with taking_alerts(sqlite_url) as at:
        own = {"DATABASE_URL": sqlite_url, "ENCRYPTION_KEYS": KEY.reveal(), "ALERTS_CHANNEL": at.channel.id}
        settings = Settings.from_env(environment(at.slack, at.anchor, **own))
        assert await give_order(settings, "pause", SESSION, "--reason", "s3cret") == 0
        await asyncio.sleep(3.0)
        (card,) = posts(at)
        assert ("(command line)" in card.text, "s3cret" in card.text) == (True, False)
