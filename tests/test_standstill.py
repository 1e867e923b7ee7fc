"""What is read after a standstill of the process can have waited for its end."""

import time

import pytest

from bot.standstill import StandstillMonitor


def test_what_is_read_soon_after_a_standstill_can_have_waited_for_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.standstill._NOTICEABLE", 0.5)
    monitor, now = StandstillMonitor(), time.monotonic()
    assert monitor.seconds_before(now) == 0.0
    assert monitor.seconds_before(now + 0.55) == 0.0  # too short
    assert monitor.seconds_before(now + 2.55) == pytest.approx(2.0)
    assert monitor.seconds_before(now + 3.05) == pytest.approx(2.5)  # read from a backlog
    assert monitor.seconds_before(now + 3.6) == 0.0
