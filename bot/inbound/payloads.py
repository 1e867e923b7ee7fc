"""The shape of Slack's payloads: pick the fields the bot reads, and refuse what Slack does not send.

Only picked fields go on to Bolt, which trusts the types of many others that we never use.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from bot.core.slack_id import SLACK_ID

_LONGEST_TEXT = 40_000
_END_OF_TIME = 1 << 40  # Unix seconds; what is beyond no database holds

_Check = Callable[[object], bool]


class BadPayloadError(ValueError):
    """Signed, yet not what Slack sends; the text names the field."""


def as_object(parsed: object) -> dict[str, object]:
    """Parsed JSON as an object of text that can be sent on: JSON may smuggle lone surrogates, which no encoder takes.

    Raises BadPayloadError.
    """
    try:
        json.dumps(parsed, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        raise BadPayloadError("its JSON can't be read") from None
    if not isinstance(parsed, dict):
        raise BadPayloadError("its JSON is no object")
    return parsed


def pick_command(fields: Mapping[str, object]) -> dict[str, object]:
    """A slash command's fields, as Bolt takes them. Raises BadPayloadError.

    https://docs.slack.dev/interactivity/implementing-slash-commands
    """
    return _pick(fields, _COMMAND, required=("command", "team_id", "channel_id", "user_id"))


def pick_interaction(payload: Mapping[str, object]) -> dict[str, object]:
    """An interaction's fields, as Bolt takes them. Raises BadPayloadError.

    https://docs.slack.dev/interactivity/handling-user-interaction#payloads
    """
    return _pick(payload, _INTERACTION, required=("type", "user"))


def pick_event(payload: Mapping[str, Any]) -> dict[str, object]:
    """An Events API envelope's fields, as Bolt takes them. Raises BadPayloadError.

    Of the event itself only what the bot reads goes on: events differ in what they put under one name.

    https://docs.slack.dev/apis/events-api
    """
    envelope = _pick(payload, _EVENT, required=("type", "event"))
    event = payload["event"]
    kind = event.get("type")
    of_kind = _INNER_EVENTS.get(kind, {}) if isinstance(kind, str) else {}
    return envelope | {"event": _pick(event, {"type": _is_text} | of_kind, required=("type",))}


def _pick(
    payload: Mapping[str, object], checks: Mapping[str, _Check], *, required: tuple[str, ...]
) -> dict[str, object]:
    picked = {}
    for name, check in checks.items():
        value = payload.get(name)
        if value is None or value == "":
            if name in required:
                raise BadPayloadError(f"{name} is missing")
        elif check(value):
            picked[name] = value
        else:
            raise BadPayloadError(f"{name} is not what Slack sends there")
    return picked


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST_TEXT


def _is_id(value: object) -> bool:
    return isinstance(value, str) and SLACK_ID.fullmatch(value) is not None


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _has_id(value: object) -> bool:
    return isinstance(value, dict) and _is_id(value.get("id"))


def _is_team_or_none(value: object) -> bool:
    return value is None or _is_id(value)


def _is_view(value: object) -> bool:
    return isinstance(value, dict) and _is_team_or_none(value.get("app_installed_team_id"))


def _are_authorizations(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_authorization, value))


def _is_authorization(value: object) -> bool:
    return isinstance(value, dict) and _is_team_or_none(value.get("team_id"))


def _are_tokens(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(ids, list) and all(map(_is_id, ids)) for ids in value.values())


def _is_time(value: object) -> bool:
    return isinstance(value, int) and 0 < value < _END_OF_TIME


def _are_actions(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_is_action, value))


def _is_action(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("action_id", value.get("name")), str)


_COMMAND: dict[str, _Check] = {
    "command": _is_text,
    "text": _is_text,
    "team_id": _is_id,
    "enterprise_id": _is_id,
    "channel_id": _is_id,
    "user_id": _is_id,
    "response_url": _is_text,
    "trigger_id": _is_text,
}
_INTERACTION: dict[str, _Check] = {
    "type": _is_text,
    "user": _has_id,
    "team": _has_id,
    "channel": _has_id,
    "enterprise": _has_id,
    "container": _is_object,
    "message": _is_object,
    "view": _is_view,
    "actions": _are_actions,
    "response_url": _is_text,
    "trigger_id": _is_text,
}
_EVENT: dict[str, _Check] = {
    "type": _is_text,
    "team_id": _is_id,
    "event_id": _is_text,
    "event_time": _is_time,
    "authorizations": _are_authorizations,
    "event": _is_object,
}
_INNER_EVENTS: dict[str, dict[str, _Check]] = {
    "tokens_revoked": {"tokens": _are_tokens},
    "app_home_opened": {"user": _is_id, "tab": _is_text, "view": _is_view},
}
