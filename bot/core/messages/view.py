"""A view, before it is known how it is shown: the app's Home, or a dialog.

https://docs.slack.dev/reference/views
"""

from dataclasses import dataclass
from typing import Any

from bot.core.messages.blocks import Block, plain_text


@dataclass(frozen=True, slots=True)
class View:
    """`title` makes it a dialog; without one it is a Home. `submit` is the button that sends what was filled in.

    `callback_id` says which dialog it is. `seen` comes back with what is sent: no secret, and nothing to be trusted.
    """

    blocks: tuple[Block, ...]
    title: str = ""
    submit: str = ""
    close: str = "Close"
    callback_id: str = ""
    seen: str = ""

    def as_json(self) -> dict[str, Any]:
        """As Slack takes it."""
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
