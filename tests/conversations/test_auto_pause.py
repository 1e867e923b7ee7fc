"""Automatic pauses: who may, what is sent, in doubt and beside other processes, and what people are told."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from unittest.mock import AsyncMock

import pytest

from bot.demo.sandbox import environment
from bot.messages import alert_tokens as say
from bot.messages import cards
from bot.sim.anchor import SessionState, server_error
from bot.sim.slack import Channel, Hang, Source
from bot.sim.slack.markup import ON_CALL
from conversations.test_alert_cards import PAUSE, RESUME, TOKEN, about_session, buttons, taking_alerts, until_shown
from conversations.test_end import end
from conversations.test_recovery import second_bot, until_told
from harness import HTTP_ONLY, SESSION, SingleHarness, single_workspace
from harness.bots import Remains, remains
from harness.conversation import post_json
from harness.databases import KEY
from harness.doctor import give_order
from harness.outages import execute
from harness.product import Settings, State, errors, outcomes
from harness.stored import until_found
from harness.texts import NOT_AUTO_PAUSED, not_automatic
from harness.webhooks import alertmanager_alert, alertmanager_body

BEARER = {"Authorization": f"Bearer {TOKEN}"}
ALERT = {"session_id": SESSION, "text": "It spends.", "title": "High spend", "fingerprint": "f1", "action": "pause"}
FAILED = not_automatic(outcomes.Refusal(outcomes.Why.STORE_UNAVAILABLE))
AUTO = "*Paused automatically* by alerts of `default`"
REFUSED = "ResumedBefore"


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


async def test_the_session_is_paused_before_its_card_is_posted_and_a_further_pause_keeps_it(database_url: str) -> None:
    async with braking(database_url) as at:
        at.slack.faults["chat.postMessage"] = Hang()
        sending = asyncio.create_task(send(at))
        await at.anchor.until(lambda: pauses(at) == ["pause"], within=5)
        at.slack.faults.clear()
        answer = await sending
        await at.slack.until(lambda: about_session(at))
        (card,) = about_session(at)
        await until_shown(at, card, RESUME, AUTO, "High spend")
        assert (answer["pause"], pauses(at), len(about_session(at))) == ("Paused", ["pause"], 1)
        again = await send(at, fingerprint="f2", title="Again")
        await asyncio.sleep(2)
        await until_shown(at, card, RESUME, AUTO)
        assert (again["pause"], pauses(at), len(about_session(at))) == ("Paused", ["pause", "pause"], 1)


async def test_a_firing_is_one_pause_however_often_it_comes_until_it_was_resolved(database_url: str) -> None:
    async with braking(database_url) as at:
        since = minutes_ago(1)
        answers = [await send(at, starts_at=since) for _ in range(3)]
        first = pauses(at)
        await at.command(verb="resume")
        await at.wait_for_messages(2)
        answers.append(await send(at, starts_at=since))
        await send(at, status="resolved")
        answers.append(await send(at))
        assert (first, pauses(at)) == (["pause"], ["pause", "resume"])
    assert [one["pause"] for one in answers] == ["Paused", "Paused", "Paused", REFUSED, REFUSED]


@pytest.mark.parametrize(("resumed", "fired", "verdict"), [(7, 3, REFUSED), (12, 17, REFUSED), (12, 7, "Paused")])
async def test_a_resume_of_the_command_line_counts_also_without_slack_and_before_any_order(
    sqlite_url: str, resumed: int, fired: int, verdict: str
) -> None:
    own: dict[str, Any] = {"DATABASE_URL": sqlite_url, "ENCRYPTION_KEYS": KEY.reveal(), "ALERTS_TOKEN": TOKEN}
    own |= {"ALERTS_CHANNEL": "C0ALERTS001", "AUTO_PAUSE": "on", "AUTO_PAUSE_TOKENS": "default"}
    async with single_workspace(**own) as at:
        await until_found(sqlite_url, "SELECT 1 FROM workspaces")  # from which the command line knows it
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
        assert (answer["pause"], len(pauses(at))) == (REFUSED, before)
        why = outcomes.Refusal(outcomes.Why.RESUMED_BEFORE, at.person.id, 0.0, is_confirmed=verdict == "resumed")
        assert not_automatic(why).partition("<!date")[0] in shown.text


async def test_a_pause_that_failed_is_told_and_tried_again_once_while_the_alert_fires(sqlite_url: str) -> None:
    async with braking(sqlite_url) as at:
        at.anchor.fault = server_error()
        answer = await send(at)
        await at.slack.until(lambda: len(about_session(at)) == 2)
        failure = next(one for one in about_session(at) if NOT_AUTO_PAUSED in one.text)
        before = len(pauses(at))
        at.anchor.fault = None
        await asyncio.sleep(65)
        look = at.bot.auto_pauses.look
        await asyncio.gather(look(), look())  # the second one before the database has this attempt
        await asyncio.sleep(65)
        assert (answer["pause"], len(pauses(at))) == ("Failed", before + 1)
        assert "alerts of `default`" in failure.text
        await at.slack.until(lambda: all(AUTO in one.text for one in about_session(at)))
        await asyncio.sleep(130)
        assert len(pauses(at)) == before + 1


async def test_an_alert_that_comes_again_is_answered_also_if_its_last_outcome_can_not_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fail = AsyncMock(side_effect=errors.StoreUnreachableError("gone"))
    monkeypatch.setattr("bot.outbound.store.auto_pause_rules.AutoPauseRows.last_outcome", fail)
    async with braking() as at:
        at.anchor.fault, since = server_error(), minutes_ago(1)
        assert [(await send(at, starts_at=since))["pause"] for _ in range(2)] == ["Failed", "Failed"]
        assert fail.await_count == 1


@pytest.mark.parametrize(
    ("fields", "word", "warning"),
    [
        ({"action": "end"}, "NotAsked", say.NO_ACTION),
        ({"action": 7}, "NotAsked", say.NO_ACTION),
        ({"action": "observe"}, "NotAsked", say.NO_ACTION),
        ({"fingerprint": ""}, "NotAsked", say.NO_FINGERPRINT),
        ({"action": "Pause", "starts_at": "soon"}, "Paused", say.ignored("starts_at")),
        ({"starts_at": "2999-01-01T00:00:00Z"}, "Paused", None),
        ({"action": None}, None, None),
    ],
)
async def test_what_else_an_alert_asks_for_pauses_nothing(
    fields: dict[str, object], word: str | None, warning: str | None
) -> None:
    async with braking(END_SESSION="on") as at:
        answer = await send(at, **fields)
        assert (answer.get("pause"), answer.get("warnings")) == (word, [warning] if warning else None)
        assert pauses(at) == (["pause"] if word == "Paused" else [])


@pytest.mark.parametrize(
    ("mode", "tokens", "word", "shown"),
    [
        ("off", "default", "AutoPauseOff", ""),
        ("on", "", "NotAsked", ""),
        ("observe", "default", "Observed", not_automatic(outcomes.Refusal(outcomes.Why.OBSERVED))),
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
        assert (answer["pause"], pauses(at)) == ("Pending", [])
        assert FAILED in card.text
        await break_database(sqlite_url, repair=True)
        await at.anchor.until(lambda: pauses(at) == ["pause"], within=60)
        await until_shown(at, card, RESUME, AUTO)


@HTTP_ONLY
@pytest.mark.parametrize("is_read", [True, False])
async def test_if_it_is_not_known_in_time_what_speaks_against_a_pause_its_card_says_so(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, *, is_read: bool
) -> None:
    async with braking(sqlite_url) as at:
        if not is_read:
            unread = AsyncMock(return_value=outcomes.Refusal(outcomes.Why.STORE_UNAVAILABLE))
            monkeypatch.setattr("bot.usecases.permissions.AccessCheck.check", unread)
        await execute(sqlite_url, "ALTER TABLE workspaces RENAME TO gone")
        await send(at)
        (card,) = about_session(at)
        await asyncio.sleep(125)
        await execute(sqlite_url, "ALTER TABLE gone RENAME TO workspaces")
        await until_shown(at, card, PAUSE, FAILED)
        assert pauses(at) == []


@HTTP_ONLY
async def test_a_webhook_is_taken_only_with_the_order(sqlite_url: str) -> None:
    """A process that is killed then loses nothing: the same body comes again."""
    async with braking(sqlite_url) as at:
        await execute(sqlite_url, "ALTER TABLE orders RENAME TO gone")
        body = alertmanager_body(alertmanager_alert(labels={"anchor_action": "pause"}))
        statuses = [(await post_json(f"{at.bot.url}/alerts/alertmanager", body, headers=BEARER))[0]]
        await execute(sqlite_url, "ALTER TABLE gone RENAME TO orders")
        statuses.append((await post_json(f"{at.bot.url}/alerts/alertmanager", body, headers=BEARER))[0])
        assert (statuses, pauses(at)) == ([503, 200], ["pause"])


async def test_the_same_firing_after_it_was_resolved_pauses_nothing_and_is_told(sqlite_url: str) -> None:
    """As when Prometheus could not reach Alertmanager for some minutes."""
    async with braking(sqlite_url) as at:
        since = minutes_ago(5)
        await send(at, starts_at=since)
        (card,) = about_session(at)
        await send(at, starts_at=since, status="resolved")
        await until_shown(at, card, RESUME, "resolved")
        answer = await send(at, starts_at=since)
        await at.slack.until(lambda: len(about_session(at)) == 2)
        for one in about_session(at):
            assert "resolved" not in (await until_shown(at, one, [*PAUSE, *RESUME], "×2")).text
        assert (answer["pause"], pauses(at)) == ("Paused", ["pause"])


async def test_a_pause_of_a_session_that_has_a_card_already_is_told_by_a_new_one(sqlite_url: str) -> None:
    async with braking(sqlite_url) as at:
        await send(at, action=None)
        await send(at, fingerprint="f2")
        await at.slack.until(lambda: len(about_session(at)) == 2)
        await at.slack.until(lambda: all(AUTO in one.text for one in about_session(at)))


async def ended_at_anchor(at: SingleHarness) -> None:
    at.anchor.session(SESSION).state = SessionState.ENDED


@pytest.mark.parametrize("how", [ended_at_anchor, end])
@pytest.mark.parametrize("fields", [{"action": None}, {}, {"fingerprint": "f2", "severity": "critical"}])
async def test_an_alert_about_an_ended_session_leaves_its_card_posts_nothing_and_its_sender_reads_why(
    how: Callable[[SingleHarness], Awaitable[None]], fields: dict[str, object], sqlite_url: str
) -> None:
    async with braking(sqlite_url, END_SESSION="on", ALERTS_GROUP=ON_CALL) as at:
        await send(at, action=None)
        (card,) = about_session(at)
        await how(at)
        await at.slack.until(lambda: "*Ended*" in at.current(card).text, within=200)
        await asyncio.sleep(90)  # until an automatic pause is sent again
        before, count = at.current(card).text, len(at.messages())
        answer = await send(at, **fields)
        body = alertmanager_body(alertmanager_alert(labels={"anchor_action": "pause"}))
        status, of_webhook, _ = await post_json(f"{at.bot.url}/alerts/alertmanager", body, headers=BEARER)
        await send(at, **fields, status="resolved")
        await asyncio.sleep(60)
        assert (answer["warnings"], status, of_webhook["warnings"]) == ([cards.ENDED], 200, [cards.ENDED])
        assert (at.current(card).text, len(at.messages())) == (before, count)


SINCE = minutes_ago(1)
OWN = {"ALERTS_TOKEN": TOKEN, "ALERTS_CHANNEL": "C0ALERTS001", "AUTO_PAUSE": "on", "AUTO_PAUSE_TOKENS": "default"}


def posted(at: Remains) -> list[str]:
    return [one.text for one in at.messages() if one.source is Source.POST_MESSAGE]


@pytest.mark.parametrize("state", [State.WAITING, State.SENT])
async def test_a_pause_that_a_killed_process_left_is_sent_and_told(database_url: str, state: State) -> None:
    async with remains(database_url, **OWN) as left:
        await left.leave_pause("alert", state)
        async with left.restart() as at:
            assert await until_told(left) == ["Paused"]
            await at.slack.until(lambda: posted(left))
            await asyncio.sleep(1)
            assert ([order.verb for order in at.orders], len(posted(left))) == (["pause"], 1)
            assert AUTO in posted(left)[0]


@pytest.mark.parametrize(
    ("settings", "state", "age", "outcome"),
    [
        ({"AUTO_PAUSE": "observe"}, State.WAITING, 1, "Observed"),
        ({"AUTO_PAUSE": "off"}, State.WAITING, 1, "AutoPauseOff"),
        ({"AUTO_PAUSE": "off"}, State.SENT, 1, "Unconfirmed"),
        ({"AUTO_PAUSE_TOKENS": ""}, State.WAITING, 1, "AutoPauseOff"),
        ({}, State.WAITING, 121, "Unconfirmed"),
    ],
)
async def test_it_is_not_sent_in_another_mode_nor_with_another_token_nor_after_two_minutes(
    sqlite_url: str, settings: dict[str, str], state: State, age: float, outcome: str
) -> None:
    async with remains(sqlite_url, **OWN | settings) as left:
        await left.leave_pause("alert", state, age=age)
        async with left.restart() as at:
            assert await until_told(left) == [outcome]
            assert at.orders == []


@HTTP_ONLY
async def test_two_processes_send_one_pause_and_respect_a_resume_of_each_other(postgresql_urls: Iterator[str]) -> None:
    url = next(postgresql_urls)
    own = OWN | {"ALERTS_CHANNELS": "C0OPS000001"}
    shared = {"DATABASE_URL": url, "ENCRYPTION_KEYS": KEY.reveal(), **own}
    async with single_workspace(**shared) as at, second_bot(at, url, **own) as second:  # type: ignore[arg-type]
        second_channel = at.workspace.add_channel(
            "C0OPS000001", "ops", at.person, at.workspace.installation.bot_user_id
        )
        sessions = [SESSION, *(at.anchor.add_session() for _ in range(9))]
        firing = alertmanager_body(
            *(alertmanager_alert(session=one, labels={"anchor_action": "pause"}) for one in sessions)
        )
        urls = [f"{at.bot.url}/alerts/alertmanager", f"{second}/alerts/alertmanager?channel={second_channel.id}"] * 3
        answers = await asyncio.gather(*(post(one, firing) for one in urls))
        assert answers == [200] * 6
        places = (at.channel, second_channel)
        await at.slack.until(lambda: all(AUTO in text_about(at, one, there) for one in sessions for there in places))
        assert [len(at.anchor.posts(one)) for one in sessions] == [1] * 10
        other: dict[str, object] = {"session_id": at.anchor.add_session(), "fingerprint": "f1", "starts_at": SINCE}
        told = [(await send_to(there, **other))["pause"] for there in (at.bot.url, second)]
        assert (told, len(at.anchor.posts(str(other["session_id"])))) == (["Paused"] * 2, 1)
        await at.command(verb="resume")
        await at.slack.until(lambda: len(at.anchor.posts(SESSION)) == 2)
        at.slack.request_url = f"{second}/slack/events"
        await post(f"{second}/alerts/alertmanager", firing)
        answer = await send_to(second, fingerprint="other")
        assert (answer["pause"], len(at.anchor.posts(SESSION))) == (REFUSED, 2)


async def post(url: str, body: object) -> int:
    """Send a body, on a slow machine again, as Alertmanager does after a 503: other transactions held a lock."""
    status = (await post_json(url, body, headers=BEARER))[0]
    if status == 503:
        await asyncio.sleep(1.0)
        return await post(url, body)
    return status


async def send_to(url: str, **fields: object) -> dict[str, object]:
    body = {"session_id": SESSION, "text": "It spends.", "action": "pause"} | fields
    return (await post_json(f"{url}/alerts", body, headers=BEARER))[1]


def text_about(at: SingleHarness, session: str, channel: Channel) -> str:
    return "".join(str(one.blocks) for one in at.messages(channel) if session[:8] in one.text)
