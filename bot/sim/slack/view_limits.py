"""The limits of views.

https://docs.slack.dev/reference/views/
"""

import json
from collections.abc import Iterator
from typing import Literal

from bot.sim.slack import block_kit, markup
from bot.sim.slack.block_kit import Check, anything, boolean, by_type, complaint, plain, shape, string
from bot.sim.slack.content import Part, mrkdwn_objects
from bot.sim.slack.rules import Violation

Kind = Literal["modal", "home"]

SIZE = 250_000  # bytes

_ANY = {
    "callback_id": string(255, least=0),
    "private_metadata": string(3000, least=0),
}
_MODAL = {"submit": plain(24), "close": plain(24)}
_SHAPES: dict[str, Check] = {
    "modal": shape({"title": plain(24), "blocks": anything}, _ANY | _MODAL | {"submit_disabled": boolean}),
    "home": shape({"blocks": anything}, _ANY),
}


def problems(raw: object, kind: Kind | None = None) -> list[str]:
    """Return what Slack would put into `response_metadata.messages`; a view of another type than `kind` is none."""
    shapes = _SHAPES if kind is None else {str(kind): _SHAPES[kind]}
    if not isinstance(raw, dict):
        return [complaint("must be an object", "/view")]
    found = list(by_type(shapes)(raw, "/view"))
    if "blocks" in raw:
        surface: Kind = "home" if raw.get("type") == "home" else "modal"
        found += block_kit.problems(raw["blocks"], pointer="/view/blocks", surface=surface)
    if (
        not found
        and raw["type"] == "modal"
        and "submit" not in raw
        and any(one["type"] == "input" for one in raw["blocks"])
    ):
        found.append(complaint("missing required field: submit", "/view"))
    return found


def is_too_large(raw: Part) -> bool:
    """Return whether there is more than Slack takes."""
    return len(json.dumps(raw, ensure_ascii=False).encode()) > SIZE


def mistakes(raw: Part) -> Iterator[Violation]:
    """Yield what is wrong with the words of a view."""
    for words in mrkdwn_objects(raw.get("blocks")):
        yield from markup.problems(words)
