"""Rejected requests show in the log, but can't fill it."""

import asyncio

import pytest

from bot.inbound.rejections import Rejected, RejectionLog


@pytest.mark.anyio
async def test_one_of_each_status_is_logged_in_ten_seconds_with_the_count(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rejections = RejectionLog()
    for _ in range(3):
        rejections.record(Rejected(401, "unsigned"))
    rejections.record(Rejected(400, "team_id is missing"))
    await asyncio.sleep(10.0)
    rejections.record(Rejected(401, "stale"))
    assert [tuple(vars(record)[name] for name in ("status", "why", "count")) for record in caplog.records] == [
        (401, "unsigned", 1),
        (400, "team_id is missing", 1),
        (401, "stale", 3),
    ]
