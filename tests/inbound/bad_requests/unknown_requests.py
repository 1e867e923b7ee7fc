"""Well-formed and signed, but unknown to this bot: 200, and the person gets an answer where Slack can show it."""

import json

from bot.messages.request_errors import unknown_action_message, unknown_command_message
from inbound.bad_requests.case import Case, cases
from inbound.bad_requests.valid_requests import (
    JSON,
    MARK,
    RESPONSE_URL,
    action,
    click,
    command,
    event,
    inner_event,
    interaction,
)

_COMMANDS = (
    "/remind",
    "/anchor-pausee",
    "/ANCHOR-PAUSE",
    "/anchor-pause\0",
    "/\u0430nchor-pause",
    "/<!channel>",
    "/<https://evil.example.com|pause>",
    "/```",
    "/anchor-pause\n/anchor-pause",
    "/" + "a" * 39_999,
)

_BUTTONS = {
    "unknown": click(),
    "of a menu": click(actions=[action(type="static_select", selected_option={"value": MARK})]),
    "of an unknown kind": click(actions=[action(type="no_such_element")]),
    "that calls everybody": click(actions=[action(action_id="<!channel>")]),
    "like a regular expression": click(actions=[action(action_id=".*")]),
    "without a channel": click(channel=None),
    "of a whole organisation": click(team=None),
    "of a legacy attachment": interaction("interactive_message.alertmanager"),
    "that is a message shortcut": interaction("message_action.two_ids"),
}

_OTHERS = {
    "button without a response_url": click(response_url=None),
    **{
        f"interaction of the type {kind}": click(type=kind, actions=None)
        for kind in ("no_such_type", "<!channel>", "event_callback", "shortcut")
    },
    "submitted modal": interaction("view_submission.set_key"),
    "closed modal": interaction("view_closed"),
}

_EVENTS = {
    **{f"event of the type {kind}": event(event=inner_event(type=kind)) for kind in ("message", "function_executed")},
    "envelope": event(type="no_such_envelope"),
}

_RATE_LIMIT = json.dumps({"type": "app_rate_limited", "team_id": "T0HOME00001"}).encode()

CASES = (
    *(
        Case(name=f"the command {name!r:.40}", ack=unknown_command_message(name).text, body=command(command=name))
        for name in _COMMANDS
    ),
    *cases(200, "a button", _BUTTONS, dm_text=unknown_action_message().text),
    *cases(200, "an unknown", _OTHERS),
    *cases(200, "an unknown", _EVENTS, content_type=JSON),
    *cases(200, "a rate limit of events", {"without an event": _RATE_LIMIT}, content_type=JSON),
    *cases(400, "an unknown command", {"with a payload field": command(command="/remind", payload=RESPONSE_URL)}),
)
