"""`/anchor-pause` without a session id: the sessions that run, and those that words choose."""

import asyncio
import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.config.settings import DASHBOARD_URL
from bot.core.outcomes import NoKey, Refusal, Stopping, StoreUnavailable, WrongWorkspace
from bot.core.policy import NotAMember, NotHere, NotNamed, Role
from bot.core.secret import Secret
from bot.core.session_list import NotRead, Unread
from bot.core.workspace import AnchorKey
from bot.messages.request_errors import incident_message
from bot.messages.session_list import MOST_RUNNING, list_refusal, not_read_text, reading_message
from bot.messages.usage import SESSIONS
from bot.sim.anchor import (
    Answer,
    Fault,
    Hang,
    SessionState,
    SimAnchor,
    Slow,
    html,
    rate_limited,
    unauthorized,
)
from bot.sim.slack import Message, Source
from bot.usecases.session_list import SessionLists
from harness import (
    BOTH_TRANSPORTS,
    SESSION,
    SOCKET_ONLY,
    Conversation,
    ManyHarness,
    paused,
    single_workspace,
)
from harness.texts import is_about

pytestmark = pytest.mark.anyio

SHORT = SESSION[:8]


def blocks(message: Message) -> list[dict[str, Any]]:
    """The blocks of a message, as JSON."""
    return [dict(block) for block in message.blocks]


def offered(message: Message) -> list[str]:
    """The sessions that a message has a Pause button for, from the top."""
    buttons = [block["accessory"] for block in blocks(message) if "accessory" in block]
    assert {button["action_id"] for button in buttons} <= {"anchor_pause"}
    return [button["value"] for button in buttons]


def add(anchor: SimAnchor, number: int, **details: Any) -> str:
    """Add a session that is `number` minutes older than the one of the harness."""
    created_at = datetime.fromtimestamp(time.time(), UTC) - timedelta(minutes=number)
    return anchor.add_session(created_at=created_at, **details)


def reads(at: Conversation) -> list[str | None]:
    return [request.verb for request in at.anchor.requests if request.method == "GET"]


async def listed(at: Conversation, text: str = "") -> Message:
    await at.command(text)
    return at.ephemerals()[-1]


@BOTH_TRANSPORTS
async def test_a_command_without_text_lists_what_runs_with_a_button_that_pauses_it() -> None:
    async with single_workspace() as at:
        details = {"tags": ["checkout", "prod"], "domains": ["https://shop.example/pay?token=s3cret"], "steps": 12}
        other = add(at.anchor, 5, key_name="ci-key", is_task=False, **details)
        message = await listed(at)
        assert at.messages() == []
        row = blocks(message)[2]["text"]["text"]
        assert [
            text for text in (f"`{other[:8]}`", "`checkout`", "`prod`", "12 ", "`ci-key`", "5 min") if text not in row
        ] == []
        assert "`shop.example`" in row
        assert "s3cret" not in json.dumps(message.blocks)
        assert all(block["text"]["text"] in message.text for block in blocks(message))
        assert offered(message) == [SESSION, other]
        await at.slack.click(at.person, message, "anchor_pause", value=other)
        (told,) = await at.wait_for_messages()
        assert is_about(told.text, paused(session=other))
        assert at.anchor.session(other).state is SessionState.PAUSED


async def test_the_newest_fifteen_are_listed_with_the_number_of_others() -> None:
    async with single_workspace() as at:
        names = [
            add(at.anchor, number, tags=["é" * 30] * 9, domains=[f"{'x' * 90}.example"] * 3) for number in range(1, 19)
        ]
        message = await listed(at)
        assert offered(message) == [SESSION, *names[: MOST_RUNNING - 1]]
        assert "4 others" in message.text


