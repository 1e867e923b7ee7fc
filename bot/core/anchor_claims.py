"""Find contradictions in Anchor's confirmations, so that "Paused" is never said against Anchor's own words."""

import re
from collections.abc import Mapping

from bot.core.json_fields import objects_in, text_field
from bot.core.requests import Verb

_FAILED = frozenset({"error", "fail", "failed", "failure", "not"})
_NO_ERROR: tuple[object, ...] = (None, False, "", [])


def contradiction(verb: Verb, answer: Mapping[str, object]) -> str | None:
    """Return the words of a successful answer that contradict the success, or None.

    They are an `error` or a false `success` or `ok` anywhere, or a status that says failed or what the opposite verb
    does. Anchor documents no status words, so any other one is no contradiction.
    """
    fields = [field for one in objects_in(answer) for field in one.items()]
    for name, value in fields:
        if name in {"error", "errors"} and value not in _NO_ERROR:
            text = value if isinstance(value, str) else text_field(value, "message")
            return text.strip() or name
    for name, value in fields:
        if name in {"success", "ok"} and value is False:
            return f"{name}: false"
    for holder in (answer.get("data"), answer):
        status = text_field(holder, "status")
        if not {verb.opposite.past, *_FAILED}.isdisjoint(re.findall("[a-z]+", status.casefold())):
            return status
    return None
