"""Well-formed and signed, but nothing this bot knows: 200, and a word to the person where Slack can show one."""

import json

from inbound.bad_requests.case import Case
from inbound.bad_requests.ingredients import (
    JSON,
    MARK,
    RESPONSE_URL,
    action,
    click,
    command,
    event,
    in_form,
    inner_event,
    sample,
)

_COMMANDS = {
    "another app's": "/remind",
    "with a letter too many": "/anchor-pausee",
    "in capitals": "/ANCHOR-PAUSE",
    "with a space at its end": "/anchor-pause ",
    "without its slash": "anchor-pause",
    "with a NUL": "/anchor-pause\0",
    "that is a slash": "/",
    "in Cyrillic letters": "/\u0430nchor-pause",
    "that calls everybody": "/<!channel>",
    "that is a link": "/<https://evil.example.com|pause>",
    "of backticks": "/```",
    "with a line break": "/anchor-pause\n/anchor-pause",
    "of emoji": "/\U0001f600",
    "of 40,000 characters": "/" + "a" * 39_999,
    "like a regular expression": "/.*",
    "like a Python object": "/__class__",
}

_ACTIONS = {
    "unknown": [action()],
    "of the dashboard": [action(action_id="open_dashboard", url="https://example.com")],
    "of a menu": [action(type="static_select", selected_option={"value": MARK})],
    "of an overflow menu": [action(type="overflow", selected_option={"value": MARK})],
    "of a date picker": [action(type="datepicker", selected_date="2026-01-01")],
    "of an unknown kind": [action(type="no_such_element")],
    "that calls everybody": [action(action_id="<!channel>")],
    "like a regular expression": [action(action_id=".*")],
    "with a line break": [action(action_id="a\nb")],
}

_TYPES = {
    "an unknown type": "no_such_type",
    "a type like a method": "__init__",
    "a type in capitals": "BLOCK_ACTIONS",
    "a type that calls everybody": "<!channel>",
    "the type of a message": "message",
    "the type of an event": "event_callback",
    "the type of an option list": "block_suggestion",
    "the type of a workflow step": "workflow_step_edit",
}

_EVENTS = (
    "message",
    "app_mention",
    "reaction_added",
    "no_such_event",
    "team_join",
    "link_shared",
    "function_executed",
    "",
)

CASES = (
    *(
        Case(name=f"a command {what}", status=200, says="I don't know the command", body=command(command=it))
        for what, it in _COMMANDS.items()
    ),
    *(
        Case(name=f"a button {what}", status=200, tells="I don't know this button", body=click(actions=it))
        for what, it in _ACTIONS.items()
    ),
    Case(
        name="a legacy button that is unknown",
        status=200,
        tells="I don't know this button",
        body=in_form(
            sample("interactive_message")
            | {"callback_id": "no_such_callback", "actions": [{"name": "no_such", "type": "button", "value": MARK}]}
        ),
    ),
    Case(name="a button without anywhere to answer", status=200, body=click(response_url=None)),
    Case(name="a button in no channel", status=200, body=click(channel=None)),
    Case(name="a button of a whole organisation", status=200, body=click(team=None)),
    *(Case(name=what, status=200, body=click(type=it, actions=None)) for what, it in _TYPES.items()),
    Case(
        name="an unknown message shortcut",
        status=200,
        body=in_form(sample("message_action") | {"callback_id": "no_such_callback"}),
    ),
    Case(
        name="an unknown global shortcut",
        status=200,
        body=in_form(
            {"type": "shortcut", "user": {"id": "U0ALICE0001"}, "team": {"id": "T0HOME00001"}, "callback_id": "none"}
            | {"token": MARK, "trigger_id": "1.2.3", "action_ts": "1785000000.123456"}
        ),
    ),
    *(
        Case(
            name=f"an unknown {kind}",
            status=200,
            body=in_form(
                sample(kind) | {"view": sample(kind)["view"] | {"callback_id": "no_such_view"}, "token": MARK}
            ),
        )
        for kind in ("view_submission", "view_closed")
    ),
    *(
        Case(
            name=f"an event of the type {kind or 'nothing'}",
            status=200 if kind else 400,
            content_type=JSON,
            body=event(event=inner_event(type=kind)),
        )
        for kind in _EVENTS
    ),
    Case(name="an envelope of an unknown type", status=200, content_type=JSON, body=event(type="no_such_envelope")),
    Case(
        name="word that events come too fast",
        status=frozenset({200, 400}),
        content_type=JSON,
        body=json.dumps({"type": "app_rate_limited", "team_id": "T0HOME00001", "minute_rate_limited": 5}).encode(),
    ),
    Case(
        name="an unknown command with a payload field that is none",
        status=400,
        body=command(command="/remind", payload=RESPONSE_URL),
    ),
)
