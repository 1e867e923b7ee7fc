"""The fields of an alert that `POST /alerts` takes, and the webhooks of Alertmanager and of Grafana.

Their alerts have the same form: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TypeVar
from urllib.parse import urlsplit

from bot.core.alerts import LONGEST_LINK, Alert, Severity
from bot.core.fields import object_field, text_field
from bot.core.session_ids import Ambiguous, Found, SessionId, find_session_id
from bot.messages import alert_tokens, cards
from bot.messages.markup import plain, width

_T = TypeVar("_T")

_LONGEST_TIME = 40
_HOST = re.compile(r"[a-z0-9._-]{1,253}|\[[0-9a-f:.]{2,45}\]", re.ASCII)
MOST_FIELDS = 10  # https://docs.slack.dev/reference/block-kit/blocks/section-block
_MOST_WARNINGS = 10
MAX_LENGTH = 20_000  # characters that are looked at,
LONGEST_ID = 500  # of a session, in any form
_MOST_KEPT = {"text": 4_000, "title": 500, "channel": 100, "fingerprint": 200}  # and stored
_MOST_KEPT_OF_FIELD = (200, 500)  # of a name and a value

MOST_ALERTS = 500  # of a body
_VERSIONS = ("4", "1")  # of Alertmanager and of Grafana
_LONGEST_ALERTNAME = 150
_LINKS = ("panelURL", "dashboardURL", "generatorURL")
_NO_FIELDS = {"alertname", "severity", "session_id", "anchor_action", "anchor_channel"}


class BadAlertError(Exception):
    """An alert of which nothing can be posted. The text says why."""


def read_alert(fields: object) -> Alert:
    """Read a parsed JSON value in linear time. Raises BadAlertError if it names no session.

    An alert is posted whatever else is wrong: other fields that cannot be read are ignored with a warning.
    """
    if not isinstance(fields, dict):
        raise BadAlertError(cards.NO_JSON)
    url, fingerprint = text_field(fields, "url"), _text(fields, "fingerprint")
    asks, about_action = _read_action(fields.get("action"), fingerprint)
    read: dict[str, Any] = {
        "session_id": _session_id(fields.get("session_id")),
        "text": _text(fields, "text"),
        "title": _text(fields, "title"),
        "severity": _choice(fields, "severity", list(Severity)) or Severity.WARNING,
        "url": url if is_link(url) else None,
        "channel": _text(fields, "channel"),
        "fingerprint": fingerprint,
        "status": _choice(fields, "status", ["firing", "resolved"]),
        "fields": _pairs(object_field(fields, "fields")),
        "starts_at": _read_time(text_field(fields, "starts_at")),
        "action": fields.get("action"),
    }
    ignored = sorted(name for name, value in fields.items() if value and not read.get(name))
    return Alert(
        session_id=read["session_id"],
        text=read["text"] or alert_tokens.NO_TEXT,
        title=read["title"],
        severity=read["severity"],
        url=read["url"],
        channel=read["channel"],
        fingerprint=fingerprint,
        is_resolved=read["status"] == "resolved",
        fields=read["fields"],
        warnings=(*about_action, *map(alert_tokens.ignored, ignored[:_MOST_WARNINGS])),
        starts_at=read["starts_at"],
        asks=asks,
    )


def _text(fields: Mapping[str, Any], name: str) -> str:
    text = text_field(fields, name)[:MAX_LENGTH].strip()[: _MOST_KEPT[name]]
    return text if plain(text) else ""


def _session_id(given: object) -> SessionId:
    # a longer text is never cut: what is cut off could name another session
    match find_session_id(given) if isinstance(given, str) and len(given) <= LONGEST_ID else None:
        case Found(session_id=found):
            return found
        case Ambiguous(session_ids=several):
            raise BadAlertError(f"session_id names {len(several)} sessions: send one alert for each.")
    raise BadAlertError(
        f"session_id must be the id of an Anchor session, 32 hexadecimal digits grouped 8-4-4-4-12, in at most "
        f"{LONGEST_ID} characters."
    )


def _choice(fields: Mapping[str, object], name: str, choices: Iterable[_T]) -> _T | None:
    word = text_field(fields, name)[:MAX_LENGTH].strip().lower()
    return next((one for one in choices if one == word), None)


def _read_action(given: object, fingerprint: str) -> tuple[bool | None, tuple[str, ...]]:
    """Return whether an alert asks for a pause, None for nothing, and warnings. `given` is any value of JSON."""
    word = given[:MAX_LENGTH].strip() if isinstance(given, str) else "" if given is None else "?"
    if not word:
        return None, ()
    if word.lower() != "pause":
        return False, (alert_tokens.NO_ACTION,)
    return (True, ()) if fingerprint else (False, (alert_tokens.NO_FINGERPRINT,))


def _read_time(text: str) -> float | None:
    """Return a time of RFC 3339 in Unix seconds, None if it cannot be read."""
    try:
        at = datetime.fromisoformat(text.strip()[:_LONGEST_TIME])
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _pairs(given: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the first names and values that a card can show."""
    longest_name, longest_value = _MOST_KEPT_OF_FIELD
    texts = ((name, str(value)) for name, value in given.items() if isinstance(value, str | int | float))
    pairs = ((name.strip()[:longest_name], value.strip()[:longest_value]) for name, value in texts)
    return tuple(islice(((name, value) for name, value in pairs if plain(name) and plain(value)), MOST_FIELDS))


