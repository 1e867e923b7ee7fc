"""Validate Slack's payloads, and pick the fields that the bot reads.

Bolt gets only picked fields: it trusts the types of many others that the bot does not use.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from bot.core.fields import SLACK_ID

_MAX_TEXT_LENGTH = 40_000
_MAX_TIME = 1 << 40  # Unix seconds; a database cannot store more

_Check = Callable[[object], bool]


class BadPayloadError(ValueError):
    """A payload that differs from Slack's documentation; the text names the field."""


class IncompletePayloadError(BadPayloadError):
    """A payload that does not say which control or view it is about. Nothing can be done, and Slack gets a 200."""


def as_object(parsed: object) -> dict[str, object]:
    """Return parsed JSON as an object that can be encoded again: lone surrogates cannot. Raises BadPayloadError."""
    try:
        json.dumps(parsed, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        raise BadPayloadError("its JSON can't be read") from None
    if not isinstance(parsed, dict):
        raise BadPayloadError("its JSON is not an object")
    return parsed


def pick_command(fields: Mapping[str, object]) -> dict[str, object]:
    """Pick a slash command's fields. Raises BadPayloadError.

    https://docs.slack.dev/interactivity/implementing-slash-commands
    """
    return _pick(fields, _COMMAND, required=("command", "team_id", "channel_id", "user_id"))


def pick_interaction(payload: Mapping[str, object]) -> dict[str, object]:
    """Pick an interaction's fields. Raises BadPayloadError.

    https://docs.slack.dev/interactivity/handling-user-interaction#payloads
    """
    picked = _pick(payload, _INTERACTION, required=("type", "user"))
    kind, view = picked["type"], picked.get("view")
    actions: Any = picked.get("actions", ())
    if kind == "block_actions" and not all("action_id" in action for action in actions):
        raise IncompletePayloadError("its action has no action_id")
    if kind == "view_submission" and not (isinstance(view, dict) and isinstance(view.get("id"), str)):
        raise IncompletePayloadError("its view has no id")
    for holder, names in _MESSAGES.items():
        message = picked.get(holder)
        if isinstance(message, dict):
            picked[holder] = {name: message[name] for name in names if name in message}
    if isinstance(view, dict):
        picked["view"] = {"type": "modal", **view}  # Bolt fails on a submitted view without a type
    return picked


def pick_event(payload: Mapping[str, Any]) -> dict[str, object]:
    """Pick the fields of an Events API envelope and of its event, by the event's type. Raises BadPayloadError.

    https://docs.slack.dev/apis/events-api
    https://docs.slack.dev/reference/events/app_rate_limited has no event
    """
    if payload.get("type") == "app_rate_limited":
        return _pick(payload, {"type": _is_text, "team_id": _is_id}, required=())
    envelope = _pick(payload, _EVENT, required=("type", "event"))
    if envelope["type"] != "event_callback":
        raise IncompletePayloadError("it has an event, and is none")
    event = payload["event"]
    kind = event.get("type")
    checks = _INNER_EVENTS.get(kind, {}) if isinstance(kind, str) else {}
    return envelope | {"event": _pick(event, {"type": _is_text} | checks, required=("type",))}


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
    return isinstance(value, str) and len(value) <= _MAX_TEXT_LENGTH


def _is_id(value: object) -> bool:
    return isinstance(value, str) and SLACK_ID.fullmatch(value) is not None


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _has_id(value: object) -> bool:
    return isinstance(value, dict) and _is_id(value.get("id"))


def _names_team(name: str) -> _Check:
    return lambda value: isinstance(value, dict) and (value.get(name) is None or _is_id(value[name]))


def _is_list_of(check: _Check) -> _Check:
    return lambda value: isinstance(value, list) and all(map(check, value))


def _are_tokens(value: object) -> bool:
    return isinstance(value, dict) and all(map(_is_list_of(_is_id), value.values()))


def _is_time(value: object) -> bool:
    return isinstance(value, int) and 0 < value < _MAX_TIME


def _are_actions(value: object) -> bool:
    return bool(value) and _is_list_of(_is_action)(value)


def _is_action(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("action_id", value.get("name")), str)


_is_view = _names_team("app_installed_team_id")
_MESSAGES = {"message": ("text", "blocks", "attachments", "thread_ts"), "original_message": ("thread_ts",)}
"""The fields of a message of anybody. Their types are not checked: those who read them do."""
_COMMAND: dict[str, _Check] = {
    **dict.fromkeys(("command", "text", "response_url", "trigger_id"), _is_text),
    **dict.fromkeys(("team_id", "enterprise_id", "channel_id", "user_id"), _is_id),
}
_INTERACTION: dict[str, _Check] = {
    **dict.fromkeys(("type", "callback_id", "response_url", "trigger_id", "action_ts", "message_ts"), _is_text),
    **dict.fromkeys(("user", "team", "channel", "enterprise"), _has_id),
    **dict.fromkeys(("container", *_MESSAGES), _is_object),
    "view": _is_view,
    "actions": _are_actions,
}
_EVENT: dict[str, _Check] = {
    "type": _is_text,
    "team_id": _is_id,
    "event_id": _is_text,
    "event_time": _is_time,
    "authorizations": _is_list_of(_names_team("team_id")),
    "event": _is_object,
}
_INNER_EVENTS: dict[str, dict[str, _Check]] = {
    "tokens_revoked": {"tokens": _are_tokens},
    "app_home_opened": {"user": _is_id, "tab": _is_text, "view": _is_view},
}
