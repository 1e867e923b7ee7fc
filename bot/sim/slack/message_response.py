"""The effect of an app's answer to a command or a click: what it shows, and what it does to the clicked message.

https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
"""

from dataclasses import dataclass

from bot.sim.slack.content import Content
from bot.sim.slack.history import Author, History, Message, Place, Source
from bot.sim.slack.workspace import Installation


@dataclass(frozen=True, slots=True)
class MessageResponse:
    """A new message in `place`, unless there is an `original`: that one shows the content from now on.

    With `deletes` the original goes, and the content is a new message after all. Empty content is no new message.
    """

    content: Content
    place: Place
    source: Source
    original: Message | None = None
    deletes: bool = False


def respond(history: History, app: Installation, response: MessageResponse) -> bool:
    """Show it; False if the original is gone, then nothing is shown."""
    if response.original is not None:
        present = history.find(response.original.channel, response.original.ts)
        if present is None:
            return False
        if not response.deletes:
            history.replace(present, response.content, trigger_id=response.place.trigger_id)
            return True
        history.delete(present)
    if not response.content.is_empty:
        author = Author(app.bot_user_id, app.bot_id)
        history.post(response.content, author, response.place, response.source)
    return True
