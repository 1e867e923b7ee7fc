"""Later alerts of a session are counted on its card, and the most severe one is shown."""

from dataclasses import replace

from bot.core.alerts import first, fold
from harness import SESSION
from harness.product import SessionId, alerts

Severity = alerts.Severity
ALERT = alerts.Alert(SessionId(SESSION), "It spends.", severity=Severity.WARNING, fingerprint="a")
RESOLVED = replace(ALERT, is_resolved=True)
INFO = replace(ALERT, text="It started.", severity=Severity.INFO, fingerprint="b")
CRITICAL = replace(ALERT, text="It spends more.", severity=Severity.CRITICAL)


def test_a_card_is_resolved_when_no_alert_of_it_fires() -> None:
    content = fold(first(ALERT, 1.0), INFO, 2.0)
    half = fold(content, RESOLVED, 3.0)
    whole = fold(half, replace(INFO, is_resolved=True), 4.0)
    again = fold(whole, INFO, 5.0)
    assert [one.resolved_at for one in (content, half, whole, again)] == [None, None, 4.0, None]
    assert [one.count for one in (content, half, whole, again)] == [2, 2, 2, 3]
    assert again.alert == INFO


def test_a_resolved_alert_keeps_its_time_and_without_a_fingerprint_resolves_all_of_its_sender() -> None:
    assert fold(fold(first(ALERT, 1.0), RESOLVED, 2.0), RESOLVED, 3.0).resolved_at == 2.0
    content = fold(fold(first(ALERT, 1.0), INFO, 2.0), replace(RESOLVED, fingerprint=""), 3.0)
    assert (content.firing, content.resolved_at) == ((), 3.0)
    other = replace(ALERT, sender="grafana")
    content = fold(fold(first(ALERT, 1.0), other, 2.0), replace(RESOLVED, fingerprint=""), 3.0)
    assert (content.firing, content.resolved_at) == ((other.firing,), None)
    content = fold(fold(first(ALERT, 1.0), other, 2.0), RESOLVED, 3.0)
    assert (content.firing, content.resolved_at) == ((other.firing,), None)


def test_of_too_many_alerts_of_a_sender_those_that_asked_for_a_pause_stay() -> None:
    def named(number: int, *, asks: bool = False) -> alerts.Alert:
        return replace(ALERT, fingerprint=f"{number}", asks=asks or None)

    asking = named(0, asks=True)
    content = fold(first(replace(ALERT, sender="grafana"), 1.0), asking, 2.0)
    for alert in (named(0), *map(named, range(1, 501))):
        content = fold(content, alert, 3.0)
    kept = [one for one in content.firing if one.sender == ALERT.sender]
    assert (len(content.firing), kept[0], kept[1].fingerprint) == (501, asking.firing, "2")
    for number in range(501, 1_001):
        content = fold(content, named(number, asks=True), 4.0)
    content = fold(content, named(0), 5.0)
    kept = [one for one in content.firing if one.sender == ALERT.sender]
    assert [one.fingerprint for one in kept] == [f"{number}" for number in range(501, 1_001)]
