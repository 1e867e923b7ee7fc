"""A view: the app's Home or a modal.

https://docs.slack.dev/reference/views
"""

from dataclasses import dataclass
from typing import Any

from bot.messages.blocks import Block, plain_text


@dataclass(frozen=True, slots=True)
class View:
    """A view; with a `title` it is a modal, otherwise Home. `submit` is the label of the submit button.

    `callback_id` says which modal it is. `seen` comes back with what is sent: no secret, and nothing to be trusted.
    """

    blocks: tuple[Block, ...]
    title: str = ""
    submit: str = ""
    close: str = "Close"
    callback_id: str = ""
    seen: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the JSON for Slack."""
        if not self.title:
            return {"type": "home", "blocks": list(self.blocks)}
        ids = {"callback_id": self.callback_id, "private_metadata": self.seen}
        return {
            "type": "modal",
            "title": plain_text(self.title),
            **({"submit": plain_text(self.submit)} if self.submit else {}),
            "close": plain_text(self.close),
            **{name: value for name, value in ids.items() if value},
            "blocks": list(self.blocks),
        }
