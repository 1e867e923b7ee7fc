"""`/anchor-pause` without a session id: the sessions that run, and those that words choose."""

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import AsyncMock

import pytest

from bot.sim.anchor import Answer, Fault, Hang, SessionState, SimAnchor, Slow, html, rate_limited, unauthorized
from bot.sim.slack import Message, Source
from harness import BOTH_TRANSPORTS, SESSION, SOCKET_ONLY, Conversation, ManyHarness, paused, single_workspace
from harness.product import outcomes, policy
from harness.product import sessions as lists
from harness.texts import incident_text, is_about, list_refused, not_read, reading

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


def spoken(message: Message) -> list[str]:
    """What screen readers say of the buttons in the rows."""
    return [block["accessory"]["accessibility_label"] for block in blocks(message) if "accessory" in block]


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
        facts = (f"`{other[:8]}`", "*checkout*", "`prod`", "12 ", "`ci-key`", "5 min", "`shop.example`")
        assert [fact for fact in facts if fact not in row] == []
        assert "s3cret" not in json.dumps(message.blocks)
        assert all(block["text"]["text"] in message.text for block in blocks(message) if "text" in block)
        assert offered(message) == [SESSION, other]
        assert spoken(message) == [f"Pause session {SESSION}", "Pause checkout"]
        await at.slack.click(at.person, message, "anchor_pause", value=other)
        (told,) = await at.wait_for_messages()
        assert is_about(told.text, paused(session=other))
        assert at.anchor.session(other).state is SessionState.PAUSED


@pytest.mark.parametrize("fault", [None, html(404, times=2)], ids=["read", "not read"])
async def test_none_running_is_said_only_if_everything_was_read(fault: Fault | None) -> None:
    async with single_workspace() as at:
        at.anchor.session(SESSION).state = SessionState.ENDED
        at.anchor.read_fault = fault
        message = await listed(at)
        assert reads(at) == (["list", "list"] if fault is None else ["list", "list", "statuses"])
        assert ("None running" in message.text, "can be more" in message.text) == (fault is None, fault is not None)


async def test_words_choose_sessions_and_pause_nothing() -> None:
    async with single_workspace() as at:
        checkout = add(at.anchor, 1, tags=["checkout-2", "mailer"])
        shop = add(at.anchor, 2, domains=["shop.example"])
        for words, chosen in (
            ("mail CHECK", [checkout]),
            ("<http://shop.example|shop.example>", [shop]),
            ("nothing such", []),
            (SESSION[:-1], []),  # most of an id
        ):
            assert offered(await listed(at, words)) == chosen
        assert at.anchor.orders == []


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ({"tags": ["checkout"]}, {"domains": ["shop.example"]}, ("checkout", "shop.example")),
        ({"tags": ["checkout"]}, {"tags": ["checkout", "prod"]}, ("checkout {}", "checkout {}")),
        ({"tags": ["x" * 100]}, {"tags": ["x" * 100]}, ("x" * 39 + "… {}", "x" * 39 + "… {}")),
        ({"tags": ["<b>&\u200b`*"]}, {}, ("<b>&`*", "session {}")),
    ],
)
async def test_a_button_is_read_aloud_by_the_name_of_the_agent(
    first: dict[str, Any], second: dict[str, Any], said: tuple[str, str]
) -> None:
    async with single_workspace() as at:
        at.anchor.session(SESSION).state = SessionState.ENDED
        ids = [add(at.anchor, 1, **first), add(at.anchor, 2, **second)]
        message = await listed(at)
    names = [name.format(one if name.startswith("session") else one[:8]) for name, one in zip(said, ids, strict=True)]
    assert spoken(message) == [f"Pause {name}" for name in names]
    assert max(map(len, spoken(message))) <= 75


@BOTH_TRANSPORTS
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f" {SHORT.upper()} ", ""),
        (f"`{SHORT}`", ""),
        (f"“{SHORT}”.", ""),
        (f"{SHORT}. too fast", "too fast"),
        (f"`{SHORT}` spends &amp; loops", "spends & loops"),
    ],
)
async def test_the_first_eight_digits_of_the_only_session_pause_it(text: str, reason: str) -> None:
    async with single_workspace() as at:
        add(at.anchor, 1, tags=["checkout"])
        delivery = await at.command(text)
        (message,) = at.messages()
        assert delivery.status == 200
        assert is_about(message.text, paused(reason=reason))
        assert len(at.orders) == 1


async def test_eight_digits_that_can_mean_anything_else_only_offer() -> None:
    async with single_workspace() as at:
        for _ in range(260):  # more than are read
            add(at.anchor, 2)
        assert offered(await listed(at, SHORT)) == [SESSION]
        other = add(at.anchor, 1, session_id=f"{SHORT}-0000-4000-8000-000000000000")
        await asyncio.sleep(6.0)  # until the list is read again
        for text in (SHORT, f"{SHORT}. too fast"):
            assert offered(await listed(at, text)) == [SESSION, other]
        await at.command(f"{SHORT}. too fast", verb="resume")
        assert at.anchor.orders == []


