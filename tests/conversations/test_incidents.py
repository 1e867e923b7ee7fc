"""Exceptions that nobody foresaw, which the person and the log get under one id; and requests that nothing handles."""

import asyncio
import logging
import re

import pytest

from harness import BOTH_TRANSPORTS, HTTP_ONLY, outcome_text, single_workspace
from harness.product import outcomes
from harness.texts import incident_text

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
    monkeypatch.setattr("bot.outbound.anchor.orders.AnchorClient.send", broken)
    async with single_workspace(ack_wait=ack_wait) as at:
        delivery = await at.command()
        (seen,) = await at.wait_for_messages()
    assert delivery.status == 200
    assert seen.text == outcome_text(outcomes.Broken(incident_in(caplog)))


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
