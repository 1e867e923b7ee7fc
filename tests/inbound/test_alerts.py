"""Alerts as programs, Alertmanager and Grafana send them."""

import json
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.inbound.alert_formats import MOST_FIELDS, BadAlertError, Webhook, read_alert, read_webhook
from bot.messages import alert_tokens as say
from harness import OTHER_SESSION, SESSION
from harness.product import SessionId, alerts
from harness.samples import sample
from harness.webhooks import alertmanager_alert, alertmanager_body

ID = SessionId(SESSION)
LEAST: dict[str, object] = {"session_id": ID, "text": "High spend"}
FIELDS = ("session_id", "text", "title", "severity", "url", "channel", "fingerprint", "status", "fields", "x")


def test_an_alert_with_every_field() -> None:
    fields = {
        "session_id": f"https://app.example/sessions/{ID.upper()}",
        "text": "High spend",
        "title": " Spend ",
        "severity": "CRITICAL",
        "url": "https://a.example/1",
        "channel": "C0123456789\n",
        "fingerprint": " f1 ",
        "status": "Resolved",
        "fields": {"model": "large", "spent": 40, "empty": " "},
    }
    facts = (("model", "large"), ("spent", "40"))
    texts = ("High spend", "Spend", alerts.Severity.CRITICAL, "https://a.example/1", "C0123456789", "f1")
    assert read_alert(fields) == alerts.Alert(ID, *texts, is_resolved=True, fields=facts)
    many = {str(number): number for number in range(11)}
    assert len(read_alert(LEAST | {"severity": "fatal", "fields": many}).fields) == MOST_FIELDS


NO_ID: tuple[object, ...] = (None, "", 7, ID[:-1], f"{ID} {OTHER_SESSION}", ID.rjust(501))
UNREADABLE: dict[str, tuple[object, ...]] = {
    "text": (" \u200b\x00 ", ["High spend"]),
    "title": (1,),
    "url": (
        *("javascript:alert(1)", "https://", "https://[::1", "https://a.example/ b", "https://a.example/\u202e"),
        *("https://a.example/\ud800", "https://me:secret@a.example/", "https://a.example/?" + "&" * 200),
        *("https://anchor.example@evil/", "https://аnchor.example/", "https://evil.example\\.anchor.example/"),
        *("https://evil%2eexample/", "https://a.example:x/", "https://\u3164/"),
    ),
    "status": ("over", 1),
    "fields": ([0], "x", {"a": None}),
    "starts_at": ("soon", 7),
    "message": (1,),
}


@pytest.mark.parametrize(
    ("field", "value"), [(field, value) for field, values in UNREADABLE.items() for value in values], ids=repr
)
def test_what_cannot_be_read_is_ignored_with_a_warning(field: str, value: object) -> None:
    found = read_alert(LEAST | {field: value})
    without = read_alert({name: one for name, one in LEAST.items() if name != field})
    assert found == replace(without, warnings=(say.ignored(field),))


@pytest.mark.parametrize("given", NO_ID, ids=repr)
def test_without_a_session_there_is_no_alert(given: object) -> None:
    with pytest.raises(BadAlertError, match="session_id"):
        read_alert(LEAST | {"session_id": given})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_any_json_with_a_session_is_an_alert(fields: dict[str, object]) -> None:
    with pytest.raises(BadAlertError):
        read_alert([fields])
    found = read_alert(fields | {"session_id": ID})
    assert (found.session_id, bool(found.text)) == (ID, True)


OTHER_ID = SessionId(OTHER_SESSION)
Severity = alerts.Severity


def read(*alerts: object) -> Webhook:
    return read_webhook(alertmanager_body(*alerts))


def only(*alerts: object) -> Any:
    (alert,) = read(*alerts).alerts
    return alert


def grafana_alert(*, session: str = SESSION, status: str = "firing") -> dict[str, Any]:
    """The first alert of the body in Grafana's documentation, with a session."""
    alert: dict[str, Any] = sample("webhook.grafana")["alert"]
    return alert | {"status": status, "labels": alert["labels"] | {"session_id": session}}


