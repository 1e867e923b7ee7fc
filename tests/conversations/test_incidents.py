"""Exceptions that nobody foresaw, which the person and the log get under one id; and requests that nothing handles."""

import asyncio
import logging
import re
import time
from collections.abc import Mapping

import pytest

from bot.sim.slack import Source
from harness import BOTH_TRANSPORTS, HTTP_ONLY, AdminHarness, outcome_text, paused, single_workspace
from harness.product import Limits, outcomes
from harness.texts import UNKNOWN_ACTION, incident_text, waiting_text

pytestmark = pytest.mark.anyio


async def broken(*_: object, **__: object) -> None:
    """Break after a while, as a part of the bot with a mistake in it does."""
    await asyncio.sleep(0.2)
    raise ZeroDivisionError("a mistake of ours")


def incident_in(caplog: pytest.LogCaptureFixture, kind: type[Exception] = ZeroDivisionError) -> str:
    """Return the incident's id in the log, where the traceback of such an exception is."""
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], kind)
    incident = str(vars(record)["incident"])
    assert re.fullmatch(r"[0-9a-f]{28}", incident)
    return incident


@BOTH_TRANSPORTS
@pytest.mark.parametrize("ack_wait", [2.0, 0.0], ids=["before the ack", "after the ack"])
async def test_an_exception_is_reported_and_logged_under_one_id(
    ack_wait: float, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.outbound.anchor.client.AnchorClient.send", broken)
    async with single_workspace(ack_wait=ack_wait) as at:
        delivery = await at.command()
        (seen,) = await at.wait_for_messages()
    assert delivery.status == 200
    assert seen.text == outcome_text(outcomes.Broken(incident_in(caplog)))


async def test_a_timeout_in_a_check_is_not_taken_for_the_end_of_the_bot(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def timing_out(*_: object) -> None:
        raise TimeoutError

    monkeypatch.setattr("bot.usecases.access_check.AccessCheck.check", timing_out)
    async with single_workspace() as at:
        await at.command()
        (seen,) = await at.wait_for_messages()
    assert seen.text == outcome_text(outcomes.Broken(incident_in(caplog, TimeoutError)))


async def test_an_outcome_too_late_for_the_ack_is_posted_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def stalling(*_: object) -> outcomes.Paused:
        time.sleep(2.55)  # noqa: ASYNC251 - nothing else in the process runs meanwhile
        return outcomes.Paused("paused")

    monkeypatch.setattr("bot.usecases.session_control.SessionControl.execute", stalling)
    async with single_workspace(ack_wait=Limits().ack_wait) as at:
        delivery = await at.command()
        (message,) = await at.wait_for_messages()
    assert delivery.ack is not None
    assert delivery.ack.text == waiting_text()
    assert (message.source, message.text) == (Source.RESPONSE_URL, paused())


async def test_an_exception_in_a_modal_is_shown_in_it(
    team: AdminHarness, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(payload: Mapping[str, object], _: object) -> None:
        raise ZeroDivisionError(len(payload))

    monkeypatch.setattr("bot.inbound.slack.modals.read_submission", unreadable)
    shown = await team.set_key("sk-0123456789")
    assert f"`{incident_in(caplog)}`" in shown.text


@HTTP_ONLY
async def test_an_exception_before_the_request_is_read_is_reported(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("bot.inbound.slack.request.verify_and_parse", unreadable)
    async with single_workspace() as at:
        delivery = await at.command()
        (seen,) = at.ephemerals()
        assert at.anchor.requests == []
    assert delivery.status == 200
    assert seen.text == incident_text(incident_in(caplog))


def click(response_url: str, /, **changes: object) -> dict[str, object]:
    """Build a click on a button that is not the bot's."""
    payload = {
        "type": "block_actions",
        "user": {"id": "U0ALICE0001", "team_id": "T0HOME00001"},
        "team": {"id": "T0HOME00001"},
        "channel": {"id": "C0ALERTS001"},
        "actions": [{"type": "button", "action_id": "somebody_elses", "value": "x"}],
        "trigger_id": "1.2.3",
        "response_url": response_url,
    }
    return payload | changes


@BOTH_TRANSPORTS
async def test_an_unknown_button_is_answered() -> None:
    async with single_workspace() as at:
        url = (await at.command("help")).response_url
        answer = await at.deliver("interactive", click(url), takes_answer=True)
        await at.slack.until(lambda: len(at.ephemerals()) == 2)
        assert at.anchor.requests == []
    assert (answer.status, answer.body) == (200, b"")
    assert at.ephemerals()[-1].text == UNKNOWN_ACTION


async def test_an_unknown_button_of_an_unknown_workspace_is_answered_by_its_url_alone() -> None:
    async with single_workspace() as at:
        url = (await at.command("help")).response_url
        payload = click(url.replace("/commands/", "/elsewhere/"), team=None)
        answer = await at.deliver("interactive", payload, takes_answer=True)
        await asyncio.sleep(0.2)
        assert at.methods == ["auth.test"]
    assert answer.status == 200


URL = "https://hooks.slack.com/actions/x"
UNANSWERABLE: dict[str, tuple[str, dict[str, object]]] = {
    "a button without a response_url": ("interactive", click(URL, response_url=None)),
    "a modal": ("interactive", click(URL, type="view_submission", actions=None)),
    "a shortcut": ("interactive", click(URL, type="message_action", actions=None, callback_id="x")),
    "an event": (
        "events_api",
        {"type": "event_callback", "team_id": "T0HOME00001", "event": {"type": "app_home_opened"}},
    ),
}


@pytest.mark.parametrize(("kind", "payload"), UNANSWERABLE.values(), ids=UNANSWERABLE)
async def test_what_cannot_be_answered_is_acknowledged(kind: str, payload: dict[str, object]) -> None:
    async with single_workspace() as at:
        answer = await at.deliver(kind, payload)
        assert (answer.status, answer.body) == (200, b"")
        assert at.ephemerals() == []
