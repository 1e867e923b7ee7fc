"""The bodies of the webhooks of Alertmanager and Grafana.

https://prometheus.io/docs/alerting/latest/configuration/#webhook_config and
https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/
"""

from collections.abc import Mapping
from typing import Any

from harness.samples import sample
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
) -> dict[str, Any]:
    alert: dict[str, Any] = sample("webhook.alertmanager")["alert"]
    alert |= {"fingerprint": fingerprint, "startsAt": starts, "status": status, "generatorURL": url}
    alert["labels"] |= {"session_id": session, **(labels or {})}
    alert["annotations"] |= annotations or {}
    return alert if status == "firing" else alert | {"endsAt": "2026-11-29T03:00:00Z"}


def alertmanager_body(*alerts: object, truncated: int = 0) -> dict[str, Any]:
    body: dict[str, Any] = sample("webhook.alertmanager")["body"]
    return body | {"alerts": list(alerts), "truncatedAlerts": truncated}