def grafana_body(*alerts: object, status: str = "firing") -> dict[str, Any]:
    """A body of Grafana, from the same page as the alert. That of a mixed group says `firing`."""
    body: dict[str, Any] = sample("webhook.grafana")["body"]
    return body | {"alerts": list(alerts), "status": status}


def test_alerts_of_grafana_that_fire_and_are_resolved() -> None:
    firing, resolved = grafana_alert(), grafana_alert(session=OTHER_SESSION, status="resolved")
    found = read_webhook(grafana_body(firing, resolved))  # its own status is firing
    assert [(one.session_id, one.is_resolved) for one in found.alerts] == [(ID, False), (OTHER_ID, True)]
    one = found.alerts[0]
    assert (one.title, one.text, one.severity) == (
        "High memory usage",
        "This alert was triggered for zone us-1\nThe system has high memory usage",
        Severity.WARNING,
    )
    assert one.url == "https://play.grafana.org/alerting/1afz29v7z/edit"
    for link in ("dashboardURL", "panelURL"):  # the panel goes first
        firing |= {link: f"https://play.grafana.org/{link}"}
        assert read_webhook(grafana_body(firing)).alerts[0].url == firing[link]
    assert one.fields == (("team", "blue"), ("zone", "us-1"))
    assert one.fingerprint == "c6eadffa33fcdf37"
    alone = read_webhook(grafana_body(resolved, status="resolved")).alerts
    assert [one.is_resolved for one in alone] == [True]


def test_the_session_is_the_label_or_else_the_annotation() -> None:
    texts = {"session_id": OTHER_SESSION, "summary": "x"}
    assert only(alertmanager_alert(annotations=texts)).session_id == ID
    for absent in ("", None):
        assert only(alertmanager_alert(labels={"session_id": absent}, annotations=texts)).session_id == OTHER_ID
    for bad in (" ", 7, SESSION[:-1], f"{SESSION} {OTHER_SESSION}"):
        assert read(alertmanager_alert(labels={"session_id": bad}, annotations=texts)).alerts == []
    elsewhere = {"session_id": "", "instance": SESSION}
    assert read(alertmanager_alert(labels=elsewhere, annotations={"summary": SESSION})).alerts == []


KEYS = ("status", "labels", "annotations", "startsAt", "fingerprint", "generatorURL", "panelURL", "dashboardURL")
NAMES = ("alertname", "session_id", "severity", "summary", "description", "x")
ALERTS = st.dictionaries(st.sampled_from(KEYS), JSON | st.dictionaries(st.sampled_from(NAMES), JSON | st.just(SESSION)))


@given(
    JSON
    | st.fixed_dictionaries({"version": JSON | st.sampled_from(["4", "1"]), "alerts": JSON | st.lists(ALERTS | JSON)})
)
def test_whatever_the_json_is_it_is_read_or_refused(body: Any) -> None:
    try:
        found = read_webhook(body)
    except BadAlertError:
        assert (
            not isinstance(body, dict) or body.get("version") not in ("4", "1") or not isinstance(body["alerts"], list)
        )
    else:
        assert len(found.alerts) + len(found.without_session) == len(body["alerts"])
        json.dumps([replace(one, url=None).text for one in found.alerts])


@pytest.mark.parametrize("text", ["a", " ", "<", "&", "-0", "%", "é", "\u200b", SESSION + " ", "<a|", "https://["])
def test_the_time_to_read_is_linear(text: str) -> None:
    def seconds(size: int) -> float:
        long = text * (size // len(text))
        labels = {"alertname": long, "session_id": long, "severity": long, long: long}
        alert = alertmanager_alert(
            labels=labels, annotations={"summary": long}, url=long, starts=long, fingerprint=long
        )
        body = alertmanager_body(*[alert] * (4_000_000 // (8 * size)))
        began = time.process_time()
        read_webhook(body)
        return time.process_time() - began

    assert max(map(seconds, (1_000, 19_000, 500_000))) < 2.5