async def test_ended_sessions_are_not_listed_and_unknown_statuses_are_shown() -> None:
    async with single_workspace() as at:
        at.anchor.session(SESSION).word = "warming up &amp; <!here>"
        add(at.anchor, 3, state=SessionState.ENDED)
        add(at.anchor, 3, word="timed_out")
        add(at.anchor, 60 * 25, word="warming up")
        message = await listed(at)
        assert offered(message) == [SESSION]
        assert "`warming up &amp;amp; &lt;!he" in message.text


async def test_none_running_is_said_only_if_everything_was_read() -> None:
    async with single_workspace() as at:
        at.anchor.session(SESSION).state = SessionState.ENDED
        assert "None running" in (await listed(at)).text
    async with single_workspace() as at:
        at.anchor.session(SESSION).state = SessionState.ENDED
        at.anchor.read_fault = html(404, times=2)
        message = await listed(at)
        assert reads(at) == ["list", "list", "statuses"]
        assert "None running" not in message.text
        assert "can be more" in message.text


@pytest.mark.parametrize(
    ("words", "chosen"),
    [
        ("CHECK", ["checkout", "both"]),
        ("shop.example", ["shop"]),
        ("<http://shop.example|shop.example>", ["shop"]),
        ("ci-key", ["key"]),
        ("mail check", ["both"]),
        ("nothing such", []),
        (f"{SESSION[:13]}", ["own"]),
    ],
)
async def test_words_choose_sessions_and_pause_nothing(words: str, chosen: list[str]) -> None:
    async with single_workspace() as at:
        names = {
            "own": SESSION,
            "checkout": add(at.anchor, 1, tags=["checkout"]),
            "both": add(at.anchor, 2, tags=["checkout-2", "mailer"]),
            "shop": add(at.anchor, 3, domains=["shop.example"]),
            "key": add(at.anchor, 4, key_name="ci-key"),
        }
        message = await listed(at, words)
        assert offered(message) == [names[name] for name in chosen]
        assert at.anchor.orders == []


@BOTH_TRANSPORTS
async def test_the_first_eight_digits_of_the_only_session_pause_it() -> None:
    async with single_workspace() as at:
        add(at.anchor, 1, tags=["checkout"])
        delivery = await at.command(f" {SHORT.upper()} ")
        (message,) = at.messages()
        assert delivery.status == 200
        assert is_about(message.text, paused())
        assert at.anchor.session(SESSION).state is SessionState.PAUSED
        assert len(at.orders) == 1


@pytest.mark.parametrize(
    "text", [f"`{SHORT}`", f"\N{LEFT DOUBLE QUOTATION MARK}{SHORT}\N{RIGHT DOUBLE QUOTATION MARK}"]
)
async def test_eight_digits_can_be_quoted_or_copied_as_code(text: str) -> None:
    async with single_workspace() as at:
        await at.command(text)
        assert [order.verb for order in at.orders] == ["pause"]


@pytest.mark.parametrize(
    "case", ["a tag", "its own tag", "two sessions", "too many to read", "not known to run", "more text"]
)
async def test_eight_digits_that_can_mean_anything_else_only_offer(case: str) -> None:
    async with single_workspace() as at:
        own, text = at.anchor.session(SESSION), SHORT
        expected = [SESSION]
        match case:
            case "a tag":
                expected.append(add(at.anchor, 1, tags=[f"build-{SHORT}"]))
            case "its own tag":
                own.tags = [SHORT]
            case "two sessions":
                expected.append(add(at.anchor, 1, session_id=f"{SHORT}-0000-4000-8000-000000000000"))
            case "too many to read":
                for _ in range(260):
                    add(at.anchor, 1)
            case "not known to run":
                own.word = "warming up"
            case _:
                own.tags, text = ["checkout"], f"{SHORT} checkout"
        assert offered(await listed(at, text)) == expected
        assert at.orders == []


@pytest.mark.parametrize("text", [SESSION.replace("-", "")[:16], SESSION[:-1], f"{SESSION}0"])
async def test_most_of_an_id_is_explained_and_nothing_is_read(text: str) -> None:
    async with single_workspace() as at:
        message = await listed(at, text)
        assert (offered(message), at.anchor.requests) == ([], [])


