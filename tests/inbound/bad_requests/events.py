"""Events with a field that Slack would not send, and challenges that are none."""

import json
from typing import Any

from inbound.bad_requests.case import Case
from inbound.bad_requests.ingredients import JSON, MARK, NO_IDS, WRONG_TYPES, event, inner_event, sample, without

_EITHER = frozenset({200, 400})

_EVENTS: dict[str, Any] = {
    "null": None,
    "empty": "",
    "a text": "app_home_opened",
    "a number": 5,
    "true": True,
    "a list": [inner_event()],
    "an empty object": {},
    "without a type": without(inner_event(), "type"),
    "of a type that is null": inner_event(type=None),
    "of a type that is a number": inner_event(type=5),
    "of a type that is a list": inner_event(type=["app_home_opened"]),
    "of a type that is an object": inner_event(type={"type": "app_home_opened"}),
    "of a type that is true": inner_event(type=True),
}

_PARTS = (
    "user",
    "channel",
    "team",
    "enterprise",
    "item",
    "message",
    "assistant_thread",
    "view",
    "authorizations",
    "text",
)
_JUNK: dict[str, Any] = {
    "a number": 5,
    "true": True,
    "a list of one id": ["id"],
    "an object": {"id": [5], "user": 5, "channel": 5},
}

_CHALLENGES: dict[str, Any] = {
    "null": None,
    "a number": 5,
    "a list": [MARK],
    "an object": {"challenge": MARK},
    "true": True,
}


def _envelope(payload: object) -> bytes:
    return json.dumps(payload).encode()


CASES = (
    *(
        Case(name=f"an event whose {field} is {what}", status=400, content_type=JSON, body=event(**{field: value}))
        for field in ("type", "team_id", "event_id")
        for what, value in WRONG_TYPES.items()
    ),
    *(
        Case(name=f"an event whose team_id is {what}", status=400, content_type=JSON, body=event(team_id=value))
        for what, value in NO_IDS.items()
    ),
    *(
        Case(name=f"an event whose inside is {what}", status=400, content_type=JSON, body=event(event=value))
        for what, value in _EVENTS.items()
    ),
    *(
        Case(
            name=f"an event without {field}",
            status=400,
            content_type=JSON,
            body=_envelope(without(sample("event.app_home_opened"), field)),
        )
        for field in ("type", "event")
    ),
    *(
        Case(
            name=f"an event: its {field} is {what}",
            status=_EITHER,
            content_type=JSON,
            body=event(event=inner_event(**{field: value})),
        )
        for field in _PARTS
        for what, value in _JUNK.items()
    ),
    *(
        Case(
            name=f"an event with {field} that is {what}",
            status=_EITHER,
            content_type=JSON,
            body=event(**{field: value}),
        )
        for field in ("authorizations", "event_time", "context_team_id", "is_ext_shared_channel", "enterprise_id")
        for what, value in _JUNK.items()
    ),
    *(
        Case(
            name=f"a challenge that is {what}",
            status=400,
            content_type=JSON,
            body=_envelope({"type": "url_verification", "challenge": value, "token": MARK}),
        )
        for what, value in _CHALLENGES.items()
    ),
    Case(
        name="a challenge that is missing",
        status=400,
        content_type=JSON,
        body=_envelope({"type": "url_verification", "token": MARK}),
    ),
    Case(
        name="a challenge with a lone surrogate",
        status=400,
        content_type=JSON,
        body=b'{"type": "url_verification", "challenge": "\\ud800"}',
    ),
    Case(name="a challenge as a form", status=400, body=b"type=url_verification&challenge=" + MARK.encode()),
)
