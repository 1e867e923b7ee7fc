"""Submitted windows, and changed controls in Home."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.core.fields import SLACK_ID, Secret, text_field
from bot.core.session_ids import Found, SessionId, find_session_id
from bot.core.sessions import MOST_TOGETHER

_LONGEST_VERSION = 10  # digits


@dataclass(frozen=True, slots=True)
class Submission:
    """A submitted modal, or a changed control in Home. It went through the client, so it can contain anything.

    `values` are Slack's by the name of the input: block and element have the same. `seen` is the modal's
    `private_metadata`, `trigger_id` Slack's id of the submission, and `age` that of the request in seconds.
    """

    name: str
    values: Mapping[str, Mapping[str, Any]] = field(repr=False)  # can contain a key
    view_id: str = ""
    seen: str = ""
    trigger_id: str = ""
    age: float = 0.0

    @property
    def expected_version(self) -> int:
        """Return the version that the person saw, -1 if it is unreadable."""
        version = self.seen.partition(" ")[0]
        is_number = version.isascii() and version.isdecimal() and len(version) < _LONGEST_VERSION
        return int(version) if is_number else -1

    @property
    def about(self) -> str:
        """Return what the modal is about beside the version, or ""."""
        return self.seen.partition(" ")[2]

    def has_inputs(self, names: Iterable[str]) -> bool:
        """Return whether all these inputs were sent: an earlier version of the bot can have opened the modal."""
        return all(name in self.values for name in names)

    def text(self, name: str) -> Secret:
        """Return the text of an input."""
        return Secret(text_field(self.values.get(name), "value"))

    def selected_ids(self, name: str) -> frozenset[str]:
        """Return the ids of the selected people or conversations: valid ones, since the bot writes them."""
        element = self.values.get(name, {})
        given = [one for kind in ("selected_users", "selected_conversations") for one in _list(element.get(kind))]
        given.append(element.get("selected_conversation"))
        return frozenset(one for one in given if isinstance(one, str) and SLACK_ID.fullmatch(one))

    def selected_value(self, name: str) -> str:
        """Return the value of the selected option, "" without one."""
        return text_field(self.values.get(name, {}).get("selected_option"), "value")

    def is_checked(self, name: str) -> bool:
        """Return whether a checkbox is checked."""
        return bool(self.values.get(name, {}).get("selected_options"))

    def sessions(self, name: str) -> tuple[SessionId, ...]:
        """Return the sessions whose boxes are checked, in the inputs that begin with a name."""
        groups = [element for one, element in self.values.items() if one.startswith(name)]
        values = [text_field(box, "value") for one in groups for box in _list(one.get("selected_options"))]
        found = [find_session_id(value) for value in values[:MOST_TOGETHER]]
        return tuple(dict.fromkeys(one.session_id for one in found if isinstance(one, Found)))


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
