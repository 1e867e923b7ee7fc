"""The message shortcut on a message without a session id: the modal with the sessions, whose results go there."""

from dataclasses import replace
from unittest.mock import AsyncMock

import pytest

from bot.config.settings import DASHBOARD_URL
from bot.core.policy import NotAMember, NotHere, Role
from bot.core.session_list import NotRead, Unread
from bot.messages.session_choice import no_id_note
from bot.messages.session_list import list_refusal, not_read_text
from bot.messages.session_modal import NO_SESSION, not_opened_message
from bot.messages.session_overview import REFRESH
from bot.sim.anchor import Hang, SessionState, Slow
from bot.sim.slack import Channel, User, View, api_error
from bot.usecases.session_list import SessionLists
from conversations.test_session_choice import results
from conversations.test_session_views import LOADING, PAUSE, RESUME, buttons
from harness import BOTH_TRANSPORTS, HTTP_ONLY, OTHER_SESSION, SESSION, SingleHarness, paused, resumed, single_workspace
from harness.texts import is_about

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("lasting_triggers")]


async def ask(
    at: SingleHarness, *, by: User | None = None, channel: Channel | None = None, is_loading: bool = False
) -> tuple[str, View]:
    """Use the shortcut on a message without an id, and return its ts and the modal, or its placeholder."""
    who = by or at.person
    message = at.slack.post(channel or at.channel, "The agent loops", user=at.slack.bob)
    await at.slack.use_shortcut(who, message)
    await at.slack.until(lambda: (view := at.slack.modal_of(who)) and (LOADING in view.text) is is_loading)
    view = at.slack.modal_of(who)
    assert view is not None
    return message.ts, view


@BOTH_TRANSPORTS
async def test_the_sessions_are_shown_and_each_result_goes_to_the_messages_thread() -> None:
    async with single_workspace() as at:
        at.anchor.add_session(session_id=OTHER_SESSION, state=SessionState.ENDED)
        ts, view = await ask(at)
        assert (buttons(view), no_id_note(is_complete=True) in view.text, at.orders) == ([PAUSE], True, [])
        for verb, then in (("anchor_pause", RESUME), ("anchor_resume_confirmed", PAUSE), ("anchor_pause", RESUME)):
            await at.slack.act(at.person, view, verb)
            await at.slack.until(lambda: buttons(at.slack.modal_of(at.person)) == [then])  # noqa: B023 - awaited here
            await at.wait_for_messages(2 + len(at.orders) - 1)
            view = at.slack.modal_of(at.person) or view
        assert [order.verb for order in at.orders] == ["pause", "resume", "pause"]
        assert paused().splitlines()[0] in view.text
    told = results(at)
    assert [thread_ts for _, thread_ts in told] == [ts] * 3
    assert sorted(is_about(text, paused()) for text, _ in told) == [False, True, True]
    assert sum(is_about(text, resumed()) for text, _ in told) == 1


async def test_where_the_bot_is_no_member_the_result_goes_to_the_channel() -> None:
    async with single_workspace() as at:
        _, view = await ask(at, channel=at.slack.private)
        await at.slack.act(at.person, view, "anchor_pause")
        await at.slack.until(lambda: len(at.messages(at.slack.private)) == 2)
    ((text, thread_ts),) = results(at, at.slack.private)
    assert (is_about(text, paused()), thread_ts) == (True, None)


async def test_after_the_lists_were_read_again_the_results_still_go_there() -> None:
    async with single_workspace() as at:
        ts, view = await ask(at)
        other = at.anchor.add_session(session_id=OTHER_SESSION)
        at.anchor.session(SESSION).state = SessionState.ENDED
        await at.slack.act(at.person, view, REFRESH)
        await at.slack.until(lambda: (now := at.slack.modal_of(at.person)) and now.hash != view.hash)
        shown = at.slack.modal_of(at.person)
        assert shown is not None
        assert shown.private_metadata
        await at.slack.submit(at.person, shown, {"pasted": other})
        await at.wait_for_messages(2)
    assert [thread_ts for _, thread_ts in results(at)] == [ts]