REFUSALS: dict[str, tuple[Mapping[str, Any], Refusal]] = {
    "not named": ({"PAUSE_USERS": "U0CAROL0001"}, NotNamed(frozenset({"U0CAROL0001"}))),
    "another channel": ({"ALLOWED_CHANNELS": "C0INCIDENT1"}, NotHere(frozenset({"C0INCIDENT1"}))),
}


@pytest.mark.parametrize("text", ["", "checkout", SHORT])
@pytest.mark.parametrize(("settings", "refusal"), REFUSALS.values(), ids=REFUSALS)
async def test_only_people_who_are_allowed_to_pause_see_a_list(
    text: str, settings: Mapping[str, Any], refusal: Refusal
) -> None:
    async with single_workspace(**settings) as at:
        message = await listed(at, text)
        assert message.text == list_refusal(refusal, dashboard_url=DASHBOARD_URL).text
        assert at.anchor.requests == []


async def test_guests_and_other_workspaces_see_none() -> None:
    async with single_workspace() as at:
        await at.command("", user=at.slack.guest)
        (seen,) = at.ephemerals(at.slack.guest)
        assert seen.text == list_refusal(NotAMember(Role.GUEST), dashboard_url=DASHBOARD_URL).text
        await at.command("", team_id="T0PARTNER01")
        assert at.ephemerals()[-1].text == list_refusal(WrongWorkspace(), dashboard_url=DASHBOARD_URL).text
        assert at.anchor.requests == []


async def test_without_a_key_an_admin_can_set_one(at: ManyHarness) -> None:
    tenant = at.add(1)
    await at.install(tenant)
    message = await listed(tenant)
    assert message.text == list_refusal(NoKey(can_set=True), dashboard_url=DASHBOARD_URL).text
    assert blocks(message)[1]["elements"][0]["action_id"] == "anchor_set_key"
    member = tenant.workspace.add_user("U0MEMBER001", "member")
    tenant.channel.members.add(member.id)
    await tenant.command("", user=member)
    assert tenant.ephemerals(member)[-1].text == list_refusal(NoKey(), dashboard_url=DASHBOARD_URL).text


async def test_a_database_that_fails_is_reported(at: ManyHarness) -> None:
    tenant = await at.set_up(at.add(1))
    await at.rename_table("workspaces", "away")
    message = await listed(tenant)
    await at.rename_table("away", "workspaces")
    assert message.text == list_refusal(StoreUnavailable(), dashboard_url=DASHBOARD_URL).text


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        (unauthorized(), NotRead(Unread.KEY_REJECTED, 401)),
        (rate_limited(), NotRead(Unread.RATE_LIMITED, 429)),
        (html(503), NotRead(Unread.UNREACHABLE, 503)),
        (Answer(200, b"{}"), NotRead(Unread.UNREADABLE, 200)),
    ],
)
async def test_each_failure_of_anchor_is_explained_and_does_not_touch_a_pause(fault: Fault, failure: NotRead) -> None:
    async with single_workspace() as at:
        at.anchor.read_fault = fault
        message = await listed(at)
        assert message.text == not_read_text(failure, dashboard_url=DASHBOARD_URL)
        await at.command()
        assert at.messages()[-1].text == paused()


async def test_a_read_that_never_ends_is_explained() -> None:
    async with single_workspace(ack_wait=0.05, ANCHOR_TIMEOUT="0.5") as at:
        at.anchor.read_fault = Hang()
        await at.command("")
        await at.slack.until(lambda: len(at.ephemerals()) == 2)
        assert [one.text for one in at.ephemerals()] == [
            reading_message("").text,
            not_read_text(NotRead(Unread.TIMED_OUT), dashboard_url=DASHBOARD_URL),
        ]


