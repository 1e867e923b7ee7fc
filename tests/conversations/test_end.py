"""End session: who can use it, where it is offered, what it asks, and what is told of it."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.core.orders import Verb
from bot.demo.sandbox import environment
from bot.messages.results import broken_button_message
from bot.sim.anchor import Fault, Hang, SessionState, Slow, forbidden, server_error, unauthorized
from bot.sim.slack import Message, User, View
from bot.sim.slack.content import parts
from conversations.test_alert_cards import alert, buttons, taking_alerts, until_shown
from harness import BOTH_TRANSPORTS, SESSION, Conversation, SingleHarness, outcome_text, single_workspace
from harness.blocks import actions as block_of
from harness.blocks import button
from harness.databases import KEY
from harness.doctor import give_order
from harness.outages import locked
from harness.product import Settings, outcomes

END, ENDED = "anchor_end", SessionState.ENDED
ON: dict[str, Any] = {"END_SESSION": "on"}


@asynccontextmanager
async def ending(*, tags: Sequence[str] = ("checkout",), **settings: Any) -> AsyncIterator[SingleHarness]:
    """A bot with *End session*, and a session of which Anchor says its tags."""
    async with single_workspace(**ON | settings) as at:
        at.anchor.session(SESSION).tags = list(tags)
        yield at


def verbs(at: Conversation) -> list[str | None]:
    """The orders that reached Anchor about the session."""
    return [one.verb for one in at.orders]


def dialog(message: Message) -> str:
    """The text of the dialog of the message's End button."""
    found: list[Any] = [one for block in message.blocks for one in parts(block.get("elements"))]
    (text,) = [one["confirm"]["text"]["text"] for one in found if one.get("action_id") == END]
    return str(text)


async def offered(at: Conversation) -> Message:
    """A result with the End button: Anchor has failed to pause."""
    at.anchor.order_fault = server_error()
    await at.command()
    result = await told(at, "Not paused")
    at.anchor.order_fault = None
    at.anchor.requests.clear()
    return result


async def press(at: Conversation, message: Message, user: User | None = None) -> None:
    await at.slack.click(user or at.person, message, END)


async def end(at: Conversation) -> None:
    """End the session by a result."""
    await press(at, await offered(at))


async def told(at: Conversation, *words: str, within: float = 40.0) -> Message:
    """The result in the channel that has these words."""

    def found() -> list[Message]:
        return [one for one in at.messages() if all(word in one.text for word in words)]

    await at.slack.until(found, within=within)
    return found()[-1]


@BOTH_TRANSPORTS
async def test_it_ends_a_session_that_could_not_be_paused_and_all_cards_say_who_did_it() -> None:
    async with taking_alerts(**ON) as at:
        session = at.anchor.session(SESSION)
        session.created_at = datetime.fromtimestamp(time.time(), UTC) - timedelta(minutes=7)
        session.domains, session.tags = ["shop.example"], ["checkout"]
        session.max_duration = 20
        card = await alert(at)
        await at.command("")  # reads what is known of it
        at.anchor.fault = server_error()
        await at.command()
        result = await told(at, "Not paused")
        at.anchor.fault = None
        said = dialog(result)
        assert all(word in said for word in ("checkout", SESSION[:8], "can't be undone"))
        assert len(said) <= 300
        await press(at, result)
        ended = await told(at, "*Ended*", f"by <@{at.person.id}>", "Anchor's status")
        assert (buttons(ended), "ends it" in ended.text, "running" in ended.text) == ([], False, False)
        assert verbs(at)[-1] == "end"
        await until_shown(at, card, [], "Ended", f"by <@{at.person.id}>")
        assert buttons(at.current(result)) == []
        await at.command(verb="resume", user=at.slack.bob)
        assert "has ended this session" in (await at.wait_for_ephemeral(at.slack.bob)).text
        await at.command(user=at.slack.bob)
        assert verbs(at)[-2:] == ["end", "pause"]  # no resume, and each pause
        await told(at, "*Not running*")
        at.anchor.fault = Hang()
        await at.command(user=at.slack.bob)
        await told(at, "*Unconfirmed*")
        await asyncio.sleep(5)
        assert f"by <@{at.person.id}>" in at.current(card).text
        assert ("Ended" in at.current(card).text, buttons(at.current(card))) == (True, [])


