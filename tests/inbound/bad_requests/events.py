"""Events with a field that Slack would not send, and challenges that are none."""

import json
from typing import Any

from inbound.bad_requests.case import cases
from inbound.bad_requests.valid_requests import JSON, MARK, event, inner_event

_FIELDS: dict[str, tuple[Any, ...]] = {
    "type": (None, 5, ["x"], {}),
    "team_id": (5, False, {"id": "T0HOME00001"}, "<!here>"),
    "event_id": (5, ["x"]),
    "event_time": ("1785000000", -1, 10**20),
    "authorizations": ({}, [7], [{"team_id": ["T1"]}]),
    "event": (None, "app_home_opened", 5, [inner_event()], {}, {"user": "U0ALICE0001"}),
}

_TYPES: tuple[Any, ...] = (None, "", 5, ["app_home_opened"], "x" * 40_001)

_TOKENS: tuple[Any, ...] = ([], {"bot": "U1"}, {"bot": [7]})

_INVALID = {
    **{
        f"whose {field} is {value!r:.30}": event(**{field: value})
        for field, values in _FIELDS.items()
        for value in values
    },
    **{f"of the type {value!r:.30}": event(event=inner_event(type=value)) for value in _TYPES},
    **{f"with the tokens {it!r}": event(event={"type": "tokens_revoked", "tokens": it}) for it in _TOKENS},
    "whose user is no id": event(event={"type": "app_home_opened", "user": "<!here>"}),
    "whose view is a list": event(event={"type": "app_home_opened", "user": "U0ALICE0001", "view": []}),
}

_JUNK = {"channel": 5, "item": [5], "view": True, "authorizations": {"id": [5]}, "message": "x", "team": {"id": [5]}}

_UNUSED = {
    "many fields of the event": event(event=inner_event(**_JUNK)),
    "many fields of the envelope": event(context_team_id=5, is_ext_shared_channel={}, enterprise_id=["id"]),
}


def _challenge(**fields: object) -> bytes:
    return json.dumps({"type": "url_verification", "token": MARK} | fields).encode()


_CHALLENGES = {
    "missing": _challenge(),
    **{f"{value!r}": _challenge(challenge=value) for value in (None, 5, [MARK], {"challenge": MARK}, True)},
    "a lone surrogate": b'{"type": "url_verification", "challenge": "\\ud800"}',
}

CASES = (
    *cases(400, "an event", _INVALID, content_type=JSON),
    *cases(200, "an event with junk in", _UNUSED, content_type=JSON),
    *cases(400, "a challenge that is", _CHALLENGES, content_type=JSON),
    *cases(400, "a challenge", {"as a form": b"type=url_verification&challenge=" + MARK.encode()}),
)
