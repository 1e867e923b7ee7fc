"""What somebody filled into a dialog, read from Slack's payload.

https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.core.requests import Asker
from bot.core.secret import Secret
from bot.core.slack_id import SLACK_ID
from bot.inbound.address import read_address


@dataclass(frozen=True, slots=True)
class Submission:
    """Who sent it from which dialog; `seen` is the version of what they saw, -1 where that can't be read."""

    asker: Asker
    view_id: str
    seen: int
    _values: Mapping[str, Mapping[str, Any]] = field(repr=False)  # a key may be among them

    def has(self, names: Iterable[str]) -> bool:
        """Whether all these inputs were sent: the dialog may be one of an earlier version of the bot."""
        return all(name in self._values for name in names)

    def typed(self, name: str) -> Secret:
        """What was typed into an input, by the name of its block and its element."""
        value = self._values.get(name, {}).get("value")
        return Secret(value if isinstance(value, str) else "")

    def chosen(self, name: str) -> frozenset[str]:
        """The ids of the people or the conversations that were chosen."""
        element = self._values.get(name, {})
        return frozenset(_ids(element.get("selected_users")) + _ids(element.get("selected_conversations")))

    def ticked(self, name: str) -> bool:
        """Whether a box was ticked."""
        return bool(self._values.get(name, {}).get("selected_options"))


def read_submission(payload: Mapping[str, Any]) -> Submission:
    """Read a picked payload of `view_submission`."""
    view = payload["view"]
    return Submission(read_address(payload).asker, str(view.get("id", "")), seen_in(view), _values_in(view))


def seen_in(view: Mapping[str, Any]) -> int:
    """The version that a dialog was made of; it went through the client, so it may be anything."""
    return read_version(view.get("private_metadata"))


def read_version(text: object) -> int:
    """A version as it was written into a view, or -1."""
    return int(text) if isinstance(text, str) and text.isascii() and text.isdecimal() and len(text) < 10 else -1  # noqa: PLR2004


def _values_in(view: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    state = view.get("state")
    values = state.get("values") if isinstance(state, dict) else None
    named = values.items() if isinstance(values, dict) else ()
    found = {name: block.get(name) for name, block in named if isinstance(block, dict)}
    return {name: element for name, element in found.items() if isinstance(element, dict)}


def _ids(values: object) -> list[str]:
    """Those of a list that are ids: they went through the client, and will be written into messages."""
    texts = [value for value in values if isinstance(value, str)] if isinstance(values, list) else []
    return [text for text in texts if SLACK_ID.fullmatch(text)]