async def test_only_people_who_are_allowed_to_pause_see_a_list_and_no_other_workspace_does() -> None:
    async with single_workspace(PAUSE_USERS="U0CAROL0001") as at:
        for text in ("", "checkout", SHORT):
            assert (await listed(at, text)).text == list_refused(policy.NotNamed(frozenset({"U0CAROL0001"})))
        await at.command("", user=at.slack.guest)
        assert at.ephemerals(at.slack.guest)[0].text == list_refused(policy.NotAMember(policy.Role.GUEST))
        await at.command("", user=at.slack.carol, team_id="T0PARTNER01")
        assert at.ephemerals(at.slack.carol)[-1].text == list_refused(outcomes.WrongWorkspace())
        assert at.anchor.requests == []


@pytest.mark.parametrize(
    ("fault", "why", "status", "answered"),
    [
        (unauthorized(), lists.Unread.KEY_REJECTED, 401, False),
        (rate_limited(), lists.Unread.RATE_LIMITED, 429, True),
        (html(503), lists.Unread.UNREACHABLE, 503, False),
        (Answer(200, b"{}"), lists.Unread.UNREADABLE, 200, True),
        (Hang(), lists.Unread.TIMED_OUT, 0, False),
    ],
)
async def test_each_failure_of_anchor_is_explained_and_not_kept_and_does_not_touch_a_pause(
    fault: Fault, why: lists.Unread, status: int, *, answered: bool
) -> None:
    """What was ordered by digits or words has a verdict. Other ways to pause are named only if Anchor answered."""
    async with single_workspace(ANCHOR_TIMEOUT="2") as at:
        at.anchor.read_fault = fault
        assert (await listed(at)).text == not_read(why, status)
        for text, verdict in ((f"`{SHORT.upper()}` loops", "*Not paused*"), ("checkout", "*Nothing was paused*")):
            told = (await listed(at, text)).text
            assert told == not_read(why, status, ordered=text)
            assert (verdict in told, SHORT in told.casefold()) == (True, text != "checkout")
            assert ("work without" in told) is answered
        assert at.anchor.orders == []
        await at.command()
        assert at.messages()[-1].text == paused()
        at.anchor.read_fault = None
        assert offered(await listed(at)) == [SESSION]


@BOTH_TRANSPORTS
async def test_if_anchor_is_slow_the_list_follows() -> None:
    async with single_workspace(ack_wait=0.05) as at:
        at.anchor.read_fault = Slow(0.5)
        await at.command("")
        await at.slack.until(lambda: len(at.ephemerals()) == 2)
        waiting, message = at.ephemerals()
        assert (waiting.text, offered(message)) == (reading(""), [SESSION])


@BOTH_TRANSPORTS
async def test_eight_digits_pause_also_if_anchor_is_slow_and_a_slow_read_delays_no_other_pause() -> None:
    async with single_workspace(ack_wait=0.05) as at:
        at.anchor.read_fault = Slow(3.0)
        other = add(at.anchor, 1, state=SessionState.ENDED)
        await at.command(SHORT)
        delivery = await at.command(other)
        (first,) = await at.wait_for_messages()
        assert delivery.elapsed < 2.0
        assert other in first.text
        await at.wait_for_messages(2)
        assert is_about(at.messages()[-1].text, paused())
        assert at.ephemerals()[0].text == reading(SHORT)


async def test_each_workspace_sees_its_own_sessions_with_its_own_key(at: ManyHarness) -> None:
    first, second = await at.set_up_two()
    assert offered(await listed(first)) == [first.session]
    assert offered(await listed(second)) == [second.session]


async def test_an_exception_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.usecases.sessions.SessionLists.search", AsyncMock(side_effect=ZeroDivisionError))
    async with single_workspace() as at:
        message = await listed(at)
    assert message.text.splitlines()[1] == incident_text("x").splitlines()[1]


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


@pytest.mark.parametrize(("command", "text"), [("/anchor-pause", "checkout"), ("/anchor-sessions", "")])
async def test_a_list_that_was_announced_is_answered_when_the_bot_is_stopped(command: str, text: str) -> None:
    async with single_workspace(ack_wait=0.0) as at:
        at.anchor.read_fault = Hang()
        await at.command(text, command=command)
    assert at.seen()[-1].text == list_refused(outcomes.Stopping())


async def test_lists_are_read_once_for_all_who_ask_within_five_seconds() -> None:
    async with single_workspace() as at:
        at.anchor.read_fault = Slow(0.3, times=2)
        await asyncio.gather(*(at.command(text) for text in ("", "checkout", "", SHORT[:7])))
        await asyncio.sleep(3.0)
        await at.command("")
        assert reads(at) == ["list", "list"]
        await asyncio.sleep(6.0)
        await at.command("")
        assert reads(at) == ["list"] * 4
