"""Rejected requests show in the log, but can't fill it."""

import pytest

from bot.inbound.rejections import Rejected, RejectionLog


def test_one_of_each_status_is_logged_in_ten_seconds_with_the_count_of_all(caplog: pytest.LogCaptureFixture) -> None:
    time = 0.0
    rejections = RejectionLog(lambda: time)
    for _ in range(3):
        rejections.record(Rejected(401, "unsigned"))
    rejections.record(Rejected(400, "team_id is missing"))
    time = 10.0
    rejections.record(Rejected(401, "stale"))
    assert [tuple(vars(record)[name] for name in ("status", "why", "count")) for record in caplog.records] == [
        (401, "unsigned", 1),
        (400, "team_id is missing", 1),
        (401, "stale", 3),
    ]
