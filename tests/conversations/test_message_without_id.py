"""The message shortcut on a message without a session id: a modal with the sessions that run, and room for an id."""

from dataclasses import replace
from unittest.mock import AsyncMock

import pytest

from bot.config.settings import DASHBOARD_URL
from bot.core.policy import NotAMember, Role
from bot.core.session_list import NotRead, Unread
from bot.messages.modal_results import ONE_MOMENT
from bot.messages.session_choice import ALL, NO_SESSION, NOTHING_CHOSEN, choice_not_opened_message
from bot.messages.session_list import list_refusal, not_read_text
from bot.sim.anchor import Hang, SessionState, Slow
from bot.sim.slack import User, View, api_error
from bot.usecases.session_list import SessionLists
from conversations.test_session_choice import offered, results
from harness import BOTH_TRANSPORTS, HTTP_ONLY, OTHER_SESSION, SESSION, SingleHarness, paused, single_workspace
from harness.texts import is_about

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("lasting_triggers")]


async def ask(at: SingleHarness, *, by: User | None = None, words: str = "") -> tuple[str, View]:
    """Use the shortcut on a message without an id, and return its ts and the modal that has these words."""
    who = by or at.person
    message = at.slack.post(at.channel, "The agent loops", user=at.slack.bob)
    await at.slack.use_shortcut(who, message)

    def shown() -> View | None:
        view = at.slack.modal_of(who)
        return view if view and words in view.text and (words or ONE_MOMENT not in view.text) else None

    await at.slack.until(shown)
    view = shown()
    assert view is not None
    return message.ts, view


@BOTH_TRANSPORTS
async def test_the_sessions_that_run_are_offered_and_the_result_goes_to_the_messages_thread() -> None:
    async with single_workspace() as at:
        at.anchor.add_session(session_id=OTHER_SESSION, state=SessionState.ENDED)
        ts, view = await ask(at)
        assert [name for name, _ in offered(view)] == [SESSION]
        assert ALL not in view.state
        assert at.orders == []
        await at.slack.submit(at.person, view, {"sessions_0": [SESSION]})
        await at.wait_for_messages(2)
        assert [order.verb for order in at.orders] == ["pause"]
        assert at.slack.modal_of(at.person) is None
    ((text, thread_ts),) = results(at)
    assert (is_about(text, paused()), thread_ts) == (True, ts)


@BOTH_TRANSPORTS
async def test_an_id_can_be_pasted() -> None:
    async with single_workspace() as at:
        at.anchor.session(SESSION).state = SessionState.PAUSED
        ts, view = await ask(at)
        await at.slack.submit(at.person, view, {"pasted": f"https://app.example/sessions/{SESSION}"})
        await at.wait_for_messages(2)
    ((text, thread_ts),) = results(at)
    assert (is_about(text, paused()), thread_ts) == (True, ts)


@pytest.mark.parametrize(("pasted", "problem"), [("", NOTHING_CHOSEN), ("the agent", NO_SESSION)])
async def test_without_a_choice_the_modal_says_what_is_missing(pasted: str, problem: str) -> None:
    async with single_workspace() as at:
        _, view = await ask(at)
        await at.slack.submit(at.person, view, {"pasted": pasted} if pasted else {})
        present = at.slack.modal_of(at.person)
        assert present is not None
        assert (present.errors, at.orders) == ({"pasted": problem}, [])


async def test_while_anchor_is_slow_a_placeholder_is_shown() -> None:
    async with single_workspace() as at:
        at.anchor.fault = Slow(2.0)
        await ask(at, words=ONE_MOMENT)
        at.anchor.fault = None
        _, view = await ask(at, words=SESSION)
        assert [name for name, _ in offered(view)] == [SESSION]


async def test_if_anchor_does_not_answer_an_id_can_be_pasted() -> None:
    async with single_workspace(ANCHOR_TIMEOUT="1") as at:
        at.anchor.fault = Hang()
        _, view = await ask(at, words="Session id, or")
        assert not_read_text(NotRead(Unread.TIMED_OUT), dashboard_url=DASHBOARD_URL) in view.text
        at.anchor.fault = None
        await at.slack.submit(at.person, view, {"pasted": SESSION})
        await at.slack.until(lambda: len(at.messages()) == 2)


async def test_people_without_permission_see_no_sessions() -> None:
    async with single_workspace() as at:
        _, view = await ask(at, by=at.slack.guest)
        assert list_refusal(NotAMember(Role.GUEST), dashboard_url=DASHBOARD_URL).text in view.text
        assert (view.submit, offered(view), at.anchor.requests) == (None, [], [])


async def test_an_unexpected_exception_is_reported_in_the_modal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SessionLists, "running", AsyncMock(side_effect=RuntimeError))
    async with single_workspace() as at:
        _, view = await ask(at)
        assert "incident" in view.text


@HTTP_ONLY
async def test_if_the_list_cannot_replace_the_placeholder_the_person_is_told() -> None:
    async with single_workspace() as at:
        at.anchor.fault = Slow(2.0)
        at.slack.faults["views.update"] = replace(api_error("internal_error"), times=1)
        await ask(at, words=ONE_MOMENT)
        answer = await at.wait_for_ephemeral()
    assert answer.text == choice_not_opened_message().text