@BOTH_TRANSPORTS
@pytest.mark.parametrize(
    ("name", "named", "may"),
    [
        ("alice", "", True),
        ("bob", "", False),
        ("bob", "U0BOB000001", True),
        ("alice", "U0BOB000001", False),
        ("guest", "U0GUEST0001", False),
        ("outsider", "", False),
    ],
)
async def test_only_admins_end_a_session_or_the_people_who_are_named(name: str, named: str, *, may: bool) -> None:
    async with ending(END_USERS=named) as at:
        user = getattr(at.slack, name)
        await press(at, await offered(at), user)
        if may:
            await told(at, "*Ended*")
        else:
            assert "Not ended" in (await at.wait_for_ephemeral(user)).text
        assert verbs(at) == (["end"] if may else [])


@pytest.mark.parametrize(
    ("fault", "denial"),
    [
        (None, outcomes.Refusal(outcomes.Why.NOT_ADMIN)),
        (Hang(), outcomes.Refusal(outcomes.Why.ROLE_UNKNOWN)),
        (server_error(), outcomes.Refusal(outcomes.Why.ROLE_UNKNOWN)),
    ],
    ids=["an admin no more", "no answer", "an error"],
)
async def test_the_role_is_looked_up_for_each_end(fault: Fault | None, denial: outcomes.Refusal) -> None:
    """An answer of five minutes ago does not count."""
    async with ending() as at:
        result = await offered(at)
        at.workspace.change_user(at.person, is_admin=False)
        at.slack.faults["users.info"] = fault
        began = time.monotonic()
        await press(at, result)
        seen = await at.wait_for_ephemeral()
        assert (seen.text, verbs(at)) == (outcome_text(denial, verb="end"), [])
        assert time.monotonic() - began < 4.0
        at.slack.faults.clear()
        at.workspace.change_user(at.person, is_admin=True)
        await press(at, result)
        await told(at, "*Ended*")


PLACES = ["/anchor-pause", "/anchor-resume", "Home", "the card"]


@pytest.mark.parametrize("who", ["alice", "bob", "off"])
@pytest.mark.parametrize("place", PLACES)
async def test_a_paused_session_in_a_list_and_its_card_offer_it_and_ask(place: str, who: str) -> None:
    """Lists show it to those who may; a card shows it to all, if it is on."""
    async with taking_alerts(END_SESSION="off" if who == "off" else "on") as at:
        user = at.slack.bob if who == "bob" else at.person
        card = await alert(at)
        await at.command(SESSION)
        await at.slack.until(lambda: "anchor_resume_confirmed" in buttons(at.current(card)))
        await asyncio.sleep(1.0)
        assert END not in buttons(at.messages()[-1])  # a pause that was confirmed is enough
        shown = at.current(card) if place == "the card" else await listed_in(at, place, user)
        offers = who == "alice" or (place == "the card" and who == "bob")
        found: list[Any] = [one for block in shown.blocks for one in parts(block.get("elements"))]
        ends = [one["confirm"] for one in found if (one.get("action_id"), one.get("value")) == (END, SESSION)]
        assert [f"`{SESSION[:8]}`" in str(one) for one in ends] == [True] * offers
        if not offers:
            return
        if isinstance(shown, Message):
            await at.slack.click(user, shown, END, value=SESSION)
        else:
            await at.slack.act(user, shown, END, value=SESSION)
        if who == "alice":
            await until_shown(at, card, [], "Ended", f"by <@{user.id}>")
            assert verbs(at) == ["pause", "end"]
        else:
            assert "Not ended" in (await at.wait_for_ephemeral(user)).text


async def listed_in(at: Conversation, place: str, user: User) -> Message | View:
    """The list of sessions in this place."""
    if place.startswith("/"):
        await at.command("", command=place, user=user)
        return at.ephemerals(user)[-1]
    await at.slack.open_home(user)
    await at.slack.until(lambda: (home := at.slack.home_of(user)) and SESSION[:8] in home.text)
    return at.slack.home_of(user) or at.modal()


async def test_an_end_button_with_anything_beside_the_id_ends_nothing() -> None:
    value = f"{SESSION} for=U0ALICE0001 until=9999999999"
    async with ending() as at:
        await press(at, at.slack.post(at.channel, "End?", blocks=[block_of(button(END, value))]))
        assert (await at.wait_for_ephemeral()).text == broken_button_message(Verb.END, value).text
        assert verbs(at) == []