@BOTH_TRANSPORTS
@pytest.mark.parametrize("text", ["", "checkout"])
async def test_if_anchor_is_slow_the_list_follows(text: str) -> None:
    async with single_workspace(ack_wait=0.05) as at:
        at.anchor.session(SESSION).tags = ["checkout"]
        at.anchor.read_fault = Slow(0.5)
        await at.command(text)
        await at.slack.until(lambda: len(at.ephemerals()) == 2)
        waiting, message = at.ephemerals()
        assert waiting.text == reading_message(text).text
        assert offered(message) == [SESSION]


@BOTH_TRANSPORTS
async def test_eight_digits_pause_also_if_anchor_is_slow() -> None:
    async with single_workspace(ack_wait=0.05) as at:
        at.anchor.read_fault = Slow(0.5)
        await at.command(SHORT)
        (message,) = await at.wait_for_messages()
        assert is_about(message.text, paused())
        assert [one.text for one in at.ephemerals()] == [reading_message(SHORT).text]


async def test_a_slow_read_delays_no_pause() -> None:
    async with single_workspace(ack_wait=0.05) as at:
        at.anchor.read_fault = Slow(3.0)
        await at.command("")
        delivery = await at.command()
        (message,) = await at.wait_for_messages()
        assert message.text == paused()
        assert delivery.elapsed < 2.0
        assert at.ephemerals()[-1].text != paused()


async def test_lists_are_read_once_for_all_who_ask_within_five_seconds() -> None:
    async with single_workspace() as at:
        at.anchor.read_fault = Slow(0.3, times=2)
        await asyncio.gather(*(at.command(text) for text in ("", "checkout", "", SHORT[:7])))
        assert reads(at) == ["list", "list"]
        await at.command("")
        assert reads(at) == ["list", "list"]


async def test_a_failed_read_is_not_kept() -> None:
    async with single_workspace() as at:
        at.anchor.read_fault = rate_limited(times=2)
        assert offered(await listed(at)) == []
        assert offered(await listed(at)) == [SESSION]


async def test_each_workspace_sees_its_own_sessions_with_its_own_key(at: ManyHarness) -> None:
    first, second = await at.set_up(at.add(1)), await at.set_up(at.add(2))
    assert offered(await listed(first)) == [first.session]
    assert offered(await listed(second)) == [second.session]
    at.anchor.add_key("sk-newer")
    newer = at.anchor.add_session(key="sk-newer")
    assert await at.store.rows.set_key(first.team_id, AnchorKey(Secret("sk-newer")))
    assert offered(await listed(first)) == [newer]


async def test_an_exception_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(SessionLists, "search", broken)
    async with single_workspace() as at:
        message = await listed(at)
    assert message.text.splitlines()[1] == incident_message("x").text.splitlines()[1]


@SOCKET_ONLY
@pytest.mark.parametrize("text", ["", SHORT])
async def test_a_command_that_may_be_old_is_answered_outside_of_its_ack(text: str) -> None:
    async with single_workspace(redelivery_window=30.0) as at:
        (connection,) = at.slack.sockets.connections
        at.slack.sockets.drop()
        await at.slack.until(lambda: at.slack.sockets.count and connection not in at.slack.sockets.connections)
        delivery = await at.command(text)
        await at.slack.until(at.answers)
        assert delivery.ack is not None
        assert delivery.ack.text == ""
        assert [message.source for message in at.answers()] == [Source.RESPONSE_URL]
        assert len(at.orders) == (text == SHORT)


@pytest.mark.parametrize(("command", "text"), [("/anchor-pause", "checkout"), (SESSIONS, "")])
async def test_a_list_that_was_announced_is_answered_when_the_bot_is_stopped(
    command: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.app._DRAIN_TIMEOUT", 0.2)
    async with single_workspace(ack_wait=0.0) as at:
        at.anchor.read_fault = Hang()
        await at.command(text, command=command)
    assert at.seen()[-1].text == list_refusal(Stopping(), dashboard_url=DASHBOARD_URL).text
