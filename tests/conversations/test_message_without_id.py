"""The message shortcut on a message without a session id: the modal with the sessions, whose results go there."""

from dataclasses import replace

import pytest

from bot.sim.anchor import SessionState, Slow
from bot.sim.slack import Channel, User, View, api_error
from conversations.test_session_choice import results
from conversations.test_session_views import PAUSE, RESUME, buttons
from harness import BOTH_TRANSPORTS, HTTP_ONLY, OTHER_SESSION, SESSION, SingleHarness, paused, resumed, single_workspace
from harness.product import policy
from harness.session_texts import LOADING, NO_ID_NOTE, NO_SESSION, NOT_OPENED, REFRESH, list_refused
from harness.texts import is_about

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("lasting_triggers")]


async def ask(
    at: SingleHarness, *, by: User | None = None, channel: Channel | None = None, is_loading: bool = False
) -> tuple[str, View]:
    """Use the shortcut on a message without an id, and return its ts and the modal, or its placeholder."""
    message = at.slack.post(channel or at.channel, "The agent loops", user=at.slack.bob)
    await at.slack.use_shortcut(by or at.person, message)
    await at.slack.until(lambda: (view := at.slack.modal_of(by or at.person)) and (LOADING in view.text) is is_loading)
    return message.ts, at.modal(by)


@BOTH_TRANSPORTS
async def test_the_sessions_are_shown_and_each_result_goes_to_the_messages_thread() -> None:
    async with single_workspace() as at:
        at.anchor.add_session(session_id=OTHER_SESSION, state=SessionState.ENDED)
        ts, view = await ask(at)
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
    told = results(at)
    assert [thread_ts for _, thread_ts in told] == [ts] * 3
    assert sorted(is_about(text, paused()) for text, _ in told) == [False, True, True]
    assert sum(is_about(text, resumed()) for text, _ in told) == 1


@BOTH_TRANSPORTS
async def test_an_id_can_be_pasted_and_without_one_the_modal_says_what_is_missing() -> None:
    async with single_workspace() as at:
        at.anchor.session(SESSION).state = SessionState.PAUSED
        ts, view = await ask(at)
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
            _, view = await ask(at, by=by, channel=channel)
            assert list_refused(refusal) in view.text
            assert (view.submit, buttons(view)) == (None, [])
        await at.slack.close(at.person)
        _, view = await ask(at)
        await at.slack.act(at.person, view, "anchor_pause")
        await at.slack.until(lambda: at.orders)


@HTTP_ONLY
async def test_if_the_list_cannot_replace_the_placeholder_the_person_is_told() -> None:
    async with single_workspace() as at:
        at.anchor.fault = Slow(2.0)
        at.slack.faults["views.update"] = replace(api_error("internal_error"), times=1)
        await ask(at, is_loading=True)
        answer = await at.wait_for_ephemeral()
    assert answer.text == NOT_OPENED