OUTCOMES: dict[str, tuple[dict[str, Any], Fault | None, str, int]] = {
    "it survives": ({"survives": True}, None, "*Unconfirmed*", 1),
    "an error, and it has ended": ({}, server_error(applied=True, times=1), "*Ended*", 1),
    "no answer, and it has ended": ({}, Hang(applied=True, times=1), "*Ended*", 1),
    "an error, and it runs": ({}, server_error(times=1), "*Not ended*", 1),
    "401": ({}, unauthorized(times=1), "error (401)", 1),
    "403": ({}, forbidden(times=1), "(403)", 1),
    "it had ended": ({"state": ENDED}, None, "*Ended*", 1),
}


@pytest.mark.parametrize("name", OUTCOMES)
async def test_a_read_says_what_became_of_it_and_not_the_answer_alone(name: str) -> None:
    fields, fault, words, sent = OUTCOMES[name]
    async with ending() as at:
        result = await offered(at)
        for field, value in fields.items():
            setattr(at.anchor.session(SESSION), field, value)
        at.anchor.fault = fault
        await press(at, result)
        shown = await told(at, words, within=90)
        assert verbs(at) == ["end"] * sent
        assert ("anchor_pause" in buttons(shown)) is ("Ended" not in words)
        if name == "it survives":
            await at.command(verb="resume")
            assert verbs(at) == ["end", "resume"]


async def test_an_end_that_is_not_recorded_is_not_sent(sqlite_url: str) -> None:
    async with ending(DATABASE_URL=sqlite_url, ENCRYPTION_KEYS=KEY.reveal()) as at:
        result = await offered(at)
        async with locked(sqlite_url):
            await press(at, result)
            assert "Not ended" in (await at.wait_for_ephemeral()).text
        assert verbs(at) == []


@BOTH_TRANSPORTS
async def test_a_repeated_end_is_one_order() -> None:
    async with ending() as at:
        result = await offered(at)
        first = await at.slack.click(at.person, result, END)
        await at.slack.resend(first)
        await told(at, "*Ended*")
        assert verbs(at) == ["end"]


@pytest.mark.parametrize("delay", [6.0, 4.4])
async def test_an_end_whose_request_would_leave_late_is_not_sent_and_its_person_is_asked_again(delay: float) -> None:
    """It takes some seconds to the bot, and another one for the role to be looked up."""
    async with ending() as at:
        at.anchor.session(SESSION).domains = ["shop.example"]
        await at.command("")  # reads what is known of it
        result = await offered(at)
        at.slack.timing.delay_to_app, at.slack.faults["users.info"] = delay, Slow(0.9)
        clicking = asyncio.ensure_future(press(at, result))
        await asyncio.sleep(0.3)
        at.slack.timing.delay_to_app = 0.0
        await clicking
        await at.slack.until(lambda: "Not ended" in at.ephemerals()[-1].text)
        question = at.ephemerals()[-1]
        at.slack.faults.clear()
        assert "checkout" in dialog(question)
        assert verbs(at) == []
        await press(at, question)
        await told(at, "*Ended*")


async def test_while_a_session_is_being_ended_no_resume_is_sent_and_each_pause() -> None:
    async with ending() as at:
        result = await offered(at)
        at.anchor.session(SESSION).seconds = 6.0
        await press(at, result)
        await at.anchor.until(lambda: verbs(at) == ["end"])
        await at.command(verb="resume", user=at.slack.bob)
        assert "has asked to end this session" in (await at.wait_for_ephemeral(at.slack.bob)).text
        await at.command(user=at.slack.bob)
        await told(at, "*Ended*")
        assert verbs(at) == ["end", "pause"]


async def test_the_command_line_ends_a_session(sqlite_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    own: dict[str, Any] = {"DATABASE_URL": sqlite_url, "ENCRYPTION_KEYS": KEY.reveal()}
    async with single_workspace(**own) as at:
        environ = environment(at.slack, at.anchor, **own)
        assert await give_order(Settings.from_env(environ), "end", SESSION, "--yes") == 1
        assert "*End session* is off".replace("*", "") in capsys.readouterr().out
        on = Settings.from_env(environ | ON)
        with pytest.raises(Exception, match="Not ended: without a terminal"):
            await give_order(on, "end", SESSION)
        assert await give_order(on, "end", SESSION, "--yes", "--reason", "it spends") == 0
        assert verbs(at) == ["end"]
        printed = capsys.readouterr()
        assert ("Ended by" in printed.out, "(up to 30 s)" in printed.err) == (True, True)
