"""The message shortcut on a message with several session ids or none: a modal to choose in, and an order for each."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bot.sim.anchor import SessionState, Slow
from bot.sim.slack import Channel, Message, Source, User, View
from conversations.test_session_views import PAUSE, RESUME, buttons
from harness import (
    BOTH_TRANSPORTS,
    OTHER_SESSION,
    SESSION,
    SingleHarness,
    outcome_text,
    paused,
    resumed,
    single_workspace,
)
from harness.product import policy
from harness.texts import (
    ALL,
    LOADING,
    NO_ID_NOTE,
    NO_SESSION,
    NOTHING_CHOSEN,
    OUT_OF_DATE,
    REFRESH,
    is_about,
    list_refused,
)

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("lasting_triggers")]

TEXT = f"Scraper spends: {SESSION}\nBuyer loops: {OTHER_SESSION}"


async def ask(at: SingleHarness) -> tuple[Message, View]:
    """Use the shortcut on a message with several ids, and return it and the modal."""
    at.anchor.add_session(session_id=OTHER_SESSION)
    message = at.slack.post(at.channel, TEXT, user=at.slack.bob)
    await at.slack.use_shortcut(at.person, message)
    await at.slack.until(lambda: at.slack.modal_of(at.person))
    return message, at.modal()


def offered(view: View) -> list[tuple[str, str]]:
    """The sessions in a modal, with the text below each."""
    boxes: list[Any] = [box for block in view.blocks for box in block.get("element", {}).get("options", ())]  # type: ignore[attr-defined]
    return [(box["value"], box.get("description", {}).get("text", "")) for box in boxes if box["value"] != ALL]


def results(at: SingleHarness) -> list[tuple[str, str | None]]:
    """What the bot has posted, without the links to the message, and in which threads."""
    posted = [one for one in at.messages() if one.source is not Source.POSTED]
    return sorted((one.text.partition(", from <")[0], one.thread_ts) for one in posted)


@BOTH_TRANSPORTS
async def test_one_of_several_sessions_can_be_chosen_once_one_is() -> None:
    async with single_workspace() as at:
        message, view = await ask(at)
        assert offered(view) == [(SESSION, "Scraper spends:"), (OTHER_SESSION, "Buyer loops:")]
        await at.slack.submit(at.person, view)
        assert (at.modal().errors, at.anchor.requests) == ({"sessions_0": NOTHING_CHOSEN}, [])
        sent = await at.slack.submit(at.person, view, {"sessions_0": [OTHER_SESSION]})
        await at.wait_for_messages(2)
        assert (at.orders, [order.verb for order in at.anchor.posts(OTHER_SESSION)]) == ([], ["pause"])
        assert (sent.error, at.slack.modal_of(at.person)) == (None, None)
    assert results(at) == [(paused(session=OTHER_SESSION), message.ts)]


@BOTH_TRANSPORTS
async def test_all_sessions_can_be_paused_once_each_also_if_the_submission_comes_again() -> None:
    async with single_workspace() as at:
        at.anchor.fault = Slow(0.5)
        message, view = await ask(at)
        sent = await at.slack.submit(at.person, view, {ALL: [ALL]})
        await at.slack.resend(sent)
        await at.wait_for_messages(3)
        again = await at.slack.resend(sent)
        await asyncio.sleep(0.3)
        assert (again.error, len(at.anchor.orders), len(at.messages())) == (None, 2, 3)
    assert results(at) == [(paused(), message.ts), (paused(session=OTHER_SESSION), message.ts)]


async def test_permissions_are_those_at_the_time_of_the_choice() -> None:
    async with single_workspace() as at:
        _, view = await ask(at)
        at.slack.home.change_user(at.person, is_restricted=True)
        await at.slack.submit(at.person, view, {ALL: [ALL]})
        await at.slack.until(lambda: len(at.ephemerals()) == 2)
        texts = {one.text for one in at.ephemerals()}
        assert at.anchor.requests == []
    denial = policy.NotAMember(policy.Role.GUEST)
    assert texts == {outcome_text(denial), outcome_text(denial, session=OTHER_SESSION)}


@pytest.mark.parametrize("origin", ["", "gAAAAA", "of somebody else"])
async def test_a_modal_that_was_not_opened_for_this_person_pauses_nothing(origin: str) -> None:
    async with single_workspace() as at:
        _, view = await ask(at)
        await at.slack.use_shortcut(at.slack.bob, at.slack.post(at.channel, TEXT, user=at.slack.bob))
        await at.slack.until(lambda: at.slack.modal_of(at.slack.bob))
        metadata = at.modal(at.slack.bob).private_metadata if origin == "of somebody else" else origin
        forged = at.slack.platform.views.put(replace(view, private_metadata=metadata))
        await at.slack.submit(at.person, forged, {"sessions_0": [SESSION]})
        assert at.anchor.requests == []
        assert OUT_OF_DATE in at.modal().text


# --- a message without an id ---


async def ask_without_id(
    at: SingleHarness, *, by: User | None = None, channel: Channel | None = None
) -> tuple[str, View]:
    """Use the shortcut on a message without an id, and return its ts and the modal."""
    message = at.slack.post(channel or at.channel, "The agent loops", user=at.slack.bob)
    await at.slack.use_shortcut(by or at.person, message)
    await at.slack.until(lambda: (view := at.slack.modal_of(by or at.person)) and LOADING not in view.text)
    return message.ts, at.modal(by)


@BOTH_TRANSPORTS
async def test_the_sessions_are_shown_and_each_result_goes_to_the_messages_thread() -> None:
    async with single_workspace() as at:
        at.anchor.add_session(session_id=OTHER_SESSION, state=SessionState.ENDED)
        ts, view = await ask_without_id(at)
        assert (buttons(view), NO_ID_NOTE in view.text, at.orders) == ([PAUSE], True, [])
        await at.slack.act(at.person, view, REFRESH)
        await at.slack.until(lambda: at.modal().hash != view.hash)
        view = at.modal()
        for verb, then in (("anchor_pause", RESUME), ("anchor_resume_confirmed", PAUSE), ("anchor_pause", RESUME)):
            await at.slack.act(at.person, view, verb)
            await at.slack.until(lambda: buttons(at.modal()) == [then])  # noqa: B023 - awaited here
            await at.wait_for_messages(2 + len(at.orders) - 1)
            view = at.modal()
        assert [order.verb for order in at.orders] == ["pause", "resume", "pause"]
        assert paused().splitlines()[0] in view.text
    assert [thread_ts for _, thread_ts in results(at)] == [ts] * 3
    posts = [one.arguments for one in at.slack.api_calls if one.method == "chat.postMessage"]  # before any update
    told = [str(one["text"]).partition(", from <")[0] for one in posts]
    assert [is_about(text, expected) for text, expected in zip(told, (paused(), resumed(), paused()), strict=True)] == [
        True
    ] * 3


@BOTH_TRANSPORTS
async def test_an_id_can_be_pasted_and_without_one_the_modal_says_what_is_missing() -> None:
    async with single_workspace() as at:
        at.anchor.session(SESSION).state = SessionState.PAUSED
        ts, view = await ask_without_id(at)
        for values in ({}, {"pasted": "the agent"}):
            await at.slack.submit(at.person, view, values)
            assert (at.modal().errors, at.orders) == ({"pasted": NO_SESSION}, [])
        await at.slack.submit(at.person, view, {"pasted": f"https://app.example/sessions/{SESSION}"})
        await at.wait_for_messages(2)
        assert at.slack.modal_of(at.person) is None
    ((text, thread_ts),) = results(at)
    assert (is_about(text, paused()), thread_ts) == (True, ts)


async def test_the_permissions_of_the_messages_channel_apply() -> None:
    async with single_workspace(ALLOWED_CHANNELS="C0ALERTS001") as at:
        for by, channel, refusal in (
            (at.slack.guest, at.channel, policy.NotAMember(policy.Role.GUEST)),
            (at.person, at.slack.private, policy.NotHere(frozenset({"C0ALERTS001"}))),
        ):
            _, view = await ask_without_id(at, by=by, channel=channel)
            assert list_refused(refusal) in view.text
            assert (view.submit, buttons(view)) == (None, [])
        await at.slack.close(at.person)
        _, view = await ask_without_id(at)
        await at.slack.act(at.person, view, "anchor_pause")
        await at.slack.until(lambda: at.orders)
