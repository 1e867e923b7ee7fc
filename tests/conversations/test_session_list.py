"""Lists of sessions, and the facts about a session that messages show."""

import asyncio
import json
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.sim.anchor import Fault, Hang, SessionState, SimAnchor, Slow, html, unauthorized
from bot.sim.slack import Message, Source, View
from harness import BOTH_TRANSPORTS, BY_BOTH, SOCKET_ONLY, Conversation, ManyHarness, single_workspace
from harness.outages import execute
from harness.product import outcomes
from harness.texts import REFRESH, SESSION, is_about, list_refused, paused, reading, resumed

SHORT = SESSION[:8]
RESUME, AGAIN = "anchor_resume_confirmed", "Pause again"
WEEK = 7 * 86_400.0


def blocks(message: Message) -> list[dict[str, Any]]:
    """The blocks of a message, as JSON."""
    return [dict(block) for block in message.blocks]


def controls(shown: Message | View) -> list[dict[str, Any]]:
    """The buttons and menus, from the top."""
    found: list[Any] = [*shown.blocks]
    return [
        one
        for block in found
        for one in (*block.get("elements", ()), block.get("accessory"))
        if one and "action_id" in one
    ]


def offered(shown: Message | View, action: str = "anchor_pause") -> list[str]:
    """The sessions that a message has a Pause button for, or another one, from the top."""
    own = [one for one in controls(shown) if one.get("action_id") == action and one["text"]["text"] != AGAIN]
    return [one["value"][:36] for one in own]


def again(shown: Message | View) -> list[str]:
    """The sessions that can be paused again, from the top."""
    return [one["value"] for one in controls(shown) if one.get("text", {}).get("text") == AGAIN]


def numbers(text: str) -> list[int]:
    """The numbers in a heading."""
    return [int(one) for one in re.findall(r"\d+", text.splitlines()[0])]


def spoken(message: Message) -> list[str]:
    """What screen readers say of the buttons in the rows."""
    return [block["accessory"]["accessibility_label"] for block in blocks(message) if "accessory" in block]


def add(anchor: SimAnchor, number: int, **details: Any) -> str:
    """Add a session that is `number` minutes older than the one of the harness."""
    created_at = datetime.fromtimestamp(time.time(), UTC) - timedelta(minutes=number)
    return anchor.add_session(created_at=created_at, **details)


def reads(at: Conversation) -> list[str | None]:
    return [request.verb for request in at.anchor.requests if request.method == "GET"]


async def listed(at: Conversation, text: str = "", *, verb: str = "pause") -> Message:
    await at.command(text, verb=verb)
    return at.ephemerals()[-1]


@BOTH_TRANSPORTS
async def test_a_command_without_text_lists_what_runs_with_a_button_that_pauses_it() -> None:
    async with single_workspace() as at:
        details = {"tags": ["checkout", "prod"], "domains": ["https://shop.example/pay?token=s3cret"]}
        other = add(at.anchor, 5, key_name="ci-key", is_task=False, **details)
        message = await listed(at)
        assert at.messages() == []
        row = blocks(message)[2]["text"]["text"]
        facts = (f"`{other[:8]}`", "*checkout*", "`prod`", "5 min", "`shop.example`")
        assert [fact for fact in facts if fact not in row] == []
        assert "s3cret" not in json.dumps(message.blocks)
        assert all(block["text"]["text"] in message.text for block in blocks(message) if "text" in block)
        assert offered(message) == [SESSION, other]
        assert [one.rpartition(" ")[0] for one in spoken(message)] == ["Pause session", "Pause checkout"]
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
        assert reads(at) == ["list", "list"]
        first = message.text.splitlines()[0]
        assert ("none" in first) == (fault is None)


@pytest.mark.parametrize("verb", ["pause", "resume"])
async def test_words_choose_sessions_and_pause_and_resume_nothing(verb: str) -> None:
    async with single_workspace() as at:
        checkout = add(at.anchor, 1, tags=["checkout-2", "mailer"], key_name="ci-key")
        shop = add(at.anchor, 2, domains=["shop.example"])
        for words, chosen in (
            ("mail CHECK", [checkout]),
            ("<http://shop.example|shop.example>", [shop]),
            ("nothing such", []),
            (SESSION[:-1], [SESSION]),  # most of an id
            ("ci-KEY", [checkout]),
        ):
            message = await listed(at, words, verb=verb)
            assert (offered(message), message.text[0]) == (chosen, "❔" if chosen else "⛔")
            await at.slack.click(at.person, message, REFRESH)
            assert offered(await at.wait_for_update(message)) == chosen
        assert at.anchor.orders == []


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
@pytest.mark.parametrize(("verb", "told"), [("pause", paused), ("resume", resumed)])
async def test_the_first_eight_digits_of_the_only_session_pause_or_resume_it(
    text: str, reason: str, verb: str, told: Callable[..., str]
) -> None:
    async with single_workspace() as at:
        add(at.anchor, 1, tags=["checkout"])
        delivery = await at.command(text, verb=verb)
        (message,) = at.messages()
        assert delivery.status == 200
        assert is_about(message.text, told(reason=reason))
        assert [one.verb for one in at.orders] == [verb]