@BOTH_TRANSPORTS
async def test_an_id_can_be_pasted() -> None:
    async with single_workspace() as at:
        at.anchor.session(SESSION).state = SessionState.PAUSED
        ts, view = await ask(at)
        await at.slack.submit(at.person, view, {"pasted": f"https://app.example/sessions/{SESSION}"})
        await at.wait_for_messages(2)
        assert at.slack.modal_of(at.person) is None
    ((text, thread_ts),) = results(at)
    assert (is_about(text, paused()), thread_ts) == (True, ts)


@pytest.mark.parametrize("pasted", ["", "the agent"])
async def test_without_an_id_the_modal_says_what_is_missing(pasted: str) -> None:
    async with single_workspace() as at:
        _, view = await ask(at)
        await at.slack.submit(at.person, view, {"pasted": pasted} if pasted else {})
        present = at.slack.modal_of(at.person)
        assert present is not None
        assert (present.errors, at.orders) == ({"pasted": NO_SESSION}, [])


async def test_the_results_of_a_modal_that_was_opened_for_somebody_else_go_to_the_person() -> None:
    async with single_workspace() as at:
        _, his = await ask(at, by=at.slack.bob)
        _, view = await ask(at)
        forged = at.slack.platform.views.put(replace(view, private_metadata=his.private_metadata))
        await at.slack.act(at.person, forged, "anchor_pause")
        (told,) = await at.wait_for_direct_messages()
    assert is_about(told, paused())
    assert results(at) == []


async def test_the_permissions_of_the_messages_channel_apply() -> None:
    async with single_workspace(ALLOWED_CHANNELS="C0ALERTS001") as at:
        _, view = await ask(at, channel=at.slack.private)
        refusal = list_refusal(NotHere(frozenset({"C0ALERTS001"})), dashboard_url=DASHBOARD_URL)
        assert (refusal.text in view.text, view.submit) == (True, None)
        await at.slack.close(at.person)
        _, view = await ask(at)
        await at.slack.act(at.person, view, "anchor_pause")
        await at.slack.until(lambda: at.orders)


async def test_while_anchor_is_slow_a_placeholder_is_shown() -> None:
    async with single_workspace() as at:
        at.anchor.fault = Slow(2.0)
        await ask(at, is_loading=True)
        await at.slack.until(lambda: buttons(at.slack.modal_of(at.person)) == [PAUSE])


async def test_if_anchor_does_not_answer_an_id_can_be_pasted() -> None:
    async with single_workspace(ANCHOR_TIMEOUT="1") as at:
        at.anchor.fault = Hang()
        _, view = await ask(at)
        assert not_read_text(NotRead(Unread.TIMED_OUT), dashboard_url=DASHBOARD_URL) in view.text
        at.anchor.fault = None
        await at.slack.submit(at.person, view, {"pasted": SESSION})
        await at.slack.until(lambda: len(at.messages()) == 2)


async def test_people_without_permission_see_no_sessions() -> None:
    async with single_workspace() as at:
        _, view = await ask(at, by=at.slack.guest)
        assert list_refusal(NotAMember(Role.GUEST), dashboard_url=DASHBOARD_URL).text in view.text
        assert (view.submit, buttons(view), at.anchor.requests) == (None, [], [])


async def test_an_unexpected_exception_is_reported_in_the_modal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SessionLists, "overview", AsyncMock(side_effect=RuntimeError))
    async with single_workspace() as at:
        _, view = await ask(at)
        assert "incident" in view.text


@HTTP_ONLY
async def test_if_the_list_cannot_replace_the_placeholder_the_person_is_told() -> None:
    async with single_workspace() as at:
        at.anchor.fault = Slow(2.0)
        at.slack.faults["views.update"] = replace(api_error("internal_error"), times=1)
        await ask(at, is_loading=True)
        answer = await at.wait_for_ephemeral()
    assert answer.text == not_opened_message().text
