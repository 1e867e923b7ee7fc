"""The fields of an alert that `POST /alerts` takes, and the webhooks of Alertmanager and of Grafana.

Their alerts have the same form: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from itertools import islice
from typing import Any, assert_never
from urllib.parse import urlsplit

from bot.core.cards import LONGEST_LINK, Alert, Severity
from bot.core.fields import CHANNEL_ID, object_field, text_field
from bot.core.session_ids import Ambiguous, Broken, Found, SessionId, find_session_id
from bot.messages import cards, senders
from bot.messages.markup import plain, width

_FIELDS = frozenset(
    {"session_id", "text", "title", "severity", "url", "channel", "fingerprint", "status", "fields"}
    | {"action", "starts_at"}
)
_LONGEST_TIME = 40
_HOST = re.compile(r"[a-z0-9._-]{1,253}|\[[0-9a-f:.]{2,45}\]", re.ASCII)
MOST_FIELDS = 10  # https://docs.slack.dev/reference/block-kit/blocks/section-block
_MOST_WARNINGS, _LONGEST_NAME = 10, 50
MAX_LENGTH = 20_000  # characters that are looked at,
LONGEST_TEXT = 4_000
LONGEST_ID = 500  # of a session, in any form
_MOST_KEPT = {"text": LONGEST_TEXT, "title": 500, "fingerprint": 200}  # and stored, with white space that no card shows
_MOST_KEPT_OF_FIELD = (200, 500)  # of a name and a value

MOST_ALERTS = 500  # of a body
MOST_COUNTED = 1_000_000  # of those that it says it leaves out
_VERSIONS = ("4", "1")  # of Alertmanager and of Grafana
_MOST_OF_WEBHOOK = 20  # warnings
_LONGEST_ALERTNAME, _LONGEST_FINGERPRINT = 150, 200
_LINKS = ("panelURL", "dashboardURL", "generatorURL")
_NO_FIELDS = {"alertname", "severity", "session_id", "anchor_action", "anchor_channel"}


class BadAlertError(Exception):
    """An alert that cannot be posted, with the field if a single one is wrong. The text says why."""

    def __init__(self, field: str | None, why: str) -> None:
        super().__init__(why)
        self.field = field


def read_alert(fields: object) -> Alert:
    """Read a parsed JSON value. Unknown fields are ignored with a warning. Raises BadAlertError."""
    if not isinstance(fields, dict):
        raise BadAlertError(None, "The body must be a JSON object with session_id and text.")
    asks, warnings = action(fields.get("action"), _string(fields, "fingerprint"))
    starts_at = _string(fields, "starts_at")
    if starts_at and read_time(starts_at) is None:
        warnings = (*warnings, senders.NO_STARTS_AT)
    return Alert(
        session_id=session_id(fields),
        text=_required_text(fields),
        title=_string(fields, "title"),
        severity=Severity(_choice(fields, "severity", list(Severity), Severity.WARNING)),
        url=_url(fields),
        channel=_channel(fields),
        fingerprint=_string(fields, "fingerprint"),
        is_resolved=_choice(fields, "status", ("firing", "resolved"), "firing") == "resolved",
        fields=_pairs(fields),
        warnings=(*warnings, *map(_about_unknown, sorted(fields.keys() - _FIELDS)[:_MOST_WARNINGS])),
        starts_at=read_time(starts_at),
        asks=asks,
    )


def action(given: object, fingerprint: str) -> tuple[bool | None, tuple[str, ...]]:
    """Return whether an alert asks for a pause, None for nothing, and warnings. `given` is any value of JSON."""
    word = given[:MAX_LENGTH].strip() if isinstance(given, str) else "" if given is None else "?"
    if not word:
        return None, ()
    if word.lower() != "pause":
        return False, (senders.NO_ACTION,)
    return (True, ()) if fingerprint else (False, (senders.NO_FINGERPRINT,))


def read_time(text: str) -> float | None:
    """Return a time of RFC 3339 in Unix seconds, None if it cannot be read."""
    try:
        at = datetime.fromisoformat(text[:_LONGEST_TIME])
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _bad(name: str, why: str) -> BadAlertError:
    return BadAlertError(name, f"{name} {why}.")


def _about_unknown(name: str) -> str:
    similar = get_close_matches(name[:_LONGEST_NAME], _FIELDS, n=1)
    return f"The field {name[:_LONGEST_NAME]} is unknown." + (f" Did you mean {similar[0]}?" if similar else "")


def _string(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _bad(name, "must be a string")
    return value[:MAX_LENGTH].strip()[: _MOST_KEPT.get(name)]


def session_id(fields: Mapping[str, object]) -> SessionId:
    """Return the session that the field `session_id` names. Raises BadAlertError."""
    given = fields.get("session_id")
    if isinstance(given, str) and len(given) > LONGEST_ID:  # never cut: what is cut off could name another session
        raise _bad("session_id", f"is too long: the limit is {LONGEST_ID} characters")
    match find_session_id(_string(fields, "session_id")):
        case Found(session_id=found):
            return found
        case Broken(written=""):
            raise _bad("session_id", "is missing: put the id of the Anchor session there")
        case Broken():
            raise _bad("session_id", "is no session id: send 32 hexadecimal digits grouped 8-4-4-4-12")
        case Ambiguous(session_ids=session_ids):
            raise _bad("session_id", f"names {len(session_ids)} sessions: send one alert for each")
        case never:
            assert_never(never)


def _required_text(fields: Mapping[str, object]) -> str:
    text = _string(fields, "text")
    if not plain(text):
        raise _bad("text", "is missing: say what happened")
    return text


def _choice(fields: Mapping[str, object], name: str, choices: Sequence[str], default: str) -> str:
    word = _string(fields, name).lower() or default
    if word not in choices:
        raise _bad(name, f"must be one of {', '.join(choices)}")
    return word


def _pairs(fields: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    given = fields.get("fields")
    if given is None or (isinstance(given, str) and not given.strip()):
        return ()
    if not isinstance(given, dict) or not all(isinstance(value, str | int | float) for value in given.values()):
        raise _bad("fields", "must be an object of texts and numbers")
    if len(given) > MOST_FIELDS:
        raise _bad("fields", f"has {len(given)} entries: the limit is {MOST_FIELDS}")
    return kept_pairs((name, str(value)) for name, value in given.items())


def kept_pairs(given: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return the first names and values that a card can show."""
    longest_name, longest_value = _MOST_KEPT_OF_FIELD
    pairs = ((name.strip()[:longest_name], value.strip()[:longest_value]) for name, value in given)
    return tuple(islice(((name, value) for name, value in pairs if plain(name) and plain(value)), MOST_FIELDS))


