"""The bodies of Alertmanager's webhook."""

from collections.abc import Mapping

from harness.texts import SESSION


def alertmanager_alert(
    *,
    session: str = SESSION,
    fingerprint: str = "06dfe9b4e5b92f7c",
    starts: str = "2026-11-29T00:15:26.739266876+02:00",
    status: str = "firing",
    url: str = "https://prom.example/graph?g0.expr=spend",
    labels: Mapping[str, object] | None = None,
    annotations: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """An alert as in https://prometheus.io/docs/alerting/latest/notifications/#alert."""
    own = {"alertname": "AnchorSpendHigh", "session_id": session, "model": "large", "severity": "page"}
    said = {"summary": "It spent $40", "description": "of $5 in a minute"}
    return {
        "status": status,
        "labels": own | dict(labels or {}),
        "annotations": said | dict(annotations or {}),
        "startsAt": starts,
        "endsAt": "0001-01-01T00:00:00Z" if status == "firing" else "2026-11-29T03:00:00Z",
        "generatorURL": url,
        "fingerprint": fingerprint,
    }


def alertmanager_body(*alerts: object, truncated: int = 0) -> dict[str, object]:
    """A body as in https://prometheus.io/docs/alerting/latest/configuration/#webhook_config."""
    return {
        "version": "4",
        "groupKey": '{}:{alertname="AnchorSpendHigh"}',
        "truncatedAlerts": truncated,
        "status": "firing",
        "receiver": "anchor",
        "groupLabels": {"alertname": "AnchorSpendHigh"},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager:9093",
        "alerts": list(alerts),
    }


def grafana_alert(*, session: str = SESSION, status: str = "firing") -> dict[str, object]:
    """The first alert of the body in Grafana's documentation, with a session.

    https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/
    """
    return {
        "status": status,
        "labels": {
            "alertname": "High memory usage",
            "team": "blue",
            "zone": "us-1",
            "__x__": "1",
            "session_id": session,
        },
        "annotations": {
            "description": "The system has high memory usage",
            "runbook_url": "https://myrunbook.com/runbook/1234",
            "summary": "This alert was triggered for zone us-1",
        },
        "startsAt": "2021-10-12T09:51:03.157076+02:00",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "https://play.grafana.org/alerting/1afz29v7z/edit",
        "fingerprint": "c6eadffa33fcdf37",
        "silenceURL": "https://play.grafana.org/alerting/silence/new?alertmanager=grafana&matchers=alertname%3DT2",
        "dashboardURL": "",
        "panelURL": "",
        "values": {"B": 44.23943737541908, "C": 1},
    }


def grafana_body(*alerts: object, status: str = "firing") -> dict[str, object]:
    """A body of Grafana, from the same page as the alert. That of a mixed group says `firing`."""
    return {
        "receiver": "My Super Webhook",
        "status": status,
        "orgId": 1,
        "alerts": list(alerts),
        "groupLabels": {},
        "commonLabels": {"team": "blue"},
        "commonAnnotations": {},
        "externalURL": "https://play.grafana.org/",
        "version": "1",
        "groupKey": "{}:{}",
        "truncatedAlerts": 0,
        "title": "[FIRING:2]  (blue)",
        "state": "alerting",
        "message": "**Firing**",
    }
