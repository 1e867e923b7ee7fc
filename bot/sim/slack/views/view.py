"""A modal or a Home tab as it is now, and what a person reads in it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from bot.sim.slack.block_kit import all_elements
from bot.sim.slack.content import Part, texts

State = Mapping[str, Mapping[str, Part]]
"""What is typed or chosen, by block_id and action_id."""


@dataclass(frozen=True, slots=True)
class View:
    """A view of one person; `team_id` is the workspace whose app it is.

    Blocks are as Slack stores them: with a block_id each, and an action_id for each element. `errors` stand under their
    blocks, `client_error` is the client's own error message. `touched` has the block_id and action_id of what the
    person has typed or chosen, even if it is empty by now.
    """

    id: str
    type: Literal["modal", "home"]
    team_id: str
    user_id: str
    hash: str
    blocks: tuple[Part, ...]
    root_view_id: str
    previous_view_id: str | None = None
    callback_id: str = ""
    private_metadata: str = ""
    texts: Mapping[str, Part] = field(default_factory=dict)  # title, submit and close, if there are any
    state: State = field(default_factory=dict)
    touched: frozenset[tuple[str, str]] = frozenset()
    errors: Mapping[str, str] = field(default_factory=dict)
    client_error: str = ""

    @property
    def title(self) -> str | None:
        """The title of a modal."""
        return self._text("title")

    @property
    def submit(self) -> str | None:
        """Return the label of the submit button; None if it has none."""
        return self._text("submit")

    @property
    def close(self) -> str | None:
        """Return the label of the close button, unless it is Slack's own."""
        return self._text("close")

    @property
    def text(self) -> str:
        """Everything a person reads, in order, separated by newlines; mrkdwn as it was written."""
        lines = [self.title, *self._lines_of_blocks(), self.submit, self.close, self.client_error]
        return "\n".join(line for line in lines if line)

    def find(self, action_id: str) -> Part | None:
        """Return the first element with this action_id."""
        elements = (element for block in self.blocks for element in all_elements(block))
        return next((element for element in elements if element.get("action_id") == action_id), None)

    def block(self, block_id: str) -> Part | None:
        """Return a block."""
        return next((block for block in self.blocks if block["block_id"] == block_id), None)

    def _text(self, name: str) -> str | None:
        return str(self.texts[name]["text"]) if name in self.texts else None

    def _lines_of_blocks(self) -> Iterator[str]:
        for block in self.blocks:
            yield from texts(block, _is_unread)
            yield self.errors.get(str(block["block_id"]), "")


def _is_unread(name: str) -> bool:
    return name == "confirm" or name.startswith("initial_")
