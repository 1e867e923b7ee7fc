"""The elements in which something can be typed or chosen, and how payloads say what it is.

https://docs.slack.dev/reference/block-kit/block-elements/
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """`field` has the value in payloads, `initial` the value that the app gives; `several` values are a list."""

    field: str
    initial: str
    several: bool = False

    @property
    def nothing(self) -> object:
        """The value while nothing is chosen."""
        return [] if self.several else None


KINDS: Mapping[object, Kind] = {
    "plain_text_input": Kind("value", "initial_value"),
    "static_select": Kind("selected_option", "initial_option"),
    "radio_buttons": Kind("selected_option", "initial_option"),
    "datepicker": Kind("selected_date", "initial_date"),
    "users_select": Kind("selected_user", "initial_user"),
    "conversations_select": Kind("selected_conversation", "initial_conversation"),
    "checkboxes": Kind("selected_options", "initial_options", several=True),
    "multi_static_select": Kind("selected_options", "initial_options", several=True),
    "multi_users_select": Kind("selected_users", "initial_users", several=True),
    "multi_conversations_select": Kind("selected_conversations", "initial_conversations", several=True),
}
"""By the type of the element: those whose value stands in the state of a view."""
