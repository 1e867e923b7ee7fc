"""The message shortcut on a message with several session ids: a modal to choose in, and an order for each."""

import asyncio
from dataclasses import replace
from typing import Any
from unittest.mock import AsyncMock

import pytest

from bot.sim.anchor import Slow
from bot.sim.slack import Channel, Message, Source, View
from harness import (
    BOTH_TRANSPORTS,
    HTTP_ONLY,
    OTHER_SESSION,
    SESSION,
    SingleHarness,
    outcome_text,
    paused,
    single_workspace,
)
from harness.product import errors, policy
from harness.session_texts import ALL, NOT_OPENED, NOTHING_CHOSEN, OUT_OF_DATE, choice_question

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("lasting_triggers")]

TEXT = f"Scraper spends: {SESSION}\nBuyer loops: {OTHER_SESSION}"


async def ask(at: SingleHarness, text: str = TEXT, channel: Channel | None = None) -> tuple[Message, View]:
    """Use the shortcut on a message with several ids, and return it and the modal."""
    at.anchor.add_session(session_id=OTHER_SESSION)
    message = at.slack.post(channel or at.channel, text, user=at.slack.bob)
    await at.slack.use_shortcut(at.person, message)
    await at.slack.until(lambda: at.slack.modal_of(at.person))
    return message, at.modal()


def offered(view: View) -> list[tuple[str, str]]:
    """The sessions in a modal, with the text below each."""
    boxes: list[Any] = [box for block in view.blocks for box in block.get("element", {}).get("options", ())]  # type: ignore[attr-defined]
    return [(box["value"], box.get("description", {}).get("text", "")) for box in boxes if box["value"] != ALL]


def results(at: SingleHarness, channel: Channel | None = None) -> list[tuple[str, str | None]]:
    """What the bot has posted, without the links to the message, and in which threads."""
    posted = [one for one in at.messages(channel) if one.source is not Source.POSTED]
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


async def test_results_for_which_the_url_is_used_up_come_as_direct_messages() -> None:
    ids = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(5)]
    async with single_workspace() as at:
        _, view = await ask(at, "\n".join(ids), at.slack.private)
        await at.slack.submit(at.person, view, {ALL: [ALL]})
        texts = await at.wait_for_direct_messages(2)
        await at.slack.until(lambda: len(at.messages(at.slack.private)) == 4)
        shown = [one.text for one in at.messages(at.slack.private)[1:]] + texts
    assert all(any(session_id in text for text in shown) for session_id in ids)


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


async def test_a_message_that_is_too_long_to_be_read_asks_about_its_only_id() -> None:
    async with single_workspace() as at:
        message = at.slack.post(at.channel, f"{SESSION} {'a ' * 15_000}", user=at.slack.bob)
        long = {"type": "message", "text": f"{SESSION} {'a ' * 60_000}", "ts": message.ts}
        await at.slack.use_shortcut(at.person, message, message=long)
        await at.slack.until(lambda: at.slack.modal_of(at.person))
        view = at.modal()
        assert at.anchor.requests == []
        assert choice_question(long) in view.text
        assert [name for name, _ in offered(view)] == [SESSION]
        await at.slack.submit(at.person, view, {"sessions_0": [SESSION]})
        await at.slack.until(lambda: at.orders)


@HTTP_ONLY
@pytest.mark.parametrize("trouble", ["the trigger is too old", "the database is down", "the app is gone"])
async def test_a_modal_that_does_not_open_is_reported(trouble: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with single_workspace() as at:
        message = at.slack.post(at.channel, TEXT, user=at.slack.bob)
        if trouble == "the trigger is too old":
            await at.slack.use_shortcut(at.person, message, trigger_id="1.2.3")
        else:
            error = errors.StoreUnreachableError("down") if "database" in trouble else None
            find = AsyncMock(side_effect=error, return_value=None)
            monkeypatch.setattr("bot.outbound.workspaces.SingleWorkspace.find", find)
            await at.slack.use_shortcut(at.person, message)
        assert (await at.wait_for_ephemeral()).text == NOT_OPENED
        assert at.anchor.requests == []