def _url(fields: Mapping[str, object]) -> str | None:
    url = _string(fields, "url")
    if not url:
        return None
    if not _is_web_url(url):
        raise _bad("url", "must be an http or https URL of an ASCII host, without a user name or password")
    if width(cards.open_link(url)) > LONGEST_LINK:
        raise _bad("url", f"is too long: the limit is {LONGEST_LINK} characters, and & counts as five")
    return url


def is_link(url: str) -> bool:
    """Return whether a card can have this link."""
    return bool(url) and len(url) <= LONGEST_LINK and _is_web_url(url) and width(cards.open_link(url)) <= LONGEST_LINK


def _is_web_url(url: str) -> bool:
    """Return whether people see in its link where it leads: browsers and Python read odd hosts differently."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.lower().removesuffix(f":{parts.port}")
    except ValueError:
        return False
    is_clean = url.isprintable() and " " not in url
    return is_clean and parts.scheme in {"http", "https"} and _HOST.fullmatch(host) is not None


def _channel(fields: Mapping[str, object]) -> str:
    channel = _string(fields, "channel")
    if channel and not CHANNEL_ID.fullmatch(channel):
        raise _bad("channel", "must be a channel id like C0123456789, not a name: see its details in Slack")
    return channel


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
        raise BadAlertError(None, senders.NO_WEBHOOK)
    alerts, without_session, warnings = list[Alert](), list[str](), dict[str, None]()
    for one in given[:MOST_ALERTS]:
        fields = one if isinstance(one, dict) else {}
        name = _text(object_field(fields, "labels"), "alertname")[:_LONGEST_ALERTNAME]
        try:
            alert = _read_from_webhook(fields, name)
        except BadAlertError as bad:
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
    return Webhook(alerts, without_session, left_out, [*about_left_out, *warnings][:_MOST_OF_WEBHOOK])


def _read_from_webhook(fields: Mapping[str, Any], name: str) -> Alert:
    labels, annotations = object_field(fields, "labels"), object_field(fields, "annotations")
    said = filter(plain, [_text(annotations, "summary"), _text(annotations, "description")])
    fingerprint = _text(fields, "fingerprint")[:_LONGEST_FINGERPRINT]
    asks, warnings = action(labels.get("anchor_action"), fingerprint)
    texts = ((key, value) for key, value in labels.items() if isinstance(value, str))
    others = ((key, value) for key, value in texts if key not in _NO_FIELDS and not key.startswith("__"))
    return Alert(
        session_id=session_id(annotations if labels.get("session_id") in (None, "") else labels),
        text="\n".join(said) or senders.NO_SUMMARY,
        title=name,
        severity=next((one for one in Severity if one == text_field(labels, "severity").lower()), Severity.WARNING),
        url=next((url for url in (text_field(fields, link) for link in _LINKS) if is_link(url)), None),
        channel=_text(labels, "anchor_channel"),
        fingerprint=fingerprint,
        is_resolved=text_field(fields, "status") == "resolved",
        fields=kept_pairs(others),
        starts_at=read_time(text_field(fields, "startsAt")),
        asks=asks,
        warnings=warnings,
    )


def _text(holder: Mapping[str, Any], name: str) -> str:
    return text_field(holder, name)[:MAX_LENGTH].strip()[:LONGEST_TEXT]
