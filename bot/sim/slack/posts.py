"""Messages that are there because a test says so: of the app's incoming webhook, or of a person."""

from bot.sim.slack.content import Part, block_problems, read_content
from bot.sim.slack.history import Author, Message, Place, Source
from bot.sim.slack.platform import Platform


def put(platform: Platform, raw: Part, place: Place, user_id: str | None) -> Message:
    """Add a message, the app's if there is no user; ValueError if Slack would not take its blocks."""
    if complaints := block_problems(raw):
        raise ValueError("\n".join(complaints))
    app = platform.workspace_of_channel(place.channel).installation
    author = Author(app.bot_user_id, app.bot_id) if user_id is None else Author(user_id)
    return platform.history.post(read_content(raw), author, place, Source.POSTED)