async def test_only_people_who_are_allowed_to_pause_see_a_list_and_no_other_workspace_does() -> None:
    async with single_workspace(PAUSE_USERS="U0CAROL0001") as at:
        for text in ("", "checkout", SHORT):
            assert (await listed(at, text)).text == list_refused(
                outcomes.Refusal(outcomes.Why.NOT_NAMED, ids=frozenset({"U0CAROL0001"}))
            )
        assert (await at.open_home()).find(REFRESH) is None
        await at.command("", user=at.slack.guest)
        assert at.ephemerals(at.slack.guest)[0].text == list_refused(outcomes.Refusal(outcomes.Why.NOT_MEMBER))
        await at.command("", user=at.slack.carol, team_id="T0PARTNER01")
        assert at.ephemerals(at.slack.carol)[-1].text == list_refused(outcomes.Refusal(outcomes.Why.WRONG_WORKSPACE))
        assert at.anchor.requests == []


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


@pytest.mark.parametrize("verb", ["pause", "resume"])
async def test_a_resume_whose_session_is_found_late_is_not_sent_and_a_pause_is(verb: str) -> None:
    async with single_workspace(ANCHOR_TIMEOUT="8") as at:
        at.anchor.read_fault = Slow(6.0)
        await at.command(SHORT, verb=verb)
        await at.slack.until(lambda: at.seen()[-1:] and at.seen()[-1].text[0] in "⏸⛔", within=20.0)
        told = at.seen()[-1]
        assert [one.verb for one in at.orders] == (["pause"] if verb == "pause" else [])
        assert (told.text[0], RESUME in str(told.blocks)) == ("⏸" if verb == "pause" else "⛔", True)


@SOCKET_ONLY
@pytest.mark.parametrize(
    ("text", "verb", "sent"), [("", "pause", 0), (SHORT, "pause", 1), ("", "resume", 0), (SHORT, "resume", 0)]
)
async def test_a_command_that_may_be_old_is_answered_after_its_ack(text: str, verb: str, sent: int) -> None:
    async with single_workspace(redelivery_window=30.0) as at:
        (connection,) = at.slack.sockets.connections
        at.slack.sockets.drop()
        await at.slack.until(lambda: at.slack.sockets.count and connection not in at.slack.sockets.connections)
        delivery = await at.command(text, verb=verb)
        await at.slack.until(at.answers)
        assert delivery.ack is not None
        assert delivery.ack.text == ""
        assert [message.source for message in at.answers()] == [Source.RESPONSE_URL]
        assert len(at.orders) == sent
        assert ("Resume this agent?" in at.answers()[0].text) is (verb == "resume" and text == SHORT)


# --- what is paused ---


async def one_of_six_runs(at: Conversation) -> list[str]:
    """Let the bot pause five of six agents, and return those, the newest first."""
    older = [add(at.anchor, number, tags=["checkout"]) for number in range(1, 6)]
    for session in older:
        await at.command(session)
    await asyncio.sleep(1.0)  # until all of it is stored
    del at.anchor.requests[:]
    return older


@pytest.mark.parametrize("place", ["/anchor-resume", "Home"])
async def test_every_list_has_the_paused_ones_however_old_with_two_buttons(sqlite_url: str, place: str) -> None:
    async with single_workspace(DATABASE_URL=sqlite_url) as at:
        older = await one_of_six_runs(at)
        await execute(sqlite_url, *(f"UPDATE orders SET {one} = {one} - {WEEK}" for one in ("given_at", "settled_at")))  # noqa: S608
        shown: Message | View | None
        if place.startswith("/"):
            await at.command("", command=place)
            shown = at.ephemerals()[-1]
        else:
            shown = await at.open_home()
        assert (offered(shown), sorted(offered(shown, RESUME)), sorted(again(shown))) == (
            [SESSION],
            sorted(older),
            sorted(older),
        )


async def test_without_the_database_a_list_is_as_before_and_comes_soon(sqlite_url: str) -> None:
    async with single_workspace(DATABASE_URL=sqlite_url) as at:
        older = await one_of_six_runs(at)
        await execute(sqlite_url, "ALTER TABLE orders RENAME TO elsewhere")
        began = time.monotonic()
        message = await listed(at)
        assert time.monotonic() - began < 1.0
        assert (numbers(message.text), offered(message)) == ([6], [SESSION, *older])


# --- a click in a list ---


def line_of(message: Message, session: str) -> str:
    """The line below a session's row; "" without one."""
    lines = [block["text"]["text"] for block in blocks(message) if block.get("block_id") == f"anchor_{session}"]
    return "".join(lines)


