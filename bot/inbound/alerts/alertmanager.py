"""The bodies of the webhooks of Alertmanager and of Grafana, whose alerts have the same form.

https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.core.cards import Alert, Severity
from bot.core.fields import object_field, text_field
from bot.inbound.alerts import fields as alert_fields
from bot.messages import senders
from bot.messages.markup import plain

MOST_ALERTS = 500  # of a body
MOST_COUNTED = 1_000_000  # of those that it says it leaves out
_VERSIONS = ("4", "1")  # of Alertmanager and of Grafana
_MOST_WARNINGS = 20
_LONGEST_NAME, _LONGEST_FINGERPRINT = 150, 200
_LINKS = ("panelURL", "dashboardURL", "generatorURL")
_NO_FIELDS = {"alertname", "severity", "session_id", "anchor_action"}


@dataclass(frozen=True, slots=True)
class Webhook:
    """The alerts of a body, and sentences about what is wrong with it.

    `without_session` are the names of those that name no session, and `left_out` counts those that are not in the body,
    or behind the first MOST_ALERTS.
    """

    alerts: Sequence[Alert]
    without_session: Sequence[str]
    left_out: int
    warnings: Sequence[str]


def read_webhook(body: object) -> Webhook:
    """Read a parsed JSON value, in linear time. Raises BadAlertError if it is a body of neither program."""
    given = body.get("alerts") if isinstance(body, dict) and body.get("version") in _VERSIONS else None
    if not isinstance(body, dict) or not isinstance(given, list):
        raise alert_fields.BadAlertError(None, senders.NO_WEBHOOK)
    alerts, without_session, warnings = list[Alert](), list[str](), dict[str, None]()
    for one in given[:MOST_ALERTS]:
        fields = one if isinstance(one, dict) else {}
        name = _text(object_field(fields, "labels"), "alertname")[:_LONGEST_NAME]
        try:
            alert = _read_alert(fields, name)
        except alert_fields.BadAlertError as bad:
            without_session.append(name)
            warnings[senders.about_alert(name, str(bad))] = None
        else:
            alerts.append(alert)
            about = [senders.NO_TIME] if alert.starts_at is None else []
            warnings |= {senders.about_alert(name, why): None for why in (*about, *alert.warnings)}
    truncated = body.get("truncatedAlerts")
    left_out = min(max(0, truncated), MOST_COUNTED) if isinstance(truncated, int) else 0
    left_out += len(given[MOST_ALERTS:])
    about_left_out = [senders.left_out(left_out)] if left_out else []
    return Webhook(alerts, without_session, left_out, [*about_left_out, *warnings][:_MOST_WARNINGS])


def _read_alert(fields: Mapping[str, Any], name: str) -> Alert:
    labels, annotations = object_field(fields, "labels"), object_field(fields, "annotations")
    said = filter(plain, [_text(annotations, "summary"), _text(annotations, "description")])
    fingerprint = _text(fields, "fingerprint")[:_LONGEST_FINGERPRINT]
    asks, warnings = alert_fields.action(labels.get("anchor_action"), fingerprint)
    texts = ((key, value) for key, value in labels.items() if isinstance(value, str))
    others = ((key, value) for key, value in texts if key not in _NO_FIELDS and not key.startswith("__"))
    return Alert(
        session_id=alert_fields.session_id(annotations if labels.get("session_id") in (None, "") else labels),
        text="\n".join(said) or senders.NO_SUMMARY,
        title=name,
        severity=next((one for one in Severity if one == text_field(labels, "severity").lower()), Severity.WARNING),
        url=next((url for url in (text_field(fields, link) for link in _LINKS) if alert_fields.is_link(url)), None),
        fingerprint=fingerprint,
        is_resolved=text_field(fields, "status") == "resolved",
        fields=alert_fields.kept_pairs(others),
        starts_at=alert_fields.read_time(text_field(fields, "startsAt")),
        asks=asks,
        warnings=warnings,
    )


def _text(holder: Mapping[str, Any], name: str) -> str:
    return text_field(holder, name)[: alert_fields.MAX_LENGTH].strip()[: alert_fields.LONGEST_TEXT]