def is_link(url: str) -> bool:
    """Return whether a card can have this link."""
    return len(url) <= LONGEST_LINK and _is_web_url(url) and width(cards.open_link(url)) <= LONGEST_LINK


def _is_web_url(url: str) -> bool:
    """Return whether people see in its link where it leads: browsers and Python read odd hosts differently."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.lower().removesuffix(f":{parts.port}")
    except ValueError:
        return False
    is_clean = url.isprintable() and " " not in url
    return is_clean and parts.scheme in {"http", "https"} and _HOST.fullmatch(host) is not None


@dataclass(frozen=True, slots=True)
class Webhook:
    """The alerts of a body; of those that name no session the names, each with the problem.

    If it `is_cut`, further ones are not in the body, or behind the first MOST_ALERTS.
    """

    alerts: Sequence[Alert]
    without_session: Sequence[tuple[str, str]]
    is_cut: bool


def read_webhook(body: object) -> Webhook:
    """Read a parsed JSON value, in linear time. Raises BadAlertError if it is a body of neither program."""
    given = body.get("alerts") if isinstance(body, dict) and body.get("version") in _VERSIONS else None
    if not isinstance(body, dict) or not isinstance(given, list):
        raise BadAlertError(alert_tokens.NO_WEBHOOK)
    alerts, without_session = list[Alert](), list[tuple[str, str]]()
    for one in given[:MOST_ALERTS]:
        fields = _fields_of(one if isinstance(one, dict) else {})
        try:
            alerts.append(read_alert(fields))
        except BadAlertError as bad:
            without_session.append((fields["title"], str(bad)))
    return Webhook(alerts, without_session, is_cut=bool(body.get("truncatedAlerts")) or len(given) > MOST_ALERTS)


def _fields_of(alert: Mapping[str, Any]) -> dict[str, Any]:
    """Return an alert of a webhook as `POST /alerts` takes it."""
    labels, annotations = object_field(alert, "labels"), object_field(alert, "annotations")
    said = (text_field(annotations, name)[:MAX_LENGTH] for name in ("summary", "description"))
    others = {name: one for name, one in labels.items() if name not in _NO_FIELDS and not name.startswith("__")}
    return {
        "session_id": labels.get("session_id") or annotations.get("session_id"),
        "text": "\n".join(filter(plain, said)),
        "title": text_field(labels, "alertname")[:_LONGEST_ALERTNAME].strip(),
        "severity": labels.get("severity"),
        "url": next((url for url in (text_field(alert, link) for link in _LINKS) if is_link(url)), None),
        "channel": labels.get("anchor_channel"),
        "fingerprint": alert.get("fingerprint"),
        "status": alert.get("status"),
        "fields": others,
        "action": labels.get("anchor_action"),
        "starts_at": alert.get("startsAt"),
    }