@BOTH_TRANSPORTS
@pytest.mark.parametrize("slow", ["Anchor", "Slack"])
async def test_clicks_show_their_results_in_the_list(slow: str) -> None:
    async with single_workspace() as at:
        other = add(at.anchor, 1)
        message = await listed(at)
        if slow == "Anchor":
            at.anchor.fault = Slow(3.0)
        else:  # with the result and the list of the first click
            at.slack.faults["response_url"] = Slow(1.0, times=2)
        await at.slack.click(at.person, message, "anchor_pause", value=other)
        await asyncio.sleep(0.3)
        await at.slack.click(at.person, message, "anchor_pause", value=SESSION)
        await asyncio.sleep(1.5)
        await at.slack.until(lambda: len(offered(at.current(message), RESUME)) == 2)
        done = at.current(message)
        assert all(f"<@{at.person.id}>" in line_of(done, one) for one in (SESSION, other))
        told = {one.text.splitlines()[-1] for one in await at.wait_for_messages(2)}
        assert told == {paused(session=one).splitlines()[-1] for one in (SESSION, other)}
        assert len(at.ephemerals()) == 1


def describe(at: Conversation, **fields: Any) -> None:
    """Let Anchor say more of the session."""
    own = {
        "tags": ["checkout"],
        "max_duration": 20,
        "created_at": datetime.fromtimestamp(time.time(), UTC),
    }
    for name, value in (own | fields).items():
        setattr(at.anchor.session(SESSION), name, value)


def verbs(at: Conversation) -> list[str | None]:
    """What Anchor was asked for, in order of arrival."""
    return [request.verb for request in at.anchor.requests]


@BOTH_TRANSPORTS
@pytest.mark.parametrize("by", BY_BOTH)
async def test_a_result_says_what_a_list_has_shown(by: str) -> None:
    async with single_workspace() as at:
        domains = ["https://shop.example/pay?token=s3cret", "bank.example"]
        describe(at, domains=domains, is_task=False, key_name="ci-key")
        await at.command("")
        before = len(at.anchor.requests)
        card = at.post_alert() if by == "a click" else None
        await (at.command() if card is None else at.click(card))
        told = (await at.wait_for_messages(1 if card is None else 2))[-1]
        shown = [told.text] if card is None else [told.text, (await at.wait_for_update(card)).text]
        assert verbs(at)[before:] == ["pause"]
    facts = (
        "*checkout*",
        "`shop.example` +1",
        "outside program",
        "under 1 min",
        "Anchor ends it by <!date^",
    )
    assert [fact for text in shown for fact in facts if fact not in text] == []
    assert "outside of Anchor" in told.text
    assert [secret for text in shown for secret in ("s3cret", "/pay", "ci-key") if secret in text] == []


@pytest.mark.parametrize("fault", [Hang(), unauthorized(), html(502)])
async def test_a_slow_or_rejected_read_changes_nothing_for_a_pause(fault: Fault) -> None:
    async with single_workspace() as at:
        at.anchor.read_fault = fault
        describe(at, seconds=0.3)
        await at.command()
        (message,) = await at.wait_for_messages()
        assert message.text == paused()
        assert at.orders[0].status == 200
        await at.anchor.until(lambda: len(verbs(at)) == 3)


async def test_what_one_workspace_has_seen_is_not_told_to_another(at: ManyHarness) -> None:
    first, second = await at.set_up_two()
    at.anchor.session(second.session).tags = ["of-another"]
    await second.command("")
    await first.command(second.session)
    (message,) = await first.wait_for_messages()
    assert "of-another" not in message.text


def warnings(at: Conversation) -> list[Message]:
    """The messages that say that a program outside of Anchor drives the session."""
    return [one for one in at.messages() if "outside of Anchor" in one.text]


async def until_read(at: Conversation) -> None:
    """Wait until the session has been read after a pause, and for what can follow."""
    await at.anchor.until(lambda: {"get", "list"} <= set(verbs(at)))
    await asyncio.sleep(1.0)


@BOTH_TRANSPORTS
@pytest.mark.parametrize("by", [*BY_BOTH, "a shortcut"])
async def test_what_is_read_after_a_pause_and_matters_follows_its_result_once(by: str) -> None:
    async with single_workspace() as at:
        describe(at, is_task=False, max_duration=5)
        at.anchor.read_fault = Slow(0.3, times=2)
        await at.order(by)
        await until_read(at)
        (told,) = warnings(at)
        (result,) = [one for one in at.messages() if one.text.startswith(paused())]
        await at.command(user=at.slack.bob)
        await until_read(at)
        assert [one.text.splitlines()[0] for one in warnings(at)[1:]] == [paused(user=at.slack.bob.id).splitlines()[0]]
    external, *_, session = told.text.splitlines()
    assert session == paused().splitlines()[-1]
    assert (told.thread_ts, told.ephemeral_to) == (result.thread_ts, None)
    assert external in at.messages()[-1].text
